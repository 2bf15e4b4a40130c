"""How sure it is that the leading answer is the most probable one."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._checks import ArgumentError, whole_numbers

MOST_VOTES = 10**5
"""The most votes of one query that the rules take: their work grows in proportion to it."""

# A trapezoid rule on the square root of a gamma variable, which is close to normal with deviation 1/2 whatever the
# shape: on normal integrands half a deviation a step errs by exp(-8 pi^2). Near zero the root is log(1 + exp(s)), so
# that integrands of odd powers of it end smoothly, too.
_STEP = 0.25
_REACH = 4.5
_LOWEST = -9.0


def first_success(successes: ArrayLike) -> np.ndarray:
    """Whether a query has been solved: the rule of repeated sampling with a verifier that can be trusted.

    Args:
        successes: calls so far that the verifier accepted, whole numbers >= 0; any shape.

    Returns:
        bool, the shape of `successes`.

    Raises:
        ValueError: for numbers that are no counts.

    Source:
        docs/mathematics.md, "When a vote can stop".

    Example:
        >>> first_success([0, 1, 3]).tolist()
        [False, True, True]
    """
    return whole_numbers(successes, "successes", least=0) > 0


def leader_confidence(counts: ArrayLike, rule: Literal["beta", "dirichlet"] = "beta") -> np.ndarray:
    """Posterior probability that the leading answer is the most probable one: exact, under a uniform prior.

    "beta" compares the two leading answers, P(p > 1/2) for p ~ Beta(v1 + 1, v2 + 1). "dirichlet" compares the leader
    with every answer seen so far and with one more that stands for any not seen yet: the chance that its component of
    Dirichlet(v + 1) is the largest. That is the chance that X_1 is the largest of independent gamma variables X_j of
    shapes v_j + 1: the integral of the density of X_1 times the product of the others' distribution functions.

    Args:
        counts: votes so far of each answer, whole numbers >= 0, shape (..., answers).
        rule: which posterior.

    Returns:
        Probabilities, float64, shape (...): 1/2 where there is no vote or, for "beta", a tie. Absolute error below
        1e-12.

    Raises:
        ValueError: for numbers that are no counts, more than 10^5 votes of a query, or an unknown rule.

    Source:
        docs/mathematics.md, "When a vote can stop"; the two posteriors are those of [Aggarwal23].

    Example:
        >>> leader_confidence([[3, 1], [5, 0]]).tolist()  # 5 votes of 5: all but one of 64 cases
        [0.8125, 0.984375]
    """
    if rule not in ("beta", "dirichlet"):
        raise ArgumentError("rule", rule, "'beta' or 'dirichlet'")
    votes, shape = checked_counts(counts)
    ordered = sorted_votes(votes, 2 if rule == "beta" else None)
    if rule == "beta":
        return ahead(ordered[:, 0], ordered[:, 1]).reshape(shape)
    return _largest(ordered).reshape(shape)


def checked_counts(counts: ArrayLike) -> tuple[np.ndarray, tuple[int, ...]]:
    """Counts as an int64 array (states, answers), and the shape of the states.

    Raises:
        ValueError: naming what is wrong with them.
    """
    array = np.asarray(counts)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ArgumentError("counts", array.shape, "(..., answers)", found=f" has shape {array.shape}")
    if array.dtype.kind not in "iu":
        array = whole_numbers(array, "counts", least=0) if array.size else array.astype(np.int64)
    if array.size and array.min() < 0:
        raise ArgumentError("counts", array.min(), "whole numbers >= 0")
    votes = array.reshape(-1, array.shape[-1]).astype(np.int64)
    if votes.size and votes.sum(axis=1).max() > MOST_VOTES:
        raise ArgumentError(
            "counts",
            votes.sum(axis=1).max(),
            f"at most {MOST_VOTES}",
            found=f" of one query add up to {votes.sum(axis=1).max()}",
        )
    return votes, array.shape[:-1]


def sorted_votes(votes: np.ndarray, most: int | None = None) -> np.ndarray:
    """Votes of each state in falling order, with at least two columns and no more than are needed, or than `most`."""
    if votes.shape[1] < 2:
        votes = np.pad(votes, ((0, 0), (0, 1)))
    if most == 2:
        return -np.partition(-votes, 1, axis=1)[:, :2]
    return -np.sort(-votes, axis=1)[:, : max(2, int((votes > 0).sum(axis=1).max(initial=0)))]


def ahead(i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """P(p > 1/2) for p ~ Beta(i + 1, j + 1): that of Binomial(i + j + 1, 1/2) <= i.

    Args:
        i: whole numbers >= 0.
        j: whole numbers >= 0, broadcast with `i`.

    Returns:
        float64, the broadcast shape.
    """
    i, trials = np.broadcast_arrays(i, np.asarray(i) + j + 1)
    result = np.empty(i.shape)
    # One distribution function for each total that occurs: in a sampling loop those are few.
    for total in np.unique(trials):
        here = trials == total
        result[here] = _at_most(int(total))[i[here]]
    return result


def ahead_table(calls: int) -> np.ndarray:
    """`ahead` for i and j from 0 to `calls`: float64, shape (calls + 1, calls + 1)."""
    table = np.empty((calls + 1, calls + 1))
    for trials in range(1, 2 * calls + 2):
        i = np.arange(max(0, trials - 1 - calls), min(calls, trials - 1) + 1)
        table[i, trials - 1 - i] = _at_most(trials)[i]
    return table


def _at_most(trials: int) -> np.ndarray:
    """P(Binomial(trials, 1/2) <= i) for i = 0, ..., trials."""
    log_factorial = log_factorials(trials)
    log_choices = log_factorial[-1] - log_factorial - log_factorial[::-1]
    half = np.cumsum(np.exp(log_choices[: trials // 2 + 1] - trials * np.log(2)))
    # The law is symmetric: the upper half from the lower one, so that its total is exact.
    upper = 1 - half[: trials - len(half)][::-1]
    return np.concatenate([half, upper, [1.0]])[: trials + 1]


def log_factorials(most: int) -> np.ndarray:
    """log i! for i = 0, ..., most."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def _largest(ordered: np.ndarray) -> np.ndarray:
    """P(X_1 is the largest) for gamma variables of shapes v + 1, and of shape 1 for an answer not seen yet."""
    states = len(ordered)
    result = np.empty(states)
    leaders = ordered[:, 0]
    # How often each count occurs among the rivals: equal counts have equal distribution functions, and the products
    # over rivals become one matrix product. Counts of zero are padding; the last entry is the unseen answer.
    rows, columns = np.nonzero(ordered[:, 1:])
    rivals = ordered[:, 1:][rows, columns]
    order = np.argsort(leaders, kind="stable")
    starts = np.flatnonzero(np.diff(leaders[order], prepend=-1))
    place = np.empty(states, np.int64)
    for begin, end in zip(starts, [*starts[1:], states], strict=True):
        group = order[begin:end]
        leader = int(leaders[group[0]])
        place.fill(-1)
        place[group] = np.arange(len(group))
        chosen = place[rows] >= 0
        cells = place[rows[chosen]] * (leader + 1) + rivals[chosen]
        occurs = np.bincount(cells, minlength=len(group) * (leader + 1)).reshape(len(group), leader + 1)
        occurs[:, 0] = 1
        weights, log_below = _gamma_rule(leader)
        result[group] = np.exp(occurs @ log_below) @ weights
    return np.minimum(result, 1.0)


def _gamma_rule(leader: int) -> tuple[np.ndarray, np.ndarray]:
    """Quadrature under a gamma law of shape leader + 1.

    Returns:
        Weights (nodes,), and log P(X_v < node) of shape (leader + 1, nodes) for X_v of shape v + 1.
    """
    centre = np.sqrt(leader + 0.75)
    s = np.arange(centre - _REACH if centre > 2 * _REACH else _LOWEST, centre + _REACH, _STEP)
    root = np.logaddexp(0.0, s)
    node = root**2
    log_pmf = np.arange(leader + 1)[:, None] * np.log(node) - node - log_factorials(leader)[:, None]
    # A gamma variable of shape v + 1 exceeds x where a Poisson variable of mean x is at most v.
    above = np.cumsum(np.exp(log_pmf), axis=0)
    weights = 2 * root / (1 + np.exp(-s)) * np.exp(log_pmf[-1])
    return _STEP * weights, np.log(np.maximum(1 - above, 1e-300))
