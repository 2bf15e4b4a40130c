"""The fewest calls for a target, or the best accuracy for a budget, over models and systems."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._checks import (
    ArgumentError,
    check,
    check_amount,
    check_choice,
    check_probability,
    is_number,
    whole_numbers,
)
from jaxscale.common import Common, common_queries
from jaxscale.data import Attempts, Ballots, DataWarning
from jaxscale.forecasting import GroupForecasts, joined
from jaxscale.planning._candidate import (
    MOST_CALLS,
    Candidate,
    Curve,
    Over,
    Unit,
    between,
    forecast_candidate,
    grid,
)
from jaxscale.planning._cost import Cost
from jaxscale.planning._frontier import frontier
from jaxscale.planning._result import NEGLIGIBLE, Choice, Plan
from jaxscale.systems import AbstractSystem, FilterVote, PassAtK, Vote, implementation, unknown_pair

_AMOUNTS = {"money": "per_call", "flops": "flops_per_call", "seconds": "seconds_per_call"}
_ROUNDS = 2  # of looking closer at where a target is reached


def plan(
    data: Attempts | Ballots | Mapping[str, Attempts | Ballots],
    *,
    target: float | None = None,
    budget: float | None = None,
    cost: Cost | Mapping[str, Cost] | None = None,
    systems: Sequence[AbstractSystem] | None = None,
    unit: Unit = "money",
    queries: int | None = None,
    confidence: float = 0.9,
    most: int | None = None,
    level: float = 0.9,
    over: Over = "these",
    key: PRNGKeyArray | None = None,
    progress: Callable[[str], None] | None = None,
) -> Plan:
    """The cheapest way to a target accuracy or coverage, or the best accuracy for a budget.

    Every data set (a model, say) is combined with every system, and each combination is forecast at up to a few dozen
    numbers of calls, by `forecast`.

    With a target: the fewest calls at which the forecast reaches it, with the probability of that, and the fewest at
    which the probability is at least `confidence`. With a budget: not all the calls that it pays for, but the fewest
    that come within 0.001 of the highest forecast within it (a vote may be better with fewer), and the probability that
    the best is ahead of the next.

    A probability is that of what the intervals of the forecast are for: with over="these", that the unbiased estimate
    of a further, equally long or longer run on these very queries comes out so; with over="population", that the
    expectation over queries like these does. It says nothing of queries of another kind, and holds for each choice by
    itself: the best of many forecasts is more often too high than too low.

    Args:
        data: one data set, or several by name, as the readers return them. Several are compared at the queries that all
            of them have.
        target: accuracy or coverage, in (0, 1].
        budget: what may be spent on all queries, in `unit`; seconds are those of one query.
        cost: what calls cost; one `Cost`, or one for each name in `data`. None counts calls: one of each costs 1.
        systems: how calls become an answer. None: coverage for attempts; for ballots a vote, and a filtered one
            where something was kept. `SolveOnce()` is coverage whose calls end with a success: k is then the most at a
            query, and costs are expected ones. `BestOfN(tpr, fpr)` takes rates that are alike at all queries;
            `jaxscale.systems.RecordedBestOfN()` goes by the recorded filter. The checks of a filter or a verifier are
            paid by `cost.per_check`, so `FilterVote` must not count them as calls. Any system will do of which there
            is a forecast from the data.
        unit: what the budget is in and costs are compared in: "money", "flops" or "seconds".
        queries: how many queries are to be answered; None for as many as the data sets have in common.
        confidence: probability with which the target is to be reached for sure, in (0, 1).
        most: the most calls a query that are looked at; None for 10^6 where coverage is measured, 10^4 else.
        level: probability of the intervals, in (0, 1).
        over: what intervals and probabilities are for, as in `forecast`.
        key: a typed JAX key; None stands for jax.random.key(0).
        progress: called with the name of each combination before it is forecast.

    Returns:
        The plan: one choice per data set and system, the recommended one first.

    Raises:
        ValueError: naming the argument and what was expected.

    Warns:
        DataWarning: where data sets have queries that others lack, of how many and which.

    Example:
        >>> chosen = plan(Attempts(attempts=[50] * 6, successes=[0, 1, 2, 9, 20, 44]), target=0.8)
        >>> chosen.best.calls, chosen.best.reached
        (42, True)
    """
    if (target is None) == (budget is None):
        raise ArgumentError("target", target, "one of them", found=f" = {target!r} and budget = {budget!r}")
    if target is not None:
        check("target", target, "a number above 0, at most 1", is_number(target) and 0 < target <= 1)
    check_probability(confidence, "confidence")
    check_probability(level, "level")
    if budget is not None:
        check_amount(budget, "budget", positive=True)
    check_choice(unit, "unit", _AMOUNTS)
    for name, number in (("queries", queries), ("most", most)):
        if number is not None:
            whole_numbers(number, name)

    named = {data.name or "all": data} if isinstance(data, Attempts | Ballots) else dict(data)
    _check_data(named)
    common = common_queries(named)
    size, named = _queries(common, queries), common.groups
    candidates = _candidates(named, cost, systems, unit)
    # Queries do not wait for one another: time is that of one.
    shares = 1 if unit == "seconds" else size
    caps = [_most(candidate, most) for candidate in candidates]
    if budget is not None:
        caps = [_cap(c, budget / shares, cap) for c, cap in zip(candidates, caps, strict=True)]
        if not any(caps):
            least = min(float(c.spend(np.asarray(1))) for c in candidates) * shares
            what = "the time of one call" if unit == "seconds" else f"what one call at each of {size:,} queries costs"
            raise ArgumentError("budget", budget, f"at least {least:.4g}, {what}")
    forecasts = GroupForecasts({name: recorded.as_attempts for name, recorded in named.items()}, key)
    curves = []
    for candidate, cap in zip(candidates, caps, strict=True):
        if cap:
            if progress is not None:
                progress(candidate.label)
            within = None if budget is None else budget / shares
            settings = {"level": level, "over": over, "key": key}
            curves.append(_curve(candidate, cap, target, within, confidence, forecasts, settings))
    choices = [_choice(curve, target, confidence, shares) for curve in curves]
    if target is None:
        choices.sort(key=lambda choice: (-choice.value, choice.cost))
    else:
        choices.sort(key=lambda choice: (0, choice.cost) if choice.reached else (1, -choice.value))
    best = choices[0]
    # Of a budget all may be spent: there the recommended choice leads, as it does at what it costs itself.
    spent = best.cost / shares if best.reached and target is not None else math.inf
    return Plan(
        choices=tuple(choices),
        curves=tuple(curves),
        frontier=frontier(curves, (best.curve, spent)),
        unaffordable=tuple(c for c, cap in zip(candidates, caps, strict=True) if not cap),
        target=target,
        budget=budget,
        unit="calls" if cost is None else unit,
        queries=size,
        confidence=confidence,
        level=level,
        over=over,
    )


def _check_data(data: Mapping[str, Attempts | Ballots]) -> None:
    if not data:
        raise ArgumentError("data", None, "one data set or more", found=" is empty")
    for name, recorded in data.items():
        if not isinstance(recorded, Attempts | Ballots):
            raise ArgumentError("data", name, "Attempts or Ballots", found=f"[{name!r}] is a {type(recorded).__name__}")


def _candidates(
    data: Mapping[str, Attempts | Ballots],
    cost: Cost | Mapping[str, Cost] | None,
    systems: Sequence[AbstractSystem] | None,
    unit: Unit,
) -> list[Candidate]:
    if cost is None and unit != "money":
        raise ArgumentError("unit", unit, "a Cost", found=f" = {unit!r} without cost")
    candidates = []
    for name, recorded in data.items():
        own = Cost(per_call=1.0) if cost is None else cost if isinstance(cost, Cost) else cost.get(name)
        if not isinstance(own, Cost):
            raise ArgumentError("cost", name, "a Cost", found=f" of {name!r} = {own!r}")
        for system in _systems(recorded) if systems is None else systems:
            _refuse(system, recorded, name)
            candidate = Candidate(name, recorded, system, own, unit)
            price = candidate.spend(np.asarray(1)) - candidate.spend(np.asarray(0))
            if price.ndim:
                raise ArgumentError("cost", name, "numbers", found=f" of {name!r} has arrays for amounts")
            if not price > 0:
                raise ArgumentError(
                    "cost", name, f"{_AMOUNTS[unit]} above 0", found=f" of {name!r}: a call costs 0 in {unit}"
                )
            candidates.append(candidate)
    if not candidates:
        raise ArgumentError("systems", None, "one system or more", found=" is empty")
    return candidates


def _systems(data: Attempts | Ballots) -> list[AbstractSystem]:
    if isinstance(data, Attempts):
        return [PassAtK()]
    return [Vote()] if data.kept_counts is None else [Vote(), FilterVote()]


def _refuse(system: AbstractSystem, data: Attempts | Ballots, name: str) -> None:
    """Refuse a system of which there is no forecast from the data, or that one call is not enough for."""
    if not isinstance(system, AbstractSystem):
        raise ArgumentError("systems", system, "a system of jaxscale", found=f": {system!r}")
    try:
        system.check_data(data, name)
        if implementation("forecast", system, data) is None:
            raise unknown_pair("forecast", system, data)
    except (TypeError, ValueError) as error:
        raise ArgumentError("systems", system, "", found=f": {error}") from None
    try:
        system.answers(1)
    except ValueError as error:
        instead = f"expected {type(system).__name__}(), with cost.per_check for its checks"
        raise ArgumentError("systems", system, "", found=f": {system!r}: {error}; {instead}") from None


def _queries(common: Common[Any], queries: int | None) -> int:
    """How many queries are to be answered; warns of what the comparison leaves out or cannot know."""
    sizes = set(common.sizes.values())
    known = len(common.queries or ()) or (sizes.pop() if len(sizes) == 1 and common.queries is None else None)
    if known is None and queries is None:
        raise ArgumentError(
            "data",
            common.words,
            "groups at the same queries, or how many are to be answered",
            found=f": {common.words}",
        )
    if common.words:
        kept = "compared at the queries that all have" if common.queries else "taken for different queries of one kind"
        warnings.warn(f"{common.words}; {kept}", DataWarning, stacklevel=3)
    return int(queries or known or 0)


def _most(candidate: Candidate, most: int | None) -> int:
    usual, largest = MOST_CALLS[candidate.measures]
    return usual if most is None else min(int(most), largest)


def _cap(candidate: Candidate, budget: float, most: int) -> int:
    """The most calls that a budget pays for; where those made depend on successes, all, if it pays for one."""
    if candidate.system.stops_when_solved:
        return most if candidate.affordable(budget, 1) else 0
    return candidate.affordable(budget, most)


def _curve(
    candidate: Candidate,
    cap: int,
    target: float | None,
    budget: float | None,
    confidence: float,
    forecasts: GroupForecasts,
    settings: Mapping[str, Any],
) -> Curve:
    fewest = int(candidate.data.as_attempts.attempts.min())
    result = forecast_candidate(candidate, [*grid(cap), min(fewest, cap)], forecasts, **settings)
    if target is not None:
        for _ in range(_ROUNDS):
            found = (_first(result.value >= target), _first(result.probability_at_least(target) >= confidence))
            gaps = {(int(result.calls[i - 1]), int(result.calls[i])) for i in found if i}
            closer = [k for low, high in sorted(gaps) if high - low > 1 for k in between(low, high)]
            if not closer:
                break
            result = joined(result, forecast_candidate(candidate, closer, forecasts, **settings))
    if budget is None or not candidate.system.stops_when_solved:
        return Curve(candidate, result)
    for _ in range(_ROUNDS):
        curve = Curve(candidate, result)
        last = len(curve.within(budget).forecast.calls)
        if last == len(result.calls):
            break
        closer = between(int(result.calls[last - 1]), int(result.calls[last]))
        result = joined(result, forecast_candidate(candidate, closer, forecasts, **settings))
    return Curve(candidate, result).within(budget)


def _first(holds: np.ndarray) -> int | None:
    """The index of the first that holds, if any does."""
    return int(holds.argmax()) if holds.any() else None


def _choice(curve: Curve, target: float | None, confidence: float, shares: int) -> Choice:
    forecast = curve.forecast
    if target is None:
        index = _first(forecast.value >= forecast.value.max() - NEGLIGIBLE)
        return Choice(curve, index or 0, shares)
    chance = forecast.probability_at_least(target)
    index, sure = _first(forecast.value >= target), _first(chance >= confidence)
    nearest = int(forecast.value.argmax()) if index is None else index
    return Choice(curve, nearest, shares, index is not None, float(chance[nearest]), sure)
