"""Ratios of gamma and beta functions that never subtract two large numbers."""

import jax.numpy as jnp

from jaxscale._arrays import Floats, promote

# Arguments are shifted up by this much before Stirling's series is used; eight terms are then good to 1e-14.
_SHIFT = 9
_GROUP = 3
_STIRLING = (-1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)


def _stirling_tail(x: Floats) -> Floats:
    """Stirling's correction log Gamma(x) - ((x - 1/2) log x - x + log(2 pi)/2) without its first term, 1/(12 x)."""
    inverse = 1 / x
    square = inverse * inverse
    total = jnp.zeros_like(x)
    for coefficient in reversed(_STIRLING):
        total = total * square + coefficient
    return total * square * inverse


def _log_one_minus(small: Floats, ratio: Floats) -> Floats:
    """log(ratio) where ratio = 1 - small, from whichever of the two is accurate."""
    near_one = small < 0.5
    return jnp.where(near_one, jnp.log1p(-jnp.where(near_one, small, 0.0)), jnp.log(jnp.where(near_one, 1.0, ratio)))


def log_beta_ratio(a: Floats, b: Floats, k: Floats) -> Floats:
    r"""log B(a, b + k) / B(a, b), the log of E[(1 - p)^k] for p ~ Beta(a, b).

    It is the mixed difference log G(b+a) + log G(b+k) - log G(b) - log G(a+b+k) (G = Gamma), in which everything large
    cancels. Here the cancellation is done on paper. The recurrence moves b up by nine through factors 1 - t_j with
    t_j = a k / ((b+a+j)(b+k+j)), all in (0, 1); there, with x the shifted b, the leading Stirling terms combine to
    -(x - 1/2) log1p(-a k/((x+a)(x+k))) - a log1p(k/(x+a)) - k log1p(a/(x+k)).

    Args:
        a: first parameter, positive; any shape, broadcast with the others.
        b: second parameter, positive.
        k: increment of b, zero or more; need not be whole.

    Returns:
        The log-ratio, zero or negative, in the promoted dtype. Relative error about 1e-14 in float64 and 1e-6 in
        float32 for a in [1e-3, 1e3], b in [1e-2, 1e6], k in [1, 1e9]; gradients are finite.

    Source:
        MATH section 1 (numerics); Stirling's series, Abramowitz and Stegun 6.1.41.

    Example:
        >>> print(float(log_beta_ratio(1.0, 1.0, 3.0)))  # E[(1-p)^3] = 1/4 for uniform p
        -1.386294...
    """
    a, b, k = promote(a, b, k)
    total = jnp.zeros_like(b)
    for start in range(0, _SHIFT, _GROUP):
        # One logarithm for three factors: more would underflow in float32 for large a and k.
        missing, product = jnp.zeros_like(b), jnp.ones_like(b)
        for j in range(start, start + _GROUP):
            scale = 1 / ((b + a + j) * (b + k + j))
            t = (a * k) * scale
            missing = missing + t * (1 - missing)
            product = product * ((b + j) * (b + a + k + j) * scale)
        total = total + _log_one_minus(missing, product)
    x = b + _SHIFT
    xa, xk, xak = x + a, x + k, x + a + k
    cross = (a / xa) * (k / xk)
    leading = -(x - 0.5) * _log_one_minus(cross, (x / xa) * (xak / xk)) - a * jnp.log1p(k / xa) - k * jnp.log1p(a / xk)
    first = -cross * ((xa + xk) / (x * xak)) / 12
    tail = (_stirling_tail(xa) - _stirling_tail(x)) - (_stirling_tail(xak) - _stirling_tail(xk))
    return total + leading + first + tail


def log_binomial(n: Floats, c: Floats) -> Floats:
    """Log of the binomial coefficient C(n, c).

    Args:
        n: number of attempts, zero or more; any shape.
        c: number chosen, in [0, n]; broadcast with n.

    Returns:
        log C(n, c), exact to about 1e-14 relative in float64. C(n, c) = 1 / ((n + 1) B(c + 1, n - c + 1)).

    Source:
        MATH section 2.

    Example:
        >>> print(float(log_binomial(5.0, 2.0)))
        2.302585...
    """
    n, c = promote(n, c)
    # B(c + 1, n - c + 1) = B(c + 1, 1) * [B(c + 1, 1 + (n - c)) / B(c + 1, 1)] and B(c + 1, 1) = 1 / (c + 1).
    return jnp.log1p(c) - jnp.log1p(n) - log_beta_ratio(c + 1, jnp.ones_like(c), n - c)
