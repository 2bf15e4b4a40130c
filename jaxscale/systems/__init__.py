"""Systems: how several calls become one outcome. One file each, and the table of which verb knows which."""

from jaxscale.systems._adaptive_vote import AdaptiveVote
from jaxscale.systems._all_pass import AllPass
from jaxscale.systems._base import AbstractSystem, Measure
from jaxscale.systems._best_of_n import BestOfN, RecordedBestOfN
from jaxscale.systems._counted import MOST_COUNTED, AbstractCounted
from jaxscale.systems._filter_vote import FilterVote
from jaxscale.systems._mean_share import MeanShare
from jaxscale.systems._names import SYSTEMS, system_named, systems_of
from jaxscale.systems._pass_at_k import PassAtK
from jaxscale.systems._registry import Verb, implementation, implemented, implements, unknown_pair
from jaxscale.systems._routed_vote import RoutedVote
from jaxscale.systems._share_at_least import ShareAtLeast
from jaxscale.systems._solve_once import SolveOnce
from jaxscale.systems._types import CallByCall, Population
from jaxscale.systems._vote import Vote
from jaxscale.systems._weighted_vote import WeightedVote

__all__ = [
    "CallByCall",
    "Population",
    "SYSTEMS",
    "MOST_COUNTED",
    "AbstractCounted",
    "AbstractSystem",
    "AdaptiveVote",
    "AllPass",
    "BestOfN",
    "FilterVote",
    "MeanShare",
    "Measure",
    "PassAtK",
    "RecordedBestOfN",
    "RoutedVote",
    "ShareAtLeast",
    "SolveOnce",
    "Verb",
    "Vote",
    "WeightedVote",
    "implementation",
    "implemented",
    "implements",
    "system_named",
    "systems_of",
    "unknown_pair",
]
