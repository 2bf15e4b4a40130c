"""Where calls come from: populations as urns of cells, drawn with or without replacement.

A cell is an answer, or no answer, crossed with whether a filter kept it. An urn holds cumulative numbers per cell, so
that one comparison and one addition per cell count a call: with replacement how many words reached the cell,
without replacement how many recorded calls are left up to it.
"""

from abc import abstractmethod
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, PRNGKeyArray

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty, AnswerDistribution, DirichletAnswers
from jaxscale.sampling import BLOCK, uniform, words_at
from jaxscale.simulator._correlated import Exchangeable, Sticky

_UNROLLED = 4
_MOST_COUNTED = 2**31 - 1


class Lanes(NamedTuple):
    """The (query, replicate) indices of one block of 1,024.

    Attributes:
        query: which query each lane runs, where the population has fixed queries.
        counted: whether the lane exists; the last block may be incomplete.
        paired: whether lanes 2j and 2j + 1 are two replicates of the same query; None for models.
    """

    query: Array
    counted: Array
    paired: Array | None


class Urn(NamedTuple):
    """The cells of one block of lanes.

    Attributes:
        levels: (cells, lanes) cumulative counts: calls that gave a cell or a later one, or, without replacement,
            recorded calls that are left up to a cell.
        edges: (cells, lanes) uint32 cumulative probabilities; without replacement, the levels at the start.
        right: (answers, lanes) which answers are right.
        greedy: (lanes,) whether the recorded greedy call was right, where there is one.
        previous: (lanes,) cell of the call before, where calls may repeat it.
        p: (lanes,) success probability of the query, where the population has one.
        score: (lanes,) score of the call drawn last, where calls have one.
        tokens: (lanes,) output tokens of the call drawn last, where they are recorded.
    """

    levels: Array
    edges: Array
    right: Array
    greedy: Array | None = None
    previous: Array | None = None
    p: Array | None = None
    score: Array | None = None
    tokens: Array | None = None


class AbstractSource(eqx.Module):
    """A population from which lanes draw calls."""

    answers: int = eqx.field(static=True, kw_only=True)
    groups: int = eqx.field(static=True, kw_only=True, default=1)
    blanks: bool = eqx.field(static=True, kw_only=True, default=False)

    @property
    def cells(self) -> int:
        """Answers, and one for none where calls may be blank, times two where there is a filter (kept ones first)."""
        return self.groups * (self.answers + self.blanks)

    @property
    def words(self) -> int:
        """32-bit words that the urn of a lane takes, and what is made of it, about."""
        return 4 * self.cells

    @abstractmethod
    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        """The full urn of each lane."""

    @abstractmethod
    def draw(self, key: PRNGKeyArray, urn: Urn, call: Array) -> tuple[Urn, Array]:
        """Draw one call and return its cell, (lanes,) int32."""


class CountedSource(AbstractSource):
    """A population whose calls of a cell are all alike, so that it is enough to count them."""

    @abstractmethod
    def count(self, key: PRNGKeyArray, urn: Urn, first: Array, last: Array) -> Urn:
        """Draw calls first, ..., last - 1 and count them."""

    @abstractmethod
    def counts(self, urn: Urn) -> Array:
        """How often each cell was drawn so far; (groups, answers + blanks, lanes) int32."""


