"""Stability: is a share of the calls right?"""

import math

import equinox as eqx
import numpy as np

from jaxscale._checks import check, is_number
from jaxscale.systems._counted import AbstractCounted


class ShareAtLeast(AbstractCounted):
    """Success if at least a share of the calls is right: G-Pass@k at the threshold tau.

    A share of 1 is pass^k (`AllPass`), one of 1 / k is pass@k (`PassAtK`).

    Args:
        share: tau, in (0, 1]. Of k calls ceil(share k) have to be right, up to 1e-9 of a call: 0.1 of 30 is 3.

    Raises:
        ValueError: for a share outside (0, 1].

    Source: docs/mathematics.md, "A share of the calls right"; [Liu24].

    >>> ShareAtLeast(0.75).least(4), ShareAtLeast(0.1).least(30)
    (3, 3)
    """

    command = "share-at-least"
    title = "G-Pass@k"

    share: float = eqx.field(static=True)

    def __check_init__(self) -> None:
        check("share", self.share, "a share in (0, 1]", is_number(self.share) and 0 < self.share <= 1)

    def least(self, calls: int) -> int:
        """See `AbstractCounted.least`."""
        return max(1, math.ceil(self.share * calls - 1e-9))

    def worth(self, right: np.ndarray, calls: int) -> np.ndarray:
        """See `AbstractCounted.worth`."""
        return (right >= self.least(calls)).astype(np.float64)
