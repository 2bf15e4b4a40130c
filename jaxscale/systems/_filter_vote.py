"""The vote over the answers that a filter kept."""

from typing import Any

import equinox as eqx

from jaxscale._checks import check
from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem


class FilterVote(AbstractSystem):
    """A vote over the answers that a filter kept, or over all of them if it kept none.

    Args:
        filter_calls_count: whether the filter's own calls count, as in the authors' code: K calls are then floor(K / 2)
            answers and as many filter calls, and fewer than 2 calls are an error.

    Source: docs/mathematics.md, "Filtered votes"; [Chen24].

    >>> FilterVote(filter_calls_count=True).answers(9)
    4
    """

    command = "filter-vote"
    title = "Filter-Vote"
    measures = "accuracy"
    reads = (Ballots,)

    filter_calls_count: bool = eqx.field(static=True, default=False)

    def answers(self, calls: int) -> int:
        """How many answers `calls` calls pay for.

        Raises:
            ValueError: where that is none.
        """
        if not self.filter_calls_count:
            return calls
        check("calls", calls, "at least 2 when the filter's own calls count", calls >= 2)
        return calls // 2

    def calls_for(self, answers: Any) -> Any:
        """The fewest calls that pay for so many answers."""
        return 2 * answers if self.filter_calls_count else answers

    def counted(self, ballots: Ballots) -> Ballots:
        """The ballots that the filter kept, among all calls: dropped ones are blank.

        Raises:
            ValueError: where nothing says what was kept.
        """
        if ballots.kept_counts is None:
            raise ValueError("kept_counts = None: FilterVote needs to know which ballots the filter kept")
        dropped = ballots.calls - ballots.kept_counts.sum(axis=1)
        return Ballots(ballots.kept_counts, ballots.correct, blank=dropped, verdicts=ballots.verdicts)

    def check_data(self, data: Attempts | Ballots, name: str) -> None:
        """Ballots need the marks of a filter."""
        super().check_data(data, name)
        if isinstance(data, Ballots) and data.kept_counts is None:
            raise ValueError(f"{self.command} on {name!r}: expected a column kept, which says what the filter kept")
