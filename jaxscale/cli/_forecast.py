"""`jaxscale forecast`: pass@k, pass^k and shares of right calls within and beyond the recorded attempts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jaxscale import __version__
from jaxscale.cli._errors import BadInput, arguments_as_options
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import (
    DIFFICULTY,
    FORECAST_BY_COUNTS,
    FailUnder,
    Files,
    Json,
    Seed,
    Share,
    check_share,
    whole_numbers,
)
from jaxscale.cli._output import (
    check_gate,
    check_picture,
    console,
    described,
    hold_against,
    print_json,
    progress,
    replacing,
    title,
    warned,
)
from jaxscale.cli._reading import AS_RECORDED, Reading, say_read

if TYPE_CHECKING:
    from jaxscale.data import Attempts
    from jaxscale.forecasting import Forecast
    from jaxscale.systems import AbstractSystem


Over = Literal["these", "population"]

MODELS = ("auto", *DIFFICULTY, "loglog", "discretised-beta")
"""What `--model` takes."""

_MEANING = {
    "these": "a further run on these very queries",
    "population": "the expectation over queries like these",
}


def forecast(
    files: Files,
    calls: Annotated[
        str, typer.Option("--calls", "--k", metavar="K,...", help="Numbers of calls.")
    ] = "1,10,100,1000,10000",
    system: Annotated[
        str,
        typer.Option(metavar="NAME", help=f"{', '.join(FORECAST_BY_COUNTS)}: any, all or a share of the calls right."),
    ] = "pass-at-k",
    share: Share = None,
    reading: Reading = AS_RECORDED,
    model: Annotated[
        str, typer.Option(metavar="NAME", help=f"What to trust beyond the attempts: {', '.join(MODELS)}.")
    ] = "auto",
    level: Annotated[float, typer.Option(help="Probability that an interval is to hold.")] = 0.9,
    over: Annotated[Over, typer.Option(help="Intervals for these queries, or for queries like them.")] = "these",
    separately: Annotated[
        bool, typer.Option("--separately", help="Forecast each group without what others at its queries show.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
    fail_under: FailUnder = None,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.png", show_default=False, help="Draw the curves.")] = None,
) -> None:
    """Estimate pass@k (or pass^k, or G-Pass@k) from recorded attempts, and forecast it beyond them, with intervals.

    pass^k (all-pass) is the share of the subsets of k recorded attempts that are all right, averaged over problems; it
    is not the mean success rate to the power k, which is lower.

    FILE is CSV, JSONL or Parquet with columns problem, attempts, successes (or problem, passed with one row a call), or
    a log of a known evaluation tool. Groups at the same queries inform each other's forecasts by auto.
    """
    budgets = whole_numbers(calls, "--calls")
    if model not in MODELS:
        raise BadInput(
            f"--model = {model!r}: expected {', '.join(MODELS)} (the shapes that auto averages are not to be had "
            "alone; jaxscale fit fits laws of the curve)"
        )
    if system not in FORECAST_BY_COUNTS:
        raise BadInput(f"--system = {system!r}: expected {', '.join(FORECAST_BY_COUNTS)} (jaxscale vote has votes)")
    check_share(share, [system])
    check_picture(plot)
    check_gate(fail_under)
    data = reading.attempts(files)
    settings: dict[str, Any] = {
        "system": system,
        "share": share,
        "model": model,
        "level": level,
        "over": over,
        "seed": seed,
        "separately": separately,
    }
    with warned() as warnings:
        results = forecast_each(data, budgets, **settings)
    measured = _system(system, share).title
    if plot is not None:
        draw(plot, data, results, **settings)
    if json:
        groups = [{**described(name, data[name]), **_plain(result)} for name, result in results.items()]
        print_json("forecast", groups, system=system, read=data.summary.to_dict(), warnings=warnings, seed=seed)
    else:
        say_read(data.summary)
        out = console()
        for name, result in results.items():
            print_forecast(out, name, data[name], result, measured)
        out.print(f"{level:.0%} intervals for {_MEANING[over]}; seed {seed}; jaxscale {__version__}", style="dim")
    hold_against(fail_under, results, measured.replace("k", "{:,}"))


def forecast_each(
    data: Mapping[str, "Attempts"],
    calls: list[int],
    *,
    system: str = "pass-at-k",
    share: float | None = None,
    model: str = "auto",
    level: float = 0.9,
    over: Over = "these",
    seed: int,
    separately: bool = False,
) -> dict[str, "Forecast"]:
    """A forecast for each data set, pooled by auto, with a bar for a person who waits."""
    prepare_jax(data.values())
    import jax

    from jaxscale.forecasting import GroupForecasts, forecast, warn_of_other_queries

    results = {}
    warn_of_other_queries(data)
    key = jax.random.key(seed)
    with arguments_as_options("share"):
        chosen = _system(system, share)
    with arguments_as_options("model", "level", "over", "calls"), progress(len(data)) as begin:
        pooled = chosen.measures == "coverage" and model == "auto" and not separately
        forecasts = GroupForecasts(data, key) if pooled else None
        for name, attempts in data.items():
            begin(name)
            if forecasts is None:
                results[name] = forecast(chosen, attempts, calls, model=model, level=level, over=over, key=key)
            else:
                results[name] = forecasts.forecast(name, calls, level=level, over=over)
    return results


def _system(name: str, share: float | None) -> "AbstractSystem":
    from jaxscale.systems import system_named

    return system_named(name, **({} if share is None else {"share": share}))


def _plain(result: "Forecast") -> dict[str, Any]:
    """The forecast for JSON, whose numbers of calls are called `k` too: both names stay."""
    plain = result.to_dict()
    return {**plain, "curve": [{"k": row["calls"], **row} for row in plain["curve"]]}


def print_forecast(out: Any, name: str, data: "Attempts", result: "Forecast", title_of_values: str) -> None:
    """Print one data set's table."""
    from rich.text import Text

    table = result.__rich__()
    table.columns[1].header = title_of_values
    # Beside the table, not in it: there they would wrap at its width.
    table.caption = None
    out.print(Text(title(name, data), style="bold"))
    out.print(table)
    out.print(Text(f"model beyond the data: {result.model}\n", style="dim"))


def draw(
    path: Path,
    data: Mapping[str, "Attempts"],
    results: Mapping[str, "Forecast"],
    *,
    system: str = "pass-at-k",
    share: float | None = None,
    **settings: Any,
) -> None:
    """Write a picture of forecasts, with a smooth curve through each, forecast under the same settings."""
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    from jaxscale.plot import plot_forecasts

    first = next(iter(results.values()))
    span = np.geomspace(1, max(int(first.calls.max()), 2), 60)
    ends = [int(attempts.attempts.min()) for attempts in data.values() if attempts.attempts.min() <= span[-1]]
    dense = sorted({round(k) for k in span.tolist()} | set(ends))
    curves = forecast_each(data, dense, system=system, share=share, **settings)
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = plot_forecasts(figure.subplots(), curves, results)
    chosen = _system(system, share)
    if chosen.measures != "coverage":
        axes.set_ylabel(f"{chosen.title}, mean over queries")
        axes.set_title("", loc="left")
    with replacing(path, "--plot") as part:
        figure.savefig(part, dpi=120)
