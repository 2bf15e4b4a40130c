"""Every sampler against its law, with one false-alarm rate for the whole file, and at its edges."""

import contextlib
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import special, stats

from jaxscale import sampling
from jaxscale._arrays import float64
from jaxscale.sampling._binomial import _binomial_table, _Law, _surprise

DRAWS = 2**17
# 1e-6 over the file, which holds fewer than 90 comparisons with a law.
ALARM = 1e-6 / 90
SAMPLERS = {name: getattr(sampling, name) for name in ("binomial", "hypergeometric", "log_beta", "log_gamma_variate")}
BOTH = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def precision(dtype):
    return float64() if dtype == np.float64 else contextlib.nullcontext()


@functools.cache
def compiled(name):
    return jax.jit(lambda key, *parameters: SAMPLERS[name](key, *parameters, (DRAWS,)))


@jax.jit
def table_of(n, p):
    return _binomial_table(n, p)


@functools.partial(jax.jit, static_argnums=3)
def surprise_of(k, n, p, logarithms):
    return _surprise(k, _Law.of(n, p), logarithms)


def draws_of(name, dtype, *parameters, seed=0):
    with precision(dtype):
        drawn = compiled(name)(jax.random.key(seed), *(dtype(p) for p in parameters))
        assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(drawn))
        return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), drawn)


def counts_p_value(counts, pmf):
    """Chi-square p-value; outcomes expected fewer than ten times are pooled."""
    counts = np.asarray(counts).astype(int)
    assert counts.min() >= 0
    assert counts.max() < len(pmf)
    observed, expected = np.bincount(counts, minlength=len(pmf)), pmf * len(counts)
    rare = expected < 10
    observed = np.append(observed[~rare], observed[rare].sum())
    expected = np.append(expected[~rare], expected[rare].sum())
    assert not observed[expected == 0].any()
    observed, expected = observed[expected > 0], expected[expected > 0]
    return stats.chi2.sf(((observed - expected) ** 2 / expected).sum(), max(len(observed) - 1, 1))


@BOTH
@pytest.mark.parametrize(
    ("n", "p"),
    [(1, 0.3), (20, 0.1), (100, 0.01), (100, 0.5), (100, 0.93), (300, 0.8), (1000, 0.02), (100_000, 0.3), (10**6, 0.5)],
)
def test_binomial_follows_its_law(dtype, n, p):
    counts = draws_of("binomial", dtype, n, p)
    assert counts_p_value(counts, stats.binom.pmf(np.arange(n + 1), n, p)) > ALARM


@BOTH
@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (100, 0.12), (40_000, 0.3), (600_000, 0.2)])
def test_the_table_of_a_binomial_holds_in_both_far_tails(dtype, n, p):
    with precision(dtype):
        first, last, tails = (np.asarray(x, np.float64) for x in table_of(jnp.asarray(dtype(n)), dtype(p)))
    lower, upper = tails.reshape(2, -1)
    p, steps = float(dtype(p)), np.arange(len(lower))
    # From the far end to the median: 1e-290 in float64, where a plain sum from below would be lost next to 1.
    for found, expected, beyond in (
        (lower, stats.binom.cdf(first + steps, n, p), stats.binom.cdf(first - 1, n, p)),
        (upper, stats.binom.sf(last - steps - 1, n, p), stats.binom.sf(last, n, p)),
    ):
        expected = expected - beyond
        used = (expected < 0.6) & (expected > np.finfo(dtype).tiny * 1e12)
        np.testing.assert_allclose(found[used], expected[used], rtol=3e-3 if dtype == np.float32 else 1e-9)
        assert found.max() >= 0.5
        assert beyond < 1e-22


