"""What more calls will give, with intervals."""

from jaxscale.forecasting._arguments import checked
from jaxscale.forecasting._best_of_n import VerifiedDraws, verified_draws
from jaxscale.forecasting._best_vote import MARGIN, best_vote
from jaxscale.forecasting._coverage import forecast_coverage
from jaxscale.forecasting._forecast import forecast
from jaxscale.forecasting._groups import GroupForecasts, warn_of_other_queries
from jaxscale.forecasting._pooled import DRAWS as POOLED_DRAWS
from jaxscale.forecasting._posterior import DRAWS as COVERAGE_DRAWS, SharedDraws
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast, ForecastModel, joined, select
from jaxscale.forecasting._shapes import SHAPES
from jaxscale.forecasting._vote_summary import VoteSummary, recorded_calls, vote_summary
from jaxscale.forecasting._votes import DRAWS as VOTE_DRAWS, MOST_FORECAST_CALLS

__all__ = [
    "AUTO",
    "COVERAGE_DRAWS",
    "MARGIN",
    "MOST_FORECAST_CALLS",
    "POOLED_DRAWS",
    "SHAPES",
    "VOTE_DRAWS",
    "Forecast",
    "ForecastModel",
    "GroupForecasts",
    "SharedDraws",
    "VerifiedDraws",
    "VoteSummary",
    "best_vote",
    "checked",
    "forecast",
    "forecast_coverage",
    "joined",
    "recorded_calls",
    "select",
    "verified_draws",
    "vote_summary",
    "warn_of_other_queries",
    "warn_of_prior",
]
