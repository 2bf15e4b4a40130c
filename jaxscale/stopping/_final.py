"""Whether the answer of a vote would still change: the exact posterior prediction of its leader."""

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._checks import ArgumentError, whole_numbers
from jaxscale.stopping._leader import checked_counts, log_factorials, sorted_votes

MOST_FURTHER = 2**12
"""The most further calls that `leader_stays` looks ahead: its work grows with their square."""

# A discrete Fourier transform of finite length adds totals that are a multiple of its length apart. It has this many
# points for each further call, and a radius at which the added totals weigh less than exp(-_DAMPING).
_LENGTH = 4
_DAMPING = 22.0
_CELLS = 2**21  # complex numbers in memory at a time


def leader_stays(counts: ArrayLike, calls: ArrayLike) -> np.ndarray:
    """Probability that a vote over `calls` calls, those so far among them, returns the answer that leads now: exact.

    The posterior prediction under a uniform prior over the answers seen so far and one more that stands for any not
    seen yet: further counts are Dirichlet-multinomial with concentrations v + 1. Ties are split uniformly at the end.
    One minus this is the probability that further calls change the answer: they cannot gain more than that.

    Args:
        counts: votes so far of each answer, whole numbers >= 0, shape (..., answers).
        calls: votes at the end, those so far included; whole numbers, broadcast with the shape of the states.

    Returns:
        Probabilities, float64, shape (...); of tied leaders, that of any one of them. Absolute error below 1e-9.

    Raises:
        ValueError: for numbers that are no counts, fewer calls than votes so far, or more than 4,096 further calls.

    Source:
        docs/mathematics.md, "When a vote can stop" and "Many answers".

    Example:
        >>> leader_stays([[3, 1], [3, 1]], [5, 7]).round(4).tolist()  # one more call cannot undo a lead of two
        [1.0, 0.9286]
    """
    votes, shape = checked_counts(counts)
    ends = np.broadcast_to(whole_numbers(calls, "calls", least=0), shape).reshape(-1)
    further = ends - votes.sum(axis=1)
    if further.size and further.min() < 0:
        raise ArgumentError("calls", ends[further.argmin()], "at least the votes so far")
    if further.size and further.max() > MOST_FURTHER:
        raise ValueError(f"{further.max()} further calls: expected at most {MOST_FURTHER}")
    ordered = np.pad(sorted_votes(votes), ((0, 0), (0, 1)))
    # In a sampling loop many states are the same but for the names of the answers.
    states, back = np.unique(np.column_stack([further, ordered]), axis=0, return_inverse=True)
    further, ordered = states[:, 0], states[:, 1:]
    # Which columns are answers: those seen, and one that is not (two where none is).
    answers = np.maximum((ordered > 0).sum(axis=1), 1) + 1
    result = np.empty(len(states))
    for more in np.unique(further):
        here = np.flatnonzero(further == more)
        width = int(answers[here].max())
        batch = max(1, _CELLS // (_LENGTH * (int(more) + 1) * width))
        for start in range(0, len(here), batch):
            part = here[start : start + batch]
            result[part] = _stays(ordered[part, :width], np.arange(width) < answers[part, None], int(more))
    return result.clip(0.0, 1.0)[back.reshape(-1)].reshape(shape)


def _stays(votes: np.ndarray, present: np.ndarray, more: int) -> np.ndarray:
    """The probability for states with equally many further calls, answers in falling order of votes."""
    total = votes.sum(axis=1)
    concentration = np.where(present, votes + 1, 0)
    whole = concentration.sum(axis=1)
    log_factorial = log_factorials(int(whole.max()) + more)
    length = _LENGTH * (more + 1)
    # Dirichlet-multinomial counts are negative binomial ones of any common rate, given their total. The rate lies below
    # the one that centres the total, so that totals beyond the length of the transform have next to no weight.
    log_rate = np.log(more / (whole + more)) - _DAMPING / length if more else np.full(len(votes), -1.0)
    drawn = np.arange(more + 1)
    pmf = _negative_binomial(concentration[:, :, None], drawn, log_rate[:, None, None], log_factorial)
    log_all = _negative_binomial(whole, np.array(more), log_rate, log_factorial)

    lead, rivals = pmf[:, 0], pmf[:, 1:]
    roots = np.exp(2j * np.pi * np.outer(drawn, np.arange(length)) / length)
    gap = votes[:, :1] - votes[:, 1:]
    below = (rivals * (drawn < gap[:, :, None])) @ roots
    # With more than half of all votes the leader has won; up to there, sum over the votes that it gets.
    certain = (total + more) // 2 + 1 - votes[:, 0]
    stays = np.zeros(len(votes))
    state = np.arange(len(votes))
    for gained in range(min(more + 1, int(certain.max(initial=0)))):
        level = gap + gained
        reach = np.minimum(level, more)
        tied = np.take_along_axis(rivals, reach[:, :, None], axis=2) * (level <= more)[:, :, None] * roots[reach]
        # At most so many rivals can tie with this many votes; with as many nodes the rule in u is exact.
        mine = votes[:, 0] + gained
        rivals_tied = min(rivals.shape[1], int(((total + more - mine) // np.maximum(mine, 1)).max()))
        nodes, weights = np.polynomial.legendre.leggauss(rivals_tied // 2 + 1)
        product = sum(
            weight / 2 * np.prod(below + (node + 1) / 2 * tied, axis=1)
            for node, weight in zip(nodes, weights, strict=True)
        )
        coefficient = (product * roots[more - gained].conj()).mean(axis=1).real
        stays += np.where(gained < certain, lead[state, gained] * coefficient, 0.0)
        below = below + tied
    rest = _negative_binomial((whole - concentration[:, 0])[:, None], more - drawn, log_rate[:, None], log_factorial)
    stays += np.sum(lead * rest * (drawn >= certain[:, None]), axis=1)
    return stays / log_all


def _negative_binomial(
    size: np.ndarray, count: np.ndarray, log_rate: np.ndarray, log_factorial: np.ndarray
) -> np.ndarray:
    """P(N = count) of whole sizes; a size of 0 is always 0."""
    upper = np.maximum(size + count - 1, 0)
    log_choices = log_factorial[upper] - log_factorial[count] - log_factorial[np.maximum(size - 1, 0)]
    value = np.exp(log_choices + count * log_rate + size * np.log1p(-np.exp(log_rate)))
    return np.where(size == 0, count == 0, value)
