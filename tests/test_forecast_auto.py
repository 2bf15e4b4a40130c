"""Shapes of difficulty on a grid and the average that "auto" makes of them."""

import jax
import numpy as np
import pytest

import jaxscale as js
from jaxscale.data import DataWarning
from jaxscale.estimators import distinct
from jaxscale.forecasting import SHAPES
from jaxscale.forecasting._grid import POINTS, failure_factors, likelihoods
from jaxscale.forecasting._posterior import _SETTINGS, _pairs_of, _Target
from jaxscale.forecasting._rivals import loglog_line
from jaxscale.forecasting._shapes import law_weights
from jaxscale.particles import initial, sample


def weights_of(shape, u):
    log_density = shape.log_density(np.atleast_2d(u)).astype(float)
    weights = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def sampled(shape, likelihood, queries, seed):
    """Laws from the posterior of a shape, by particles alone, and the log evidence."""
    rng, target = np.random.default_rng(seed), _Target(shape, [likelihood], [queries])
    first = initial(target, 1, rng.standard_normal((_SETTINGS.particles, shape.parameters)))
    (draws,), (log_evidence,) = sample(rng, first, target, _SETTINGS)
    return law_weights(shape, draws), log_evidence


def simulated(law, queries, attempts, seed):
    rng = np.random.default_rng(seed)
    return js.Attempts(np.full(queries, attempts), rng.binomial(attempts, law(rng, queries)))


def test_the_grid_has_the_coverage_of_the_laws_that_have_closed_forms():
    k = np.array([1, 10, 100, 10_000, 10**6])
    for a, b in ((0.3, 3.0), (0.5, 5.0), (1.5, 40.0)):
        u = [np.log(a / 0.3) / 0.9, np.log(b / 4.0) / 2.0]
        failure = weights_of(SHAPES["beta"], u) @ failure_factors(k)[:, :-1].T
        np.testing.assert_allclose(1 - failure[0], js.Beta(a, b).pass_at_k(k), atol=2e-3)
    # Kumaraswamy's law is the power shape with bend = a.
    a, b = 0.4, 6.0
    u = [np.log(a / 0.3) / 0.9, np.log(b / 4.0) / 2.0, np.log(a / 0.5) / 0.8]
    failure = weights_of(SHAPES["power"], u) @ failure_factors(k)[:, :-1].T
    np.testing.assert_allclose(1 - failure[0], js.Kumaraswamy(a, b).pass_at_k(k), atol=2e-3)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_falls_off_at_both_ends(name):
    shape = SHAPES[name]
    u = np.random.default_rng(0).standard_normal((200, shape.size))
    weights = weights_of(shape, u)
    assert np.isfinite(weights).all()
    # Hardly ever does a law of the prior put weight on the ends of the grid, 10^-14 and 1 - 10^-4.
    assert np.mean(weights[:, 0] + weights[:, -1] > 0.05) < 0.03
    np.testing.assert_allclose(weights.sum(axis=1), 1)


def test_the_posterior_is_that_of_quadrature():
    data = simulated(lambda rng, queries: rng.beta(0.4, 6.0, queries), 40, 20, seed=3)
    pairs = distinct(data)
    likelihood, shape = likelihoods(pairs), SHAPES["beta"]
    # Brute force over both parameters and the share never solved.
    grid = np.linspace(-4.5, 4.5, 91)
    u = np.stack(np.meshgrid(grid, grid, grid[::3], indexing="ij"), axis=-1).reshape(-1, 3)
    law = np.repeat(weights_of(shape, np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)), 31, axis=0)
    never = 1 / (1 + np.exp(4.5 - 3.0 * u[:, 2:]))
    every = np.concatenate([law * (1 - never), never], axis=1)
    log_posterior = np.log(every @ likelihood.T) @ pairs.queries - np.square(u).sum(axis=1) / 2
    posterior = np.exp(log_posterior - log_posterior.max())
    evidence = log_posterior.max() + np.log(posterior.sum() * 0.1 * 0.1 * 0.3 / (2 * np.pi) ** 1.5)
    posterior /= posterior.sum()
    at_k = failure_factors(np.array([20, 500]))
    expected = posterior @ (every @ at_k.T)
    spread = np.sqrt(posterior @ np.square(every @ at_k.T - expected))
    found = [sampled(shape, likelihood, pairs.queries, seed) for seed in range(8)]
    means = np.array([(laws @ at_k.T).mean(axis=0) for laws, _ in found])
    # As if a quarter of 400 draws were independent: 5 standard errors of the mean of 8 runs.
    assert (np.abs(means.mean(axis=0) - expected) < 5 * spread / np.sqrt(100 * 8)).all()
    assert np.mean([log_evidence for _, log_evidence in found]) == pytest.approx(evidence, abs=0.15)
    np.testing.assert_allclose([(laws @ at_k.T).std(axis=0) for laws, _ in found], [spread] * 8, rtol=0.35)


