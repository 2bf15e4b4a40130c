"""Coverage by several shapes of difficulty and the curve's own trend, none of which is taken at its word."""

from typing import NamedTuple

import numpy as np

from jaxscale.data import Attempts
from jaxscale.estimators import distinct, pass_at_k_per_query
from jaxscale.forecasting._rivals import loglog_line
from jaxscale.forecasting._shapes import SHAPES, TRUST, PriorDraws, failure_factors, sample_shape

DRAWS = 400
_ROWS = 4096  # distinct queries at a time


class Belief(NamedTuple):
    """What is believed of the queries of a data set beyond what was recorded of them.

    Attributes:
        attempts: (rows,) of each query, or of all that are equal.
        successes: (rows,).
        queries: (rows,) how many there are of each.
        density: (rows, points + 1) posterior probability of each point of the grid of logit p, and last of p = 0.
        solved_later: (rows, budgets) chance that k calls solve a query that failed; 0 within its attempts.
        draws: (draws, budgets) the share of all queries that failed and are solved later.
        weights: share of each law by name.
        reach: number of calls up to which the data show the curve.
    """

    attempts: np.ndarray
    successes: np.ndarray
    queries: np.ndarray
    density: np.ndarray
    solved_later: np.ndarray
    draws: np.ndarray
    weights: dict[str, float]
    reach: float


class Foretold(NamedTuple):
    """What is foretold of k calls.

    Attributes:
        value: (budgets,) mean over queries.
        per_query: (rows, budgets) the chance that k calls solve one.
        draws: (draws, budgets) posterior draws of the mean over these queries, without the line.
        rerun: (draws, budgets) variance of the mean of a further run about each draw.
        squares: (budgets,) mean square over queries of the chance that k calls solve one.
        weights: share of each law at the largest k.
        line: coefficient and exponent of the curve's trend, or nothing where it has none.
    """

    value: np.ndarray
    per_query: np.ndarray
    draws: np.ndarray
    rerun: np.ndarray
    squares: np.ndarray
    weights: dict[str, float]
    line: dict[str, float]


