"""Systems whose outcome depends on how many calls are right: sums over the (beta-)binomial law of that number."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import Floats, following_dtype, strong_float, wants_float64
from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution, DirichletAnswers
from jaxscale.special import binomial_probability
from jaxscale.systems import AbstractCounted, AllPass, MeanShare, ShareAtLeast, implements


def chance_right(population: AnswerDistribution) -> Floats:
    """The probability that a call is right, query by query; batch + (queries,)."""
    q = strong_float(population.probabilities)
    return (q * population.right).sum(axis=-1) / q.sum(axis=-1)


@implements("exact", AllPass, AbstractDifficulty)
def _all_of_law(system: AllPass, population: AbstractDifficulty, calls: np.ndarray) -> Floats:
    return population.count_probability(calls, calls)


@implements("exact", AllPass, DirichletAnswers)
def _all_of_dirichlet(system: AllPass, population: DirichletAnswers, calls: np.ndarray) -> Floats:
    return population.difficulty.count_probability(calls, calls)


@implements("exact", AllPass, AnswerDistribution)
def _all_of_answers(system: AllPass, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    with following_dtype(population):
        return binomial_probability(chance_right(population)[..., None], calls, calls).mean(axis=-2)


@implements("exact", MeanShare, AbstractDifficulty)
@implements("exact", ShareAtLeast, AbstractDifficulty)
def _counted_of_law(system: AbstractCounted, population: AbstractDifficulty, calls: np.ndarray) -> Floats:
    with following_dtype(population):
        values = [expected_worth(population, *system.counts(k), k) for k in calls.tolist()]
        return jnp.stack(values, axis=-1)


@implements("exact", MeanShare, DirichletAnswers)
@implements("exact", ShareAtLeast, DirichletAnswers)
def _counted_of_dirichlet(system: AbstractCounted, population: DirichletAnswers, calls: np.ndarray) -> Floats:
    return _counted_of_law(system, population.difficulty, calls)


@implements("exact", MeanShare, AnswerDistribution)
@implements("exact", ShareAtLeast, AnswerDistribution)
def _counted_of_answers(system: AbstractCounted, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    with following_dtype(population):
        p = chance_right(population)
        values = [_mean_worth(p, *_padded(*system.counts(k)), k) for k in calls.tolist()]
        return jnp.stack(values, axis=-1)


def expected_worth(population: AbstractDifficulty, right: np.ndarray, worth: np.ndarray, calls: int) -> Floats:
    """What `calls` calls at a random query are worth.

    Args:
        population: a law of difficulty.
        right: (numbers,) numbers of right calls.
        worth: (numbers,) what each is worth.
        calls: how many calls.

    Returns:
        A scalar: terms of one sign, added up.
    """
    if wants_float64(population):  # all of it, as the logarithms of what is float32 would be so as well
        population = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), population)
    return _worth_of_law(population, *_padded(right, worth), calls)


def _padded(right: np.ndarray, worth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Padded to a power of two: each length is compiled, and a curve asks for many."""
    extra = (1 << (len(right) - 1).bit_length()) - len(right)
    return np.pad(right, (0, extra), mode="edge"), np.pad(worth, (0, extra))


@jax.jit
def _worth_of_law(population: AbstractDifficulty, right: jax.Array, worth: jax.Array, calls: jax.Array) -> Floats:
    chances = population.count_probability(right.astype(float), jnp.asarray(calls, float))
    return jnp.sum(jnp.asarray(worth, chances.dtype) * chances)


@jax.jit
def _mean_worth(p: Floats, right: jax.Array, worth: jax.Array, calls: jax.Array) -> Floats:
    chances = binomial_probability(p[..., None], right.astype(p.dtype), jnp.asarray(calls, p.dtype))
    return jnp.sum(jnp.asarray(worth, p.dtype) * chances, axis=-1).mean(axis=-1)
