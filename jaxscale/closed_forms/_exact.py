"""`exact`: closed forms and kernels. Each system's own part is registered beside this."""

from __future__ import annotations

import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike

from jaxscale._checks import whole_numbers
from jaxscale.data import Attempts, Ballots
from jaxscale.estimators import per_query
from jaxscale.systems import AbstractSystem, Population, implementation, unknown_pair


def exact(system: AbstractSystem, population: Population, calls: ArrayLike) -> Array | np.ndarray:
    """The expected value of a system on a population at several numbers of calls, without simulation.

    Args:
        system: how calls become an outcome (`Vote()`, `FilterVote()`, ...).
        population: how hard the queries are: a law of difficulty (under a vote it means two answers), an
            `AnswerDistribution`, or data, from which calls are drawn without replacement.
        calls: numbers of calls, whole numbers from 1; any shape.

    Returns:
        Values in [0, 1], the mean over queries, in the shape of `calls` (behind the batch axes of a population that has
        some). For data NumPy float64; else in the dtype of the population and differentiable in it. Where jax traces
        the numbers of a system, they are jax arrays, differentiable in these.

    Raises:
        TypeError: if there is no closed form for this system and population; it names the populations that have one.
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
    if isinstance(population, Attempts | Ballots):
        values = per_query(system, population, calls.reshape(-1)).mean()
    else:
        rule = implementation("exact", system, population)
        if rule is None:
            arrays = isinstance(population, np.ndarray | Array | list | tuple | float)
            hint = "AnswerDistribution(probabilities) holds known probabilities of answers; " if arrays else ""
            raise unknown_pair("exact", system, population, f"{hint}simulate knows any system on any population")
        values = rule(system, population, calls.reshape(-1))
    return values.reshape((*values.shape[:-1], *calls.shape))
