"""Which process simulates each built-in system, on each population: a function each, (system, population, calls)."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AnswerDistribution, CorrelatedTrials
from jaxscale.estimators import verdicts
from jaxscale.sampling import BLOCK
from jaxscale.simulator import _rules
from jaxscale.simulator._chance import INDEPENDENT, chance_of
from jaxscale.simulator._correlated import Sticky
from jaxscale.simulator._process import (
    AbstractProcess,
    Counting,
    FirstSuccess,
    Sequential,
    VerifiedFirst,
    first_of_independent,
)
from jaxscale.simulator._scored import WeightedCalls, call_source
from jaxscale.simulator._source import Lanes, check_counted, recorded_source, source_of, verdict_source
from jaxscale.stopping import ahead_table
from jaxscale.systems import (
    AdaptiveVote,
    AllPass,
    BestOfN,
    FilterVote,
    MeanShare,
    PassAtK,
    RecordedBestOfN,
    RoutedVote,
    ShareAtLeast,
    SolveOnce,
    Vote,
    WeightedVote,
    implements,
)

_DATA = (Attempts, Ballots)
_DEPENDENT = (Sticky, *_DATA)
"""Populations whose calls at a query depend on one another."""
_MOST_ADAPTIVE = 2**12
_Process = TypeVar("_Process", bound=Callable[..., AbstractProcess])


def _simulates(system: type, *populations: type) -> Callable[[_Process], _Process]:
    """Register a function for a system on several populations."""

    def register(function: _Process) -> _Process:
        for population in populations:
            implements("simulate", system, population)(function)
        return function

    return register


def _sampled_first(population: Any, key: PRNGKeyArray, lanes: Lanes) -> Array:
    del lanes
    return population.sample_first_success(key, (BLOCK,))


# Cached, so that the compiled engine is found again.
_first_of = functools.cache(first_of_independent)


@_simulates(SolveOnce, *INDEPENDENT, Sticky, CorrelatedTrials)
@_simulates(PassAtK, *INDEPENDENT, Sticky, CorrelatedTrials)
def _first_success(system: PassAtK | SolveOnce, population: Any, calls: np.ndarray) -> AbstractProcess:
    del calls
    known = isinstance(population, Sticky | CorrelatedTrials)
    first = _sampled_first if known else _first_of(chance_of(population))
    return FirstSuccess(population, first, counts_calls=system.stops_when_solved)


@_simulates(PassAtK, *_DATA)
def _any_right(system: PassAtK, data: Attempts | Ballots, calls: np.ndarray) -> AbstractProcess:
    return _counting(system, data, calls, _rules.score_any)


@_simulates(SolveOnce, *_DATA)
def _until_right(system: SolveOnce, data: Attempts | Ballots, calls: np.ndarray) -> AbstractProcess:
    del system
    check_counted(calls)
    return Sequential(recorded_source(data), _rules.SolveOnceCalls(), counts_calls=True)


@_simulates(AllPass, *INDEPENDENT, *_DEPENDENT)
def _all_right(system: AllPass, population: Any, calls: np.ndarray) -> AbstractProcess:
    return _counting(system, population, calls, _rules.score_at_least)


@_simulates(ShareAtLeast, *INDEPENDENT, *_DEPENDENT)
def _share_right(system: ShareAtLeast, population: Any, calls: np.ndarray) -> AbstractProcess:
    least = np.array([system.least(k) for k in calls.tolist()])
    return _counting(system, population, calls, _rules.score_at_least, jnp.asarray(least, jnp.int32))


@_simulates(MeanShare, *INDEPENDENT, *_DEPENDENT)
def _mean_share(system: MeanShare, population: Any, calls: np.ndarray) -> AbstractProcess:
    return _counting(system, population, calls, _rules.score_mean_share)


@_simulates(Vote, *INDEPENDENT, *_DEPENDENT)
def _vote(system: Vote, population: Any, calls: np.ndarray) -> AbstractProcess:
    return _counting(system, population, calls, _rules.score_vote)


@_simulates(FilterVote, AnswerDistribution, Ballots)
def _filter_vote(system: FilterVote, population: AnswerDistribution | Ballots, calls: np.ndarray) -> AbstractProcess:
    if isinstance(population, AnswerDistribution) and population.keep is None:
        raise ValueError("FilterVote on an AnswerDistribution without a filter: expected `keep`")
    return _counting(system, population, calls, _rules.score_filter_vote)


@_simulates(WeightedVote, Ballots)
def _weighted_vote(system: WeightedVote, ballots: Ballots, calls: np.ndarray) -> AbstractProcess:
    del system
    check_counted(calls)
    return Sequential(call_source(ballots), WeightedCalls(), counts_calls=False)


@_simulates(RoutedVote, *INDEPENDENT, *_DEPENDENT)
def _routed_vote(system: RoutedVote, population: Any, calls: np.ndarray) -> AbstractProcess:
    needed = np.array([system.votes(k) for k in calls.tolist()])
    return _counting(system, population, calls, _rules.score_routed_vote, jnp.asarray(needed, jnp.int32))


@_simulates(AdaptiveVote, *INDEPENDENT, *_DEPENDENT)
def _adaptive_vote(system: AdaptiveVote, population: Any, calls: np.ndarray) -> AbstractProcess:
    if calls[-1] > _MOST_ADAPTIVE:
        raise ArgumentError("calls", calls[-1], f"at most {_MOST_ADAPTIVE} for AdaptiveVote")
    table = jnp.asarray(ahead_table(int(calls[-1])), jnp.float32)
    each = _rules.AdaptiveCalls(jnp.float32(system.confidence), table, system.rule == "beta")
    return Sequential(source_of(population), each, counts_calls=True)


@_simulates(BestOfN, *INDEPENDENT)
def _best_of_independent(system: BestOfN, population: Any, calls: np.ndarray) -> AbstractProcess:
    if system.separation is not None:
        separation = jnp.full(len(calls), system.separation)
        return _counting(system, population, calls, _rules.score_best_scored, separation)
    return VerifiedFirst(population, jnp.asarray(system.tpr), jnp.asarray(system.fpr), chance_of(population))


@_simulates(BestOfN, *_DEPENDENT)
def _best_of_dependent(system: BestOfN, population: Any, calls: np.ndarray) -> AbstractProcess:
    if system.separation is not None:
        separation = jnp.full(len(calls), system.separation)
        return _counting(system, population, calls, _rules.score_best_scored, separation)
    check_counted(calls)
    each = _rules.VerifiedCalls(jnp.float32(system.tpr), jnp.float32(system.fpr))
    return Sequential(source_of(population), each, counts_calls=False)


@_simulates(RecordedBestOfN, Ballots)
def _best_by_verdicts(system: RecordedBestOfN, ballots: Ballots, calls: np.ndarray) -> AbstractProcess:
    check_counted(calls)
    source = verdict_source(*verdicts(ballots, system.threshold))
    upto = jnp.asarray(calls, jnp.int32)
    return Counting(source, upto, _rules.score_accepted, upto)


def _counting(
    system: Any, population: Any, calls: np.ndarray, score: Callable[..., Array], parameter: Array | None = None
) -> AbstractProcess:
    """A process that looks at how often each answer was given among those that the calls pay for."""
    answers = np.array([system.answers(k) for k in calls.tolist()])
    check_counted(answers)
    upto = jnp.asarray(answers, jnp.int32)
    return Counting(source_of(population), upto, score, upto if parameter is None else parameter)
