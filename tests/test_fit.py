"""Fits against SciPy, known truths and degenerate data."""

import jax
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.difficulty import Beta
from jaxscale.fitting import bootstrap, fit, sample_posterior


def simulated(a, b, queries, attempts, seed=0, ceiling=1.0):
    rng = np.random.default_rng(seed)
    p = rng.beta(a, b, queries) * (rng.random(queries) < ceiling)
    n = np.broadcast_to(attempts, queries)
    return js.Attempts(n, rng.binomial(n, p))


def scipy_beta(data):
    n, c = data.attempts, data.successes

    def loss(v):
        return -scipy.stats.betabinom(n, np.exp(v[0]), np.exp(v[1])).logpmf(c).sum()

    found = [
        scipy.optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-11})
        for start in ([-1.0, 1.0], [-1.0, 3.0])
    ]
    best = min(found, key=lambda result: result.fun)
    return -best.fun, np.exp(best.x)


@pytest.mark.parametrize(
    "data",
    [
        simulated(0.3, 5.0, 128, 100),
        simulated(2.0, 2.0, 40, 10, seed=1),
        simulated(0.2, 20.0, 60, np.tile([30, 300, 3000], 20), seed=2),
    ],
)
def test_beta_agrees_with_scipy(data):
    result = fit("beta", data)
    log_likelihood, values = scipy_beta(data)
    assert result.converged, result.message
    assert result.log_likelihood >= log_likelihood - 1e-6
    np.testing.assert_allclose([result.values["a"], result.values["b"]], values, rtol=1e-3)


def test_log_likelihood_is_that_of_the_model():
    data = simulated(0.3, 5.0, 64, 50)
    result = fit("beta", data)
    with float64():
        assert result.log_likelihood == pytest.approx(float(result.law.log_likelihood(data)), abs=1e-9)
    assert result.aic == pytest.approx(4 - 2 * result.log_likelihood, abs=1e-9)


def test_covariance_is_the_inverse_of_numerical_information():
    data = simulated(0.5, 4.0, 200, 50, seed=3)
    result = fit("beta", data)
    values = np.array([result.values["a"], result.values["b"]])

    def loss(v):
        return -scipy.stats.betabinom(data.attempts, v[0], v[1]).logpmf(data.successes).sum()

    steps = 1e-3 * values
    information = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            ei, ej = steps * np.eye(2)[i], steps * np.eye(2)[j]
            corners = loss(values + ei + ej) - loss(values + ei - ej) - loss(values - ei + ej) + loss(values - ei - ej)
            information[i, j] = corners / (4 * steps[i] * steps[j])
    np.testing.assert_allclose(result.covariance, np.linalg.inv(information), rtol=0.01)


@pytest.mark.parametrize(
    ("name", "truth", "free"),
    [
        ("beta", js.Beta(0.4, 6.0), ("a", "b")),
        ("beta-ceiling", js.Beta(0.6, 6.0, ceiling=0.7), ("a", "b", "ceiling")),
        ("scaled-beta", js.ScaledBeta(0.5, 3.0, 0.3), ("a", "b", "scale")),
        ("kumaraswamy", js.Kumaraswamy(0.5, 4.0), ("a", "b")),
    ],
)
def test_recovers_the_truth_within_five_standard_errors(name, truth, free):
    with float64():
        truth = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), truth)
        log_p, _ = truth.sample(jax.random.key(5), (400,))
    p = np.exp(np.asarray(log_p))
    data = js.Attempts(np.full(400, 1000), np.random.default_rng(6).binomial(1000, p))
    result = fit(name, data)
    assert result.converged, result.message
    for parameter in free:
        error = result.standard_errors[parameter]
        assert abs(result.values[parameter] - float(getattr(truth, parameter))) < 5 * error
        # The check means something only if the error is smaller than the value it is about.
        assert error < 0.5 * abs(result.values[parameter])


@pytest.mark.parametrize("name", ["two-point", "grid", "power-law", "exponentiated-power-law", "correlated-trials"])
def test_every_named_model_improves_on_its_start_and_converges(name):
    data = simulated(0.4, 6.0, 80, 200, seed=7)
    result = fit(name, data)
    assert result.converged, result.message
    assert result.gradient_norm < 1e-5
    from jaxscale.fitting._models import named_model

    with float64():
        start = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), named_model(name).start(data))
        assert result.log_likelihood > float(start.log_likelihood(data)) + 1


def test_nonparametric_fit_beats_every_other_difficulty_model():
    data = simulated(0.4, 6.0, 80, 200, seed=7)
    best = max(fit(name, data).log_likelihood for name in ("beta", "kumaraswamy", "two-point"))
    assert fit("grid", data).log_likelihood > best


@pytest.mark.parametrize(
    ("attempts", "successes", "reason"),
    [
        ([10] * 5, [0] * 5, "every attempt failed"),
        ([10] * 5, [10] * 5, "every attempt succeeded"),
        ([10], [3], "one query says nothing"),
        ([1] * 8, [0, 1, 0, 1, 1, 0, 0, 0], "one attempt a query says nothing"),
        ([10, 10], [5, 5], "hardly change the likelihood"),
    ],
)
def test_degenerate_data_end_in_words_not_in_nan(attempts, successes, reason):
    data = js.Attempts(attempts, successes)
    result = fit("beta", data)
    assert result.result is js.FitCode.NO_MAXIMUM
    assert result.message.startswith(result.result.words)
    assert reason in result.message
    assert result.to_dict()["result"] == "no-maximum"
    assert result.covariance is None
    assert np.isfinite(list(result.values.values())).all()
    # Under wide priors there is always an answer.
    prior = fit("beta", data, method="map")
    assert prior.converged, prior.message
    assert np.isfinite(prior.covariance).all()


