"""Unbiased values of systems that count right calls: sums over the hypergeometric law of how many are drawn."""

import numpy as np

from jaxscale.data import Attempts, Ballots
from jaxscale.estimators._distinct import distinct
from jaxscale.estimators._estimate import PerQuery
from jaxscale.systems import AbstractCounted, MeanShare, ShareAtLeast, implements

_AT_ONCE = 2**21  # rows times numbers of right calls
# Below this many standard deviations (and calls) under its mean a number of right calls has no probability to speak of.
_DEVIATIONS, _CALLS = 9.0, 10.0


@implements("estimate", MeanShare, Attempts)
@implements("estimate", ShareAtLeast, Attempts)
def _of_attempts(system: AbstractCounted, data: Attempts, calls: np.ndarray) -> PerQuery:
    pairs = distinct(data)
    real = pairs.queries > 0
    return PerQuery(counted_per_query(system, pairs.attempts[real], pairs.successes[real], calls), pairs.pair)


@implements("estimate", MeanShare, Ballots)
@implements("estimate", ShareAtLeast, Ballots)
def _of_ballots(system: AbstractCounted, data: Ballots, calls: np.ndarray) -> PerQuery:
    return _of_attempts(system, data.as_attempts, calls)


def counted_per_query(
    system: AbstractCounted, attempts: np.ndarray, successes: np.ndarray, k: np.ndarray
) -> np.ndarray:
    """The unbiased value of each query; k beyond its attempts stands for all of them.

    Args:
        system: what a number of right calls is worth.
        attempts: (queries,) attempts.
        successes: (queries,) successes.
        k: (budgets,) numbers of calls.

    Returns:
        (queries, budgets) float64, of terms of one sign.

    Source:
        docs/mathematics.md, "A share of the calls right"; [Liu24].

    Example:
        >>> from jaxscale.systems import ShareAtLeast
        >>> counted_per_query(ShareAtLeast(0.5), np.array([4]), np.array([1]), np.array([2, 4])).round(12).tolist()
        [[0.5, 0.0]]
    """
    n, c = (np.asarray(x, np.float64) for x in (attempts, successes))
    values = np.empty((len(n), len(k)))
    for drawn in np.unique(np.minimum(k, attempts[:, None])).tolist():
        system.counts(drawn)  # refuses too many
        rows, columns = np.nonzero(np.minimum(k, attempts[:, None]) == drawn)
        values[rows, columns] = _expected(system, n[rows], c[rows], drawn)
    return values


def _expected(system: AbstractCounted, n: np.ndarray, c: np.ndarray, k: int) -> np.ndarray:
    deviation = np.sqrt(k * (c / n) * (1 - c / n) * (n - k) / np.maximum(n - 1, 1))
    first = np.maximum(np.maximum(0, k - (n - c)), np.floor(k * c / n - _DEVIATIONS * deviation - _CALLS))

    # From the first number of right calls on, as ratios of neighbours: no logarithm of a large factorial is taken.
    result = np.empty(len(n))
    size = max(1, _AT_ONCE // (k + 1))
    for start in range(0, len(n), size):
        row = slice(start, start + size)
        of, right, least = n[row, None], c[row, None], first[row, None]
        j = least + np.arange(k - int(least.min()) + 1)
        before = np.minimum(j[:, :-1], k - 1)
        with np.errstate(divide="ignore"):  # more right calls than there are
            more = np.log(np.maximum(right - before, 0)) + np.log(k - before)
        steps = more - np.log(before + 1) - np.log(np.maximum(of - right - k + before + 1, 1))
        logs = np.where(j <= k, np.column_stack([np.zeros(len(j)), np.cumsum(steps, axis=1)]), -np.inf)
        chances = np.exp(logs - logs.max(axis=1, keepdims=True))
        result[row] = (chances * system.worth(np.minimum(j, k), k)).sum(axis=1) / chances.sum(axis=1)
    return result
