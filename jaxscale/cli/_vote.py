"""`jaxscale vote`: the accuracy of a majority vote within and beyond the recorded ballots."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jaxscale import __version__
from jaxscale._words import number_of
from jaxscale.cli._errors import BadInput, arguments_as_options
from jaxscale.cli._forecast import Over
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import FailUnder, Files, Json, Seed, whole_numbers
from jaxscale.cli._output import (
    check_gate,
    check_picture,
    console,
    described,
    hold_against,
    print_json,
    progress,
    replacing,
    warned,
)
from jaxscale.cli._reading import AS_RECORDED, Reading, say_read, votes

if TYPE_CHECKING:
    from jaxscale.data import Ballots
    from jaxscale.forecasting import VoteSummary
    from jaxscale.systems import FilterVote, Vote

MOST_CALLS = 10**5

_MEANING = {
    "these": "a further run on these very queries",
    "population": "the expectation over queries like these",
}


@votes
def vote(
    files: Files,
    calls: Annotated[str, typer.Option("--calls", "--k", metavar="K,...", help="Numbers of calls.")] = "1,3,5,9,33",
    reading: Reading = AS_RECORDED,
    system: Annotated[
        Literal["vote", "filter-vote"], typer.Option(help="Vote over all calls, or over those that a filter kept.")
    ] = "vote",
    filter_calls_count: Annotated[
        bool, typer.Option("--filter-calls-count", help="K calls are K/2 answers and as many calls of the filter.")
    ] = False,
    level: Annotated[float, typer.Option(help="Probability that an interval is to hold.")] = 0.9,
    over: Annotated[Over, typer.Option(help="Intervals for these queries, or for queries like them.")] = "these",
    seed: Seed = 0,
    json: Json = False,
    fail_under: FailUnder = None,
    plot: Annotated[Path | None, typer.Option(metavar="OUT.png", show_default=False, help="Draw the curves.")] = None,
) -> None:
    """Estimate the accuracy of a vote from recorded ballots, forecast it beyond them, and say whether more calls help.

    FILE is CSV, JSONL or Parquet with columns problem, answer, count, correct (or problem, answer, correct with one
    row a call), and kept for a filter; or a log of a known evaluation tool. A call without an answer never wins.
    """
    budgets = whole_numbers(calls, "--calls", most=MOST_CALLS)
    if filter_calls_count and system != "filter-vote":
        raise BadInput("--filter-calls-count: expected only with --system filter-vote")
    if filter_calls_count and min(budgets) < 2:
        raise BadInput("--calls = 1: expected at least 2 with --filter-calls-count, where the filter's own calls count")
    check_picture(plot)
    check_gate(fail_under)
    data = reading.ballots(files)
    if system == "filter-vote":
        for name, ballots in data.items():
            if ballots.kept_counts is None:
                raise BadInput(f"--system = 'filter-vote': {name}: expected files with a column 'kept'")
    prepare_jax(data.values())
    from jaxscale.forecasting import warn_of_other_queries
    from jaxscale.systems import system_named

    numbers = {"filter_calls_count": True} if filter_calls_count else {}
    chosen: Any = system_named(system, **numbers)
    with warned() as warnings:
        warn_of_other_queries(data)
        results = vote_each(data, budgets, system=chosen, level=level, over=over, seed=seed)
    if plot is not None:
        draw(plot, data, results, system=chosen, seed=seed)
    if json:
        groups = [{**_described(name, data[name]), **result.to_dict()} for name, result in results.items()]
        how = {"system": system, "filter_calls_count": filter_calls_count}
        print_json("vote", groups, read=data.summary.to_dict(), warnings=warnings, seed=seed, **how)
    else:
        say_read(data.summary)
        out = console()
        for name, result in results.items():
            print_vote(out, name, data[name], result)
        out.print(f"{level:.0%} intervals for {_MEANING[over]}; seed {seed}; jaxscale {__version__}", style="dim")
    for name, result in results.items():
        if result.warning is not None:
            print(f"jaxscale: warning: {name}: {result.warning}", file=sys.stderr)
    hold_against(fail_under, {name: result.forecast for name, result in results.items()}, "accuracy of {:,} calls")


def vote_each(
    data: Mapping[str, "Ballots"], calls: list[int], *, system: "Vote | FilterVote", level: float, over: Over, seed: int
) -> dict[str, "VoteSummary"]:
    """A summary of each data set, with a bar for a person who waits."""
    import jax

    from jaxscale.forecasting import vote_summary

    results = {}
    key = jax.random.key(seed)
    with arguments_as_options("level", "over", "calls"), progress(len(data)) as begin:
        for name, ballots in data.items():
            begin(name)
            results[name] = vote_summary(system, ballots, calls, level=level, over=over, key=key)
    return results


def _described(name: str, data: "Ballots") -> dict[str, Any]:
    return {**described(name, data.as_attempts), "blank": _blank(data)}


def _blank(data: "Ballots") -> int:
    return 0 if data.blank is None else int(data.blank.sum())


def print_vote(out: Any, name: str, data: "Ballots", result: "VoteSummary") -> None:
    """Print one data set's table and what it means."""
    from rich.text import Text

    least, most = int(data.calls.min()), int(data.calls.max())
    span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    blank = _blank(data)
    silent = f", {blank:,} of {data.calls.sum():,} without an answer (these never win)" if blank else ""
    calls = number_of(1, "ballots") if most == 1 else f"{span} ballots"
    out.print(Text(f"{name}: {number_of(len(data), 'queries')} x {calls}{silent}", style="bold"))
    table = result.__rich__()
    # Beneath the table, not in it: there they would wrap at its width.
    *lines, model = str(table.caption).split("\n")
    table.caption = None
    out.print(table)
    for line in lines:
        out.print(Text(line), soft_wrap=True)
    out.print(Text(f"{model}\n", style="dim"))


