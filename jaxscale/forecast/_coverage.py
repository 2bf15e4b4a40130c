"""Coverage beyond the recorded attempts: posterior prediction, query by query."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import float64, whole_numbers
from jaxscale.data import Attempts, require
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimate._coverage import pass_at_k_per_query
from jaxscale.estimate._distinct import Distinct, distinct, padded_size
from jaxscale.fit import NAMED_MODELS, fit, sample_posterior
from jaxscale.forecast._intervals import interval
from jaxscale.forecast._noise import rerun_variance
from jaxscale.forecast._result import Forecast, ForecastModel
from jaxscale.forecast._rivals import RIVALS

AUTO = {"beta": 0.8, "beta-ceiling": 0.2}
"""The models that model="auto" averages, with the share of each before the data speak (by evidence under wide priors).

A ceiling is the less likely by default: data that end early cannot tell it from a slow rise, and it can only lower
the forecast.
"""

DEFAULT_SEED = 0
_DRAWS = 400


class _Prediction(NamedTuple):
    """What one model says: posterior draws of the mean over queries, and the value and noise of each query."""

    draws: np.ndarray  # (draws, budgets) mean over queries
    per_pair: np.ndarray  # (pairs, budgets) value of each distinct query
    noise: np.ndarray  # (pairs, budgets) variance of a further run's estimate about it


def forecast(
    attempts: Attempts,
    k: ArrayLike,
    *,
    model: str | AbstractDifficulty = "auto",
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    key: PRNGKeyArray | None = None,
) -> Forecast:
    """Pass@k within and beyond the recorded attempts, with intervals.

    Query by query: the unbiased estimate where k is within its attempts; beyond them, 1 for a query that was solved,
    and otherwise the probability, given its failures, that more calls solve it. That probability is averaged over the
    posterior of the model's parameters, so the curve has no jump where the data end.

    Args:
        attempts: what was recorded; attempts may be uneven.
        k: numbers of calls, whole numbers from 1 to 10^12; any shape.
        model: "auto" (an average of "beta" and "beta-ceiling" by their evidence; "beta" alone, for the noise of a
            further run, where no k is beyond the attempts), a difficulty model's name or instance (the start of its
            fit), or a rival that users know: "loglog" or "discretised-beta".
        level: probability that the interval is to hold, in (0, 1).
        over: "these" for the unbiased estimate that a further, equally long or longer run on these very queries would
            give, its noise included; "population" for the expectation over queries like these.
        key: a typed JAX key for the posterior draws; None stands for jax.random.key(0).

    Returns:
        The curve. Computed in float64 whatever the JAX setting.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        MATH section 2 (posterior predictive).

    Example:
        >>> curve = forecast(Attempts(attempts=[100] * 5, successes=[0, 1, 5, 40, 99]), [1, 100, 10_000])
        >>> curve.value.shape, curve.kind.tolist()
        ((3,), ['estimate', 'estimate', 'forecast'])
    """
    require(attempts, Attempts, "attempts")
    budgets = whole_numbers(k, "k")
    if not 0 < level < 1:
        raise ValueError(f"level = {level!r}: expected a number between 0 and 1")
    if over not in ("these", "population"):
        raise ValueError(f"over = {over!r}: expected 'these' or 'population'")
    key = jax.random.key(DEFAULT_SEED) if key is None else key
    flat = budgets.reshape(-1)
    kind = np.where(flat <= attempts.attempts.min(), "estimate", "forecast")
    if isinstance(model, str) and model in RIVALS:
        value, lower, upper, used = RIVALS[model](attempts, flat, level, key)
    else:
        value, lower, upper, used = _by_models(attempts, flat, model, level, over, key)
    return Forecast(
        budgets,
        value.reshape(budgets.shape),
        lower.reshape(budgets.shape),
        upper.reshape(budgets.shape),
        model=used,
        kind=kind.reshape(budgets.shape),
        level=level,
        over=over,
    )


def _by_models(
    attempts: Attempts,
    k: np.ndarray,
    model: str | AbstractDifficulty,
    level: float,
    over: str,
    key: PRNGKeyArray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, ForecastModel]:
    known = [name for name, named in NAMED_MODELS.items() if issubclass(named.law, AbstractDifficulty)]
    if isinstance(model, str) and model != "auto" and model not in known:
        raise ValueError(f"model = {model!r}: expected auto, {', '.join([*known, *RIVALS])}")
    key_posterior, key_interval = jax.random.split(key)
    names: dict[Any, float] = AUTO if model == "auto" else {model: 1.0}
    ahead = bool(k.max() > attempts.attempts.min())
    if not ahead:
        # Nothing to forecast: a model only says how noisy a further run would be, and any that fits will do.
        names = dict(list(names.items())[:1])
    # Threads, so that the compilations of several models overlap.
    with ThreadPoolExecutor(len(names)) as pool:
        fits = list(pool.map(lambda name: fit(name, attempts, method="map"), names))
    pairs = distinct(attempts)
    counts = pairs.queries
    share = np.ones(1)
    drawn: list[Any] = [None]
    if ahead:
        keys = jax.random.split(key_posterior, len(fits))
        posteriors = [sample_posterior(*each, _DRAWS) for each in zip(fits, [attempts] * len(fits), keys, strict=True)]
        evidence = np.array([posterior.log_evidence for posterior in posteriors])
        share = np.array(list(names.values())) * np.exp(evidence - evidence.max())
        share /= share.sum()
        drawn = [posterior.model for posterior in posteriors]
    predictions = [_predict(result.model, draws, pairs, k) for result, draws in zip(fits, drawn, strict=True)]
    # As differences from the first model: what they agree on, the estimates within the data, stays exact.
    first = predictions[0].per_pair
    per_pair = first + np.einsum("m,mpk->pk", share, np.stack([p.per_pair - first for p in predictions]))
    value = counts @ per_pair / counts.sum()
    # Each model contributes draws in proportion to its share: a deterministic split of evenly spaced draws.
    means = np.concatenate(
        [
            prediction.draws[np.linspace(0, _DRAWS - 1, round(_DRAWS * part)).astype(int)]
            for prediction, part in zip(predictions, share, strict=True)
        ]
    )
    means = value + means - means.mean(axis=0)
    if over == "these":
        noise = np.einsum("m,mpk->pk", share, np.stack([p.noise for p in predictions]))
        variance = counts @ noise / counts.sum() ** 2
        # Within k calls a query of a run as long as that is solved or not; a longer run averages over subsets.
        step = np.minimum(1.0, k / np.mean(attempts.attempts)) / counts.sum()
    else:
        # One pseudo-query solved and one failed in a half each: equal queries do not make a sample certain.
        squares = counts @ np.square(per_pair - value) + value**2 + (1 - value) ** 2
        variance = squares / (counts.sum() + 1) ** 2
        step = np.zeros(len(k))
    lower, upper = interval(key_interval, value, means, variance, level, step)
    best = int(np.argmax(share))
    weights = {result.name: float(s) for result, s in zip(fits, share, strict=True)}
    used = ForecastModel("auto" if len(fits) > 1 else fits[best].name, fits[best].values, weights)
    return value, lower, upper, used


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
    return _Prediction(by_draw, per_pair, noise)


@jax.jit
def _solved_later(
    drawn: AbstractDifficulty, failures: Array, further: Float[Array, "pairs budgets"]
) -> Float[Array, "draws pairs budgets"]:
    """The chance, for each posterior draw of the model, that further calls solve a query that failed so far."""

    def one(model: AbstractDifficulty) -> Array:
        return -jnp.expm1(model.log_predictive_failure(further, failures[:, None], jnp.zeros_like(failures)[:, None]))

    return jax.lax.map(one, drawn, batch_size=32)
