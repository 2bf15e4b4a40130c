"""`jaxscale simulate`: a sweep of simulations, from a TOML file into a Parquet file."""

import contextlib
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from jaxscale import __version__
from jaxscale.cli._errors import BadInput
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import Json
from jaxscale.cli._output import check_output, console, print_json, progress


def simulate(
    config: Annotated[Path, typer.Argument(metavar="SWEEP.toml", show_default=False, help="What to simulate.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT.parquet", show_default=False, help="The results.")
    ],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a killed run of this sweep ended, or keep what it finished.")
    ] = False,
    json: Json = False,
) -> None:
    """Simulate systems on populations, over a grid of parameters.

    SWEEP.toml has calls, replicates, seed, a [population] and [[system]] tables. OUT.parquet gets one row per point of
    the grid and number of calls once all are done; until then what is finished is kept in OUT.parquet.parts, and
    OUT.parquet.claim says which process writes it.
    """
    check_output(output, "--output", (".parquet",))
    prepare_jax(None)
    import jax
    import numpy as np

    from jaxscale.data import DataWarning
    from jaxscale.simulator import OutputTaken, read_sweep, sweep

    warnings.simplefilter("always", DataWarning)

    try:
        with progress(1) as begin:
            begin(f"checking the points of {config}")
            plan = read_sweep(config)
    except OSError as error:
        raise BadInput(f"{config}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise BadInput(str(error)) from None
    devices = jax.devices()
    mesh = jax.sharding.Mesh(np.array(devices), ("queries",)) if len(devices) > 1 else None
    start, done = time.perf_counter(), list[float]()
    try:
        with _bar() as show:

            def advance(points: float, total: int) -> None:
                if not done:
                    done.append(points)
                show(points, total)

            sweep(plan, output, resume=resume, mesh=mesh, progress=advance)
    except OSError as error:
        fault = (error.strerror or str(error)).lower()
        raise BadInput(f"--output = {str(output)!r}: cannot be written: {fault}") from None
    except OutputTaken as error:
        raise BadInput(str(error)) from None
    except ValueError as error:
        raise BadInput(f"{config}: {error}") from None
    except KeyboardInterrupt:
        print(f"jaxscale: what is finished is kept in {output}.parts: add --resume to go on", file=sys.stderr)
        raise
    seconds = time.perf_counter() - start
    points, rows, device = len(plan.points), len(plan.points) * len(plan.calls), devices[0].device_kind
    if json:
        group = {
            "name": config.stem,
            "output": str(output),
            "points": points,
            "points_resumed": int(done[0]),
            "rows": rows,
            "seconds": seconds,
            "device": device,
            "devices": len(devices),
            "curve": [],
        }
        print_json("simulate", [group], seed=plan.seed)
        return
    kept = f" ({int(done[0]):,} of them resumed)" if done[0] else ""
    on = device if mesh is None else f"{len(devices)} x {device}"
    out = console()
    out.print(
        f"{output}: {rows:,} rows, {points:,} points{kept}, {seconds:.1f} seconds on {on}", markup=False, soft_wrap=True
    )
    out.print(f"{plan.replicates:,} replicates a point; seed {plan.seed}; jaxscale {__version__}", style="dim")


@contextlib.contextmanager
def _bar() -> Iterator[Callable[[float, int], None]]:
    """A bar on stderr with an estimate of the time left, where a person sees it.

    Yields:
        A function to call with (points done, points in all); a point that is done in part counts as a fraction.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("points"),
        BarColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # A point may take minutes: the estimate is made from all of them, not from those of the last half minute.
    with Progress(*columns, console=Console(stderr=True), transient=True, speed_estimate_period=float("inf")) as bar:
        task = None

        def show(done: float, total: int) -> None:
            nonlocal task
            whole = int(done)
            words = f"{whole:,}/{total:,}" + (f", {done - whole:.4%} of the next" if done > whole else "")
            if task is None:  # points resumed count as done, but not towards the speed
                task = bar.add_task(words, total=total, completed=int(done))
            else:
                bar.update(task, completed=done, description=words)

        yield show
