"""What the charts of a report show, as Vega-Lite specifications: plain dictionaries, fit for JSON.

Texts of the data are values only, never parts of an expression. `page.js` sets the parameters `shown` (which curve has
each colour), `count` (how many are shown), `palette`, `log_y` and `one` (which data set), and the theme.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from jaxscale._palette import EASY, HARD
from jaxscale.forecasting import Forecast
from jaxscale.reports._analysis import Group
from jaxscale.reports._format import signed

VEGA_LITE = "6.4"
"""The version that the specifications are written for, of those that vl-convert carries."""

SHOWN = 6
"""How many curves are shown at first, where there are more; beyond that bands would hide each other."""

_SHARES = (0.001, 0.01, 0.1, 0.5, 0.9)
_MARGINS = 20

_BEST = {
    "transform": [{"filter": "datum.best && !datum.joint"}],
    "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 170, "opacity": 1, "aria": False},
}

Rows: TypeAlias = list[dict[str, Any]]


Tip: TypeAlias = Mapping[str, str | tuple[str, str]]
"""The field of each line of a tip, with a format for numbers, by what the line is called."""


def curves(
    named: Mapping[str, Forecast], *, measure: str, description: str, best: Mapping[str, int], tip: Tip | None = None
) -> dict[str, Any]:
    """Curves against calls: solid within the recorded calls, dashed beyond them, with bands.

    Args:
        named: the curves, by name.
        measure: what the vertical axis shows.
        description: what a screen reader says of the chart.
        best: a number of calls to mark, for the curves that have one.
        tip: further lines of the tip at a point.
    """
    rows = [row for name, curve in named.items() for row in _curve(name, curve, best.get(name))]
    positive = [row["value"] for row in rows if row["value"] > 0]
    level = next(iter(named.values())).level
    lines = {
        "curve": "name",
        **(tip or {}),
        "calls": ("k", ","),
        measure: ("value", ".2%"),
        f"{level:.0%} interval": "interval",
        "kind": "kind",
    }
    return {
        **_spec(description, rows, height=340),
        "params": [
            {"name": "shown", "value": list(named)},
            {"name": "count", "value": len(named)},
            {"name": "palette", "value": ["gray"]},
            {"name": "log_y", "value": False},
            {"name": "floor", "value": min(positive, default=1e-6) / 2},
        ],
        "transform": [
            {"calculate": "indexof(shown, datum.name)", "as": "slot"},
            {"filter": "datum.slot >= 0 && (!log_y || datum.value > 0)"},
            {"calculate": "palette[datum.slot % length(palette)]", "as": "colour"},
            {"calculate": f"count <= {SHOWN}", "as": "banded"},
            {"calculate": "!datum.banded ? datum.value : log_y ? max(datum.lower, floor) : datum.lower", "as": "low"},
            {"calculate": "datum.banded ? datum.upper : datum.value", "as": "high"},
        ],
        "encoding": {
            "x": {"field": "k", "type": "quantitative", "scale": {"type": "log", "nice": False}, "axis": _calls_axis()},
            "y": {"field": "value", "type": "quantitative", "scale": {"zero": True}, "axis": _share_axis(measure)},
            "color": {"field": "colour", "type": "nominal", "scale": None, "legend": None},
            "detail": [{"field": "name"}, {"field": "kind"}],
        },
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.16, "aria": False},
                "encoding": {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "strokeWidth": 2.2, "aria": False},
                "encoding": {
                    "strokeDash": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": {"domain": ["estimate", "forecast"], "range": [[1, 0], [5, 4]]},
                        "legend": None,
                    }
                },
            },
            *([_BEST] if best else []),
            {"transform": [{"filter": "!datum.joint"}], **_hover(lines)},
        ],
    }


def _curve(name: str, curve: Forecast, best: int | None) -> Rows:
    rows = [
        {
            "name": name,
            "k": row["calls"],
            "value": _short(row["value"]),
            "lower": _short(row["lower"]),
            "upper": _short(row["upper"]),
            "interval": f"{row['lower']:.2%} to {row['upper']:.2%}",
            "kind": row["kind"],
            **({"best": True} if row["calls"] == best else {}),
        }
        for row in curve.curve()
    ]
    # The dashed line begins where the solid one ends.
    last = max((index for index, row in enumerate(rows) if row["kind"] == "estimate"), default=-1)
    if 0 <= last < len(rows) - 1:
        rows.insert(last + 1, {**rows[last], "kind": "forecast", "joint": True})
    return rows


def parts(groups: Iterable[Group], *, description: str) -> dict[str, Any]:
    """The accuracy of a vote over the easy and over the hard queries, and over all, of one data set at a time."""
    rows = [
        {"group": group.name, "part": part, "k": int(k), "value": _short(value)}
        for group in groups
        for vote in group.votes[:1]
        for part, estimate in {**vote.recorded.parts, "all": vote.recorded.estimate}.items()
        for k, value in zip(estimate.calls.tolist(), estimate.value.tolist(), strict=True)
        if part in PARTS
    ]
    return {
        **_spec(description, rows, height=260),
        "params": [{"name": "one", "value": rows[0]["group"]}],
        "transform": [{"filter": "datum.group === one"}],
        "encoding": {
            "x": {"field": "k", "type": "quantitative", "scale": {"type": "log", "nice": False}, "axis": _calls_axis()},
            "y": {
                "field": "value",
                "type": "quantitative",
                "scale": {"domain": [0, 1]},
                "axis": _share_axis("answered rightly by a vote"),
            },
            "color": _part_colour({"easy": EASY, "all": 0, "hard": HARD}),
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.2, "point": {"size": 26, "filled": True}, "aria": False}},
            _hover({"queries": "part", "calls": ("k", ","), "accuracy": ("value", ".2%")}),
        ],
    }


PARTS = ("easy", "all", "hard")
SIDES = ("surely easy", "undecided", "surely hard")


def solved(groups: Iterable[Group], *, description: str) -> dict[str, Any]:
    """How many queries were solved by which share of the calls, of one data set at a time."""
    rows = [
        {"group": group.name, "place": group.place, "order": order, "share": label, "queries": count}
        for group in groups
        for order, (label, count) in enumerate(solved_shares(group).items())
    ]
    return {
        **_spec(description, rows, height=220),
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
            "y": _queries(),
            "tooltip": [
                {"field": "share", "type": "nominal", "title": "right"},
                {"field": "queries", "type": "quantitative"},
            ],
        },
    }


def solved_shares(group: Group) -> dict[str, int]:
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


def margins(groups: Iterable[Group], *, description: str) -> dict[str, Any]:
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
        for (low, high, side), count in lead_counts(group).items()
    ]
    return {
        **_spec(description, rows, height=240),
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
                    "title": "lead of the best right answer over the best wrong one",
                    "labelExpr": "datum.value === 0 ? '0%' : format(datum.value, '+.0%')",
                    "tickCount": 5,
                },
            },
            "x2": {"field": "high"},
            "y": _queries(),
            "color": _part_colour(dict(zip(SIDES, (EASY, "undecided", HARD), strict=True))),
            "tooltip": [
                {"field": "part", "type": "nominal", "title": "queries are"},
                {"field": "lead", "type": "nominal", "title": "lead"},
                {"field": "queries", "type": "quantitative"},
            ],
        },
    }


def leads(group: Group) -> tuple[np.ndarray, np.ndarray]:
    """The lead of the best right answer of each query, and which of `SIDES` it makes it."""
    difficulty = group.votes[0].recorded.difficulty
    lead = -difficulty.difficulty
    return lead, np.where(~difficulty.decided, "undecided", np.where(lead > 0, "surely easy", "surely hard"))


def lead_counts(group: Group) -> dict[tuple[float, float, str], int]:
    """How many queries have which lead of the best right answer, and are easy, hard or undecided for it."""
    lead, side = leads(group)
    edges = np.linspace(-1, 1, _MARGINS + 1).round(3)
    place = np.clip(np.searchsorted(edges, lead.round(9), side="right") - 1, 0, _MARGINS - 1)
    return {
        (float(edges[index]), float(edges[index + 1]), name): int(count)
        for index in range(_MARGINS)
        for name in SIDES
        if (count := ((place == index) & (side == name)).sum())
    }


def _spec(description: str, rows: Rows, *, height: int) -> dict[str, Any]:
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE.split('.')[0]}.json",
        "description": description,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": rows},
    }


def _hover(tip: Tip) -> dict[str, Any]:
    """A layer of points of which the one nearest to the pointer is shown, and says what it is.

    Vega-Lite's own list of fields reads texts (not numbers) in the wrong place where a point is the nearest one and not
    under the pointer itself. So the tip is an expression that looks where either has its row.
    """
    shown = {title: field if isinstance(field, tuple) else (field, "") for title, field in tip.items()}
    row = "(datum.datum || datum)"
    lines = (
        f"{json.dumps(title)}: " + (f"format({row}.{field}, '{layout}')" if layout else f"{row}.{field}")
        for title, (field, layout) in shown.items()
    )
    return {
        "params": [
            {"name": "hover", "select": {"type": "point", "on": "pointermove", "nearest": True, "clear": "pointerout"}}
        ],
        "mark": {"type": "point", "filled": True, "size": 70, "aria": False},
        "encoding": {
            "opacity": {"condition": {"param": "hover", "empty": False, "value": 1}, "value": 0},
            "tooltip": {"value": {"expr": f"{{{', '.join(lines)}}}"}},
        },
    }


def _calls_axis() -> dict[str, Any]:
    return {"title": "calls per query", "format": "~s", "labelOverlap": True, "grid": False, "tickCount": 6}


def _share_axis(title: str) -> dict[str, Any]:
    return {"title": title, "format": "~%", "tickCount": 6}


def _queries() -> dict[str, Any]:
    axis = {"title": "queries", "tickMinStep": 1, "tickCount": 5}
    return {"field": "queries", "type": "quantitative", "axis": axis}


def _part_colour(colours: Mapping[str, int | str]) -> dict[str, Any]:
    """Colours by place in the palette, or by what the style sheet calls them, which `page.js` looks up."""
    return {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {"title": None, "orient": "top"},
    }


def _short(value: float) -> float:
    return float(f"{value:.5g}")
