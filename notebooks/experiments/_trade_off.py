"""Compute spent on training against compute spent on answers, at equal coverage."""

from collections.abc import Mapping, Sequence

import matplotlib.axes
import numpy as np

from jaxscale.plot import COLOURS, short

_MARKERS = "osD^vP*X"


def plot_trade_off(
    axes: matplotlib.axes.Axes,
    training: Mapping[str, np.ndarray],
    inference: Mapping[str, np.ndarray],
    *,
    queries: Sequence[float] = (),
) -> matplotlib.axes.Axes:
    """Draw FLOPs of a query's answers over FLOPs of training, a line for each model, all of the same coverage.

    Args:
        axes: where to draw.
        training: FLOPs of training along each model's run, by its name; shape (checkpoints,).
        inference: FLOPs of the answers to one query that reach the coverage there; infinite where none do.
        queries: numbers of queries over a model's life; for each, the point where training and answers cost the least
            in all is marked.

    Returns:
        `axes`.

    Raises:
        ValueError: if no model reaches the coverage.

    Example:
        >>> from matplotlib.figure import Figure
        >>> training, inference = {"small": np.array([1e20, 1e21])}, {"small": np.array([1e15, 1e14])}
        >>> axes = plot_trade_off(Figure().subplots(), training, inference, queries=[1e6])
        >>> axes.get_xlabel()
        'training, FLOPs'
    """
    points = [
        (x, y)
        for name in training
        for x, y in zip(training[name].tolist(), inference[name].tolist(), strict=True)
        if np.isfinite(y)
    ]
    if not points:
        raise ValueError("inference: infinite everywhere, expected a model that reaches the coverage")
    for index, name in enumerate(training):
        reached = np.isfinite(inference[name])
        colour = COLOURS[index % len(COLOURS)]
        dashes = "solid" if index < len(COLOURS) else (0, (4, 2))
        axes.loglog(training[name][reached], inference[name][reached], color=colour, linestyle=dashes, label=name)
    x, y = np.array(points).T
    for number, marker in zip(queries, _MARKERS, strict=False):
        best = int(np.argmin(x + number * y))
        label = f"least in all, {short(number, 0)} queries"
        axes.plot(x[best], y[best], marker, color="#222222", markersize=7, linewidth=0, label=label, zorder=3)
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("training, FLOPs")
    axes.set_ylabel("answers to one query, FLOPs")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return axes
