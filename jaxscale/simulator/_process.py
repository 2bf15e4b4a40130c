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
from jaxscale.simulator._call import Call
from jaxscale.simulator._own import OwnSystem
from jaxscale.simulator._source import AbstractSource, CountedSource, Lanes, Urn

PARTS = 720_720
"""Parts of a score: the least common multiple of 1 to 16."""

_HALF_PARTS_SHIFT = 4
_PAIR_SHIFT = 9
SPREAD_UNIT = 512 * (2**_HALF_PARTS_SHIFT / PARTS) ** 2
"""What one unit of `Tally.spread` is worth for models: E[score (1 - score)]."""
AMOUNT_SHIFT = 31
"""Squares of amounts are summed as multiples of 2^31 and what is left."""
PAIR_UNIT = (2**_PAIR_SHIFT / PARTS) ** 2
"""What one unit of `Tally.spread` is worth for data: squared differences between paired replicates."""


class Tally(NamedTuple):
    """Sums over one block, per budget, that fit int32 unless said otherwise.

    Attributes:
        score: (budgets,) parts of right answers.
        spread: (budgets,) what the standard error needs beyond `score`; see `SPREAD_UNIT` and `PAIR_UNIT`.
        used: (budgets,) calls used, or None where a system uses all of them.
        extremes: (budgets, outputs, 3) the largest of minus a lane's score and calls used, of these themselves, and
            whether any is NaN (1) or none (0); None where nothing can be out of range.

    For amounts in a unit of the user's, `score` counts grains and `spread` is (budgets, 2): squared grains (models) or
    squared differences (data), as multiples of 2^31 and what is left. They are int64.
    """

    score: Array
    spread: Array
    used: Array | None
    extremes: Array | None = None


def combine(first: Tally, second: Tally, numpy: Any = jnp) -> Tally:
    """Sums of two tallies, and the more extreme of their extremes."""
    sums = jax.tree.map(numpy.add, first._replace(extremes=None), second._replace(extremes=None))
    return sums._replace(extremes=jax.tree.map(numpy.maximum, first.extremes, second.extremes))


def all_or_nothing(right: Array) -> Array:
    """The scores, in parts, of outcomes that are right or wrong."""
    return jnp.where(right, jnp.int32(PARTS), 0)


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


def tally_amounts(amount: Int[Array, " lanes"], lanes: Lanes) -> tuple[Array, Array]:
    """Sum of the amounts of a block, in grains, and of the squares that their standard error needs."""
    amount = jnp.where(lanes.counted, amount, 0)
    squared = jnp.square(amount)
    if lanes.paired is not None:
        squared = jnp.where(lanes.paired[0::2], jnp.square(amount[0::2] - amount[1::2]), 0)
    limbs = jnp.stack([squared >> AMOUNT_SHIFT, squared & (2**AMOUNT_SHIFT - 1)], axis=-1)
    return jnp.sum(amount), jnp.sum(limbs, axis=0)


def _extremes(outputs: list[Array], lanes: Lanes) -> Array:
    """The extremes of each output, (outputs, 3), which alone are float64: lanes keep the dtype that the user chose."""

    def of(output: Array) -> Array:
        output = output.astype(jnp.int32) if output.dtype == bool else output
        unknown = jnp.isnan(output) & lanes.counted
        known = jnp.where(lanes.counted & ~unknown, output, 0)
        ends = [-jnp.min(known).astype(jnp.float64), jnp.max(known).astype(jnp.float64)]
        return jnp.stack([*ends, jnp.any(unknown).astype(jnp.float64)])

    return jnp.stack([of(output) for output in outputs])


class AbstractProcess(eqx.Module):
    """A system on a population: how one block of lanes turns into scores."""

    @property
    def own(self) -> OwnSystem | None:
        """The system, where it is the user's own."""
        return None

    @property
    def words(self) -> int:
        """32-bit words that a lane keeps at most, about: the tiles of an accelerator are as large as memory allows."""
        return 8

    @abstractmethod
    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """Simulate 1,024 lanes and sum their scores at every budget."""


class FirstSuccess(AbstractProcess):
    """Solved as soon as a call succeeds: one draw per query serves every budget.

    Args:
        population: anything that `first` understands.
        first: (population, key, lanes) -> the first successful call of each lane, (1024,), not necessarily rounded up.
        counts_calls: whether the calls made until then are counted.
    """

    population: Any
    first: Callable[[Any, PRNGKeyArray, Lanes], Array] = eqx.field(static=True)
    counts_calls: bool = eqx.field(static=True)

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        # Lanes that do not exist are told from the others once, not budget by budget.
        first = jnp.where(lanes.counted, self.first(self.population, key, lanes), jnp.inf)
        first = lax.optimization_barrier(first)
        last = budgets.astype(first.dtype)[:, None]
        solved = _tally_solved(first <= last, lanes)
        if not self.counts_calls:
            return solved
        made = jnp.where(lanes.counted, jnp.minimum(jnp.maximum(jnp.ceil(first), 1), last), 0)
        return solved._replace(used=jnp.sum(made.astype(jnp.int64), axis=1))


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
        return _tally_solved(solved & lanes.counted, lanes)


