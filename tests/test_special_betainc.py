"""The regularised incomplete beta function against mpmath, in float64 and float32, with gradients."""

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from jax.test_util import check_grads

from jaxscale._arrays import float64
from jaxscale.special import regularised_incomplete_beta


def points(count=120, seed=0):
    """a and b over the documented range; x in the bulk, in the lower tail, and next to 1; exact in float32."""
    rng = np.random.default_rng(seed)
    a, b = 10 ** rng.uniform(-2, 3, (2, count))
    bulk = rng.beta(np.maximum(a, 0.1), np.maximum(b, 0.1))
    choices = [bulk, 10 ** rng.uniform(-6, 0, count), 1 - 10 ** rng.uniform(-7, -1, count)]
    x = np.clip(np.choose(rng.integers(0, 3, count), choices), 1e-12, 1 - 2**-24)
    a, b, x = (v.astype(np.float32).astype(np.float64) for v in (a, b, x))
    with mp.workdps(40):
        exact = np.array(
            [float(mp.betainc(*row, 0, point, regularized=True)) for *row, point in zip(a, b, x, strict=True)]
        )
    return a, b, x, exact


A, B, X, EXACT = points()


@pytest.mark.parametrize(("dtype", "floor", "tolerance"), [(np.float64, 1e-250, 1e-11), (np.float32, 1e-30, 1e-3)])
def test_agrees_with_mpmath(dtype, floor, tolerance):
    with float64():
        value = regularised_incomplete_beta(*(v.astype(dtype) for v in (A, B, X)))
    assert value.dtype == dtype
    seen = floor < EXACT
    assert seen.sum() > 80
    np.testing.assert_allclose(np.asarray(value)[seen], EXACT[seen], rtol=tolerance)
    assert (np.asarray(value)[~seen] <= 10 * floor).all()


def test_gradients_agree_with_mpmath():
    moderate = np.flatnonzero((EXACT > 1e-8) & (EXACT < 1 - 1e-8))[::5]
    rows = np.stack([A, B, X])[:, moderate]
    assert rows.shape[1] >= 8
    with float64():
        total = jax.jit(jax.grad(lambda *v: jnp.sum(regularised_incomplete_beta(*v)), argnums=(0, 1, 2)))
        gradient = np.stack(total(*(jnp.asarray(row) for row in rows)))
    with mp.workdps(40):
        for at, found in zip(rows.T, gradient.T, strict=True):
            for i in range(3):
                step = mp.mpf(10) ** -15 * mp.mpf(at[i]) * (1 - mp.mpf(at[2]))
                high, low = ([mp.mpf(v) + sign * step * (j == i) for j, v in enumerate(at)] for sign in (1, -1))
                rise = mp.betainc(*high[:2], 0, high[2], regularized=True)
                rise -= mp.betainc(*low[:2], 0, low[2], regularized=True)
                assert found[i] == pytest.approx(float(rise / (2 * step)), rel=1e-7, abs=1e-12 / at[i])


def test_second_derivatives():
    with float64():
        check_grads(regularised_incomplete_beta, (0.7, 3.0, 0.4), order=2, modes=["fwd", "rev"], atol=1e-5, rtol=1e-5)


def test_tails_add_to_one():
    a, b, x = np.stack([A, B, X])[:, X > 1e-3]  # so that 1 - x keeps the digits of x
    with float64():
        total = regularised_incomplete_beta(a, b, x) + regularised_incomplete_beta(b, a, 1 - x)
    np.testing.assert_allclose(total, 1.0, rtol=1e-11)


def test_ends_are_exact_and_have_finite_gradients():
    x = jnp.array([-1.0, 0.0, 1.0, 2.0])
    assert regularised_incomplete_beta(0.3, 0.5, x).tolist() == [0.0, 0.0, 1.0, 1.0]
    gradients = jax.grad(lambda *v: jnp.sum(regularised_incomplete_beta(*v)), argnums=(0, 1, 2))(0.3, 0.5, x)
    assert all(np.all(np.asarray(gradient) == 0) for gradient in gradients)
