"""`jaxscale next`: where to draw the next samples, and how many are enough."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jaxscale import __version__
from jaxscale.cli._errors import BadInput, arguments_as_options
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import Files, Json, Seed, whole_numbers
from jaxscale.cli._output import check_output, console, described, print_json, progress, replacing
from jaxscale.cli._reading import AS_RECORDED, Reading

if TYPE_CHECKING:
    from jaxscale.planning import Widths

Rule = Literal["online", "optimal", "uniform"]


def next_samples(
    files: Files,
    calls: Annotated[
        str, typer.Option("--calls", metavar="N", show_default=False, help="To spread over the queries of all groups.")
    ],
    k: Annotated[
        str,
        typer.Option(
            "--k",
            metavar="K",
            help="Of which pass@k is to be known (--rule optimal, --width).",
        ),
    ] = "10000",
    rule: Annotated[Rule, typer.Option(help="How calls are spread.")] = "online",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT.csv", show_default=False, help="Where the calls of each go."),
    ] = None,
    width: Annotated[
        float | None,
        typer.Option(
            metavar="W",
            show_default=False,
            help="How narrow the interval is to be: says from which number of attempts on it is.",
        ),
    ] = None,
    reading: Reading = AS_RECORDED,
    level: Annotated[float, typer.Option(help="Probability that an interval is to hold.")] = 0.9,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Say which queries the next calls should go to, so that a forecast of pass@k becomes surer.

    With several groups N is the number of calls of all of them, which go to the queries where they tell most.

    OUT.csv has columns problem, calls (and group, where there are several): what a sampler is to draw next. Names of
    queries are written as recorded: a spreadsheet may take one that begins with =, +, - or @ for a formula.
    """
    budget, further = _one(k, "--k"), _one(calls, "--calls")
    if width is not None and not 0 < width < 1:
        raise BadInput(f"--width = {width!r}: expected a number between 0 and 1")
    if output is not None:
        check_output(output, "--output")
    data = reading.attempts(files)
    prepare_jax(data.values())
    import jax

    from jaxscale.planning import allocate, interval_widths

    widths = {}
    with arguments_as_options("level", "k", "calls"), progress(len(data)) as begin:
        spread = allocate(dict(data), further, budget, rule=rule)
        for name, attempts in data.items():
            begin(name)
            if width is not None:
                widths[name] = interval_widths(attempts, budget, level=level, key=jax.random.key(seed))
    if output is not None:
        columns = ["group"] if len(data) > 1 else []
        with (
            replacing(output, "--output") as part,
            part.open("w", newline="", encoding="utf-8", errors="backslashreplace") as rows,
        ):
            writer = csv.writer(rows)
            writer.writerow([*columns, "problem", "calls"])
            for name, extra in spread.items():
                labels = data[name].query or tuple(map(str, range(len(extra))))
                drawn = [(label, more) for label, more in zip(labels, extra.tolist(), strict=True) if more]
                writer.writerows([*([name] if columns else []), *row] for row in drawn)
    if json:
        groups = []
        for name, extra in spread.items():
            labels = data[name].query or tuple(map(str, range(len(extra))))
            enough = {"widths": _plain(widths[name], width or 0.0)} if name in widths else {}
            calls_of = dict(zip(labels, extra.tolist(), strict=True))
            groups.append({**described(name, data[name]), "curve": [], "calls": calls_of, **enough})
        print_json("next", groups, seed=seed, k=budget, rule=rule)
        return
    from rich.text import Text

    out = console()
    for name, extra in spread.items():
        given = extra[extra > 0]
        low, high = given.min(initial=further), given.max(initial=0)
        span = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        all_of_them = f" of {further:,}" if len(data) > 1 else ""
        line = f"{name}: {extra.sum():,}{all_of_them} calls go to {len(given):,} of {len(extra):,} queries, {span} each"
        if not len(given):
            line = f"{name}: none of {further:,} calls: others tell more"
        out.print(Text(line, style="bold"), soft_wrap=True)
        if name in widths:
            _print_widths(out, widths[name], width or 0.0)
    if output is not None:
        out.print(Text(f"calls of each query: {output}"), soft_wrap=True)
    # Other rules give every pass@k the same calls.
    heeded = f", for pass@{budget:,}" if rule == "optimal" or widths else ""
    out.print(f"rule {rule}{heeded}; seed {seed}; jaxscale {__version__}", style="dim", soft_wrap=True)


def _one(text: str, option: str) -> int:
    try:
        (value,) = whole_numbers(text, option)
    except (BadInput, ValueError):
        shown = text if len(text) <= 40 else f"{text[:37]}..."
        raise BadInput(f"{option} = {shown!r}: expected one whole number from 1 to 10^12") from None
    return value


def _plain(widths: "Widths", wanted: float) -> dict[str, Any]:
    plain = widths.to_dict()
    columns = {name: plain[name] for name in ("attempts", "width", "value")}
    points = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {"level": widths.level, "points": points, "wanted": wanted, "enough": widths.enough(wanted)}


def _print_widths(out: Any, widths: "Widths", wanted: float) -> None:
    from rich.text import Text

    out.print(widths)
    enough, most = widths.enough(wanted), int(widths.attempts[-1])
    if enough is None:
        said = f"{most:,} attempts a query are too few"
    else:
        larger = "" if enough == most else f", as are the larger numbers up to {most:,}"
        said = f"{enough:,} attempts a query are enough{larger}"
    out.print(Text(f"for a width of {wanted:g}: {said} (simulated from what was recorded)"), soft_wrap=True)
