"""Coverage by several shapes of difficulty and the curve's own trend, none of which is taken at its word."""

from typing import NamedTuple

import numpy as np

from jaxscale.data import Attempts
from jaxscale.estimate._coverage import pass_at_k_per_query
from jaxscale.estimate._distinct import distinct
from jaxscale.forecast._rivals import loglog_line
from jaxscale.forecast._shapes import SHAPES, failure_factors, likelihoods, sample_shape

_DRAWS = 400
# Evidence is raised to this power: every shape is a caricature, and one that fits the bulk best may have a false tail.
_TRUST = 0.5


class Foretold(NamedTuple):
    """What is foretold of k calls.

    Attributes:
        value: (budgets,) mean over queries.
        draws: (draws, budgets) posterior draws of the mean over these queries, by the shapes alone.
        rerun: (draws, budgets) variance of the mean of a further run about each draw.
        squares: (budgets,) mean square over queries of the chance that k calls solve one.
        weights: share of each law at the largest k.
        line: coefficient and exponent of the curve's trend, or nothing where it has none.
    """

    value: np.ndarray
    draws: np.ndarray
    rerun: np.ndarray
    squares: np.ndarray
    weights: dict[str, float]
    line: dict[str, float]


def foretell_coverage(attempts: Attempts, k: np.ndarray, rng: np.random.Generator) -> Foretold:
    """Forecast coverage beyond the fewest attempts of a query.

    Every law, be it a shape of difficulty or the line of log(-log pass@k) on log k, has a failure curve S; a query that
    failed n times is solved by k calls with probability 1 - S(k) / S(n). Shapes are averaged over their posteriors and
    among themselves by tempered evidence. The line takes the rest of the weight: a half one decade beyond the data, and
    more the farther, as what the bulk of the queries says of the tail is worth less.

    Args:
        attempts: what was recorded.
        k: (budgets,) numbers of calls, above the fewest attempts.
        rng: draws.

    Returns:
        Values, draws and the variance of a further run.

    Source:
        MATH sections 1 and 2; [Schaeffer25] on why curves of many queries are power laws.
    """
    pairs = distinct(attempts)
    real = pairs.queries > 0
    pairs = pairs._replace(attempts=pairs.attempts[real], successes=pairs.successes[real], queries=pairs.queries[real])
    n, counts, total = pairs.attempts, pairs.queries, pairs.queries.sum()
    likelihood = likelihoods(pairs)
    posteriors = [sample_shape(shape, likelihood, counts, rng) for shape in SHAPES.values()]
    evidence = np.array([posterior.log_evidence for posterior in posteriors])
    trust = np.exp(_TRUST * (evidence - evidence.max()))
    trust /= trust.sum()

    # Evenly spaced draws of each shape, as many as it has weight.
    number = np.rint(_DRAWS * trust).astype(int).tolist()
    drawn = np.concatenate(
        [
            posterior.weights[np.arange(size) * len(posterior.weights) // max(size, 1)]
            for posterior, size in zip(posteriors, number, strict=True)
        ]
    )

    failed = pairs.successes == 0
    sizes, size = np.unique(n[failed], return_inverse=True)
    own = np.bincount(size, counts[failed], minlength=len(sizes)) / total
    at_k, at_2k, at_n = failure_factors(k), failure_factors(2 * k), failure_factors(sizes)
    line = loglog_line(attempts)
    # The line's share at each k.
    followed = np.zeros(len(k)) if line is None else 1 - 0.5 / np.maximum(np.log10(k / n.min()), 1.0)

    # Query by query: the unbiased estimate where k is within its attempts, else 1, or the chance of a later success.
    per_pair = pass_at_k_per_query(n, pairs.successes, k)
    means = np.tile(counts @ per_pair / total, (len(drawn), 1))
    drawn_n = drawn @ at_n.T
    for column, calls in enumerate(k.tolist()):
        later = _solved_later(drawn @ at_k[column], drawn_n)
        expected = later.mean(axis=0)
        if line is not None:
            along = (-np.expm1(-line[0] * x ** -line[1]) for x in (np.array([calls], float), sizes[None].astype(float)))
            expected = expected + followed[column] * (_solved_later(*along)[0] - expected)
        ahead = own * (calls > sizes)
        means[:, column] += later @ ahead
        per_pair[failed, column] += np.where(calls > n[failed], expected[size], 0.0)

    # A further run of k calls at a query fails with probability f given what was recorded of it. Within n attempts both
    # values average over subsets, with at most k/n of one run's variance (Hoeffding).
    posterior_weights = likelihood * drawn.mean(axis=0)
    f, twice = (posterior_weights @ at.T / posterior_weights.sum(axis=1, keepdims=True) for at in (at_k, at_2k))
    once = (1 - f) * np.square(1 - per_pair) + f * np.square(per_pair)
    noise = np.where(k > n[:, None], once, 2 * np.minimum(k / n[:, None], 1.0) * f * (1 - f))
    # It lies in the queries that fail, and a draw that leaves fewer of them has less of it.
    left = 1 - means
    rerun = counts @ noise / total**2 * left / np.maximum(left.mean(axis=0), 1e-12)

    # A failed query is solved nearly always or hardly ever, which the average foretold of its like does not show: the
    # ratio of the second moment of 1 - (1-p)^k to the first is that of the shapes.
    apart = np.where(failed[:, None] & (k > n[:, None]), (1 - 2 * f + twice) / np.maximum(1 - f, 1e-12), per_pair)

    shares = {name: float(share * (1 - followed[k.argmax()])) for name, share in zip(SHAPES, trust, strict=True)}
    if line is not None:
        shares = {"loglog": float(followed[k.argmax()]), **shares}
    fitted = {} if line is None else {"coefficient": line[0], "exponent": line[1]}
    return Foretold(
        value=counts @ per_pair / total,
        draws=means,
        rerun=rerun,
        squares=counts @ (per_pair * apart) / total,
        weights=shares,
        line=fitted,
    )


def _solved_later(at_k: np.ndarray, at_n: np.ndarray) -> np.ndarray:
    """1 - S(k) / S(n) for every draw of a law and every n: (draws, n)."""
    return np.clip(1 - at_k[:, None] / np.maximum(at_n, 1e-300), 0.0, 1.0)
