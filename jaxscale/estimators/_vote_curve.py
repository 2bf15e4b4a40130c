"""The whole recorded curve of a vote: its shape, its best number of calls, and its easy and hard parts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._checks import whole_numbers
from jaxscale._result import Result
from jaxscale.data import Ballots, Estimate
from jaxscale.estimators._estimate import per_query
from jaxscale.estimators._vote_difficulty import (
    RESAMPLES,
    BestMajority,
    VoteDifficulty,
    best_of,
    bootstrap_weights,
    by_difficulty,
    curve_up_to,
    mean_over_queries,
    vote_difficulty,
)
from jaxscale.systems import FilterVote, Vote

_SMALLEST_MOVE = 0.001
_SMALLEST_SHARE = 0.05


@dataclass(frozen=True, repr=False)
class VoteShape(Result):
    """How the accuracy of a vote changes as calls are added.

    Attributes:
        moves: "rises" or "falls", one after the other; empty if the curve is flat.
        turns: the numbers of calls at which one move ends and the next begins.
        first: the fewest calls looked at.
        last: the most.
        beyond_noise: whether the bootstrap intervals of all the moves exclude 0.

    >>> VoteShape(("rises", "falls"), (9,), 1, 50, True).words
    'rises, then falls after 9 calls'
    """

    moves: tuple[str, ...]
    turns: tuple[int, ...]
    first: int
    last: int
    beyond_noise: bool

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {name: [getattr(self, name)] for name in ("words", "first", "last", "beyond_noise")}

    @property
    def kind(self) -> str:
        """In the terms of `curve_shape`: "rises then falls", "flat", ...; "unknown" from a single number of calls."""
        if self.first == self.last:
            return "unknown"
        return " then ".join(self.moves) or "flat"

    @property
    def words(self) -> str:
        """The shape as a person would say it."""
        if not self.moves:
            return self.kind
        turned = (f", then {move} after {k:,} calls" for move, k in zip(self.moves[1:], self.turns, strict=True))
        return self.moves[0] + "".join(turned)


@dataclass(frozen=True, eq=False, repr=False)
class VoteCurve(Result):
    """What recorded ballots say of a vote, without a model.

    Attributes:
        estimate: unbiased accuracy at increasing numbers of calls.
        parts: the same over the "easy", the "hard" and the "tied" queries, where there are any.
        difficulty: how hard each query is for the vote.
        shape: how the curve goes, up to half of the fewest recorded ballots of a query.
        best: the best number of calls in that range, and its gain over a single answer.
        per_query: accuracy of each query; float64, shape (queries, calls).
    """

    estimate: Estimate
    parts: dict[str, Estimate]
    difficulty: VoteDifficulty
    shape: VoteShape
    best: BestMajority
    per_query: np.ndarray = field(repr=False)

    def _columns(self) -> dict[str, Sequence[Any]]:
        parts = {name: part.value.tolist() for name, part in self.parts.items()}
        return {**self.estimate._columns(), **parts}

    def _notes(self) -> list[str]:
        number, interval = self.best.words
        return [self.shape.words, f"best: {number} calls ({self.best.level:.0%} interval {interval})"]


def vote_curve(
    ballots: Ballots,
    system: Vote | FilterVote | None = None,
    *,
    also: Sequence[int] = (),
    level: float = 0.9,
    resamples: int = RESAMPLES,
    key: PRNGKeyArray | None = None,
) -> VoteCurve:
    """The exact curve of a vote over recorded ballots, with its shape, best number of calls and parts.

    The curve is computed at all numbers of calls up to half of the fewest recorded ballots of a query. Above 200 calls
    it is computed at forty of them, and at up to forty more near the highest and the lowest value. Beyond half of the
    ballots, draws without replacement overlap so much that the curve jumps where near ties are decided.

    A turn counts if the curve moves by more than 0.001, and by more than a twentieth of its span, on both sides of it.
    Intervals come from a bootstrap over queries, at the turns of the recorded curve.

    Args:
        ballots: what was recorded.
        system: Vote() (the default) or FilterVote(...), which needs `ballots.kept_counts`; a query is then easy or
            hard by its kept ballots.
        also: further numbers of calls to estimate, within the recorded ones; shape and best ignore those beyond half.
        level: probability that the intervals hold, and the confidence with which a query is surely easy or hard.
        resamples: bootstrap resamples of the queries.
        key: a typed JAX key, of the resampling; None stands for jax.random.key(0).

    Returns:
        The curve, its parts, difficulty, shape and best number of calls.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        docs/mathematics.md, "Voting"; [Chen24] sections 3 and 4.

    Example:
        >>> curve = vote_curve(Ballots([[9, 1], [8, 2], [7, 3], [1, 9]], [[True, False]] * 4))
        >>> curve.shape.words, curve.best.calls, [part for part in curve.parts]
        ('rises', 5, ['easy', 'hard'])
    """
    system = Vote() if system is None else system
    difficulty = vote_difficulty(system.counted(ballots), level)

    def evaluate(k: np.ndarray) -> np.ndarray:
        found = per_query(system, ballots, k)
        return found.values[found.row].T

    half = max(1, int(ballots.calls.min()) // 2)
    answers, looked_at = curve_up_to(half, lambda answers: evaluate(system.calls_for(answers)))
    calls = system.calls_for(answers)
    more = np.setdiff1d(whole_numbers(also, "also") if also else [], calls).astype(np.int64)
    k, values = np.append(calls, more), looked_at
    if len(more):
        values = np.concatenate([looked_at, evaluate(more)])
    order = np.argsort(k)
    k, values = k[order], values[order]
    weights = bootstrap_weights(len(ballots), resamples, key)
    return VoteCurve(
        mean_over_queries(k, values),
        by_difficulty(k, values, difficulty.difficulty),
        difficulty,
        _shape(calls, looked_at, weights, level),
        best_of(calls, looked_at, weights, level),
        values.T,
    )


def _shape(k: np.ndarray, values: np.ndarray, weights: np.ndarray, level: float) -> VoteShape:
    mean = values.mean(axis=1)
    top, bottom = int(np.argmax(mean.round(12))), int(np.argmin(mean.round(12)))
    least = max(_SMALLEST_MOVE, _SMALLEST_SHARE * float(mean[top] - mean[bottom]))
    turns = sorted({top, bottom})
    while turns and abs(mean[turns[0]] - mean[0]) <= least:
        turns.pop(0)
    while turns and abs(mean[-1] - mean[turns[-1]]) <= least:
        turns.pop()
    points = np.array([0, *turns, len(k) - 1])
    moves = np.diff(mean[points])
    if len(moves) == 1 and abs(moves[0]) <= least:
        return VoteShape((), (), int(k[0]), int(k[-1]), False)
    # Every move in its own direction: the lower end of its interval must be above 0.
    resampled = np.diff(values[points] @ weights, axis=0) * np.sign(moves)[:, None]
    return VoteShape(
        tuple("rises" if move > 0 else "falls" for move in moves),
        tuple(k[turns].tolist()),
        int(k[0]),
        int(k[-1]),
        bool((np.quantile(resampled, (1 - level) / 2, axis=1) > 0).all()),
    )
