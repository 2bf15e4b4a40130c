"""Systems whose outcome depends on how many of the calls are right."""

from abc import abstractmethod
from typing import Any

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem

MOST_COUNTED = 10**6
"""The most calls: every number of right ones is looked at."""


class AbstractCounted(AbstractSystem):
    """A system that is worth something from a number of right calls on, and more the more of them are right."""

    measures = "accuracy"
    reads = (Attempts, Ballots)

    @abstractmethod
    def least(self, calls: int) -> int:
        """The fewest right calls that may be worth something, 1 or more; fewer are worth nothing."""

    @abstractmethod
    def worth(self, right: np.ndarray, calls: int) -> np.ndarray:
        """What so many right calls among `calls` are worth, in [0, 1]; the shape of `right`, float64."""

    def counts(self, calls: int) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of right calls that may be worth something, and what they are worth.

        Args:
            calls: a number of calls.

        Raises:
            ValueError: for too many calls.
        """
        if calls > MOST_COUNTED:
            raise ArgumentError("calls", calls, f"at most {MOST_COUNTED} for {type(self).__name__}")
        right = np.arange(self.least(calls), calls + 1)
        return right, self.worth(right, calls)

    def checks(self, calls: Any) -> Any:
        """None: nothing is chosen among the calls."""
        return 0 * calls
