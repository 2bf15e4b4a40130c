"""First successes, multinomial and hypergeometric counts, and single calls."""

import math

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.sampling._binomial import binomial, log_weight
from jaxscale.sampling._bits import compiled_in_blocks, deep_uniform, exponential, random_words, rejection, uniform


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
        docs/mathematics.md, "Simulation": P(first success > k) = (1 - p)^k.

    Example:
        >>> first_success(jax.random.key(0), jnp.array([-jnp.inf, 0.0])).tolist()
        [1.0, inf]
    """
    (log1m_p,) = promote(log1m_p)
    return compiled_in_blocks(_first_success, key, (log1m_p,), log1m_p.shape if shape is None else shape)


def _first_success(key: PRNGKeyArray, lanes: int, log1m_p: Array) -> Array:
    high, low = random_words(key, 2, lanes)
    return jnp.maximum(jnp.ceil(exponential(high, low, log1m_p.dtype) / jnp.abs(log1m_p)), 1.0)


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
    return compiled_in_blocks(_categorical, key, list(below), probabilities.shape[:-1] if shape is None else shape)


def _categorical(key: PRNGKeyArray, lanes: int, *below: Array) -> Array:
    answers = jnp.zeros(lanes, jnp.int32)
    if below:
        chance = uniform(random_words(key, 1, lanes)[0], below[0].dtype)
        answers = answers + sum((chance > edge).astype(jnp.int32) for edge in below)
    return answers


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
    left = jnp.broadcast_to(jnp.asarray(n, probabilities.dtype), probabilities.shape[:-1])
    return _multinomial(key, left, probabilities)


@jax.jit
def _multinomial(key: PRNGKeyArray, left: Array, probabilities: Array) -> Array:
    # Sums from the right, so that the last answers' shares of what is left do not cancel.
    tails = jnp.cumsum(probabilities[..., ::-1], axis=-1)[..., ::-1]
    shares = jnp.moveaxis(probabilities / jnp.where(tails > 0, tails, 1.0), -1, 0)[:-1]

    def one(left: Array, answer: tuple[PRNGKeyArray, Array]) -> tuple[Array, Array]:
        count = binomial(answer[0], left, answer[1], left.shape)
        return left - count, count

    # A loop, as the program of a binomial is long.
    last, counts = lax.scan(one, left, (jax.random.split(key, probabilities.shape[-1])[:-1], shares))
    return jnp.moveaxis(jnp.concatenate([counts, last[None]]), 0, -1)


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
    return compiled_in_blocks(_hypergeometric, key, (good, bad, n), everything)


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

    def log_mass(k: Array) -> Array:
        return log_weight(k, good, chance) + log_weight(n - k, bad, chance)

    return k, inside & ~(2 * jnp.log(u) > log_mass(k) - log_mass(mode))
