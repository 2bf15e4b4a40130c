"""Coverage beyond the record by one fitted law of difficulty, and draws of its parameters."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimators import Distinct, distinct, padded_size, pass_at_k_per_query
from jaxscale.fitting import NAMED_MODELS, fit, sample_posterior
from jaxscale.forecasting._noise import rerun_variance
from jaxscale.forecasting._prediction import Over, Prediction, variance_over_queries
from jaxscale.forecasting._result import ForecastModel
from jaxscale.forecasting._rivals import RIVALS

_DRAWS = 400


def predict_by_law(
    attempts: Attempts, k: np.ndarray, over: Over, key: PRNGKeyArray, model: str | AbstractDifficulty
) -> Prediction:
    """Predict coverage under the posterior of one law's parameters.

    Args:
        attempts: what was recorded.
        k: (budgets,) numbers of calls.
        over: as for `forecast`.
        key: a typed JAX key.
        model: the name of a law, or where its fit starts.

    Raises:
        ValueError: for another model; it names those there are.

    Source:
        docs/mathematics.md, "Posterior prediction".
    """
    known = [name for name, named in NAMED_MODELS.items() if issubclass(named.law, AbstractDifficulty)]
    if not isinstance(model, AbstractDifficulty) and model not in known:
        raise ArgumentError("model", model, f"auto, {', '.join([*known, *RIVALS])}, or an AbstractDifficulty")
    ahead = bool(k.max() > attempts.attempts.min())
    result = fit(model, attempts, method="map")
    pairs = distinct(attempts)
    drawn = sample_posterior(result, attempts, key, _DRAWS).law if ahead else None
    value, means, noise, per_pair = _predict(result.law, drawn, pairs, k)
    used = ForecastModel(result.name, result.values, {result.name: 1.0})
    counts = pairs.queries
    if over == "these":
        variance = counts @ noise / counts.sum() ** 2
        # Within k calls a query of a run as long as that is solved or not; a longer run averages over subsets.
        step = np.minimum(1.0, k / np.mean(attempts.attempts)) / counts.sum()
        return Prediction(value, means, variance, step, used)
    variance = variance_over_queries(value, counts @ np.square(per_pair) / counts.sum(), len(attempts))
    return Prediction(value, means, variance, np.zeros(len(k)), used, per_pair[pairs.pair], means.var(axis=0))


class _Means(NamedTuple):
    """What a model says: the mean over queries, posterior draws of it, and the noise and value of each query."""

    value: np.ndarray  # (budgets,)
    draws: np.ndarray  # (draws, budgets)
    noise: np.ndarray  # (pairs, budgets) variance of a further run's estimate
    per_pair: np.ndarray  # (pairs, budgets)


def _predict(model: Any, drawn: Any, pairs: Distinct, k: np.ndarray) -> _Means:
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
    return _Means(value, value + by_draw - by_draw.mean(axis=0), noise, per_pair)


@jax.jit
def _solved_later(
    drawn: AbstractDifficulty, failures: Array, further: Float[Array, "pairs budgets"]
) -> Float[Array, "draws pairs budgets"]:
    """The chance, for each posterior draw of the model, that further calls solve a query that failed so far."""

    def one(model: AbstractDifficulty) -> Array:
        return -jnp.expm1(model.log_predictive_failure(further, failures[:, None], jnp.zeros_like(failures)[:, None]))

    return jax.lax.map(one, drawn, batch_size=32)
