"""Pictures of results: matplotlib axes in, axes out. Nothing here chooses a backend or writes a file."""

from jaxscale.plot._axes import COLOURS
from jaxscale.plot._comparisons import plot_costs, plot_predictions, plot_vote_curves
from jaxscale.plot._coverage import plot_forecasts
from jaxscale.plot._difficulty import plot_difficulty
from jaxscale.plot._flops import plot_flops_contours, plot_flops_slices
from jaxscale.plot._laws import plot_laws, plot_successes
from jaxscale.plot._plan import plot_plan
from jaxscale.plot._shapes import plot_curve_shapes
from jaxscale.plot._trade_off import plot_trade_off
from jaxscale.plot._votes import plot_votes

__all__ = [
    "COLOURS",
    "plot_costs",
    "plot_curve_shapes",
    "plot_difficulty",
    "plot_flops_contours",
    "plot_flops_slices",
    "plot_forecasts",
    "plot_laws",
    "plot_plan",
    "plot_predictions",
    "plot_successes",
    "plot_trade_off",
    "plot_vote_curves",
    "plot_votes",
]
