"""Forecasts: what they must equal, how they join the estimates, and whether intervals hold."""

import jax
import numpy as np
import pytest

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.data import DataWarning
from jaxscale.forecasting import forecast
from jaxscale.forecasting._noise import rerun_variance
from jaxscale.special import log_beta_ratio
from jaxscale.systems import PassAtK


def simulated(a, b, queries, attempts, seed, ceiling=1.0):
    rng = np.random.default_rng(seed)
    p = rng.beta(a, b, queries) * (rng.random(queries) < ceiling)
    n = np.broadcast_to(attempts, queries)
    return p, js.Attempts(n, rng.binomial(n, p))


def test_within_the_attempts_it_is_the_unbiased_estimate():
    _, data = simulated(0.4, 6.0, 60, 100, seed=0)
    k = [1, 10, 100]
    curve = forecast(PassAtK(), data, k)
    np.testing.assert_allclose(curve.value, js.pass_at_k(data, k).value, atol=1e-13)
    assert curve.kind.tolist() == ["estimate"] * 3


def test_has_no_jump_where_the_data_end():
    _, data = simulated(0.4, 6.0, 60, 100, seed=1)
    for over in ("these", "population"):
        curve = forecast(PassAtK(), data, [99, 100, 101, 102], over=over)
        # The noise within the data is one model's and beyond them several': the ends differ by a hundredth of the
        # width at most.
        step_back = 0.01 * (curve.upper - curve.lower).max()
        for ends, back in ((curve.value, 1e-4), (curve.lower, step_back), (curve.upper, step_back)):
            assert (np.diff(ends) > -back).all()
            assert (np.abs(np.diff(ends)) < 0.005).all()


@pytest.mark.parametrize("model", ["auto", "beta", "beta-ceiling", "scaled-beta", "loglog"])
def test_rises_and_its_intervals_hold_the_law_and_widen_with_the_level(model):
    _, data = simulated(0.4, 6.0, 60, 100, seed=2)
    calls = [1, 30, 100, 1000, 10**12]
    wide, narrow = (forecast(PassAtK(), data, calls, model=model, over="population", level=x) for x in (0.99, 0.5))
    assert (np.diff(wide.value) >= 0).all()
    assert (wide.lower < narrow.lower).all()
    assert (narrow.upper[:4] < wide.upper[:4]).all()
    truth = np.asarray(js.Beta(0.4, 6.0).pass_at_k(np.array(calls[:4])))
    assert ((wide.lower[:4] <= truth) & (truth <= wide.upper[:4])).all()


def test_uneven_attempts_query_by_query():
    data = js.Attempts([10, 10, 1000, 1000], [0, 2, 0, 30])
    curve = forecast(PassAtK(), data, [5, 10, 100], model="beta")
    # At k = 100 the long queries have unbiased estimates, a solved short one counts 1, the other is forecast.
    from jaxscale.estimators import pass_at_k_per_query

    exact = pass_at_k_per_query(np.array([1000, 1000]), np.array([0, 30]), np.array([100])).sum()
    rest = 4 * curve.value[2] - exact - 1
    assert 0 < rest < 1
    assert curve.kind.tolist() == ["estimate", "estimate", "forecast"]


def test_beta_forecast_is_the_posterior_mean_of_the_predictive():
    data = js.Attempts([20] * 8, [0, 0, 1, 2, 0, 7, 0, 15])
    curve = forecast(PassAtK(), data, 200, model="beta")
    log_a, log_b = np.meshgrid(np.linspace(-5, 4, 150), np.linspace(-5, 6, 150), indexing="ij")
    log_density = -(log_a**2 + log_b**2) / 18
    with float64():
        for c in data.successes:
            log_density = log_density + np.asarray(
                log_beta_ratio(np.exp(log_a), np.exp(log_b), 20.0 - c)
                + log_beta_ratio(np.exp(log_b) + 20.0 - c, np.exp(log_a), float(c))
            )
        later = -np.expm1(np.asarray(log_beta_ratio(np.exp(log_a), np.exp(log_b) + 20.0, 180.0)))
    weights = np.exp(log_density - log_density.max())
    expected = (4 + 4 * (weights * later).sum() / weights.sum()) / 8
    # 400 draws of a quantity whose posterior spread is below 0.1.
    assert curve.value == pytest.approx(expected, abs=5 * 0.1 / 20)


