"""The majority vote."""

from typing import Any

from jaxscale.data import Ballots
from jaxscale.systems._base import AbstractSystem


class Vote(AbstractSystem):
    """The most frequent answer; ties are split uniformly, and a call without an answer never wins.

    Source: docs/mathematics.md, "Voting"; [Chen24].

    >>> Vote()
    Vote()
    """

    command = "vote"
    title = "Vote"
    measures = "accuracy"
    reads = (Ballots,)

    def counted(self, ballots: Ballots) -> Ballots:
        """The ballots that are counted: all."""
        return ballots

    def checks(self, calls: Any) -> Any:
        """None: a vote checks no answer."""
        return 0 * calls
