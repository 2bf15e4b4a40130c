"""Accuracy against cost: the curves that a plan chooses from, and where they cross."""

import itertools

import matplotlib.axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from jaxscale.planning import Plan
from jaxscale.plot._axes import COLOURS, name_at_the_end

_COLOURED = 8  # curves; of more, those that never lead are grey
_LABELS = {"money": "cost", "flops": "FLOPs", "seconds": "seconds for one query", "calls": "calls"}


def plot_plan(axes: matplotlib.axes.Axes, plan: Plan) -> matplotlib.axes.Axes:
    """Draw what every choice gives at every cost: solid within what was recorded, dashed beyond, bold where it leads.

    Args:
        axes: where to draw.
        plan: what `plan` returned.

    Returns:
        `axes`.
    """
    leaders = [stretch.candidate for stretch in plan.frontier]
    shown = [c for c in plan.curves if len(plan.curves) <= _COLOURED or c.candidate in (*leaders, plan.best.candidate)]
    for curve in plan.curves:
        if curve not in shown:
            axes.plot(curve.spend * plan.shares, curve.forecast.value, color="#BBBBBB", linewidth=0.8, zorder=1)
    ends = {}
    for curve, colour in zip(shown, itertools.cycle(COLOURS), strict=False):
        costs, value = curve.spend * plan.shares, curve.forecast.value
        recorded = curve.forecast.kind == "estimate"
        beyond = ~recorded
        beyond[max(int(recorded.sum()) - 1, 0)] = True
        axes.plot(costs[recorded], value[recorded], color=colour, linewidth=1.2)
        axes.plot(costs[beyond], value[beyond], color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
        for stretch in plan.frontier:
            if stretch.candidate is curve.candidate:
                low, high = (
                    cost * plan.shares * (1 + side) for cost, side in zip(stretch.costs, (-1e-9, 1e-9), strict=True)
                )
                led = (costs >= low) & (costs <= high)
                axes.plot(costs[led], value[led], color=colour, linewidth=4, alpha=0.35, solid_capstyle="round")
        ends[plan.name_of(curve.candidate)] = (float(value[-1]), colour)
    best = plan.best
    axes.plot(
        [best.cost],
        [best.value],
        marker="*",
        markersize=13,
        color=COLOURS[5],
        markeredgecolor="black",
        markeredgewidth=0.7,
        linestyle="none",
        zorder=5,
    )
    if plan.target is not None:
        axes.axhline(plan.target, color="#777777", linewidth=0.9, linestyle=":")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.grid(True, which="major", color="#DDDDDD", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for_all = "" if plan.unit == "seconds" else f", {plan.queries:,} queries"
    axes.set_xlabel(f"{_LABELS[plan.unit]}{for_all}")
    axes.set_ylabel(" or ".join(sorted({choice.candidate.measures for choice in plan.choices})))
    axes.set_title("Bold: the most for that cost; star: the choice; dashed: forecast", loc="left", fontsize=10)
    name_at_the_end(axes, ends)
    return axes
