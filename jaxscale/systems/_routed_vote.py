"""The vote that falls back to a single call."""

import math
from typing import Any

from jaxscale._checks import check
from jaxscale.data import Ballots
from jaxscale.systems._base import AbstractSystem, traced


class RoutedVote(AbstractSystem):
    """The majority answer if its share of the calls reaches a threshold, else a single call.

    The single call is the recorded greedy one where there is one, else a fresh call.

    Args:
        threshold: share of all calls, in [0, 1].

    Raises:
        ValueError: for a threshold outside [0, 1], or one that jax traces: accuracy is a step function of it.

    Source: docs/mathematics.md, "Weighted, routed and adaptive votes".

    >>> RoutedVote(threshold=0.5).votes(7)
    4
    """

    command = "routed-vote"
    title = "Routed-Vote"
    measures = "accuracy"
    reads = (Ballots,)

    threshold: float

    def __check_init__(self) -> None:
        good = not traced(self.threshold) and 0 <= self.threshold <= 1
        check("threshold", self.threshold, "a share in [0, 1], not traced by jax", good)

    def votes(self, calls: int) -> int:
        """The fewest votes, at least 1, whose share of `calls` calls reaches the threshold (to 1e-9 of a vote)."""
        return max(1, math.ceil(self.threshold * calls - 1e-9))

    def checks(self, calls: Any) -> Any:
        """None: a vote checks no answer."""
        return 0 * calls
