"""Gamma, Dirichlet and Beta variates, as logarithms."""

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.sampling._bits import (
    compiled_in_blocks,
    deep_uniform,
    normals,
    random_words,
    rejection,
    uniform,
    words_at,
)

_WORDS = 4


def log_gamma_variate(key: PRNGKeyArray, a: ArrayLike | Array, shape: tuple[int, ...] | None = None) -> Floats:
    """Draw log G, G ~ Gamma(a) with unit scale, without underflow however small a is.

    Args:
        key: a typed JAX key.
        a: shape parameter, positive; a scalar or an array that broadcasts to `shape`. NaN gives NaN.
        shape: shape of the draw; None: that of `a`.

    Returns:
        log G, of shape `shape`, in the dtype of `a`.

    Source:
        Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; for a < 1, G(a + 1) U^(1/a).

    Example:
        >>> draws = log_gamma_variate(jax.random.key(0), 1e-3, (1000,))
        >>> bool(jnp.isfinite(draws).all()), bool(draws.min() < -1000)
        (True, True)
    """
    (a,) = promote(a)
    return compiled_in_blocks(_log_gamma, key, (a,), a.shape if shape is None else shape)


def log_beta(
    key: PRNGKeyArray, a: ArrayLike | Array, b: ArrayLike | Array, shape: tuple[int, ...] | None = None
) -> tuple[Floats, Floats]:
    """Draw log p and log(1 - p), p ~ Beta(a, b), each with full relative precision at both ends.

    p is a ratio of two gamma variates that are accepted together; only the logarithm of their odds is ever formed.

    Args:
        key: a typed JAX key.
        a: shape at p = 0, positive; a scalar or an array that broadcasts to `shape`.
        b: shape at p = 1, the same.
        shape: shape of the draw; None: that of `a` and `b` broadcast.

    Returns:
        log p and log(1 - p), each of shape `shape`, in the dtype of `a` and `b`.

    Source:
        Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.

    Example:
        >>> log_p, log1m_p = log_beta(jax.random.key(0), 0.02, 5.0, (1000,))
        >>> bool((log_p < -200).any()), bool((log1m_p < 0).any())
        (True, True)
    """
    dtype = jnp.result_type(*promote(a, b))
    a, b = jnp.asarray(a, dtype), jnp.asarray(b, dtype)
    return compiled_in_blocks(
        _log_beta, key, (a, b), jnp.broadcast_shapes(a.shape, b.shape) if shape is None else shape
    )


def _log_gamma(key: PRNGKeyArray, lanes: int, a: Array) -> Floats:
    key_body, key_boost = jax.random.split(key)

    def propose(words: list[Array], a: Array) -> tuple[Array, Array]:
        x, _ = normals(deep_uniform(words[0], words[1], a.dtype), words[2])
        log_g, log_accept = _marsaglia_tsang(x, a)
        return log_g, ~(uniform(words[3], a.dtype) > jnp.exp(log_accept))

    def boost(log_g: Array) -> Array:
        high, low = random_words(key_boost, 2, lanes)
        return log_g + _log_boost(high, low, a)

    return lax.cond(jnp.any(a < 1), boost, lambda x: x, rejection(key_body, lanes, propose, _WORDS, (a,)))


def _log_beta(key: PRNGKeyArray, lanes: int, a: Array, b: Array) -> tuple[Floats, Floats]:
    key_body, key_boost = jax.random.split(key)

    def propose(words: list[Array], a: Array, b: Array) -> tuple[Array, Array]:
        x, y = normals(deep_uniform(words[0], words[1], a.dtype), words[2])
        (log_g, accept_g), (log_h, accept_h) = _marsaglia_tsang(x, a), _marsaglia_tsang(y, b)
        # The pair is accepted with the product of its probabilities: one uniform decides for both.
        return log_g - log_h, ~(uniform(words[3], a.dtype) > jnp.exp(accept_g + accept_h))

    def boost(log_odds: Array, index: int, sign: int, shape: Array) -> Array:
        """Each boost has words of its own: the one that is not needed is not drawn."""
        return lax.cond(
            jnp.any(shape < 1),
            lambda x: x + sign * _log_boost(*words_at(key_boost, index, lanes), shape),
            lambda x: x,
            log_odds,
        )

    body = rejection(key_body, lanes, propose, _WORDS, (a, b))
    log_odds = boost(boost(body, 0, 1, a), 1, -1, b)
    both = jnp.log1p(jnp.exp(-jnp.abs(log_odds)))
    return jnp.minimum(log_odds, 0.0) - both, jnp.minimum(-log_odds, 0.0) - both


def _marsaglia_tsang(x: Array, a: Array) -> tuple[Array, Array]:
    """Log of a Gamma(a) proposal, Gamma(a + 1) where a < 1, from a normal x, and the log of its acceptance probability.

    With d = a - 1/3 and t = x / sqrt(9 d) the proposal is d (1 + t)^3, and its log acceptance probability is
    3 d (log(1 + t) - t + t^2/2 - t^3/3): a remainder of the logarithm's series, which is summed where it would cancel.
    """
    d = jnp.where(a < 1, a + 1, a) - 1 / 3
    t = x / (3 * jnp.sqrt(d))
    impossible = t <= -1
    log1p = jnp.log1p(jnp.where(impossible, 0.0, t))
    small = jnp.where(jnp.abs(t) < 0.02, t, 0.0)
    series = small**4 * (-1 / 4 + small * (1 / 5 + small * (-1 / 6 + small * (1 / 7 - small / 8))))
    remainder = jnp.where(jnp.abs(t) < 0.02, series, log1p - t * (1 - t * (0.5 - t / 3)))
    return jnp.log(d) + 3 * log1p, jnp.where(impossible, -jnp.inf, 3 * d * remainder)


def _log_boost(high: Array, low: Array, a: Array) -> Array:
    return jnp.where(a < 1, jnp.log(deep_uniform(high, low, a.dtype)) / a, 0.0)
