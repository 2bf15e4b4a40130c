"""Repeated sampling with a verifier: is any call right?"""

from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem


class PassAtK(AbstractSystem):
    """Success if any of the calls is right: coverage, pass@k.

    Source: docs/mathematics.md, "Coverage"; [Chen21].

    >>> PassAtK()
    PassAtK()
    """

    command = "pass-at-k"
    title = "pass@k"
    measures = "coverage"
    reads = (Attempts, Ballots)