def test_an_instance_is_the_start_and_free_names_what_moves():
    data = simulated(0.4, 6.0, 60, 100, seed=8, ceiling=0.6)
    fixed = fit(js.Beta(0.4, 6.0, ceiling=0.6), data)
    assert fixed.parameters == ("a", "b")
    assert fixed.values["ceiling"] == pytest.approx(0.6, abs=1e-6)
    only = fit(js.Beta(0.4, 6.0), data, free=("ceiling",))
    assert only.parameters == ("ceiling",)
    assert only.values["a"] == pytest.approx(0.4, abs=1e-6)


def test_random_starts_end_at_the_same_place():
    data = simulated(0.4, 6.0, 60, 100, seed=9)
    one, other = fit("beta", data), fit("beta", data, key=jax.random.key(3))
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-8)


def test_bad_arguments_are_named():
    data = js.Attempts([10, 10], [1, 2])
    with pytest.raises(ValueError, match="model = 'bta': expected one of beta"):
        fit("bta", data)
    with pytest.raises(ValueError, match="method = 'ml'"):
        fit("beta", data, method="ml")
    with pytest.raises(ValueError, match=r"free = 'c'.*a, b, ceiling"):
        fit("beta", data, free=("c",))
    with pytest.raises(ValueError, match="at least one parameter"):
        fit("beta", data, free=())


def test_query_bootstrap_agrees_with_one_by_one_refits():
    data = simulated(0.4, 6.0, 50, 100, seed=10)
    result = fit("beta", data)
    key = jax.random.key(11)
    boots = bootstrap(result, data, key, resamples=30)
    assert not boots.failed.any()
    with float64():
        chosen = np.asarray(jax.random.randint(key, (30, 50), 0, 50))
    for row, values in zip(chosen[:5], boots.values[:5], strict=True):
        again = fit("beta", js.Attempts(data.attempts[row], data.successes[row]))
        np.testing.assert_allclose(values, [again.values["a"], again.values["b"]], rtol=1e-4)


@pytest.mark.parametrize("kind", ["query", "parametric"])
def test_bootstrap_spread_matches_the_laplace_errors(kind):
    data = simulated(0.4, 6.0, 300, 100, seed=12)
    result = fit("beta", data)
    boots = bootstrap(result, data, jax.random.key(13), resamples=300, kind=kind)
    assert boots.failed.mean() < 0.02
    errors = np.array(list(result.standard_errors.values()))
    np.testing.assert_allclose(boots.values[~boots.failed].std(axis=0), errors, rtol=0.3)
    lower, upper = boots.interval(0.9).T
    assert (lower < boots.values.mean(axis=0)).all()
    assert (boots.values.mean(axis=0) < upper).all()


def test_posterior_agrees_with_integration_on_a_grid():
    data = js.Attempts([20] * 8, [0, 0, 1, 2, 0, 7, 0, 15])
    result = fit("beta", data, method="map")
    posterior = sample_posterior(result, data, jax.random.key(1), draws=2000)
    log_a, log_b = np.meshgrid(np.linspace(-5, 4, 300), np.linspace(-5, 6, 300), indexing="ij")
    a, b = np.exp(log_a), np.exp(log_b)
    log_density = -(log_a**2 + log_b**2) / 18
    for n, c in zip(data.attempts, data.successes, strict=True):
        log_density = log_density + scipy.stats.betabinom(n, a, b).logpmf(c)
    weights = np.exp(log_density - log_density.max())
    mean = (weights * log_a).sum() / weights.sum()
    spread = np.sqrt((weights * (log_a - mean) ** 2).sum() / weights.sum())
    drawn = np.log(np.asarray(posterior.law.a))
    # Five standard errors of the mean of effectively independent draws.
    effective = min(2000, 1024 * posterior.efficiency)
    assert abs(drawn.mean() - mean) < 5 * spread / np.sqrt(effective)
    assert drawn.std() == pytest.approx(spread, rel=0.15)
    cell = (log_a[1, 0] - log_a[0, 0]) * (log_b[0, 1] - log_b[0, 0])
    evidence = log_density.max() + np.log(weights.sum() * cell / (18 * np.pi))
    assert posterior.log_evidence == pytest.approx(evidence, abs=0.15)


def test_posterior_needs_a_mode():
    data = js.Attempts([20] * 3, [0, 1, 5])
    with pytest.raises(ValueError, match="method='map'"):
        sample_posterior(fit("beta", data), data, jax.random.key(0))


def test_result_is_plain_and_independent_of_the_jax_setting():
    data = simulated(0.4, 6.0, 20, 50, seed=14)
    outside = fit("beta", data)
    with float64():
        inside = fit("beta", data)
    assert outside.to_dict() == inside.to_dict()
    assert outside.to_dict()["model"]["parameters"].keys() == {"a", "b", "ceiling"}
    assert all(leaf.dtype == np.float64 for leaf in jax.tree.leaves(outside.law))
    assert isinstance(Beta(1.0, 2.0).a, jax.Array)
