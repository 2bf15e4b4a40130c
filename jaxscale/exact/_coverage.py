"""Coverage: pass@k of laws, known answer distributions and records."""

import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import Floats, following_dtype, strong_float
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractLaw, AnswerDistribution
from jaxscale.estimate import pass_at_k
from jaxscale.exact._dispatch import rule
from jaxscale.systems import PassAtK


@rule(PassAtK, AbstractLaw)
def _of_law(system: PassAtK, population: AbstractLaw, calls: np.ndarray) -> Floats:
    with following_dtype(population):
        return population.pass_at_k(calls)


@rule(PassAtK, AnswerDistribution)
def _of_answers(system: PassAtK, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    with following_dtype(population):
        q = strong_float(population.probabilities)
        p = (q * population.right).sum(axis=-1) / q.sum(axis=-1)
        # A query that is always solved fails with probability 0 and keeps a finite gradient.
        certain = p >= 1
        log_failure = jnp.log1p(-jnp.where(certain, 0.5, p))[..., None] * jnp.asarray(calls, q.dtype)
        return jnp.where(certain[..., None], 1.0, -jnp.expm1(log_failure)).mean(axis=-2)


@rule(PassAtK, Attempts)
def _of_attempts(system: PassAtK, population: Attempts, calls: np.ndarray) -> np.ndarray:
    return pass_at_k(population, calls).value


@rule(PassAtK, Ballots)
def _of_ballots(system: PassAtK, population: Ballots, calls: np.ndarray) -> np.ndarray:
    right = np.where(population.correct, population.counts, 0).sum(axis=1)
    return pass_at_k(Attempts(population.calls, right, query=population.query), calls).value
