"""Pictures of results: matplotlib axes in, axes out. Nothing here chooses a backend or writes a file."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib.axes
import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from jaxscale.data import Estimate
from jaxscale.estimate import BestMajority
from jaxscale.forecast import Forecast

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#6A3D9A", "#555555")
"""Okabe and Ito's colour-blind safe palette, without its yellow and black, and two more."""

_LABELLED = 16  # curves that are named at their right end; beyond that nobody could read them
_BARRED = 8  # curves whose estimates have bars and whose forecasts have bands; beyond that they hide each other
_RARE = 0.2  # curves that stay below this and span more than
_DECADES = 1.7  # so many powers of ten get a logarithmic axis; it would squeeze the end of those that come near 1


def plot_forecasts(
    axes: matplotlib.axes.Axes, curves: Mapping[str, Forecast], points: Mapping[str, Forecast] | None = None
) -> matplotlib.axes.Axes:
    """Draw pass@k against k: solid within the recorded attempts, dashed with a band beyond them.

    Args:
        axes: where to draw.
        curves: forecasts at many increasing k, by the name of the data set.
        points: forecasts at few k to mark, filled within the recorded attempts and hollow beyond, or None.

    Returns:
        `axes`.
    """
    points = points or {}
    many = len(curves) > _BARRED
    ends = [_recorded(curve) for curve in curves.values()]
    for index, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        recorded, beyond = curve.k <= ends[index], curve.k >= ends[index]
        width = 1.0 if many else 1.8
        axes.plot(curve.k[recorded], curve.value[recorded], color=colour, linewidth=width)
        axes.plot(curve.k[beyond], curve.value[beyond], color=colour, linewidth=width, linestyle=(0, (4, 2)))
        if not many:
            axes.fill_between(curve.k, curve.lower, curve.upper, color=colour, alpha=0.15, linewidth=0)
            if name in points:
                _mark(axes, points[name], colour)
    _dress(axes, curves, "" if many else _intervals(next(iter(curves.values()))))
    _show_ends(axes, ends, int(max(curve.k.max() for curve in curves.values())))
    if len(curves) <= _LABELLED:
        coloured = zip(curves.items(), itertools.cycle(COLOURS), strict=False)
        _name_at_the_end(axes, {name: (float(curve.value[-1]), colour) for (name, curve), colour in coloured})
    return axes


