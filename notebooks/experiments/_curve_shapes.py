"""A picture of which shape a vote curve has, for every pair of success probabilities."""

import matplotlib.axes
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from jaxscale.closed_forms import curve_shape
from jaxscale.plot import COLOURS

_SHAPES = {
    "rises": COLOURS[2],
    "rises then falls": COLOURS[5],
    "falls then rises": COLOURS[4],
    "falls": COLOURS[1],
}


def plot_curve_shapes(
    axes: matplotlib.axes.Axes, easy_share: float, *, resolution: int = 100, legend: bool = True
) -> matplotlib.axes.Axes:
    """Draw how the accuracy of a vote changes with calls, by the success probabilities of easy and hard queries.

    Args:
        axes: where to draw.
        easy_share: alpha, share of easy queries, in [0, 1].
        resolution: probabilities looked at along an axis.
        legend: whether to say which colour is which shape.

    Returns:
        `axes`, with the success probability of hard queries, 0 to 1/2, across and that of easy ones, 1/2 to 1, up.

    Raises:
        ValueError: for a share outside [0, 1].

    Source:
        docs/mathematics.md, "Two answers" (Theorem 2 of [Chen24], corrected).

    Example:
        >>> from matplotlib.figure import Figure
        >>> axes = plot_curve_shapes(Figure().subplots(), 0.6, resolution=8)
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['rises', 'rises then falls', 'falls then rises', 'falls']
    """
    # One row more than columns: no cell has its middle where the probabilities mirror each other and shapes meet.
    across, up = np.linspace(0, 0.5, resolution + 1), np.linspace(0.5, 1, resolution + 2)
    hard, easy = ((edges[:-1] + edges[1:]) / 2 for edges in (across, up))
    index = {name: number for number, name in enumerate(_SHAPES)}
    cells = np.array([[index[curve_shape(easy_share, right, wrong)] for wrong in hard] for right in easy])
    colours = ListedColormap(list(_SHAPES.values()))
    axes.pcolormesh(across, up, cells, cmap=colours, vmin=-0.5, vmax=3.5, alpha=0.75, linewidth=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.set(xlabel="hard queries: right calls", ylabel="easy queries: right calls", aspect="equal")
    axes.set_title(f"{easy_share:.0%} easy queries", loc="left", fontsize=10)
    if legend:
        patches = [Patch(color=colour, alpha=0.75, label=name) for name, colour in _SHAPES.items()]
        axes.legend(handles=patches, fontsize=8.5, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return axes
