"""Which verb knows which system on which population: one table, below all verbs."""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypeVar

Verb: TypeAlias = Literal["estimate", "exact", "simulate", "forecast"]
Implementation: TypeAlias = Callable[..., Any]
_Registered = TypeVar("_Registered", bound=Implementation)

_IMPLEMENTATIONS: dict[tuple[Verb, type, type], Implementation] = {}


def implements(verb: Verb, system: type, population: type) -> Callable[[_Registered], _Registered]:
    """Register what a verb does for a kind of system on a kind of population, their subclasses included.

    Args:
        verb: "estimate", "exact", "simulate" or "forecast".
        system: a class of systems.
        population: a class of laws, answer distributions or data.

    Returns:
        A decorator that leaves the function as it is. What it takes and returns is up to the verb:
        `jaxscale.systems.implementation` only looks it up.
    """

    def register(function: _Registered) -> _Registered:
        _IMPLEMENTATIONS[verb, system, population] = function
        return function

    return register


def implementation(verb: Verb, system: object, population: object) -> Implementation | None:
    """What is registered for the most specific classes of a system and a population.

    Args:
        verb: the verb.
        system: a system.
        population: a population.

    Returns:
        The function, or None where nothing is registered.
    """
    for system_kind in type(system).__mro__:
        for population_kind in type(population).__mro__:
            found = _IMPLEMENTATIONS.get((verb, system_kind, population_kind))
            if found is not None:
                return found
    return None


def implemented(verb: Verb | None = None) -> list[tuple[Verb, type, type]]:
    """All that is registered, of one verb or of all, in alphabetical order.

    A verb's implementations are registered when its package is first imported.

    Args:
        verb: a verb; None for all.

    Returns:
        Verb, class of systems and class of populations of each implementation.
    """
    chosen = [key for key in _IMPLEMENTATIONS if verb in (None, key[0])]
    return sorted(chosen, key=lambda key: (key[0], key[1].__name__, key[2].__name__))


def unknown_pair(verb: Verb, system: object, population: object, instead: str = "") -> TypeError:
    """The error for a system and a population that a verb does not know together.

    Args:
        verb: the verb.
        system: what was given as the system.
        population: what was given as the population.
        instead: what to do, where there is something else to do than to choose another population.

    Returns:
        A TypeError, to be raised, that names the populations which the verb knows for the system.
    """
    known = sorted({_called(kind) for _, owner, kind in implemented(verb) if isinstance(system, owner)})
    expected = [f"expected one of {', '.join(known)}"] if known else []
    advice = "; ".join([*expected, *([instead] if instead else [])]) or "no population is known"
    return TypeError(f"no {verb} for {type(system).__name__} on {type(population).__name__}: {advice}")


def _called(kind: type) -> str:
    """What a person calls a class: nobody has an AbstractDifficulty, any law of difficulty is one."""
    return {"AbstractDifficulty": "a law of difficulty", "AbstractLaw": "a law"}.get(kind.__name__, kind.__name__)
