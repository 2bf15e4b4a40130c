"""Best-of-n with a noisy verifier under a law of difficulty: moments of p and 1 - p, all of one sign."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import Floats, following_dtype
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.exact._dispatch import rule
from jaxscale.special import log_binomial
from jaxscale.systems import BestOfN

_MOST = 2000
_BLOCK = 32


@rule(BestOfN, AbstractDifficulty)
def _best_of_n(system: BestOfN, population: AbstractDifficulty, calls: np.ndarray) -> Floats:
    """p tpr sum_{j<n} (1-A)^j + p (1-tpr) (1-A)^(n-1), 1-A = p (1-tpr) + (1-p) (1-fpr), averaged over p.

    (1-(1-A)^n)/A is that sum, and the powers of 1-A are binomial sums: every term is a moment of p and 1 - p times
    positive numbers, so nothing cancels.
    """
    if system.tpr is None or system.fpr is None:
        raise ValueError(f"{system!r} under a law of difficulty: expected tpr and fpr; use simulate for separation")
    if calls.max() > _MOST:
        raise ValueError(f"calls = {calls.max()}: expected at most {_MOST} under a law of difficulty, or simulate")
    # Terms up to the most calls, in whole blocks, so that few sizes are compiled.
    size = -(-int(calls.max()) // _BLOCK) * _BLOCK
    with following_dtype(population):
        terms = _terms(population, jnp.asarray(system.tpr, float), jnp.asarray(system.fpr, float), jnp.arange(size))
        accepted = system.tpr * jnp.cumsum(terms)
        return (accepted + (1 - system.tpr) * terms)[calls - 1]


@jax.jit
def _terms(population: AbstractDifficulty, tpr: Floats, fpr: Floats, powers: Floats) -> Floats:
    """E[p (1-A)^j] for every j, one at a time: memory grows with the number of calls, work with its square."""
    i = powers.astype(tpr.dtype)
    missed, refused = jnp.log(jnp.maximum(1 - tpr, 0)), jnp.log(jnp.maximum(1 - fpr, 0))

    def one(j: Floats) -> Floats:
        rest = jnp.maximum(j - i, 0)
        # 0 log 0 = 0: a rate of 0 or 1 leaves the terms without its factor.
        powers_of = jnp.where(i > 0, i * missed, 0.0) + jnp.where(rest > 0, rest * refused, 0.0)
        logs = log_binomial(jnp.maximum(j, i), i) + powers_of + population.log_moment(1 + i, rest)
        return jnp.sum(jnp.where(i <= j, jnp.exp(logs), 0.0))

    return jax.lax.map(one, i)
