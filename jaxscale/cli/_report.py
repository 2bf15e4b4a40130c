"""`jaxscale report`: a page about recorded calls, for a reader who never used jaxscale."""

import warnings
from pathlib import Path
from typing import Annotated

import typer

from jaxscale.cli._errors import arguments_as_options
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import Files, Seed, whole_numbers
from jaxscale.cli._output import check_output, progress, replacing
from jaxscale.cli._reading import AS_RECORDED, Reading, read_prices, say_read, votes


@votes
def report(
    files: Files,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.html", show_default=False, help="The page.")],
    calls: Annotated[
        str | None,
        typer.Option(
            "--calls", "--k", metavar="K,...", show_default=False, help="Further numbers of calls for the tables."
        ),
    ] = None,
    reading: Reading = AS_RECORDED,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="PRICES.toml", show_default=False, help="What each model costs: adds a section on cost."),
    ] = None,
    level: Annotated[float, typer.Option(help="Probability that an interval is to hold.")] = 0.9,
    seed: Seed = 0,
) -> None:
    """Write a page that says what recorded calls say: what more calls give, whether they help, and how sure that is.

    FILE is any table or log that forecast or vote reads: with answers the page is about votes and coverage, without
    them about coverage. It is one file that loads nothing from elsewhere.
    """
    further = [] if calls is None else whole_numbers(calls, "--calls")
    check_output(output, "--output", (".html", ".htm"))
    with warnings.catch_warnings(record=True) as said:
        data = reading.either(files)
    for each in said:
        warnings.showwarning(each.message, each.category, each.filename, each.lineno)
    prepare_jax(data.values())
    import jax

    from jaxscale.reports import report as page_about

    costs = None if prices is None else read_prices(prices, data)
    with arguments_as_options("level"), progress(len(data)) as begin:
        page = page_about(
            data,
            further,
            title=_title(files),
            group=reading.group or (),
            notes=[str(each.message) for each in said],
            level=level,
            key=jax.random.key(seed),
            costs=costs,
            progress=begin,
        )
    with replacing(output, "--output") as part:
        part.write_text(page, encoding="utf-8", errors="backslashreplace")
    say_read(data.summary)
    print(output)


def _title(files: list[str]) -> str:
    names = [file.rstrip("/").rpartition("/")[2] if "://" in file else Path(file).resolve().name for file in files]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more files"
