"""Every system, and each by the name that the command line and TOML files have for it."""

from collections.abc import Iterable
from typing import Any

from jaxscale._checks import ArgumentError
from jaxscale.systems._adaptive_vote import AdaptiveVote
from jaxscale.systems._all_pass import AllPass
from jaxscale.systems._base import AbstractSystem
from jaxscale.systems._best_of_n import BestOfN, RecordedBestOfN
from jaxscale.systems._filter_vote import FilterVote
from jaxscale.systems._mean_share import MeanShare
from jaxscale.systems._pass_at_k import PassAtK
from jaxscale.systems._registry import Verb, implemented
from jaxscale.systems._routed_vote import RoutedVote
from jaxscale.systems._share_at_least import ShareAtLeast
from jaxscale.systems._solve_once import SolveOnce
from jaxscale.systems._vote import Vote
from jaxscale.systems._weighted_vote import WeightedVote

SYSTEMS: tuple[type[AbstractSystem], ...] = (
    PassAtK,
    SolveOnce,
    AllPass,
    ShareAtLeast,
    MeanShare,
    Vote,
    FilterVote,
    WeightedVote,
    RoutedVote,
    AdaptiveVote,
    BestOfN,
    RecordedBestOfN,
)
"""Every system, in the order in which lists name them."""


def systems_of(verb: Verb, populations: Iterable[type]) -> list[type[AbstractSystem]]:
    """The systems that a verb knows on any of some populations, in the order of `SYSTEMS`.

    Args:
        verb: a verb, whose package has been imported.
        populations: classes of laws, answer distributions or data.

    Returns:
        Their classes.
    """
    asked = tuple(populations)
    known = {system for _, system, kind in implemented(verb) if any(issubclass(each, kind) for each in asked)}
    return [system for system in SYSTEMS if system in known]


def system_named(name: str, **numbers: Any) -> AbstractSystem:
    """The system of a name, as the command line and TOML files have it.

    Args:
        name: the `command` of one of `SYSTEMS`.
        **numbers: its arguments. Of several systems of one name it is the first that these are enough for.

    Returns:
        The system.

    Raises:
        ValueError: for an unknown name, which lists all, or numbers that the system refuses.

    Example:
        >>> system_named("best-of-n", tpr=0.9, fpr=0.1) == BestOfN(tpr=0.9, fpr=0.1)
        True
        >>> system_named("best-of-n") == RecordedBestOfN()
        True
    """
    kinds = [system for system in SYSTEMS if system.command == name]
    if not kinds:
        names = dict.fromkeys(system.command for system in SYSTEMS)
        raise ArgumentError("system", name, f"one of {', '.join(names)}")
    refused: list[Exception] = []
    for kind in kinds:
        try:
            return kind(**numbers)
        except (TypeError, ValueError) as error:
            refused.append(error)
    raise next((error for error in refused if isinstance(error, ArgumentError)), ValueError(str(refused[0]))) from None
