"""The section on easy and hard queries: where a vote gets better with more calls, and where worse."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from jaxscale._palette import EASY, HARD
from jaxscale.reports._analysis import Group
from jaxscale.reports._axes import calls_axis, hover, part_colour, queries_axis, share_axis, short, specification
from jaxscale.reports._format import number, percent, points, signed
from jaxscale.reports._parts import Chart, Explanation, Section, Table, choices, head, of_groups
from jaxscale.reports._votes import CHEN, VOTE

_PARTS = ("easy", "all", "hard")
_SIDES = ("surely easy", "undecided", "surely hard")
_MARGINS = 20

_EASY = Explanation(
    "easy",
    "Easy and hard queries",
    "A query is easy for a vote if a right answer is the most frequent one, hard if a wrong one is: with more "
    "calls the vote gets better at the first and worse at the second. It is surely so where the lead is beyond "
    "its error at the stated confidence.",
    "lead = share of the most frequent right answer − share of the most frequent wrong one",
    CHEN,
    "",
)


def sides_section(groups: Sequence[Group], noun: str) -> Section:
    """A vote over the easy and over the hard queries, and how far each query is from the other side."""
    charts = [
        Chart(
            "parts-chart",
            "Accuracy of a vote over easy and over hard queries",
            "Up to half of the recorded calls. Easy queries rise and hard ones fall; the curve of all lies between.",
            _parts_chart(
                groups, description=f"Accuracy of a vote over easy and hard queries, {of_groups(groups, noun)}."
            ),
            _parts_table(groups, noun),
            choices=choices(groups),
        ),
        Chart(
            "margins-chart",
            "By how much the right answer leads",
            "Right of 0 a right answer is the most frequent one, left of it a wrong one is.",
            _margins_chart(groups, description=f"Queries by the lead of the right answer, {of_groups(groups, noun)}."),
            _margins_table(groups, noun),
            choices=choices(groups),
        ),
    ]
    text = (
        "A vote gets better with more calls where a right answer is the most common one (easy queries) and worse "
        "where a wrong one is (hard queries)."
    )
    return Section("sides", "Easy and hard queries", text, charts, (_EASY, VOTE))


def _parts_chart(groups: Iterable[Group], *, description: str) -> dict[str, Any]:
    """The accuracy of a vote over the easy and over the hard queries, and over all, of one data set at a time."""
    rows = [
        {"group": group.name, "part": part, "k": int(k), "value": short(value)}
        for group in groups
        for vote in group.votes[:1]
        for part, estimate in {**vote.recorded.parts, "all": vote.recorded.estimate}.items()
        for k, value in zip(estimate.calls.tolist(), estimate.value.tolist(), strict=True)
        if part in _PARTS
    ]
    return {
        **specification(description, rows, height=260),
        "params": [{"name": "one", "value": rows[0]["group"]}],
        "transform": [{"filter": "datum.group === one"}],
        "encoding": {
            "x": calls_axis(),
            "y": share_axis("answered rightly by a vote", {"domain": [0, 1]}),
            "color": part_colour({"easy": EASY, "all": 0, "hard": HARD}),
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.2, "point": {"size": 26, "filled": True}, "aria": False}},
            hover({"queries": "part", "calls": ("k", ","), "accuracy": ("value", ".2%")}),
        ],
    }


def _parts_table(groups: Sequence[Group], noun: str) -> Table:
    rows = []
    for group in groups:
        recorded = group.votes[0].recorded
        for part, estimate in recorded.parts.items():
            best = estimate.calls == recorded.best.calls
            rows.append(
                [
                    f"{group.name}: {part}",
                    number(recorded.difficulty.counts[part]),
                    percent(float(estimate.value[0])),
                    f"{percent(float(estimate.value[best][0]))} ({number(recorded.best.calls)})",
                    f"{percent(float(estimate.value[-1]))} ({number(int(estimate.calls[-1]))})",
                ]
            )
    labels = ["queries", "one call", "best recorded number of calls", "most calls looked at"]
    return Table("Accuracy of a vote over easy and over hard queries", head(noun, labels), rows)


def _margins_chart(groups: Iterable[Group], *, description: str) -> dict[str, Any]:
    """How far the right answer leads or trails in a vote, of one data set at a time."""
    rows = [
        {
            "group": group.name,
            "low": low,
            "high": high,
            "lead": f"{signed(low, 0)}% to {signed(high, 0)}%",
            "part": side,
            "queries": count,
        }
        for group in groups
        for (low, high, side), count in _lead_counts(group).items()
    ]
    return {
        **specification(description, rows, height=240),
        "params": [{"name": "one", "value": rows[0]["group"]}],
        "transform": [{"filter": "datum.group === one"}],
        "mark": {"type": "bar", "aria": False},
        "encoding": {
            "x": {
                "field": "low",
                "bin": {"binned": True, "step": 2 / _MARGINS},
                "type": "quantitative",
                "scale": {"domain": [-1, 1]},
                "axis": {
                    "title": "lead over the best wrong answer",
                    "labelExpr": "datum.value === 0 ? '0%' : format(datum.value, '+.0%')",
                    "tickCount": 5,
                },
            },
            "x2": {"field": "high"},
            "y": queries_axis(),
            "color": part_colour(dict(zip(_SIDES, (EASY, "undecided", HARD), strict=True))),
            "tooltip": [
                {"field": "part", "type": "nominal", "title": "queries are"},
                {"field": "lead", "type": "nominal", "title": "lead"},
                {"field": "queries", "type": "quantitative"},
            ],
        },
    }


def _margins_table(groups: Sequence[Group], noun: str) -> Table:
    rows = []
    for group in groups:
        counts = dict.fromkeys(_SIDES, 0)
        for (_, _, side), count in _lead_counts(group).items():
            counts[side] += count
        lead = -group.votes[0].recorded.difficulty.difficulty
        quartiles = np.quantile(lead, (0.25, 0.5, 0.75))
        rows.append([group.name, *(number(counts[side]) for side in _SIDES), *(points(float(q)) for q in quartiles)])
    labels = [*_SIDES, "lead: lower quartile", "median", "upper quartile"]
    return Table("Queries by the lead of the right answer", head(noun, labels), rows)


def leads(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """The lead of the best right answer of each query, and whether it makes the query easy, hard or undecided."""
    difficulty = group.votes[0].recorded.difficulty
    lead = -difficulty.difficulty
    return lead, np.where(~difficulty.decided, "undecided", np.where(lead > 0, "surely easy", "surely hard"))


def _lead_counts(group: Group) -> dict[tuple[float, float, str], int]:
    """How many queries have which lead of the best right answer, and are easy, hard or undecided for it."""
    lead, side = leads(group)
    edges = np.linspace(-1, 1, _MARGINS + 1).round(3)
    place = np.clip(np.searchsorted(edges, lead.round(9), side="right") - 1, 0, _MARGINS - 1)
    return {
        (float(edges[index]), float(edges[index + 1]), name): int(count)
        for index in range(_MARGINS)
        for name in _SIDES
        if (count := ((place == index) & (side == name)).sum())
    }
