"""Binomial counts: by inversion, from a table, or by transformed rejection."""

import math
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.sampling._bits import (
    BLOCK,
    blocks_at_once,
    deep_uniform,
    first_pending,
    in_blocks,
    random_words,
    threefry,
)
from jaxscale.special import deviance, stirling_error

_SMALL_MEAN = 10.0
_TABLE = 4096
_TABLE_MARGIN = 8
_TABLED_FROM = 2**16
_UNROLLED = {"cpu": 8}
_UNROLLED_ELSEWHERE = 32  # a pass over memory costs more there than what is computed in vain
_POSSIBLE = 1e-12
_ROWS_AT_ONCE = 128
_FIRST_ROUND = (8, 1)  # of the lanes, one in eight tries again at a time, once
_LATER_ROUNDS = (32, 3)
_NEAR = 0.4
_TERMS = 5  # of Stirling's series


def binomial(
    key: PRNGKeyArray, n: ArrayLike | Array, p: ArrayLike | Array, shape: tuple[int, ...] | None = None
) -> Floats:
    """Draw binomial counts, by inversion or by transformed rejection.

    A mean (of successes or of failures) below 10 is inverted by subtraction. Many draws of one n and p look up a table
    of the law, if 10 standard deviations fit into it. What is left draws by rejection. Unless the table serves it, a
    draw depends on the key, its place in the flattened shape and its own n and p alone.

    Args:
        key: a typed JAX key.
        n: number of calls, whole and zero or more (below 2^24 in float32); a scalar or broadcast to `shape`.
        p: success probability in [0, 1]; the same.
        shape: shape of the draw; None: that of `n` and `p` broadcast.

    Returns:
        Counts as whole numbers in the dtype of `n` and `p`. In float32 probabilities are met to about 1e-7.

    Source:
        Kachitvichyanukul and Schmeiser, "Binomial random variate generation", 1988 (BINV); Hörmann, "The generation of
        binomial random variates", 1993 (BTRS), with the probabilities in Loader's saddle-point form.

    Example:
        >>> binomial(jax.random.key(0), jnp.array([0.0, 7.0]), jnp.array([0.5, 1.0])).tolist()
        [0.0, 7.0]
    """
    dtype = jnp.result_type(*promote(n, p))
    n, p = jnp.asarray(n, dtype), jnp.asarray(p, dtype)
    return _binomial(key, n, p, jnp.broadcast_shapes(n.shape, p.shape) if shape is None else shape)


@partial(jax.jit, static_argnames="shape")
def _binomial(key: PRNGKeyArray, n: Array, p: Array, shape: tuple[int, ...]) -> Array:
    if n.ndim or p.ndim or math.prod(shape) < _TABLED_FROM:
        return _in_rows(key, n, p, shape)

    def tabled() -> Array:
        table = _binomial_table(n, jnp.minimum(p, 1 - p))
        count = in_blocks(lambda key, lanes: _look_up(key, lanes, *table), key, (), shape)
        return jnp.where(p > 0.5, n - count, count)

    small = n * jnp.minimum(p, 1 - p) < _SMALL_MEAN
    fits = 10 * jnp.sqrt(n * p * (1 - p)) <= _TABLE - 2 * _TABLE_MARGIN  # not where p is NaN
    return lax.cond(fits & ~small, tabled, lambda: _in_rows(key, n, p, shape))


