"""Systems: how several calls become one answer. Frozen descriptions, no randomness and no numbers crunched."""

import math
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PassAtK:
    """Success if any of the calls is right: coverage, pass@k. Source: [Chen21].

    >>> PassAtK()
    PassAtK()
    """


@dataclass(frozen=True)
class Vote:
    """The most frequent answer; ties are split uniformly, and a call without an answer never wins.

    Source: docs/mathematics.md, "Voting"; [Chen24].

    >>> Vote()
    Vote()
    """


@dataclass(frozen=True)
class FilterVote:
    """A vote over the answers that a filter kept, or over all of them if it kept none.

    Args:
        filter_calls_count: whether the filter's own calls count, as in the authors' code: K calls are then floor(K / 2)
            answers and as many filter calls, and fewer than 2 calls are an error.

    Source: docs/mathematics.md, "Filtered votes"; [Chen24].

    >>> FilterVote(filter_calls_count=True).answers(9)
    4
    """

    filter_calls_count: bool = False

    def answers(self, calls: int) -> int:
        """How many answers `calls` calls pay for.

        Raises:
            ValueError: where that is none.
        """
        if not self.filter_calls_count:
            return calls
        if calls < 2:
            raise ValueError(f"calls = {calls}: expected at least 2 when the filter's own calls count")
        return calls // 2


@dataclass(frozen=True)
class WeightedVote:
    """The answer with the largest sum of scores over its calls; ties are split uniformly.

    >>> WeightedVote()
    WeightedVote()
    """


@dataclass(frozen=True)
class RoutedVote:
    """The majority answer if its share of the calls reaches a threshold, else a single call.

    The single call is the recorded greedy one where there is one, else a fresh call.

    Args:
        threshold: share of all calls, in [0, 1].

    Raises:
        ValueError: for a threshold outside [0, 1].

    >>> RoutedVote(threshold=0.5).votes(7)
    4
    """

    threshold: float

    def __post_init__(self) -> None:
        _check("threshold", self.threshold, "a share in [0, 1]", 0 <= self.threshold <= 1)

    def votes(self, calls: int) -> int:
        """The fewest votes, at least 1, whose share of `calls` calls reaches the threshold (to 1e-9 of a vote)."""
        return max(1, math.ceil(self.threshold * calls - 1e-9))


@dataclass(frozen=True)
class BestOfN:
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

    >>> BestOfN(tpr=0.9, fpr=0.1)
    BestOfN(tpr=0.9, fpr=0.1, separation=None)
    """

    tpr: float | None = None
    fpr: float | None = None
    separation: float | None = None

    def __post_init__(self) -> None:
        if self.separation is None:
            for name, rate in (("tpr", self.tpr), ("fpr", self.fpr)):
                if rate is None:
                    raise ValueError(f"{name} is missing: expected both tpr and fpr, or separation instead of them")
                _check(name, rate, "a probability in [0, 1]", _traced(rate) or 0 <= rate <= 1)
            return
        for name, rate in (("tpr", self.tpr), ("fpr", self.fpr)):
            _check(name, rate, "none beside separation", rate is None)
        finite = _traced(self.separation) or math.isfinite(self.separation)
        _check("separation", self.separation, "a finite number", finite)


@dataclass(frozen=True)
class AdaptiveVote:
    """A vote that stops early, once the posterior probability that the leader leads exceeds a confidence.

    Args:
        confidence: in (1/2, 1).
        rule: "beta" compares the two leading answers, "dirichlet" the leader with every answer seen so far and one more
            that stands for any not seen yet. "dirichlet" adds up their chances to be ahead of it, so that it never
            stops before the exact `leader_confidence` would. It stops later, by at most 25 % of the calls at
            confidence 0.8, 7 % at 0.9, 2 % at 0.95 and 0.5 % at 0.99 (means over 60 answer distributions from
            Dirichlet laws, uniform and sparser, of 3 to 20 answers, at most 200 calls). The exact rule takes 6 times
            as long or more to simulate; `stopping.replay` replays it.

    Raises:
        ValueError: for a confidence outside (1/2, 1) or an unknown rule.

    Source: docs/mathematics.md, "Weighted, routed and adaptive votes".

    >>> AdaptiveVote(confidence=0.95).rule
    'beta'
    """

    confidence: float
    rule: str = "beta"

    def __post_init__(self) -> None:
        _check("confidence", self.confidence, "a number between 1/2 and 1", 0.5 < self.confidence < 1)
        _check("rule", self.rule, "'beta' or 'dirichlet'", self.rule in ("beta", "dirichlet"))


def _traced(value: Any) -> bool:
    """Whether jax traces a value, which cannot be looked at then. Where there is a tracer, jax was imported."""
    jax = sys.modules.get("jax")
    return jax is not None and isinstance(value, jax.core.Tracer)


def _check(name: str, value: object, expected: str, good: bool) -> None:
    if not good:
        raise ValueError(f"{name} = {value!r}: expected {expected}")
