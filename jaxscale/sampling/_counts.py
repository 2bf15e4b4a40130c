"""First successes, binomial, multinomial and hypergeometric counts, and single calls."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.sampling._bits import deep_uniform, exponential, in_blocks, random_words, rejection, uniform

_SMALL_MEAN = 10.0
_TABLE = 4096
_TABLE_MARGIN = 8
_TABLED_FROM = 2**16
_UNROLLED = 8
_SERIES_FROM = 16
# log k! - k log k + k for k below 16, where Stirling's series is not yet exact.
_EXCESS = np.array([math.lgamma(k + 1) - (k * math.log(k) if k else 0.0) + k for k in range(_SERIES_FROM)])


def first_success(key: PRNGKeyArray, log1m_p: ArrayLike | Array, shape: tuple[int, ...] | None = None) -> Floats:
    """Draw the index of a query's first successful call, counted from 1: one draw gives pass@k for every k.

    It is max(1, ceil(E / -log(1 - p))), E a standard exponential.

    Args:
        key: a typed JAX key.
        log1m_p: log(1 - p), zero or negative; a scalar or an array that broadcasts to `shape`.
        shape: shape of the draw; None: that of `log1m_p`.

    Returns:
        Whole numbers in the dtype of `log1m_p`, so that 10^12 calls have a relative error of one rounding; inf where
        p = 0 and 1 where p = 1.

    Source:
        MATH section 1: P(first success > k) = (1 - p)^k.

    Example:
        >>> first_success(jax.random.key(0), jnp.array([-jnp.inf, 0.0])).tolist()
        [1.0, inf]
    """
    (log1m_p,) = promote(log1m_p)

    def draw(key: PRNGKeyArray, lanes: int, log1m_p: Array) -> Array:
        high, low = random_words(key, 2, lanes)
        return jnp.maximum(jnp.ceil(exponential(high, low, log1m_p.dtype) / jnp.abs(log1m_p)), 1.0)

    return in_blocks(draw, key, (log1m_p,), log1m_p.shape if shape is None else shape)


def categorical(
    key: PRNGKeyArray, probabilities: Float[Array, "*batch answers"], shape: tuple[int, ...] | None = None
) -> Int[Array, "..."]:
    """Draw which answer a call gives, by inversion of the cumulative probabilities.

    Args:
        key: a typed JAX key.
        probabilities: P(answer), summing to 1 over the last axis; the other axes broadcast to `shape`.
        shape: shape of the draw; None: that of `probabilities` without its last axis.

    Returns:
        Answers as int32; each probability is met to 2^-32 or the rounding of its dtype, whichever is larger.

    Example:
        >>> categorical(jax.random.key(0), jnp.array([0.0, 1.0, 0.0]), (3,)).tolist()
        [1, 1, 1]
    """
    (probabilities,) = promote(probabilities)
    below = jnp.moveaxis(jnp.cumsum(probabilities, axis=-1), -1, 0)[:-1]

    def draw(key: PRNGKeyArray, lanes: int, *below: Array) -> Array:
        chance = uniform(random_words(key, 1, lanes)[0], probabilities.dtype)
        return sum((chance > edge).astype(jnp.int32) for edge in below) + jnp.zeros(lanes, jnp.int32)

    return in_blocks(draw, key, list(below), probabilities.shape[:-1] if shape is None else shape)


def binomial(
    key: PRNGKeyArray, n: ArrayLike | Array, p: ArrayLike | Array, shape: tuple[int, ...] | None = None
) -> Floats:
    """Draw binomial counts, by inversion or by transformed rejection.

    A mean (of successes or of failures) below 10 is inverted by subtraction. Many draws of one n and p look up a table
    of the law, if 10 standard deviations fit into it. What is left draws by rejection.

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
    shape = jnp.broadcast_shapes(n.shape, p.shape) if shape is None else shape
    if n.ndim or p.ndim or math.prod(shape) < _TABLED_FROM:
        return in_blocks(_binomial, key, (n, p), shape)

    def tabled() -> Array:
        table = _binomial_table(n, jnp.minimum(p, 1 - p))
        count = in_blocks(lambda key, lanes: _look_up(key, lanes, *table), key, (), shape)
        return jnp.where(p > 0.5, n - count, count)

    small = n * jnp.minimum(p, 1 - p) < _SMALL_MEAN
    fits = 10 * jnp.sqrt(n * p * (1 - p)) <= _TABLE - 2 * _TABLE_MARGIN  # not where p is NaN
    return lax.cond(fits & ~small, tabled, lambda: in_blocks(_binomial, key, (n, p), shape))


