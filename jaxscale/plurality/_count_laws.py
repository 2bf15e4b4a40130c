"""Count laws in Loader's saddle-point form, which keeps its relative accuracy at any mean and in either precision."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import digamma, gammaln

from jaxscale._arrays import Floats, Numbers, promote
from jaxscale.special import deviance, stirling_error


@jax.custom_jvp
def poisson_pmf(count: Numbers, mean: Numbers) -> Floats:
    """Poisson probability of `count`, which is 0 for a negative count.

    Args:
        count: whole numbers in a floating dtype; any shape.
        mean: zero or more, broadcast with `count`.

    Returns:
        The probability; relative error about 1e-14 in float64 and 1e-5 in float32 within nine standard deviations.
        The derivative in the mean, pmf(count - 1) - pmf(count), holds at mean = 0 too.

    Source:
        docs/mathematics.md, "Many answers"; [Loader00].

    Example:
        >>> print(round(float(poisson_pmf(2.0, 3.0)), 5))
        0.22404
    """
    count, mean = promote(count, mean)
    inside = (count > 0) & (mean > 0)
    x, m = jnp.where(inside, count, 1.0), jnp.where(inside, mean, 1.0)
    value = jnp.exp(-stirling_error(x, whole=True) - deviance(x, m)) / jnp.sqrt(2 * math.pi * x)
    return jnp.where(inside, value, jnp.where(count == 0, jnp.exp(-mean), 0.0))


@poisson_pmf.defjvp
def _poisson_jvp(primals: tuple[Numbers, ...], tangents: tuple[Numbers, ...]) -> tuple[Floats, Floats]:
    count, mean = promote(*primals)
    value = poisson_pmf(count, mean)
    return value, _poisson_slope(count, mean, value) * tangents[1]


def _poisson_slope(count: Floats, mean: Floats, value: Floats) -> Floats:
    positive = mean > 0
    ratio = (count - mean) / jnp.where(positive, mean, 1.0)
    at_zero = jnp.where(count == 1, 1.0, jnp.where(count == 0, -1.0, 0.0))
    return jnp.where(positive, value * ratio, at_zero)


@jax.custom_jvp
def binomial_pmf(count: Numbers, size: Numbers, probability: Numbers) -> Floats:
    """Binomial probability of `count`, which is 0 outside 0..size.

    Args:
        count: whole numbers in a floating dtype; any shape.
        size: whole numbers >= 0, broadcast with `count`.
        probability: in [0, 1], broadcast with `count`.

    Returns:
        The probability; relative error about 1e-14 in float64. It is differentiable in `probability`, ends included;
        `count` and `size` are constants.

    Source:
        docs/mathematics.md, "Many answers"; [Loader00].

    Example:
        >>> print(round(float(binomial_pmf(1.0, 3.0, 0.5)), 5))
        0.375
    """
    count, size, p = promote(count, size, probability)
    inside = (count > 0) & (count < size) & (p > 0) & (p < 1)
    x, n, chance = jnp.where(inside, count, 1.0), jnp.where(inside, size, 2.0), jnp.where(inside, p, 0.5)
    y = n - x
    log_value = (
        stirling_error(n, whole=True)
        - stirling_error(x, whole=True)
        - stirling_error(y, whole=True)
        - deviance(x, n * chance)
        - deviance(y, n * (1 - chance))
    )
    value = jnp.exp(log_value) * jnp.sqrt(n / (2 * math.pi * x * y))
    # log(1 - p) rounds p away before 10^12 calls have raised what is left to a power.
    none, all_ = _power(jnp.log1p(-p), size), _power(jnp.log(p), size)
    edge = jnp.where(count == 0, none, jnp.where(count == size, all_, 0.0))
    return jnp.where(inside, value, edge)


def _power(log_base: Floats, exponent: Floats) -> Floats:
    """exp(exponent * log_base) for log_base in [-inf, 0], with 0^0 = 1."""
    return jnp.exp(jnp.where(exponent == 0, 0.0, exponent * log_base))


@binomial_pmf.defjvp
def _binomial_jvp(primals: tuple[Numbers, ...], tangents: tuple[Numbers, ...]) -> tuple[Floats, Floats]:
    count, size, p = promote(*primals)
    value = binomial_pmf(count, size, p)
    inside = (p > 0) & (p < 1)
    chance = jnp.where(inside, p, 0.5)
    slope = value * ((count - size * chance) / (chance * (1 - chance)))
    low = jnp.where(count == 1, size, jnp.where(count == 0, -size, 0.0))
    high = jnp.where(count == size, size, jnp.where(count == size - 1, -size, 0.0))
    return value, jnp.where(inside, slope, jnp.where(p > 0, high, low)) * tangents[2]


@jax.custom_jvp
def negative_binomial_pmf(count: Numbers, size: Numbers, rate: Numbers) -> Floats:
    """Negative binomial probability Gamma(size + count) / (Gamma(size) count!) rate^count (1 - rate)^size.

    Args:
        count: whole numbers in a floating dtype; any shape; 0 for a negative count.
        size: zero or more, need not be whole, broadcast with `count`; at 0 all mass is on count 0.
        rate: in (0, 1), broadcast with `count`.

    Returns:
        The probability; relative error about 1e-13 in float64. It is differentiable in `size` (0 included) and `rate`.

    Source:
        Loader's form of the binomial, with size / (size + count) in front ([Loader00]).

    Example:
        >>> print(round(float(negative_binomial_pmf(2.0, 1.0, 0.5)), 5))
        0.125
    """
    count, size, rate = promote(count, size, rate)
    inside = (count > 0) & (size > 0)
    x, a = jnp.where(inside, count, 1.0), jnp.where(inside, size, 1.0)
    n = x + a
    log_value = (
        stirling_error(n, whole=False)
        - stirling_error(x, whole=True)
        - stirling_error(a, whole=False)
        - deviance(x, n * rate)
        - deviance(a, n * (1 - rate))
    )
    value = jnp.exp(log_value) * jnp.sqrt(a / (2 * math.pi * x * n))
    return jnp.where(inside, value, jnp.where(count == 0, jnp.exp(size * jnp.log1p(-rate)), 0.0))


@negative_binomial_pmf.defjvp
def _negative_binomial_jvp(primals: tuple[Numbers, ...], tangents: tuple[Numbers, ...]) -> tuple[Floats, Floats]:
    count, size, rate = promote(*primals)
    value = negative_binomial_pmf(count, size, rate)
    by_rate = value * (count * (1 - rate) - size * rate) / (rate * (1 - rate))
    return value, _negative_binomial_slope(count, size, rate, value) * tangents[1] + by_rate * tangents[2]


def _negative_binomial_slope(count: Floats, size: Floats, rate: Floats, value: Floats) -> Floats:
    positive = size > 0
    a = jnp.where(positive, size, 1.0)
    inside = count > 0
    x = jnp.where(inside, count, 1.0)
    growth = jnp.where(inside, digamma(a + x) - digamma(a), 0.0)
    at_zero = jnp.where(inside, jnp.exp(x * jnp.log(rate)) / x, jnp.where(count == 0, jnp.log1p(-rate), 0.0))
    return jnp.where(positive, value * (growth + jnp.log1p(-rate)), at_zero)


class CountLaw(NamedTuple):
    """A family of counts that is closed under addition: count j has its own size, and all share one rate.

    Conditioned on their total, the counts have a law that does not depend on the rate, so any rate will do.

    Attributes:
        pmf: (count, size, rate) -> probability.
        slope: (count, size, rate, probability) -> its derivative in the size.
        rate: (size of the total, fewest calls, most calls, length of the transform) -> a rate that centres the total.
        variance: (share, size of the total, number of calls) -> variance of a count given the total; infinite where
            the law has no window of a few standard deviations.
    """

    pmf: Callable[[Floats, Floats, Floats], Floats]
    slope: Callable[[Floats, Floats, Floats, Floats], Floats]
    rate: Callable[[Floats, Floats, Floats, int], Floats]
    variance: Callable[[Floats, Floats, Floats], Floats]


def _negative_binomial_rate(total: Floats, few: Floats, many: Floats, length: int) -> Floats:
    """The rate that centres the total, or a smaller one that makes P(total = many + length) negligible (1e-15)."""
    growth = gammaln(total + many + length) - gammaln(total + many) - gammaln(many + length + 1) + gammaln(many + 1)
    return jnp.minimum(many / (total + many), jnp.exp(-(34 + jnp.maximum(growth, 0.0)) / length))


MULTINOMIAL = CountLaw(
    pmf=lambda count, size, rate: poisson_pmf(count, size * rate),
    slope=lambda count, size, rate, value: _poisson_slope(count, size * rate, value) * rate,
    rate=lambda total, few, many, length: (few + many) / (2 * total),
    variance=lambda share, total, calls: calls * share * (1 - share),
)
"""Calls drawn with replacement; the sizes are the answers' probabilities."""

DIRICHLET_MULTINOMIAL = CountLaw(
    pmf=negative_binomial_pmf,
    slope=_negative_binomial_slope,
    rate=_negative_binomial_rate,
    variance=lambda share, total, calls: jnp.full_like(share, jnp.inf),
)
"""Calls with replacement from an answer distribution that has a Dirichlet law; the sizes are its concentrations."""
