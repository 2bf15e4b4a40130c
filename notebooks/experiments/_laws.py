"""Laws of coverage against what was recorded: curves, and how successes spread over queries."""

from collections.abc import Mapping
from typing import Any

import jax
import matplotlib.axes
import numpy as np
from jaxtyping import Array, Float
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from jaxscale.data import Attempts, Estimate
from jaxscale.difficulty import AbstractDifficulty, AbstractLaw
from jaxscale.plot import COLOURS, count_calls, name_at_the_end, short

_DASHES: tuple = ("solid", (0, (5, 2)), (0, (1.2, 1.5)), (0, (5, 1.5, 1, 1.5)))
_BINS_A_DECADE = 3


def plot_laws(
    axes: matplotlib.axes.Axes,
    measured: Mapping[str, Estimate],
    laws: Mapping[str, Mapping[str, AbstractLaw]],
    *,
    loss: bool = False,
) -> matplotlib.axes.Axes:
    """Draw measured pass@k as points, with standard errors, and laws of it as lines.

    Args:
        axes: where to draw.
        measured: estimates at increasing k, by the name of the data set; a colour each.
        laws: for each kind of law (a line style each) the law of every data set it was fitted to.
        loss: draw the inference loss, 1 - pass@k, on a logarithmic axis instead.

    Returns:
        `axes`.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from jaxscale.difficulty import Beta
        >>> from jaxscale.estimators import pass_at_k
        >>> points = {"mine": pass_at_k(Attempts([9, 9, 9], [0, 2, 5]), [1, 3, 9])}
        >>> axes = plot_laws(Figure().subplots(), points, {"Beta": {"mine": Beta(0.5, 1.0)}})
        >>> axes.get_xlabel()
        'calls per query, k'
    """
    count_calls(axes)
    ends = {}
    first = min(int(points.calls.min()) for points in measured.values())
    last = max(int(points.calls.max()) for points in measured.values())
    k = np.unique(np.rint(np.geomspace(first, last, 200)))
    for (name, points), colour in zip(measured.items(), _colours(len(measured)), strict=True):
        height = 1 - points.value if loss else points.value
        axes.errorbar(
            points.calls,
            height,
            points.standard_error,
            fmt="o",
            color=colour,
            markersize=3.2,
            elinewidth=0.8,
            alpha=0.8,
        )
        ends[name] = (float(height[-1]), colour)
        for per_name, dashes in zip(laws.values(), _DASHES, strict=False):
            if name in per_name:
                with jax.enable_x64(True):
                    failure = np.exp(np.asarray(per_name[name].log_failure(k)))
                axes.plot(k, failure if loss else 1 - failure, color=colour, linestyle=dashes, linewidth=1.4)
    if loss:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda share, _: f"{share:g}"))
        axes.set_ylabel("inference loss L(k) = 1 - pass@k")
    else:
        axes.set_ylim(0, None)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("pass@k")
    axes.set_xlabel("calls per query, k")
    styles = zip(laws, _DASHES, strict=False)
    data = Line2D([], [], color="#444444", marker="o", markersize=3.2, linewidth=0, label="data")
    axes.legend(handles=[data, *(Line2D([], [], color="#444444", linestyle=dash, label=kind) for kind, dash in styles)])
    name_at_the_end(axes, ends)
    return axes


def plot_successes(
    axes: matplotlib.axes.Axes, attempts: Attempts, laws: Mapping[str, AbstractDifficulty]
) -> matplotlib.axes.Axes:
    """Draw how the success rates of queries are spread, and how they would be under difficulty models.

    Bars are shares of queries, lines the shares that a model expects among as many attempts: its own noise is in
    them, so the two are comparable down to the queries that were never solved, which have a place of their own at 0.

    Args:
        axes: where to draw.
        attempts: what was recorded, with the same number of attempts at every query.
        laws: difficulty models by name.

    Returns:
        `axes`.

    Raises:
        ValueError: for uneven attempts, whose success rates are not comparable.

    Example:
        >>> from matplotlib.figure import Figure
        >>> from jaxscale.difficulty import Beta
        >>> axes = plot_successes(Figure().subplots(), Attempts([9, 9], [0, 2]), {"Beta": Beta(0.5, 1.0)})
        >>> axes.get_ylabel()
        'share of queries'
    """
    n = int(attempts.attempts[0])
    if (attempts.attempts != n).any():
        raise ValueError(f"attempts = {attempts.attempts.min()} to {attempts.attempts.max()}: expected an equal number")
    counts = np.arange(n + 1)
    edges = np.unique(np.rint(np.geomspace(1, n + 1, int(_BINS_A_DECADE * np.log10(n + 1)) + 2)))
    edges = np.concatenate([[0], edges])
    shares = np.histogram(attempts.successes, edges)[0] / len(attempts)
    # On the logarithmic axis the bin of no success lies left of 1/n, apart from the others.
    left, right = edges[:-1].copy(), edges[1:].copy()
    left[0], right[0] = 0.22, 0.5
    axes.bar(left / n, shares, (right - left) / n, align="edge", color="#BBBBBB", edgecolor="white", linewidth=0.8)
    middle = np.sqrt(left * right) / n
    for (name, law), colour in zip(laws.items(), _colours(len(laws)), strict=True):
        with jax.enable_x64(True):
            log_mass = _terms(law, law.statistics(np.full(n + 1, n), counts))
        expected = np.add.reduceat(np.exp(np.asarray(log_mass)), edges[:-1].astype(int))
        axes.plot(middle[:1], expected[:1], "o", color=colour, markersize=4)
        axes.plot(middle[1:], expected[1:], "o-", color=colour, markersize=4, linewidth=1.4, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=13))
    axes.set_xlim(0.18 / n, 1.1)
    ticks = [middle[0], *10.0 ** np.arange(-np.floor(np.log10(n)), 1)]
    axes.set_xticks(ticks, ["0", *(f"{100 * tick:g}%" for tick in ticks[1:])])
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(f"success rate of a query in {short(n, 0)} calls")
    axes.set_ylabel("share of queries")
    axes.legend()
    return axes


@jax.jit
def _terms(law: AbstractDifficulty, statistics: Any) -> Float[Array, " counts"]:
    return law.log_likelihood_terms(statistics)


def _colours(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]
