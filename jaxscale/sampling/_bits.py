"""Random words, and what every sampler makes of them: uniforms, normals, exponentials, rejection.

Throughput is the point. XLA fuses a counter-based generator written in plain operations with whatever consumes its
words, so the words never reach memory; and lanes that a proposal rejects are gathered before they are tried again.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Int, PRNGKeyArray, UInt32

from jaxscale._arrays import Floats, promoting

BLOCK = 1024
"""Lanes that one key serves: whatever is larger is drawn block by block, so that memory stays bounded."""

_BLOCKS_AT_ONCE = {"cpu": 64}
_BLOCKS_ELSEWHERE = 32_768
_TRIES = 3
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def words_at(
    key: PRNGKeyArray, index: Array | int, lanes: int
) -> tuple[UInt32[Array, "*lanes"], UInt32[Array, "*lanes"]]:
    """Two arrays of uniform 32-bit words, the `index`-th pair of those that a key holds.

    A threefry key is read with the threefry function itself, two words a call (`jax.random.bits` folds the two into
    one); a key of any other kind goes through `jax.random.bits`.

    Args:
        key: a typed JAX key.
        index: which pair, below 2^32; may be traced.
        lanes: length of each array, below 2^32.

    Returns:
        Two arrays of shape (lanes,).
    """
    if str(jax.random.key_impl(key)) != "threefry2x32":
        first, second = jax.random.bits(jax.random.fold_in(key, index), (2, lanes), jnp.uint32)
        return first, second
    key_0, key_1 = jax.random.key_data(key)
    counter = lax.iota(jnp.uint32, lanes)
    return threefry(key_0, key_1, counter, jnp.full_like(counter, index))


def random_words(key: PRNGKeyArray, count: int, lanes: int) -> list[UInt32[Array, "*lanes"]]:
    """The first `count` arrays of words that a key holds; see `words_at`."""
    pairs = [words_at(key, index, lanes) for index in range((count + 1) // 2)]
    return [word for pair in pairs for word in pair][:count]


@jax.jit  # traced once a shape, however often a sampler calls it
def threefry(key_0: Array, key_1: Array, x0: Array, x1: Array) -> tuple[Array, Array]:
    """Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), unrolled."""
    keys = (key_0, key_1, key_0 ^ key_1 ^ np.uint32(0x1BD11BDA))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for group in range(5):
        for rotation in _ROTATIONS[group % 2]:
            x0 = x0 + x1
            x1 = x0 ^ ((x1 << np.uint32(rotation)) | (x1 >> np.uint32(32 - rotation)))
        x0 = x0 + keys[(group + 1) % 3]
        x1 = x1 + keys[(group + 2) % 3] + np.uint32(group + 1)
    return x0, x1


def uniform(word: UInt32[Array, "*lanes"], dtype: Any) -> Floats:
    """Uniform numbers in (0, 1] with the resolution of one word, 2^-32: enough to decide whether to accept."""
    return (word.astype(dtype) + 0.5) * 2.0**-32


def deep_uniform(high: UInt32[Array, "*lanes"], low: UInt32[Array, "*lanes"], dtype: Any) -> Floats:
    """Uniform numbers in (0, 1] from two words, with full relative precision down to 2^-65: for logarithms."""
    return (high.astype(dtype) + uniform(low, dtype)) * 2.0**-32


def exponential(high: UInt32[Array, "*lanes"], low: UInt32[Array, "*lanes"], dtype: Any) -> Floats:
    """Standard exponential numbers with full relative precision at zero and in the tail (up to 45)."""
    in_tail = high < np.uint32(2**31)
    small = jnp.where(in_tail, deep_uniform(high, low, dtype), deep_uniform(~high, ~low, dtype))
    return -jnp.where(in_tail, jnp.log(small), jnp.log1p(-small))


def normals(radius: Floats, angle: UInt32[Array, "*lanes"]) -> tuple[Floats, Floats]:
    """Two independent standard normals from a uniform and a word (Box and Muller, 1958).

    Three bits of the word choose one of the eight octants that signs and an exchange give; the others are the angle
    within it, where short Taylor series are exact to rounding.
    """
    dtype = radius.dtype
    length = jnp.sqrt(-2.0 * jnp.log(radius))
    theta = ((angle >> np.uint32(3)).astype(dtype) + 0.5) * (math.pi / 4 * 2.0**-29)
    square = theta * theta
    sine, cosine = jnp.zeros_like(theta), jnp.zeros_like(theta)
    for power in reversed(range(8 if dtype == jnp.float64 else 5)):
        sine = sine * square + (-1) ** power / math.factorial(2 * power + 1)
        cosine = cosine * square + (-1) ** power / math.factorial(2 * power)
    sine = sine * theta
    exchange = (angle & np.uint32(1)) == 0
    x, y = jnp.where(exchange, sine, cosine), jnp.where(exchange, cosine, sine)
    x = jnp.where((angle & np.uint32(2)) == 0, x, -x)
    y = jnp.where((angle & np.uint32(4)) == 0, y, -y)
    return length * x, length * y


def blocks_at_once() -> int:
    """How many blocks make one step: what a CPU's caches hold, or what keeps all of an accelerator busy.

    The draws are the same: a block has a key of its own.
    """
    return _BLOCKS_AT_ONCE.get(jax.default_backend(), _BLOCKS_ELSEWHERE)


@promoting()
def in_blocks(draw: Callable[..., Any], key: PRNGKeyArray, parameters: Sequence[Array], shape: tuple[int, ...]) -> Any:
    """Draw `shape` values block by block of 1,024 lanes, each with its own key.

    Args:
        draw: (key, lanes, *parameters) -> a pytree of arrays of shape (lanes,).
        key: a typed JAX key.
        parameters: each a scalar, or something that broadcasts to `shape`.
        shape: of the result.

    Returns:
        What `draw` returns, every array in `shape`.

    Raises:
        ValueError: if a parameter does not broadcast to `shape`.
    """
    size = math.prod(shape)
    flat = [p if p.ndim == 0 else jnp.broadcast_to(p, shape).reshape(-1) for p in parameters]
    if size <= BLOCK:
        return jax.tree.map(lambda x: x.reshape(shape), draw(key, size, *flat))
    blocks = -(-size // BLOCK)
    rows = [p if p.ndim == 0 else jnp.pad(p, (0, blocks * BLOCK - size), "edge").reshape(blocks, BLOCK) for p in flat]
    batched = [row for row in rows if row.ndim]

    def one(block: tuple[Array, list[Array]]) -> Any:
        index, own = block
        remaining = iter(own)
        return draw(jax.random.fold_in(key, index), BLOCK, *(next(remaining) if p.ndim else p for p in rows))

    blocked, at_once = (jnp.arange(blocks), batched), blocks_at_once()
    drawn = jax.vmap(one)(blocked) if blocks <= at_once else lax.map(one, blocked, batch_size=at_once)
    return jax.tree.map(lambda x: x.reshape(-1)[:size].reshape(shape), drawn)


compiled_in_blocks = jax.jit(in_blocks, static_argnames=("draw", "shape"))
"""The same for a `draw` of a module: one program, traced once a shape, however often it is called."""


def rejection(
    key: PRNGKeyArray,
    lanes: int,
    propose: Callable[..., tuple[Array, Bool[Array, " lanes"]]],
    words: int,
    parameters: Sequence[Array] = (),
    at_once: int = 16,
) -> Array:
    """One accepted proposal per lane.

    All lanes propose once; those still pending are then gathered, a fixed share at a time, propose three times in one
    go, and put the first accepted value back, until none is left.

    Args:
        key: a typed JAX key, used up by this call.
        lanes: how many values.
        propose: (list of word arrays, *parameters) -> (values, accepted). An accepted value is below inf. A proposal
            that NaN parameters make meaningless has to count as accepted, or the loop would not end.
        words: how many words `propose` needs per lane.
        parameters: scalars or arrays of shape (lanes,).
        at_once: one lane in this many is tried again at a time: about the reciprocal of the share rejected.

    Returns:
        Array of shape (lanes,).
    """
    key_first, key_again = jax.random.split(key)
    slots = max(lanes // at_once, min(lanes, 8))

    def tried(drawn: list[Array], own: Sequence[Array]) -> Array:
        # One array, inf where the proposal is rejected: of two, XLA draws most of the words of both twice.
        values, accepted = propose(drawn, *own)
        return lax.optimization_barrier(jnp.where(accepted, values, jnp.inf))

    def again(state: tuple[Array, Array]) -> tuple[Array, Array]:
        attempt, values = state
        lane = first_pending(values == jnp.inf, slots)
        own = [p if p.ndim == 0 else jnp.tile(p.at[lane].get(mode="clip"), _TRIES) for p in parameters]
        drawn = random_words(jax.random.fold_in(key_again, attempt), words, slots * _TRIES)
        value, *others = tried(drawn, own).reshape(_TRIES, slots)
        for other in others:
            value = jnp.where(value == jnp.inf, other, value)
        return attempt + 1, values.at[lane].set(value, mode="drop")

    start = (jnp.int32(0), tried(random_words(key_first, words, lanes), parameters))
    return lax.while_loop(lambda state: jnp.any(state[1] == jnp.inf), again, start)[1]


def first_pending(pending: Bool[Array, " lanes"], size: int) -> Int[Array, " size"]:
    """The positions of `size` true lanes, or the number of lanes where there are fewer.

    Lanes are packed as bits into words, so that ranks come from population counts: a cumulative sum and a scatter over
    all lanes would cost more than the proposals they save.
    """
    lanes = pending.shape[0]
    groups = -(-lanes // 32)
    bits = jnp.pad(pending, (0, groups * 32 - lanes)).reshape(32, groups).astype(jnp.uint32)
    packed = jnp.sum(bits << lax.iota(jnp.uint32, 32)[:, None], axis=0, dtype=jnp.uint32)
    counts = lax.population_count(packed).astype(jnp.int32)
    earlier = lax.broadcasted_iota(jnp.int32, (groups, groups), 0) <= lax.broadcasted_iota(
        jnp.int32, (groups, groups), 1
    )
    # Without their dtype NumPy's rule would make the sums int64 in float64, and gathers by them half as fast.
    up_to = jnp.sum(jnp.where(earlier, counts[:, None], 0), axis=0, dtype=jnp.int32)
    slot = lax.iota(jnp.int32, size)
    group = jnp.sum(up_to[:, None] <= slot, axis=0, dtype=jnp.int32)
    found = group < groups
    group = jnp.minimum(group, groups - 1)
    rank = slot - (up_to - counts)[group]
    word, bit = packed[group], jnp.zeros_like(slot)
    for step in (16, 8, 4, 2, 1):
        below = (word >> bit.astype(jnp.uint32)) & np.uint32((1 << step) - 1)
        count = lax.population_count(below).astype(jnp.int32)
        above = rank >= count
        rank, bit = jnp.where(above, rank - count, rank), jnp.where(above, bit + step, bit)
    return jnp.where(found, bit * groups + group, lanes)
