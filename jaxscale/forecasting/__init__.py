"""What more calls will give, with intervals."""

from jaxscale.forecasting import _votes
from jaxscale.forecasting._arguments import checked
from jaxscale.forecasting._best_of_n import VerifiedDraws, verified_draws
from jaxscale.forecasting._best_vote import MARGIN, best_vote
from jaxscale.forecasting._coverage import average
from jaxscale.forecasting._forecast import forecast
from jaxscale.forecasting._groups import Together, warn_of_other_queries
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast, ForecastModel, joined, select
from jaxscale.forecasting._shapes import SHAPES

__all__ = [
    "AUTO",
    "MARGIN",
    "SHAPES",
    "Forecast",
    "ForecastModel",
    "Together",
    "VerifiedDraws",
    "average",
    "best_vote",
    "checked",
    "forecast",
    "joined",
    "select",
    "verified_draws",
    "warn_of_other_queries",
    "warn_of_prior",
]

# Importing a module registers its forecasts.
del _votes
