"""The vote that stops early."""

from typing import Any, Literal

import equinox as eqx

from jaxscale._checks import check, check_choice
from jaxscale.data import Ballots
from jaxscale.systems._base import AbstractSystem, traced


class AdaptiveVote(AbstractSystem):
    """A vote that stops early, once the posterior probability that the leader leads exceeds a confidence.

    Args:
        confidence: in (1/2, 1).
        rule: "beta" compares the two leading answers, "dirichlet" the leader with every answer seen so far and one more
            that stands for any not seen yet. "dirichlet" adds up their chances to be ahead of it, so that it never
            stops before the exact `leader_confidence` would. It stops later, by at most 25 % of the calls at
            confidence 0.8, 7 % at 0.9, 2 % at 0.95 and 0.5 % at 0.99 (means over 60 answer distributions from
            Dirichlet laws, uniform and sparser, of 3 to 20 answers, at most 200 calls). The exact rule takes 6 times
            as long or more to simulate; `stopping.replay` replays it.

    Raises:
        ValueError: for a confidence outside (1/2, 1) or an unknown rule.

    Source: docs/mathematics.md, "Weighted, routed and adaptive votes".

    >>> AdaptiveVote(confidence=0.95).rule
    'beta'
    """

    command = "adaptive-vote"
    title = "Adaptive-Vote"
    measures = "accuracy"
    reads = (Ballots,)

    confidence: float
    rule: Literal["beta", "dirichlet"] = eqx.field(static=True, default="beta")

    def __check_init__(self) -> None:
        good = traced(self.confidence) or 0.5 < self.confidence < 1
        check("confidence", self.confidence, "a number between 1/2 and 1", good)
        check_choice(self.rule, "rule", ("beta", "dirichlet"))

    def checks(self, calls: Any) -> Any:
        """None: a vote checks no answer."""
        return 0 * calls
