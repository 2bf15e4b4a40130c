"""The section on cost: the most that every amount spent brings, and where one choice overtakes another."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxscale.forecasting import MARGIN
from jaxscale.planning import Candidate, Cost, Curve, amount, frontier
from jaxscale.reports._analysis import Group
from jaxscale.reports._axes import log_axis
from jaxscale.reports._curves import INTERVAL, colours, curves_chart, reading, shown
from jaxscale.reports._format import calls, number, percent
from jaxscale.reports._parts import Chart, Columns, Explanation, Section, Table, of_groups
from jaxscale.systems import PassAtK

_FRONTIER = Explanation(
    "frontier",
    "The most for every cost",
    "Every curve is read at what its calls cost at the prices given. Nobody has to spend all, so a choice counts "
    "with the best that it reaches for at most that cost. Another takes the lead where it is ahead by "
    f"{100 * MARGIN:g} points.",
    "cost = per query + per call × calls (+ per check × calls, where answers are checked)",
    "the curves of this page and the prices given",
    "",
)


def cost_section(groups: Sequence[Group], costs: Mapping[str, Cost], noun: str) -> Section:
    """What each choice brings for what it costs, and which one leads."""
    curves = priced_curves(groups, costs)
    sizes = {len(group.attempts) for group in groups}
    queries = sizes.pop() if len(sizes) == 1 else 1
    names = [_name_of(curve.candidate, curves) for curve in curves]
    lines = leaders(curves, queries)
    whole = f"all {queries:,} queries" if queries > 1 else "one query"
    chart = Chart(
        "cost-chart",
        f"{curves[0].candidate.measures.capitalize()} against cost",
        f"{reading(curves[0].forecast)} What is spent is for {whole}, at the prices given.",
        cost_chart(curves, queries, description=f"Accuracy against cost, {of_groups(groups, noun)}."),
        leaders_table(curves, queries, noun),
        curves=names,
        colours=colours(groups, votes=all(group.votes for group in groups)),
        shown=shown(names),
        across="cost",
    )
    text = f"Which to call, and how often, for how much (the cost of {whole}). {' '.join(lines)}"
    return Section("cost", "What it costs", text, [chart], (_FRONTIER, INTERVAL))


def priced_curves(groups: Sequence[Group], costs: Mapping[str, Cost]) -> list[Curve]:
    """What every data set gives at every cost: votes where all have answers, else coverage."""
    if all(group.votes and group.ballots is not None for group in groups):
        return [
            Curve(Candidate(group.name, group.ballots, vote.system, costs[group.name], "money"), vote.curve)
            for group in groups
            for vote in group.votes
            if group.ballots is not None
        ]
    return [
        Curve(Candidate(group.name, group.attempts, PassAtK(), costs[group.name], "money"), group.coverage)
        for group in groups
    ]


def _name_of(candidate: Candidate, curves: Sequence[Curve]) -> str:
    """What a curve is called: its data set, and its system where there are several."""
    return candidate.label if len({curve.candidate.system_name for curve in curves}) > 1 else candidate.name


def cost_chart(curves: Sequence[Curve], queries: int, *, description: str) -> dict[str, Any]:
    """The chart of curves against calls, with the cost of all queries in the place of these."""
    named = {_name_of(curve.candidate, curves): curve.forecast for curve in curves}
    measures = curves[0].candidate.measures
    tip = {"cost": ("cost", ",.5~r")}
    spec = curves_chart(named, measure=measures, description=description, best={}, tip=tip)
    spend = {_name_of(curve.candidate, curves): curve for curve in curves}
    cost = {
        (name, k): value * queries
        for name, curve in spend.items()
        for k, value in zip(curve.forecast.calls.tolist(), curve.spend.tolist(), strict=True)
    }
    for row in spec["data"]["values"]:
        row["cost"] = float(f"{cost[row['name'], row['k']]:.5g}")
    spec["encoding"]["x"] = log_axis("cost", {"title": f"cost of {queries:,} queries"})
    return spec


def leaders_table(curves: Sequence[Curve], queries: int, noun: str) -> Table:
    """Which choice gives the most, by cost."""
    rows = []
    for stretch in frontier(curves):
        low, high = (amount(cost * queries, "money") for cost in stretch.costs)
        times = " to ".join(dict.fromkeys(number(k) for k in stretch.calls))
        shares = " to ".join(dict.fromkeys(percent(value) for value in stretch.values))
        rows.append([_name_of(stretch.candidate, curves), f"{low} to {high}", times, shares])
    measures = curves[0].candidate.measures
    head: Columns = [(noun, None), ("cost", "frontier"), ("calls each", None), (measures, "frontier")]
    return Table(f"The most {measures} for every cost", head, rows)


def leaders(curves: Sequence[Curve], queries: int) -> list[str]:
    """Which choice gives the most, by cost, in sentences."""
    stretches = frontier(curves)
    lines = []
    for index, stretch in enumerate(stretches):
        low, high = (amount(cost * queries, "money") for cost in stretch.costs)
        if len(stretches) == 1:
            where = "At every cost"
        elif index == len(stretches) - 1:
            where = f"From {low}"
        else:
            where = f"Below {high}" if index == 0 else f"From {low} to {high}"
        first, last = stretch.calls
        times = calls(last) if first == last else f"{number(first)} to {calls(last)}"
        shares = " to ".join(dict.fromkeys(percent(value) for value in stretch.values))
        measures = stretch.candidate.measures
        lines.append(f"{where}: {_name_of(stretch.candidate, curves)} with {times} each, {measures} {shares}.")
    return lines
