"""What a rule would have saved and lost: replayed on recorded calls, or on calls drawn from known answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._checks import ArgumentError, whole_numbers
from jaxscale._result import Result
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AnswerDistribution

_CELLS = 2**24  # counts in memory at a time: a large data set is replayed a few queries at a time


@dataclass(frozen=True, repr=False)
class Replay(Result):
    """A rule beside a fixed number of calls, on the same draws.

    Attributes:
        most: calls at which every query stops at the latest.
        calls: calls used per query, on average.
        calls_standard_error: its standard error, of the random order of calls on these queries, as are the others.
        value: share of queries answered rightly (of a vote, ties split), or solved at least once.
        standard_error: its standard error.
        most_value: the same with all `most` calls of every query.
        lost_standard_error: standard error of `lost`, less than those of its parts because the draws are shared.
        same_calls_value: with a fixed number of calls that costs what the rule did, interpolated between two.
    """

    most: int
    calls: float
    calls_standard_error: float
    value: float
    standard_error: float
    most_value: float
    lost_standard_error: float
    same_calls_value: float

    @property
    def saved(self) -> float:
        """The share of calls that the rule saves."""
        return 1 - self.calls / self.most

    @property
    def lost(self) -> float:
        """The accuracy that the rule loses to all `most` calls; negative where it gains."""
        return self.most_value - self.value

    def to_dict(self) -> dict[str, float]:
        """The numbers by name, `saved` and `lost` included."""
        return {**vars(self), "saved": self.saved, "lost": self.lost}

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {
            "stopping": ["the rule", "a fixed number as dear", "all calls"],
            "calls": [self.calls, self.calls, self.most],
            "value": [self.value, self.same_calls_value, self.most_value],
        }

    def _notes(self) -> list[str]:
        return [f"calls saved: {self.saved:.1%}; value lost: {self.lost:.4f} ± {self.lost_standard_error:.4f}"]


def replay(
    key: PRNGKeyArray,
    rule: Callable[[np.ndarray], np.ndarray],
    population: Ballots | Attempts | AnswerDistribution,
    calls: int,
    replicates: int = 100,
) -> Replay:
    """Replay a stopping rule on recorded calls in random order, or on calls drawn from known answer distributions.

    Every query stops at the first call at which the rule says so, and after `calls` calls at the latest. Its answer is
    then the vote over the calls so far (ties split; blank calls count as calls, but have no vote); for `Attempts` it is
    whether one of them was right.

    Args:
        key: a typed JAX key.
        rule: from votes so far, int64 of shape (..., answers), to whether to stop, bool of shape (...). It is called
            with the states of many queries after each of their calls at once. For `Attempts` the two answers are right
            and wrong.
        population: recorded calls, drawn without replacement, or known answers.
        calls: the most calls of a query, at least 1 and no more than were recorded of any.
        replicates: how many random orders of every query's calls, at least 2.

    Returns:
        Calls and accuracy of the rule, and of fixed numbers of calls on the same draws.

    Raises:
        ValueError: for calls beyond those recorded, one replicate, or a rule that returns another shape.

    Source:
        docs/mathematics.md, "Weighted, routed and adaptive votes".

    Example:
        >>> found = replay(jax.random.key(0), lambda votes: votes.max(-1) >= 2, Ballots([[8, 0]], [[True, False]]), 8)
        >>> found.calls, found.value, found.saved
        (2.0, 1.0, 0.75)
    """
    (most,) = whole_numbers([calls], "calls").tolist()
    (orders,) = whole_numbers([replicates], "replicates", least=2).tolist()
    labels, cumulative, right = _drawn_from(population, most)
    queries, answers = right.shape
    seeds = np.asarray(jax.random.key_data(key)).reshape(-1).tolist()
    batch = max(1, _CELLS // (most * answers))
    used, scored = np.zeros(orders), np.zeros(orders)
    curve = np.zeros((orders, most))
    for replicate in range(orders):
        rng = np.random.default_rng([*seeds, replicate])
        for start in range(0, queries, batch):
            part = slice(start, start + batch)
            drawn = _calls(rng, labels[part], most) if cumulative is None else _answers(rng, cumulative[part], most)
            votes = np.cumsum(drawn[:, :, None] == np.arange(answers), axis=1, dtype=np.int64)
            stops = np.asarray(rule(votes))
            if stops.shape != votes.shape[:-1]:
                raise ValueError(
                    f"rule returned shape {stops.shape} for votes {votes.shape}: expected {votes.shape[:-1]}"
                )
            last = np.where(stops.any(axis=1), stops.argmax(axis=1), most - 1)
            score = _score(population, votes, right[part])
            used[replicate] += (last + 1).sum()
            scored[replicate] += score[np.arange(len(last)), last].sum()
            curve[replicate] += score.sum(axis=0)
    used, scored, curve = used / queries, scored / queries, curve / queries
    fixed = curve.mean(axis=0)

    def error(values: np.ndarray) -> float:
        return float(values.std(ddof=1) / np.sqrt(orders))

    return Replay(
        most=most,
        calls=float(used.mean()),
        calls_standard_error=error(used),
        value=float(scored.mean()),
        standard_error=error(scored),
        most_value=float(fixed[-1]),
        lost_standard_error=error(curve[:, -1] - scored),
        same_calls_value=float(np.interp(used.mean(), np.arange(1, most + 1), fixed)),
    )


def _drawn_from(population: Any, most: int) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
    """Recorded answers (queries, calls), -1 for blank and -2 for none; or cumulative probabilities; and right ones."""
    if isinstance(population, AnswerDistribution):
        probabilities = np.asarray(population.probabilities, np.float64)
        if probabilities.ndim != 2:
            raise ArgumentError(
                "probabilities", probabilities.shape, "(queries, answers)", found=f" has shape {probabilities.shape}"
            )
        cumulative = np.cumsum(probabilities, axis=1)
        return cumulative, cumulative / cumulative[:, -1:], np.asarray(population.right)
    if isinstance(population, Attempts):
        recorded, counts = population.attempts, np.stack([population.successes, population.attempts], axis=1)
        place = np.arange(recorded.max())
        labels = (place >= counts[:, :1]).astype(np.int64)
        right = np.broadcast_to([True, False], counts.shape)
    elif isinstance(population, Ballots):
        recorded, labels, right = population.calls, population.call_answers, population.correct
        place = np.arange(labels.shape[1])
    else:
        raise ArgumentError("population", population, "Ballots, Attempts or AnswerDistribution")
    if most > recorded.min():
        raise ArgumentError("calls", most, f"at most the {recorded.min()} recorded of every query")
    return np.where(place < recorded[:, None], labels, -2), None, right


def _calls(rng: np.random.Generator, labels: np.ndarray, most: int) -> np.ndarray:
    """The first calls of a random order of each query's recorded ones."""
    order = np.argsort(rng.random(labels.shape) + (labels == -2), axis=1)[:, :most]
    return np.take_along_axis(labels, order, axis=1)


def _answers(rng: np.random.Generator, cumulative: np.ndarray, most: int) -> np.ndarray:
    return (rng.random((len(cumulative), most, 1)) >= cumulative[:, None, :-1]).sum(axis=2)


def _score(population: Any, votes: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Whether each query is answered rightly after each of its calls, (queries, calls)."""
    if isinstance(population, Attempts):
        return (votes[:, :, 0] > 0).astype(np.float64)
    leads = (votes == votes.max(axis=2, keepdims=True)) & (votes > 0)
    return (leads & right[:, None]).sum(axis=2) / np.maximum(leads.sum(axis=2), 1)
