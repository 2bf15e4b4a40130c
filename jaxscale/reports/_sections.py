"""The sections of a report between its answer and its warnings: charts, each with its numbers as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jaxscale.forecasting import Forecast
from jaxscale.planning import Cost
from jaxscale.reports import _charts
from jaxscale.reports._analysis import Budgets, Group
from jaxscale.reports._frontier import cost_chart, leaders, leaders_table, name_of, priced_curves
from jaxscale.reports._tables import (
    Table,
    curve_table,
    margins_table,
    parts_table,
    queries_table,
    solved_table,
)


@dataclass(frozen=True)
class Chart:
    """A chart with its controls, and the same numbers as a table.

    Attributes:
        key: its name on the page.
        title: what a heading calls it.
        note: how to read it.
        spec: the Vega-Lite specification.
        table: its numbers.
        curves: names of the curves that can be shown and hidden.
        colours: the place of each curve in the palette.
        shown: those shown at first.
        choices: the data sets of which one is shown at a time.
        log_y: whether its vertical axis is logarithmic at first.
        across: what its horizontal axis shows.
    """

    key: str
    title: str
    note: str
    spec: dict[str, Any]
    table: Table
    curves: Sequence[str] = ()
    colours: Sequence[int] = ()
    shown: Sequence[str] = ()
    choices: Sequence[str] = ()
    log_y: bool = False
    across: str = "calls"


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        key: its name in links.
        title: its heading.
        text: what it is about.
        charts: what it shows.
        explained: keys of the explanations of its numbers.
        tables: further numbers, folded away.
    """

    key: str
    title: str
    text: str
    charts: Sequence[Chart]
    explained: Sequence[str]
    tables: Sequence[Table] = ()


def sections(
    groups: Sequence[Group], budgets: Budgets, noun: str, costs: Mapping[str, Cost] | None = None
) -> list[Section]:
    """The sections that these data sets have numbers for, the most telling first."""
    voted = [group for group in groups if group.votes]
    made = [_coverage(groups, budgets, noun), _spread(groups, noun)]
    priced = [_cost(groups, costs, noun)] if costs is not None else []
    return [*priced, _votes(voted, budgets, noun), _sides(voted, noun), *made] if voted else [*priced, *made]


def _cost(groups: Sequence[Group], costs: Mapping[str, Cost], noun: str) -> Section:
    curves = priced_curves(groups, costs)
    sizes = {len(group.attempts) for group in groups}
    queries = sizes.pop() if len(sizes) == 1 else 1
    names = [name_of(curve.candidate, curves) for curve in curves]
    lines = leaders(curves, queries)
    whole = f"all {queries:,} queries" if queries > 1 else "one query"
    chart = Chart(
        "cost-chart",
        f"{curves[0].candidate.measures.capitalize()} against cost",
        f"{_reading(curves[0].forecast)} What is spent is for {whole}, at the prices given.",
        cost_chart(curves, queries, description=f"Accuracy against cost, {_of(groups, noun)}."),
        leaders_table(curves, queries, noun),
        curves=names,
        colours=_colours(groups, votes=all(group.votes for group in groups)),
        shown=_shown(names),
        across="cost",
    )
    text = f"Which to call, and how often, for how much (the cost of {whole}). {' '.join(lines)}"
    return Section("cost", "What it costs", text, [chart], ("frontier", "interval"))


def _coverage(groups: Sequence[Group], budgets: Budgets, noun: str) -> Section:
    curves = {group.name: group.coverage for group in groups}
    top = max(float(curve.value.max()) for curve in curves.values())
    low = min(float(curve.value.min()) for curve in curves.values())
    measure = "queries solved by at least one call"
    spec = _charts.curves(
        curves, measure=measure, description=f"Coverage against calls per query, {_of(groups, noun)}.", best={}
    )
    chart = Chart(
        "coverage-chart",
        "Coverage against calls",
        _reading(groups[0].coverage),
        spec,
        curve_table("Coverage (pass@k) at several numbers of calls", curves, budgets.table, noun),
        curves=list(curves),
        colours=_colours(groups, votes=False),
        shown=_shown(list(curves)),
        log_y=bool(low > 0 and 50 * low < top < 0.2),
    )
    text = (
        "How many queries have at least one right call among k. It is what k calls are worth if something can "
        "check the answers: tests, a proof checker, a verifier."
    )
    return Section(
        "coverage", "If answers can be checked: coverage", text, [chart], ("coverage", "coverage-forecast", "interval")
    )


