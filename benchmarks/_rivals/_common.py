"""What the rivals share: unbiased curves, resampled queries, and a maximiser of many small problems at once."""

from collections.abc import Callable

import numpy as np
from scipy.special import gammaln

REPLICATES = 100
"""Bootstrap samples of the queries; 90% intervals rest on the fifth value from either end."""

_STEP = 1e-3
_ITERATIONS = 50


def unbiased(attempts: np.ndarray, successes: np.ndarray, k: np.ndarray) -> np.ndarray:
    """1 - C(n - c, k) / C(n, k) [Chen21] of each query, (queries, budgets); nan where k is beyond the attempts."""
    n, c = (np.asarray(x, float)[:, None] for x in (attempts, successes))
    k = np.asarray(k, float)
    rest, beyond = n - c - k, k > n
    logs = gammaln(n - c + 1) - gammaln(np.maximum(rest, 0) + 1) - gammaln(n + 1) + gammaln(np.maximum(n - k, 0) + 1)
    return np.where(beyond, np.nan, np.where(rest < 0, 1.0, -np.expm1(np.minimum(logs, 0.0))))


def resampled(queries: int, rng: np.random.Generator) -> np.ndarray:
    """(1 + REPLICATES, queries) the share of each query: in the data, then in samples of as many with replacement."""
    drawn = rng.multinomial(queries, np.full(queries, 1 / queries), REPLICATES)
    return np.vstack([np.ones(queries), drawn]) / queries


def distinct(
    attempts: np.ndarray, successes: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct attempts, successes, and the share of each in every replicate, (replicates, pairs)."""
    pairs, which = np.unique(np.stack([attempts, successes]), axis=1, return_inverse=True)
    return pairs[0].astype(float), pairs[1].astype(float), shares @ (which.reshape(-1, 1) == np.arange(pairs.shape[1]))


def with_interval(values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first row, and the quantiles of the others: the percentile bootstrap as it stands."""
    tail = (1 - level) / 2
    values = np.clip(values, 0.0, 1.0)  # sums of shares are off by rounding
    lower, upper = np.quantile(values[1:], [tail, 1 - tail], axis=0)
    return values[0], lower, upper


def maximise(
    objective: Callable[[np.ndarray, np.ndarray], np.ndarray], start: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Local maxima of many smooth functions of two or three variables, by damped Newton steps in a box.

    Args:
        objective: from points (fits, variables) and the indices of those fits (fits,) to values (fits,).
        start: (fits, variables).
        low: (variables,) lower bounds.
        high: (variables,) upper bounds.

    Returns:
        (fits, variables).
    """
    point = np.clip(np.array(start, float), low, high)
    fits, size = point.shape
    value = objective(point, np.arange(fits))
    active = np.arange(fits)
    steps = _STEP * np.eye(size)
    first, second = np.triu_indices(size, 1)
    for _ in range(_ITERATIONS):
        here = point[active]
        # Inside the box by a step, so that differences are central on its boundary too.
        centre = np.clip(here, low + _STEP, high - _STEP)
        moves = np.concatenate([np.zeros((1, size)), steps, -steps, steps[first] + steps[second]])
        values = np.stack([objective(centre + move, active) for move in moves])
        middle, up, down, both = (
            values[0],
            values[1 : size + 1],
            values[size + 1 : 2 * size + 1],
            values[2 * size + 1 :],
        )
        slope = (up - down).T / (2 * _STEP)
        curvature = np.zeros((len(active), size, size))
        curvature[:, range(size), range(size)] = ((up - 2 * middle + down) / _STEP**2).T
        mixed = (both - up[first] - up[second] + middle).T / _STEP**2
        # One-sided cross differences have half the diagonal terms in them: taken out.
        curvature[:, first, second] = curvature[:, second, first] = mixed
        # A variable at its bound whose slope points out stays there.
        held = ((here <= low) & (slope < 0)) | ((here >= high) & (slope > 0))
        slope = np.where(held, 0.0, slope)
        curvature = np.where(held[:, :, None] | held[:, None, :], 0.0, curvature)
        roots, axes = np.linalg.eigh(curvature)
        along = np.einsum("fij,fi->fj", axes, slope) / np.maximum(np.abs(roots), 1e-6)
        step = np.einsum("fij,fj->fi", axes, along)
        step *= np.minimum(1.0, 2.0 / np.maximum(np.linalg.norm(step, axis=1), 1e-12))[:, None]
        before = value[active]
        for _ in range(12):
            trial = np.clip(here + step, low, high)
            there = objective(trial, active)
            better = there > value[active]
            point[active[better]], value[active[better]] = trial[better], there[better]
            step[better] = 0
            if not np.any(np.abs(step) > 1e-7):
                break
            step = step / 3
        active = active[value[active] > before + 1e-12]
        if not len(active):
            break
    return point