@pytest.mark.parametrize("name", SHAPES)
def test_every_posterior_is_that_of_draws_from_the_prior(name):
    # An easy and a hard part, the latter solved once: more than one explanation, and parameters that hardly matter.
    data = js.Attempts(np.full(24, 20), np.array([*[0] * 15, 1, *[9, 12, 14, 15, 16, 17, 18, 19]]))
    pairs = distinct(data)
    likelihood, shape = likelihoods(pairs), SHAPES[name]
    at_k = failure_factors(np.array([20, 400]))
    u = np.random.default_rng(1).standard_normal((20_000, shape.size + 1))
    never = 1 / (1 + np.exp(4.5 - 3.0 * u[:, -1:]))
    every = np.concatenate([weights_of(shape, u[:, :-1]) * (1 - never), never], axis=1)
    log_likelihood = np.log(every @ likelihood.T) @ pairs.queries
    share = np.exp(log_likelihood - log_likelihood.max())
    evidence, effective = log_likelihood.max() + np.log(share.mean()), share.sum() ** 2 / np.sum(share**2)
    share /= share.sum()
    expected = share @ (every @ at_k.T)
    spread = np.sqrt(share @ np.square(every @ at_k.T - expected))
    found = [sampled(shape, likelihood, pairs.queries, seed) for seed in range(8)]
    means = np.array([(laws @ at_k.T).mean(axis=0) for laws, _ in found])
    assert effective > 50
    assert (np.abs(means.mean(axis=0) - expected) < 5 * spread * np.sqrt(1 / (100 * 8) + 1 / effective)).all()
    assert np.mean([log_evidence for _, log_evidence in found]) == pytest.approx(
        evidence, abs=0.15 + 5 / effective**0.5
    )


def test_auto_names_its_shapes_and_the_line():
    data = simulated(lambda rng, queries: rng.beta(0.4, 6.0, queries), 60, 50, seed=1)
    model = js.forecast(js.PassAtK(), data, [50, 500, 5_000]).model
    assert list(model.weights) == ["loglog", *SHAPES]
    assert sum(model.weights.values()) == pytest.approx(1)
    # Half a decade's worth of trust in the shapes, two decades beyond the data.
    assert model.weights["loglog"] == pytest.approx(1 - 0.5 / 2)
    coefficient, exponent = loglog_line(_pairs_of(data))
    assert model.parameters == {"coefficient": coefficient, "exponent": exponent}
    assert js.forecast(js.PassAtK(), data, 500, model="loglog").model.parameters["exponent"] == pytest.approx(exponent)


def test_predictions_of_queries_are_in_the_order_of_the_queries():
    # No two are alike: sorted by their attempts they would come out in another order.
    data = js.Attempts([30, 10, 20, 40], [0, 5, 0, 1])
    curve = js.forecast(js.PassAtK(), data, [100, 1_000], over="population")
    np.testing.assert_allclose(curve.per_query[[1, 3]], 1)
    assert (curve.per_query[0] < curve.per_query[2]).all()
    assert (curve.per_query[2] < 1).all()
    np.testing.assert_allclose(curve.per_query.mean(axis=0), curve.value)


