"""What the pictures share: colours, an axis of calls, names beside lines, and where data end."""

from collections.abc import Mapping, Sequence

import matplotlib.axes
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from jaxscale._palette import COLOURS as COLOURS
from jaxscale.forecasting import Forecast


def last_recorded(curve: Forecast) -> int:
    """The largest k that was recorded for every query, as far as the curve tells; 0 if there is none."""
    return int(curve.calls[curve.kind == "estimate"].max(initial=0))


def mark_points(axes: matplotlib.axes.Axes, points: Forecast, colour: str) -> None:
    for hollow in (False, True):
        chosen = (points.kind == "forecast") == hollow
        if chosen.any():
            value = points.value[chosen]
            bars = np.stack([value - points.lower[chosen], points.upper[chosen] - value])
            axes.errorbar(
                points.calls[chosen],
                value,
                yerr=bars,
                color=colour,
                fmt="o",
                markersize=4.5,
                markerfacecolor="white" if hollow else colour,
                elinewidth=1,
                capsize=2.5,
            )


def count_calls(axes: matplotlib.axes.Axes) -> None:
    """A logarithmic axis of calls, a light grid, and no frame."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=13))
    axes.xaxis.set_major_formatter(FuncFormatter(short))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def show_ends(axes: matplotlib.axes.Axes, ends: Sequence[int], last: int) -> None:
    """Where data end and forecast begins: one line if it is the same for all, else the stretch in which it changes."""
    inside = [end for end in ends if 1 <= end < last]
    if not inside:
        return
    low, high = min(inside), max(inside)
    axes.axvspan(low, last, color="#000000", alpha=0.035, linewidth=0, zorder=0)
    for end in {low, high}:
        axes.axvline(end, color="#777777", linewidth=0.9, linestyle=":")
    for text, place, side in (("recorded ", low, "right"), (" forecast", high, "left")):
        axes.annotate(
            text,
            (place, 0.015),
            xycoords=axes.get_xaxis_transform(),
            horizontalalignment=side,
            verticalalignment="bottom",
            fontsize=8.5,
            color="#555555",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.6, "pad": 1},
        )


def name_at_the_end(axes: matplotlib.axes.Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write names beside the right end, at the heights where their curves end, moved apart where they would overlap."""
    points = axes.get_window_extent().height * 72 / axes.figure.dpi
    gap = 12 / points  # in shares of the axis: a line of text of 9 points
    to_axes = axes.transData + axes.transAxes.inverted()
    right = axes.get_xlim()[1]
    places = {name: float(to_axes.transform((right, max(value, 1e-12)))[1]) for name, (value, _) in ends.items()}
    ordered = sorted(places, key=lambda name: places[name])
    heights = apart([places[name] for name in ordered], gap)
    for name, height in zip(ordered, heights, strict=True):
        axes.annotate(
            name,
            (1.015, height),
            xycoords="axes fraction",
            color=ends[name][1],
            fontsize=9,
            va="center",
            annotation_clip=False,
        )


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Heights in [0, 1] at least `gap` apart, as near as can be (in the squared sense) to increasing ones.

    It is isotonic regression of heights less their ranks times the gap: neighbours that meet share their mean.

    >>> apart([0.5, 0.5], 0.25)
    [0.375, 0.625]
    """
    blocks: list[tuple[float, int]] = []
    for rank, height in enumerate(heights):
        mean, size = height - rank * gap, 1
        while blocks and blocks[-1][0] > mean:
            other, others = blocks.pop()
            mean, size = (mean * size + other * others) / (size + others), size + others
        blocks.append((mean, size))
    levels = [mean for mean, size in blocks for _ in range(size)]
    room = max(0.0, 1 - (len(heights) - 1) * gap)
    return [min(max(level, 0.0), room) + rank * gap for rank, level in enumerate(levels)]


def short(k: float, _: int) -> str:
    """1, 10, 1,000, 10k, 1M as an axis shows them."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if k >= size:
            return f"{k / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{k:,.0f}"