@pytest.mark.parametrize("k", [1, 7, 20, 21, 60, 1000])
def test_rerun_variance_agrees_with_simulation(k):
    a, b, n, c = 0.8, 3.0, 20, 0
    rng = np.random.default_rng(3)
    draws = 200_000
    p = rng.beta(a + c, b + n - c, draws)
    with float64():
        model = js.Beta(a, b)
        variance = float(rerun_variance(model, np.array([n]), np.array([c]), np.array([k]))[0, 0])
        later = -np.expm1(float(model.log_predictive_failure(max(k - n, 0), n, 0)))
    from jaxscale.estimators import pass_at_k_per_query

    table = pass_at_k_per_query(np.full(n + 1, n), np.arange(n + 1), np.array([min(k, n)]))[:, 0]
    first = rng.binomial(n, p)
    if k <= n:
        error = table[rng.binomial(n, p)] - table[first]
    else:
        error = (rng.random(draws) < -np.expm1(k * np.log1p(-p))) - np.where(first > 0, 1.0, later)
    squares = error**2
    assert variance == pytest.approx(squares.mean(), abs=5 * squares.std() / np.sqrt(draws) + 1e-9)


@pytest.mark.parametrize("attempts", [[10] * 5, [3, 20, 500, 7, 7]])
@pytest.mark.parametrize("all_right", [False, True])
def test_nothing_or_everything_solved_still_gives_an_honest_interval(attempts, all_right):
    data = js.Attempts(attempts, attempts if all_right else [0] * 5)
    for over in ("these", "population"):
        with pytest.warns(DataWarning, match="the prior alone"):
            curve = forecast(PassAtK(), data, [1, 3, 1000], over=over)
        assert np.isfinite([curve.value, curve.lower, curve.upper]).all()
        assert curve.value[0] == (1.0 if all_right else 0.0)
        assert curve.upper[0] - curve.lower[0] > 1e-3
        assert (curve.upper > curve.lower).all()


def test_one_query_and_one_attempt_have_an_answer():
    for over in ("these", "population"):
        curves = [forecast(PassAtK(), js.Attempts([1] * 4, [0, 1, 0, 0]), [1, 100], over=over)]
        for right in (0, 1):
            with pytest.warns(DataWarning, match="the prior alone"):
                curves.append(forecast(PassAtK(), js.Attempts([1], [right]), [1, 100], over=over))
        for curve in curves:
            assert np.isfinite([curve.value, curve.lower, curve.upper]).all()


def test_same_key_same_numbers_and_a_documented_default():
    _, data = simulated(0.4, 6.0, 30, 50, seed=4)
    default, again = forecast(PassAtK(), data, [1000]), forecast(PassAtK(), data, [1000], key=jax.random.key(0))
    assert default.to_dict() == again.to_dict()
    assert forecast(PassAtK(), data, [1000], key=jax.random.key(1)).lower != default.lower


def test_keeps_the_order_and_shape_of_k():
    _, data = simulated(0.4, 6.0, 30, 50, seed=4)
    curve = forecast(PassAtK(), data, [[1000, 1], [50, 10**5]])
    assert curve.value.shape == curve.kind.shape == (2, 2)
    assert [row["calls"] for row in curve.curve()] == [1000, 1, 50, 10**5]
    assert curve.curve()[0]["kind"] == "forecast"


def test_bad_arguments_are_named():
    data = js.Attempts([10, 10], [1, 2])
    with pytest.raises(ValueError, match=r"model = 'magic': expected auto, beta.*loglog"):
        forecast(PassAtK(), data, 100, model="magic")
    with pytest.raises(ValueError, match=r"level = 1\.5"):
        forecast(PassAtK(), data, 100, level=1.5)
    with pytest.raises(ValueError, match="over = 'all'"):
        forecast(PassAtK(), data, 100, over="all")
    with pytest.raises(ValueError, match="calls = 0"):
        forecast(PassAtK(), data, 0)
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        forecast(PassAtK(), js.Attempts([10, 10], [0, 0]), 100, model="loglog")


@pytest.mark.parametrize(("over", "least", "most"), [("these", 0.82, 0.97), ("population", 0.82, 0.97)])
def test_intervals_hold_as_often_as_they_claim(over, least, most):
    """60 data sets from Betas, inside the model; the bounds leave room for 3 standard errors of a 90% share."""
    hits, checks = 0, 0
    rng = np.random.default_rng(20)
    for seed in range(60):
        a, b = rng.choice([0.25, 0.5, 1.0]), rng.choice([3.0, 10.0])
        p, data = simulated(a, b, 100, 50, seed=100 + seed)
        curve = forecast(PassAtK(), data, [20, 1000], over=over)
        for i, k in enumerate((20, 1000)):
            if over == "population":
                with float64():
                    truth = float(js.Beta(a, b).pass_at_k(float(k)))
            else:
                runs = max(50, k)
                again = js.Attempts(np.full(100, runs), rng.binomial(runs, p))
                truth = float(js.pass_at_k(again, k).value)
            hits += curve.lower[i] <= truth <= curve.upper[i]
            checks += 1
    assert least <= hits / checks <= most
