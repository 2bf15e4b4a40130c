"""Pictures of several curves: accuracy against calls, against money, and what was foretold against what came."""

from collections.abc import Mapping

import matplotlib.axes
import numpy as np
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from jaxscale.data import Estimate
from jaxscale.plot import COLOURS, count_calls, name_at_the_end

_BEHIND = "#BBBBBB"
_SPAN = 0.03  # of the least axis of accuracy
_NOISE = 2.0  # standard errors on either side


def plot_vote_curves(
    axes: matplotlib.axes.Axes,
    curves: Mapping[str, Estimate],
    *,
    points: Mapping[str, Estimate] | None = None,
    best: Mapping[str, float] | None = None,
    colours: Mapping[str, str] | None = None,
) -> matplotlib.axes.Axes:
    """Draw accuracy against calls for several data sets or systems, named at the right ends of their curves.

    Args:
        axes: where to draw.
        curves: accuracy at increasing numbers of calls, by name; a line each.
        points: the same quantities by other means (a simulation, say), by the same names; markers with bars of two
            standard errors.
        best: the best number of calls, by the same names; a star each where it is among those drawn.
        colours: by the same names; None for `COLOURS` in turn.

    Returns:
        `axes`.

    Raises:
        ValueError: for points or a best number of calls of a curve that is not drawn.

    Example:
        >>> from matplotlib.figure import Figure
        >>> curve = Estimate([1, 3, 5], [0.6, 0.7, 0.65], [0.0, 0.0, 0.0])
        >>> axes = plot_vote_curves(Figure().subplots(), {"easy": curve}, best={"easy": 3})
        >>> [line.get_xdata().tolist() for line in axes.lines]
        [[1, 3, 5], [3]]
    """
    points, best, colours = points or {}, best or {}, colours or {}
    for name in [*points, *best]:
        if name not in curves:
            raise ValueError(f"{name!r}: expected one of the curves {', '.join(map(repr, curves))}")
    ends = {}
    for index, (name, curve) in enumerate(curves.items()):
        colour = colours.get(name, COLOURS[index % len(COLOURS)])
        axes.plot(curve.calls, curve.value, color=colour, linewidth=1.8)
        ends[name] = (float(curve.value[-1]), colour)
        if name in points:
            dots = points[name]
            bars = _NOISE * dots.standard_error
            axes.errorbar(dots.calls, dots.value, bars, fmt="o", color=colour, markersize=3.5, elinewidth=1, capsize=2)
        if name in best and curve.calls[0] <= best[name] <= curve.calls[-1]:
            height = float(np.interp(np.log(best[name]), np.log(curve.calls), curve.value))
            axes.plot([best[name]], [height], "*", color=colour, markersize=12, markeredgecolor="black", zorder=5)
    count_calls(axes)
    last = max(int(curve.calls[-1]) for curve in curves.values())
    if last < 10:
        axes.set_xticks(ticks := [k for k in (1, 2, 3, 5, 8) if k <= last], [str(k) for k in ticks])
    low, high = axes.get_ylim()
    room = max(0.0, _SPAN - (high - low)) / 2  # so that a flat curve looks flat
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_xlabel("calls per query, K")
    axes.set_ylabel("queries answered rightly")
    name_at_the_end(axes, ends)
    return axes