def draw(
    path: Path,
    data: Mapping[str, "Ballots"],
    results: Mapping[str, "VoteSummary"],
    *,
    system: "Vote | FilterVote",
    seed: int,
) -> None:
    """Write a picture: the curve and its parts of one data set side by side, or a panel for each of several."""
    import jax
    import matplotlib
    import numpy as np

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    from jaxscale.forecasting import forecast, recorded_calls
    from jaxscale.plot import plot_votes

    wide = 2 if len(data) == 1 else min(4, len(data))
    high = 1 if len(data) == 1 else -(-len(data) // wide)
    size = (10.5, 4.6) if len(data) == 1 else (3.4 * wide, 2.9 * high + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(high, wide, squeeze=False).reshape(-1).tolist()
    for name, ballots in data.items():
        points, recorded, best = results[name].forecast, results[name].recorded, results[name].best
        first, last = int(recorded.estimate.calls[0]), int(max(points.calls.max(), recorded.shape.last, best.calls, 3))
        end = min(recorded_calls(system, ballots), last)
        dense = np.union1d(
            np.rint(np.geomspace(first, last, 40)).astype(int), [max(first, end // 2), end, min(end + 1, last)]
        )
        method: Any = points.model.name
        curve = forecast(
            system, ballots, dense, model=method, level=points.level, over=points.over, key=jax.random.key(seed)
        )
        if len(data) == 1:
            plot_votes(panels.pop(0), curve, points, best=best)
            plot_votes(panels.pop(0), curve, parts=recorded.parts, best=best)
            figure.suptitle(f"{name}: {number_of(len(ballots), 'queries')}", fontsize=11, x=0.01, ha="left")
        else:
            panel = panels.pop(0)
            plot_votes(panel, curve, parts=recorded.parts, best=best)
            panel.set_title(name, loc="left", fontsize=9)
            panel.label_outer()
    if len(data) > 1:
        note = "Accuracy of a vote; dashed: forecast; star: best number of calls"
        figure.suptitle(note, fontsize=11, x=0.01, ha="left")
    for empty in panels:
        empty.set_visible(False)
    with replacing(path, "--plot") as part:
        figure.savefig(part, dpi=150)
