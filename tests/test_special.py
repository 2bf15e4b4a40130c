"""Special functions against mpmath, in float64 and float32, with gradients."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxscale._arrays import float64
from jaxscale.special import (
    deviance,
    harmonic_number,
    log1mexp,
    log_beta_function,
    log_beta_ratio,
    log_binomial,
    log_integral,
    log_mix_with_one,
    log_mixture,
    log_power,
    stirling_error,
)


@pytest.fixture(autouse=True)
def _fifty_digits():
    with mp.workdps(50):
        yield


def relative_error(value, exact):
    value, exact = np.asarray(value, np.float64), np.array([float(x) for x in exact])
    return np.max(np.abs(value - exact) / np.maximum(np.abs(exact), 1e-300))


def box(*log_ranges, points=150, seed=0):
    """Points spread evenly in log scale over a box, its corners included, exactly representable in float32."""
    rng = np.random.default_rng(seed)
    inner = np.array([10 ** rng.uniform(low, high, points) for low, high in log_ranges])
    corners = 10.0 ** np.array(np.meshgrid(*log_ranges)).reshape(len(log_ranges), -1)
    return np.concatenate([inner, corners], axis=1).astype(np.float32).astype(np.float64)


A_B_K = box((-3, 3), (-2, 6), (0, 9))


def mp_log_beta_ratio(a, b, k):
    a, b, k = mp.mpf(float(a)), mp.mpf(float(b)), mp.mpf(float(k))
    with mp.workdps(70):
        return mp.loggamma(a + b) + mp.loggamma(b + k) - mp.loggamma(b) - mp.loggamma(a + b + k)


def test_log_beta_ratio_in_float64():
    with float64():
        value = jax.jit(log_beta_ratio)(*A_B_K)
    assert value.dtype == jnp.float64
    assert relative_error(value, [mp_log_beta_ratio(*row) for row in A_B_K.T]) < 1e-12


def test_log_beta_ratio_in_float32():
    value = jax.jit(log_beta_ratio)(*A_B_K.astype(np.float32))
    assert value.dtype == jnp.float32
    assert relative_error(value, [mp_log_beta_ratio(*row) for row in A_B_K.T]) < 1e-5


def mp_gradient(a, b, k):
    a, b, k = mp.mpf(float(a)), mp.mpf(float(b)), mp.mpf(float(k))
    by_a = mp.digamma(a + b) - mp.digamma(a + b + k)
    by_k = mp.digamma(b + k) - mp.digamma(a + b + k)
    return by_a, by_k - mp.digamma(b) + mp.digamma(a + b), by_k


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-10), (np.float32, 1e-4)])
def test_gradients_of_log_beta_ratio(dtype, bound):
    exact = np.array([[float(x) for x in mp_gradient(*row)] for row in A_B_K.T]).T
    with float64():
        gradients = jax.jit(jax.vmap(jax.grad(log_beta_ratio, argnums=(0, 1, 2))))(*A_B_K.astype(dtype))
    for gradient, expected in zip(gradients, exact, strict=True):
        assert gradient.dtype == dtype
        assert relative_error(gradient, expected) < bound


def test_log_beta_ratio_with_a_large_and_a_tiny_shape():
    a_b_c = box((0, 10), (-3, 2), (0, 4), points=60, seed=1)
    with float64():
        value = jax.jit(log_beta_ratio)(*a_b_c)
    assert relative_error(value, [mp_log_beta_ratio(*row) for row in a_b_c.T]) < 1e-11


def test_log_beta_ratio_without_increment_is_exactly_zero():
    assert float(jax.jit(log_beta_ratio)(3.0, 2.0, 0.0)) == 0.0


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_log_beta_function(dtype, bound):
    a, b = box((-3, 3), (-2, 6), points=60, seed=2)
    exact = [mp.log(mp.beta(mp.mpf(float(x)), mp.mpf(float(y)))) for x, y in zip(a, b, strict=True)]
    with float64():
        value = jax.jit(log_beta_function)(a.astype(dtype), b.astype(dtype))
    scale = np.maximum(np.abs([float(x) for x in exact]), 1)
    assert np.max(np.abs(np.asarray(value, np.float64) - [float(x) for x in exact]) / scale) < bound


def test_log_binomial_is_the_log_of_whole_numbers():
    n = np.array([1, 5, 100, 10_000, 10_000, 10**7, 10**7, 10**12])
    c = np.array([0, 2, 50, 1, 9_999, 3, 10**4, 10**12])
    with float64():
        value = jax.jit(log_binomial)(n.astype(float), c.astype(float))
    exact = [float(mp.log(mp.binomial(int(a), int(b)))) for a, b in zip(n, c, strict=True)]
    np.testing.assert_allclose(value, exact, rtol=1e-14, atol=2e-15)


X = -np.geomspace(1e-6, 80, 40).astype(np.float32).astype(np.float64)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-14), (np.float32, 5e-7)])
def test_log1mexp(dtype, bound):
    with float64():
        value = log1mexp(X.astype(dtype))
    assert relative_error(value, [mp.log1p(-mp.exp(mp.mpf(float(x)))) for x in X]) < bound


def test_log1mexp_at_its_ends():
    assert float(log1mexp(0.0)) == -np.inf
    assert float(log1mexp(-np.inf)) == 0.0
    assert np.isfinite(jax.grad(log1mexp)(-100.0))


@pytest.mark.parametrize("share", [0.0, 1e-9, 0.5, 1.0])
def test_log_mix_with_one(share):
    with float64():
        value = log_mix_with_one(share, X)
        assert (
            relative_error(value, [mp.log(1 - mp.mpf(share) + mp.mpf(share) * mp.exp(mp.mpf(float(x)))) for x in X])
            < 1e-14
        )
        by_share, by_value = jax.grad(log_mix_with_one, argnums=(0, 1))(share, -2.0)
        mixed = 1 - share + share * np.exp(-2.0)
        np.testing.assert_allclose([by_share, by_value], [np.expm1(-2.0) / mixed, share * np.exp(-2.0) / mixed])


def test_log_mix_with_one_is_twice_differentiable():
    with float64():
        check_grads(jax.jit(log_mix_with_one), (0.3, -1.5), order=2, modes=("fwd", "rev"))


def test_log_mixture_keeps_tiny_coverage():
    with float64():
        assert np.isclose(float(log_mixture(jnp.array([0.0, -1e-20]), jnp.array([0.5, 0.5]))), -5e-21, rtol=1e-14)
        far = log_mixture(jnp.array([-900.0, -1000.0]), jnp.array([0.25, 0.75]))
        assert np.isclose(float(far), -900 + np.log(0.25), rtol=1e-14)


def test_log_mixture_has_gradients_at_weights_of_zero_and_at_impossible_values():
    values, weights = jnp.array([-2.0, -np.inf, -1.0]), jnp.array([1.0, 0.0, 0.0])
    by_value, by_weight = jax.grad(log_mixture, argnums=(0, 1))(values, weights)
    np.testing.assert_allclose(by_value, [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(by_weight, [1, 0, np.e], rtol=1e-6)


def test_log_mixture_survives_a_value_that_no_weight_carries():
    value, gradient = jax.value_and_grad(log_mixture)(jnp.array([-1000.0, 0.0]), jnp.array([1.0, 0.0]))
    assert float(value) == -1000
    np.testing.assert_allclose(gradient, [1, 0])


def test_log_power_at_the_ends():
    p = jnp.array([0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    successes, failures = jnp.array([0, 2, 2, 0, 0, 0]), jnp.array([3, 3, 0, 1, 0, 0])
    np.testing.assert_array_equal(log_power(p, successes, failures), [0, -np.inf, 0, -np.inf, 0, 0])
    gradient = jax.jit(jax.grad(lambda p: jnp.sum(log_power(p, successes, failures)[jnp.array([0, 2, 4, 5])])))(p)
    np.testing.assert_allclose(gradient[jnp.array([0, 2, 4, 5])], [-3, 2, 0, 0])


ORDERS = [0.0, 0.3, 1 - 1e-7, 1.0, 1 + 1e-7, 1.5, 3.0]


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_harmonic_number(dtype, bound):
    k = np.array([0, 1, 5, 12, 13, 100, 2000])
    exact = [mp.fsum(mp.mpf(j) ** -mp.mpf(float(dtype(order))) for j in range(1, n + 1)) for order in ORDERS for n in k]
    with float64():
        value = jax.jit(harmonic_number)(k.astype(dtype), np.array(ORDERS, dtype)[:, None])
    assert np.max(np.abs(np.ravel(value) - [float(x) for x in exact]) / np.maximum(1, np.ravel(value))) < bound


def test_harmonic_number_of_many_terms():
    k = 10**12
    with float64():
        value = jax.jit(harmonic_number)(float(k), jnp.array(ORDERS))
    # sum_{j <= k} j^-s = zeta(s) - zeta(s, k + 1), and digamma at s = 1.
    exact = [mp.harmonic(k) if s == 1 else mp.zeta(s) - mp.zeta(s, k + 1) for s in ORDERS]
    assert relative_error(value, exact) < 1e-9


def test_gradient_of_harmonic_number_passes_through_order_one():
    with float64():
        gradient = jax.jit(jax.vmap(jax.grad(harmonic_number, argnums=1), (None, 0)))(500.0, jnp.array(ORDERS))
    exact = [-mp.fsum(mp.log(j) * mp.mpf(j) ** -mp.mpf(order) for j in range(1, 501)) for order in ORDERS]
    assert relative_error(gradient, exact) < 1e-9


def log_two_slopes(t, left, right, shift):
    """A peak that rises as exp(left t) and falls as exp(-right t), around `shift`."""
    return left * (t - shift) - (left + right) * jax.nn.softplus(t - shift)


@pytest.mark.parametrize(("left", "right"), [(1e-3, 1e-3), (1e-3, 1.0), (1.0, 1e4), (1e8, 1e6), (0.5, 3.0)])
@pytest.mark.parametrize("shift", [-40.0, 0.0, 3.0])
def test_log_integral_at_any_width(left, right, shift):
    exact = float(mp.log(mp.beta(left, right)))
    for dtype, bound in ((np.float64, 1e-11), (np.float32, 1e-5)):
        with float64():
            value = _log_integral_two_slopes(*(jnp.asarray(x, dtype) for x in (left, right, shift)))
        assert value.dtype == dtype
        assert abs(float(value) - exact) < bound * max(1, abs(exact))


@jax.jit
def _log_integral_two_slopes(left, right, shift):
    mode = shift + jnp.log(left) - jnp.log(right)
    return log_integral(log_two_slopes, (left, right, shift), mode, (shift,))


def test_gradients_of_log_integral_do_not_see_its_nodes():
    with float64():
        by_left, by_right, by_shift = jax.jit(jax.grad(_log_integral_two_slopes, argnums=(0, 1, 2)))(0.3, 2.0, 1.0)
    exact = [mp.digamma(mp.mpf("0.3")) - mp.digamma(mp.mpf("2.3")), mp.digamma(2) - mp.digamma(mp.mpf("2.3"))]
    assert relative_error([by_left, by_right], exact) < 1e-10
    assert abs(float(by_shift)) < 1e-10


@pytest.mark.parametrize("x", [0.3, 1.0, 7.0, 15.0, 16.0, 300.5, 1e7])
def test_stirling_errors_are_those_of_many_digits(x):
    with float64():
        y = mp.mpf(x)
        truth = float(mp.loggamma(y + 1) - (y + 0.5) * mp.log(y) + y - mp.log(2 * mp.pi) / 2)
        values = [stirling_error(jnp.asarray(x), whole=False)]
        if x == int(x):
            values += [stirling_error(jnp.asarray(x), whole=True), stirling_error(jnp.asarray(x), whole=True, terms=5)]
    np.testing.assert_allclose(values, truth, rtol=1e-12, atol=3e-15)


@pytest.mark.parametrize(("x", "mean"), [(5.0, 5.0001), (5.0, 9.0), (1e6, 1e6 + 3), (1e-3, 2.0), (7.0, 1e-5)])
def test_deviances_are_those_of_many_digits(x, mean):
    with float64():
        truth = float(mp.mpf(x) * mp.log(mp.mpf(x) / mp.mpf(mean)) + mp.mpf(mean) - mp.mpf(x))
        assert float(deviance(jnp.asarray(x), jnp.asarray(mean))) == pytest.approx(truth, rel=1e-13)


def test_deviances_have_their_limits_at_zero():
    x, mean = jnp.array([0.0, 0.0, 2.0]), jnp.array([3.0, 0.0, 0.0])
    assert deviance(x, mean).tolist() == [3.0, 0.0, np.inf]
