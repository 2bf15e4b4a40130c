"""A picture of how hard queries are for a vote."""

import matplotlib.axes
import numpy as np
from matplotlib.ticker import MaxNLocator

from jaxscale.estimators import VoteDifficulty
from jaxscale.plot import COLOURS

_TIED = 0.2  # width of the bar of tied queries, in bins


def plot_difficulty(axes: matplotlib.axes.Axes, difficulty: VoteDifficulty, *, bins: int = 20) -> matplotlib.axes.Axes:
    """Draw a histogram of d(x): easy queries left of 0, hard ones right, dark where the side is beyond the noise.

    Args:
        axes: where to draw.
        difficulty: how hard each query is, from `vote_difficulty` or `vote_curve`.
        bins: an even number of bins between -1 and 1. Queries whose leaders tie get a narrow bar of their own at 0.

    Returns:
        `axes`.

    Raises:
        ValueError: for bins that are no even whole number from 2.

    Source:
        docs/mathematics.md, "Easy and hard queries"; [Chen24], d(x).

    Example:
        >>> from matplotlib.figure import Figure
        >>> sure = VoteDifficulty(np.array([-0.5, 0.1, 0.0]), np.array([0.1, 0.2, 0.2]), np.array([1, 0, 0.5]), 0.9)
        >>> axes = plot_difficulty(Figure().subplots(), sure)
        >>> [text.get_text() for text in axes.get_legend().get_texts()]
        ['easy: 1 query, surely 1', 'hard: 1 query, surely 0', 'tied: 1 query']
    """
    if bins < 2 or bins % 2:
        raise ValueError(f"bins = {bins!r}: expected an even number from 2")
    edges = np.linspace(-1, 1, bins + 1)
    value, decided = difficulty.difficulty, difficulty.decided
    for name, side, colour in (("easy", value < 0, COLOURS[2]), ("hard", value > 0, COLOURS[1])):
        # At the edge between two bins a query counts in the one nearer 0, whatever way the edge was rounded.
        within = np.abs(value[side]) - 1e-9
        sure = np.histogram(within[decided[side]], edges[bins // 2 :])[0]
        every = np.histogram(within, edges[bins // 2 :])[0]
        centres = (edges[bins // 2 : -1] + 1 / bins) * (-1 if name == "easy" else 1)
        label = f"{name}: {_queries(int(side.sum()))}, surely {int(decided[side].sum()):,}"
        axes.bar(centres, sure, 2 / bins, color=colour, edgecolor="white", linewidth=0.5, label=label)
        axes.bar(centres, every - sure, 2 / bins, sure, color=colour, edgecolor="white", linewidth=0.5, alpha=0.35)
    tied = int((value == 0).sum())
    if tied:
        axes.bar([0], [tied], _TIED * 2 / bins, color="#333333", label=f"tied: {_queries(tied)}", zorder=3)
    axes.axvline(0, color="#777777", linewidth=0.9, linestyle=":")
    axes.set_xlim(-1.02, 1.02)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("difficulty d: share of the leading wrong answer less that of the right one")
    axes.set_ylabel("queries")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylim(0, 1.6 * axes.dataLim.y1)  # room for the legend
    axes.legend(
        fontsize=8,
        frameon=False,
        loc="upper center",
        title=f"surely: at {difficulty.level:.0%} confidence",
        title_fontsize=8,
    )
    return axes


def _queries(count: int) -> str:
    return f"{count:,} {'query' if count == 1 else 'queries'}"
