"""Sweeps: many simulations into one Parquet file, in parts that survive being killed."""

import hashlib
import json
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jaxlib
import numpy as np
import pyarrow as pa
from jax.sharding import Mesh

from jaxscale import __version__
from jaxscale._arrays import float64
from jaxscale.data import DataWarning
from jaxscale.simulator._build import build_process
from jaxscale.simulator._claim import OutputTaken, claimed
from jaxscale.simulator._parts import Parts
from jaxscale.simulator._points import Sums, simulate_points
from jaxscale.simulator._result import Simulation
from jaxscale.simulator._schema import Point, Sweep, read_sweep

_FLUSH_SECONDS = 2.0


def sweep(
    config: str | Path | Sweep,
    out: str | Path,
    *,
    resume: bool = False,
    mesh: Mesh | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> Path:
    """Run a grid of simulations and write one row per point and number of calls.

    Neighbouring points that differ only in the values of parameters share one compilation, and small ones run
    together: as many as have, on each device, the indices of one step of a large point. On a CPU these are points of
    up to 8,192 indices (replicates x queries), 8 to 64 at a time; elsewhere of up to 131,072. Larger ones run one by
    one. Either way a point has the bits that `simulate` gives it. Every two seconds what is finished is written to
    `OUT.parts/`, each file atomically, and so are the sums of a point that takes longer; at the end all becomes `OUT`,
    atomically too. The rows are the same however often a run is killed and resumed, and whatever `jax_enable_x64` says.

    Args:
        config: a TOML file (see `read_sweep`), or a sweep.
        out: the Parquet file to write. Its metadata (`jaxscale`, JSON) hold what two runs must share for one to resume
            the other: a fingerprint of the sweep, the versions of jaxscale, jax and jaxlib, the kind of random numbers.
        resume: go on with what a killed run of the same sweep left; a complete `OUT` of it is kept as it is. Otherwise
            what was left is removed, and `OUT` replaced in the end.
        mesh: devices, as in `simulate`.
        progress: called with (points done, points in all) after each point, and once at the start; with a fraction of a
            point too, where it takes long.

    Returns:
        The path of the file. Columns: `point`, `population`, `system`, one per parameter (null where it does not
        apply), `calls`, `mean`, `standard_error`, `calls_used`, `replicates`, `seed`, `seconds` (of the point;
        an equal share where points ran at once), `device`.

    Raises:
        ValueError: for a bad configuration, a system that has no meaning on the population (before anything is
            written), parts of another sweep, a folder `OUT.parts` that is not of a sweep, or an `OUT` that another run
            is writing.

    Warns:
        DataWarning: names parts that are damaged, or of another sweep: their points are simulated again.
    """
    plan = config if isinstance(config, Sweep) else read_sweep(config)
    kinds = list(
        {
            (point.population_name, *point.population, point.system_name, *point.system): point for point in plan.points
        }.values()
    )
    _check_kinds(plan, kinds)
    out = Path(out)
    if out.exists() and not out.is_file():
        raise OutputTaken(f"{out} is no regular file: expected a name for a Parquet file")
    with float64():  # without it seeds from 2^32 on would lose their upper bits
        key = jax.random.key(plan.seed)
    total = len(plan.points)
    show = progress or (lambda done, total: None)
    with claimed(out, _say):
        parts = Parts(out, _identity(plan, key), total, len(plan.calls), _schema(kinds), _say)
        parts.tidy()
        if resume and parts.whole():
            show(total, total)
            parts.remove()
            return out
        missing = parts.begin(resume)
        done = total - sum(map(len, missing))
        show(done, total)
        for numbers in missing:
            _run(plan, key, numbers, parts, mesh, partial(_show_from, show, done, total))
            done += len(numbers)
        parts.merge()
        parts.remove()
    return out


def _show_from(show: Callable[[float, int], None], done: int, total: int, more: float) -> None:
    show(done + more, total)


def _run(plan: Sweep, key: Any, numbers: range, parts: Parts, mesh: Mesh | None, show: Callable[[float], None]) -> None:
    """Simulate points of consecutive numbers into parts; `show` is told how many of them are done."""
    pending: dict[str, list[Any]] = {name: [] for name in parts.schema.names}
    first, flushed = numbers.start, time.monotonic()

    def reached(point: int, indices: int, sums: Sums) -> None:
        nonlocal pending, first, flushed
        if time.monotonic() - flushed > _FLUSH_SECONDS:
            flush(point)
            parts.save_within(point, *sums)
            flushed = time.monotonic()
        show(point - numbers.start + sums[0] / indices)

    def flush(stop: int) -> None:
        nonlocal pending, first, flushed
        if first < stop:
            parts.write(first, stop, pending)
            pending, first, flushed = {name: [] for name in pending}, stop, time.monotonic()

    results = simulate_points(key, plan.points, numbers, plan.calls, plan.replicates, mesh, parts.within, reached)
    device = (jax.devices()[0] if mesh is None else mesh.devices.flat[0]).device_kind
    for point, (found, seconds) in enumerate(results, numbers.start):
        _add_rows(pending, plan, point, found, seconds, device)
        if point + 1 == numbers.stop or time.monotonic() - flushed > _FLUSH_SECONDS:
            flush(point + 1)
        show(point + 1 - numbers.start)


def _check_kinds(plan: Sweep, kinds: list[Point]) -> None:
    """Refuse a system that has no meaning on the population before the points ahead of it have been run."""
    for point in kinds:
        system, population = point.build()
        with float64():
            try:
                build_process(system, population, np.unique(plan.calls))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{point.system_name} on {point.population_name}: {error}") from None


def _identity(plan: Sweep, key: Any) -> dict[str, str]:
    """What two runs must have in common for the rows of one to go on with those of the other."""
    points = [(point.population_name, point.population, point.system_name, point.system) for point in plan.points]
    described = json.dumps([plan.calls, plan.replicates, plan.seed, points], sort_keys=True)
    partitionable = " (partitionable)" if jax.config.jax_threefry_partitionable else ""  # type: ignore[attr-defined]
    return {
        "sweep": hashlib.sha256(described.encode()).hexdigest(),
        "jaxscale": __version__,
        "jax": jax.__version__,
        "jaxlib": jaxlib.__version__,
        "random": f"{jax.random.key_impl(key)}{partitionable}",
    }


def _add_rows(
    columns: dict[str, list[Any]], plan: Sweep, index: int, found: Simulation, seconds: float, device: str
) -> None:
    """Add the rows of a point, one a number of calls, to lists of what stands in each column."""
    point = plan.points[index]
    common = {
        "point": index,
        "population": point.population_name,
        "system": point.system_name,
        **point.population,
        **point.system,
        "replicates": plan.replicates,
        "seed": plan.seed,
        "seconds": seconds,
        "device": device,
    }
    used = [None] * len(plan.calls) if found.calls_used is None else found.calls_used.tolist()
    own = {
        "calls": plan.calls,
        "mean": found.value.tolist(),
        "standard_error": found.standard_error.tolist(),
        "calls_used": used,
    }
    for name, column in columns.items():
        column += own[name] if name in own else [common.get(name)] * len(plan.calls)


def _schema(kinds: list[Point]) -> pa.Schema:
    """The columns of a sweep: parameters of populations and systems have different names."""
    columns: dict[str, pa.DataType] = {}
    for point in kinds:
        columns |= {name: _arrow_type(value) for name, value in (*point.population.items(), *point.system.items())}
    fields = {
        "point": pa.int64(),
        "population": pa.string(),
        "system": pa.string(),
        **columns,
        "calls": pa.int64(),
        "mean": pa.float64(),
        "standard_error": pa.float64(),
        "calls_used": pa.float64(),
        "replicates": pa.int64(),
        "seed": pa.int64(),
        "seconds": pa.float64(),
        "device": pa.string(),
    }
    return pa.schema(list(fields.items()))


def _arrow_type(value: Any) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, str):
        return pa.string()
    return pa.list_(pa.float64()) if isinstance(value, list) else pa.float64()


def _say(sentence: str) -> None:
    warnings.warn(sentence, DataWarning, stacklevel=2)
