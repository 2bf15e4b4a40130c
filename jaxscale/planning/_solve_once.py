"""Coverage for a number of attempts in all, where a query is left alone once it is solved."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError, whole_numbers
from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractLaw
from jaxscale.estimators import pass_at_k
from jaxscale.forecasting import Forecast

_MOST = 10**6
_PART = 4096
_EXACT = 20_000  # recorded attempts that are summed one by one
_POINTS = 1000


def attempts_to_solve(population: Attempts | AbstractLaw, calls: ArrayLike) -> np.ndarray:
    """The mean number of attempts at a query that gets `calls` at most, and none once it is solved.

    With k calls, E[min(first success, k)] = sum over j < k of the probability that j attempts fail, 1 - pass@j: exact
    under a law, unbiased on recorded attempts.

    Args:
        population: what was recorded, or a law of difficulty or of the curve.
        calls: whole numbers from 1, at most the fewest recorded attempts of a query (a law: 10^6); any shape.

    Returns:
        Attempts a query, float64, shape of `calls`.

    Raises:
        ValueError: for other calls, naming what was expected.

    Source:
        docs/mathematics.md, "Solving once, then discarding"; [ReD26].

    Example:
        >>> attempts_to_solve(Attempts([2, 2], [1, 0]), [1, 2]).round(12).tolist()
        [1.0, 1.75]
    """
    budgets = whole_numbers(calls, "calls")
    if isinstance(population, Attempts):
        most, what = int(population.attempts.min()), "the fewest recorded attempts of a query"
    else:
        most, what = _MOST, "under a law"
    if budgets.max() > most:
        raise ArgumentError("calls", budgets.max(), f"at most {most:,}, {what}")
    failures = np.empty(int(budgets.max()))
    failures[0] = 1.0
    with float64():
        # In parts, so that memory does not grow with the number of attempts.
        for first in range(1, len(failures), _PART):
            j = np.arange(first, min(first + _PART, len(failures)))
            if isinstance(population, Attempts):
                failures[j] = 1 - pass_at_k(population, j).value
            else:
                failures[j] = np.exp(np.asarray(population.log_failure(j.astype(float))))
    return np.cumsum(failures)[budgets - 1]


def expected_calls(attempts: Attempts, forecast: Forecast) -> np.ndarray:
    """The mean calls at a query that stops when solved, for each point of a forecast: exact within the record.

    Beyond them the probabilities of failure are interpolated, log against log, between the calls of the forecast, and
    summed by the midpoint rule where there are many.

    Args:
        attempts: what was recorded.
        forecast: of its coverage, by increasing calls.

    Returns:
        Mean calls a query, shape of `forecast.calls`.
    """
    k = forecast.calls
    end = int(min(attempts.attempts.min(), k[-1], _EXACT))
    total = np.empty(len(k))
    inside = k <= end
    if inside.any():
        total[inside] = attempts_to_solve(attempts, k[inside])
    log_k = np.log(k)
    log_failure = np.log(np.maximum(1 - forecast.value, 1e-15))

    def failure(j: np.ndarray) -> np.ndarray:
        return np.exp(np.interp(np.log(j), log_k, log_failure))

    begin, so_far = end, float(attempts_to_solve(attempts, end))
    for index in np.flatnonzero(~inside):
        last = int(k[index])
        if last - begin <= _POINTS:
            so_far += float(failure(np.arange(begin, last)).sum())
        else:
            edges = np.geomspace(begin, last, _POINTS + 1)
            so_far += float((np.diff(edges) * failure(np.sqrt(edges[1:] * edges[:-1]))).sum())
        total[index], begin = so_far, last
    return total
