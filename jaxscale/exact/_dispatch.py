"""`exact`, and the registry of what it knows: one rule per kind of system and kind of population."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike

from jaxscale._arrays import whole_numbers

Rule: TypeAlias = Callable[[Any, Any, np.ndarray], Any]
"""(system, population, calls of shape (budgets,)) -> accuracies whose last axis is that of the budgets."""

_RULES: dict[tuple[type, type], Rule] = {}


def rule(system: type, population: type) -> Callable[[Rule], Rule]:
    """Register how a kind of system is evaluated on a kind of population (subclasses included)."""

    def register(function: Rule) -> Rule:
        _RULES[system, population] = function
        return function

    return register


def exact(system: Any, population: Any, calls: ArrayLike) -> Array | np.ndarray:
    """Expected accuracy of a system on a population at several numbers of calls, without simulation.

    Args:
        system: how calls become an answer (`Vote()`, `FilterVote()`, ...).
        population: how hard the queries are: a difficulty model (under a vote it means two answers), an
            `AnswerDistribution`, or data, from which calls are drawn without replacement.
        calls: numbers of calls, whole numbers from 1; any shape.

    Returns:
        Accuracies in [0, 1], the mean over queries, in the shape of `calls` (behind the batch axes of a population
        that has some). For data NumPy float64; else in the dtype of the population and differentiable in it. Where jax
        traces the numbers of a `BestOfN`, they are jax arrays, differentiable in these.

    Raises:
        TypeError: if there is no exact rule for this system and population; it names those that there are.
        ValueError: for calls that are no whole numbers from 1, or more of them than were recorded.

    Source:
        docs/mathematics.md, "Coverage" and "Voting".

    Example:
        >>> from jaxscale.difficulty import AnswerDistribution
        >>> from jaxscale.systems import Vote
        >>> print(exact(Vote(), AnswerDistribution([[0.6, 0.4]]), [1, 3]).round(3))
        [0.6   0.648]
    """
    calls = whole_numbers(calls, "calls")
    for kind in type(population).__mro__:
        found = _RULES.get((type(system), kind))
        if found is not None:
            values = found(system, population, calls.reshape(-1))
            return values.reshape((*values.shape[:-1], *calls.shape))
    # A person has no AbstractDifficulty: any difficulty model is one.
    known = sorted(
        {
            "a difficulty model" if p.__name__.startswith("Abstract") else p.__name__
            for s, p in _RULES
            if s is type(system)
        }
    )
    if known and isinstance(population, (np.ndarray, Array, list, tuple, float)):
        given = "an array" if isinstance(population, np.ndarray | Array) else f"a {type(population).__name__}"
        raise TypeError(
            f"population is {given}: expected one of {', '.join(known)}; AnswerDistribution(probabilities) holds known "
            "probabilities of answers"
        )
    raise TypeError(
        f"no exact rule for {type(system).__name__} on {type(population).__name__}: "
        + (f"expected one of {', '.join(known)}, or use simulate" if known else "use simulate")
    )
