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


def priced(tmp_path, text, data=None):
    path = tmp_path / "prices.toml"
    path.write_text(text)
    return js.read_costs(path, data)


def test_a_price_file_gives_a_cost_by_name(tmp_path):
    text = """
    [small]
    prompt_tokens = 500
    decode_tokens = 1_000
    price_in = 0.15
    price_out = 0.6
    prompt_shared = false
    parallel = 8
    [small.check]
    per_call = 0.001
    ["gpt-4o / cot"]
    per_call = 0.03
    parallel = inf
    """
    costs = priced(tmp_path, text)
    assert list(costs) == ["small", "gpt-4o / cot"]
    assert costs["small"].money(2, checks=1) == pytest.approx(2 * 675e-6 + 0.001)
    assert costs["small"].parallel == 8
    assert costs["gpt-4o / cot"].money(2) == 0.06
    assert costs["gpt-4o / cot"].parallel == math.inf


def test_recorded_tokens_stand_in_for_those_that_a_price_file_leaves_out(tmp_path):
    tokens = [[100, 300, np.nan], [1000, 1000, 4000]]  # means 200 and 2000: queries count alike
    ballots = js.Ballots([[2], [3]], [[True], [True]], tokens=tokens)
    costs = priced(
        tmp_path, "[m]\nprice_out = 2\n[n]\nprice_out = 2\ndecode_tokens = 7\n", {"n": ballots, "m": ballots}
    )
    assert list(costs) == ["n", "m"]
    assert costs["m"].per_call == pytest.approx(2 * 1100 / 1e6)
    assert costs["n"].per_call == pytest.approx(2 * 7 / 1e6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[small\n", "not TOML"),
        ("", r"no model: expected a table for each"),
        ("small = 3\n", r"small = 3: expected a table of prices"),
        ("[small]\n", r"small: no price: expected per_call"),
        ("[small]\nper_cal = 1\n", r"small.per_cal: unknown key \(is 'per_call' meant\?\)"),
        ("[small]\nxyz = 1\n", r"small.xyz: unknown key: expected one of prompt_tokens"),
        ("[small]\nper_call = -1\n", r"small.per_call = -1.0: expected a finite number of 0 or more"),
        ("[small]\nper_call = '1'\n", r"small.per_call = '1': expected a finite number"),
        ("[small]\nper_call = true\n", r"small.per_call = True: expected a finite number"),
        ("[small]\nper_call = 1\nprice_in = 3\n", r"small: per_call beside price_in: expected amounts per call, or"),
        ("[small]\nprice_out = 1\n", r"small.decode_tokens is missing: price_out needs it, as the data record none"),
        ("[small]\nprice_in = 1\n", r"small.prompt_tokens is missing: price_in needs it, as the data record none"),
        ("[small]\nper_call = 1\nprompt_shared = 1\n", r"small: per_call beside prompt_shared"),
        (
            "[small]\nprice_out = 1\ndecode_tokens = 1\nprompt_shared = 1\n",
            r"small.prompt_shared = 1: expected true or",
        ),
        ("[small]\nper_call = 1\nparallel = 0\n", r"small.parallel = 0: expected a whole number from 1"),
        ("[small]\nper_call = 1\n[small.check]\nper_call = -1\n", r"small.check.per_call = -1.0: expected"),
    ],
)
def test_a_price_file_that_cannot_be_used_says_which_key(tmp_path, text, message):
    with pytest.raises(ValueError, match=rf"prices.toml: {message}"):
        priced(tmp_path, text)


def test_a_data_set_without_a_price_is_refused_with_the_near_name(tmp_path):
    attempts = js.Attempts([3], [1])
    with pytest.raises(ValueError, match=r"no prices for 'smal': expected a table \(is 'small' meant\?\)"):
        priced(tmp_path, "[small]\nper_call = 1\n", {"smal": attempts})
    with pytest.raises(ValueError, match="no such file"):
        js.read_costs(tmp_path / "none.toml")


def test_a_data_set_is_known_by_its_own_name_too(tmp_path):
    attempts = js.Attempts([3], [1], name="runs")
    assert priced(tmp_path, "[runs]\nper_call = 1\n", {"all": attempts})["all"].per_call == 1
    assert priced(tmp_path, "[runs]\nper_call = 1\n[all]\nper_call = 2\n", {"all": attempts})["all"].per_call == 2
