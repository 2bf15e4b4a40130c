"""Systems: how several calls become one answer. Frozen descriptions, no randomness and no numbers crunched."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PassAtK:
    """Success if any of the calls is right: coverage, pass@k. Source: Chen et al., arXiv 2107.03374.

    >>> PassAtK()
    PassAtK()
    """


@dataclass(frozen=True)
class Vote:
    """The most frequent answer; ties are split uniformly, and a call without an answer never wins.

    Source: Chen et al., arXiv 2403.02419 (MATH section 3).

    >>> Vote()
    Vote()
    """


@dataclass(frozen=True)
class FilterVote:
    """A vote over the answers that a filter kept, or over all of them if it kept none.

    Args:
        filter_calls_count: whether the filter's own calls count, as in the authors' code: K calls are then floor(K / 2)
            answers and as many filter calls, and fewer than 2 calls are an error.

    Source: Chen et al., arXiv 2403.02419v2 (MATH section 3.3).

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
    """The answer with the largest sum of scores over its calls; ties are split uniformly (MATH section 3.6).

    >>> WeightedVote()
    WeightedVote()
    """


@dataclass(frozen=True)
class RoutedVote:
    """The majority answer if its share of the calls reaches a threshold, else a single call (MATH section 3.6).

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
    """An answer drawn from those that a noisy verifier accepts, or from all of them if it accepts none.

    Args:
        tpr: probability that the verifier accepts a right answer, in [0, 1].
        fpr: probability that it accepts a wrong one, in [0, 1].

    Raises:
        ValueError: for a rate outside [0, 1].

    Source: arXiv 2411.17501 (MATH section 3.6).

    >>> BestOfN(tpr=0.9, fpr=0.1)
    BestOfN(tpr=0.9, fpr=0.1)
    """

    tpr: float
    fpr: float

    def __post_init__(self) -> None:
        _check("tpr", self.tpr, "a probability in [0, 1]", 0 <= self.tpr <= 1)
        _check("fpr", self.fpr, "a probability in [0, 1]", 0 <= self.fpr <= 1)


@dataclass(frozen=True)
class AdaptiveVote:
    """A vote that stops early, once the posterior probability that the leader leads exceeds a confidence.

    Args:
        confidence: in (1/2, 1).
        rule: "beta" compares the two leading answers, "dirichlet" all of them.

    Raises:
        ValueError: for a confidence outside (1/2, 1) or an unknown rule.

    Source: MATH section 3.6.

    >>> AdaptiveVote(confidence=0.95).rule
    'beta'
    """

    confidence: float
    rule: str = "beta"

    def __post_init__(self) -> None:
        _check("confidence", self.confidence, "a number between 1/2 and 1", 0.5 < self.confidence < 1)
        _check("rule", self.rule, "'beta' or 'dirichlet'", self.rule in ("beta", "dirichlet"))


def _check(name: str, value: object, expected: str, good: bool) -> None:
    if not good:
        raise ValueError(f"{name} = {value!r}: expected {expected}")