def multinomial(
    key: PRNGKeyArray, n: ArrayLike | Array, probabilities: Float[Array, "*batch answers"]
) -> Float[Array, "*batch answers"]:
    """Draw how often each answer is given in n calls, as binomials conditioned on the answers before.

    Args:
        key: a typed JAX key.
        n: number of calls; a scalar or broadcast to the batch.
        probabilities: P(answer), summing to 1 over the last axis.

    Returns:
        Counts as whole numbers in the dtype of `probabilities`, summing to `n` over the last axis.

    Example:
        >>> counts = multinomial(jax.random.key(0), 10, jnp.array([0.2, 0.8, 0.0]))
        >>> float(counts.sum()), float(counts[2])
        (10.0, 0.0)
    """
    (probabilities,) = promote(probabilities)
    shape = probabilities.shape[:-1]
    left = jnp.broadcast_to(jnp.asarray(n, probabilities.dtype), shape)
    # Sums from the right, so that the last answers' shares of what is left do not cancel.
    tails = jnp.cumsum(probabilities[..., ::-1], axis=-1)[..., ::-1]
    counts = []
    for answer, key_answer in enumerate(jax.random.split(key, probabilities.shape[-1])[:-1]):
        tail = tails[..., answer]
        share = probabilities[..., answer] / jnp.where(tail > 0, tail, 1.0)
        counts.append(binomial(key_answer, left, share, shape))
        left = left - counts[-1]
    return jnp.stack([*counts, left], axis=-1)


def hypergeometric(
    key: PRNGKeyArray,
    good: ArrayLike | Array,
    bad: ArrayLike | Array,
    n: ArrayLike | Array,
    shape: tuple[int, ...] | None = None,
) -> Floats:
    """Draw how many of n calls, taken without replacement from good + bad recorded ones, are good.

    Args:
        key: a typed JAX key.
        good: recorded calls of one kind, whole and zero or more; a scalar or broadcast to `shape`.
        bad: recorded calls of the other kind, the same.
        n: calls taken, at most good + bad, the same.
        shape: shape of the draw; None: that of the three broadcast.

    Returns:
        Counts as whole numbers in the promoted dtype (in float32 up to 2^24 calls).

    Source:
        Stadlober, "The ratio of uniforms approach for generating discrete random variates", 1990 (HRUE).

    Example:
        >>> hypergeometric(jax.random.key(0), 5.0, 3.0, jnp.array([0.0, 8.0])).tolist()
        [0.0, 5.0]
    """
    dtype = jnp.result_type(*promote(good, bad, n))
    good, bad, n = (jnp.asarray(x, dtype) for x in (good, bad, n))
    everything = jnp.broadcast_shapes(good.shape, bad.shape, n.shape) if shape is None else shape
    return in_blocks(_hypergeometric, key, (good, bad, n), everything)


def _binomial(key: PRNGKeyArray, lanes: int, n: Array, p: Array) -> Array:
    key_small, key_large = jax.random.split(key)
    # Scalars stay scalars: gathering parameters for the lanes that try again would take half of the time.
    rarer = jnp.minimum(p, 1 - p)
    small = ~(n * rarer >= _SMALL_MEAN)
    inverted = (jnp.broadcast_to(jnp.where(small, x, 0.0), (lanes,)) for x in (n, rarer))
    few = _invert(key_small, *inverted)

    def reject(few: Array) -> Array:
        # Small lanes take the parameters of a fair coin, whatever they then propose is not used.
        size, chance = jnp.where(small, 100.0, n), jnp.where(small, 0.5, rarer)
        return jnp.where(small, few, rejection(key_large, lanes, _propose_binomial, 4, (size, chance), at_once=8))

    count = lax.cond(jnp.all(small), lambda few: few, reject, few)
    return jnp.where(p > 0.5, n - count, count)


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
    mass = jnp.where(possible, jnp.exp(_excess(n) + _log_weight(k, n, p)), 0.0)
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


