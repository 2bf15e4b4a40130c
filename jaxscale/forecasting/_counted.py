"""Forecasts of systems that count right calls: how many of those still to come are right, query by query."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import PRNGKeyArray
from scipy.special import gammaln

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimators import counted_per_query
from jaxscale.forecasting._coverage import forecast_of
from jaxscale.forecasting._grid import FINE_LOG_P, FINE_LOG_Q, HATS, product
from jaxscale.forecasting._posterior import LawPosterior, SharedDraws, query_posterior
from jaxscale.forecasting._prediction import Over, Prediction, variance_over_queries
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast, ForecastModel
from jaxscale.systems import AbstractCounted, MeanShare, ShareAtLeast, implements

MOST_FORECAST = 10**4
"""The most calls: every number of right calls is looked at, at every difficulty."""
_MANY = 1000  # calls, of which the share is taken that decides at which end difficulty matters


@implements("forecast", MeanShare, Attempts)
@implements("forecast", ShareAtLeast, Attempts)
def _of_attempts(
    system: AbstractCounted,
    data: Attempts,
    budgets: np.ndarray,
    *,
    model: str | AbstractDifficulty,
    level: float,
    over: Over,
    key: PRNGKeyArray,
) -> Forecast:
    if not (isinstance(model, str) and model == "auto"):
        raise ArgumentError("model", model, f"auto for {type(system).__name__}")
    if budgets.max() > MOST_FORECAST:
        raise ArgumentError("calls", budgets.max(), f"at most {MOST_FORECAST} for {type(system).__name__}")
    warn_of_prior(data, AUTO)
    shared = SharedDraws(key)
    # The laws are detailed where p is near 0. A share above one half asks how near to 1 it is: right and wrong change
    # places, and the laws are those of the chance that a call is wrong.
    of_failures = 2 * system.least(_MANY) > _MANY
    counted = Attempts(data.attempts, data.attempts - data.successes) if of_failures else data
    (laws,) = shared.posteriors([counted])
    prediction = _predict(system, laws, budgets.reshape(-1), over, of_failures)
    rng = np.random.default_rng(shared.interval_seed)
    return forecast_of(data, budgets, level, over, [prediction], rng)


@implements("forecast", MeanShare, Ballots)
@implements("forecast", ShareAtLeast, Ballots)
def _of_ballots(system: AbstractCounted, data: Ballots, budgets: np.ndarray, **settings: Any) -> Forecast:
    return _of_attempts(system, data.as_attempts, budgets, **settings)


def _predict(system: AbstractCounted, laws: LawPosterior, k: np.ndarray, over: Over, of_failures: bool) -> Prediction:
    """The unbiased estimate of a query within its attempts; else what k calls are worth, of which n are those made."""
    pairs = laws.pairs
    n, counts, total = pairs.attempts, pairs.queries, pairs.queries.sum()
    right = n - pairs.successes if of_failures else pairs.successes
    density = query_posterior(laws, k[:1]).density
    likely = np.maximum(product(laws.likelihood, laws.laws.T), 1e-300)  # (pairs, draws)
    per_pair = counted_per_query(system, n, right, k)
    draws = np.empty((len(laws.laws), len(k)))
    # Of a further run at each query: what it is expected to be worth, the square of that worth, and of its chance.
    mean, square, true_square = np.empty((3, len(n), len(k)))
    for column, calls in enumerate(k.tolist()):
        ahead = calls > n
        draws[:, column] = counts[~ahead] @ per_pair[~ahead, column] / total
        for made in np.unique(n[ahead]).tolist():
            rows = n == made
            chances = _chances(calls - made, of_failures)
            numbers = right[rows, None] + np.arange(len(chances))
            later = _on_grid(system.worth(numbers, calls), chances, of_failures)
            by_law = product(laws.likelihood[rows] * later, laws.laws.T) / likely[rows]
            draws[:, column] += counts[rows] @ by_law / total
            per_pair[rows, column] = by_law.mean(axis=1)
        chances, worth = _chances(calls, of_failures), system.worth(np.arange(calls + 1), calls)[None]
        mean[:, column], square[:, column], true_square[:, column] = (
            density @ moment[0]
            for moment in (
                _on_grid(worth, chances, of_failures),
                _on_grid(worth**2, chances, of_failures),
                _on_grid(worth, chances, of_failures, power=2),
            )
        )
    value = counts @ per_pair / total
    within, beyond = k <= n.min(), k > n[:, None]
    draws = np.where(within, value, draws)
    used = ForecastModel("auto", {}, laws.shares)
    if over == "these":
        # Beyond n attempts a run differs from what is predicted of it. Within them both values average over subsets,
        # with at most k/n of the variance of k calls (Hoeffding).
        once = np.maximum(square - 2 * per_pair * mean + per_pair**2, 0.0)
        both = 2 * np.minimum(k / n[:, None], 1.0) * np.maximum(square - mean**2, 0.0)
        variance = counts @ np.where(beyond, once, both) / total**2
        step = np.where(within, k / (counts @ n / total), 1.0) / total
        return Prediction(value, draws, variance, step, used)
    squares = counts @ np.where(beyond, np.maximum(true_square, per_pair**2), per_pair**2) / total
    variance = variance_over_queries(value, squares, int(total))
    unknown = np.maximum(squares - counts @ per_pair**2 / total, 0.0) / total + draws.var(axis=0)
    # So many queries do not tell a value of 1, or of 0, from one a little off.
    step = np.maximum(1 - n.min() / k, 0.0) / total
    return Prediction(value, draws, variance, step, used, per_pair[pairs.pair], unknown)


def _chances(calls: int, of_failures: bool) -> np.ndarray:
    """(calls + 1, fine points) probabilities of so many right calls at each point of the fine grid."""
    right = np.arange(calls + 1.0)[:, None]
    log_right, log_wrong = (FINE_LOG_Q, FINE_LOG_P) if of_failures else (FINE_LOG_P, FINE_LOG_Q)
    choices = gammaln(calls + 1) - gammaln(right + 1) - gammaln(calls - right + 1)
    chances: np.ndarray = np.exp(choices + right * log_right + (calls - right) * log_wrong)
    return chances


def _on_grid(worth: np.ndarray, chances: np.ndarray, of_failures: bool, power: int = 1) -> np.ndarray:
    """A power of what is expected of (rows, numbers of right calls) worth so much; (rows, points + 1)."""
    averaged = product(np.power(product(worth, chances), power), HATS)
    # The last point is where all calls are alike.
    return np.column_stack([averaged, np.power(worth[:, -1 if of_failures else 0], power)])
