"""The vote weighted by scores."""

from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem


class WeightedVote(AbstractSystem):
    """The answer with the largest sum of scores over its calls; ties are split uniformly.

    Source: docs/mathematics.md, "Weighted, routed and adaptive votes".

    >>> WeightedVote()
    WeightedVote()
    """

    command = "weighted-vote"
    title = "Weighted-Vote"
    measures = "accuracy"
    reads = (Ballots,)

    def check_data(self, data: Attempts | Ballots, name: str) -> None:
        """Ballots need scores."""
        super().check_data(data, name)
        if isinstance(data, Ballots) and data.scores is None:
            raise ValueError(f"WeightedVote on {name!r}: expected ballots with scores")
