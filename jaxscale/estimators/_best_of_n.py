"""Best-of-n with a noisy verifier on what was recorded."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr

from jaxscale._arrays import Floats, float64
from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.estimators._coverage import pass_at_k_per_query
from jaxscale.estimators._distinct import distinct
from jaxscale.estimators._estimate import PerQuery
from jaxscale.estimators._verifier import verdicts
from jaxscale.special import log_binomial
from jaxscale.systems import BestOfN, RecordedBestOfN, implements

_MOST = 2000
STEP, SPREAD = 0.05, 10.0
"""The trapezoidal rule over the score of a right call, in standard deviations from its mean."""


@implements("estimate", BestOfN, Attempts)
def _of_attempts(system: BestOfN, data: Attempts, calls: np.ndarray) -> PerQuery:
    """Calls are drawn without replacement: the number of right ones is hypergeometric."""
    check_best_of_n(calls)
    pairs = distinct(data)
    real = pairs.queries > 0
    n, c = pairs.attempts[real, None], pairs.successes[real, None]
    values = []
    for k in calls.tolist():
        right = np.arange(k + 1)
        possible = (right <= c) & (k - right <= n - c)
        within, rest = np.where(possible, right, 0), np.where(possible, k - right, 0)
        with float64(), jax.ensure_compile_time_eval():
            total, solved, missed, some, none = (jnp.asarray(x, float) for x in (n, c, n - c, within, rest))
            logs = log_binomial(solved, some) + log_binomial(missed, none) - log_binomial(total, jnp.asarray(k, float))
        drawn = np.where(possible, np.exp(np.asarray(logs)), 0.0)
        values.append(drawn @ best_is_right(system, k))
    stacked = np.stack if all(isinstance(value, np.ndarray) for value in values) else jnp.stack
    return PerQuery(stacked(values, axis=1), pairs.pair)


@implements("estimate", BestOfN, Ballots)
def _of_ballots(system: BestOfN, data: Ballots, calls: np.ndarray) -> PerQuery:
    """A call without an answer counts as wrong."""
    return _of_attempts(system, data.as_attempts, calls)


@implements("estimate", RecordedBestOfN, Ballots)
def _by_verdicts(system: RecordedBestOfN, data: Ballots, calls: np.ndarray) -> PerQuery:
    return PerQuery(by_recorded_verdicts(data, system.threshold, calls), np.arange(len(data)))


def by_recorded_verdicts(data: Ballots, threshold: float | None, calls: np.ndarray) -> np.ndarray:
    """Unbiased accuracy of each query: an accepted one of the drawn calls, at random, is one of all accepted calls.

    Args:
        data: what was recorded, with verdicts.
        threshold: the least accepted score, or None for what a filter kept.
        calls: (budgets,); more than a query has stand for all of them.

    Returns:
        (queries, budgets) float64.

    Source:
        docs/mathematics.md, "Best of n" and "Unbiased pass@k" (that none is accepted).
    """
    right, wrong = verdicts(data, threshold)
    accepted, recorded = right[:, 0] + wrong[:, 0], right[:, 1] + wrong[:, 1]
    some = pass_at_k_per_query(recorded, accepted, calls)
    rest = recorded - accepted
    by_verifier = np.divide(right[:, 0], accepted, out=np.zeros(len(recorded)), where=accepted > 0)[:, None]
    unaccepted = np.divide(right[:, 1] - right[:, 0], rest, out=np.zeros(len(recorded)), where=rest > 0)[:, None]
    return some * by_verifier + (1 - some) * unaccepted


def check_best_of_n(calls: np.ndarray) -> None:
    """Refuse more calls than best-of-n is computed for.

    Args:
        calls: numbers of calls, any shape.

    Raises:
        ValueError: for more than 2,000 calls.
    """
    if calls.max() > _MOST:
        raise ArgumentError(
            "calls", calls.max(), f"at most {_MOST} of best-of-n under a law of difficulty or on records, or simulate"
        )


def best_is_right(system: BestOfN, n: int) -> np.ndarray | Floats:
    """The chance that the pick among n calls is right, given that 0, 1, ..., n of them are; (n + 1,).

    NumPy in float64, unless jax traces the verifier: then in jax, so that it has gradients.

    By scores: c E[Phi(s)^(c-1) Phi(s + separation)^(n-c)], s standard normal, the score of a right call less its mean.
    By verdicts: the pick is uniform among the accepted, and 1/accepted is the integral of z^(accepted - 1) over (0, 1),
    so it is c tpr int (1-tpr+tpr z)^(c-1) (1-fpr+fpr z)^(n-c) dz, a polynomial; if none is accepted, among all.
    """
    traced = any(isinstance(x, jax.core.Tracer) for x in (system.tpr, system.fpr, system.separation))
    tpr, fpr, separation = (x if x is None or traced else float(x) for x in (system.tpr, system.fpr, system.separation))
    c = np.arange(n + 1)[:, None]  # whole: of 0.0 ** 0.0 jax knows no gradient
    others = np.maximum(c - 1, 0)
    if separation is not None:
        place = np.arange(-SPREAD, SPREAD + STEP / 2, STEP)
        density = np.exp(-place * place / 2) * (STEP / math.sqrt(2 * math.pi))
        if traced:
            logs = others * log_ndtr(place) + (n - c) * log_ndtr(place + separation)
            return c[:, 0] * (jnp.exp(logs) @ density)
        with float64(), jax.ensure_compile_time_eval():
            right, wrong = np.asarray(log_ndtr(place)), np.asarray(log_ndtr(place + separation))
        return c[:, 0] * (np.exp(others * right + (n - c) * wrong) @ density)
    assert tpr is not None
    assert fpr is not None
    nodes, weights = np.polynomial.legendre.leggauss(n // 2 + 1)
    z, weights = (nodes + 1) / 2, weights / 2
    accepted = (1 - tpr + tpr * z) ** others * (1 - fpr + fpr * z) ** (n - c)
    none = (1 - tpr) ** c[:, 0] * (1 - fpr) ** (n - c[:, 0])
    return c[:, 0] * tpr * (accepted @ weights) + none * c[:, 0] / n
