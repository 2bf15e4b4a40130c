"""The forecast of coverage and of reliability: a posterior of the queries, a prediction from it, and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._arrays import generator
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.forecasting._interval import interval
from jaxscale.forecasting._model import predict_by_law
from jaxscale.forecasting._posterior import LawPosterior, QueryPosterior, SharedDraws, query_posterior
from jaxscale.forecasting._prediction import Over, Prediction, looked_at, predict_beyond, predict_recorded
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast
from jaxscale.forecasting._rivals import RIVALS
from jaxscale.systems import AllPass, PassAtK, SolveOnce, implements


@implements("forecast", SolveOnce, Attempts)
@implements("forecast", PassAtK, Attempts)
def _of_attempts(
    system: PassAtK | SolveOnce,
    data: Attempts,
    budgets: np.ndarray,
    *,
    model: str | AbstractDifficulty,
    level: float,
    over: Over,
    key: PRNGKeyArray,
) -> Forecast:
    if (prior := _prior(model)) is not None:
        warn_of_prior(data, prior)
    return _curve(data, budgets, model, level, over, key)


@implements("forecast", SolveOnce, Ballots)
@implements("forecast", PassAtK, Ballots)
def _of_ballots(system: PassAtK | SolveOnce, data: Ballots, budgets: np.ndarray, **settings: Any) -> Forecast:
    return _of_attempts(system, data.as_attempts, budgets, **settings)


def _prior(model: str | AbstractDifficulty) -> str | None:
    """What a forecast comes from where the data say nothing; None where it is then refused."""
    if isinstance(model, str) and model in RIVALS:
        return None
    name = model if isinstance(model, str) else type(model).__name__
    return AUTO if name == "auto" else f"{name} under wide priors of its parameters"


def _curve(
    data: Attempts, budgets: np.ndarray, model: str | AbstractDifficulty, level: float, over: Over, key: PRNGKeyArray
) -> Forecast:
    flat = budgets.reshape(-1)
    if isinstance(model, str) and model in RIVALS:
        value, lower, upper, used = RIVALS[model](data, flat, level, key)
        value, lower, upper = (array.reshape(budgets.shape) for array in (value, lower, upper))
        return Forecast(budgets, value, lower, upper, used, _kind(data, budgets), level, over)
    if isinstance(model, str) and model == "auto":
        return forecast_coverage(data, budgets, level, over, SharedDraws(key))
    key_posterior, key_interval = jax.random.split(key)
    prediction = predict_by_law(data, flat, over, key_posterior, model)
    return forecast_of(data, budgets, level, over, [prediction], generator(key_interval))


@implements("forecast", AllPass, Attempts)
def _all_of_attempts(
    system: AllPass,
    data: Attempts,
    budgets: np.ndarray,
    *,
    model: str | AbstractDifficulty,
    level: float,
    over: Over,
    key: PRNGKeyArray,
) -> Forecast:
    """Pass^k is 1 minus pass@k of the failures: right and wrong change places, and so do the ends of the interval."""
    if (prior := _prior(model)) is not None:
        warn_of_prior(data, f"{prior}, for the chance that a call is wrong")
    failures = replace(data, successes=data.attempts - data.successes)
    found = _curve(failures, budgets, model, level, over, key)
    used = found.model if found.model.name == "auto" else replace(found.model, name=f"{found.model.name} of failures")
    return replace(
        found,
        value=1 - found.value,
        lower=1 - found.upper,
        upper=1 - found.lower,
        per_query=None if found.per_query is None else 1 - found.per_query,
        model=used,
    )


@implements("forecast", AllPass, Ballots)
def _all_of_ballots(system: AllPass, data: Ballots, budgets: np.ndarray, **settings: Any) -> Forecast:
    return _all_of_attempts(system, data.as_attempts, budgets, **settings)


def forecast_coverage(
    attempts: Attempts,
    budgets: np.ndarray,
    level: float,
    over: Over,
    shared: SharedDraws,
    laws: LawPosterior | None = None,
    posterior: QueryPosterior | None = None,
) -> Forecast:
    """The forecast of "auto".

    Args:
        attempts: what was recorded.
        budgets: numbers of calls, any shape.
        level: as for `forecast`.
        over: as for `forecast`.
        shared: draws that other data sets of the same key need too.
        laws: the posterior of the law of difficulty, if it is known.
        posterior: of the queries at the calls that `looked_at` returns for `budgets`; None for that under `laws`.

    Returns:
        The curve.
    """
    flat = budgets.reshape(-1)
    (laws,) = shared.posteriors([attempts]) if laws is None else [laws]
    calls = looked_at(attempts.attempts, flat)
    posterior = query_posterior(laws, calls) if posterior is None else posterior
    ahead = flat > attempts.attempts.min()
    predictions = []
    if not ahead.all():
        predictions.append(predict_recorded(laws.pairs, posterior, flat[~ahead], over))
    if ahead.any():
        predictions.append(predict_beyond(laws.pairs, posterior, calls, flat[ahead], over))
    # Back to the order in which they were asked for.
    place = np.argsort(np.argsort(ahead, kind="stable"), kind="stable")
    rng = np.random.default_rng(shared.interval_seed)
    return forecast_of(attempts, budgets, level, over, predictions, rng, place)


def forecast_of(
    attempts: Attempts,
    budgets: np.ndarray,
    level: float,
    over: Over,
    predictions: Sequence[Prediction],
    rng: np.random.Generator,
    place: np.ndarray | slice = slice(None),
) -> Forecast:
    """Predictions at some numbers of calls after those at others, and their intervals, as a forecast."""

    def curve(arrays: Sequence[np.ndarray | None]) -> Any:
        known = [array for array in arrays if array is not None]
        joined = np.concatenate(known, axis=-1)[..., place] if known else None
        return None if joined is None else joined.reshape((*joined.shape[:-1], *budgets.shape))

    ends = [interval(rng, each.value, each.draws, each.variance, level, each.step) for each in predictions]
    return Forecast(
        budgets,
        curve([each.value for each in predictions]),
        curve([lower for lower, _ in ends]),
        curve([upper for _, upper in ends]),
        predictions[-1].model,
        _kind(attempts, budgets),
        level,
        over,
        curve([each.per_query for each in predictions]),
        curve([each.posterior_variance for each in predictions]),
    )


def _kind(attempts: Attempts, budgets: np.ndarray) -> np.ndarray:
    return np.where(budgets <= attempts.attempts.min(), "estimate", "forecast")
