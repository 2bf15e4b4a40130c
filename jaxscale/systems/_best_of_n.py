"""The pick of a verifier among n calls."""

import math

from jaxscale._checks import ArgumentError, check
from jaxscale.data import Attempts, Ballots
from jaxscale.systems._base import AbstractSystem, traced


class BestOfN(AbstractSystem):
    """The answer that a noisy verifier picks among n calls.

    A verifier that accepts or rejects (`tpr` and `fpr`) leaves an answer drawn from those that it accepts, or from all
    of them if it accepts none. A verifier that scores (`separation`) leaves the answer with the highest score.

    Args:
        tpr: probability that the verifier accepts a right answer, in [0, 1].
        fpr: probability that it accepts a wrong one, in [0, 1].
        separation: how far the mean score of right answers lies above that of wrong ones, in standard deviations of
            either; scores are normal. A right answer outscores a wrong one with probability
            Phi(separation / sqrt(2)): 0 is a verifier that guesses. Instead of the two rates.

    `exact` is differentiable in all three numbers; those that jax traces are not checked.

    Raises:
        ValueError: for a rate outside [0, 1], a separation that is not finite, or not exactly one kind of verifier.

    Source: docs/mathematics.md, "Best of n"; [Stroebl24]; equal-variance normal scores as in signal detection theory.

    >>> BestOfN(tpr=0.9, fpr=0.1).tpr
    0.9
    """

    command = "best-of-n"
    title = "best of n"
    measures = "accuracy"
    reads = (Attempts, Ballots)

    tpr: float | None = None
    fpr: float | None = None
    separation: float | None = None

    def __check_init__(self) -> None:
        if self.separation is None:
            for name, rate in (("tpr", self.tpr), ("fpr", self.fpr)):
                if rate is None:
                    raise ArgumentError(
                        name, None, "both tpr and fpr, or separation instead of them", found=" is missing"
                    )
                check(name, rate, "a probability in [0, 1]", traced(rate) or 0 <= rate <= 1)
            return
        for name, rate in (("tpr", self.tpr), ("fpr", self.fpr)):
            check(name, rate, "none beside separation", rate is None)
        finite = traced(self.separation) or math.isfinite(self.separation)
        check("separation", self.separation, "a finite number", finite)


class RecordedBestOfN(AbstractSystem):
    """`BestOfN` by recorded verdicts, so that each query has rates of its own.

    Args:
        threshold: the least score that is accepted; None for what a filter kept.

    Source: docs/mathematics.md, "Best of n".

    >>> RecordedBestOfN(threshold=0.5).threshold
    0.5
    """

    command = "best-of-n"
    title = "best of n"
    measures = "accuracy"
    reads = (Ballots,)

    threshold: float | None = None

    def check_data(self, data: Attempts | Ballots, name: str) -> None:
        """Ballots need verdicts: marks of a filter, or scores where there is a threshold."""
        super().check_data(data, name)
        if isinstance(data, Ballots):
            missing = "kept" if self.threshold is None else "score"
            if (data.kept_counts if self.threshold is None else data.scores) is None:
                raise ValueError(
                    f"{self.command} on {name!r}: no column {missing} says what a verifier accepted; expected it, or "
                    "the verifier's tpr and fpr"
                )
