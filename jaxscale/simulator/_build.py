"""Which process simulates a system on a population: what is registered for the two, or the user's own methods."""

from typing import Any

import jax
import numpy as np

from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AnswerDistribution
from jaxscale.estimators import check_recorded
from jaxscale.simulator import _systems  # noqa: F401  # imported, so that the built-in systems are registered
from jaxscale.simulator._own import own_system
from jaxscale.simulator._process import AbstractProcess, Sequential, call_of
from jaxscale.simulator._scored import call_source
from jaxscale.simulator._source import check_counted, source_of
from jaxscale.systems import AbstractSystem, implementation, unknown_pair

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
        TypeError: where the system has no meaning on such a population.
        ValueError: where the population lacks what the system reads, or calls exceed what was recorded.
    """
    if not isinstance(population, Attempts | Ballots | AnswerDistribution):
        population = jax.tree.map(_in_float32, population)
    registered = implementation("simulate", system, population)
    build = _of_own if registered is None and _is_own(system) else registered
    if build is None:
        raise _refusal(system, population)
    if isinstance(population, Attempts | Ballots):
        answers = calls
        if isinstance(system, AbstractSystem):
            system.check_data(population, population.name or "data")
            answers = np.array([system.answers(k) for k in calls.tolist()])
        check_recorded(population, answers)
    return build(system, population, calls), _queries(population)


def _is_own(system: Any) -> bool:
    return not isinstance(system, type) and all(callable(getattr(system, name, None)) for name in _METHODS)


def _of_own(system: Any, population: Any, calls: np.ndarray) -> AbstractProcess:
    """The process of a system of the user's own."""
    check_counted(calls)
    scored = isinstance(population, Ballots) and not (population.scores is None and population.tokens is None)
    source = call_source(population) if scored else source_of(population)
    counts_calls = callable(getattr(system, "calls_used", None))
    return Sequential(source, own_system(system, source.answers, call_of(source)), counts_calls)


def _refusal(system: Any, population: Any) -> Exception:
    if isinstance(system, AbstractSystem):
        return unknown_pair("simulate", system, population)
    return ValueError(f"system = {system!r}: expected a system of jaxscale, or one with start, step and score")


def _in_float32(leaf: Any) -> Any:
    """A parameter of a model in the one dtype in which difficulties are drawn.

    Another dtype would mean other bits, and that of plain numbers depends on the setting `jax_enable_x64`.
    """
    return leaf.astype(np.float32) if getattr(leaf, "dtype", None) == np.float64 else leaf


def _queries(population: Any) -> int | None:
    if isinstance(population, Attempts | Ballots):
        return len(population)
    return population.probabilities.shape[0] if isinstance(population, AnswerDistribution) else None
