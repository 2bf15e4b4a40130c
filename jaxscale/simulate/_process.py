"""What happens in one block of lanes: from a population and a system to scores per budget.

A score is the share of a right answer in [0, 1], in whole parts of `PARTS`, so that sums are exact and the same in
every order. `PARTS` is divisible by 1 to 16: an answer that is right among up to 16 tied leaders has an exact score.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Int, PRNGKeyArray

from jaxscale.sampling import BLOCK, exponential, random_words, uniform, words_at
from jaxscale.simulate._source import AbstractSource, Lanes, Urn

PARTS = 720_720
"""Parts of a score: the least common multiple of 1 to 16."""

_HALF_PARTS_SHIFT = 4
_PAIR_SHIFT = 9
SPREAD_UNIT = 512 * (2**_HALF_PARTS_SHIFT / PARTS) ** 2
"""What one unit of `Tally.spread` is worth for models: E[score (1 - score)]."""
PAIR_UNIT = (2**_PAIR_SHIFT / PARTS) ** 2
"""What one unit of `Tally.spread` is worth for data: squared differences between paired replicates."""


class Tally(NamedTuple):
    """Sums over one block, per budget, that fit int32.

    Attributes:
        score: (budgets,) parts of right answers.
        spread: (budgets,) what the standard error needs beyond `score`; see `SPREAD_UNIT` and `PAIR_UNIT`.
        used: (budgets,) calls used, or None where a system uses all of them.
    """

    score: Array
    spread: Array
    used: Array | None


def tally(score: Int[Array, " lanes"], lanes: Lanes) -> tuple[Array, Array]:
    """Sum of the scores of a block, and of their spread."""
    score = jnp.where(lanes.counted, score, 0)
    if lanes.paired is not None:
        difference = jnp.abs(score[0::2] - score[1::2]) >> _PAIR_SHIFT
        spread = jnp.where(lanes.paired[0::2], difference * difference, 0)
    else:
        part = score >> _HALF_PARTS_SHIFT
        spread = (part * ((PARTS >> _HALF_PARTS_SHIFT) - part)) >> 9
    return jnp.sum(score, dtype=jnp.int32), jnp.sum(spread, dtype=jnp.int32)


class AbstractProcess(eqx.Module):
    """A system on a population: how one block of lanes turns into scores."""

    @abstractmethod
    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """Simulate 1,024 lanes and sum their scores at every budget."""


class FirstSuccess(AbstractProcess):
    """Solved as soon as a call succeeds: one draw per query serves every budget.

    Args:
        population: anything that `first` understands.
        first: (population, key, lanes) -> the first successful call of each lane, (1024,), not necessarily rounded up.
    """

    population: Any
    first: Callable[[Any, PRNGKeyArray, Lanes], Array] = eqx.field(static=True)

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        first = lax.optimization_barrier(self.first(self.population, key, lanes))
        return _tally_solved(first <= budgets.astype(first.dtype)[:, None], lanes)


def first_of_independent(
    chance: Callable[[Any, PRNGKeyArray, Lanes], tuple[Array, Array]],
) -> Callable[[Any, PRNGKeyArray, Lanes], Array]:
    """`FirstSuccess.first` of calls that are independent given the query, whose (log p, log(1 - p)) `chance` draws."""

    def first(population: Any, key: PRNGKeyArray, lanes: Lanes) -> Array:
        key_query, key_outcome = jax.random.split(key)
        _, log1m_p = chance(population, key_query, lanes)
        high, low = random_words(key_outcome, 2, BLOCK)
        return exponential(high, low, log1m_p.dtype) / jnp.abs(log1m_p)

    return first


class VerifiedFirst(AbstractProcess):
    """BestOfN of independent calls. An answer drawn among the accepted has the law of the first accepted one.

    Args:
        population: anything that `chance` understands.
        tpr: true-positive rate of the verifier.
        fpr: false-positive rate of it.
        chance: (population, key, lanes) -> (log p, log(1 - p)).
    """

    population: Any
    tpr: Array
    fpr: Array
    chance: Callable[[Any, PRNGKeyArray, Lanes], tuple[Array, Array]] = eqx.field(static=True)

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        key_query, key_outcome = jax.random.split(key)
        log_p, log1m_p = self.chance(self.population, key_query, lanes)
        p, q = jnp.exp(log_p), jnp.exp(log1m_p)
        tpr, fpr = self.tpr.astype(p.dtype), self.fpr.astype(p.dtype)
        accepted, rejected = p * tpr + q * fpr, p * (1 - tpr) + q * (1 - fpr)
        high, low, word_accepted, word_rejected = random_words(key_outcome, 4, BLOCK)
        likely = accepted > 0.5
        log_rejected = jnp.where(likely, jnp.log(rejected), jnp.log1p(-jnp.where(likely, 0.5, accepted)))
        first = exponential(high, low, p.dtype) / jnp.abs(log_rejected)
        right_if_accepted = uniform(word_accepted, p.dtype) * accepted <= p * tpr
        right_if_none = uniform(word_rejected, p.dtype) * rejected <= p * (1 - tpr)
        solved = jnp.where(first <= budgets.astype(p.dtype)[:, None], right_if_accepted, right_if_none)
        return _tally_solved(solved, lanes)


def _tally_solved(solved: Array, lanes: Lanes) -> Tally:
    """Sums of outcomes that are right or wrong, (budgets, lanes)."""
    if lanes.paired is None:
        score = PARTS * jnp.sum(solved & lanes.counted, axis=1, dtype=jnp.int32)
        return Tally(score, jnp.zeros_like(score), None)
    score, spread = jax.vmap(lambda row: tally(jnp.where(row, PARTS, 0), lanes))(solved)
    return Tally(score, spread, None)


class Counting(AbstractProcess):
    """A system that looks only at how often each answer was given: calls are counted, budget by budget."""

    source: AbstractSource
    answers: Array
    score: Callable[[Array, Urn, Array, PRNGKeyArray], Array] = eqx.field(static=True)
    parameter: Array

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        del budgets
        key_query, key_calls, key_more = jax.random.split(key, 3)

        def upto(state: tuple[Urn, Array], budget: tuple[Array, Array]) -> tuple[tuple[Urn, Array], Any]:
            urn, first = state
            last, parameter = budget
            urn = self.source.count(key_calls, urn, first, last)
            counts = self.source.counts(urn, last)
            fresh = jax.random.fold_in(key_more, last)
            return (urn, last), tally(self.score(counts, urn, parameter, fresh), lanes)

        start = (self.source.start(key_query, lanes), jnp.int32(0))
        _, (score, spread) = lax.scan(upto, start, (self.answers, self.parameter))
        return Tally(score, spread, None)


class Call(NamedTuple):
    """One call, as a system's step sees it.

    Attributes:
        number: which call of its query, from 0; int32.
        answer: which answer it gave, from 0, or -1 for none; int32.
        right: whether that answer is right.
        kept: whether a filter kept it (True where there is no filter).
        score: the score that was recorded for it, NaN where there is none.
        chance: a uniform number in (0, 1] for the system's own randomness, float32.
    """

    number: Array
    answer: Array
    right: Array
    kept: Array
    score: Array
    chance: Array


class Sequential(AbstractProcess):
    """A system with a step per call, given as functions of a single lane."""

    source: AbstractSource
    system: Any
    counts_calls: bool = eqx.field(static=True)

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        key_query, key_calls, key_system = jax.random.split(key, 3)
        slots = self.source.answers + self.source.blanks

        def one(index: Array, state: tuple[Urn, Any]) -> tuple[Urn, Any]:
            urn, own = state
            urn, cell = self.source.draw(key_calls, urn, index)
            answer = cell % slots
            right = jnp.take_along_axis(urn.right, jnp.minimum(answer, self.source.answers - 1)[None], axis=0)[0]
            blank = answer == self.source.answers
            chance = uniform(words_at(key_system, index, BLOCK)[0], jnp.float32)
            call = Call(
                number=jnp.full(BLOCK, index, jnp.int32),
                answer=jnp.where(blank, -1, answer),
                right=right & ~blank,
                kept=cell < slots,
                score=jnp.full(BLOCK, jnp.nan) if urn.score is None else urn.score,
                chance=chance,
            )
            return urn, jax.vmap(self.system.step)(own, call)

        def upto(state: tuple[Any, Array], last: Array) -> tuple[tuple[Any, Array], Any]:
            inner, first = state
            inner = lax.fori_loop(first, last, one, inner)
            own = inner[1]
            score = jax.vmap(self.system.score)(own)
            parts = jnp.round(score * PARTS).astype(jnp.int32)
            used = None
            if self.counts_calls:
                used = jnp.sum(jnp.where(lanes.counted, jax.vmap(self.system.calls_used)(own), 0))
            return (inner, last), (*tally(parts, lanes), used)

        own = jax.vmap(lambda _: self.system.start(self.source.answers))(jnp.arange(BLOCK))
        start = ((self.source.start(key_query, lanes), own), jnp.int32(0))
        _, tallies = lax.scan(upto, start, budgets.astype(jnp.int32))
        return Tally(*tallies)
