"""What more calls will give, with intervals."""

from jaxscale.forecast._coverage import forecast
from jaxscale.forecast._result import Forecast, ForecastModel

__all__ = ["Forecast", "ForecastModel", "forecast"]
