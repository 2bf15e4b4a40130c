"""Unbiased accuracy of a vote from recorded ballots."""

from __future__ import annotations

from numpy.typing import ArrayLike

from jaxscale._arrays import whole_numbers
from jaxscale.data import Ballots, Estimate
from jaxscale.estimate._vote_difficulty import mean_over_queries
from jaxscale.plurality import ballots_vote


def majority_at_k(ballots: Ballots, k: ArrayLike) -> Estimate:
    r"""Accuracy of a vote over k calls, unbiased and exact: no resampling, no dependence on the order of calls.

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
    k = whole_numbers(k, "k")
    return mean_over_queries(k, ballots_vote(ballots, k.reshape(-1)))
