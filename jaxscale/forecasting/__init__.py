"""What more calls will give, with intervals."""

from jaxscale.forecasting._best_of_n import VerifiedDraws, forecast_best_of_n, verified_draws
from jaxscale.forecasting._best_vote import best_vote
from jaxscale.forecasting._coverage import forecast
from jaxscale.forecasting._groups import forecast_groups
from jaxscale.forecasting._result import Forecast, ForecastModel
from jaxscale.forecasting._votes import forecast_votes

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
