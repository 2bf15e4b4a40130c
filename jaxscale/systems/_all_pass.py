"""Reliability: are all calls right?"""

from typing import Any

from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem


class AllPass(AbstractSystem):
    """Success if every one of the calls is right: reliability, pass^k.

    It is 1 minus pass@k of the failures. Per query C(c, k) / C(n, k) of c right calls among n, then averaged over
    queries; it is not the k-th power of the mean rate, which is too low wherever queries differ in difficulty.

    Source: docs/mathematics.md, "All calls right"; [Yao24].

    >>> AllPass()
    AllPass()
    """

    command = "all-pass"
    title = "pass^k"
    measures = "accuracy"
    reads = (Attempts, Ballots)

    def checks(self, calls: Any) -> Any:
        """None: nothing is chosen among the calls."""
        return 0 * calls