def believe(attempts: Attempts, k: np.ndarray, rng: np.random.Generator, prior: PriorDraws | None = None) -> Belief:
    """What a data set alone says of its queries: the shapes of difficulty, averaged by tempered evidence.

    A law of difficulty with failure curve S solves a query that failed n times within k calls with probability
    1 - S(k) / S(n).

    Args:
        attempts: what was recorded.
        k: (budgets,) numbers of calls.
        rng: draws.
        prior: those of the same generator, where other data sets need them too.

    Returns:
        The belief; its rows are the distinct queries.

    Source:
        docs/mathematics.md, "Forecasts by several laws".
    """
    pairs = distinct(attempts)
    real = pairs.queries > 0
    pairs = pairs._replace(attempts=pairs.attempts[real], successes=pairs.successes[real], queries=pairs.queries[real])
    n, counts, total = pairs.attempts, pairs.queries, pairs.queries.sum()
    likelihood, first = (prior or PriorDraws(rng)).weigh(pairs)
    posteriors = [
        sample_shape(shape, likelihood, counts, rng, draws) for shape, draws in zip(SHAPES.values(), first, strict=True)
    ]
    evidence = np.array([posterior.log_evidence for posterior in posteriors])
    trust = np.exp(TRUST * (evidence - evidence.max()))
    trust /= trust.sum()

    # Evenly spaced draws of each shape, as many as it has weight.
    number = np.rint(DRAWS * trust).astype(int).tolist()
    drawn = np.concatenate(
        [
            posterior.weights[np.arange(size) * len(posterior.weights) // max(size, 1)]
            for posterior, size in zip(posteriors, number, strict=True)
        ]
    )
    density = np.concatenate([_averaged(part, drawn) for part in np.array_split(likelihood, 1 + len(n) // _ROWS)])

    failed = pairs.successes == 0
    sizes, size = np.unique(n[failed], return_inverse=True)
    own = np.bincount(size, counts[failed], minlength=len(sizes)) / total
    at_k, drawn_n = failure_factors(k), drawn @ failure_factors(sizes).T
    draws, solved_later = np.empty((len(drawn), len(k))), np.zeros((len(n), len(k)))
    for column in range(len(k)):
        later = _solved_later(drawn @ at_k[column], drawn_n) * (k[column] > sizes)
        draws[:, column] = later @ own
        solved_later[failed, column] = later.mean(axis=0)[size]
    weights = dict(zip(SHAPES, trust.tolist(), strict=True))
    return Belief(n, pairs.successes, counts, density, solved_later, draws, weights, float(n.min()))


def foretell_coverage(attempts: Attempts, belief: Belief, k: np.ndarray) -> Foretold:
    """Forecast coverage beyond the fewest attempts of a query.

    What is believed of the queries is averaged with the line of log(-log pass@k) on log k, which takes a half of the
    weight one decade beyond what the data reach, and more the farther, as what the bulk of the queries says of the tail
    is worth less.

    Args:
        attempts: what was recorded.
        belief: of the same queries, at the same `k`.
        k: (budgets,) numbers of calls, above the fewest attempts.

    Returns:
        Values, draws and the variance of a further run.

    Source:
        docs/mathematics.md, "Forecasts by several laws"; [Schaeffer25] on why curves of many queries are power laws.
    """
    n, counts, total = belief.attempts, belief.queries, belief.queries.sum()
    failed = belief.successes == 0
    line = loglog_line(attempts)
    # The line's share at each k.
    decades = np.maximum(np.log10(k / belief.reach), 0.0)
    followed = (
        np.zeros(len(k)) if line is None else np.where(decades < 1, decades / 2, 1 - 0.5 / np.maximum(decades, 1.0))
    )

    # Query by query: the unbiased estimate where k is within its attempts, else 1, or the chance of a later success.
    recorded = pass_at_k_per_query(n, belief.successes, k)
    later = belief.solved_later
    if line is not None:
        along = _solved_later(
            *(-np.expm1(-line[0] * x ** -line[1]) for x in (k.astype(float), n[failed].astype(float)))
        )
        ahead = k > n[failed, None]
        later = later.copy()
        later[failed] += followed * np.where(ahead, along.T - later[failed], 0.0)
    per_query = recorded + later
    means = counts @ recorded / total + belief.draws

    # A further run of k calls at a query fails with probability f given what was recorded of it. Within n attempts both
    # values average over subsets, with at most k/n of one run's variance (Hoeffding).
    f, twice = (belief.density @ failure_factors(calls).T for calls in (k, 2 * k))
    once = (1 - f) * np.square(1 - per_query) + f * np.square(per_query)
    noise = np.where(k > n[:, None], once, 2 * np.minimum(k / n[:, None], 1.0) * f * (1 - f))
    # It lies in the queries that fail, and a draw that leaves fewer of them has less of it.
    left = 1 - means
    rerun = counts @ noise / total**2 * left / np.maximum(left.mean(axis=0), 1e-12)

    # A failed query is solved nearly always or hardly ever, which the average foretold of its like does not show: the
    # ratio of the second moment of 1 - (1-p)^k to the first is that of the laws.
    apart = np.where(failed[:, None] & (k > n[:, None]), (1 - 2 * f + twice) / np.maximum(1 - f, 1e-12), per_query)

    last = float(followed[k.argmax()])
    shares = {name: share * (1 - last) for name, share in belief.weights.items()}
    if line is not None:
        shares = {"loglog": last, **shares}
    fitted = {} if line is None else {"coefficient": line[0], "exponent": line[1]}
    return Foretold(
        value=counts @ per_query / total,
        per_query=per_query,
        draws=means,
        rerun=rerun,
        squares=counts @ (per_query * apart) / total,
        weights=shares,
        line=fitted,
    )


def _averaged(likelihood: np.ndarray, laws: np.ndarray) -> np.ndarray:
    """Each query's posterior under each law, averaged over laws."""
    density = likelihood * ((1 / np.maximum(likelihood @ laws.T, 1e-300)) @ laws)
    return density / density.sum(axis=1, keepdims=True)


def _solved_later(at_k: np.ndarray, at_n: np.ndarray) -> np.ndarray:
    """1 - S(k) / S(n) for every draw of a law (or every k of one) and every n."""
    return np.clip(1 - at_k[:, None] / np.maximum(at_n, 1e-300), 0.0, 1.0)
