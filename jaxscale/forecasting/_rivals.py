"""Forecasts that people know from papers, for comparison: no posterior, intervals by resampling queries."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts
from jaxscale.difficulty import ScaledBeta
from jaxscale.estimators import Distinct, pass_at_k_per_query
from jaxscale.fitting import lbfgs
from jaxscale.forecasting._result import ForecastModel
from jaxscale.special import regularised_incomplete_beta

Rival = Callable[[Attempts, np.ndarray, float, PRNGKeyArray], tuple[np.ndarray, np.ndarray, np.ndarray, ForecastModel]]

_REPLICATES = 500
_POINTS = 40
_REFITS = 200
_BINS = 10
_SHAPES = (1e-2, 1e3)
_STEPS = 60
_LEAST = 1e-290


def loglog(
    attempts: Attempts, k: np.ndarray, level: float, key: PRNGKeyArray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, ForecastModel]:
    """Least squares of log(-log pass@k) on log k over log-spaced k, carried on beyond the fewest attempts.

    Args:
        attempts: what was recorded.
        k: (budgets,) numbers of calls.
        level: probability inside the interval, from a bootstrap over queries.
        key: a typed JAX key.

    Returns:
        Value, lower and upper ends, and the line as an exponentiated power law. Within the fewest attempts the value
        is the unbiased estimate, so there may be a jump where the data end.

    Raises:
        ValueError: if fewer than two points of the curve lie strictly between 0 and 1.

    Source:
        docs/mathematics.md, "Laws of the curve"; [Brown24] section 3.3.
    """
    fewest = int(attempts.attempts.min())
    points = _points(fewest)
    inside = k <= fewest
    curves = _resampled(attempts, key, _REPLICATES) @ _estimates(attempts, np.concatenate([points, k[inside]]))
    fitted, recorded = curves[:, : len(points)], curves[:, len(points) :]
    slope, intercept, usable = _least_squares(points, fitted)
    if usable[0] < 2:
        raise ArgumentError("model", "loglog", "at least two points of the curve strictly between 0 and 1")
    values = np.exp(-np.exp(intercept[:, None] + slope[:, None] * np.log(k)))
    values[:, inside] = recorded
    parameters = {"coefficient": float(np.exp(intercept[0])), "exponent": float(-slope[0])}
    return *_with_interval(values, level), ForecastModel("loglog", parameters)


def loglog_line(pairs: Distinct) -> tuple[float, float] | None:
    """The line that `loglog` fits, as coefficient c and exponent b of -log pass@k = c k^(-b).

    Args:
        pairs: the distinct queries, without padding.

    Returns:
        c and b, b at least 0; None where fewer than two points of the curve lie strictly between 0 and 1.
    """
    points = _points(int(pairs.attempts.min()))
    curve = pairs.queries @ pass_at_k_per_query(pairs.attempts, pairs.successes, points) / pairs.queries.sum()
    slope, intercept, usable = _least_squares(points, curve[None])
    return (float(np.exp(intercept[0])), max(float(-slope[0]), 0.0)) if usable[0] >= 2 else None


def discretised_beta(
    attempts: Attempts, k: np.ndarray, level: float, key: PRNGKeyArray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, ForecastModel]:
    """Pass@k of the scaled Beta that makes the binned success rates of the queries most likely.

    The rates c/n fall into a bin below 1/n (n the fewest attempts) and ten log-spaced ones from there to 1, whose
    edges are whole multiples of 1/n; they are taken for the success probabilities themselves. The scale is the upper
    end of the highest bin with a query in it; a and b maximise sum over bins of queries * log P(bin).

    Args:
        attempts: what was recorded.
        k: (budgets,) numbers of calls.
        level: probability inside the interval, from refits to resampled queries.
        key: a typed JAX key.

    Returns:
        Value, lower and upper ends, and the scaled Beta, a and b from 0.01 to 1000. Within the fewest attempts the
        value is the unbiased estimate, so there may be a jump where the data end.

    Raises:
        ValueError: if all queries are in one bin, where any law that is narrow enough fits.

    Source:
        [Schaeffer25] (discretised Beta); [DLMF] 8.17 for P(bin) = I_high(a, b) - I_low(a, b).
    """
    fewest = int(attempts.attempts.min())
    edges = np.concatenate([[0], np.rint(np.geomspace(1, fewest, _BINS + 1))]) / fewest
    rates = attempts.successes / attempts.attempts
    bins = np.clip(np.searchsorted(edges, rates, side="right") - 1, 0, np.flatnonzero(np.diff(edges))[-1])
    if len(np.unique(bins)) < 2:
        low, high = edges[bins[0]], edges[bins[0] + 1]
        raise ArgumentError(
            "model",
            "discretised-beta",
            f"success rates in two bins or more, got {len(attempts)} queries all from {low:g} to {high:g}",
        )
    scale = edges[bins.max() + 1]
    shares = _resampled(attempts, key, _REFITS)
    inside = k <= fewest
    values = np.empty((len(shares), len(k)))
    values[:, inside] = shares @ _estimates(attempts, k[inside])
    mean, variance = rates.mean() / scale, max(rates.var() / scale**2, 1e-9)
    size = max(mean * (1 - mean) / variance - 1, 0.1)
    start = np.clip([mean * size, (1 - mean) * size], 2 * _SHAPES[0], _SHAPES[1] / 2)
    with float64():
        in_bin = jnp.asarray(shares @ (bins[:, None] == np.arange(len(edges) - 1)))
        fitted = _fit_bins(jnp.asarray(np.minimum(edges / scale, 1.0)), in_bin, jnp.asarray(start))
        values[:, ~inside] = np.asarray(_pass_at_k(fitted, jnp.asarray(scale), jnp.asarray(k[~inside], float)))
        a, b = (float(shape[0]) for shape in fitted)
    used = ForecastModel("discretised-beta", {"a": a, "b": b, "scale": float(scale)})
    return *_with_interval(values, level), used


@jax.jit
def _fit_bins(
    edges: Float[Array, " edges"], in_bin: Float[Array, "fits bins"], start: Float[Array, "2"]
) -> tuple[Float[Array, " fits"], Float[Array, " fits"]]:
    """Maximum-likelihood a and b of a Beta for shares of queries in bins, every fit from one start, in one vmap."""
    log_low, log_high = np.log(_SHAPES)

    def shapes(vector: Array) -> Array:
        # Inside the box by construction: two neighbouring bins would have a and b grow without bound.
        return jnp.exp(log_low + (log_high - log_low) * jax.nn.sigmoid(vector))

    # From the nearer end, so that no bin's probability is a difference of numbers next to 1.
    above = edges > start[0] / (start[0] + start[1])

    def fit_one(share: Array) -> Array:
        def objective(vector: Array) -> Array:
            a, b = shapes(vector)
            point = jnp.where(above, 1 - edges, edges)
            tail = regularised_incomplete_beta(jnp.where(above, b, a), jnp.where(above, a, b), point)
            probability = jnp.diff(jnp.where(above, -tail, tail)) + jnp.diff(above.astype(tail.dtype))
            return -jnp.sum(share * jnp.log(jnp.maximum(probability, _LEAST)))

        place = (jnp.log(start) - log_low) / (log_high - log_low)
        return lbfgs(jax.value_and_grad(objective), jnp.log(place / (1 - place)), _STEPS).vector

    a, b = shapes(jax.vmap(fit_one)(in_bin)).T
    return a, b


@jax.jit
def _pass_at_k(
    fitted: tuple[Float[Array, " fits"], Float[Array, " fits"]], scale: Float[Array, ""], k: Float[Array, " budgets"]
) -> Float[Array, "fits budgets"]:
    return jax.vmap(lambda a, b: ScaledBeta(a, b, scale).pass_at_k(k))(*fitted)


def _points(fewest: int) -> np.ndarray:
    return np.unique(np.rint(np.geomspace(1, fewest, _POINTS)).astype(np.int64))


def _least_squares(points: np.ndarray, curves: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Slope and intercept of log(-log pass@k) on log k for each row of curves, and how many points it could use."""
    usable = (curves > 0) & (curves < 1)
    # Weighted least squares with 0/1 weights, for all resamples at once; one without a slope stays flat.
    y = np.log(-np.log(np.where(usable, curves, 0.5)))
    x = np.broadcast_to(np.log(points), y.shape)
    count = np.maximum(usable.sum(axis=1), 1)
    x_mean, y_mean = ((usable * v).sum(axis=1) / count for v in (x, y))
    dx = usable * (x - x_mean[:, None])
    slope = (dx * y).sum(axis=1) / np.maximum((dx * x).sum(axis=1), 1e-12)
    return slope, y_mean - slope * x_mean, usable.sum(axis=1)


def _estimates(attempts: Attempts, k: np.ndarray) -> np.ndarray:
    """The unbiased pass@k of each query, (queries, budgets)."""
    pairs, pair = np.unique(np.stack([attempts.attempts, attempts.successes]), axis=1, return_inverse=True)
    return pass_at_k_per_query(pairs[0], pairs[1], k)[pair.reshape(-1)]


def _resampled(attempts: Attempts, key: PRNGKeyArray, resamples: int) -> np.ndarray:
    """(1 + resamples, queries) the share of each query: in the data, then in samples of as many, with replacement."""
    queries = len(attempts)
    chosen = np.asarray(jax.random.randint(key, (resamples, queries), 0, queries))
    counts = [np.ones(queries), *(np.bincount(row, minlength=queries) for row in chosen)]
    return np.stack(counts) / queries


def _with_interval(values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first row, and quantiles of the others that are made to hold it."""
    tail = (1 - level) / 2
    lower, upper = np.quantile(values[1:], [tail, 1 - tail], axis=0)
    return values[0], np.minimum(lower, values[0]), np.maximum(upper, values[0])


RIVALS: dict[str, Rival] = {"loglog": loglog, "discretised-beta": discretised_beta}