@BOTH
def test_binomials_of_any_parameters_may_lie_side_by_side(dtype):
    laws = [(100, 0.5), (30, 0.4), (1000, 0.985), (10**6, 0.5), (10**6, 3e-5), (10**6, 1e-6), (25, 0.4), (5, 0.9)]
    edges = [(0, 0.5), (7, 0.0), (7, 1.0), (10**6, np.finfo(dtype).tiny / 8), (100, np.nan)]
    n, p = np.array(laws + edges, dtype).T[:, :, None]
    with precision(dtype):
        counts = np.asarray(jax.jit(lambda key: sampling.binomial(key, n, p, (len(n), 2**14)))(jax.random.key(3)))
    for (calls, chance), row in zip(laws, counts, strict=False):
        assert counts_p_value(row, stats.binom.pmf(np.arange(calls + 1), calls, chance)) > ALARM
    zero, never, always, hardly, unknown = counts[len(laws) :]
    assert not zero.any()
    assert not never.any()
    assert (always == 7).all()
    assert not hardly.any()
    assert np.isnan(unknown).all()


def test_a_binomial_depends_on_its_place_and_parameters_alone():
    rng = np.random.default_rng(0)
    size = 128 * 1024 + 1500  # more than one group of rows
    n, p = rng.integers(1, 300, size).astype(np.float32), rng.random(size, np.float32)
    draw = jax.jit(lambda n, p: sampling.binomial(jax.random.key(5), n, p))
    counts = np.asarray(draw(n, p))
    other = rng.random(size) < 0.5
    changed = np.asarray(draw(np.where(other, 77, n), np.where(other, 0.3, p).astype(np.float32)))
    np.testing.assert_array_equal(counts[~other], changed[~other])
    np.testing.assert_array_equal(counts[:1500], draw(n[:1500], p[:1500]))
    np.testing.assert_array_equal(counts[:40], jax.vmap(draw)(n[None, :40], p[None, :40])[0])


@BOTH
@pytest.mark.parametrize(("n", "p"), [(25, 0.4), (100, 0.5), (1000, 0.01), (10**6, 0.2)])
def test_proposed_binomials_are_judged_by_the_law_even_in_its_far_tails(dtype, n, p):
    spread = np.sqrt(n * p * (1 - p))
    k = np.clip(np.round(n * p + np.linspace(-15, 15, 400) * spread), 0, n)
    with precision(dtype):
        (found, everywhere), (near, holds) = (
            [np.asarray(x) for x in surprise_of(jnp.asarray(k, dtype), dtype(n), dtype(p), logarithms)]
            for logarithms in (True, False)
        )
    zero = 1 / (2 * np.pi)
    front = 0.5 * np.log(n / (2 * np.pi * np.maximum(k, zero) * np.maximum(n - k, zero)))
    expected = front - stats.binom.logpmf(k, n, float(dtype(p)))
    assert everywhere.all()
    assert holds[np.abs(k - n * p) < spread].all()
    tolerance = {"rtol": 2e-3, "atol": 2e-4} if dtype == np.float32 else {"rtol": 1e-9, "atol": 3e-9}
    np.testing.assert_allclose(found, expected, **tolerance)
    np.testing.assert_allclose(near[holds], expected[holds], **tolerance)


def test_the_binomial_hat_lies_above_its_law():
    rng = np.random.default_rng(0)
    for _ in range(300):
        p = 10 ** rng.uniform(-4, np.log10(0.5))
        n = int(np.ceil(10 ** rng.uniform(1, 4.5) / p))
        with float64():
            law = _Law.of(*(jnp.asarray(x, float) for x in (n, p)))
        a, b, scale, mean, spread = (float(x) for x in (law.a, law.b, law.scale, law.mean, np.sqrt(law.variance)))
        k = np.arange(max(0, int(mean - 10 * spread)), min(n, int(mean + 10 * spread)) + 1)
        # The hat is lowest where |x| is largest in [k, k + 1): solve x = (2 a / edge + b) (1/2 - edge) for the edge.
        far = np.maximum(abs(k - mean - 0.5), abs(k + 0.5 - mean))
        linear = far + 2 * a - b / 2
        edge = (np.sqrt(linear**2 + 4 * a * b) - linear) / (2 * b)
        heights = stats.binom.pmf(k, n, p) * np.sqrt(2 * np.pi) * spread
        assert (heights * (a / edge**2 + b) / scale).max() < 1


