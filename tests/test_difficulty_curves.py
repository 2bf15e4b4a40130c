"""Laws of the curve alone: composite likelihood by brute force, first-success times, Dirichlet answers."""

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxscale._arrays import float64
from jaxscale.difficulty import (
    Beta,
    CorrelatedTrials,
    DirichletAnswers,
    ExponentiatedPowerLaw,
    PowerLaw,
)
from jaxscale.difficulty._correlated import _smallest_k_with

CURVES = [PowerLaw, ExponentiatedPowerLaw, CorrelatedTrials]


def survival(law, k):
    return np.exp(np.asarray(law.log_failure(np.asarray(k, float))))


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(("n", "c"), [(1, 1), (6, 0), (6, 2), (6, 6), (9, 4)])
def test_likelihood_is_the_mean_over_orders(curve, n, c):
    with float64():
        law = curve(0.7, 0.4)
        terms = law.log_likelihood_terms(law.statistics(np.array([n]), np.array([c])))
        s = survival(law, np.arange(n + 1))
    if c == 0:
        expected = np.log(s[n])
    else:
        first = np.array([min(order) for order in combinations(range(1, n + 1), c)])
        expected = np.mean(np.log(s[first - 1] - s[first]))
    assert np.isclose(float(terms[0]), expected, rtol=1e-11)


def test_wide_bins_weigh_each_first_success_once():
    attempts, successes = np.array([100, 5000, 3_700_000, 3_700_000, 70]), np.array([0, 1, 1, 250, 70])
    with float64():
        statistics = PowerLaw(0.7, 0.4).statistics(attempts, successes)
        _, in_bin, last_edge, in_rest, never = map(np.asarray, statistics)
    assert in_bin.shape[1] < 400
    assert np.all(in_bin >= 0)
    assert np.all(last_edge <= attempts)
    np.testing.assert_array_equal(never, successes == 0)
    np.testing.assert_allclose(in_bin.sum(axis=1) + in_rest + never, 1, rtol=1e-12)
    # One success in n attempts comes at any place alike; 4% wide bins hold 1 - 1/1.04 of the calls up to their end.
    np.testing.assert_allclose(in_bin[1, :64], 1 / 5000, rtol=1e-9)
    assert 0.9 < float(last_edge[2]) / 3_700_000 <= 1
    # All 70 successful: solved at the first call.
    assert float(in_bin[4, 0]) == 1


def test_a_power_law_that_forbids_the_data_is_told_where_to_go():
    with float64():
        loss = lambda law: -law.log_likelihood_terms(law.statistics(np.array([50]), np.array([10])))[0]  # noqa: E731
        for coefficient in (1.5, 4.0):
            value, gradient = jax.value_and_grad(loss)(PowerLaw(coefficient, 0.3))
            assert value > 50
            assert gradient.coefficient > 0
            assert np.isfinite(gradient.exponent)
        assert loss(PowerLaw(0.9, 0.3)) < 10


@pytest.mark.parametrize("kappa", [0.0, 0.3, 1.0, 1.7, 4.0])
def test_first_success_is_exact_to_the_call(kappa):
    sums = np.cumsum(np.arange(1, 3001.0) ** -kappa)
    needed = np.random.default_rng(0).uniform(0, sums[-1], 20_000)
    with float64():
        times = jax.jit(_smallest_k_with)(needed, jnp.asarray(kappa))
    np.testing.assert_array_equal(times, np.searchsorted(sums, needed) + 1)


@pytest.mark.parametrize(("kappa", "ceiling"), [(0.5, 1.0), (1.0, 0.75), (2.0, 1.0)])
def test_first_successes_follow_the_law(kappa, ceiling):
    law, draws = CorrelatedTrials(0.75, kappa, ceiling), 50_000
    times = np.asarray(law.sample_first_success(jax.random.key(3), (draws,)))
    assert np.all(times >= 1)
    k = np.array([1, 2, 16, 17, 18, 100, 10_000, 10**9])
    with float64():
        exact = 1 - survival(CorrelatedTrials(0.75, kappa, ceiling), k)
    share = np.mean(times[:, None] <= k, axis=0)
    assert np.all(np.abs(share - exact) < 5 * np.sqrt(exact * (1 - exact) / draws) + 1e-7)


def test_first_successes_at_the_ends():
    key = jax.random.key(0)
    assert np.all(CorrelatedTrials(1.0, 0.5).sample_first_success(key, (4,)) == np.inf)
    assert np.all(CorrelatedTrials(0.0, 0.5).sample_first_success(key, (4,)) == 1)
    assert np.all(CorrelatedTrials(0.5, 0.5, 0.0).sample_first_success(key, (4,)) == np.inf)


def test_independent_trials_are_the_special_case_of_kappa_zero():
    with float64():
        np.testing.assert_allclose(
            survival(CorrelatedTrials(0.9, 0.0), [0, 1, 5, 300]), 0.9 ** np.array([0, 1, 5, 300])
        )


def test_dirichlet_answers_have_their_mean_and_variance():
    concentration, draws = np.array([0.5, 2.0, 0.01]), 50_000
    log_p = DirichletAnswers(concentration).sample(jax.random.key(1), (draws,))
    assert log_p.shape == (draws, 3)
    p = np.exp(np.asarray(log_p, np.float64))
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    total = concentration.sum()
    mean = concentration / total
    variance = mean * (1 - mean) / (total + 1)
    assert np.all(np.abs(p.mean(axis=0) - mean) < 5 * np.sqrt(variance / draws))
    assert np.any(np.asarray(log_p)[:, 2] < -100)  # tiny probabilities are kept
    assert np.all(np.isfinite(log_p))


def test_dirichlet_coverage_is_that_of_its_first_answer():
    k = np.array([1, 10, 1000])
    with float64():
        law = DirichletAnswers([0.5, 2.0, 0.5])
        np.testing.assert_array_equal(law.pass_at_k(k), Beta(0.5, 2.5).pass_at_k(k))
        np.testing.assert_array_equal(law.log_failure(k), Beta(0.5, 2.5).log_failure(k))


@pytest.mark.parametrize(("concentration", "message"), [([1.0, 0.0], "above 0"), ([1.0], r"shape \(1,\): expected")])
def test_bad_concentrations_are_named(concentration, message):
    with pytest.raises(ValueError, match=f"DirichletAnswers: concentration.*{message}"):
        DirichletAnswers(concentration)
