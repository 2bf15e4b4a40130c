"""Coverage beyond the recorded attempts: posterior prediction, query by query."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import float64, generator
from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimators import Distinct, distinct, padded_size, pass_at_k_per_query
from jaxscale.fitting import NAMED_MODELS, fit, sample_posterior
from jaxscale.forecasting._auto import Belief, believe, foretell_coverage
from jaxscale.forecasting._intervals import interval
from jaxscale.forecasting._noise import rerun_variance, rerun_variance_within
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast, ForecastModel
from jaxscale.forecasting._rivals import RIVALS
from jaxscale.forecasting._shapes import PriorDraws
from jaxscale.systems import PassAtK, SolveOnce, implements

_DRAWS = 400


@implements("forecast", SolveOnce, Attempts)
@implements("forecast", PassAtK, Attempts)
def _of_attempts(
    system: PassAtK | SolveOnce,
    data: Attempts,
    budgets: np.ndarray,
    *,
    model: str | AbstractDifficulty,
    level: float,
    over: Literal["these", "population"],
    key: PRNGKeyArray,
) -> Forecast:
    if not isinstance(model, str) or model not in RIVALS:
        name = model if isinstance(model, str) else type(model).__name__
        warn_of_prior(data, AUTO if name == "auto" else f"{name} under wide priors of its parameters")
    if isinstance(model, str) and model == "auto":
        return average(data, budgets, level, over, key)
    flat = budgets.reshape(-1)
    if isinstance(model, str) and model in RIVALS:
        found = _Found(*RIVALS[model](data, flat, level, key))
    else:
        found = _by_model(data, flat, level, over, key, model)
    return _shaped(data, budgets, level, over, found)


@implements("forecast", SolveOnce, Ballots)
@implements("forecast", PassAtK, Ballots)
def _of_ballots(system: PassAtK | SolveOnce, data: Ballots, budgets: np.ndarray, **settings: Any) -> Forecast:
    return _of_attempts(system, data.as_attempts, budgets, **settings)


def average(
    attempts: Attempts,
    budgets: np.ndarray,
    level: float,
    over: Literal["these", "population"],
    key: PRNGKeyArray,
    belief: Belief | None = None,
    prior: PriorDraws | None = None,
) -> Forecast:
    """The forecast of "auto".

    Args:
        attempts: what was recorded.
        budgets: numbers of calls, any shape.
        level: as for `forecast`.
        over: as for `forecast`.
        key: a typed JAX key.
        belief: what is believed of the queries at `budgets`, flat; None for what the data alone say.
        prior: draws that other data sets need too, as `prior_draws` makes them of the key; None for new ones.

    Returns:
        The curve.
    """
    flat = budgets.reshape(-1)
    ahead = flat > attempts.attempts.min()
    key_posterior, key_interval = jax.random.split(key)
    if belief is None:
        belief = believe(attempts, flat, generator(key_posterior), prior)
    found = []
    if not ahead.all():
        found.append(_within(attempts, flat[~ahead], level, over, key_interval, belief))
    if ahead.any():
        belief = belief._replace(solved_later=belief.solved_later[:, ahead], draws=belief.draws[:, ahead])
        found.append(_by_belief(attempts, flat[ahead], level, over, key_interval, belief))
    # Back to the order in which they were asked for.
    place = np.argsort(np.argsort(ahead, kind="stable"), kind="stable")
    parts = [(each.value, each.lower, each.upper, each.per_query, each.doubt) for each in found]
    arrays: list[Any] = [
        None if array[0] is None else np.concatenate(array, axis=-1)[..., place] for array in zip(*parts, strict=True)
    ]
    value, lower, upper, per_query, doubt = arrays
    return _shaped(attempts, budgets, level, over, _Found(value, lower, upper, found[-1].model, per_query, doubt))


class _Found(NamedTuple):
    """A forecast at flat numbers of calls; the last two as `Forecast` has them."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    model: ForecastModel
    per_query: np.ndarray | None = None
    doubt: np.ndarray | None = None


def _shaped(
    attempts: Attempts, budgets: np.ndarray, level: float, over: Literal["these", "population"], found: _Found
) -> Forecast:
    kind = np.where(budgets <= attempts.attempts.min(), "estimate", "forecast")
    value, lower, upper = (array.reshape(budgets.shape) for array in (found.value, found.lower, found.upper))
    per_query = None if found.per_query is None else found.per_query.reshape(-1, *budgets.shape)
    doubt = None if found.doubt is None else found.doubt.reshape(budgets.shape)
    return Forecast(budgets, value, lower, upper, found.model, kind, level, over, per_query, doubt)


def _by_model(
    attempts: Attempts,
    k: np.ndarray,
    level: float,
    over: str,
    key: PRNGKeyArray,
    model: str | AbstractDifficulty,
) -> _Found:
    known = [name for name, named in NAMED_MODELS.items() if issubclass(named.law, AbstractDifficulty)]
    if not isinstance(model, AbstractDifficulty) and model not in known:
        raise ArgumentError("model", model, f"auto, {', '.join([*known, *RIVALS])}")
    key_posterior, key_interval = jax.random.split(key)
    ahead = bool(k.max() > attempts.attempts.min())
    result = fit(model, attempts, method="map")
    pairs = distinct(attempts)
    drawn = sample_posterior(result, attempts, key_posterior, _DRAWS).law if ahead else None
    value, means, noise, per_pair = _predict(result.law, drawn, pairs, k)
    counts = pairs.queries
    if over == "these":
        variance = counts @ noise / counts.sum() ** 2
        # Within k calls a query of a run as long as that is solved or not; a longer run averages over subsets.
        step = np.minimum(1.0, k / np.mean(attempts.attempts)) / counts.sum()
    else:
        variance = _over_queries(value, counts @ np.square(per_pair) / counts.sum(), len(attempts))
        step = np.zeros(len(k))
    lower, upper = interval(key_interval, value, means, variance, level, step)
    found = _Found(value, lower, upper, ForecastModel(result.name, result.values, {result.name: 1.0}))
    return found if over == "these" else found._replace(per_query=per_pair[pairs.pair], doubt=means.var(axis=0))


