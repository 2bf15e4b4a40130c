"""Pictures of results: matplotlib axes in, axes out. Nothing here chooses a backend or writes a file."""

from jaxscale.plot._axes import COLOURS, count_calls, name_at_the_end, short
from jaxscale.plot._coverage import plot_forecasts
from jaxscale.plot._plan import plot_plan
from jaxscale.plot._votes import plot_votes

__all__ = [
    "COLOURS",
    "count_calls",
    "name_at_the_end",
    "plot_forecasts",
    "plot_plan",
    "plot_votes",
    "short",
]
