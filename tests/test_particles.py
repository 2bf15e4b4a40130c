"""The tempered particle sampler against posteriors that have a closed form."""

import mpmath
import numpy as np
import pytest
from scipy.special import betaincinv, ndtr

from jaxscale.particles import (
    Settings,
    initial,
    sample,
    step,
    systematic,
    weigh,
)

A, B = 0.7, 3.0  # of the prior


class BetaBinomial:
    """Successes in n attempts at each of two queries of a data set, whose rates are Beta(A, B)."""

    blocks = (slice(0, 1), slice(1, 2))

    def __init__(self, successes, attempts):
        self.successes, self.attempts = np.array(successes, float), np.array(attempts, float)

    def evaluate(self, position, sets, block, kept):
        p = kept[0].copy() if kept else np.empty(position.shape)
        changed = slice(0, 2) if block is None else self.blocks[block]
        p[..., changed] = np.minimum(betaincinv(A, B, ndtr(position[..., changed])), 1 - 1e-15)
        c, n = self.successes[sets][:, None], self.attempts[sets][:, None]
        # No two calls are told apart: the binomial coefficient is left out.
        return (c * np.log(p) + (n - c) * np.log1p(-p)).sum(axis=2), (p,)


DATA = BetaBinomial([[0, 30], [12, 2], [900, 1]], [[40, 40], [40, 3], [1_000, 1_000]])


def draws_of(target, sets, settings, seed=0, first=None):
    rng = np.random.default_rng(seed)
    position = rng.standard_normal((first or settings.particles, 2))
    return sample(rng, initial(target, sets, position), target, settings)


@pytest.mark.parametrize("power", [1.0, 0.25])
@pytest.mark.parametrize("first", [400, 2_000])
def test_the_posterior_and_its_evidence_are_those_of_conjugate_laws(power, first):
    settings = Settings(particles=400, power=power, sweeps=4, last_sweeps=8, keep=2)
    runs = [draws_of(DATA, 3, settings, seed, first) for seed in range(16)]
    c, n = power * DATA.successes, power * DATA.attempts
    a, b = A + c, B + n - c
    evidence = [
        sum(float(mpmath.log(mpmath.beta(*after)) - mpmath.log(mpmath.beta(A, B))) for after in zip(*each, strict=True))
        for each in zip(a, b, strict=True)
    ]
    # In log odds, whose moments are polygammas: rates near 0 count as much as others.
    mean = np.array(
        [
            [float(mpmath.digamma(x) - mpmath.digamma(y)) for x, y in zip(*each, strict=True)]
            for each in zip(a, b, strict=True)
        ]
    )
    variance = np.array(
        [
            [float(mpmath.psi(1, x) + mpmath.psi(1, y)) for x, y in zip(*each, strict=True)]
            for each in zip(a, b, strict=True)
        ]
    )
    p = np.array([betaincinv(A, B, ndtr(draws)) for draws, _ in runs])  # (runs, sets, draws, queries)
    assert p.shape == (16, 3, 800, 2)
    logits = np.log(p) - np.log1p(-p)
    # Moved particles are correlated: as if an eighth of them were independent.
    error = np.sqrt(variance / (16 * 400 / 8))
    assert (np.abs(logits.mean(axis=(0, 2)) - mean) < 5 * error).all()
    np.testing.assert_allclose(logits.var(axis=2).mean(axis=0), variance, rtol=0.15)
    # The error of the evidence is that of the runs, and five of it are less than a tenth.
    found = np.array([log_evidence for _, log_evidence in runs])
    error = found.std(axis=0, ddof=1) / 4
    assert (np.abs(found.mean(axis=0) - evidence) < 5 * error + 0.02).all()
    assert (error < 0.05).all()


def test_a_data_set_has_the_same_draws_whichever_others_there_are():
    settings = Settings(particles=100)
    draws, evidence = draws_of(DATA, 3, settings)
    for place in range(3):
        alone = BetaBinomial(DATA.successes[place : place + 1], DATA.attempts[place : place + 1])
        (own,), (log_evidence,) = draws_of(alone, 1, settings)
        np.testing.assert_allclose(own, draws[place], rtol=1e-9)
        assert log_evidence == pytest.approx(evidence[place], rel=1e-9)


def test_a_step_keeps_as_many_particles_effective_as_it_is_told():
    settings = Settings(particles=200, effective=0.6)
    rng = np.random.default_rng(1)
    before = initial(DATA, 3, rng.standard_normal((200, 2)))
    after, draws = step(rng, before, DATA, np.arange(3), settings)
    effective = weigh((after.power - before.power)[:, None] * before.log_likelihood).effective
    assert (after.power < 1).all()
    np.testing.assert_allclose(effective, 120, rtol=1e-5)
    np.testing.assert_array_equal(draws, after.position)
    # What is kept of each particle, and its likelihood, are those of where it is.
    log_likelihood, (p,) = DATA.evaluate(after.position, np.arange(3), None, ())
    np.testing.assert_allclose(after.log_likelihood, log_likelihood)
    np.testing.assert_allclose(after.kept[0], p)


def test_systematic_resampling_is_even_and_unbiased():
    weights = weigh(np.log(np.random.default_rng(2).uniform(size=(3, 7)))).normalised
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    offsets = (np.arange(1_000) + 0.5) / 1_000
    counts = np.array([[np.bincount(row, minlength=7) for row in systematic(weights, u, 20)] for u in offsets])
    assert (np.abs(counts - 20 * weights) < 1).all()
    # Over all offsets each particle comes as often as its weight says; the rule has a thousand of them.
    np.testing.assert_allclose(counts.mean(axis=0), 20 * weights, atol=2e-3)
    assert weigh(np.log([1.0, 3.0]) - 1_000).log_mean == pytest.approx(np.log(2) - 1_000)
