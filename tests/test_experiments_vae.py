"""The experiment on reconstruction: what is drawn, what is trained, and the estimate of the least error."""

import itertools
import math

import jax
import numpy as np
import pytest

import jaxscale as js
from experiments import (
    digit_images,
    expected_minimum,
    least_errors,
    reconstruction_errors,
    train_vae,
)

KEY, OTHER = jax.random.split(jax.random.key(3))
IMAGES = digit_images()[:150]
SIZES = {"latent": 3, "hidden": 32, "steps": 2000}


@pytest.fixture(scope="module")
def trained():
    return train_vae(KEY, IMAGES, **SIZES)


def decoded(vae, latent):
    (first, bias), (second, offset) = vae.decode
    return 1 / (1 + np.exp(-(np.tanh(latent @ first + bias) @ second + offset)))


def encoded(vae, images):
    (first, bias), (second, offset) = vae.encode
    return np.split(np.tanh(images @ first + bias) @ second + offset, 2, axis=1)


def test_the_digits_are_those_of_scikit_learn():
    images = digit_images()
    assert images.shape == (1797, 64)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)
    np.testing.assert_array_equal(images * 16, np.rint(images * 16))


def test_training_learns_and_is_fixed_by_its_key(trained):
    vae, losses = trained
    assert losses.shape == (2000,)
    assert losses[-50:].mean() < losses[:5].mean() / 2
    seen = []
    again, same = train_vae(KEY, IMAGES, **SIZES, progress=lambda done, steps: seen.append((done, steps)))
    np.testing.assert_array_equal(losses, same)
    jax.tree.map(np.testing.assert_array_equal, vae, again)
    assert (len(seen), seen[0], seen[-1]) == (50, (40, 2000), (2000, 2000))
    assert train_vae(OTHER, IMAGES, **SIZES | {"steps": 1})[1][0] != losses[0]


def test_attempts_are_decoded_from_around_what_was_encoded(trained):
    vae, _ = trained
    mean, log_sd = encoded(vae, IMAGES)
    at_mean = np.mean((decoded(vae, mean) - IMAGES) ** 2, axis=1)
    still = reconstruction_errors(KEY, vae, IMAGES, 3, temperature=0.0)
    np.testing.assert_allclose(still, np.repeat(at_mean[:, None], 3, axis=1), rtol=2e-4)
    drawn = reconstruction_errors(KEY, vae, IMAGES, 1000, temperature=1.1)
    noise = np.random.default_rng(0).standard_normal((1000, *mean.shape))
    expected = np.mean((decoded(vae, mean + 1.1 * np.exp(log_sd) * noise) - IMAGES) ** 2, axis=2).T
    error = np.hypot(drawn.std(axis=1), expected.std(axis=1)) / math.sqrt(1000)
    assert np.all(np.abs(drawn.mean(axis=1) - expected.mean(axis=1)) < 5 * error)
    cooler = reconstruction_errors(KEY, vae, IMAGES, 1000, temperature=0.9)
    excess = (drawn.mean() - at_mean.mean()) / (cooler.mean() - at_mean.mean())
    assert excess == pytest.approx((1.1 / 0.9) ** 2, rel=0.1)  # the square of the temperature, to second order


def test_attempts_at_an_image_are_independent(trained):
    # So that coverage of one set of draws is that of another, within what a binomial law allows.
    vae, _ = trained
    errors = [reconstruction_errors(key, vae, IMAGES, 500, temperature=1.1) for key in (KEY, OTHER)]
    sets = [drawn < np.median(errors[0]) for drawn in errors]
    rate = (sets[0].mean(axis=1) + sets[1].mean(axis=1)) / 2
    assert 0.1 < rate.mean() < 0.9
    spread = np.sqrt(2 * rate * (1 - rate) / 500)
    difference = sets[0].mean(axis=1) - sets[1].mean(axis=1)
    z = difference[spread > 0] / spread[spread > 0]
    assert abs(np.mean(z**2) - 1) < 5 * math.sqrt(2 / z.size)
    assert abs(np.corrcoef(sets[0][:, ::2].ravel() - np.repeat(rate, 250), sets[0][:, 1::2].ravel())[0, 1]) < 0.05


def test_no_attempt_is_nearer_than_the_least_error(trained):
    vae, _ = trained
    least = least_errors(vae, IMAGES)
    drawn = reconstruction_errors(OTHER, vae, IMAGES, 1000, temperature=1.1).min(axis=1)
    assert np.mean(least < drawn) > 0.98
    assert np.all(least < 1.02 * drawn)
    assert np.median(least / drawn) > 0.5


def test_the_expected_minimum_is_that_over_all_subsets():
    errors = np.random.default_rng(1).exponential(size=(3, 7))
    for k in range(1, 8):
        brute = np.mean([errors[:, list(chosen)].min(axis=1) for chosen in itertools.combinations(range(7), k)], axis=0)
        np.testing.assert_allclose(expected_minimum(errors, [k])[:, 0], brute, rtol=1e-12)


def test_of_failures_the_expected_minimum_is_one_less_pass_at_k():
    failed = np.random.default_rng(2).random((20, 50)) < np.linspace(0, 1, 20)[:, None]
    k = [1, 2, 10, 50]
    coverage = js.pass_at_k(js.Attempts(np.full(20, 50), (~failed).sum(axis=1)), k).value
    np.testing.assert_allclose(1 - expected_minimum(failed, k).mean(axis=0), coverage, atol=1e-12)


def test_what_is_no_image_and_no_number_of_draws_is_refused():
    for images in (np.zeros(64), np.full((2, 3), 1.5), np.full((2, 3), np.nan)):
        with pytest.raises(ValueError, match=r"expected \(images, pixels\), numbers in \[0, 1\]"):
            train_vae(KEY, images)
    for k in ([0], [4], []):
        with pytest.raises(ValueError, match="expected numbers of draws from 1 to the 3 recorded"):
            expected_minimum(np.ones((2, 3)), k)
