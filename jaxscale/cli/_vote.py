"""`jaxscale vote`: the accuracy of a majority vote within and beyond the recorded ballots."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import typer

from jaxscale import __version__
from jaxscale.cli._errors import BadInput, arguments_as_options
from jaxscale.cli._forecast import Over
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import FailUnder, Files, Json, Seed, whole_numbers
from jaxscale.cli._output import (
    check_gate,
    check_picture,
    console,
    hold_against,
    print_json,
    progress,
    replacing,
    warned,
)
from jaxscale.cli._reading import AS_RECORDED, Reading, say_read, votes

if TYPE_CHECKING:
    from jaxscale.data import Ballots
    from jaxscale.estimators import BestMajority, VoteCurve
    from jaxscale.forecasting import Forecast
    from jaxscale.systems import FilterVote, Vote

MOST_CALLS = 10**5
_AHEAD = 10  # times the recorded calls are looked at for the best number

_MEANING = {
    "these": "a further run on these very queries",
    "population": "the expectation over queries like these",
}


class _Result(NamedTuple):
    forecast: "Forecast"
    recorded: "VoteCurve"
    best: "BestMajority"


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
        groups = [{**_described(name, data[name]), **_plain(result)} for name, result in results.items()]
        how = {"system": system, "filter_calls_count": filter_calls_count}
        print_json("vote", groups, read=data.summary.to_dict(), warnings=warnings, seed=seed, **how)
    else:
        say_read(data.summary)
        out = console()
        for name, result in results.items():
            print_vote(out, name, data[name], result)
        out.print(f"{level:.0%} intervals for {_MEANING[over]}; seed {seed}; jaxscale {__version__}", style="dim")
    for name, result in results.items():
        _warn(name, len(data[name]), result.recorded, result.best)
    hold_against(fail_under, {name: result.forecast for name, result in results.items()}, "accuracy of {:,} calls")


def vote_each(
    data: Mapping[str, "Ballots"], calls: list[int], *, system: "Vote | FilterVote", level: float, over: Over, seed: int
) -> dict[str, _Result]:
    """A forecast and the recorded curve of each data set, with a bar for a person who waits."""
    import jax
    import numpy as np

    from jaxscale.estimators import vote_curve
    from jaxscale.forecasting import best_vote, forecast, select

    results = {}
    key = jax.random.key(seed)
    with arguments_as_options("level", "over", "calls"), progress(len(data)) as begin:
        for name, ballots in data.items():
            begin(name)
            end = _recorded(ballots, system)
            looked_at = [*calls, *_ahead(end, max(calls))]
            ahead = forecast(system, ballots, looked_at, level=level, over=over, key=key)
            within = [k for k in calls if k <= end]
            curve = vote_curve(ballots, system, also=within, level=level, key=key)
            asked = select(ahead, np.arange(len(calls)))
            results[name] = _Result(asked, curve, best_vote(curve, ahead, key=key))
    return results


def _ahead(recorded: int, wanted: int) -> list[int]:
    """Numbers of calls beyond the recorded ones, among which the best is looked for too."""
    import numpy as np

    last = min(max(_AHEAD * recorded, wanted), MOST_CALLS)
    return np.unique(np.rint(np.geomspace(recorded + 1, last, 12)).astype(int)).tolist() if last > recorded else []


def _recorded(ballots: "Ballots", system: "Vote | FilterVote") -> int:
    """The most calls that the ballots of every query make."""
    return int(system.calls_for(int(ballots.calls.min()) + 1)) - 1


def _described(name: str, data: "Ballots") -> dict[str, Any]:
    recorded = data.calls
    return {
        "name": name,
        "queries": len(data),
        "attempts_min": int(recorded.min()),
        "attempts_max": int(recorded.max()),
        "blank": int(_blank(data)),
    }


def _blank(data: "Ballots") -> int:
    return 0 if data.blank is None else int(data.blank.sum())


def _plain(result: _Result) -> dict[str, Any]:
    forecast, recorded, best = result
    shares, shape = recorded.difficulty.shares, recorded.shape
    parts = {}
    for name, part in recorded.parts.items():
        rows = zip(part.calls.tolist(), part.value.tolist(), part.standard_error.tolist(), strict=True)
        curve = [dict(zip(("calls", "value", "standard_error"), row, strict=True)) for row in rows]
        parts[name] = {"queries": _queries(recorded)[name], "curve": curve}
    return {
        **forecast.to_dict(),
        "curve": forecast.curve(),
        "shape": shape.kind,
        "shape_in_words": shape.words,
        "shape_beyond_noise": shape.beyond_noise,
        "shape_calls": [shape.first, shape.last],
        "best": _plain_best(best),
        "best_recorded": _plain_best(recorded.best),
        "difficulty": {**shares, "level": best.level, "limit": float(recorded.difficulty.limit.mean())},
        "parts": parts,
    }


def _plain_best(best: "BestMajority") -> dict[str, Any]:
    return {
        "calls": best.calls,
        "at_end": best.at_end,
        "kind": "forecast" if best.foretold else "estimate",
        "lower": best.lower,
        "upper": best.upper,
        "looked_up_to": best.last,
        "gain": best.gain,
        "gain_lower": best.gain_lower,
        "gain_upper": best.gain_upper,
        "helps": best.helps,
    }


def _queries(recorded: "VoteCurve") -> dict[str, int]:
    difficulty = recorded.difficulty.difficulty
    counts = {"easy": difficulty < 0, "hard": difficulty > 0, "tied": difficulty == 0}
    return {name: int(which.sum()) for name, which in counts.items()}


def print_vote(out: Any, name: str, data: "Ballots", result: _Result) -> None:
    """Print one data set's table and what it means."""
    from rich.table import Table
    from rich.text import Text

    forecast, recorded, _ = result
    least, most = int(data.calls.min()), int(data.calls.max())
    span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    blank = _blank(data)
    silent = f", {blank:,} of {data.calls.sum():,} without an answer (these never win)" if blank else ""
    out.print(Text(f"{name}: {len(data):,} queries x {span} ballots{silent}", style="bold"))

    counts = _queries(recorded)
    table = Table("calls", "accuracy", f"{forecast.level:.0%} interval", "kind")
    for part in recorded.parts:
        table.add_column(f"{counts[part]} {part}")
    for column in table.columns:
        column.justify = "left" if column.header == "kind" else "right"
    values = {part: dict(zip(e.calls.tolist(), e.value.tolist(), strict=True)) for part, e in recorded.parts.items()}
    for row in forecast.curve():
        interval = f"{row['lower']:.4f} to {row['upper']:.4f}"
        split = [f"{value[row['calls']]:.4f}" if row["calls"] in value else "" for value in values.values()]
        table.add_row(f"{row['calls']:,}", f"{row['value']:.4f}", interval, row["kind"], *split)
    out.print(table)
    for line in _sentences(result, len(data)):
        out.print(Text(line), soft_wrap=True)
    out.print(Text(f"model beyond the data: {forecast.model}\n", style="dim"))


