"""What calls cost: the formulas, their derivatives, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js

KINDS = ("money", "flops", "seconds")
FULL = js.Cost(0.002, 0.01, 0.0005, 2e12, 1e13, 3e11, 1.5, 0.25, 0.125)


def test_each_kind_is_linear_in_calls_and_checks():
    calls, checks = np.array([1, 7, 1000]), np.array([0, 7, 10])
    np.testing.assert_allclose(FULL.money(calls, checks), 0.01 + 0.002 * calls + 0.0005 * checks, rtol=1e-15)
    np.testing.assert_allclose(FULL.flops(calls, checks), 1e13 + 2e12 * calls + 3e11 * checks, rtol=1e-15)
    np.testing.assert_allclose(FULL.seconds(calls, checks), 0.25 + 1.5 * calls + 0.125 * checks, rtol=1e-15)


def test_a_shared_prompt_is_paid_once_and_another_one_for_every_call():
    tokens = {"price_in": 3.0, "price_out": 15.0, "flops_per_token": 16e9, "seconds_per_prompt_token": 1e-4}
    k = np.array([1, 10, 100])
    shared = js.Cost.from_tokens(500, 1000, **tokens, seconds_per_token=0.02)
    apart = js.Cost.from_tokens(500, 1000, **tokens, seconds_per_token=0.02, prompt_shared=False)
    np.testing.assert_allclose(shared.money(k), (500 * 3 + k * 1000 * 15) / 1e6)
    np.testing.assert_allclose(apart.money(k), k * (500 * 3 + 1000 * 15) / 1e6)
    np.testing.assert_allclose(shared.flops(k), 16e9 * (500 + k * 1000))
    np.testing.assert_allclose(apart.flops(k), 16e9 * k * (500 + 1000))
    np.testing.assert_allclose(shared.seconds(k), 500e-4 + k * 20)
    np.testing.assert_allclose(apart.seconds(k), k * (500e-4 + 20))


def test_calls_made_at_once_take_the_time_of_one():
    serial = js.Cost(seconds_per_call=2.0, seconds_per_query=1.0, seconds_per_check=0.5)
    for parallel, expected in ((1, [3, 5, 17]), (4, [3, 3, 5]), (math.inf, [3, 3, 3])):
        cost = js.Cost(seconds_per_call=2.0, seconds_per_query=1.0, seconds_per_check=0.5, parallel=parallel)
        np.testing.assert_array_equal(cost.seconds([1, 2, 8]), expected)
        np.testing.assert_array_equal(jax.jit(lambda c, k: c.seconds(k))(cost, jnp.array([1, 2, 8])), expected)
        assert cost.seconds(0) == 1
    assert serial.seconds(4, checks=4) == 1 + 8 + 2


def test_one_check_costs_one_call_of_the_verifier():
    verifier = js.Cost.from_tokens(1500, 10, price_in=1.0, price_out=2.0, flops_per_token=1e9, seconds_per_token=0.1)
    cost = js.Cost(per_call=0.5, flops_per_call=1e9, seconds_per_call=2.0).checked_by(verifier)
    assert cost.money(3, checks=2) == pytest.approx(1.5 + 2 * 1520e-6)
    assert cost.flops(3, checks=2) == pytest.approx(3e9 + 2 * 1510e9)
    assert cost.seconds(3, checks=2) == pytest.approx(6 + 2 * 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_jit_vmap_and_grad(kind):
    k = jnp.array([1.0, 7.0, 1000.0])
    eager = getattr(FULL, kind)(k, k)
    np.testing.assert_allclose(jax.jit(lambda cost, k: getattr(cost, kind)(k, k))(FULL, k), eager, rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(lambda k: getattr(FULL, kind)(k, k))(k), eager, rtol=1e-6)
    prefix = "" if kind == "money" else f"{kind}_"
    gradient = jax.grad(lambda cost: getattr(cost, kind)(7.0, 3.0))(FULL)
    for name, value in ((f"{prefix}per_query", 1), (f"{prefix}per_call", 7), (f"{prefix}per_check", 3)):
        assert getattr(gradient, name) == value
    assert jax.grad(getattr(FULL, kind))(7.0) == np.float32(getattr(FULL, f"{prefix}per_call"))


def test_the_dtype_is_that_of_the_calls():
    assert FULL.money(np.array([1, 2])).dtype == np.float64
    assert FULL.money(jnp.array([1.0, 2.0], jnp.float32)).dtype == jnp.float32
    assert FULL.money(3) == 0.01 + 0.002 * 3  # exact: prices are not rounded to float32
    with jax.enable_x64(True):
        assert FULL.flops(jnp.array([1, 2])).dtype == jnp.float64


def test_arrays_broadcast_with_the_calls():
    sizes = np.array([[1e9], [7e9], [70e9]])
    flops = js.Cost.from_tokens(500, 1000, flops_per_token=2 * sizes).flops([1, 10])
    np.testing.assert_allclose(flops, 2 * sizes * (500 + 1000 * np.array([1, 10])))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"per_call": -1}, r"per_call = -1.0: expected a finite number of 0 or more"),
        ({"per_query": math.nan}, r"per_query = nan: expected a finite number"),
        ({"flops_per_check": [1.0, -2.0]}, r"flops_per_check = -2.0: expected"),
        ({"seconds_per_call": "1"}, r"seconds_per_call = '1': expected"),
        ({"per_check": True}, r"per_check = True: expected"),
        ({"per_check": None}, r"per_check = None: expected"),
        ({"parallel": 0}, r"parallel = 0: expected a whole number from 1, or math.inf"),
        ({"parallel": 2.5}, r"parallel = 2.5: expected a whole number"),
    ],
)
def test_what_is_no_cost_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        js.Cost(**arguments)


def test_tokens_and_prices_are_named_when_refused():
    with pytest.raises(ValueError, match=r"^decode_tokens = -5.0: expected a finite number of 0 or more"):
        js.Cost.from_tokens(500, -5)
    with pytest.raises(ValueError, match=r"^price_out = inf: expected"):
        js.Cost.from_tokens(500, 5, price_out=math.inf)