def prior_draws(key: PRNGKeyArray) -> PriorDraws:
    """What `average` draws before it looks at the data, for all data sets that are given this key."""
    return PriorDraws(generator(jax.random.split(key)[0]))


def _within(attempts: Attempts, k: np.ndarray, level: float, over: str, key: PRNGKeyArray, belief: Belief) -> _Found:
    """The forecast of "auto" for k up to the fewest attempts: the unbiased estimate, and how far a rerun differs."""
    # By distinct queries whatever the rows of the belief are, so that values are the same to the last bit.
    pairs, queries = distinct(attempts), len(attempts)
    real = pairs.queries > 0
    counts, per_pair = pairs.queries[real], pass_at_k_per_query(pairs.attempts[real], pairs.successes[real], k)
    value = counts @ per_pair / queries
    if over == "these":
        variance = belief.queries @ rerun_variance_within(belief.density, belief.attempts, k) / queries**2
        step = k / np.mean(attempts.attempts) / queries
    else:
        variance = _over_queries(value, counts @ np.square(per_pair) / queries, queries)
        step = np.zeros(len(k))
    lower, upper = interval(key, value, value[None], variance, level, step)
    found = _Found(value, lower, upper, ForecastModel("auto", {}, belief.weights))
    return found if over == "these" else found._replace(per_query=per_pair[pairs.pair], doubt=np.zeros(len(k)))


def _by_belief(attempts: Attempts, k: np.ndarray, level: float, over: str, key: PRNGKeyArray, belief: Belief) -> _Found:
    """The forecast of "auto", for k beyond the fewest attempts."""
    found = foretell_coverage(attempts, belief, k)
    queries = len(attempts)
    # Values are counts of queries, and so many queries do not tell a coverage of 1 from one a little below.
    step = np.full(len(k), 1 / queries)
    variance = found.rerun
    if over == "population":
        variance = _over_queries(found.value, found.squares, queries)
        step *= 1 - attempts.attempts.min() / k
    lower, upper = interval(key, found.value, found.draws, variance, level, step)
    result = _Found(found.value, lower, upper, ForecastModel("auto", found.line, found.weights))
    if over == "these":
        return result
    # What the data alone say has one row for all queries that are equal.
    per_query = found.per_query[distinct(attempts).pair if len(belief.attempts) < queries else np.arange(queries)]
    # What is foretold of a query varies less than its true chance; and laws and trend may disagree.
    within = np.maximum(found.squares - np.square(per_query).mean(axis=0), 0.0) / queries
    doubt = within + found.draws.var(axis=0) + np.square(found.value - found.draws.mean(axis=0))
    return result._replace(per_query=per_query, doubt=doubt)


def _over_queries(value: np.ndarray, squares: np.ndarray, queries: int) -> np.ndarray:
    """Variance of a mean over sampled queries, from the mean and the mean square of the chance of each.

    One pseudo-query is solved and one failed in a half each: equal queries do not make a sample certain.
    """
    spread = queries * np.maximum(squares - value**2, 0.0) + value**2 + (1 - value) ** 2
    return spread / (queries + 1) ** 2


class _Prediction(NamedTuple):
    """What a model says: the mean over queries, posterior draws of it, and the noise and value of each query."""

    value: np.ndarray  # (budgets,)
    draws: np.ndarray  # (draws, budgets)
    noise: np.ndarray  # (pairs, budgets) variance of a further run's estimate
    per_pair: np.ndarray  # (pairs, budgets)


def _predict(model: Any, drawn: Any, pairs: Distinct, k: np.ndarray) -> _Prediction:
    n, c, counts = pairs.attempts, pairs.successes, pairs.queries
    beyond = k > n[:, None]
    # 1 for a query that was solved, and the unbiased estimate within its attempts.
    per_pair = pass_at_k_per_query(n, c, k)
    by_draw = np.broadcast_to(counts @ per_pair / counts.sum(), (_DRAWS, len(k))).copy()
    unsolved = np.flatnonzero((c == 0) & (counts > 0))
    with float64():
        if beyond[unsolved].any():
            padded = np.pad(unsolved, (0, padded_size(len(unsolved)) - len(unsolved)), mode="edge")
            further = np.maximum(k - n[padded, None], 0).astype(float)
            chance = np.asarray(_solved_later(drawn, n[padded].astype(float), further))
            chance = chance[:, : len(unsolved)]
            by_draw += np.einsum("p,dpk->dk", counts[unsolved], chance) / counts.sum()
            per_pair[unsolved] += chance.mean(axis=0)
        noise = np.asarray(rerun_variance(model, n, c, k))
    value = counts @ per_pair / counts.sum()
    return _Prediction(value, value + by_draw - by_draw.mean(axis=0), noise, per_pair)


@jax.jit
def _solved_later(
    drawn: AbstractDifficulty, failures: Array, further: Float[Array, "pairs budgets"]
) -> Float[Array, "draws pairs budgets"]:
    """The chance, for each posterior draw of the model, that further calls solve a query that failed so far."""

    def one(model: AbstractDifficulty) -> Array:
        return -jnp.expm1(model.log_predictive_failure(further, failures[:, None], jnp.zeros_like(failures)[:, None]))

    return jax.lax.map(one, drawn, batch_size=32)
