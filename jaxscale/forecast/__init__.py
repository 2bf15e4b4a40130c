"""What more calls will give, with intervals."""

from jaxscale.forecast._best_of_n import VerifiedDraws, forecast_best_of_n, verified_draws
from jaxscale.forecast._best_vote import best_vote
from jaxscale.forecast._coverage import forecast
from jaxscale.forecast._groups import forecast_groups
from jaxscale.forecast._result import Forecast, ForecastModel
from jaxscale.forecast._votes import forecast_votes

__all__ = [
    "Forecast",
    "ForecastModel",
    "VerifiedDraws",
    "best_vote",
    "forecast",
    "forecast_best_of_n",
    "forecast_groups",
    "forecast_votes",
    "verified_draws",
]