def test_a_slightly_wrong_binomial_is_noticed():
    counts = draws_of("binomial", np.float32, 100, 0.5)
    assert counts_p_value(counts, stats.binom.pmf(np.arange(101), 100, 0.502)) < ALARM


@BOTH
@pytest.mark.parametrize(
    ("good", "bad", "n"), [(5, 3, 4), (50, 50, 30), (1, 99, 50), (300, 20, 100), (5000, 5000, 2000)]
)
def test_hypergeometric_follows_its_law(dtype, good, bad, n):
    counts = draws_of("hypergeometric", dtype, good, bad, n)
    assert counts_p_value(counts, stats.hypergeom.pmf(np.arange(n + 1), good + bad, good, n)) > ALARM


def test_the_hypergeometric_hat_lies_above_its_law():
    rng = np.random.default_rng(0)
    for _ in range(300):
        good, bad = (int(10 ** rng.uniform(0, 3.5)) for _ in range(2))
        n = int(rng.integers(1, good + bad + 1))
        k = np.arange(max(0, n - bad), min(n, good) + 1)
        pmf = stats.hypergeom.pmf(k, good + bad, good, n)
        total, chance = good + bad, n / (good + bad)
        variance = good * chance * (bad / total) * (total - n) / max(total - 1, 1)
        width = np.sqrt(8 / np.e) * np.sqrt(variance + 0.5) + 3 - 2 * np.sqrt(3 / np.e)
        farthest = np.maximum(abs(k - (good * chance + 0.5)), abs(k + 1 - (good * chance + 0.5)))
        assert (farthest * np.sqrt(pmf / pmf.max())).max() <= width / 2 * (1 + 1e-9)


@BOTH
@pytest.mark.parametrize(("a", "b"), [(0.35, 5.0), (2.0, 3.0), (300.0, 0.5), (1.0, 1.0), (1e6, 1e6)])
def test_log_beta_follows_its_law(dtype, a, b):
    log_p, log1m_p = draws_of("log_beta", dtype, a, b)
    nearer = log_p < log1m_p
    uniform = np.empty(DRAWS)
    uniform[nearer] = stats.beta.cdf(np.exp(log_p[nearer]), a, b)
    uniform[~nearer] = stats.beta.sf(np.exp(log1m_p[~nearer]), b, a)
    assert stats.kstest(uniform, "uniform").pvalue > ALARM
    # Each end has its own full precision: p + (1 - p) = 1 to rounding.
    np.testing.assert_allclose(np.logaddexp(log_p, log1m_p), 0.0, atol=4 * np.finfo(dtype).eps)


@BOTH
def test_log_beta_follows_its_law_far_below_the_smallest_number(dtype):
    # Near 0 the law is p^a / (a B(a, b)), so this is uniform on (0, share below the cut).
    a, b, cut = 0.02, 5.0, -50.0
    log_p, log1m_p = draws_of("log_beta", dtype, a, b)
    far = log_p < cut
    log_share = a * cut - np.log(a) - special.betaln(a, b)
    assert abs(far.mean() - np.exp(log_share)) < 5 * np.sqrt(far.mean() / DRAWS)
    uniform = np.exp(a * log_p[far] - np.log(a) - special.betaln(a, b) - log_share)
    assert stats.kstest(uniform, "uniform").pvalue > ALARM
    assert log_p.min() < -500
    assert np.isfinite(log_p).all()
    assert (log1m_p <= 0).all()


@BOTH
@pytest.mark.parametrize("a", [0.05, 1.0, 7.5])
def test_log_gamma_follows_its_law(dtype, a):
    log_gamma = draws_of("log_gamma_variate", dtype, a)
    assert stats.kstest(log_gamma, stats.loggamma(a).cdf).pvalue > ALARM
    error = np.sqrt(special.polygamma(1, a) / DRAWS)
    assert abs(log_gamma.mean() - special.digamma(a)) < 5 * error


