"""How the success probability of a query is drawn, from populations whose calls are independent given it.

These are functions of the module, so that the compiled engine is found again: a closure made anew would compile anew.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution, DirichletAnswers
from jaxscale.sampling import BLOCK
from jaxscale.simulator._correlated import Exchangeable
from jaxscale.simulator._source import Lanes

Chance: TypeAlias = Callable[[Any, PRNGKeyArray, Lanes], tuple[Array, Array]]
"""(population, key, lanes) -> (log p, log(1 - p)), each (1024,)."""

INDEPENDENT = (AbstractDifficulty, Exchangeable, DirichletAnswers, AnswerDistribution)
"""Populations whose calls are independent given the query."""


def chance_of(population: Any) -> Chance:
    """What draws the success probabilities of a population, one of `INDEPENDENT`."""
    if isinstance(population, AnswerDistribution):
        return _known_chance
    return _dirichlet_chance if isinstance(population, DirichletAnswers) else _sampled_chance


def _sampled_chance(population: Any, key: PRNGKeyArray, lanes: Lanes) -> tuple[Array, Array]:
    del lanes
    return population.sample(key, (BLOCK,))


def _dirichlet_chance(population: DirichletAnswers, key: PRNGKeyArray, lanes: Lanes) -> tuple[Array, Array]:
    del lanes
    log_p = population.sample(key, (BLOCK,))
    return log_p[:, 0], jax.nn.logsumexp(log_p[:, 1:], axis=1)


def _known_chance(population: AnswerDistribution, key: PRNGKeyArray, lanes: Lanes) -> tuple[Array, Array]:
    del key
    right = jnp.asarray(population.right)
    p, q = (jnp.sum(jnp.where(which, population.probabilities, 0.0), axis=1) for which in (right, ~right))
    log1m_p = jnp.where(p < 0.5, jnp.log1p(-jnp.minimum(p, 0.5)), jnp.log(q))
    return jnp.log(p)[lanes.query], log1m_p[lanes.query]