def plot_predictions(
    axes: matplotlib.axes.Axes, pairs: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> matplotlib.axes.Axes:
    """Draw what was predicted against what was measured; on the diagonal they agree.

    Args:
        axes: where to draw.
        pairs: measured and predicted shares, two arrays of one shape, by name.

    Returns:
        `axes`, with the root mean squared error of each pair in the legend.

    Raises:
        ValueError: for arrays of different shapes.

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = plot_predictions(Figure().subplots(), {"Vote": ([0.5, 0.6], [0.5, 0.61])})
        >>> axes.get_legend().get_texts()[0].get_text()
        'Vote: RMSE 0.0071'
    """
    low, high = np.inf, -np.inf
    for index, (name, pair) in enumerate(pairs.items()):
        measured, predicted = (np.asarray(values, float).reshape(-1) for values in pair)
        if measured.shape != predicted.shape:
            raise ValueError(
                f"{name!r}: {measured.size} measured and {predicted.size} predicted values: expected one each"
            )
        error = float(np.sqrt(np.mean(np.square(predicted - measured))))
        axes.scatter(
            measured, predicted, s=18, color=COLOURS[index % len(COLOURS)], alpha=0.75, linewidth=0,
            label=f"{name}: RMSE {error:.4f}",
        )  # fmt: skip
        low, high = min(low, measured.min(), predicted.min()), max(high, measured.max(), predicted.max())
    room = 0.05 * (high - low) + 1e-3
    ends = [low - room, high + room]
    axes.plot(ends, ends, color="#777777", linewidth=0.9, linestyle=":", zorder=0)
    axes.set(xlim=ends, ylim=ends, aspect="equal", xlabel="measured accuracy", ylabel="predicted accuracy")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.grid(True, color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8.5, frameon=False)
    return axes


def plot_costs(
    axes: matplotlib.axes.Axes,
    curves: Mapping[str, Estimate],
    costs: Mapping[str, ArrayLike],
    *,
    unit: str = "money per query",
) -> matplotlib.axes.Axes:
    """Draw accuracy against what it costs: a line for each model or system from its single call to its most calls.

    The step line is the most accuracy that any of them gives for every amount spent. Those that reach it are coloured
    and named in the legend, the others grey.

    Args:
        axes: where to draw.
        curves: accuracy at increasing numbers of calls, by name.
        costs: what these numbers of calls cost at one query, above 0, by the same names (`Cost.money(curve.calls)`).
        unit: of the costs, for the axis.

    Returns:
        `axes`.

    Raises:
        ValueError: for costs that do not go with the curves.

    Example:
        >>> from matplotlib.figure import Figure
        >>> curves = {"small": Estimate([1, 9], [0.2, 0.3], [0, 0]), "large": Estimate([1, 9], [0.5, 0.6], [0, 0])}
        >>> axes = plot_costs(Figure().subplots(), curves, {"small": [1, 9], "large": [4, 36]})
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['most accuracy for the money', 'small', 'large']
    """
    spent = {name: np.asarray(costs.get(name, ()), float) for name in curves}
    for name, curve in curves.items():
        if spent[name].shape != curve.calls.shape or not (spent[name] > 0).all():
            raise ValueError(
                f"costs of {name!r}: expected {curve.calls.size} numbers above 0, one for each number of calls"
            )
    options = [
        (cost, -value, name) for name in curves for cost, value in zip(spent[name], curves[name].value, strict=True)
    ]
    steps: list[tuple[float, float, str]] = []
    for cost, loss, name in sorted(options):
        if not steps or -loss > steps[-1][1]:
            steps.append((float(cost), float(-loss), name))
    leaders = list(dict.fromkeys(name for _, _, name in steps))
    last = max(array.max() for array in spent.values())
    axes.step(
        [*(cost for cost, _, _ in steps), last], [*(value for _, value, _ in steps), steps[-1][1]], where="post",
        color="black", linewidth=1, linestyle=(0, (2, 2)), label="most accuracy for the money", zorder=4,
    )  # fmt: skip
    for name, curve in curves.items():
        if name not in leaders:
            axes.plot(spent[name], curve.value, color=_BEHIND, linewidth=1)
            axes.plot(spent[name][:1], curve.value[:1], "o", color=_BEHIND, markersize=4)
    for index, name in enumerate(leaders):
        colour = COLOURS[index % len(COLOURS)]
        axes.plot(spent[name], curves[name].value, color=colour, linewidth=1.8, label=name, zorder=3)
        axes.plot(spent[name][:1], curves[name].value[:1], "o", color=colour, markersize=6, zorder=5)
    axes.set_xscale("log")
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_xlabel(unit)
    axes.set_ylabel("queries answered rightly")
    axes.legend(fontsize=8.5, frameon=False)
    return axes
