"""Logarithms of complements and mixtures."""

import jax
import jax.numpy as jnp

from jaxscale._arrays import Floats, promote

_LOG_HALF = -0.6931471805599453


def log1mexp(x: Floats) -> Floats:
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
def log_mix_with_one(share: Floats, log_value: Floats) -> Floats:
    """log((1 - share) + share * exp(log_value)), the log failure of a population of which only `share` can be solved.

    Args:
        share: in [0, 1], any shape.
        log_value: zero or negative, broadcast with `share`; -inf is allowed.

    Returns:
        The logarithm, zero or negative, with the right gradients at share = 0, at share = 1 and at log_value = 0.

    Source:
        MATH section 1 (ceiling).

    Example:
        >>> print(float(log_mix_with_one(1.0, -50.0)))
        -50.0
    """
    share, log_value = promote(share, log_value)
    return jnp.logaddexp(jnp.log1p(-share), jnp.log(share) + log_value)


@log_mix_with_one.defjvp
def _log_mix_with_one_jvp(primals, tangents):
    share, log_value = primals
    value = log_mix_with_one(share, log_value)
    # d/d share = (exp(log_value) - 1) / exp(value), d/d log_value = share exp(log_value - value): both free of
    # the 0 * inf that differentiating log(share) and log1p(-share) meets at the ends.
    # The first one is huge where nothing else is left to solve a query: it saturates rather than become inf.
    most = 0.9 * jnp.log(jnp.finfo(value.dtype).max)
    by_share = jnp.exp(jnp.minimum(-value, most)) * jnp.expm1(log_value)
    by_log_value = share * jnp.exp(log_value - value)
    return value, by_share * tangents[0] + by_log_value * tangents[1]
