"""Which process simulates a system on a population."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution, DirichletAnswers
from jaxscale.estimators import check_recorded
from jaxscale.sampling import BLOCK
from jaxscale.simulator import _rules
from jaxscale.simulator._correlated import Exchangeable, Sticky
from jaxscale.simulator._own import own_system
from jaxscale.simulator._process import (
    AbstractProcess,
    Counting,
    FirstSuccess,
    Sequential,
    VerifiedFirst,
    call_of,
    first_of_independent,
)
from jaxscale.simulator._scored import WeightedCalls, call_source
from jaxscale.simulator._source import (
    AbstractSource,
    DirichletSource,
    Lanes,
    ModelSource,
    StickySource,
    answer_source,
    recorded_source,
)
from jaxscale.systems import AdaptiveVote, BestOfN, FilterVote, PassAtK, RoutedVote, Vote, WeightedVote

_MOST_COUNTED = 2**31 - 1
_MOST_ADAPTIVE = 2**12
_METHODS = ("start", "step", "score")


def build_process(system: Any, population: Any, calls: np.ndarray) -> tuple[AbstractProcess, int | None]:
    """The process of `system` on `population`.

    Args:
        system: one of `jaxscale.systems`, or anything with `start`, `step` and `score`.
        population: a difficulty model, `DirichletAnswers`, `AnswerDistribution`, `Attempts` or `Ballots`.
        calls: sorted budgets, int64.

    Returns:
        The process, and the number of queries of data (None for a model, whose every replicate is a fresh query).

    Raises:
        ValueError: where the system has no meaning on the population, or calls exceed what was recorded.
    """
    queries = _queries(population)
    if not isinstance(population, Attempts | Ballots | AnswerDistribution):
        population = jax.tree.map(_in_float32, population)
    answers = calls
    if isinstance(system, FilterVote):
        answers = np.array([system.answers(k) for k in calls.tolist()])
    if isinstance(population, Attempts | Ballots):
        check_recorded(population, answers)
    if isinstance(system, PassAtK) and hasattr(population, "sample_first_success"):
        return FirstSuccess(population, _sampled_first), queries
    chance = _chance(population)
    if chance is not None and isinstance(system, PassAtK):
        return FirstSuccess(population, _FIRST[chance]), queries
    if chance is not None and isinstance(system, BestOfN) and system.separation is None:
        return VerifiedFirst(population, jnp.asarray(system.tpr), jnp.asarray(system.fpr), chance), queries
    if answers[-1] > _MOST_COUNTED:
        raise ValueError(f"calls = {calls[-1]}: expected at most {_MOST_COUNTED} where calls are counted one by one")
    if isinstance(system, WeightedVote):
        if not isinstance(population, Ballots):
            raise ValueError(f"WeightedVote on {type(population).__name__}: expected Ballots with scores")
        if population.scores is None:
            raise ValueError("WeightedVote on ballots without scores: expected `scores`")
        return Sequential(call_source(population), WeightedCalls(), counts_calls=False), queries
    source = _source(population)
    rules: dict[type, Any] = {
        PassAtK: _rules.score_any,
        Vote: _rules.score_vote,
        FilterVote: _rules.score_filter_vote,
        RoutedVote: _rules.score_routed_vote,
    }
    if type(system) in rules:
        if isinstance(system, FilterVote) and source.groups == 1:
            raise ValueError("FilterVote on a population without a filter: expected `keep` or `kept_counts`")
        needed = _rules.routed_votes(system.threshold, calls) if isinstance(system, RoutedVote) else calls
        upto, parameter = (jnp.asarray(numbers, jnp.int32) for numbers in (answers, needed))
        return Counting(source, upto, rules[type(system)], parameter), queries
    if isinstance(system, BestOfN) and system.separation is not None:
        separation = jnp.full(len(calls), system.separation)
        return Counting(source, jnp.asarray(calls, jnp.int32), _rules.score_best_scored, separation), queries
    if isinstance(system, BestOfN):
        system = _rules.VerifiedCalls(jnp.float32(system.tpr), jnp.float32(system.fpr))
    elif isinstance(system, AdaptiveVote):
        if calls[-1] > _MOST_ADAPTIVE:
            raise ValueError(f"calls = {calls[-1]}: expected at most {_MOST_ADAPTIVE} for AdaptiveVote")
        table = jnp.asarray(_rules.ahead_table(int(calls[-1])))
        system = _rules.AdaptiveCalls(jnp.float32(system.confidence), table, system.rule == "beta")
    elif isinstance(system, type) or not all(callable(getattr(system, name, None)) for name in _METHODS):
        raise ValueError(f"system = {system!r}: expected a system of jaxscale, or one with start, step and score")
    else:
        if isinstance(population, Ballots) and not (population.scores is None and population.tokens is None):
            source = call_source(population)
        counts_calls = callable(getattr(system, "calls_used", None))
        return Sequential(source, own_system(system, source.answers, call_of(source)), counts_calls), queries
    return Sequential(source, system, isinstance(system, _rules.AdaptiveCalls)), queries


def _in_float32(leaf: Any) -> Any:
    """A parameter of a model in the one dtype in which difficulties are drawn.

    Another dtype would mean other bits, and that of plain numbers depends on the setting `jax_enable_x64`.
    """
    return leaf.astype(np.float32) if getattr(leaf, "dtype", None) == np.float64 else leaf


def _queries(population: Any) -> int | None:
    if isinstance(population, Attempts | Ballots):
        return len(population)
    if isinstance(population, AnswerDistribution):
        return population.probabilities.shape[0]
    return None


def _sampled_first(population: Any, key: PRNGKeyArray, lanes: Lanes) -> Array:
    del lanes
    return population.sample_first_success(key, (BLOCK,))


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


# Functions of the module, so that the compiled engine is found again: a closure made anew would compile anew.
_FIRST = {chance: first_of_independent(chance) for chance in (_sampled_chance, _dirichlet_chance, _known_chance)}


def _chance(population: Any) -> Any:
    """How the success probability of a query is drawn, where its calls are independent given that."""
    if isinstance(population, AnswerDistribution):
        return _known_chance
    if isinstance(population, DirichletAnswers):
        return _dirichlet_chance
    if isinstance(population, AbstractDifficulty | Exchangeable):
        return _sampled_chance
    return None


def _source(population: Any) -> AbstractSource:
    if isinstance(population, Attempts | Ballots):
        return recorded_source(population)
    if isinstance(population, AnswerDistribution):
        return answer_source(population)
    if isinstance(population, DirichletAnswers):
        return DirichletSource(population, answers=len(population.concentration))
    if isinstance(population, Sticky):
        return StickySource(population, answers=2)
    if isinstance(population, AbstractDifficulty | Exchangeable):
        return ModelSource(population, answers=2)
    raise ValueError(
        f"population = {population!r}: expected a difficulty model (not a law of the curve alone, but for PassAtK on "
        "CorrelatedTrials), AnswerDistribution, Attempts or Ballots"
    )