def test_parameters_may_differ_by_lane():
    a = jnp.array([0.1, 1.0, 10.0])[:, None]
    log_p, _ = sampling.log_beta(jax.random.key(1), a, 2.0, (3, 2**16))
    for shape, row in zip(a[:, 0].tolist(), np.asarray(log_p, np.float64), strict=True):
        assert stats.kstest(stats.beta.cdf(np.exp(row), shape, 2.0), "uniform").pvalue > ALARM


def test_nan_parameters_give_nan_and_do_not_hang():
    assert all(np.isnan(x).all() for x in draws_of("log_beta", np.float32, np.nan, 1.0))
    assert np.isnan(draws_of("binomial", np.float32, 100.0, np.nan)).all()


@BOTH
def test_first_success_is_geometric_at_any_rate(dtype):
    with precision(dtype):
        draw = jax.jit(lambda key, log1m_p: sampling.first_success(key, log1m_p, (DRAWS,)))
        often, rarely = (
            np.asarray(draw(jax.random.key(seed), dtype(np.log1p(-p)))) for seed, p in ((0, 0.1), (1, 1e-9))
        )
        edges = np.asarray(sampling.first_success(jax.random.key(2), jnp.asarray([-np.inf, 0.0, -1e-12], dtype)))
    pmf = np.append(stats.geom.pmf(np.arange(100), 0.1), stats.geom.sf(99, 0.1))
    assert counts_p_value(np.minimum(often, 100), pmf) > ALARM
    assert stats.kstest(np.asarray(rarely, np.float64) * 1e-9, "expon").pvalue > ALARM
    assert edges[:2].tolist() == [1.0, np.inf]
    assert 1e9 < edges[2] < 1e14
    # The smallest draws are resolved too: a float uniform near 1 would make them all equal.
    assert len(np.unique(np.sort(rarely)[:100])) == 100


@BOTH
def test_categorical_and_multinomial_follow_their_laws(dtype):
    probabilities = np.array([0.1, 0.0, 0.25, 0.65])
    with precision(dtype):
        given = jnp.asarray(probabilities, dtype)
        answers = sampling.categorical(jax.random.key(0), given, (DRAWS,))
        counts = sampling.multinomial(jax.random.key(1), dtype(20), jnp.broadcast_to(given, (2**16, 4)))
    assert counts_p_value(answers, probabilities) > ALARM
    counts = np.asarray(counts)
    assert (counts.sum(axis=1) == 20).all()
    for answer, p in enumerate(probabilities):
        assert counts_p_value(counts[:, answer], stats.binom.pmf(np.arange(21), 20, p)) > ALARM
    covariance = np.cov(counts.T)[0, 2]
    assert abs(covariance + 20 * 0.1 * 0.25) < 0.06


def test_words_are_those_of_threefry():
    key = jax.random.key(7)
    first, second = sampling.words_at(key, 3, 100)
    counts = np.concatenate([np.arange(100), np.full(100, 3)]).astype(np.uint32)
    expected = threefry_2x32(jax.random.key_data(key), jnp.asarray(counts))
    np.testing.assert_array_equal(np.concatenate([first, second]), expected)


def test_any_kind_of_key_will_do():
    log_p, _ = sampling.log_beta(jax.random.key(0, impl="rbg"), 2.0, 3.0, (5000,))
    assert stats.kstest(np.exp(np.asarray(log_p, np.float64)), stats.beta(2, 3).cdf).pvalue > ALARM


def test_shapes_and_transformations():
    key = jax.random.key(0)
    assert sampling.log_gamma_variate(key, 2.0).shape == ()
    assert sampling.log_beta(key, jnp.ones(3), 1.0)[0].shape == (3,)
    assert sampling.binomial(key, 10.0, 0.5, (0,)).shape == (0,)
    keys = jax.random.split(key, 3)
    mapped = jax.vmap(lambda key: sampling.log_beta(key, 0.5, 2.0, (40,))[0])(keys)
    each = jnp.stack([sampling.log_beta(key, 0.5, 2.0, (40,))[0] for key in keys])
    np.testing.assert_allclose(mapped, each, rtol=1e-5)
    with pytest.raises(ValueError, match="broadcast"):
        sampling.log_beta(key, jnp.ones(3), 1.0, (4,))
