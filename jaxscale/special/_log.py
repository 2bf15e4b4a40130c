"""Logarithms of complements and mixtures."""

import jax
import jax.numpy as jnp
from jaxtyping import Array
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, Numbers, promote, promoting
from jaxscale.special._gamma import log_binomial

_LOG_HALF = -0.6931471805599453


def log1mexp(x: Numbers) -> Floats:
    """log(1 - exp(x)) for x <= 0.

    Args:
        x: zero or negative, any shape; -inf gives 0 and 0 gives -inf.

    Returns:
        The logarithm, accurate both near x = 0 and for very negative x, in the dtype of `x`.

    Source:
        Maechler, "Accurately computing log(1 - exp(-|a|))", 2012.

    Example:
        >>> print(float(log1mexp(-0.6931471805599453)))
        -0.693147...
    """
    (x,) = promote(x)
    near_zero = x > _LOG_HALF
    lower = jnp.where(near_zero, _LOG_HALF, x)
    upper = jnp.where(near_zero, x, _LOG_HALF)
    return jnp.where(near_zero, jnp.log(-jnp.expm1(upper)), jnp.log1p(-jnp.exp(lower)))


@jax.custom_jvp
@jax.jit
def log_mix_with_one(share: Numbers, log_value: Numbers) -> Floats:
    """log((1 - share) + share * exp(log_value)), the log failure of a population of which only `share` can be solved.

    Args:
        share: in [0, 1], any shape.
        log_value: zero or negative, broadcast with `share`; -inf is allowed.

    Returns:
        The logarithm, zero or negative, with the right gradients at share = 0, at share = 1 and at log_value = 0.

    Source:
        docs/mathematics.md, "Ceilings".

    Example:
        >>> print(float(log_mix_with_one(1.0, -50.0)))
        -50.0
    """
    share, log_value = promote(share, log_value)
    # 1 minus the mixture: the coverage, which must keep its relative precision where it is small.
    missing = share * jnp.expm1(log_value)
    far = jnp.logaddexp(jnp.log1p(-share), jnp.log(share) + log_value)
    return jnp.where(missing > -0.5, jnp.log1p(missing), far)


@log_mix_with_one.defjvp
def _log_mix_with_one_jvp(primals: tuple[Numbers, ...], tangents: tuple[Numbers, ...]) -> tuple[Floats, Floats]:
    share, log_value = primals
    value = log_mix_with_one(share, log_value)
    # d/d share = (exp(log_value) - 1) / exp(value), d/d log_value = share exp(log_value - value): both free of
    # the 0 * inf that differentiating log(share) and log1p(-share) meets at the ends.
    # The first one is huge where nothing else is left to solve a query: it saturates rather than become inf.
    most = 0.9 * jnp.log(jnp.finfo(value.dtype).max)
    by_share = jnp.exp(jnp.minimum(-value, most)) * jnp.expm1(log_value)
    by_log_value = share * jnp.exp(log_value - value)
    return value, by_share * tangents[0] + by_log_value * tangents[1]


@promoting()
@jax.jit
def log_mixture(log_values: Numbers, weights: Numbers) -> Floats:
    """log(sum_i weights_i exp(log_values_i)) over the last axis, for weights that sum to 1.

    Args:
        log_values: zero or negative, -inf allowed; shape (..., components).
        weights: zero or positive, of sum 1; broadcast with `log_values`.

    Returns:
        The logarithm, shape (...), with full relative precision next to 0 (where 1 minus the sum is a small coverage)
        and with finite gradients at weights of 0 and at values of -inf.

    Source:
        docs/mathematics.md, "Difficulty laws".

    Example:
        >>> print(float(log_mixture(jnp.array([0.0, -1e-6]), jnp.array([0.5, 0.5]))))
        -4.99999...e-07
    """
    log_values, weights = promote(log_values, weights)
    top = jax.lax.stop_gradient(jnp.max(jnp.where(weights > 0, log_values, -jnp.inf), axis=-1, keepdims=True))
    top = jnp.where(jnp.isfinite(top), top, 0.0)
    # A value that only weights of 0 carry may lie far above `top`: it must not overflow.
    limit = 0.5 * jnp.log(jnp.finfo(log_values.dtype).max)
    sum_far = jnp.sum(weights * jnp.exp(jnp.minimum(log_values - top, limit)), axis=-1)
    missing = jnp.sum(weights * jnp.expm1(log_values), axis=-1)
    near = missing > -0.5
    return jnp.where(near, jnp.log1p(jnp.where(near, missing, 0.0)), jnp.log(sum_far) + top[..., 0])


def binomial_probability(p: ArrayLike | Array, right: ArrayLike | Array, calls: ArrayLike | Array) -> Floats:
    """The probability that so many of several calls are right, C(calls, right) p^right (1-p)^(calls - right).

    Args:
        p: probability that a call is right, 0 and 1 included; any shape.
        right: zero or more; broadcast with the others.
        calls: at least `right`.

    Returns:
        Probabilities in the promoted dtype, with their slope in p at the ends, too, which the logarithm does not have.

    Source:
        docs/mathematics.md, "All calls right".

    Example:
        >>> print(float(binomial_probability(0.5, 2, 2)), float(jax.grad(binomial_probability)(0.0, 1.0, 3.0)))
        0.25 3.0
    """
    p, right, calls = promote(p, right, calls)
    wrong = calls - right
    edge = (p == 0) | (p == 1)
    inner = jnp.exp(log_power(jnp.where(edge, 0.5, p), right, wrong) + log_binomial(calls, right))
    # At an end all calls are alike; the first that is not is what the slope is made of.
    odd, even = (jnp.where(p == 0, x, y) for x, y in ((right, wrong), (wrong, right)))
    away = jnp.where(p == 0, p, 1 - p)
    at_end = jnp.where(odd == 0, 1 - even * away, jnp.where(odd == 1, (even + 1) * away, 0.0))
    return jnp.where(edge, at_end, inner)


def log_power(p: ArrayLike | Array, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
    """log(p^successes (1-p)^failures), with 0^0 = 1.

    Args:
        p: probabilities, 0 and 1 included; any shape.
        successes: zero or more; broadcast with the others.
        failures: zero or more.

    Returns:
        Zero or negative values, -inf where the power is 0 (with gradient 0 there), in the promoted dtype.

    Source:
        docs/mathematics.md, "One query".

    Example:
        >>> print(float(log_power(0.0, 0, 5)), float(log_power(0.0, 1, 5)))
        0.0 -inf
    """
    p, successes, failures = promote(p, successes, failures)
    zero, one = (p == 0) & (successes > 0), (p == 1) & (failures > 0)
    log_p = jnp.log(jnp.where((successes == 0) | zero, 1.0, p))
    log1m_p = jnp.log1p(-jnp.where((failures == 0) | one, 0.0, p))
    return jnp.where(zero | one, -jnp.inf, successes * log_p + failures * log1m_p)
