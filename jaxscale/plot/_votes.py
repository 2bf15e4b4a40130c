"""Pictures of votes: accuracy against calls."""

from collections.abc import Mapping

import matplotlib.axes
import numpy as np
from matplotlib.ticker import PercentFormatter

from jaxscale.data import Estimate
from jaxscale.estimators import BestMajority
from jaxscale.forecasting import Forecast
from jaxscale.plot._axes import COLOURS, count_calls, last_recorded, mark_points, name_at_the_end, show_ends


def plot_votes(
    axes: matplotlib.axes.Axes,
    curve: Forecast,
    points: Forecast | None = None,
    *,
    parts: Mapping[str, Estimate] | None = None,
    best: BestMajority | None = None,
) -> matplotlib.axes.Axes:
    """Draw the accuracy of a vote against calls: solid within the recorded ballots, dashed with a band beyond them.

    The line is thin from half of the ballots on: there, draws without replacement overlap so much that near ties come
    out as this one record has them. A forecast lets them come out either way, so the curve may step where it begins;
    estimate and forecast are therefore not joined.

    Args:
        axes: where to draw.
        curve: a forecast at many increasing numbers of calls.
        points: a forecast at few of them to mark, filled within the ballots and hollow beyond, or None.
        parts: accuracy over the easy and over the hard queries, as `vote_curve` has them; the axis then spans 0 to 1,
            and names beside the lines take the place of a legend.
        best: the best number of calls, to be marked.

    Returns:
        `axes`.
    """
    end = last_recorded(curve)
    whole, easy, hard, mark = COLOURS[0], COLOURS[2], COLOURS[1], COLOURS[5]
    for name, colour in (("easy", easy), ("hard", hard)):
        if parts and name in parts:
            axes.plot(parts[name].calls, parts[name].value, color=colour, linewidth=1.4)
    recorded, thick = curve.calls <= end, curve.calls <= max(end // 2, 1)
    thin = recorded & (curve.calls >= curve.calls[thick].max(initial=0))  # from where the thick stretch ends
    for stretch, dashes, width, label in (
        (recorded & thick, "-", 2.0, "all queries, estimate"),
        (thin & (thin & ~thick).any(), "-", 1.0, "from over half of the ballots"),
        (~recorded, (0, (4, 2)), 2.0, "forecast"),
    ):
        if stretch.any():
            where = curve.calls[stretch], curve.value[stretch]
            axes.plot(*where, color=whole, linewidth=width, linestyle=dashes, label=label)
    for side in (recorded, ~recorded):
        axes.fill_between(curve.calls[side], curve.lower[side], curve.upper[side], color=whole, alpha=0.15, linewidth=0)
    if points is not None:
        mark_points(axes, points, whole)
    if best is not None:
        height = float(np.interp(np.log(best.calls), np.log(curve.calls), curve.value))
        axes.plot(
            [best.calls],
            [height],
            marker="*",
            markersize=13,
            color=mark,
            markeredgecolor="black",
            markeredgewidth=0.7,
            linestyle="none",
            label=f"best: {best.words[0]} {'call' if best.calls == best.last == 1 else 'calls'}",
            zorder=5,
        )
    _dress_votes(axes, curve, split=parts is not None)
    show_ends(axes, [end], int(curve.calls.max()))
    if parts is None:
        # Below the axis: inside, it would hide a band or where the data end.
        axes.legend(fontsize=8.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
    else:
        ends = {"hard": hard, "all": whole, "easy": easy}
        heights = {"all": float(curve.value[-1]), **{name: float(part.value[-1]) for name, part in parts.items()}}
        name_at_the_end(axes, {name: (heights[name], colour) for name, colour in ends.items() if name in heights})
    return axes


def _dress_votes(axes: matplotlib.axes.Axes, curve: Forecast, *, split: bool) -> None:
    count_calls(axes)
    if split:
        axes.set_ylim(-0.08, 1.02)
        axes.set_title("Easy and hard queries apart", loc="left", fontsize=10)
    else:
        low, high = float(curve.lower.min()), float(curve.upper.max())
        room = max(0.1 * (high - low), 0.005)
        axes.set_ylim(max(low - room, -0.02), min(high + room, 1.02))
        these = "a further run on these queries" if curve.over == "these" else "queries like these"
        axes.set_title(f"Accuracy, {curve.level:.0%} intervals for {these}", loc="left", fontsize=10)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_xlabel("calls per query, K")
    axes.set_ylabel("queries answered rightly by a vote")
