"""What every system says of itself."""

from typing import Any, ClassVar, Literal

import equinox as eqx
import jax

from jaxscale.data import Attempts, Ballots

Measure = Literal["coverage", "accuracy"]
"""Coverage takes a perfect verifier for granted; accuracy takes nothing for granted."""


class AbstractSystem(eqx.Module):
    """How several calls become one outcome: a frozen description, without randomness.

    A pytree: numbers are leaves, so that `exact` is differentiable in them; all else is static. What the verbs do with
    a system is registered beside each verb (`jaxscale.systems.implements`), so a new system is one file and one
    function per verb that knows it.

    Attributes:
        command: what the command line and TOML files call it.
        title: what a report calls it.
        measures: what comes out, "coverage" or "accuracy".
        reads: the kinds of recorded data that it can be estimated from.
        stops_when_solved: whether calls end with the first right one, so that only those made until then are paid.
    """

    command: ClassVar[str]
    title: ClassVar[str]
    measures: ClassVar[Measure]
    reads: ClassVar[tuple[type, ...]]
    stops_when_solved: ClassVar[bool] = False

    def answers(self, calls: int) -> int:
        """How many answers `calls` calls pay for.

        Args:
            calls: a number of calls, at least 1.

        Raises:
            ValueError: where they pay for none.
        """
        return calls

    def calls_for(self, answers: Any) -> Any:
        """The fewest calls that pay for so many answers.

        Args:
            answers: numbers of answers, any shape.
        """
        return answers

    def checks(self, calls: Any) -> Any:
        """How many checks, by a verifier or a filter, go with `calls` calls: by default one each.

        Args:
            calls: numbers of calls, any shape.
        """
        return calls

    def check_data(self, data: Attempts | Ballots, name: str) -> None:
        """Refuse recorded data that lack what the system reads.

        Args:
            data: what was recorded.
            name: what the data set is called, for the message.

        Raises:
            ValueError: naming the system, the data set and what was expected.
        """
        if not isinstance(data, self.reads):
            expected = " or ".join(kind.__name__ for kind in self.reads)
            raise ValueError(f"{type(self).__name__} on the {type(data).__name__} of {name!r}: expected {expected}")


def traced(value: Any) -> bool:
    """Whether jax traces a value, so that it cannot be looked at."""
    return isinstance(value, jax.core.Tracer)
