"""What more calls will give, with intervals.

A forecast of coverage goes one way: laws of difficulty (`_grid`, `_shapes`), the posterior of the queries (`_posterior`
of one data set, `_pooled` of several), a prediction (`_prediction`; `_model` under one fitted law), its interval
(`_interval`). `_coverage` puts these together for one data set and `_groups` for several. Shares of right calls go from
the same posterior to `_counted`. Votes go from a prior of answers (`_answers`) to `_votes`; best of n is `_best_of_n`.
"""

from jaxscale.forecasting import _counted
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

# Importing a module registers its forecasts.
del _counted
