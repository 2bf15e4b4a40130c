"""Curves against calls, as coverage, votes and cost have them: chart, table, and what their bands say."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxscale.forecasting import Forecast
from jaxscale.reports._analysis import Group, at
from jaxscale.reports._axes import Rows, Tip, calls_axis, hover, share_axis, short, specification
from jaxscale.reports._format import between, percent
from jaxscale.reports._parts import Explanation, Table, head

_AT_FIRST = 6  # curves that are shown at first, where there are more; beyond that bands would hide each other

_BEST = {
    "transform": [{"filter": "datum.best && !datum.joint"}],
    "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 170, "opacity": 1, "aria": False},
}

INTERVAL = Explanation(
    "interval",
    "Intervals and bands",
    "Where a further run of at least as many calls on these very queries would end up, with the probability "
    "that is stated. They hold the noise of that run and, for forecasts, the uncertainty of the "
    "model's parameters. They do not say how other queries would do.",
    "",
    "the variance of the unbiased estimate under the fitted model; for votes under the posterior of the answers",
    "posterior draws",
)


def curves_chart(
    named: Mapping[str, Forecast], *, measure: str, description: str, best: Mapping[str, int], tip: Tip | None = None
) -> dict[str, Any]:
    """Curves against calls: solid within the recorded calls, dashed beyond them, with bands.

    `page.js` sets the parameters `shown` (which curve has each colour), `count` (how many are shown), `palette` and
    `log_y`.

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
        **specification(description, rows, height=340),
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
            {"calculate": f"count <= {_AT_FIRST}", "as": "banded"},
            {"calculate": "!datum.banded ? datum.value : log_y ? max(datum.lower, floor) : datum.lower", "as": "low"},
            {"calculate": "datum.banded ? datum.upper : datum.value", "as": "high"},
        ],
        "encoding": {
            "x": calls_axis(),
            "y": share_axis(measure, {"zero": True}),
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
            {"transform": [{"filter": "!datum.joint"}], **hover(lines)},
        ],
    }


def _curve(name: str, curve: Forecast, best: int | None) -> Rows:
    rows = [
        {
            "name": name,
            "k": row["calls"],
            "value": short(row["value"]),
            "lower": short(row["lower"]),
            "upper": short(row["upper"]),
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


def curve_table(caption: str, curves: Mapping[str, Forecast], budgets: Sequence[int], noun: str) -> Table:
    """Values with intervals at some numbers of calls, one line for each curve."""
    rows = []
    for name, curve in curves.items():
        cells = [at(curve, k) for k in budgets]
        rows.append(
            [
                name,
                *(
                    f"{percent(c.value)} ({between(c.lower, c.upper)})" + (", forecast" if c.beyond else "")
                    for c in cells
                ),
            ]
        )
    labels = ["1 call", *(f"{k:,} calls" for k in budgets[1:])]
    return Table(f"{caption}, with intervals", head(noun, labels), rows)


def reading(curve: Forecast) -> str:
    """How to read a chart of curves."""
    return (
        f"Solid: measured. Dashed: forecast. Bands: {curve.level:.0%} intervals for a further run on these queries "
        f"(drawn for up to {_AT_FIRST} curves)."
    )


def shown(names: list[str]) -> list[str]:
    """All curves of a few; of many the best three, the median, and the last two."""
    if len(names) <= _AT_FIRST:
        return names
    places = sorted({0, 1, 2, len(names) // 2, len(names) - 2, len(names) - 1})
    return [names[place] for place in places]


def colours(groups: Sequence[Group], *, votes: bool) -> list[int]:
    """The place in the palette of each data set, or of each of their votes."""
    systems = max(len(group.votes) for group in groups) if votes else 1
    return [group.place * systems + index for group in groups for index in range(len(group.votes) if votes else 1)]
