"""How far a further run on the same query may differ from a forecast of it."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale.difficulty import AbstractDifficulty
from jaxscale.forecasting._grid import POINTS

# Points that stand for the overlap of two draws of k out of n.
_OVERLAPS = 32
_BUDGETS = 256  # at a time


def rerun_variance(
    model: AbstractDifficulty, attempts: np.ndarray, successes: np.ndarray, k: np.ndarray
) -> Float[Array, "pairs budgets"]:
    """Mean squared difference between a query's forecast and the estimate of a further run of max(n, k) attempts.

    Within the attempts (k <= n) both are unbiased estimates from n attempts, so it is twice the variance of one:
    Var = E_j[(1-p)^(2k-j)] - (1-p)^(2k), j the overlap of two draws of k out of n. Beyond them the further run either
    solves the query within k calls or not, and the forecast is 1 after a success and the chance of a later one, r,
    otherwise. All are moments of (1-p) given what was recorded, which the model has in closed form.

    Args:
        model: the fitted difficulty model.
        attempts: (pairs,) recorded attempts.
        successes: (pairs,) recorded successes.
        k: (budgets,) numbers of calls.

    Returns:
        (pairs, budgets) variances.
    """
    n, c, k = np.broadcast_arrays(attempts[:, None], successes[:, None], k[None, :])
    inside = np.minimum(k, n)
    overlaps, weights = _overlap(n, inside)
    return _variance(model, *(jnp.asarray(x, float) for x in (n, c, k, overlaps, weights)))


@jax.jit
def _variance(model: AbstractDifficulty, n: Array, c: Array, k: Array, overlaps: Array, weights: Array) -> Array:
    def failure(further: Array, attempts: Array = n, successes: Array = c) -> Array:
        return jnp.exp(model.log_predictive_failure(further, attempts, successes))

    within = jnp.minimum(k, n)
    exponents = jnp.concatenate([2 * within[None] - overlaps, jnp.stack([2 * within, n, k, n + k])])
    failures = failure(exponents)
    shared, (squared, first, second, both) = failures[:-4], failures[-4:]
    estimate = 2 * (jnp.sum(weights * shared, axis=0) - squared)
    # r, the chance of a success in calls n+1 to k of a query that failed n times.
    later = 1 - failure(jnp.maximum(k - n, 0.0), n, jnp.zeros_like(c))
    # The further run solves and the first did not (both failed): off by 1 - r (r); the first solved and it does not: 1.
    prediction = (first - both) * (1 - later) ** 2 + both * later**2 + (second - both)
    return jnp.maximum(jnp.where(k <= n, estimate, prediction), 0.0)


def rerun_variance_within(density: np.ndarray, attempts: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The same within the attempts, for any law of p.

    Args:
        density: (rows, points + 1) the posterior of a query's p: at each point of the grid of logit p, and p = 0.
        attempts: (rows,) recorded attempts.
        k: (budgets,) numbers of calls, at most as many.

    Returns:
        (rows, budgets) variances.
    """
    result = np.empty((len(attempts), len(k)))
    for n in np.unique(attempts).tolist():
        rows = attempts == n
        for start in range(0, len(k), _BUDGETS):
            part = slice(start, start + _BUDGETS)
            result[rows, part] = 2 * density[rows, :-1] @ _variance_at_points(n, k[part].tobytes()).T
    return result


# Groups at the same numbers of calls ask for the same ones.
@functools.lru_cache(maxsize=16)
def _variance_at_points(n: int, calls: bytes) -> np.ndarray:
    """(budgets, points) variance of an estimate from n attempts at each point of the grid."""
    k, log_failure = np.frombuffer(calls, np.int64), -np.logaddexp(0.0, POINTS)
    overlaps, weights = _overlap(np.full(len(k), n), k)
    shared = np.exp((2 * k - overlaps)[:, :, None] * log_failure)
    variance = (weights[:, :, None] * shared).sum(axis=0) - np.exp(2 * k[:, None] * log_failure)
    return np.maximum(variance, 0.0)


def _overlap(n: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of the overlap of two draws of k out of n (hypergeometric), with probabilities.

    Every likely value where they are few; otherwise Gauss-Hermite nodes, the law then being close to normal.
    """
    mean = k * (k / n)
    deviation = np.sqrt(mean * (1 - k / n) ** 2 * n / np.maximum(n - 1, 1))
    least = np.maximum(2 * k - n, 0)
    low = np.maximum(np.floor(mean - 5 * deviation - 3), least)
    few = mean + 5 * deviation + 3 - low < _OVERLAPS
    values = low + np.arange(_OVERLAPS).reshape(-1, *[1] * n.ndim)
    # Successive probabilities have the ratio (k - j)^2 / ((j + 1) (n - 2k + j + 1)); none lie beyond j = k.
    with np.errstate(divide="ignore"):
        steps = 2 * np.log(np.maximum(k - values, 0)) - np.log((values + 1) * np.maximum(n - 2 * k + values + 1, 1))
    logs = np.concatenate([np.zeros((1, *n.shape)), np.cumsum(steps[:-1], axis=0)])
    exact = np.exp(logs - logs.max(axis=0))
    nodes, weights = (x.reshape(-1, *[1] * n.ndim) for x in np.polynomial.hermite_e.hermegauss(_OVERLAPS))
    smooth = np.clip(mean + deviation * nodes, least, k)
    chosen = np.where(few, np.minimum(values, k), smooth)
    probabilities = np.where(few, exact / exact.sum(axis=0), weights / weights.sum())
    return chosen, probabilities
