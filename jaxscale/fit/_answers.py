"""How answers repeat: the priors under which recorded ballots foretell further ones."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from jaxscale.data import Ballots

# Laws that a query may follow. Right shares: Betas of any mean and spread, from almost always 0 or 1 to almost fixed.
_MEANS = 1 / (1 + np.exp(-np.linspace(-4, 4, 17)))
_STRENGTHS = np.array([0.5, 3.0, 18.0, 108.0])
# Wrong answers: from one that always comes to nearly all different, with and without a heavy tail.
_CONCENTRATIONS = np.geomspace(0.1, 100, 7)
_DISCOUNTS = np.array([0.0, 0.5])

_JOINT = 20.0  # queries that the independence of right and wrong answers is worth
_MARGINAL = 5.0  # queries that even weights are worth, among right shares and among wrong answers
_EM_STEPS = 20
_SMALL_PRODUCT = 2**18  # multiplications

_log_gamma = np.vectorize(math.lgamma, otypes=[float])


@dataclass(frozen=True, eq=False)
class AnswerPrior:
    """How often a query's answers are right, and how its wrong ones repeat.

    The right share is Beta(right_a, right_b). Among wrong answers, after n calls in which answer j came c_j times and s
    different ones came at all, the probabilities are Dirichlet(c_1 - discount, ..., c_s - discount, concentration +
    s * discount), the last for all wrong answers yet unseen, and this is broken up in the same way over and over.

    Attributes:
        right_a: first parameter of the law of the right share; a number, or (draws, queries).
        right_b: second parameter of it.
        concentration: how readily new wrong answers come, positive.
        discount: how much more readily the more there have been, in [0, 1).
    """

    right_a: np.ndarray | float
    right_b: np.ndarray | float
    concentration: np.ndarray | float
    discount: np.ndarray | float


def draw_answer_priors(ballots: Ballots, rng: np.random.Generator, draws: int) -> AnswerPrior:
    """Draws of which prior each query follows, given all ballots of the data set.

    A query follows one of 68 laws of the right share and one of 14 laws of wrong answers, so that a data set of easy
    and hard queries, or one whose hard queries have a favourite wrong answer, is not forced into one law. The weights
    of the laws are the data set's and unknown. Each draw of them is a weighted likelihood bootstrap: queries get random
    weights from Dirichlet(1, ..., 1), and the laws get those that a few steps of EM reach from even ones, under a prior
    around the product of the marginals.

    Args:
        ballots: what was recorded; blank calls count as one more wrong answer.
        rng: the generator.
        draws: how many.

    Returns:
        The priors, each parameter of shape (draws, queries).

    Source:
        MATH 2 and 3.5; Pitman, "Exchangeable and partially exchangeable random partitions", 1995 (the two-parameter
        law of the wrong answers); Newton and Raftery, "Approximate Bayesian inference with the weighted likelihood
        bootstrap", 1994.

    Example:
        >>> data = Ballots(counts=[[5, 1], [3, 3]], correct=[[True, False], [True, False]])
        >>> draw_answer_priors(data, np.random.default_rng(0), 10).concentration.shape
        (10, 2)
    """
    right = np.where(ballots.correct, ballots.counts, 0).sum(axis=1)
    wrong = -np.sort(
        -np.column_stack([np.where(ballots.correct, 0, ballots.counts), np.asarray(ballots.blank)]), axis=1
    )
    kinds, which = np.unique(np.column_stack([right, wrong]), axis=0, return_inverse=True)
    which = which.reshape(-1)
    logs = log_likelihood(kinds[:, 0], kinds[:, 1:])
    likelihood = np.exp(logs - logs.max(axis=(1, 2), keepdims=True)).reshape(len(kinds), -1)
    sizes = logs.shape[1:]
    queries, laws = len(ballots), likelihood.shape[1]
    # Sums of exponential weights over the queries of a kind.
    weight = rng.standard_gamma(np.bincount(which).astype(float), (draws, len(kinds)))
    weight *= queries / weight.sum(axis=1, keepdims=True)
    # Draw by draw the same. BLAS keeps small products to one thread; several wait for each other longer than they work.
    blocks = np.array_split(weight, min(draws, max(1, draws * likelihood.size // _SMALL_PRODUCT)))
    weights = np.concatenate([_law_weights(block, likelihood, sizes) for block in blocks])
    chosen = np.empty((draws, queries), int)
    for row, share in zip(chosen, weights, strict=True):
        posterior = likelihood * share
        posterior /= posterior.sum(axis=1, keepdims=True)
        # One search for all queries: every kind's probabilities add 1 to what is below.
        place = np.searchsorted(np.cumsum(posterior), which + rng.random(queries))
        row[:] = np.clip(place - which * laws, 0, laws - 1)
    first, second = np.unravel_index(chosen, sizes)
    a, b, concentration, discount = _laws()
    return AnswerPrior(a[first], b[first], concentration[second], discount[second])


def _law_weights(weight: np.ndarray, likelihood: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """The weights of the laws that EM reaches from even ones.

    Args:
        weight: (draws, kinds) weights of the queries, summing to their number in each draw.
        likelihood: (kinds, laws) of each kind of query.
        sizes: how many laws of the right share and of wrong answers there are.

    Returns:
        (draws, laws), summing to 1 in each draw.
    """
    draws, laws = len(weight), likelihood.shape[1]
    queries = weight[0].sum()
    weights = np.full((draws, laws), 1 / laws)
    for _ in range(_EM_STEPS):
        counts = (weights * ((weight / (weights @ likelihood.T)) @ likelihood)).reshape(draws, *sizes)
        of_right, of_wrong = (
            (counts.sum(axis=3 - axis) + _MARGINAL / sizes[axis - 1]) / (queries + _MARGINAL) for axis in (1, 2)
        )
        product = of_right[:, :, None] * of_wrong[:, None, :]
        weights = ((counts + _JOINT * product) / (queries + _JOINT)).reshape(draws, laws)
    return weights


def _laws() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Beta parameters of the laws of the right share; concentrations and discounts of those of wrong answers."""
    mean, strength = (x.reshape(-1) for x in np.meshgrid(_MEANS, _STRENGTHS))
    concentration, discount = (x.reshape(-1) for x in np.meshgrid(_CONCENTRATIONS, _DISCOUNTS))
    return mean * strength, (1 - mean) * strength, concentration, discount


