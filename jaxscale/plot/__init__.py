"""Pictures of results: matplotlib axes in, axes out. Nothing here chooses a backend or writes a file."""

from jaxscale.plot._axes import COLOURS
from jaxscale.plot._coverage import plot_forecasts
from jaxscale.plot._votes import plot_votes

__all__ = ["COLOURS", "plot_forecasts", "plot_votes"]
