"""What Stirling's formula leaves out of a factorial, and the deviance: probabilities of counts in Loader's form."""

import math

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from jaxscale._arrays import Floats

STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
"""Coefficients of 1/x, 1/x^3, ... in Stirling's series for log Gamma(x + 1) ([AS64] 6.1.41)."""

# The series from here on; its six terms are then good to 1e-17, and five to 1e-15.
_SERIES_FROM = 16
_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
# Errors of 0 to 15 (that of 0 has no meaning) to 17 digits: lgamma would cost ten times as much.
_TABLE = np.array(
    [
        0.0,
        0.08106146679532726,
        0.04134069595540929,
        0.02767792568499834,
        0.02079067210376509,
        0.01664469118982119,
        0.01387612882307075,
        0.01189670994589177,
        0.01041126526197209,
        0.009255462182712733,
        0.008330563433362871,
        0.007573675487951841,
        0.006942840107209530,
        0.006408994188004207,
        0.005951370112758848,
        0.005554733551962801,
    ]
)


def stirling_error(x: Floats, *, whole: bool, terms: int = 6) -> Floats:
    """Stirling's error, log Gamma(x + 1) - (x + 1/2) log x + x - log(2 pi)/2.

    Args:
        x: zero or more; any shape.
        whole: whether they are whole numbers, whose small ones stand in a table (that of 0 as 0).
        terms: of the series, up to 8.

    Returns:
        The error, about 1/(12 x).

    Source:
        docs/mathematics.md, "Many answers"; [Loader00]; [AS64] 6.1.41.
    """
    inverse = 1 / jnp.maximum(x, float(_SERIES_FROM))
    square = inverse * inverse
    series = jnp.full_like(square, STIRLING[terms - 1])
    for coefficient in reversed(STIRLING[: terms - 1]):
        series = series * square + coefficient
    large = x >= _SERIES_FROM
    if whole:
        place = jnp.clip(x, 0.0, _SERIES_FROM - 1.0).astype(jnp.int32)
        direct = jnp.asarray(_TABLE, x.dtype).at[place].get(mode="promise_in_bounds")
    else:
        small = jnp.where(large, 1.0, x)
        direct = gammaln(small + 1) - (small + 0.5) * jnp.log(small) + small - _HALF_LOG_TWO_PI
    return jnp.where(large, inverse * series, direct)


def deviance(x: Floats, mean: Floats) -> Floats:
    """x log(x / mean) + mean - x, by a series where the two are close.

    Args:
        x: zero or more; any shape.
        mean: zero or more, of the same shape.

    Returns:
        The deviance, zero or more and to full relative accuracy; infinite for a positive x where the mean is 0.

    Source:
        docs/mathematics.md, "Many answers"; [Loader00].
    """
    positive = (x > 0) & (mean > 0)
    limit = jnp.where(x > 0, jnp.inf, mean)
    x, mean = jnp.where(positive, x, 1.0), jnp.where(positive, mean, 1.0)
    difference = x - mean
    v = difference / (x + mean)
    near = jnp.abs(v) < 0.1
    v = jnp.where(near, v, 0.0)
    square = v * v
    series = jnp.zeros_like(v)
    for j in range(8, 0, -1):
        series = (series + 1 / (2 * j + 1)) * square
    close = difference * v + 2 * x * v * series
    return jnp.where(positive, jnp.where(near, close, x * jnp.log(x / mean) - difference), limit)
