"""Recorded calls that carry a score: drawn without replacement one by one, each call with its own identity."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, PRNGKeyArray

from jaxscale.data import Ballots
from jaxscale.sampling import BLOCK, words_at
from jaxscale.simulate._process import Call
from jaxscale.simulate._source import AbstractSource, Lanes, Urn, draw_below

_BITS = 32


class ScoredSource(AbstractSource):
    """Recorded calls with scores. An urn's levels are bit masks of the calls already drawn, 32 to a word.

    Args:
        answer: (queries, calls) the answer of each recorded call, the number of answers for a blank one.
        score: (queries, calls) its score.
        used: (queries, words) masks at the start: what lies beyond a query's calls counts as drawn.
        right: (queries, answers) which answers are right.
    """

    answer: Array
    score: Array
    used: Array
    right: Array

    def start(self, key: PRNGKeyArray, lanes: Lanes) -> Urn:
        """See `AbstractSource.start`."""
        del key
        used = self.used[lanes.query].T
        return Urn(used, lanes.query, self.right[lanes.query].T, score=jnp.zeros(BLOCK, self.score.dtype))

    def count(self, key: PRNGKeyArray, urn: Urn, first: Array, last: Array) -> Urn:
        """See `AbstractSource.count`."""
        return lax.fori_loop(first, last, lambda call, urn: self.draw(key, urn, call)[0], urn)

    def draw(self, key: PRNGKeyArray, urn: Urn, call: Array) -> tuple[Urn, Array]:
        """See `AbstractSource.draw`."""
        free = ~urn.levels
        up_to = jnp.cumsum(lax.population_count(free).astype(jnp.int32), axis=0)
        high, low = words_at(key, call, BLOCK)
        rank = draw_below(high, low, up_to[-1])
        word = jnp.sum((up_to <= rank).astype(jnp.int32), axis=0)
        before = jnp.where(word > 0, jnp.take_along_axis(up_to, jnp.maximum(word - 1, 0)[None], axis=0)[0], 0)
        rank, bits, bit = rank - before, jnp.take_along_axis(free, word[None], axis=0)[0], jnp.zeros_like(word)
        for step in (16, 8, 4, 2, 1):
            lower = lax.population_count((bits >> bit.astype(jnp.uint32)) & np.uint32((1 << step) - 1)).astype(
                jnp.int32
            )
            above = rank >= lower
            rank, bit = jnp.where(above, rank - lower, rank), jnp.where(above, bit + step, bit)
        drawn = jnp.where(jnp.arange(len(free))[:, None] == word, np.uint32(1) << bit.astype(jnp.uint32), np.uint32(0))
        place = word * _BITS + bit
        query = urn.edges
        return urn._replace(levels=urn.levels | drawn, score=self.score[query, place]), self.answer[query, place]

    def counts(self, urn: Urn, calls: Array) -> Array:
        """Not known: only the calls themselves are."""
        raise NotImplementedError("calls with scores are drawn one by one")


def scored_source(data: Ballots) -> ScoredSource:
    """The source that draws recorded calls with their scores.

    Raises:
        ValueError: if there are no scores.
    """
    if data.scores is None:
        raise ValueError("WeightedVote on ballots without scores: expected `scores`")
    answers = data.counts.shape[1]
    answer = np.where(data.call_answers < 0, answers, data.call_answers)
    words = -(-answer.shape[1] // _BITS)
    beyond = np.arange(words * _BITS) >= data.calls[:, None]
    masks = (beyond.reshape(len(data), words, _BITS).astype(np.uint64) << np.arange(_BITS, dtype=np.uint64)).sum(
        axis=-1
    )
    return ScoredSource(
        jnp.asarray(answer, jnp.int32),
        jnp.asarray(np.nan_to_num(data.scores)),
        jnp.asarray(masks, jnp.uint32),
        jnp.asarray(data.correct),
        answers=answers,
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
        mine = jnp.arange(len(state.total)) == call.answer
        total = state.total + jnp.where(mine, call.score, 0.0)
        return WeightedState(total, state.given | mine, state.right | (mine & call.right))

    def score(self, state: WeightedState) -> Array:
        """The share of right answers among those of the largest sum."""
        top = jnp.max(jnp.where(state.given, state.total, -jnp.inf))
        leads = state.given & (state.total == top)
        return jnp.sum(leads & state.right) / jnp.maximum(jnp.sum(leads), 1)
