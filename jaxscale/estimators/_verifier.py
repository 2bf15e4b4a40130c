"""How often a verifier or filter accepts right and wrong answers, from recorded verdicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

import numpy as np

from jaxscale._checks import ArgumentError, check_probability
from jaxscale._result import Result
from jaxscale.data import Ballots, require


@dataclass(frozen=True, repr=False)
class Rate(Result):
    """A share of calls, with an interval that allows for calls at one query being alike.

    Attributes:
        value: accepted calls over calls.
        lower: lower end of the interval.
        upper: upper end.
        calls: number of calls.
        queries: number of queries that they are at.
        effective: the number of independent calls that would say as much, at most `calls`.
    """

    value: float
    lower: float
    upper: float
    calls: int
    queries: int
    effective: float


@dataclass(frozen=True, eq=False, repr=False)
class VerifierRates(Result):
    """What a verifier accepts.

    Attributes:
        tpr: of the right answers.
        fpr: of the wrong ones, calls without an answer among them.
        level: probability that each interval claims to hold.
        right: (queries, 2) accepted and all calls with a right answer.
        wrong: (queries, 2) accepted and all calls with a wrong one.
    """

    tpr: Rate
    fpr: Rate
    level: float
    right: np.ndarray = field(repr=False)
    wrong: np.ndarray = field(repr=False)

    def _columns(self) -> dict[str, Sequence[Any]]:
        rates = {"tpr": self.tpr, "fpr": self.fpr}
        columns = {name: [getattr(rate, name) for rate in rates.values()] for name in vars(self.tpr)}
        return {"rate": list(rates), **columns}


def verifier_rates(ballots: Ballots, *, threshold: float | None = None, level: float = 0.9) -> VerifierRates:
    """True- and false-positive rates of a filter (`kept_counts`), or of a score at a threshold.

    Each rate is a ratio of two sums over queries, whose variance is estimated from how queries differ (the delta
    method). Its interval is Wilson's for the number of independent calls that would have the same variance. Where no
    call is accepted, or every call is, that variance cannot be estimated, and each query counts as one call.

    Args:
        ballots: what was recorded, with `kept_counts` or `scores`.
        threshold: the least score that is accepted; None for what the filter kept.
        level: probability that each interval is to hold, in (0, 1).

    Returns:
        Both rates, and the counts behind them.

    Raises:
        ValueError: where there are no verdicts, no right or no wrong answers, naming what was expected.

    Source:
        Kish, "Survey Sampling", 1965 (design effect, ratio estimator); Wilson, JASA 22, 1927 (interval).

    Example:
        >>> ballots = Ballots([[4, 6], [5, 5]], [[True, False]] * 2, kept_counts=[[4, 1], [3, 2]])
        >>> rates = verifier_rates(ballots)
        >>> round(rates.tpr.value, 3), round(rates.fpr.value, 3)
        (0.778, 0.273)
    """
    require(ballots, Ballots, "ballots")
    check_probability(level, "level")
    right, wrong = verdicts(ballots, threshold)
    for name, which in (("right", right), ("wrong", wrong)):
        if not which[:, 1].any():
            raise ValueError(f"ballots without a {name} answer: expected right and wrong ones, to say what is accepted")
    return VerifierRates(_rate(right, level), _rate(wrong, level), level, right, wrong)


def verdicts(ballots: Ballots, threshold: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Accepted and all calls of each query, those with a right and those with a wrong answer apart.

    Args:
        ballots: as in `verifier_rates`.
        threshold: as there.

    Returns:
        Two int64 arrays of shape (queries, 2).

    Raises:
        ValueError: where there are no verdicts.
    """
    correct, counts = ballots.correct, ballots.counts
    right = np.where(correct, counts, 0).sum(axis=1)
    if threshold is not None:
        if ballots.scores is None:
            raise ArgumentError("threshold", threshold, "ballots with scores")
        answers = ballots.call_answers
        is_right = (answers >= 0) & np.take_along_axis(correct, np.maximum(answers, 0), axis=1)
        accepted = np.nan_to_num(ballots.scores, nan=-np.inf) >= threshold
        yes, all_yes = (accepted & is_right).sum(axis=1), accepted.sum(axis=1)
    elif ballots.kept_counts is not None and ballots.kept_blank is not None:
        yes = np.where(correct, ballots.kept_counts, 0).sum(axis=1)
        all_yes = ballots.kept_counts.sum(axis=1) + ballots.kept_blank
    else:
        raise ArgumentError("kept_counts", None, "ballots that say what a filter kept, or scores and a threshold")
    return np.stack([yes, right], axis=1), np.stack([all_yes - yes, ballots.calls - right], axis=1)


def _rate(counts: np.ndarray, level: float) -> Rate:
    yes, calls = counts[counts[:, 1] > 0].T.astype(float)
    queries, total = len(calls), calls.sum()
    rate = float(yes.sum() / total)
    # Of the linearised totals, with the usual correction for few queries.
    variance = np.square(yes - rate * calls).sum() / total**2 * queries / max(queries - 1, 1)
    effective = float(np.clip(rate * (1 - rate) / variance, 1, total)) if variance > 0 else float(queries)
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    centre = (rate + z2 / (2 * effective)) / (1 + z2 / effective)
    half = math.sqrt(z2 * rate * (1 - rate) / effective + z2**2 / (4 * effective**2)) / (1 + z2 / effective)
    # The ends are rounded: at a rate of 0 or 1 they must not exclude it.
    lower, upper = min(max(0.0, centre - half), rate), max(min(1.0, centre + half), rate)
    return Rate(rate, lower, upper, int(total), queries, effective)
