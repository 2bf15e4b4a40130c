"""Answers given equally often, so many of them that a vote has to know only how many votes the best of them have."""

from typing import NamedTuple

import numpy as np
from scipy.special import bdtrik, betainc, gammaln

# Fewer are told apart.
_MANY = 1_000
_LEAST = 1e-15


class Alike(NamedTuple):
    """Answers whose probabilities are exchangeable: Dirichlet(shape, ..., shape), times what they have together.

    Attributes:
        number: (draws,) how many there are.
        shape: (draws,) the parameter of each.
        right: whether they are right answers.
    """

    number: np.ndarray
    shape: np.ndarray
    right: bool


class Leaders(NamedTuple):
    """The answers of one kind that have most votes: (votes, draws) how many votes, and how many answers."""

    votes: np.ndarray
    answers: np.ndarray
    right: bool


def apart(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts of the answers that are told apart, and those and the numbers of the answers that are not."""
    values, times = np.unique(counts, return_counts=True)
    many = times >= _MANY
    return counts[~np.isin(counts, values[many])] if many.any() else counts, values[many], times[many]


def leaders(alike: Alike, votes: np.ndarray, level: np.ndarray) -> Leaders:
    """Draw how many votes the best of such answers have, given how many all of them have, and how many are the best.

    Each answer's votes are beta-binomial. Answers are taken as independent of each other except for their total
    where no two votes agree, whose probability is exact. So the chance of any number of votes is wrong by less than a
    hundredth for a thousand answers, and the less the more there are (tests/test_forecast_alike.py).

    Args:
        alike: the answers.
        votes: (votes, draws) votes for all of them.
        level: (2, votes, draws) uniform numbers, which lead smoothly from one number of votes to the next.

    Returns:
        Votes of the best, 0 where there are none, and how many have as many.

    Source:
        docs/mathematics.md, "Posterior of ballots".
    """
    total = votes.reshape(-1).astype(float)
    number, a = (np.broadcast_to(x, votes.shape).reshape(-1).astype(float) for x in (alike.number, alike.shape))
    at, among = level.reshape(2, -1)
    b = (number - 1) * a
    start = gammaln(total + b) - gammaln(total + a + b) + gammaln(a + b) - gammaln(b)
    width = 16
    while True:
        x = np.arange(width)
        able = x < total[:, None]
        up = np.where(able, (total[:, None] - x) * (a[:, None] + x), 1.0)
        down = (x + 1) * np.maximum(total[:, None] - x - 1 + b[:, None], _LEAST)
        log = np.concatenate([np.zeros((len(total), 1)), np.cumsum(np.log(up / down), axis=1)], axis=1)
        pmf = np.exp(start[:, None] + np.where(np.column_stack([able[:, :1] | True, able]), log, -np.inf))
        # Enough of them: what is left out could not be seen in any answer.
        if (number * pmf[:, -1] < _LEAST).all() or width > total.max(initial=0):
            break
        width *= 2
    more = np.cumsum(pmf[:, ::-1], axis=1)[:, ::-1] - pmf
    below = np.exp(number[:, None] * np.log1p(-np.minimum(more, 1 - _LEAST)))
    # No two votes for one answer: as many ways to choose the answers as there are, out of all ways to draw the votes.
    possible = total <= number
    few = np.where(possible, total, 0.0)
    differ = gammaln(number + 1) - gammaln(number - few + 1) + few * np.log(a) + gammaln(number * a)
    below[:, 0] = total == 0
    below[:, 1] = np.where(possible, np.exp(np.minimum(differ - gammaln(number * a + few), 0.0)), 0.0)
    below = np.maximum.accumulate(below, axis=1)
    best = np.minimum((below <= at[:, None]).sum(axis=1), pmf.shape[1] - 1)
    row = np.arange(len(best))
    share = np.clip(pmf[row, best] / np.maximum(1 - more[row, best], _LEAST), _LEAST, 1.0)
    none = np.exp(number * np.log1p(-np.minimum(share, 1 - _LEAST)))
    most = np.maximum(total // np.maximum(best, 1), 1)
    ties = np.clip(_binomial_quantile(none + among * (1 - none), number, share), 1, most)
    ties = np.where(best == 1, total, np.where(best == 0, 0, ties))
    return Leaders(best.reshape(votes.shape), ties.reshape(votes.shape), alike.right)


def _binomial_quantile(chance: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The least count that is not exceeded with a probability of at least `chance`.

    As `scipy.stats.binom.ppf`: importing `scipy.stats` takes a second and more.
    """
    # What is next to 0 has no inverse to floating point.
    above = np.fmax(np.ceil(bdtrik(chance, n, p)), 0)
    below = np.maximum(above - 1, 0)
    at_most = np.where(below < n, betainc(np.maximum(n - below, 1), below + 1, 1 - p), 1.0)
    return np.where(at_most >= chance, below, above)
