"""What further calls are expected to gain, and whether that is worth their price."""

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError, check_amount, whole_numbers
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.stopping._leader import ahead, checked_counts, log_factorials, sorted_votes

MOST_FURTHER = 10**5
"""The most further calls that `expected_vote_gain` looks ahead."""


def expected_vote_gain(counts: ArrayLike, further: ArrayLike) -> np.ndarray:
    """How much likelier a vote is to return the more probable of its two leading answers after further calls: exact.

    With p ~ Beta(v1 + 1, v2 + 1) the share of the leader among calls that give either, x of r further ones go to the
    leader with a beta-binomial probability, and P(p > 1/2) is then A(v1 + x, v2 + r - x), A as in `leader_confidence`.
    The gain is E[max(A, 1 - A)] - A(v1, v2): what is known after the calls, less what is known now. It is never
    negative and grows with the calls.

    Args:
        counts: votes so far of each answer, whole numbers >= 0, shape (..., answers).
        further: r, further calls that give either of the two, whole numbers from 0 to 10^5, shape (budgets,) or ().

    Returns:
        Gains in probability, float64, shape (...) + the shape of `further`.

    Raises:
        ValueError: for numbers that are no counts, or further calls outside their range.

    Source:
        docs/mathematics.md, "When a vote can stop"; the value of information of further draws.

    Example:
        >>> expected_vote_gain([1, 1], [0, 1]).round(4).tolist()  # 2 votes to 1: P(p > 1/2) = 11/16
        [0.0, 0.1875]
    """
    votes, shape = checked_counts(counts)
    budgets = whole_numbers(further, "further", least=0, most=MOST_FURTHER)
    pairs, back = np.unique(sorted_votes(votes, 2), axis=0, return_inverse=True)
    gains = np.stack([_gain(pairs, int(more)) for more in budgets.reshape(-1)], axis=-1)
    return gains[back.reshape(-1)].reshape(shape + budgets.shape)


def _gain(pairs: np.ndarray, more: int) -> np.ndarray:
    first, second = pairs[:, :1], pairs[:, 1:]
    x = np.arange(more + 1)
    log_factorial = log_factorials(int(pairs.sum(axis=1).max()) + more + 1)
    # B(v1 + 1 + x, v2 + 1 + r - x) / B(v1 + 1, v2 + 1) times C(r, x), every argument whole.
    log_chance = (
        log_factorial[first + x]
        - log_factorial[first]
        - log_factorial[x]
        + log_factorial[second + more - x]
        - log_factorial[second]
        - log_factorial[more - x]
        - (log_factorial[first + second + more + 1] - log_factorial[first + second + 1] - log_factorial[more])
    )
    later = ahead(first + x, second + more - x)
    gain = np.exp(log_chance) * np.maximum(later, 1 - later)
    return np.maximum(gain.sum(axis=1) - ahead(first, second)[:, 0], 0.0)


def expected_coverage_gain(failures: ArrayLike, further: ArrayLike, difficulty: AbstractDifficulty) -> np.ndarray:
    """Probability that further calls solve a query that has failed so far.

    1 - E[(1-p)^(n+r)] / E[(1-p)^n] under a difficulty model, fitted to earlier queries say. It falls with the failures:
    where one more call does not pay, neither do several.

    Args:
        failures: n, calls so far, all of them failed; whole numbers >= 0, any shape.
        further: r, further calls, whole numbers from 0 to 10^12; shape (budgets,) or ().
        difficulty: how hard the queries are.

    Returns:
        Probabilities, float64, the shape of `failures` + that of `further`.

    Raises:
        ValueError: for numbers that are no counts.

    Source:
        docs/mathematics.md, "Posterior prediction".

    Example:
        >>> from jaxscale import Beta
        >>> expected_coverage_gain([0, 8], 1, Beta(1.0, 1.0)).round(6).tolist()  # 1 / (n + 2)
        [0.5, 0.1]
    """
    failed = whole_numbers(failures, "failures", least=0)
    budgets = whole_numbers(further, "further", least=0)
    with float64():
        n, r = (array.astype(np.float64) for array in (failed.reshape(-1, 1), budgets.reshape(1, -1)))
        log_failure = np.asarray(difficulty.log_predictive_failure(r, n, np.zeros_like(n)), np.float64)
    return -np.expm1(log_failure).reshape(failed.shape + budgets.shape)


def worth_calling(gain: ArrayLike, further: ArrayLike, price: float, value: float = 1.0) -> np.ndarray:
    """Whether some number of further calls is expected to gain more than it costs; where none is, stop.

    Looking ahead matters for votes: one more call rarely changes the leader, and so gains nothing by itself.

    Args:
        gain: expected gain in probability after each number of further calls, shape (..., budgets).
        further: numbers of further calls, shape (budgets,).
        price: of one call.
        value: of one more query answered rightly, in the unit of `price`.

    Returns:
        bool, shape (...): whether value * gain > price * further at any of them.

    Raises:
        ValueError: for a negative price or value, or shapes that do not fit.

    Source:
        docs/mathematics.md, "Cost".

    Example:
        >>> worth_calling(expected_vote_gain([[1, 1], [30, 1]], [1, 5, 20]), [1, 5, 20], price=0.01).tolist()
        [True, False]
    """
    gains, budgets = np.asarray(gain, np.float64), whole_numbers(further, "further", least=0)
    if budgets.ndim != 1 or gains.ndim == 0 or gains.shape[-1] != len(budgets):
        raise ArgumentError(
            "gain", gains.shape, "one gain a budget", found=f" of shape {gains.shape}, further of shape {budgets.shape}"
        )
    check_amount(price, "price")
    check_amount(value, "value")
    return np.any(value * gains > price * budgets, axis=-1)
