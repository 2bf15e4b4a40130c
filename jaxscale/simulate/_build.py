"""Which process simulates a system on a population."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution
from jaxscale.simulate import _rules
from jaxscale.simulate._process import (
    AbstractProcess,
    Counting,
    FirstSuccess,
    Sequential,
    VerifiedFirst,
    draw_first_success,
)
from jaxscale.simulate._source import (
    AbstractSource,
    DirichletSource,
    ModelSource,
    answer_source,
    recorded_source,
)
from jaxscale.systems import AdaptiveVote, BestOfN, FilterVote, PassAtK, RoutedVote, Vote

_MOST_COUNTED = 2**31 - 1
_MOST_ADAPTIVE = 2**12


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
    answers = calls
    if isinstance(system, FilterVote):
        answers = np.array([system.answers(k) for k in calls.tolist()])
    if isinstance(population, Attempts | Ballots):
        _check_recorded(population, answers)
    if isinstance(population, AbstractDifficulty):
        if isinstance(system, PassAtK):
            return FirstSuccess(population, jnp.asarray(calls, jnp.float64), draw_first_success), queries
        if isinstance(system, BestOfN):
            return VerifiedFirst(population, jnp.asarray(system.tpr), jnp.asarray(system.fpr)), queries
    if answers[-1] > _MOST_COUNTED:
        raise ValueError(f"calls = {calls[-1]}: expected at most {_MOST_COUNTED} where calls are counted one by one")
    source = _source(population)
    rules = {
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
    if isinstance(system, BestOfN):
        system = _rules.VerifiedCalls(jnp.float32(system.tpr), jnp.float32(system.fpr))
    elif isinstance(system, AdaptiveVote):
        if calls[-1] > _MOST_ADAPTIVE:
            raise ValueError(f"calls = {calls[-1]}: expected at most {_MOST_ADAPTIVE} for AdaptiveVote")
        table = jnp.asarray(_rules.ahead_table(int(calls[-1])))
        system = _rules.AdaptiveCalls(jnp.float32(system.confidence), table, system.rule == "beta")
    elif not all(callable(getattr(system, name, None)) for name in ("start", "step", "score")):
        raise ValueError(f"system = {system!r}: expected a system of jaxscale, or one with start, step and score")
    return Sequential(source, system, hasattr(system, "calls_used")), queries


def _queries(population: Any) -> int | None:
    if isinstance(population, Attempts | Ballots):
        return len(population)
    if isinstance(population, AnswerDistribution):
        return population.probabilities.shape[0]
    return None


def _source(population: Any) -> AbstractSource:
    if isinstance(population, Attempts | Ballots):
        return recorded_source(population)
    if isinstance(population, AnswerDistribution):
        return answer_source(population)
    if isinstance(population, AbstractDifficulty):
        return ModelSource(population, answers=2)
    if hasattr(population, "concentration"):
        concentration = jnp.asarray(population.concentration)
        return DirichletSource(concentration, answers=len(concentration))
    raise ValueError(
        f"population = {population!r}: expected a difficulty model, AnswerDistribution, Attempts or Ballots"
    )


def _check_recorded(population: Attempts | Ballots, answers: np.ndarray) -> None:
    recorded = population.attempts if isinstance(population, Attempts) else population.calls
    if answers[-1] > recorded.min():
        verb = "forecast" if isinstance(population, Attempts) else "forecast_votes"
        raise ValueError(
            f"calls = {answers[-1]}: expected at most the {recorded.min()} recorded for every query; "
            f"beyond them use {verb}, or simulate a model or an AnswerDistribution"
        )
