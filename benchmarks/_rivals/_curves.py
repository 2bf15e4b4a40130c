"""Rivals that carry a curve or a tail on, with no likelihood of the counts."""

import numpy as np
from scipy.special import gammaln

from benchmarks._rivals._common import distinct, maximise, resampled, unbiased, with_interval

_POINTS = 40
_TAIL = 10

Result = tuple[np.ndarray, np.ndarray, np.ndarray]


def _points(fewest: int) -> np.ndarray:
    return np.unique(np.rint(np.geomspace(1, fewest, _POINTS)).astype(int))


def _curves(attempts: np.ndarray, successes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Log-spaced k up to the fewest attempts, and the unbiased curve there of the data and of every resample."""
    points = _points(int(attempts.min()))
    return points, resampled(len(attempts), rng) @ unbiased(attempts, successes, points)


def _line(x: np.ndarray, y: np.ndarray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and intercept of a least-squares line through the usable points of each row; flat where one is left."""
    count = np.maximum(usable.sum(axis=1), 1)
    x_mean, y_mean = (np.where(usable, v, 0).sum(axis=1) / count for v in (x, y))
    dx = np.where(usable, x - x_mean[:, None], 0)
    slope = np.sum(dx * np.where(usable, y, 0), axis=1) / np.maximum(np.sum(dx * dx, axis=1), 1e-12)
    return slope, y_mean - slope * x_mean


def _loglog_line(points: np.ndarray, curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    usable = (curves > 0) & (curves < 1)
    y = np.log(-np.log(np.where(usable, curves, 0.5)))
    return _line(np.broadcast_to(np.log(points), y.shape), y, usable)


def loglog(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Least-squares line of log(-log pass@k) on log k, as in arXiv 2502.17578.

    Their code takes 100 log-spaced whole k up to the attempts, each truncated; 40 rounded ones here, as in jaxscale.
    For uneven attempts, k up to the fewest. No interval is published: query bootstrap.
    """
    points, curves = _curves(attempts, successes, rng)
    slope, intercept = _loglog_line(points, curves)
    values = np.exp(-np.exp(intercept[:, None] + slope[:, None] * np.log(k)))
    # A resample without a success has no line, and forecasts none.
    return with_interval(np.where(curves[:, -1:] > 0, values, 0.0), level)


def exponentiated_power_law(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Pass@k = exp(a k^b) by nonlinear least squares on the curve itself, as in arXiv 2407.21787 (appendix).

    As we remember the appendix (we could not read it again): 40 log-spaced k, duplicates removed, SciPy's curve_fit.
    The start is the log-log line. No interval is published: query bootstrap.
    """
    points, curves = _curves(attempts, successes, rng)
    slope, intercept = _loglog_line(points, curves)
    logs = np.log(points)

    def fit(line: np.ndarray, which: np.ndarray) -> np.ndarray:
        law = np.exp(-np.exp(line[:, :1] + line[:, 1:] * logs))
        return -np.sum(np.square(law - curves[which]), axis=1) / np.maximum(np.var(curves[which], axis=1), 1e-12)

    box = np.array([[-12.0, -3.0], [12.0, 0.5]])
    line = maximise(fit, np.column_stack([intercept, slope]), *box)
    values = np.exp(-np.exp(line[:, :1] + line[:, 1:] * np.log(k)))
    return with_interval(np.where(curves[:, -1:] > 0, values, 0.0), level)


def gumbel_tail(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Tail extrapolation of arXiv 2502.16797, its behaviour being "the call fails" (this adaptation is ours).

    They fit a line to the log survival function of the scores -log(-log p) at the largest few probabilities p of a
    behaviour (ten, as we remember), and read probabilities far in the tail off it. They forecast over more queries, not
    over more calls. With p the chance of failing, 1 - c/n, the line log S(s) = u + v s, v < 0, has the closed form
    E[p^k] = exp(u) Gamma(1 - v) k^v. Queries never solved have infinite scores: they count in S, and the line goes
    through the ten largest finite scores and those tied with the least of them. Never below the recorded curve. No
    interval for this is published: query bootstrap.
    """
    shares = resampled(len(attempts), rng)
    n, c, weight = distinct(attempts, successes, shares)
    order = np.argsort(c / n, kind="stable")
    rate, weight = (c / n)[order], weight[:, order]
    survival = np.cumsum(weight, axis=1)
    solved = (rate > 0) & (rate < 1)
    score = -np.log(-np.log1p(-np.where(solved, rate, 0.5)))
    ranks = np.rint(np.cumsum(np.where(solved, weight, 0) * len(attempts), axis=1))
    taken = np.where(solved, weight, 0) > 0
    taken &= ranks - np.rint(weight * len(attempts)) < _TAIL
    # At least two levels, or there is no line.
    levels = np.cumsum((weight > 0) & solved, axis=1)
    taken |= (weight > 0) & solved & (levels <= 2)
    v, u = _line(np.broadcast_to(score, survival.shape), np.log(np.maximum(survival, 1e-12)), taken)
    v = np.minimum(v, 0.0)
    tail = np.exp(u[:, None] + gammaln(1 - v)[:, None] + v[:, None] * np.log(k))
    recorded = shares @ unbiased(attempts, successes, np.minimum(k, attempts.min()))
    return with_interval(np.clip(1 - tail, recorded, 1.0), level)


def plug_in(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """1 - (1 - c/n)^k, averaged over the queries; query bootstrap."""
    each = -np.expm1(np.log1p(-np.minimum(successes / attempts, 1 - 1e-16))[:, None] * k)
    return with_interval(resampled(len(attempts), rng) @ each, level)
