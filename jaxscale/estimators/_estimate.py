"""`estimate`: what was recorded, without a model. Each system's own part is registered beside this."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._checks import whole_numbers
from jaxscale.data import Attempts, Ballots, Estimate
from jaxscale.estimators._limits import check_recorded
from jaxscale.systems import AbstractSystem, implementation, unknown_pair


class PerQuery(NamedTuple):
    """The value of each query, those of equal queries once.

    Attributes:
        values: (rows, budgets), NumPy float64; a jax array where jax traces a number of the system.
        row: (queries,) the row of each query.
    """

    values: Any
    row: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """The share of the queries that each row stands for; (rows,)."""
        return np.bincount(self.row, minlength=len(self.values)) / len(self.row)

    def mean(self) -> Any:
        """The mean over queries; (budgets,)."""
        # Divided last: shares of a third do not add up to 1, and the mean of ones would not be 1.
        return np.bincount(self.row, minlength=len(self.values)) @ self.values / len(self.row)


def estimate(system: AbstractSystem, data: Attempts | Ballots, calls: ArrayLike) -> Estimate:
    """The value of a system at several numbers of calls, unbiased, from recorded calls alone.

    A query's value is the exact average over all ways to draw that many of its recorded calls without replacement: no
    resampling, no dependence on their order. It assumes that the number of recorded calls was fixed in advance.

    Args:
        system: how calls become an outcome.
        data: what was recorded; numbers of calls may be uneven.
        calls: whole numbers from 1 to the fewest recorded calls of a query; any shape.

    Returns:
        The means over queries in float64, with standard errors over queries, taken as a sample (NaN for a single
        query); each of the shape of `calls`.

    Raises:
        TypeError: for a system that has no estimate from such data; it names the data that it has one for.
        ValueError: naming the query that has fewer calls, or what the data lack.

    Source:
        docs/mathematics.md, "Unbiased pass@k" and "Many answers"; [Chen21]; [Chen24].

    Example:
        >>> from jaxscale.systems import PassAtK
        >>> estimate(PassAtK(), Attempts(attempts=[4, 4], successes=[1, 4]), [1, 2]).value.tolist()
        [0.625, 0.75]
    """
    budgets = whole_numbers(calls, "calls")
    return over_queries(budgets, per_query(system, data, budgets.reshape(-1)))


def per_query(system: AbstractSystem, data: Attempts | Ballots, calls: np.ndarray) -> PerQuery:
    """What `estimate` is the mean of.

    Args:
        system: as for `estimate`.
        data: as for `estimate`.
        calls: (budgets,) as for `estimate`.

    Returns:
        The value of each query.

    Raises:
        TypeError: as `estimate`.
        ValueError: as `estimate`.
    """
    rule = implementation("estimate", system, data)
    if rule is None:
        raise unknown_pair("estimate", system, data)
    answers = np.array([system.answers(k) for k in calls.tolist()])
    check_recorded(data, answers)
    found: PerQuery = rule(system, data, answers)
    return found


def over_queries(budgets: np.ndarray, found: PerQuery) -> Estimate:
    """Mean and standard error over queries.

    Args:
        budgets: numbers of calls, any shape.
        found: the value of each query at them, flat.

    Returns:
        The estimate.
    """
    queries, share = len(found.row), found.share
    value = found.mean()
    error = np.full_like(value, np.nan)
    if queries > 1:
        error = np.sqrt(share @ np.square(found.values - value) / (queries - 1))
    return Estimate(budgets, value.reshape(budgets.shape), error.reshape(budgets.shape))
