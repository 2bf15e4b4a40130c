"""Stability at all shares above one half at once."""

import numpy as np

from jaxscale.systems._counted import AbstractCounted


class MeanShare(AbstractCounted):
    """The mean of `ShareAtLeast` over the shares above one half: mG-Pass@k.

    (2 / k) times the sum of G-Pass@k at i / k over i = ceil(k / 2) + 1, ..., k; so it is worth 2 / k for every right
    call beyond the first ceil(k / 2), and nothing at a single call.

    Source: docs/mathematics.md, "A share of the calls right"; [Liu24].

    >>> MeanShare().worth(np.array([2, 3, 4]), 4).tolist()
    [0.0, 0.5, 1.0]
    """

    command = "mean-share"
    title = "mG-Pass@k"

    def least(self, calls: int) -> int:
        """See `AbstractCounted.least`."""
        return (calls + 1) // 2

    def worth(self, right: np.ndarray, calls: int) -> np.ndarray:
        """See `AbstractCounted.worth`."""
        return np.maximum(right - self.least(calls), 0) * (2 / calls)