def plot_votes(
    axes: matplotlib.axes.Axes,
    curve: Forecast,
    points: Forecast | None = None,
    *,
    parts: Mapping[str, Estimate] | None = None,
    best: BestMajority | None = None,
) -> matplotlib.axes.Axes:
    """Draw the accuracy of a vote against calls: solid within the recorded ballots, dashed with a band beyond them.

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
    end = _recorded(curve)
    whole, easy, hard, mark = COLOURS[0], COLOURS[2], COLOURS[1], COLOURS[5]
    recorded, beyond = curve.k <= end, curve.k >= end
    for name, colour in (("easy", easy), ("hard", hard)):
        if parts and name in parts:
            axes.plot(parts[name].k, parts[name].value, color=colour, linewidth=1.4)
    axes.fill_between(curve.k, curve.lower, curve.upper, color=whole, alpha=0.15, linewidth=0)
    axes.plot(curve.k[recorded], curve.value[recorded], color=whole, linewidth=2, label="all queries, estimate")
    if end < curve.k[-1]:
        dashes = (0, (4, 2))
        axes.plot(curve.k[beyond], curve.value[beyond], color=whole, linewidth=2, linestyle=dashes, label="forecast")
    if points is not None:
        _mark(axes, points, whole)
    if best is not None:
        height = float(np.interp(np.log(best.k), np.log(curve.k), curve.value))
        axes.plot(
            [best.k],
            [height],
            marker="*",
            markersize=13,
            color=mark,
            markeredgecolor="black",
            markeredgewidth=0.7,
            linestyle="none",
            label=f"best recorded: {best.k:,} {'call' if best.k == 1 else 'calls'}",
            zorder=5,
        )
    _dress_votes(axes, curve, split=parts is not None)
    _show_ends(axes, [end], int(curve.k.max()))
    if parts is None:
        axes.legend(fontsize=8.5, framealpha=0.85, edgecolor="none", loc="best")
    else:
        ends = {"hard": hard, "all": whole, "easy": easy}
        heights = {"all": float(curve.value[-1]), **{name: float(part.value[-1]) for name, part in parts.items()}}
        _name_at_the_end(axes, {name: (heights[name], colour) for name, colour in ends.items() if name in heights})
    return axes


def _dress_votes(axes: matplotlib.axes.Axes, curve: Forecast, *, split: bool) -> None:
    _count_calls(axes)
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


def _recorded(curve: Forecast) -> int:
    """The largest k that was recorded for every query, as far as the curve tells; 0 if there is none."""
    return int(curve.k[curve.kind == "estimate"].max(initial=0))


def _mark(axes: matplotlib.axes.Axes, points: Forecast, colour: str) -> None:
    for hollow in (False, True):
        chosen = (points.kind == "forecast") == hollow
        if chosen.any():
            value = points.value[chosen]
            bars = np.stack([value - points.lower[chosen], points.upper[chosen] - value])
            axes.errorbar(
                points.k[chosen],
                value,
                yerr=bars,
                color=colour,
                fmt="o",
                markersize=4.5,
                markerfacecolor="white" if hollow else colour,
                elinewidth=1,
                capsize=2.5,
            )


def _intervals(curve: Forecast) -> str:
    these = "a further run on these queries" if curve.over == "these" else "queries like these"
    return f", with {curve.level:.0%} intervals for {these}"


def _dress(axes: matplotlib.axes.Axes, curves: Mapping[str, Forecast], intervals: str) -> None:
    least = min(curve.value[curve.value > 0].min(initial=1.0) for curve in curves.values())
    most = max(curve.value.max() for curve in curves.values())
    top = min(1.02, 1.08 * max(float(curve.upper.max()) for curve in curves.values()) or 1.0)
    _count_calls(axes)
    if least * 10**_DECADES < most < _RARE:
        axes.set_yscale("log")
        axes.set_ylim(least / 2, top)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    else:
        axes.set_ylim(0, top)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0 if top > 0.1 else None))
    axes.set_xlabel("calls per query, k")
    axes.set_ylabel("queries solved by at least one of k calls (pass@k)")
    axes.set_title(f"Coverage{intervals}", loc="left", fontsize=11)


def _count_calls(axes: matplotlib.axes.Axes) -> None:
    """A logarithmic axis of calls, a light grid, and no frame."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=13))
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _show_ends(axes: matplotlib.axes.Axes, ends: Sequence[int], last: int) -> None:
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


def _name_at_the_end(axes: matplotlib.axes.Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Write names beside the right end, at the heights where their curves end, moved apart where they would overlap."""
    points = axes.get_window_extent().height * 72 / axes.figure.dpi
    gap = 12 / points  # in shares of the axis: a line of text of 9 points
    to_axes = axes.transData + axes.transAxes.inverted()
    right = axes.get_xlim()[1]
    places = {name: float(to_axes.transform((right, max(value, 1e-12)))[1]) for name, (value, _) in ends.items()}
    ordered = sorted(places, key=lambda name: places[name])
    heights = _apart([places[name] for name in ordered], gap)
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


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Heights in [0, 1] at least `gap` apart, as near as can be (in the squared sense) to increasing ones.

    It is isotonic regression of heights less their ranks times the gap: neighbours that meet share their mean.

    >>> _apart([0.5, 0.5], 0.25)
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


def _short(k: float, _: int) -> str:
    """1, 10, 1,000, 10k, 1M as an axis shows them."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, "k")):
        if k >= size:
            return f"{k / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{k:,.0f}"
