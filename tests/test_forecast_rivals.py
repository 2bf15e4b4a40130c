"""Forecasts from papers: the line in log-log coordinates and the discretised Beta, each against its definition."""

import numpy as np
import pytest
from scipy import optimize, stats

import jaxscale as js
from jaxscale.forecasting import forecast
from jaxscale.systems import PassAtK

ONE_SIGMA = 0.6826895


def simulated(a, b, queries, attempts, seed):
    rng = np.random.default_rng(seed)
    return js.Attempts(np.full(queries, attempts), rng.binomial(attempts, rng.beta(a, b, queries)))


def test_loglog_is_the_least_squares_line():
    data = simulated(0.4, 6.0, 60, 20, seed=0)
    points = np.arange(1, 21)
    # Forty log-spaced points up to 20 attempts, rounded: some whole numbers below 20 are not among them.
    points = points[np.isin(points, np.rint(20 ** (np.arange(40) / 39)))]
    curve = js.pass_at_k(data, points).value
    slope, intercept = np.polyfit(np.log(points), np.log(-np.log(curve)), 1)
    beyond = np.array([50, 10**4, 10**8])
    found = forecast(PassAtK(), data, beyond, model="loglog")
    np.testing.assert_allclose(found.value, np.exp(-np.exp(intercept) * beyond**slope), rtol=1e-10)
    assert found.model.parameters["exponent"] == pytest.approx(-slope, rel=1e-10)
    assert found.model.parameters["coefficient"] == pytest.approx(np.exp(intercept), rel=1e-10)


def test_discretised_beta_recovers_a_beta():
    # 10^4 attempts: the rate of a query is then its success probability to well within a bin.
    data = simulated(0.4, 3.0, 400, 10**4, seed=1)
    k = [10**5, 10**6, 10**8]
    curve = forecast(PassAtK(), data, k, model="discretised-beta", level=ONE_SIGMA)
    error = (curve.upper - curve.lower) / 2
    truth = np.asarray(js.Beta(0.4, 3.0).pass_at_k(np.array(k)))
    assert (error < 0.01).all()
    assert (np.abs(curve.value - truth) < 5 * error).all()


def test_discretised_beta_is_the_maximum_of_the_binned_likelihood():
    data = simulated(0.5, 8.0, 100, 50, seed=2)
    edges = np.concatenate([[0.0], np.rint(50 ** (np.arange(11) / 10)) / 50])
    queries = np.histogram(data.successes / 50, edges)[0]
    scale = edges[np.flatnonzero(queries)[-1] + 1]
    assert scale < 1

    def loss(log_shapes):
        probability = np.diff(stats.beta.cdf(np.minimum(edges / scale, 1), *np.exp(log_shapes)))
        return -np.sum(queries * np.log(np.maximum(probability, 1e-300)))

    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}).x
    found = forecast(PassAtK(), data, [10, 50, 500], model="discretised-beta")
    parameters = found.model.parameters
    np.testing.assert_allclose([parameters["a"], parameters["b"]], np.exp(best), rtol=1e-3)
    assert parameters["scale"] == scale
    p = stats.beta.ppf((np.arange(10**5) + 0.5) / 10**5, *np.exp(best)) * scale
    assert found.value[2] == pytest.approx(1 - np.mean((1 - p) ** 500), abs=1e-3)
    np.testing.assert_allclose(found.value[:2], js.pass_at_k(data, [10, 50]).value, atol=1e-12)
    assert found.kind.tolist() == ["estimate", "estimate", "forecast"]


@pytest.mark.parametrize("model", ["loglog", "discretised-beta"])
def test_intervals_hold_the_value_and_widen_with_the_level(model):
    data = simulated(0.5, 8.0, 100, 50, seed=3)
    wide, narrow = (forecast(PassAtK(), data, [10, 50, 500], model=model, level=level) for level in (0.95, 0.5))
    assert ((wide.lower < narrow.lower) & (narrow.lower <= narrow.value)).all()
    assert ((narrow.value <= narrow.upper) & (narrow.upper < wide.upper)).all()
    assert ((wide.lower >= 0) & (wide.upper <= 1)).all()


def test_uneven_attempts_are_binned_by_rate():
    uneven = js.Attempts([10, 10, 1000, 1000], [0, 2, 0, 200])
    even = js.Attempts([10] * 4, [0, 2, 0, 2])
    found, expected = (forecast(PassAtK(), data, 10**4, model="discretised-beta") for data in (uneven, even))
    assert found.model.parameters == expected.model.parameters
    assert found.value == pytest.approx(expected.value, rel=1e-12)


@pytest.mark.parametrize(
    ("attempts", "successes", "got"),
    [
        ([10] * 5, [0] * 5, "5 queries all from 0 to 0.1"),
        ([10] * 5, [10] * 5, "5 queries all from 0.8 to 1"),
        ([10], [3], "1 queries all from 0.3 to 0.4"),
        ([1, 1], [0, 1], "2 queries all from 0 to 1"),
    ],
)
def test_discretised_beta_needs_two_bins(attempts, successes, got):
    with pytest.raises(ValueError, match=f"model = 'discretised-beta': expected success rates in two bins.*{got}"):
        forecast(PassAtK(), js.Attempts(attempts, successes), 100, model="discretised-beta")


def test_discretised_beta_within_the_data_alone():
    data = simulated(0.5, 8.0, 100, 50, seed=2)
    found = forecast(PassAtK(), data, [[1], [50]], model="discretised-beta")
    np.testing.assert_allclose(found.value, js.pass_at_k(data, [[1], [50]]).value, atol=1e-12)


def test_an_unknown_rival_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"model = 'magic': expected .*loglog, discretised-beta"):
        forecast(PassAtK(), js.Attempts([10, 10], [0, 3]), 100, model="magic")
