"""Votes, filtered votes, routed votes and best-of-n on known answer distributions and laws of difficulty."""

import math
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import ndtr

from jaxscale._arrays import Floats, Numbers, following_dtype, strong_float
from jaxscale.closed_forms._counts import expected_worth
from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution, DirichletAnswers
from jaxscale.estimators import SPREAD, STEP
from jaxscale.plurality import (
    DIRICHLET_MULTINOMIAL,
    MULTINOMIAL,
    accuracy,
    winning_votes,
)
from jaxscale.systems import BestOfN, FilterVote, RoutedVote, Vote, implements


def _over_queries(population: AnswerDistribution, evaluate: Callable[..., Floats]) -> Floats:
    """The mean over queries of `evaluate(probabilities, right, keep) -> (budgets, queries)`: batch + (budgets,)."""
    with following_dtype(population):
        q = strong_float(population.probabilities)
        *batch, queries, answers = q.shape
        keep = None if population.keep is None else strong_float(population.keep).reshape(-1, answers)
        values = evaluate(q.reshape(-1, answers), population.right.reshape(-1, answers), keep)
        return jnp.moveaxis(values.reshape(-1, *batch, queries).mean(axis=-1), 0, -1)


@implements("exact", Vote, AnswerDistribution)
def _vote(system: Vote, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    return _over_queries(population, lambda q, right, keep: accuracy(MULTINOMIAL, q, right, calls))


@implements("exact", FilterVote, AnswerDistribution)
def _filter_vote(system: FilterVote, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    """Kept answers compete, dropped ones are a free count; if all are dropped, they vote among themselves."""
    if population.keep is None:
        raise ValueError("keep = None: FilterVote needs to know P(kept | answer)")
    answers = np.array([system.answers(k) for k in calls.tolist()])

    def evaluate(q: Floats, right: np.ndarray, keep: Floats) -> Floats:
        dropped = q * (1 - keep)
        none = dropped.sum(axis=1)
        value = accuracy(MULTINOMIAL, q * keep, right, answers, free=none)
        possible = none > 0
        # Where nothing is ever dropped the fallback has probability 0, and any distribution will do.
        fallback = accuracy(MULTINOMIAL, jnp.where(possible[:, None], dropped, q), right, answers)
        total = q.sum(axis=1)
        share = jnp.where(possible, none / total, 0.0)
        return value + share ** answers[:, None] * fallback

    return _over_queries(population, evaluate)


@implements("exact", RoutedVote, AnswerDistribution)
def _routed_vote(system: RoutedVote, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    least = np.array([system.votes(k) for k in calls.tolist()])

    def evaluate(q: Floats, right: np.ndarray, keep: Floats | None) -> Floats:
        wins = winning_votes(MULTINOMIAL, q, calls, least=least, every=True)
        single = (q * right).sum(axis=1) / q.sum(axis=1)
        return (wins * right).sum(axis=-1) + (1 - wins.sum(axis=-1)) * single

    return _over_queries(population, evaluate)


@implements("exact", BestOfN, AnswerDistribution)
def _best_of_n(system: BestOfN, population: AnswerDistribution, calls: np.ndarray) -> Floats:
    separation = system.separation
    if separation is not None:
        return _over_queries(
            population, lambda q, right, keep: _best_scored((q * right).sum(axis=1), calls, separation)
        )

    tpr, fpr = system.tpr, system.fpr
    assert tpr is not None
    assert fpr is not None

    def evaluate(q: Floats, right: np.ndarray, keep: Floats | None) -> Floats:
        p = (q * right).sum(axis=1)
        accepted = p * tpr + (1 - p) * fpr
        # (1 - (1 - A)^n) / A and its twin (1 - A)^(n - 1) have no singularity that matters: p tpr <= A, p (1 - tpr)
        # <= 1 - A.
        some, all_ = accepted > 0, accepted < 1
        a = jnp.where(some, accepted, 0.5)
        b = jnp.where(all_, 1 - accepted, 0.5)
        n = calls[:, None].astype(p.dtype)
        log_none = jnp.where(all_, jnp.log1p(-jnp.where(all_, accepted, 0.0)), -jnp.inf)
        none = jnp.where(all_, jnp.exp(n * jnp.where(all_, log_none, 0.0)), 0.0)
        by_verifier = jnp.where(some, (1 - none) * (p * tpr / a), 0.0)
        return by_verifier + none * (p * (1 - tpr) / b)

    return _over_queries(population, evaluate)


def _best_scored(p: Floats, calls: np.ndarray, separation: Numbers) -> Floats:
    """The chance that the best of n scores is a right call's, n p E[F(s)^(n - 1)]; (budgets, queries).

    s is the score of a right call, normal around the separation, and F = p Phi(s - separation) + (1 - p) Phi(s) the law
    of any call's score. By the trapezoidal rule, which converges exponentially; beyond 10 standard deviations from the
    separation n times the density is below 1e-10 for every n.
    """
    place = jnp.asarray(np.arange(-SPREAD, SPREAD + STEP / 2, STEP), p.dtype)
    density = jnp.exp(-place * place / 2) * (STEP / math.sqrt(2 * math.pi))

    def one(n: Floats) -> Floats:
        above = p * ndtr(-place)[:, None] + (1 - p) * ndtr(-place - separation)[:, None]
        below = p * ndtr(place)[:, None] + (1 - p) * ndtr(place + separation)[:, None]
        high = above < 0.5
        tiny = jnp.finfo(p.dtype).tiny
        log_law = jnp.where(high, jnp.log1p(-jnp.where(high, above, 0.0)), jnp.log(jnp.maximum(below, tiny)))
        return n * p * (density @ jnp.exp((n - 1) * log_law))

    return lax.map(one, jnp.asarray(calls, p.dtype))


@implements("exact", Vote, AbstractDifficulty)
def _vote_of_two(system: Vote, population: AbstractDifficulty, calls: np.ndarray) -> Floats:
    """Two answers: the expected upper tail of a binomial, sum_{m > K/2} C(K, m) E[p^m (1-p)^(K-m)].

    An even number of calls, ties split, is worth one call less.
    """
    with following_dtype(population):
        return jnp.stack([_majority(population, k - 1 if k % 2 == 0 else k) for k in calls.tolist()], axis=-1)


def _majority(population: AbstractDifficulty, calls: int) -> Floats:
    right = np.arange((calls + 1) // 2, calls + 1)
    return expected_worth(population, right, np.ones(len(right)), calls)


@implements("exact", Vote, DirichletAnswers)
def _vote_of_dirichlet(system: Vote, population: DirichletAnswers, calls: np.ndarray) -> Floats:
    """Answer counts have a Dirichlet-multinomial law."""
    with following_dtype(population):
        concentration = strong_float(population.concentration)
        rows = concentration.reshape(-1, concentration.shape[-1])
        values = winning_votes(DIRICHLET_MULTINOMIAL, rows, calls)
        return jnp.moveaxis(values.reshape(-1, *concentration.shape[:-1]), 0, -1)