def log_likelihood(right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Log probability of a query's counts under each law, up to what all laws share.

    Args:
        right: (queries,) right calls.
        wrong: (queries, answers) calls of each wrong answer, in any order.

    Returns:
        (queries, laws of the right share, laws of wrong answers).
    """
    a, b, concentration, discount = _laws()
    calls = wrong.sum(axis=1)
    of_right = _over(right, lambda c: _log_gamma(a + c) - _log_gamma(a)) + _over(
        calls, lambda m: _log_gamma(b + m) - _log_gamma(b)
    )
    of_right -= _over(right + calls, lambda n: _log_gamma(a + b + n) - _log_gamma(a + b))
    kinds = np.count_nonzero(wrong, axis=1)
    steps = np.arange(1, max(int(kinds.max()), 1))
    new = np.cumsum(np.log(concentration[:, None] + np.outer(discount, steps)), axis=1)
    new = np.column_stack([np.zeros((len(discount), 2)), new])  # none or one answer: nothing new after the first
    of_wrong = new[:, kinds].T - _over(
        calls, lambda m: _log_gamma(concentration + max(m, 1)) - _log_gamma(concentration + 1)
    )
    for column in wrong.T:
        of_wrong = of_wrong + _over(column, lambda c: _log_gamma(max(c, 1) - discount) - _log_gamma(1 - discount))
    return of_right[:, :, None] + of_wrong[:, None, :]


def _over(counts: np.ndarray, function: Callable[[int], np.ndarray]) -> np.ndarray:
    """A function of one count at many counts, evaluated once for each different one."""
    values, which = np.unique(counts, return_inverse=True)
    return np.stack([function(int(value)) for value in values])[which.reshape(-1)]
