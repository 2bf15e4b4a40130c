"""Systems whose outcome depends on how many calls are right: sums over the (beta-)binomial law of that number."""

import numpy as np

from jaxscale._arrays import Floats, following_dtype, strong_float
from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution, DirichletAnswers
from jaxscale.special import binomial_probability
from jaxscale.systems import AllPass, implements


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
