"""Best-of-n with a noisy verifier under laws of difficulty."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from jaxscale._arrays import Floats, following_dtype
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimators import best_is_right, check_best_of_n
from jaxscale.special import log_binomial
from jaxscale.systems import BestOfN, implements

_BLOCK = 32


@implements("exact", BestOfN, AbstractDifficulty)
def _under_a_law(system: BestOfN, population: AbstractDifficulty, calls: np.ndarray) -> Floats:
    """By verdicts: p tpr sum_{j<n} (1-A)^j + p (1-tpr) (1-A)^(n-1), 1-A = p (1-tpr) + (1-p) (1-fpr), averaged over p.

    (1-(1-A)^n)/A is that sum, and the powers of 1-A are binomial sums: every term is a moment of p and 1 - p times
    positive numbers, so nothing cancels. By scores: sum_c C(n, c) E[p^c (1-p)^(n-c)] P(the best is right | c right).
    """
    check_best_of_n(calls)
    with following_dtype(population):
        if system.tpr is None or system.fpr is None:
            return jnp.stack([_of_counts(population, *_padded(best_is_right(system, n))) for n in calls.tolist()])
        # Terms up to the most calls, in whole blocks, so that few sizes are compiled.
        size = -(-int(calls.max()) // _BLOCK) * _BLOCK
        terms = _terms(population, jnp.asarray(system.tpr, float), jnp.asarray(system.fpr, float), jnp.arange(size))
        accepted = system.tpr * jnp.cumsum(terms)
        return (accepted + (1 - system.tpr) * terms)[calls - 1]


@jax.jit
def _terms(population: AbstractDifficulty, tpr: Floats, fpr: Floats, powers: Array) -> Floats:
    """E[p (1-A)^j] for every j, one at a time: memory grows with the number of calls, work with its square."""

    def one(j: Int[Array, ""]) -> Floats:
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
