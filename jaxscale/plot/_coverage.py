"""Pictures of coverage: pass@k against k."""

import itertools
from collections.abc import Mapping

import matplotlib.axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from jaxscale.forecasting import Forecast
from jaxscale.plot._axes import COLOURS, count_calls, last_recorded, mark_points, name_at_the_end, show_ends

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
    ends = [last_recorded(curve) for curve in curves.values()]
    for index, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        recorded, beyond = curve.calls <= ends[index], curve.calls >= ends[index]
        width = 1.0 if many else 1.8
        axes.plot(curve.calls[recorded], curve.value[recorded], color=colour, linewidth=width)
        axes.plot(curve.calls[beyond], curve.value[beyond], color=colour, linewidth=width, linestyle=(0, (4, 2)))
        if not many:
            axes.fill_between(curve.calls, curve.lower, curve.upper, color=colour, alpha=0.15, linewidth=0)
            if name in points:
                mark_points(axes, points[name], colour)
    _dress(axes, curves, "" if many else _intervals(next(iter(curves.values()))))
    show_ends(axes, ends, int(max(curve.calls.max() for curve in curves.values())))
    if len(curves) <= _LABELLED:
        coloured = zip(curves.items(), itertools.cycle(COLOURS), strict=False)
        name_at_the_end(axes, {name: (float(curve.value[-1]), colour) for (name, curve), colour in coloured})
    return axes


def _intervals(curve: Forecast) -> str:
    these = "a further run on these queries" if curve.over == "these" else "queries like these"
    return f", with {curve.level:.0%} intervals for {these}"


def _dress(axes: matplotlib.axes.Axes, curves: Mapping[str, Forecast], intervals: str) -> None:
    least = min(curve.value[curve.value > 0].min(initial=1.0) for curve in curves.values())
    most = max(curve.value.max() for curve in curves.values())
    top = min(1.02, 1.08 * max(float(curve.upper.max()) for curve in curves.values()) or 1.0)
    count_calls(axes)
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