def test_auto_without_a_curve_to_follow_uses_shapes_alone():
    once = js.Attempts(np.ones(30, int), (np.arange(30) % 3 == 0).astype(int))
    curve = js.forecast(js.PassAtK(), once, [1, 100])
    assert "loglog" not in curve.model.weights
    assert curve.value[0] == pytest.approx(1 / 3)
    assert 1 / 3 < curve.value[1] < 1
    with pytest.warns(DataWarning, match="nothing was solved"):
        nothing = js.forecast(js.PassAtK(), js.Attempts(np.full(30, 50), np.zeros(30, int)), [50, 5_000])
    assert nothing.value[0] == 0
    assert 0 < nothing.value[1] < 0.2 < nothing.upper[1] < 0.9


@pytest.mark.parametrize(
    ("attempts", "successes"),
    [
        ([2] * 12, [2] * 8 + [0] * 4),  # both attempts of each query are alike: the line is flat
        ([4] * 30, [4] * 9 + [3] + [0] * 20),
        ([10, 20, 40] * 8, [10, 0, 39, 0, 20, 0] * 4),
        ([100] * 40, [0] * 39 + [1]),
    ],
)
def test_no_forecast_falls_with_the_number_of_calls(attempts, successes):
    calls = np.unique(np.geomspace(1, 1e9, 200).astype(np.int64))
    curve = js.forecast(js.PassAtK(), js.Attempts(attempts, successes), calls)
    assert (np.diff(curve.value) > -1e-12).all()
    assert curve.value[-1] > curve.value[0]


def test_a_few_wide_laws_are_foretold_and_their_intervals_hold():
    # Inside and outside the shapes; each truth is the coverage that a run of 2,000 calls at the same queries has.
    laws = {
        "beta": lambda rng, n: rng.beta(0.35, 5.0, n),
        "uniform in log p": lambda rng, n: 10 ** -rng.uniform(0.3, 5.0, n),
        "unsolvable": lambda rng, n: rng.beta(0.6, 4.0, n) * (rng.random(n) < 0.6),
        "student": lambda rng, n: 1 / (1 + np.exp(3.5 - 1.5 * rng.standard_t(3, n).clip(-12, 6))),
    }
    errors, inside = [], []
    for name, law in laws.items():
        for seed in range(12):
            rng = np.random.default_rng([seed, len(name)])
            p = law(rng, 120)
            data = js.Attempts(np.full(120, 60), rng.binomial(60, p))
            rerun = np.mean(rng.random(120) < -np.expm1(2_000 * np.log1p(-p)))
            curve = js.forecast(js.PassAtK(), data, 2_000, key=jax.random.key(seed))
            errors.append([curve.value - rerun, js.forecast(js.PassAtK(), data, 2_000, model="loglog").value - rerun])
            inside.append(curve.lower <= rerun <= curve.upper)
    ours, line = np.sqrt(np.mean(np.square(errors), axis=0))
    assert ours < line
    # At a true 90%, fewer than 37 of 48 has probability 2e-3 and 48 of 48 has 6e-3.
    assert 37 <= np.sum(inside) < 48


def test_uneven_attempts_and_many_of_them():
    rng = np.random.default_rng(5)
    attempts = rng.integers(5, 400, 3_000)
    p = rng.beta(0.4, 4.0, 3_000)
    data = js.Attempts(attempts, rng.binomial(attempts, p))
    curve = js.forecast(js.PassAtK(), data, [5, 200, 20_000])
    truth = -np.expm1(np.array([5, 200, 20_000])[:, None] * np.log1p(-p)).mean(axis=1)
    assert curve.kind.tolist() == ["estimate", "forecast", "forecast"]
    assert (np.abs(curve.value - truth) < [0.02, 0.02, 0.06]).all()
    assert (np.diff(curve.value) > 0).all()


def test_the_grid_spans_what_calls_can_tell():
    assert POINTS[0] < -30
    assert np.allclose(failure_factors(np.array([0])), 1.0)
    factors = failure_factors(np.array([1, 10**12]))
    assert factors[1, 0] == pytest.approx(1.0, abs=0.03)  # p = 1e-14 is not solved by 10^12 calls
    assert (factors[:, -1] == 1).all()
