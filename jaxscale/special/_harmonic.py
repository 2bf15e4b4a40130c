"""Generalised harmonic numbers of any real order."""

import jax.numpy as jnp

from jaxscale._arrays import Floats, Numbers, promote, promoting

# Terms summed one by one before Euler-Maclaurin takes over, and B_{2i} / (2i)! of its corrections.
_DIRECT = 12
_CORRECTIONS = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160)


@promoting()
def harmonic_number(k: Numbers, order: Numbers) -> Floats:
    r"""Generalised harmonic number sum_{j=1}^{k} j^(-order).

    Args:
        k: number of terms, whole numbers from 0 up (1e12 and beyond are fine); any shape.
        order: exponent, zero or more; broadcast with `k`. At order = 1 these are the harmonic numbers.

    Returns:
        The sums, with relative error about 1e-13 in float64, differentiable in `order` (order = 1 included).

    Source:
        Euler-Maclaurin summation; used by docs/mathematics.md, "Correlated trials".

    Example:
        >>> print(float(harmonic_number(4.0, 1.0)))  # 1 + 1/2 + 1/3 + 1/4
        2.083333...
    """
    k, order = promote(k, order)
    total = jnp.zeros_like(k)
    for j in range(1, _DIRECT + 1):
        total = total + jnp.where(k >= j, jnp.exp(-order * jnp.log(float(j))), 0.0)
    # The rest, sum_{j = x + 1}^{k}: the integral of t^(-order) from x to k plus end corrections.
    x = jnp.full_like(k, _DIRECT)
    beyond = k > x
    far = jnp.where(beyond, k, x)
    log_span = jnp.log(far / x)
    exponent = (1 - order) * log_span
    tiny = jnp.abs(exponent) < 1e-5
    safe = jnp.where(tiny, 1.0, exponent)
    # expm1(u)/u with its removable singularity at order = 1.
    growth = jnp.where(tiny, 1 + exponent / 2 * (1 + exponent / 3), jnp.expm1(safe) / safe)
    integral = jnp.exp((1 - order) * jnp.log(x)) * log_span * growth
    rest = integral + (jnp.exp(-order * jnp.log(far)) - jnp.exp(-order * jnp.log(x))) / 2
    rising = order
    for i, coefficient in enumerate(_CORRECTIONS):
        power = order + 2 * i + 1
        rest = rest + coefficient * rising * (jnp.exp(-power * jnp.log(x)) - jnp.exp(-power * jnp.log(far)))
        rising = rising * (order + 2 * i + 1) * (order + 2 * i + 2)
    return total + jnp.where(beyond, rest, 0.0)