class _WithReplacement(CountedSource):
    def _urn(self, probabilities: Array, right: Array) -> Urn:
        """An urn of cells with the given probabilities, (cells, lanes); no source with replacement has blank calls."""
        reached = jnp.cumsum(probabilities, axis=0)
        full = reached >= 1
        edges = jnp.where(full, np.uint32(2**32 - 1), (jnp.where(full, 0.0, reached) * 2.0**32).astype(jnp.uint32))
        by_group = probabilities.reshape(self.groups, self.answers, BLOCK)
        p = jnp.sum(jnp.where(right, by_group, 0.0), axis=(0, 1))
        return Urn(jnp.zeros(edges.shape, jnp.int32), edges, right, p=p)

    def count(self, key: PRNGKeyArray, urn: Urn, first: Array, last: Array) -> Urn:
        reached_from = jnp.pad(urn.edges[:-1], ((1, 0), (0, 0)))

        def some(group: Array, levels: Array) -> Array:
            # Call c has word c of the key whatever the budgets are; the barrier keeps XLA from drawing it per cell.
            pairs = [words_at(key, group * (_UNROLLED // 2) + pair, BLOCK) for pair in range(_UNROLLED // 2)]
            for i, word in enumerate(lax.optimization_barrier([word for pair in pairs for word in pair])):
                call = group * _UNROLLED + i
                levels = levels + ((word >= reached_from) & (first <= call) & (call < last)).astype(jnp.int32)
            return levels

        groups = (first // _UNROLLED, (last + _UNROLLED - 1) // _UNROLLED)
        return urn._replace(levels=lax.fori_loop(*groups, some, urn.levels))

    def draw(self, key: PRNGKeyArray, urn: Urn, call: Array) -> tuple[Urn, Array]:
        word, _ = words_at(key, call, BLOCK)
        return urn, jnp.sum(word >= urn.edges[:-1], axis=0, dtype=jnp.int32)

    def counts(self, urn: Urn) -> Array:
        later = jnp.pad(urn.levels[1:], ((0, 1), (0, 0)))
        return (urn.levels - later).reshape(self.groups, -1, BLOCK)


class ModelSource(_WithReplacement):
    """A difficulty model, for which a call is right (answer 0) or wrong (answer 1)."""

    model: Any

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        del lanes
        log_p, log1m_p = self.model.sample(key, (BLOCK,))
        return self._urn(jnp.stack([jnp.exp(log_p), jnp.exp(log1m_p)]), _first_is_right(2))


class StickySource(_WithReplacement):
    """A difficulty model whose calls repeat the outcome of the call before with some probability."""

    model: Sticky

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        """See `AbstractSource.start`."""
        urn = ModelSource(self.model.difficulty, answers=2).start(key, lanes)
        return urn._replace(previous=jnp.zeros(BLOCK, jnp.int32))

    def count(self, key: PRNGKeyArray, urn: Urn, first: Array, last: Array) -> Urn:
        """See `AbstractSource.count`."""

        def one(call: Array, urn: Urn) -> Urn:
            urn, cell = self.draw(key, urn, call)
            return urn._replace(levels=urn.levels + jnp.stack([jnp.ones_like(cell), cell]))

        return lax.fori_loop(first, last, one, urn)

    def draw(self, key: PRNGKeyArray, urn: Urn, call: Array) -> tuple[Urn, Array]:
        """See `AbstractSource.draw`."""
        assert urn.previous is not None
        fresh, repeats = words_at(key, call, BLOCK)
        repeat = (uniform(repeats, jnp.float32) <= self.model.correlation) & (call > 0)
        cell = jnp.where(repeat, urn.previous, (fresh >= urn.edges[0]).astype(jnp.int32))
        return urn._replace(previous=cell), cell


class DirichletSource(_WithReplacement):
    """Answer distributions drawn from a Dirichlet law, one per lane."""

    model: DirichletAnswers

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        del lanes
        probabilities = jnp.exp(self.model.sample(key, (BLOCK,)))
        return self._urn(probabilities.T, _first_is_right(self.answers))


class AnswerSource(_WithReplacement):
    """Known answer distributions, (queries, answers)."""

    probabilities: Array
    right: Array

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        """See `AbstractSource.start`."""
        del key
        return self._urn(self.probabilities[lanes.query].T, self.right[lanes.query].T)


class RecordedSource(CountedSource):
    """Recorded calls, (queries, cells) counts, drawn without replacement."""

    recorded: Array
    right: Array
    greedy: Array | None

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        del key
        levels = jnp.cumsum(self.recorded, axis=1, dtype=jnp.int32)[lanes.query].T
        greedy = None if self.greedy is None else self.greedy[lanes.query]
        return Urn(levels, levels, self.right[lanes.query].T, greedy)

    def count(self, key: PRNGKeyArray, urn: Urn, first: Array, last: Array) -> Urn:
        return lax.fori_loop(first, last, lambda call, urn: self.draw(key, urn, call)[0], urn)

    def draw(self, key: PRNGKeyArray, urn: Urn, call: Array) -> tuple[Urn, Array]:
        high, low = words_at(key, call, BLOCK)
        place = lax.optimization_barrier(draw_below(high, low, urn.levels[-1]))
        after = place < urn.levels
        cell = jnp.int32(self.cells) - jnp.sum(after, axis=0, dtype=jnp.int32)
        return urn._replace(levels=urn.levels - after), cell

    def counts(self, urn: Urn) -> Array:
        drawn = urn.edges - urn.levels
        return jnp.diff(drawn, axis=0, prepend=0).reshape(self.groups, -1, BLOCK)


def draw_below(high: Array, low: Array, limit: Array) -> Array:
    """Uniform whole numbers in [0, limit) from two words: the integer part of limit times a 64-bit uniform."""
    wide = limit.astype(jnp.uint64)
    return ((high * wide + ((low * wide) >> np.uint64(32))) >> np.uint64(32)).astype(jnp.int32)


def _first_is_right(answers: int) -> Array:
    return lax.broadcasted_iota(jnp.int32, (answers, BLOCK), 0) == 0


def recorded_source(data: Attempts | Ballots) -> RecordedSource:
    """The source that draws without replacement from what was recorded."""
    if isinstance(data, Attempts):
        recorded = np.stack([data.successes, data.attempts - data.successes], axis=1)
        right = np.broadcast_to([True, False], recorded.shape)
        return RecordedSource(jnp.asarray(recorded, jnp.int32), jnp.asarray(right), None, answers=2)
    cells = np.column_stack([data.counts, np.asarray(data.blank)])
    if data.kept_counts is not None:
        kept = np.column_stack([data.kept_counts, np.asarray(data.kept_blank)])
        cells = np.concatenate([kept, cells - kept], axis=1)
    return RecordedSource(
        jnp.asarray(cells, jnp.int32),
        jnp.asarray(data.correct),
        None if data.greedy_correct is None else jnp.asarray(data.greedy_correct),
        answers=data.counts.shape[1],
        groups=1 if data.kept_counts is None else 2,
        blanks=True,
    )


def answer_source(answers: AnswerDistribution) -> AnswerSource:
    """The source that draws with replacement from known answer distributions."""
    probabilities = jnp.asarray(answers.probabilities)
    if probabilities.ndim != 2:
        raise ArgumentError(
            "probabilities", probabilities.shape, "(queries, answers)", found=f" has shape {probabilities.shape}"
        )
    count = probabilities.shape[1]
    if answers.keep is not None:
        kept = probabilities * jnp.asarray(answers.keep)
        probabilities = jnp.concatenate([kept, probabilities - kept], axis=1)
    groups = 1 if answers.keep is None else 2
    return AnswerSource(probabilities, jnp.asarray(answers.right), answers=count, groups=groups)


def verdict_source(right: np.ndarray, wrong: np.ndarray) -> RecordedSource:
    """The source that draws recorded calls as a verifier sees them: right or wrong, accepted (kept) or not.

    Args:
        right: (queries, 2) accepted and all calls with a right answer.
        wrong: the same of those with a wrong one.
    """
    kept, each = (np.stack([right[:, place], wrong[:, place]], axis=1) for place in (0, 1))
    cells = np.concatenate([kept, each - kept], axis=1)
    is_right = np.broadcast_to([True, False], kept.shape)
    return RecordedSource(jnp.asarray(cells, jnp.int32), jnp.asarray(is_right), None, answers=2, groups=2)


def source_of(population: Any) -> CountedSource:
    """The source that draws calls from a population, where these are right or wrong, or answers.

    Raises:
        TypeError: for what is no such population.
    """
    if isinstance(population, Attempts | Ballots):
        return recorded_source(population)
    if isinstance(population, AnswerDistribution):
        return answer_source(population)
    if isinstance(population, DirichletAnswers):
        return DirichletSource(population, answers=len(population.concentration))
    if isinstance(population, Sticky):
        return StickySource(population, answers=2)
    if isinstance(population, AbstractDifficulty | Exchangeable):
        return ModelSource(population, answers=2)
    raise TypeError(
        f"population = {population!r}: expected a difficulty model (not a law of the curve alone), DirichletAnswers, "
        "AnswerDistribution, Attempts or Ballots"
    )


def check_counted(calls: np.ndarray) -> None:
    """Refuse more calls than are counted one by one.

    Raises:
        ValueError: naming the calls.
    """
    if calls[-1] > _MOST_COUNTED:
        raise ArgumentError("calls", calls[-1], f"at most {_MOST_COUNTED} where calls are counted one by one")
