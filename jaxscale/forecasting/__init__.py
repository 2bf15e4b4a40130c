"""What more calls will give, with intervals."""

from jaxscale.forecasting._arguments import checked
from jaxscale.forecasting._auto import DRAWS as COVERAGE_DRAWS
from jaxscale.forecasting._best_of_n import VerifiedDraws, verified_draws
from jaxscale.forecasting._best_vote import MARGIN, best_vote
from jaxscale.forecasting._coverage import average
from jaxscale.forecasting._forecast import forecast
from jaxscale.forecasting._groups import Together, warn_of_other_queries
from jaxscale.forecasting._pool import DRAWS as POOLED_DRAWS
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast, ForecastModel, joined, select
from jaxscale.forecasting._shapes import SHAPES
from jaxscale.forecasting._votes import DRAWS as VOTE_DRAWS

__all__ = [
    "AUTO",
    "COVERAGE_DRAWS",
    "MARGIN",
    "POOLED_DRAWS",
    "SHAPES",
    "VOTE_DRAWS",
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
