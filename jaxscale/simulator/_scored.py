"""Recorded calls with a score or tokens: drawn without replacement one by one, each call with its own identity."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, PRNGKeyArray

from jaxscale.data import Ballots
from jaxscale.sampling import BLOCK, words_at
from jaxscale.simulator._call import Call
from jaxscale.simulator._source import AbstractSource, Lanes, Urn, draw_below

_BITS = 32


class CallSource(AbstractSource):
    """Recorded calls with scores or tokens. An urn's levels are bit masks of the calls already drawn, 32 to a word.

    Args:
        cell: (queries, calls) the cell of each recorded call.
        score: (queries, calls) its score, or None.
        tokens: (queries, calls) its output tokens, or None.
        used: (queries, words) masks at the start: what lies beyond a query's calls counts as drawn.
        right: (queries, answers) which answers are right.
    """

    cell: Array
    score: Array | None
    tokens: Array | None
    used: Array
    right: Array

    @property
    def words(self) -> int:
        """See `AbstractSource.words`."""
        return 4 * (self.cells + self.used.shape[-1])

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        """See `AbstractSource.start`."""
        del key
        used, right = self.used[lanes.query].T, self.right[lanes.query].T
        score, tokens = (None if each is None else jnp.zeros(BLOCK, each.dtype) for each in (self.score, self.tokens))
        return Urn(used, lanes.query, right, score=score, tokens=tokens)

    def draw(self, key: PRNGKeyArray, urn: Urn, call: Array) -> tuple[Urn, Array]:
        """See `AbstractSource.draw`."""
        free = ~urn.levels
        up_to = jnp.cumsum(lax.population_count(free), axis=0, dtype=jnp.int32)
        high, low = words_at(key, call, BLOCK)
        rank = draw_below(high, low, up_to[-1])
        word = jnp.sum(up_to <= rank, axis=0, dtype=jnp.int32)
        before = jnp.where(word > 0, jnp.take_along_axis(up_to, jnp.maximum(word - 1, 0)[None], axis=0)[0], 0)
        rank, bits, bit = rank - before, jnp.take_along_axis(free, word[None], axis=0)[0], jnp.zeros_like(word)
        for step in (16, 8, 4, 2, 1):
            lower = lax.population_count((bits >> bit.astype(jnp.uint32)) & np.uint32((1 << step) - 1)).astype(
                jnp.int32
            )
            above = rank >= lower
            rank, bit = jnp.where(above, rank - lower, rank), jnp.where(above, bit + step, bit)
        drawn = jnp.where(
            jnp.arange(len(free), dtype=jnp.int32)[:, None] == word,
            np.uint32(1) << bit.astype(jnp.uint32),
            np.uint32(0),
        )
        place = word * _BITS + bit
        query = urn.edges
        score, tokens = (None if each is None else each[query, place] for each in (self.score, self.tokens))
        return urn._replace(levels=urn.levels | drawn, score=score, tokens=tokens), self.cell[query, place]


def call_source(data: Ballots) -> CallSource:
    """The source that draws recorded calls with what was recorded of each: answer, kept or not, score, tokens."""
    slots = data.counts.shape[1] + 1
    answer = data.call_answers
    recorded = np.arange(answer.shape[1]) < data.calls[:, None]
    cell = np.where(answer < 0, slots - 1, answer)
    if data.kept_counts is not None:
        counts = np.column_stack([data.counts, np.asarray(data.blank)])
        kept = np.column_stack([data.kept_counts, np.asarray(data.kept_blank)])
        # Within an answer the kept calls come first: `place` counts from the first call with the same answer.
        begin = np.cumsum(counts, axis=1) - counts
        place = np.arange(answer.shape[1]) - np.take_along_axis(begin, cell, axis=1)
        cell = cell + slots * (place >= np.take_along_axis(kept, cell, axis=1))
    words = -(-answer.shape[1] // _BITS)
    beyond = np.arange(words * _BITS) >= data.calls[:, None]
    masks = (beyond.reshape(len(data), words, _BITS).astype(np.uint64) << np.arange(_BITS, dtype=np.uint64)).sum(
        axis=-1
    )
    score, tokens = (None if each is None else jnp.asarray(np.nan_to_num(each)) for each in (data.scores, data.tokens))
    return CallSource(
        jnp.asarray(np.where(recorded, cell, 0), jnp.int32),
        score,
        tokens,
        jnp.asarray(masks, jnp.uint32),
        jnp.asarray(data.correct),
        answers=slots - 1,
        groups=1 if data.kept_counts is None else 2,
        blanks=True,
    )


class WeightedState(NamedTuple):
    """The sum of scores of each answer, whether it was given at all, and which answers are right."""

    total: Array
    given: Array
    right: Array


class WeightedCalls(eqx.Module):
    """WeightedVote call by call."""

    def start(self, answers: int) -> WeightedState:
        """No call yet."""
        none = jnp.zeros(answers, bool)
        return WeightedState(jnp.zeros(answers, jnp.float64), none, none)

    def step(self, state: WeightedState, call: Call) -> WeightedState:
        """Add the score of one call to its answer."""
        mine = jnp.arange(len(state.total), dtype=jnp.int32) == call.answer
        total = state.total + jnp.where(mine, call.score, 0.0)
        return WeightedState(total, state.given | mine, state.right | (mine & call.right))

    def score(self, state: WeightedState) -> Array:
        """The share of right answers among those of the largest sum."""
        top = jnp.max(jnp.where(state.given, state.total, -jnp.inf))
        leads = state.given & (state.total == top)
        return jnp.sum(leads & state.right) / jnp.maximum(jnp.sum(leads), 1)