def _in_rows(key: PRNGKeyArray, n: Array, p: Array, shape: tuple[int, ...]) -> Array:
    """Draw rows of 1,024 lanes, a group of rows at a time, all of a group together: what no lane needs is skipped."""
    size = math.prod(shape)
    lanes = min(size, BLOCK)
    rows = -(-size // BLOCK)
    together = min(rows, _ROWS_AT_ONCE)
    groups = -(-rows // max(together, 1))
    if size == 0:
        return jnp.zeros(shape, p.dtype)
    if str(jax.random.key_impl(key)) != "threefry2x32":
        key = jax.random.wrap_key_data(jax.random.bits(key, (2,), jnp.uint32), impl="threefry2x32")
    # A CPU takes one group at a time, so that what none of its lanes needs is skipped; an accelerator several.
    several = min(max(blocks_at_once() // _ROWS_AT_ONCE, 1), groups)
    steps = -(-groups // several)
    padding = (0, steps * several * together * lanes - size)
    flat = [x if x.ndim == 0 else jnp.broadcast_to(x, shape).reshape(-1) for x in (n, p)]
    own = [x if x.ndim == 0 else jnp.pad(x, padding, "edge").reshape(steps, several * together, lanes) for x in flat]

    def step(state: tuple[Array, list[Array]]) -> Array:
        index, batched = state
        remaining = iter(batched)
        keys = [jax.random.key_data(jax.random.fold_in(key, index * several + place)) for place in range(several)]
        return _draw(
            _Words(jnp.stack(keys), together * lanes),
            (several * together, lanes),
            *(next(remaining) if x.ndim else x for x in own),
        )

    batched = [x for x in own if x.ndim]
    if steps == 1:
        drawn = step((jnp.int32(0), [x[0] for x in batched]))
    else:
        drawn = lax.map(step, (jnp.arange(steps), batched))
    return drawn.reshape(-1)[:size].reshape(shape)


class _Words(NamedTuple):
    """The words of some groups: those of a lane depend on its number alone, wherever it is tried again.

    Attributes:
        keys: (groups, 2) key of each group.
        lanes: number of lanes of a group.
    """

    keys: Array
    lanes: int

    def pair(self, lane: Array, index: Array | int) -> tuple[Array, Array]:
        index = jnp.broadcast_to(jnp.asarray(index, jnp.uint32), lane.shape)
        if len(self.keys) == 1:
            return threefry(self.keys[0, 0], self.keys[0, 1], lane, index)
        group, lane = (lane // np.uint32(self.lanes)).astype(jnp.int32), lane % np.uint32(self.lanes)
        key_0, key_1 = (part.at[group].get(mode="promise_in_bounds") for part in self.keys.T)
        return threefry(key_0, key_1, lane, index)


def _draw(words: _Words, shape: tuple[int, int], n: Array, p: Array) -> Array:
    # Scalars stay scalars: gathering parameters for the lanes that try again takes time.
    rarer = jnp.minimum(p, 1 - p)
    small = ~(n * rarer >= _SMALL_MEAN)
    lane = lax.iota(jnp.uint32, shape[0] * shape[1]).reshape(shape)

    def invert(_: Array) -> Array:
        inverted = (jnp.broadcast_to(jnp.where(small, x, 0.0), shape) for x in (n, rarer))
        return _invert(deep_uniform(*words.pair(lane, 0), p.dtype), *inverted)

    def reject(few: Array) -> Array:
        # Small lanes take the parameters of a fair coin, whatever they then propose is not used.
        law = _Law.of(jnp.where(small, 100.0, n), jnp.where(small, 0.5, rarer))
        return jnp.where(small, few, _reject(words, lane, law, jnp.broadcast_to(small, shape)))

    few = lax.cond(jnp.any(small), invert, lambda zeros: zeros, jnp.zeros(shape, p.dtype))
    count = lax.cond(jnp.all(small), lambda few: few, reject, few)
    return jnp.where(p > 0.5, n - count, count)


class _Law(NamedTuple):
    """A binomial law with p <= 1/2 and n p >= 10, and the hat of BTRS over it."""

    n: Array
    p: Array
    mean: Array
    variance: Array
    a: Array
    b: Array
    scale: Array

    @classmethod
    def of(cls, n: Array, p: Array) -> "_Law":
        mean = n * p
        variance = mean * (1 - p)
        spread = jnp.sqrt(variance)
        b = 1.15 + 2.53 * spread
        return cls(n, p, mean, variance, -0.0873 + 0.0248 * b + 0.01 * p, b, (2.83 + 5.1 / b) * spread)


def _reject(words: _Words, lane: Array, law: _Law, done: Array) -> Array:
    """An accepted proposal for each lane that is not done.

    All lanes propose once, on a CPU without a logarithm: those that need one, and those that are rejected, are
    gathered, a fixed share of each row at a time, until none is left.
    """
    rows, lanes = lane.shape
    # An accelerator computes logarithms faster than it gathers the lanes that need one: the same lanes accept.
    on_cpu = jax.default_backend() == "cpu"
    count, accepted, decided = _propose(words, lane, jnp.uint32(0), law, logarithms=not on_cpu)
    # The number of proposals that a lane has used up; -1 where it is done.
    tried = jnp.where(done | accepted, jnp.int32(-1), decided.astype(jnp.int32))
    state = lax.optimization_barrier((count, tried))
    start = lax.broadcasted_iota(jnp.int32, (rows, 1), 0) * lanes

    def again(slots: int, tries: int, state: tuple[Array, Array]) -> tuple[Array, Array]:
        count, tried = state
        column = lax.optimization_barrier(jax.vmap(lambda row: first_pending(row >= 0, slots))(tried))
        place = (start + jnp.minimum(column, lanes - 1)).reshape(-1)
        taken = [x if x.ndim == 0 else x.reshape(-1).at[place].get(mode="promise_in_bounds") for x in (law.n, law.p)]
        taken, used, place = lax.optimization_barrier(
            (taken, tried.reshape(-1).at[place].get(mode="promise_in_bounds"), place)
        )
        several = [x if x.ndim == 0 else jnp.tile(x, tries) for x in taken]
        attempt = jnp.concatenate([used + index for index in range(tries)]).astype(jnp.uint32)
        numbers = jnp.tile(lane.reshape(-1).at[place].get(mode="promise_in_bounds"), tries)
        proposed, accepted, _ = _propose(words, numbers, attempt, _Law.of(*several), logarithms=True)
        proposed, accepted = (x.reshape(tries, -1) for x in lax.optimization_barrier((proposed, accepted)))
        value, any_accepted = proposed[0], accepted[0]
        for index in range(1, tries):
            value = jnp.where(any_accepted, value, proposed[index])
            any_accepted = any_accepted | accepted[index]
        value, used = lax.optimization_barrier((value, jnp.where(any_accepted, -1, used + tries)))
        target = jnp.where((column < lanes).reshape(-1), place, rows * lanes)
        return (
            count.reshape(-1).at[target].set(value, mode="drop").reshape(rows, lanes),
            tried.reshape(-1).at[target].set(used, mode="drop").reshape(rows, lanes),
        )

    def slots(share: int) -> int:
        return max(lanes // share, min(lanes, 8))

    (first, once), (later, thrice) = _FIRST_ROUND, _LATER_ROUNDS

    def many(state: tuple[Array, Array]) -> Array:
        return jnp.max(jnp.sum(state[1] >= 0, axis=1, dtype=jnp.int32)) > slots(later)

    state = lax.while_loop(many, partial(again, slots(first), once), state)
    return lax.while_loop(lambda state: jnp.any(state[1] >= 0), partial(again, slots(later), thrice), state)[0]


def _propose(words: _Words, lane: Array, attempt: Array, law: _Law, logarithms: bool) -> tuple[Array, Array, Array]:
    """A proposal of BTRS, whether it is accepted, and, without logarithms, whether that could be decided.

    The hat is as high as the normal density at the mean, not as the mode's probability: it lies above the law all the
    same. The two sides of the test are squared, which spares square roots.
    """
    dtype = law.p.dtype
    words_u, words_v = words.pair(lane, 2 * attempt), words.pair(lane, 2 * attempt + np.uint32(1))
    edge = deep_uniform(words_u[0] & np.uint32(2**31 - 1), words_u[1], dtype)  # up to 1/2
    distance = (2 * law.a / edge + law.b) * (0.5 - edge)
    k = jnp.floor(jnp.where(words_u[0] < np.uint32(2**31), distance, -distance) + law.mean + 0.5)
    inside = (k >= 0) & (k <= law.n)
    k = jnp.where(inside, k, 0.0)
    square = edge * edge
    height = deep_uniform(*words_v, dtype) * law.scale * square / (law.a + law.b * square)

    surprise, near = _surprise(k, law, logarithms)
    zero = 1 / (2 * math.pi)
    left = height * height * jnp.maximum(k, zero) * jnp.maximum(law.n - k, zero)
    accepted = inside & ~(left >= law.variance * law.n * jnp.exp(-2 * surprise))
    decided = ~inside | near
    return k, accepted & decided, decided


def _surprise(k: Array, law: _Law, logarithms: bool) -> tuple[Array, Array]:
    """The S in P(k) = sqrt(n / (2 pi k (n - k))) exp(-S), and whether it holds: with logarithms it does for every k."""
    rest, off = law.n - k, k - law.mean
    deviance, near = _near_deviance(off, k, law.mean, logarithms)
    deviance_rest, near_rest = _near_deviance(-off, rest, law.n - law.mean, logarithms)
    correction = _error(k) + _error(rest) - _error(law.n)
    return deviance + deviance_rest + correction, near & near_rest


def _near_deviance(off: Array, x: Array, mean: Array, logarithms: bool) -> tuple[Array, Array]:
    """x log(x / mean) + mean - x, by a series in (x - mean) / (x + mean) near the mean, and whether it holds."""
    ratio = off / (x + mean)
    square = ratio * ratio
    near = jnp.abs(ratio) < _NEAR
    series = jnp.zeros_like(square)
    for power in reversed(range(12 if off.dtype == jnp.float64 else 8)):
        series = series * square + 1 / (2 * power + 3)
    deviance = ratio * (off + 2 * x * square * series)
    if not logarithms:
        return deviance, near
    return jnp.where(near, deviance, x * jnp.log(jnp.maximum(x, 0.5) / mean) - off), jnp.ones_like(near)


def _binomial_table(n: Array, p: Array) -> tuple[Array, Array, Array]:
    """The tails of a binomial law (p <= 1/2), each summed from its far end up to the median and beyond.

    Returns:
        The first count of the lower tail, the last of the upper one, and (2, 4096) P(at most first + i) and
        P(at least last - i): relative precision holds in both tails.
    """
    middle = jnp.floor(n * p)  # the median is this or the next
    steps = lax.iota(p.dtype, _TABLE)
    first = jnp.maximum(middle - (_TABLE - _TABLE_MARGIN), 0.0)
    last = jnp.minimum(middle + (_TABLE - _TABLE_MARGIN), n)
    k = jnp.stack([first + steps, last - steps])
    possible = (k >= 0) & (k <= n) & ((p > 0) | (k == 0))
    k = jnp.where(possible, k, 0.0)
    mass = jnp.where(possible, jnp.exp(_excess(n) + log_weight(k, n, p)), 0.0)
    return first, last, jnp.cumsum(mass, axis=1).reshape(-1)


def _look_up(key: PRNGKeyArray, lanes: int, first: Array, last: Array, tails: Array) -> Array:
    """Counts by inversion of the tail that a coin chooses, found by bisection."""
    high, low = random_words(key, 2, lanes)
    side = (high >> np.uint32(31)).astype(jnp.int32)
    chance = deep_uniform(high & np.uint32(2**31 - 1), low, tails.dtype)  # up to 1/2
    start, place = side * _TABLE, jnp.zeros(lanes, jnp.int32)
    step = _TABLE // 2
    while step:
        passed = tails.at[start + place + (step - 1)].get(mode="promise_in_bounds") < chance
        place = jnp.where(passed, place + step, place)
        step //= 2
    steps = place.astype(tails.dtype)
    return jnp.where(side == 0, first + steps, last - steps)


def _invert(chance: Array, n: Array, p: Array) -> Array:
    """Binomial counts of small mean, p <= 1/2, by subtracting probabilities from a uniform until none of it is left."""
    ratio = p / (1 - p)
    probability = jnp.exp(n * jnp.log1p(-p))

    unrolled = _UNROLLED.get(jax.default_backend(), _UNROLLED_ELSEWHERE)

    def unfinished(state: tuple[Array, Array, Array, Array]) -> Array:
        return jnp.any(state[2] > 0)

    def subtract(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        k, count, left, probability = state
        for step in range(unrolled):
            # What rounding leaves at the end of the tail is dropped: a count depends on no other lane's.
            left = jnp.where(probability > _POSSIBLE, left - probability, 0.0)
            count = count + (left > 0)
            # Never below zero beyond n.
            probability = probability * (jnp.maximum(n - (k + step), 0.0) / (k + step + 1) * ratio)
        return k + unrolled, count, left, probability

    # A NaN probability makes a NaN count.
    state = (jnp.zeros((), p.dtype), 0.0 * probability, chance, probability)
    return jnp.minimum(lax.while_loop(unfinished, subtract, state)[1], n)


def log_weight(k: Array, n: Array, p: Array) -> Array:
    """Log of the binomial probability of k, less a term that depends on n alone (Loader, 2000)."""
    return -(_excess(k) + _excess(n - k) + deviance(k, n * p) + deviance(n - k, n * (1 - p)))


def _excess(k: Array) -> Array:
    """log k! - k log k + k, for whole k >= 0."""
    return _error(k) + jnp.where(k > 0, 0.5 * jnp.log(2 * math.pi * jnp.maximum(k, 1.0)), 0.0)


def _error(k: Array) -> Array:
    return stirling_error(k, whole=True, terms=_TERMS)
