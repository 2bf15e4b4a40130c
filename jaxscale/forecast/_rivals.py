"""Forecasts that people know from papers, for comparison: no posterior, intervals by resampling queries."""

from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale.data import Attempts
from jaxscale.estimate._coverage import pass_at_k_per_query
from jaxscale.forecast._result import ForecastModel

Rival = Callable[[Attempts, np.ndarray, float, PRNGKeyArray], tuple[np.ndarray, np.ndarray, np.ndarray, ForecastModel]]

_REPLICATES = 500
_POINTS = 40


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
        [Brown24] section 3.3; MATH section 1.
    """
    fewest = int(attempts.attempts.min())
    points = np.unique(np.rint(np.geomspace(1, fewest, _POINTS)).astype(np.int64))
    inside = k <= fewest
    pairs, pair = np.unique(np.stack([attempts.attempts, attempts.successes]), axis=1, return_inverse=True)
    pair = pair.reshape(-1)
    per_query = pass_at_k_per_query(pairs[0], pairs[1], np.concatenate([points, k[inside]]))[pair]
    queries = len(attempts)
    chosen = np.asarray(jax.random.randint(key, (_REPLICATES, queries), 0, queries))
    shares = np.stack([np.bincount(row, minlength=queries) for row in chosen]) / queries
    curves = np.concatenate([np.full((1, queries), 1 / queries), shares]) @ per_query
    fitted, recorded = curves[:, : len(points)], curves[:, len(points) :]
    usable = (fitted > 0) & (fitted < 1)
    if np.count_nonzero(usable[0]) < 2:
        raise ValueError("model = 'loglog': expected at least two points of the curve strictly between 0 and 1")
    # Weighted least squares with 0/1 weights, for all replicates at once; a replicate without a slope stays flat.
    y = np.log(-np.log(np.where(usable, fitted, 0.5)))
    x = np.broadcast_to(np.log(points), y.shape)
    count = np.maximum(usable.sum(axis=1), 1)
    x_mean, y_mean = ((usable * v).sum(axis=1) / count for v in (x, y))
    dx = usable * (x - x_mean[:, None])
    slope = (dx * y).sum(axis=1) / np.maximum((dx * x).sum(axis=1), 1e-12)
    intercept = y_mean - slope * x_mean
    values = np.exp(-np.exp(intercept[:, None] + slope[:, None] * np.log(k)))
    values[:, inside] = recorded
    tail = (1 - level) / 2
    lower, upper = np.quantile(values[1:], [tail, 1 - tail], axis=0)
    parameters = {"coefficient": float(np.exp(intercept[0])), "exponent": float(-slope[0])}
    return values[0], np.minimum(lower, values[0]), np.maximum(upper, values[0]), ForecastModel("loglog", parameters)


RIVALS: dict[str, Rival] = {"loglog": loglog}
