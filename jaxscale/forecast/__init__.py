"""What more calls will give, with intervals."""

from jaxscale.forecast._coverage import forecast
from jaxscale.forecast._result import Forecast, ForecastModel
from jaxscale.forecast._votes import forecast_votes

__all__ = ["Forecast", "ForecastModel", "forecast", "forecast_votes"]
