"""The section on how queries spread: which share of the calls of each was right."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jaxscale.reports._analysis import Group
from jaxscale.reports._axes import queries_axis, specification
from jaxscale.reports._format import number, percent, points
from jaxscale.reports._parts import Chart, Explanation, Section, Table, choices, head, of_groups
from jaxscale.reports._sides import leads

_SHARES = (0.001, 0.01, 0.1, 0.5, 0.9)
_MOST_QUERIES = 500

_SPREAD = Explanation(
    "spread",
    "How queries spread",
    "Each query's recorded share of right calls, counted by size. Few calls make it rough: a query that was never "
    "solved may be solved by the next call.",
    "c / n",
    "",
    "",
)


def spread_section(groups: Sequence[Group], noun: str) -> Section:
    """How often single calls are right, query by query."""
    chart = Chart(
        "spread-chart",
        "Queries by the share of their calls that were right",
        "The taller the bars at the left, the more there is to gain from more calls.",
        _solved_chart(groups, description=f"Queries by their share of right calls, {of_groups(groups, noun)}."),
        _solved_table(groups, noun),
        choices=choices(groups),
    )
    text = "How often a single call is right, query by query: what decides how fast coverage rises."
    tables = [_queries_table(groups[0])] if len(groups) == 1 else []
    return Section("spread", "How difficulty varies", text, [chart], (_SPREAD,), tables)


def _solved_chart(groups: Iterable[Group], *, description: str) -> dict[str, Any]:
    """How many queries were solved by which share of the calls, of one data set at a time."""
    rows = [
        {"group": group.name, "place": group.place, "order": order, "share": label, "queries": count}
        for group in groups
        for order, (label, count) in enumerate(_solved_shares(group).items())
    ]
    return {
        **specification(description, rows, height=220),
        "params": [{"name": "one", "value": rows[0]["group"]}, {"name": "palette", "value": ["gray"]}],
        "transform": [
            {"filter": "datum.group === one"},
            {"calculate": "palette[datum.place % length(palette)]", "as": "colour"},
        ],
        "mark": {"type": "bar", "aria": False},
        "encoding": {
            "color": {"field": "colour", "type": "nominal", "scale": None, "legend": None},
            "x": {
                "field": "share",
                "type": "nominal",
                "sort": {"field": "order"},
                "axis": {"title": "share of a query's calls that were right", "labelAngle": -35, "labelLimit": 160},
            },
            "y": queries_axis(),
            "tooltip": [
                {"field": "share", "type": "nominal", "title": "right"},
                {"field": "queries", "type": "quantitative"},
            ],
        },
    }


def _solved_table(groups: Sequence[Group], noun: str) -> Table:
    """What the chart shows."""
    counts = {group.name: _solved_shares(group) for group in groups}
    labels = list(dict.fromkeys(label for shares in counts.values() for label in shares))
    rows = [
        [name, *(number(shares[label]) if label in shares else "" for label in labels)]
        for name, shares in counts.items()
    ]
    return Table("Queries by the share of their calls that were right", head(noun, labels), rows)


def _solved_shares(group: Group) -> dict[str, int]:
    """How many queries were solved never, always, and by shares of their calls between these."""
    attempts, successes = group.attempts.attempts, group.attempts.successes
    share = successes / attempts
    edges = (0.0, *_SHARES, 1.0)
    counts = {"never": int((successes == 0).sum())}
    for low, high in itertools.pairwise(edges):
        inside = (share >= low) & (share < high) & (successes > 0)
        if high * int(attempts.max()) > 1:  # else so small a share cannot be seen in so few calls
            label = f"under {high:.1%}" if low == 0 else f"{100 * low:g}% to {100 * high:g}%"
            counts[label.replace(".0%", "%")] = int(inside.sum())
    counts["always"] = int((successes == attempts).sum())
    return counts


def _queries_table(group: Group) -> Table:
    """Each query of a data set, the hardest first; the first ones of very many."""
    attempts, successes = group.attempts.attempts, group.attempts.successes
    labels = group.attempts.query or tuple(f"number {index + 1}" for index in range(len(attempts)))
    share = successes / attempts
    columns = head("query", ["calls", "right", "share"])
    lead, sides = share, None
    if group.votes:
        lead, sides = leads(group)
        columns += [("lead in a vote", "easy"), ("for a vote", "easy")]
    order = np.lexsort((share, lead))[:_MOST_QUERIES]
    rows = []
    for index in order:
        row = [labels[index], number(int(attempts[index])), number(int(successes[index])), percent(float(share[index]))]
        if sides is not None:
            row += [points(float(lead[index])), str(sides[index])]
        rows.append(row)
    many = f", the first {number(_MOST_QUERIES)} of {number(len(attempts))}" if len(attempts) > _MOST_QUERIES else ""
    return Table(f"Query by query, the hardest first{many}", columns, rows)
