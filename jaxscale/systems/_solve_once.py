"""Repeated sampling that stops at the first success."""

from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem


class SolveOnce(AbstractSystem):
    """`PassAtK` that stops at the first success: `calls` is the most at a query, and only those made are paid.

    Source: docs/mathematics.md, "Solving once, then discarding"; [ReD26].

    >>> SolveOnce()
    SolveOnce()
    """

    command = "solve-once"
    title = "solve once"
    measures = "coverage"
    reads = (Attempts, Ballots)
    stops_when_solved = True
