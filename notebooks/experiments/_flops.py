"""Coverage against what a query costs in FLOPs: a map over how dear a call is, and slices of it."""

from collections.abc import Mapping

import jax
import matplotlib.axes
import numpy as np
from jaxtyping import Float
from matplotlib.ticker import LogLocator, NullFormatter, PercentFormatter
from numpy.typing import ArrayLike

from jaxscale.difficulty import AbstractLaw
from jaxscale.planning import Cost
from jaxscale.plot import COLOURS

_LEVELS = np.linspace(0.1, 0.9, 9)


def plot_flops_contours(
    axes: matplotlib.axes.Axes,
    law: AbstractLaw,
    cost: Cost,
    across: ArrayLike,
    flops: ArrayLike,
    *,
    recorded: int | None = None,
) -> matplotlib.axes.Axes:
    """Draw a map of the pass@k that a budget of FLOPs buys, over how dear a call is.

    Blank where the budget does not pay for one call. Between whole numbers of calls the law is drawn as it stands.

    Args:
        axes: where to draw.
        law: pass@k.
        cost: what calls cost, its FLOPs arrays of the shape of `across` (`Cost.from_tokens` takes arrays).
        across: what makes calls dear (FLOPs per token, tokens of an answer, ...), positive and increasing.
        flops: budgets of FLOPs for one query, positive and increasing.
        recorded: calls that the law was fitted to: a dashed line marks where its extrapolation begins.

    Returns:
        `axes`, with `across` across and `flops` up, both logarithmic; without a label of the former.

    Raises:
        ValueError: for a cost that has not as many calls' FLOPs as `across` has values, or calls that cost none.

    Source:
        docs/mathematics.md, "Cost"; [Levi24].

    Example:
        >>> from matplotlib.figure import Figure
        >>> import jaxscale as js
        >>> across = np.array([1e9, 1e10, 1e11])
        >>> cost = js.Cost.from_tokens(500, 500, flops_per_token=across)
        >>> axes = plot_flops_contours(Figure().subplots(), js.Beta(0.3, 10.0), cost, across, [1e13, 1e15, 1e17])
        >>> axes.get_ylabel()
        'FLOPs spent on a query'
    """
    across, flops = np.asarray(across, float), np.asarray(flops, float)
    calls = calls_for(cost, flops[:, None])
    if calls.shape != (flops.size, across.size):
        raise ValueError(f"cost: expected FLOPs of {across.size} kinds of calls, one for each value across")
    axes.set(xscale="log", yscale="log", xlim=across[[0, -1]], ylim=flops[[0, -1]])
    # Filled to below one call, and covered, so that the edge is smooth.
    axes.contourf(across, flops, _coverage(law, calls, 0.0), levels=[0, *_LEVELS, 1], cmap="viridis", alpha=0.85)
    one = np.broadcast_to(cost.flops(1), across.shape)
    axes.fill_between(across, np.minimum(flops[0], one), one, color="white", linewidth=0, zorder=1.5)
    lines = axes.contour(across, flops, _coverage(law, calls, 1.0), levels=_LEVELS, colors="white", linewidths=0.8)
    paths = [np.asarray(path.vertices) for path in lines.get_paths()]
    middles = [path[len(path) // 2] for path in paths if len(path)]
    axes.clabel(lines, fmt=lambda level: f"{level:.0%}", fontsize=8, manual=middles)
    if recorded is not None:
        end = np.broadcast_to(cost.flops(recorded), across.shape)
        axes.plot(across, end, color="black", linewidth=1.2, linestyle="--")
        (inside,) = np.nonzero((flops[0] < end) & (end < flops[-1]))
        if inside.size:
            place = inside[inside.size // 6]
            axes.annotate(
                f"{recorded:,} calls", (across[place], end[place]), xytext=(4, -1), textcoords="offset points",
                fontsize=8, ha="left", va="top",
            )  # fmt: skip
    axes.set_ylabel("FLOPs spent on a query")
    return axes


def plot_flops_slices(
    axes: matplotlib.axes.Axes, law: AbstractLaw, costs: Mapping[str, Cost], flops: ArrayLike, *, loss: bool = False
) -> matplotlib.axes.Axes:
    """Draw pass@k against the FLOPs spent on a query, a line for each cost of calls.

    Args:
        axes: where to draw.
        law: pass@k.
        costs: what calls cost, by name.
        flops: budgets of FLOPs for one query, positive and increasing; a line begins where they pay for one call.
        loss: draw the inference loss, 1 - pass@k, on a logarithmic axis instead.

    Returns:
        `axes`.

    Raises:
        ValueError: for calls that cost no FLOPs.

    Source:
        docs/mathematics.md, "Cost"; [Levi24].

    Example:
        >>> from matplotlib.figure import Figure
        >>> import jaxscale as js
        >>> costs = {"1B": js.Cost.from_tokens(500, 500, flops_per_token=2e9)}
        >>> axes = plot_flops_slices(Figure().subplots(), js.Beta(0.3, 10.0), costs, [1e13, 1e15])
        >>> axes.get_ylabel()
        'pass@k'
    """
    flops = np.asarray(flops, float)
    for index, (name, cost) in enumerate(costs.items()):
        share = _coverage(law, calls_for(cost, flops), 1.0)
        axes.plot(flops, 1 - share if loss else share, color=COLOURS[index % len(COLOURS)], linewidth=1.6, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("FLOPs spent on a query")
    if loss:
        axes.set_yscale("log")
        axes.set_ylabel("inference loss, 1 - pass@k")
    else:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("pass@k")
    axes.legend()
    return axes


def calls_for(cost: Cost, flops: np.ndarray) -> Float[np.ndarray, "..."]:
    """The calls, fractions and all, that FLOPs pay for.

    >>> calls_for(Cost.from_tokens(500, 500, flops_per_token=2.0), np.array([2000.0, 11000.0])).tolist()
    [1.0, 10.0]
    """
    each = np.asarray(cost.flops_per_call, float)
    if not (each > 0).all():
        raise ValueError("cost: expected calls that cost FLOPs; give Cost.from_tokens flops_per_token")
    return (flops - np.asarray(cost.flops_per_query, float)) / each


def _coverage(law: AbstractLaw, calls: np.ndarray, least: float) -> np.ndarray:
    """pass@k at fractional numbers of calls, NaN below the least of them (but for rounding)."""
    enough = calls >= least * (1 - 1e-12)
    with jax.enable_x64(True):
        share = np.asarray(law.pass_at_k(np.where(enough, calls, 1.0)))
    return np.where(enough, share, np.nan)
