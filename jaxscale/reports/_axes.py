"""What charts share: the frame of a Vega-Lite specification, axes, colours by part, and tips.

Texts of the data are values only, never parts of an expression. `page.js` sets the theme, and the parameters that a
chart declares.
"""

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

VEGA_LITE = "6.4"
"""The version that the specifications are written for, of those that vl-convert carries."""

Rows: TypeAlias = list[dict[str, Any]]

Tip: TypeAlias = Mapping[str, str | tuple[str, str]]
"""The field of each line of a tip, with a format for numbers, by what the line is called."""


def specification(description: str, rows: Rows, *, height: int) -> dict[str, Any]:
    """A chart as wide as the page, still without marks."""
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/v{VEGA_LITE.split('.')[0]}.json",
        "description": description,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "data": {"values": rows},
    }


def hover(tip: Tip) -> dict[str, Any]:
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


def calls_axis() -> dict[str, Any]:
    """A horizontal axis of numbers of calls, in field `k`."""
    return log_axis("k", {"title": "calls per query", "format": "~s"})


def log_axis(field: str, axis: Mapping[str, Any]) -> dict[str, Any]:
    """A logarithmic horizontal axis."""
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"type": "log", "nice": False},
        "axis": {**axis, "labelOverlap": True, "grid": False, "tickCount": 6},
    }


def share_axis(title: str, scale: Mapping[str, Any]) -> dict[str, Any]:
    """A vertical axis of shares, in field `value`."""
    axis = {"title": title, "format": "~%", "tickCount": 6}
    return {"field": "value", "type": "quantitative", "scale": scale, "axis": axis}


def queries_axis() -> dict[str, Any]:
    """A vertical axis of how many queries, in field `queries`."""
    axis = {"title": "queries", "tickMinStep": 1, "tickCount": 5}
    return {"field": "queries", "type": "quantitative", "axis": axis}


def part_colour(colours: Mapping[str, int | str]) -> dict[str, Any]:
    """Colours by place in the palette, or by what the style sheet calls them, which `page.js` looks up."""
    return {
        "field": "part",
        "type": "nominal",
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {"title": None, "orient": "top"},
    }


def short(value: float) -> float:
    """A number as exact as a chart can show it."""
    return float(f"{value:.5g}")
