"""Coverage: pass@k of laws and of known answer distributions."""

import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import Floats, following_dtype
from jaxscale.closed_forms._counts import chance_right
from jaxscale.difficulty import AbstractLaw, AnswerDistribution
from jaxscale.systems import PassAtK, SolveOnce, implements


@implements("exact", SolveOnce, AbstractLaw)
@implements("exact", PassAtK, AbstractLaw)
def _of_law(system: PassAtK | SolveOnce, population: AbstractLaw, calls: np.ndarray) -> Floats:
    return population.pass_at_k(calls)


@implements("exact", SolveOnce, AnswerDistribution)
@implements("exact", PassAtK, AnswerDistribution)
def _of_answers(system: PassAtK | SolveOnce, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    with following_dtype(population):
        p = chance_right(population)
        # A query that is always solved fails with probability 0 and keeps a finite gradient.
        certain = p >= 1
        log_failure = jnp.log1p(-jnp.where(certain, 0.5, p))[..., None] * jnp.asarray(calls, p.dtype)
        return jnp.where(certain[..., None], 1.0, -jnp.expm1(log_failure)).mean(axis=-2)
