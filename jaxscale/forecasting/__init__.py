"""What more calls will give, with intervals."""

from jaxscale.forecasting import _coverage, _votes
from jaxscale.forecasting._best_of_n import VerifiedDraws, verified_draws
from jaxscale.forecasting._best_vote import best_vote
from jaxscale.forecasting._forecast import forecast
from jaxscale.forecasting._groups import Together, warn_of_other_queries
from jaxscale.forecasting._result import Forecast, ForecastModel

__all__ = [
    "Forecast",
    "ForecastModel",
    "Together",
    "VerifiedDraws",
    "best_vote",
    "forecast",
    "verified_draws",
    "warn_of_other_queries",
]

# Importing a module registers its forecasts.
del _coverage, _votes
