"""Best-of-n with a noisy verifier under laws of difficulty and on records."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import log_ndtr
from jaxtyping import Array

from jaxscale._arrays import Floats, float64, following_dtype
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimate._distinct import distinct
from jaxscale.exact._dispatch import rule
from jaxscale.special import log_binomial
from jaxscale.systems import BestOfN

_MOST = 2000
_BLOCK = 32
STEP, SPREAD = 0.05, 10.0


@rule(BestOfN, AbstractDifficulty)
def _under_a_law(system: BestOfN, population: AbstractDifficulty, calls: np.ndarray) -> Floats:
    """By verdicts: p tpr sum_{j<n} (1-A)^j + p (1-tpr) (1-A)^(n-1), 1-A = p (1-tpr) + (1-p) (1-fpr), averaged over p.

    (1-(1-A)^n)/A is that sum, and the powers of 1-A are binomial sums: every term is a moment of p and 1 - p times
    positive numbers, so nothing cancels. By scores: sum_c C(n, c) E[p^c (1-p)^(n-c)] P(the best is right | c right).
    """
    _check(calls)
    with following_dtype(population):
        if system.tpr is None or system.fpr is None:
            return jnp.stack([_of_counts(population, *_padded(_best_is_right(system, n))) for n in calls.tolist()])
        # Terms up to the most calls, in whole blocks, so that few sizes are compiled.
        size = -(-int(calls.max()) // _BLOCK) * _BLOCK
        terms = _terms(population, jnp.asarray(system.tpr, float), jnp.asarray(system.fpr, float), jnp.arange(size))
        accepted = system.tpr * jnp.cumsum(terms)
        return (accepted + (1 - system.tpr) * terms)[calls - 1]


@jax.jit
def _terms(population: AbstractDifficulty, tpr: Floats, fpr: Floats, powers: Array) -> Floats:
    """E[p (1-A)^j] for every j, one at a time: memory grows with the number of calls, work with its square."""

    def one(j: Floats) -> Floats:
        i, rest = powers, jnp.maximum(j - powers, 0)
        right, wrong = (x.astype(tpr.dtype) for x in (i, rest))
        # Each factor is at most 1. Whole powers, unlike exponentials of logs, have gradients at rates of 0 and 1.
        chance = jnp.exp(log_binomial(right + wrong, right) + population.log_moment(1 + right, wrong))
        return jnp.sum(jnp.where(i <= j, chance * (1 - tpr) ** i * (1 - fpr) ** rest, 0.0))

    return jax.lax.map(one, powers)


@jax.jit
def _of_counts(population: AbstractDifficulty, right: Floats, wrong: Floats, chance: Floats) -> Floats:
    logs = population.log_moment(right, wrong) + log_binomial(right + wrong, right)
    return jnp.sum(jnp.exp(logs) * chance)


def _padded(chance: np.ndarray | Floats) -> tuple[Floats, Floats, Floats]:
    """Right and wrong calls and the chance, in whole blocks, so that few sizes are compiled."""
    extra = -len(chance) % _BLOCK
    right = np.pad(np.arange(len(chance)), (0, extra))
    return (
        jnp.asarray(right, float),
        jnp.asarray(len(chance) - 1 - right, float),
        jnp.asarray(np.pad(chance, (0, extra)) if isinstance(chance, np.ndarray) else jnp.pad(chance, (0, extra))),
    )


@rule(BestOfN, Attempts)
def _of_attempts(system: BestOfN, population: Attempts, calls: np.ndarray) -> np.ndarray | Floats:
    """Calls are drawn without replacement: the number of right ones is hypergeometric."""
    _check(calls)
    if calls.max() > population.attempts.min():
        raise ValueError(
            f"calls = {calls.max()}: expected at most {population.attempts.min()}, the fewest recorded calls of a query"
        )
    pairs = distinct(population)
    n, c, queries = pairs.attempts[:, None], pairs.successes[:, None], pairs.queries
    values = []
    for k in calls.tolist():
        right = np.arange(k + 1)
        possible = (right <= c) & (k - right <= n - c)
        within, rest = np.where(possible, right, 0), np.where(possible, k - right, 0)
        with float64(), jax.ensure_compile_time_eval():
            total, solved, missed, some, none = (jnp.asarray(x, float) for x in (n, c, n - c, within, rest))
            logs = log_binomial(solved, some) + log_binomial(missed, none) - log_binomial(total, jnp.asarray(k, float))
        drawn = np.where(possible, np.exp(np.asarray(logs)), 0.0)
        values.append(queries @ drawn @ _best_is_right(system, k) / queries.sum())
    return np.array(values) if all(isinstance(value, float) for value in values) else jnp.stack(values)


@rule(BestOfN, Ballots)
def _of_ballots(system: BestOfN, population: Ballots, calls: np.ndarray) -> np.ndarray | Floats:
    """A blank call counts as wrong."""
    right = np.where(population.correct, population.counts, 0).sum(axis=1)
    return _of_attempts(system, Attempts(population.calls, right, query=population.query), calls)


def _check(calls: np.ndarray) -> None:
    if calls.max() > _MOST:
        raise ValueError(
            f"calls = {calls.max()}: expected at most {_MOST} of best-of-n under a law of difficulty or on records, "
            "or simulate"
        )


def _best_is_right(system: BestOfN, n: int) -> np.ndarray | Floats:
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
