import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from jaxscale._arrays import float64
from jaxscale.plurality import binomial_pmf
from jaxscale.plurality._count_laws import negative_binomial_pmf, poisson_pmf

mp.mp.dps = 40


def around(mean, deviation):
    return np.unique(np.clip(np.round(mean + np.linspace(-8, 8, 17) * deviation), 0, None))


def poisson(x, mean):
    mean = mp.mpf(mean)
    return mp.exp(-mean + x * mp.log(mean) - mp.loggamma(x + 1))


def binomial(x, n, p):
    return mp.binomial(n, x) * mp.mpf(p) ** x * (1 - mp.mpf(p)) ** (n - x) if x <= n else mp.mpf(0)


def negative_binomial(x, size, rate):
    size, rate = mp.mpf(size), mp.mpf(rate)
    return mp.exp(mp.loggamma(size + x) - mp.loggamma(size) - mp.loggamma(x + 1)) * rate**x * (1 - rate) ** size


CASES = [
    *((poisson_pmf, poisson, (m,), m, m**0.5) for m in (1e-3, 0.3, 7.0, 1e3, 1e5)),
    *(
        (binomial_pmf, binomial, (n, p), n * p, (n * p * (1 - p)) ** 0.5)
        for n, p in ((7.0, 0.875), (100.0, 0.0078125), (1e5, 0.25))
    ),
    *(
        (negative_binomial_pmf, negative_binomial, (a, r), 40, 8)
        for a, r in ((1e-3, 0.75), (0.5, 0.875), (1e3, 0.03125))
    ),
]


@pytest.mark.parametrize(("pmf", "truth", "parameters", "mean", "deviation"), CASES)
def test_pmfs_agree_with_high_precision_arithmetic(pmf, truth, parameters, mean, deviation):
    counts = around(mean, deviation)
    expected = np.array([float(truth(int(x), *map(mp.mpf, parameters))) for x in counts])
    with float64():
        np.testing.assert_allclose(pmf(counts, *parameters), expected, rtol=3e-13, atol=1e-300)
    rounded = [np.float32(p) for p in parameters]
    single = pmf(jnp.asarray(counts, jnp.float32), *rounded)
    assert single.dtype == jnp.float32
    expected = np.array([float(truth(int(x), *(mp.mpf(float(p)) for p in rounded))) for x in counts])
    np.testing.assert_allclose(single, expected, rtol=1e-4, atol=1e-9)


def test_pmfs_vanish_outside_their_support_and_sum_to_one():
    with float64():
        counts = jnp.arange(-2.0, 12)
        for values in (binomial_pmf(counts, 6.0, 0.3), binomial_pmf(counts, 6.0, 1.0), binomial_pmf(counts, 0.0, 0.5)):
            np.testing.assert_allclose(values.sum(), 1, atol=1e-14)
            assert not values[:2].any()
            assert not values[9:].any()
        assert poisson_pmf(counts, 0.0).tolist() == [0, 0, 1] + [0] * 11
        assert negative_binomial_pmf(counts, 0.0, 0.5).tolist() == [0, 0, 1] + [0] * 11


@pytest.mark.parametrize(
    ("function", "points"),
    [
        (lambda x, q: poisson_pmf(x, 5 * q), (0.0, 0.2, 1.0)),
        (lambda x, q: binomial_pmf(x, 5.0, q), (0.0, 0.3, 1.0)),
        (lambda x, q: negative_binomial_pmf(x, q, 0.4), (0.0, 0.7)),
        (lambda x, q: negative_binomial_pmf(x, 2.5, q), (0.3,)),
    ],
)
def test_derivatives_in_the_parameter_hold_at_its_ends(function, points):
    step = 1e-6
    with float64():
        for q in points:
            for x in range(7):
                one_sided = q in (0.0, 1.0)
                sign = -1.0 if q == 1.0 else 1.0
                if one_sided:
                    near = [function(float(x), q + sign * i * step) for i in range(3)]
                    expected = sign * (-3 * near[0] + 4 * near[1] - near[2]) / (2 * step)
                else:
                    expected = (function(float(x), q + step) - function(float(x), q - step)) / (2 * step)
                found = jax.grad(lambda q, x=x: function(float(x), q))(q)
                np.testing.assert_allclose(found, expected, atol=2e-8)