def _invert(key: PRNGKeyArray, n: Array, p: Array) -> Array:
    """Binomial counts of small mean, p <= 1/2, by subtracting probabilities from a uniform until none of it is left."""
    ratio = p / (1 - p)
    high, low = random_words(key, 2, n.shape[0])
    probability = jnp.exp(n * jnp.log1p(-p))

    def unfinished(state: tuple[Array, Array, Array, Array]) -> Array:
        _, _, left, probability = state
        return jnp.any((left > 0) & (probability > 1e-12))

    def subtract(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        k, count, left, probability = state
        for step in range(_UNROLLED):
            left = left - probability
            count = count + (left > 0)
            # Never below zero: beyond n, or where rounding left a rest, the count stays at what it could reach.
            probability = probability * (jnp.maximum(n - (k + step), 0.0) / (k + step + 1) * ratio)
        return k + _UNROLLED, count, left, probability

    # A NaN probability makes a NaN count.
    state = (jnp.zeros((), p.dtype), 0.0 * probability, deep_uniform(high, low, p.dtype), probability)
    return jnp.minimum(lax.while_loop(unfinished, subtract, state)[1], n)


def _propose_binomial(words: list[Array], n: Array, p: Array) -> tuple[Array, Array]:
    """A proposal of BTRS (p <= 1/2, n p >= 10) and whether it is accepted."""
    spread = jnp.sqrt(n * p * (1 - p))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    scale = (2.83 + 5.1 / b) * spread
    u = deep_uniform(words[0], words[1], p.dtype) - 0.5
    height = deep_uniform(words[2], words[3], p.dtype)
    edge = 0.5 - jnp.abs(u)
    edge = jnp.maximum(edge, 1e-30)
    k = jnp.floor((2 * a / edge + b) * u + n * p + 0.5)
    inside = (k >= 0) & (k <= n)
    k = jnp.where(inside, k, 0.0)
    mode = jnp.floor((n + 1) * p)
    log_ratio = _log_weight(k, n, p) - _log_weight(mode, n, p)
    return k, inside & ~(jnp.log(height * scale / (a / (edge * edge) + b)) > log_ratio)


def _hypergeometric(key: PRNGKeyArray, lanes: int, good: Array, bad: Array, n: Array) -> Array:
    return rejection(key, lanes, _propose_hypergeometric, 4, (good, bad, n), at_once=4)


def _propose_hypergeometric(words: list[Array], good: Array, bad: Array, n: Array) -> tuple[Array, Array]:
    total = jnp.maximum(good + bad, 1.0)
    chance = n / total
    mean = good * chance
    variance = mean * (bad / total) * ((total - n) / jnp.maximum(total - 1, 1.0))
    width = math.sqrt(8 / math.e) * jnp.sqrt(variance + 0.5) + (3 - 2 * math.sqrt(3 / math.e))
    u = deep_uniform(words[0], words[1], good.dtype)
    v = deep_uniform(words[2], words[3], good.dtype) - 0.5
    k = jnp.floor(mean + 0.5 + width * (v / u))
    inside = (k >= jnp.maximum(n - bad, 0.0)) & (k <= jnp.minimum(n, good))
    mode = jnp.floor((n + 1) * ((good + 1) / (total + 2)))
    mode = jnp.clip(mode, jnp.maximum(n - bad, 0.0), jnp.minimum(n, good))
    k = jnp.where(inside, k, mode)

    def log_weight(k: Array) -> Array:
        return _log_weight(k, good, chance) + _log_weight(n - k, bad, chance)

    return k, inside & ~(2 * jnp.log(u) > log_weight(k) - log_weight(mode))


def _log_weight(k: Array, n: Array, p: Array) -> Array:
    """Log of the binomial probability of k, less a term that depends on n alone (Loader, 2000)."""
    return -(_excess(k) + _excess(n - k) + _deviance(k, n * p) + _deviance(n - k, n * (1 - p)))


def _excess(k: Array) -> Array:
    """log k! - k log k + k, for whole k >= 0."""
    large = k >= _SERIES_FROM
    x = jnp.where(large, k, float(_SERIES_FROM))
    inverse = 1 / x
    square = inverse * inverse
    tail = 1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))
    table = jnp.asarray(_EXCESS, k.dtype)[jnp.where(large, 0, k).astype(jnp.int32)]
    return jnp.where(large, 0.5 * jnp.log(2 * math.pi * x) + inverse * tail, table)


def _deviance(x: Array, mean: Array) -> Array:
    """x log(x / mean) + mean - x, by a series where the two are close; 0 where the mean is 0."""
    positive = mean > 0
    mean = jnp.where(positive, mean, 1.0)
    t = (x - mean) / mean
    near = jnp.abs(t) < 0.1
    s = jnp.where(near, t, 0.0)
    series = jnp.zeros_like(s)
    for power in range(12, 1, -1):
        series = series * s + (-1) ** power / (power * (power - 1))
    t = jnp.where(near | (t <= -1), 0.0, t)
    far = jnp.where(x == 0, 1.0, (1 + t) * jnp.log1p(t) - t)
    return jnp.where(positive, mean * jnp.where(near, s * s * series, far), 0.0)
