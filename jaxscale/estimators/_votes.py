"""Unbiased accuracy of a vote from recorded ballots."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from jaxscale.data import Ballots, Estimate, require
from jaxscale.estimators._estimate import PerQuery, estimate
from jaxscale.estimators._recorded import ballots_filter_vote, ballots_routed_vote, ballots_vote
from jaxscale.systems import FilterVote, RoutedVote, Vote, implements


@implements("estimate", Vote, Ballots)
def _vote(system: Vote, data: Ballots, calls: np.ndarray) -> PerQuery:
    return _of_each(ballots_vote(data, calls))


@implements("estimate", FilterVote, Ballots)
def _filter_vote(system: FilterVote, data: Ballots, calls: np.ndarray) -> PerQuery:
    return _of_each(ballots_filter_vote(data, calls))


@implements("estimate", RoutedVote, Ballots)
def _routed_vote(system: RoutedVote, data: Ballots, calls: np.ndarray) -> PerQuery:
    return _of_each(ballots_routed_vote(data, calls, np.array([system.votes(k) for k in calls.tolist()])))


def _of_each(values: np.ndarray) -> PerQuery:
    return PerQuery(values.T, np.arange(values.shape[1]))


def majority_at_k(ballots: Ballots, k: ArrayLike) -> Estimate:
    r"""Accuracy of a vote over k calls, unbiased and exact: `estimate(Vote(), ballots, k)`.

    The mean over queries of P(a right answer wins) where k of the query's n calls are drawn without replacement, ties
    split uniformly and blank calls never winning: the voting twin of unbiased pass@k.

    Args:
        ballots: what was recorded.
        k: numbers of calls, from 1 to the fewest recorded calls of a query; any shape.

    Returns:
        The estimates in float64, exact to 1e-11, with standard errors over queries (NaN for a single query).

    Raises:
        ValueError: naming the query that has fewer than k ballots.

    Source:
        docs/mathematics.md, "Many answers"; [Chen24].

    Example:
        >>> majority_at_k(Ballots([[3, 1], [1, 2]], [[True, False], [True, False]]), [1, 3]).value.round(6).tolist()
        [0.541667, 0.5]
    """
    require(ballots, Ballots, "ballots")
    return estimate(Vote(), ballots, k)