def _tally_solved(solved: Array, lanes: Lanes) -> Tally:
    """Sums of outcomes that are right or wrong, (budgets, lanes); wrong in lanes that do not exist."""
    if lanes.paired is None:
        score = PARTS * jnp.sum(solved, axis=1, dtype=jnp.int32)
        return Tally(score, jnp.zeros_like(score), None)
    score, spread = jax.vmap(lambda row: tally(all_or_nothing(row), lanes))(solved)
    return Tally(score, spread, None)


class Counting(AbstractProcess):
    """A system that looks only at how often each answer was given: calls are counted, budget by budget."""

    source: CountedSource
    answers: Array
    score: Callable[[Array, Urn, Array, PRNGKeyArray], Array] = eqx.field(static=True)
    parameter: Array

    @property
    def words(self) -> int:
        """See `AbstractProcess.words`."""
        return 8 + self.source.words

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        del budgets
        key_query, key_calls, key_more = jax.random.split(key, 3)

        def upto(state: tuple[Urn, Array], budget: tuple[Array, Array]) -> tuple[tuple[Urn, Array], Any]:
            urn, first = state
            last, parameter = budget
            urn = self.source.count(key_calls, urn, first, last)
            counts = self.source.counts(urn)
            fresh = jax.random.fold_in(key_more, last)
            return (urn, last), tally(self.score(counts, urn, parameter, fresh), lanes)

        start = (self.source.start(key_query, lanes), jnp.int32(0))
        _, (score, spread) = lax.scan(upto, start, (self.answers, self.parameter))
        return Tally(score, spread, None)


class Sequential(AbstractProcess):
    """A system with a step per call, given as functions of a single lane."""

    source: AbstractSource
    system: Any
    counts_calls: bool = eqx.field(static=True)

    @property
    def own(self) -> OwnSystem | None:
        """See `AbstractProcess.own`."""
        return self.system if isinstance(self.system, OwnSystem) else None

    @property
    def words(self) -> int:
        """See `AbstractProcess.words`."""
        state = jax.eval_shape(lambda: self.system.start(self.source.answers))
        return 8 + self.source.words + 2 * sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(state)) // 4

    def block(self, key: PRNGKeyArray, lanes: Lanes, budgets: Int[Array, " budgets"]) -> Tally:
        """See `AbstractProcess.block`."""
        key_query, key_calls, key_system = jax.random.split(key, 3)

        def one(index: Array, state: tuple[Urn, Any]) -> tuple[Urn, Any]:
            urn, own = state
            urn, call = draw_call(self.source, urn, index, key_calls, key_system)
            return urn, jax.vmap(self.system.step)(own, call)

        def upto(state: tuple[Any, Array], last: Array) -> tuple[tuple[Any, Array], Any]:
            inner, first = state
            inner = lax.fori_loop(first, last, one, inner)
            own = inner[1]
            score = jax.vmap(self.system.score)(own)
            used, extremes = None, None
            if self.counts_calls:
                used = jax.vmap(self.system.calls_used)(own)
            if self.own is not None:
                extremes = _extremes([score] if used is None else [score, used], lanes)
            if used is not None:
                used = jnp.sum(jnp.where(lanes.counted, used, 0), dtype=jnp.int64)
            if self.own is None or self.own.grain is None:
                sums = tally(jnp.round(score * PARTS).astype(jnp.int32), lanes)
            else:
                sums = tally_amounts(jnp.round(score / self.own.grain).astype(jnp.int64), lanes)
            return (inner, last), (*sums, used, extremes)

        own = jax.vmap(lambda _: self.system.start(self.source.answers))(jnp.arange(BLOCK))
        start = ((self.source.start(key_query, lanes), own), jnp.int32(0))
        _, tallies = lax.scan(upto, start, budgets.astype(jnp.int32))
        return Tally(*tallies)


def draw_call(
    source: AbstractSource, urn: Urn, index: Array, key_calls: PRNGKeyArray, key_system: PRNGKeyArray
) -> tuple[Urn, Call]:
    """Draw call number `index` of every lane."""
    urn, cell = source.draw(key_calls, urn, index)
    slots = source.answers + source.blanks
    answer = cell % slots
    right = jnp.take_along_axis(urn.right, jnp.minimum(answer, source.answers - 1)[None], axis=0)[0]
    blank = answer == source.answers
    call = Call(
        number=jnp.full(BLOCK, index, jnp.int32),
        answer=jnp.where(blank, -1, answer),
        right=right & ~blank,
        chance=uniform(words_at(key_system, index, BLOCK)[0], jnp.float32),
        kept=cell < slots if source.groups > 1 else None,
        score=urn.score,
        tokens=urn.tokens,
        query=urn.p,
    )
    return urn, call


def call_of(source: AbstractSource) -> Call:
    """Shapes and dtypes of one call from a source."""

    def block(key: PRNGKeyArray) -> Call:
        query = jnp.zeros(BLOCK, jnp.int32)
        urn = source.start(key, Lanes(query, counted=query == 0, paired=None))
        return draw_call(source, urn, jnp.int32(0), key, key)[1]

    calls = jax.eval_shape(block, jax.random.key(0))
    return jax.tree.map(lambda field: jax.ShapeDtypeStruct(field.shape[1:], field.dtype), calls)