def _gain(best: "BestMajority") -> str:
    interval = f"{best.level:.0%} interval {best.gain_lower:+.4f} to {best.gain_upper:+.4f}"
    return f"{best.gain:+.4f} over one call, {interval}"


def _helps(best: "BestMajority", within: "BestMajority") -> str:
    """Whether voting is better than one call, by the best number of calls, or else by the best within the data."""
    if best.helps:
        return "yes"
    if within.helps:
        return f"yes, within the data: {within.words[0]} calls, {_gain(within)}"
    return "no" if best.gain <= 0 else "not beyond the noise of these queries"


def _sentences(result: _Result, queries: int) -> list[str]:
    recorded, best = result.recorded, result.best
    shape, shares = recorded.shape, recorded.difficulty.shares
    level = f"{best.level:.0%}"
    if shape.kind == "unknown":
        lines = ["shape: unknown, from so few ballots a query"]
    else:
        noise = "" if shape.beyond_noise or not shape.moves else f", though not beyond the noise of {queries:,} queries"
        lines = [f"shape: {shape.words}{noise} (from {shape.first:,} to {shape.last:,} calls)"]
        number, interval = best.words
        kind = ", a forecast" if best.foretold else ""
        lines.append(f"best: {number} calls{kind} ({level} interval {interval}), {_gain(best)}")
        if best.at_end:
            end = "what was foretold" if best.foretold else "the data"
            lines.append(f"still rising at the end of {end}: more than {best.calls:,} calls were not looked at")
        lines.append(f"does voting help at all? {_helps(best, recorded.best)}")
    counts = _queries(recorded)
    leads = [
        f"{part}: {leader} leads in {counts[part]:,} queries, surely in {round(shares[part] * queries):,}"
        for part, leader in (("easy", "the right answer"), ("hard", "a wrong answer"))
    ]
    tied = f"; tied: {counts['tied']:,}" if counts["tied"] else ""
    lines.append(f"{'; '.join(leads)} (at {level} confidence){tied}")
    limit = recorded.difficulty.limit.mean()
    lines.append(f"if the recorded leaders are the true ones, accuracy tends to {limit:.4f} as calls grow")
    if result.forecast.calls.max() > shape.last:
        lines.append(
            f"beyond {shape.last:,} calls, half of the ballots, an estimate decides near ties as this record does; a "
            "forecast lets them come out either way, so the curve may step where it begins"
        )
    return lines


def _warn(name: str, queries: int, recorded: "VoteCurve", best: "BestMajority") -> None:
    """Say on stderr where more calls hurt, and whether that may be noise."""
    shape = recorded.shape
    if shape.moves[-1:] != ("falls",):
        return
    value = dict(zip(recorded.estimate.calls.tolist(), recorded.estimate.value.tolist(), strict=True))
    top = shape.turns[-1] if shape.turns else shape.first
    hurt, noise = (
        ("more calls hurt", "")
        if shape.beyond_noise
        else (
            "more calls may hurt",
            f" (within the noise of {queries:,} queries)",
        )
    )
    print(
        f"jaxscale: warning: {name}: {hurt}: accuracy falls from {value[top]:.4f} at {top:,} calls to "
        f"{value[shape.last]:.4f} at {shape.last:,}{noise}; {best.words[0]} is best",
        file=sys.stderr,
    )


def draw(
    path: Path,
    data: Mapping[str, "Ballots"],
    results: Mapping[str, _Result],
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

    from jaxscale.forecasting import forecast
    from jaxscale.plot import plot_votes

    wide = 2 if len(data) == 1 else min(4, len(data))
    high = 1 if len(data) == 1 else -(-len(data) // wide)
    size = (10.5, 4.6) if len(data) == 1 else (3.4 * wide, 2.9 * high + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(high, wide, squeeze=False).reshape(-1).tolist()
    for name, ballots in data.items():
        points, recorded, best = results[name]
        first, last = int(recorded.estimate.calls[0]), int(max(points.calls.max(), recorded.shape.last, best.calls, 3))
        end = min(_recorded(ballots, system), last)
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
            figure.suptitle(f"{name}: {len(ballots):,} queries", fontsize=11, x=0.01, ha="left")
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
