"""Votes weighted by recorded scores, where the scores are few-valued: subsets counted by size and sum."""

import math
from fractions import Fraction

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale.data import Ballots
from jaxscale.estimators._estimate import PerQuery
from jaxscale.systems import WeightedVote, implements

_LARGEST_DENOMINATOR = 1000
_MOST_CALLS = 1000
_MOST_WORK = 10**9


@implements("estimate", WeightedVote, Ballots)
def _weighted_vote(system: WeightedVote, data: Ballots, calls: np.ndarray) -> PerQuery:
    """Sums that are equal as fractions tie, also where floating-point sums (0.1 + 0.2 and 0.3) would not."""
    if data.scores is None:
        raise ValueError("WeightedVote on ballots without scores: expected `scores`")
    values = [_one_query(data, query, answers, calls) for query, answers in enumerate(data.call_answers)]
    return PerQuery(np.array(values), np.arange(len(values)))


def _one_query(data: Ballots, query: int, answers: np.ndarray, calls: np.ndarray) -> np.ndarray:
    """Accuracy at each number of calls, from the chance of each (size, sum of scores) of every answer's drawn calls.

    Every call is included with probability 1/2, independently; given that K are, they are a random subset of K. With
    `below` and `equal` the laws of an answer's size while its sum is below or at the largest sum t, the chance that
    right answer i wins is sum over t of the integral over z in (0, 1) of equal_i prod_j!=i (below_j + z equal_j):
    z^T integrates to 1 / (1 + T), its share of a tie with T others. All terms are positive.
    """
    assert data.scores is not None
    assert data.blank is not None
    recorded, most = int(data.calls[query]), int(calls.max())
    right, scores, answers = data.correct[query], data.scores[query][answers >= 0], answers[answers >= 0]
    if not len(answers):
        return np.zeros(len(calls))
    units = _whole_units(scores, query)
    given = [(bool(right[answer]), units[answers == answer]) for answer in np.unique(answers)]
    low = min(int(u[u < 0].sum()) for _, u in given)
    high = max(int(u[u > 0].sum()) for _, u in given)
    nodes, weights = np.polynomial.legendre.leggauss(max(1, (len(given) + 1) // 2))
    work = recorded * (most + 1) * (high - low + 1) * len(nodes)
    if recorded > _MOST_CALLS or work > _MOST_WORK:
        raise ArgumentError(
            "scores",
            query,
            f"few-valued ones whose sums span few multiples of a common unit (here {recorded} calls and "
            f"{high - low + 1} multiples); use simulate",
            found=f" of query {query}",
        )
    nodes, weights = (nodes[:, None, None] + 1) / 2, weights / 2
    missing = int(data.blank[query])
    blank = np.array([float(math.comb(missing, m)) for m in range(most + 1)]) * 0.5**missing
    # (nodes, sums, sizes): nobody beyond the sum so far; and the same with one right answer marked as the winner.
    nobody = np.broadcast_to(blank, (len(nodes), high - low + 1, most + 1))
    winner = np.zeros_like(nobody)
    for is_right, mine in given:
        equal = _size_and_sum(mine, low, high, most)
        none, equal[-low, 0] = equal[-low, 0], 0.0
        below = np.cumsum(equal, axis=0) - equal
        below[:, 0] += none
        either = below + nodes * equal
        winner = _convolve(winner, either, len(mine))
        if is_right:
            winner = winner + _convolve(nobody, equal[None], len(mine))
        nobody = _convolve(nobody, either, len(mine))
    chance = np.einsum("z,ztk->k", weights, winner)
    return np.array([chance[k] * 2.0**recorded / math.comb(recorded, k) for k in calls.tolist()])


def _size_and_sum(scores: np.ndarray, low: int, high: int, most: int) -> np.ndarray:
    """(sums from low to high, sizes up to `most`): the chance of each when every call is included or not by a coin."""
    chance = np.zeros((high - low + 1, most + 1))
    chance[-low, 0] = 1.0
    for score in scores.tolist():
        # No subset's sum leaves the range, so what rolls around is zero.
        shifted = np.roll(chance, score, axis=0)
        chance[:, 1:], chance[:, 0] = (chance[:, 1:] + shifted[:, :-1]) / 2, chance[:, 0] / 2
    return chance


def _convolve(first: np.ndarray, second: np.ndarray, largest: int) -> np.ndarray:
    """Convolution over sizes, the last axis, where `second` has none beyond `largest`."""
    total = first * second[..., :1]
    for m in range(1, min(largest, first.shape[-1] - 1) + 1):
        total[..., m:] += first[..., :-m] * second[..., m, None]
    return total


def _whole_units(scores: np.ndarray, query: int) -> np.ndarray:
    """The scores as whole multiples of the largest unit of which they are all multiples."""
    distinct, place = np.unique(scores, return_inverse=True)
    ratios = [Fraction(score).limit_denominator(_LARGEST_DENOMINATOR) for score in distinct.tolist()]
    if any(not math.isclose(r, s, rel_tol=1e-12) for r, s in zip(ratios, distinct.tolist(), strict=True)):
        raise ArgumentError(
            "scores",
            query,
            f"multiples of a common unit (fractions with denominators up to {_LARGEST_DENOMINATOR}); use simulate",
            found=f" of query {query}",
        )
    denominator = math.lcm(*(ratio.denominator for ratio in ratios))
    whole = [int(ratio * denominator) for ratio in ratios]
    unit = math.gcd(*whole) or 1
    if max(map(abs, whole)) // unit > _MOST_WORK:
        raise ArgumentError(
            "scores", query, "small multiples of a common unit; use simulate", found=f" of query {query}"
        )
    return np.array([value // unit for value in whole])[place]
