"""How hard recorded queries are for a vote, and the number of calls at which the vote is best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import generator
from jaxscale._checks import check_probability, whole_numbers
from jaxscale._result import Result
from jaxscale.data import Ballots, Estimate
from jaxscale.estimators._recorded import ballots_vote

RESAMPLES = 1000
"""How many times a bootstrap draws the queries anew, unless it is told otherwise."""

_EVERY = 200  # numbers of calls up to this are all looked at,
_BEYOND = 40  # so many beyond, evenly spaced in their logarithm,
_FINER = 10  # and so many on either side of the highest of these, and of the lowest


@dataclass(frozen=True, eq=False, repr=False)
class VoteDifficulty(Result):
    """How hard each query is for a vote.

    Attributes:
        difficulty: the share of the most frequent wrong answer less that of the most frequent right one, in [-1, 1];
            float64, shape (queries,). Below 0 the vote gets better with more calls, above 0 worse.
        standard_error: of the difficulty, from the multinomial variance; float64, shape (queries,).
        limit: accuracy of the vote as calls grow without end, as the recorded shares have it: 1, 0, or the share of
            right answers among tied leaders; float64, shape (queries,).
        level: confidence with which a query is surely easy or hard.

    >>> VoteDifficulty(np.array([-0.5, 0.1]), np.array([0.1, 0.2]), np.array([1.0, 0.0]), 0.9).shares
    {'easy': 0.5, 'hard': 0.0, 'undecided': 0.5}
    """

    difficulty: np.ndarray
    standard_error: np.ndarray
    limit: np.ndarray
    level: float

    def _columns(self) -> dict[str, Sequence[Any]]:
        columns = {"difficulty": self.difficulty, "standard_error": self.standard_error, "limit": self.limit}
        return {name: values.tolist() for name, values in columns.items()}

    def _notes(self) -> list[str]:
        shares = ", ".join(f"{share:.1%} {name}" for name, share in self.shares.items())
        return [f"{shares}, at {self.level:.0%} confidence"]

    @property
    def decided(self) -> np.ndarray:
        """Whether 0 lies outside the two-sided interval of the difficulty; bool, shape (queries,)."""
        return np.abs(self.difficulty) > NormalDist().inv_cdf((1 + self.level) / 2) * self.standard_error

    @property
    def counts(self) -> dict[str, int]:
        """How many queries are easy, hard and tied, by their recorded shares."""
        return {name: int(which.sum()) for name, which in _sides(self.difficulty).items()}

    @property
    def shares(self) -> dict[str, float]:
        """The shares of queries that are easy with this confidence, hard with it, and undecided."""
        easy, hard = ((self.decided & side).mean() for side in (self.difficulty < 0, self.difficulty > 0))
        return {"easy": float(easy), "hard": float(hard), "undecided": float(1 - easy - hard)}


def vote_difficulty(ballots: Ballots, level: float = 0.9) -> VoteDifficulty:
    """How hard each query is for a vote: d = max over wrong answers of P(answer) - max over right ones.

    Args:
        ballots: what was recorded; blank calls count in the shares and never lead.
        level: confidence with which a query is surely easy or hard, in (0, 1).

    Returns:
        Difficulties with standard errors, and the limit of each query's accuracy.

    Raises:
        ValueError: for a level outside (0, 1).

    Source:
        docs/mathematics.md, "Easy and hard queries"; [Chen24], d(x). The variance of a difference of two multinomial
        shares a and b is (a + b - (a - b)^2) / n, here with half a call added to each so that unanimous ballots stay
        uncertain.

    Example:
        >>> vote_difficulty(Ballots([[8, 2], [3, 7]], [[True, False], [True, False]])).difficulty
        array([-0.6,  0.4])
    """
    check_probability(level, "level")
    calls = ballots.calls
    right = np.where(ballots.correct, ballots.counts, 0).max(axis=1)
    wrong = np.where(ballots.correct, 0, ballots.counts).max(axis=1)
    difference = (wrong - right) / calls
    a, b, n = right + 0.5, wrong + 0.5, calls + 1
    error = np.sqrt(((a + b) / n - ((a - b) / n) ** 2) / n)
    leads = (ballots.counts == np.maximum(right, wrong)[:, None]) & (ballots.counts > 0)
    limit = (leads & ballots.correct).sum(axis=1) / np.maximum(leads.sum(axis=1), 1)
    return VoteDifficulty(difference, error, limit, level)


def majority_by_difficulty(ballots: Ballots, calls: ArrayLike) -> dict[str, Estimate]:
    """Unbiased accuracy of a vote, on the easy and on the hard queries apart.

    Queries with d < 0 are easy and those with d > 0 hard, by their recorded shares: the same ballots choose the subset
    and measure it, which flatters the easy ones a little where ballots are few. Those with d = 0 are "tied".

    Args:
        ballots: what was recorded.
        calls: numbers of calls, from 1 to the fewest recorded calls of a query; any shape.

    Returns:
        Estimates for each of "easy", "hard" and "tied" that has any query.

    Raises:
        ValueError: naming the query that has fewer ballots.

    Source:
        docs/mathematics.md, "Easy and hard queries"; [Chen24], breakdown by difficulty.

    Example:
        >>> parts = majority_by_difficulty(Ballots([[2, 1], [1, 2]], [[True, False], [True, False]]), [1, 3])
        >>> {name: part.value.round(3).tolist() for name, part in parts.items()}
        {'easy': [0.667, 1.0], 'hard': [0.333, 0.0]}
    """
    budgets = whole_numbers(calls, "calls")
    return by_difficulty(budgets, ballots_vote(ballots, budgets.reshape(-1)), vote_difficulty(ballots).difficulty)


def by_difficulty(k: np.ndarray, values: np.ndarray, difficulty: np.ndarray) -> dict[str, Estimate]:
    """Means of `values` (budgets, queries) over the easy, the hard and the tied queries, where there are any."""
    parts = _sides(difficulty)
    return {name: mean_over_queries(k, values[:, part]) for name, part in parts.items() if part.any()}


def _sides(difficulty: np.ndarray) -> dict[str, np.ndarray]:
    """Which queries are easy, hard and tied."""
    return {"easy": difficulty < 0, "hard": difficulty > 0, "tied": difficulty == 0}


def mean_over_queries(k: np.ndarray, values: np.ndarray) -> Estimate:
    """The mean of `values` (budgets, queries), with its standard error over queries, in the shape of `k`."""
    queries = values.shape[1]
    error = values.std(axis=1, ddof=1) / np.sqrt(queries) if queries > 1 else np.full(len(values), np.nan)
    return Estimate(k, values.mean(axis=1).reshape(k.shape), error.reshape(k.shape))


@dataclass(frozen=True, repr=False)
class BestMajority(Result):
    """The number of calls at which a vote was best, and what it gains over one call, with bootstrap intervals.

    Attributes:
        calls: the best number of calls.
        lower: lower end of its interval.
        upper: upper end of its interval.
        gain: accuracy at `calls` less accuracy of one call.
        gain_lower: lower end of the interval of the gain at `calls`.
        gain_upper: its upper end.
        level: probability that the intervals hold.
        last: the most calls that were looked at.
        forecast: whether `calls` lies beyond the recorded calls.

    >>> BestMajority(8, 8, 8, 0.2, 0.1, 0.3, 0.9, 8).words
    ('8 or more', '8 or more')
    """

    calls: int
    lower: int
    upper: int
    gain: float
    gain_lower: float
    gain_upper: float
    level: float
    last: int
    forecast: bool = False

    def _notes(self) -> list[str]:
        return [f"{self.level:.0%} intervals; {self.last:,} calls were looked at"]

    @property
    def at_end(self) -> bool:
        """Whether it is the last number of calls that was looked at, so that more may be better still."""
        return self.calls == self.last > 1

    @property
    def words(self) -> tuple[str, str]:
        """The best number of calls and its interval, which is open where it touches the end of the search."""
        number = f"{self.calls:,}{' or more' if self.at_end else ''}"
        end = f"{self.lower:,} or more" if self.upper == self.last > 1 else f"{self.lower:,} to {self.upper:,}"
        return number, end

    @property
    def helps(self) -> bool:
        """Whether voting is better than one call beyond the noise of the queries."""
        return self.gain_lower > 0


def best_majority(
    ballots: Ballots,
    calls: ArrayLike | None = None,
    *,
    level: float = 0.9,
    resamples: int = RESAMPLES,
    key: PRNGKeyArray | None = None,
) -> BestMajority:
    """The best number of calls of a recorded data set, by its exact vote curve and a bootstrap over queries.

    Args:
        ballots: what was recorded.
        calls: numbers of calls to choose from; None: 1 to half of the fewest recorded calls of a query (as `vote_curve`
            chooses them above 200), beyond which draws without replacement overlap so much that the curve jumps.
        level: probability that the intervals hold, in (0, 1).
        resamples: bootstrap resamples of the queries; each looks for its own best number of calls.
        key: a typed JAX key, of the resampling; None stands for jax.random.key(0).

    Returns:
        The smallest of the best numbers of calls, the gain over one call, and percentile intervals of both.

    Raises:
        ValueError: for a level outside (0, 1), or where a query has fewer ballots.

    Source:
        docs/mathematics.md, "Two answers" and "Many answers".

    Example:
        >>> ballots = Ballots([[9, 1], [8, 2], [7, 3]], [[True, False]] * 3)
        >>> best = best_majority(ballots)
        >>> best.calls, best.helps
        (5, True)
    """
    check_probability(level, "level")
    if calls is None:
        budgets, values = curve_up_to(max(1, int(ballots.calls.min()) // 2), lambda k: ballots_vote(ballots, k))
    else:
        budgets = np.unique(np.append(whole_numbers(calls, "calls").reshape(-1), 1))
        values = ballots_vote(ballots, budgets)
    return best_of(budgets, values, bootstrap_weights(len(ballots), resamples, key), level)


def curve_up_to(most: int, evaluate: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A curve at enough numbers of calls to find its turns, at most 280 of them.

    Args:
        most: the most calls.
        evaluate: from numbers of calls, increasing, to values (budgets, queries).

    Returns:
        Numbers of calls from 1 to the most, all of them up to 200 and about 80 more, and the values there.
    """
    k = np.arange(1, min(most, _EVERY) + 1)
    if most <= _EVERY:
        return k, evaluate(k)
    k = np.union1d(k, np.rint(np.geomspace(_EVERY, most, _BEYOND)).astype(int))
    values = evaluate(k)
    mean = values.mean(axis=1).round(12)
    finer = np.concatenate(
        [
            np.rint(np.geomspace(k[max(turn - 1, 0)], k[turn], _FINER + 2)).astype(int)
            for top in (int(np.argmax(mean)), int(np.argmin(mean)))
            for turn in (top, min(top + 1, len(k) - 1))
        ]
    )
    finer = np.setdiff1d(finer, k)
    if len(finer):
        k, values = np.append(k, finer), np.concatenate([values, evaluate(finer)])
    order = np.argsort(k)
    return k[order], values[order]


def bootstrap_weights(queries: int, resamples: int, key: PRNGKeyArray | None) -> np.ndarray:
    """Weights of the queries in bootstrap resamples, shape (queries, resamples); each column sums to 1."""
    return generator(key).multinomial(queries, np.full(queries, 1 / queries), resamples).T / queries


def best_of(budgets: np.ndarray, values: np.ndarray, weights: np.ndarray, level: float) -> BestMajority:
    """The best of increasing `budgets` by `values` (budgets, queries), its gain over the first, and their intervals."""
    # Rounding must not decide between budgets that are equally good, as K and K + 1 are with two answers.
    best = int(np.argmax(values.mean(axis=1).round(12)))
    curves = values @ weights
    tails = (1 - level) / 2, (1 + level) / 2
    lower, upper = np.quantile(budgets[np.argmax(curves.round(12), axis=0)], tails, method="nearest")
    gain_lower, gain_upper = np.quantile(curves[best] - curves[0], tails)
    gain = float(values[best].mean() - values[0].mean())
    ends = int(lower), int(upper), gain, float(gain_lower), float(gain_upper)
    return BestMajority(int(budgets[best]), *ends, level, int(budgets[-1]))