def _votes(groups: Sequence[Group], budgets: Budgets, noun: str) -> Section:
    filtered = any(len(group.votes) > 1 for group in groups)
    named = [
        (_curve_name(group.name, vote.system.title, several=len(groups) > 1, filtered=filtered), vote)
        for group in groups
        for vote in group.votes
    ]
    curves = {name: vote.curve for name, vote in named}
    best = {name: vote.best.calls for name, vote in named}
    spec = _charts.curves(
        {name: vote.drawn for name, vote in named},
        measure="queries answered rightly by a vote",
        description=f"Accuracy of a majority vote against calls per query, {_of(groups, noun)}.",
        best=best,
    )
    spec["encoding"]["y"]["scale"] = {"zero": False}
    budget_table = [k for k in budgets.table if all(k in curve.calls for curve in curves.values())]
    chart = Chart(
        "vote-chart",
        "Accuracy of a vote against calls",
        f"{_reading(groups[0].votes[0].curve)} Diamond: the best number of calls.",
        spec,
        curve_table("Accuracy of a vote at several numbers of calls", curves, budget_table, noun),
        curves=list(curves),
        colours=_colours(groups, votes=True),
        shown=_shown(list(curves)),
    )
    text = (
        "The most frequent of K answers is taken. That needs no checker, but more calls help only at queries whose "
        "right answer is the most common one."
    )
    keys = ("vote", "vote-forecast", "best", "interval", *(("filter",) if filtered else ()))
    return Section("vote", "If answers cannot be checked: majority vote", text, [chart], keys)


def _curve_name(name: str, system: str, *, several: bool, filtered: bool) -> str:
    if not several:
        return system
    return f"{name}, {system}" if filtered else name


def _sides(groups: Sequence[Group], noun: str) -> Section:
    choices = _choices(groups)
    charts = [
        Chart(
            "parts-chart",
            "Accuracy of a vote over easy and over hard queries",
            "Up to half of the recorded calls. Easy queries rise and hard ones fall; the curve of all lies between.",
            _charts.parts(groups, description=f"Accuracy of a vote over easy and hard queries, {_of(groups, noun)}."),
            parts_table(groups, noun),
            choices=choices,
        ),
        Chart(
            "margins-chart",
            "By how much the right answer leads",
            "Right of 0 a right answer is the most frequent one, left of it a wrong one is.",
            _charts.margins(groups, description=f"Queries by the lead of the right answer, {_of(groups, noun)}."),
            margins_table(groups, noun),
            choices=choices,
        ),
    ]
    text = (
        "A vote gets better with more calls where a right answer is the most common one (easy queries) and worse "
        "where a wrong one is (hard queries)."
    )
    return Section("sides", "Easy and hard queries", text, charts, ("easy", "vote"))


def _spread(groups: Sequence[Group], noun: str) -> Section:
    chart = Chart(
        "spread-chart",
        "Queries by the share of their calls that were right",
        "The taller the bars at the left, the more there is to gain from more calls.",
        _charts.solved(groups, description=f"Queries by their share of right calls, {_of(groups, noun)}."),
        solved_table(groups, noun),
        choices=_choices(groups),
    )
    text = "How often a single call is right, query by query: what decides how fast coverage rises."
    tables = [queries_table(groups[0])] if len(groups) == 1 else []
    return Section("spread", "How difficulty varies", text, [chart], ("spread",), tables)


def _of(groups: Sequence[Group], noun: str) -> str:
    return f"of {len(groups)} {noun}s" if len(groups) > 1 else f"of {groups[0].name}"


def _choices(groups: Sequence[Group]) -> list[str]:
    return [group.name for group in groups] if len(groups) > 1 else []


def _colours(groups: Sequence[Group], *, votes: bool) -> list[int]:
    """The place in the palette of each data set, or of each of their votes."""
    systems = max(len(group.votes) for group in groups) if votes else 1
    return [group.place * systems + index for group in groups for index in range(len(group.votes) if votes else 1)]


def _shown(names: list[str]) -> list[str]:
    """All curves of a few; of many the best three, the median, and the last two."""
    if len(names) <= _charts.SHOWN:
        return names
    places = sorted({0, 1, 2, len(names) // 2, len(names) - 2, len(names) - 1})
    return [names[place] for place in places]


def _reading(curve: Forecast) -> str:
    return (
        f"Solid: measured. Dashed: forecast. Bands: {curve.level:.0%} intervals for a further run on these queries "
        f"(drawn for up to {_charts.SHOWN} curves)."
    )
