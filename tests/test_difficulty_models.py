"""Every law of coverage, in every regime of the table: dtype, jit, vmap, mpmath, gradients, identities, sampling."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.data import Attempts
from jaxscale.difficulty import (
    AbstractDifficulty,
    Beta,
    CorrelatedTrials,
    ExponentiatedPowerLaw,
    Grid,
    Kumaraswamy,
    Mixture,
    PointMass,
    PowerLaw,
    ScaledBeta,
    TwoPoint,
)
from jaxscale.fitting._parameters import layout_of

K = np.array([0, 1, 2, 7, 100, 10_000, 10**9])
PAIRS = [(0, 3), (1, 0), (2, 5), (30, 9970), (10_000, 0), (5000, 5000), (10_000, 9_990_000), *((0, int(k)) for k in K)]
DRAWN_K = np.array([1, 3, 30, 1000])
ALL_K = np.unique(np.concatenate([K, DRAWN_K, 2 * DRAWN_K, np.round(np.geomspace(1, 1e9, 40))])).astype(float)


def mp_beta(a, b, c, m):
    return mp.beta(mp.mpf(a) + c, mp.mpf(b) + m) / mp.beta(a, b)


def mp_power(p, c, m):
    return mp.mpf(p) ** int(c) * (1 - mp.mpf(p)) ** int(m)


def mp_integral(log_integrand):
    """The integral over the real line of a function with one peak: panels that grow from it by factors of 4."""
    low, high = mp.mpf(-3000), mp.mpf(3000)
    for _ in range(90):
        left, right = low + (high - low) * 0.382, low + (high - low) * 0.618
        low, high = (left, high) if log_integrand(left) < log_integrand(right) else (low, right)
    peak = log_integrand(low)
    panels = [low + side * mp.mpf(2) ** j for side in (-1, 1) for j in range(-8, 13, 2)]
    edges = sorted(edge for edge in [low, *panels] if log_integrand(edge) > peak - 60)
    edges = [edges[0] - (low - edges[0]) - 1, *edges, edges[-1] + (edges[-1] - low) + 1]
    return mp.exp(peak) * mp.quad(lambda t: mp.exp(log_integrand(t) - peak), edges, maxdegree=5)


def mp_scaled_beta(a, b, scale, c, m):
    a, b, scale, c, m = (mp.mpf(x) for x in (a, b, scale, int(c), int(m)))
    if m <= 10_000 and scale < 1:
        return scale**c * mp.beta(a + c, b) / mp.beta(a, b) * mp.hyp2f1(-m, a + c, a + b + c, scale)
    if scale == 1:
        return mp_beta(a, b, c, m)

    def log_integrand(t):
        x = 1 / (1 + mp.exp(-t))
        return (a + c) * mp.log(x) - b * mp.log1p(mp.exp(t)) + m * mp.log1p(-scale * x)

    return scale**c * mp_integral(log_integrand) / mp.beta(a, b)


def mp_kumaraswamy(a, b, c, m, exact_up_to=7):
    a, b = mp.mpf(a), mp.mpf(b)
    if m <= exact_up_to:  # E[p^j] = b B(1 + j/a, b), and (1-p)^m by the binomial theorem
        return mp.fsum((-1) ** j * mp.binomial(m, j) * b * mp.beta(1 + (c + j) / a, b) for j in range(int(m) + 1))

    def log_integrand(t):
        log_p = -mp.log1p(mp.exp(-t))
        return (a + c) * log_p - (1 + int(m)) * mp.log1p(mp.exp(t)) + (b - 1) * mp.log(-mp.expm1(a * log_p))

    return a * b * mp_integral(log_integrand)


GRID_P, GRID_WEIGHTS = [0.0, 1e-4, 0.25, 1.0], [0.5, 0.25, 0.125, 0.125]


def mp_grid(c, m):
    return mp.fsum(w * mp_power(p, c, m) for p, w in zip(GRID_P, GRID_WEIGHTS, strict=True))


# name: (law, E[p^c (1-p)^m] for c successes and m failures in mpmath). Parameters are exact in float32.
DIFFICULTIES = {
    "beta": (lambda: Beta(0.375, 8.0), lambda c, m: mp_beta(0.375, 8, c, m)),
    "beta, tiny a": (lambda: Beta(2.0**-10, 0.5), lambda c, m: mp_beta(2.0**-10, 0.5, c, m)),
    "beta, ceiling": (
        lambda: Beta(0.375, 8.0, 0.75),
        lambda c, m: mp.mpf(0.75) * mp_beta(0.375, 8, c, m) + (0.25 if c == 0 else 0),
    ),
    "scaled beta": (lambda: ScaledBeta(0.375, 8.0, 0.25), lambda c, m: mp_scaled_beta(0.375, 8, 0.25, c, m)),
    "scaled beta, tiny scale": (
        lambda: ScaledBeta(0.0625, 0.125, 2.0**-16),
        lambda c, m: mp_scaled_beta(0.0625, 0.125, 2.0**-16, c, m),
    ),
    "scaled beta, scale 1": (lambda: ScaledBeta(2.0, 64.0, 1.0), lambda c, m: mp_scaled_beta(2, 64, 1, c, m)),
    "kumaraswamy": (lambda: Kumaraswamy(0.375, 8.0), lambda c, m: mp_kumaraswamy(0.375, 8, c, m)),
    "kumaraswamy, U-shaped": (lambda: Kumaraswamy(0.0625, 0.125), lambda c, m: mp_kumaraswamy(0.0625, 0.125, c, m)),
    "two-point": (
        lambda: TwoPoint(0.25, 0.75, 0.0625),
        lambda c, m: 0.25 * mp_power(0.75, c, m) + 0.75 * mp_power(0.0625, c, m),
    ),
    "point": (lambda: PointMass(0.125), lambda c, m: mp_power(0.125, c, m)),
    "grid": (lambda: Grid(GRID_P, GRID_WEIGHTS), mp_grid),
    "mixture": (
        lambda: Mixture((Beta(0.375, 8.0), PointMass(0.0), PointMass(1.0)), [0.5, 0.25, 0.25]),
        lambda c, m: 0.5 * mp_beta(0.375, 8, c, m) + (0.25 if c == 0 else 0) + (0.25 if m == 0 else 0),
    ),
}

# name: (law, P(k calls all fail) in mpmath).
CURVES = {
    "power law": (lambda: PowerLaw(0.875, 0.375), lambda k: 0.875 * mp.mpf(k) ** -0.375 if k else 1),
    "power law above 1": (lambda: PowerLaw(2.0, 0.375), lambda k: min(1, 2 * mp.mpf(k) ** -0.375) if k else 1),
    "exponentiated": (
        lambda: ExponentiatedPowerLaw(4.0, 0.375),
        lambda k: -mp.expm1(-4 * mp.mpf(k) ** -0.375) if k else 1,
    ),
    "exponentiated, offset": (
        lambda: ExponentiatedPowerLaw(4.0, 0.375, 0.25),
        lambda k: -mp.expm1(-4 * mp.mpf(k) ** -0.375 - 0.25) if k else 1,
    ),
    "correlated": (lambda: CorrelatedTrials(0.75, 1.0), lambda k: mp.mpf(0.75) ** mp.harmonic(int(k))),
    "correlated, ceiling": (
        lambda: CorrelatedTrials(0.75, 0.5, 0.875),
        lambda k: 0.125 + 0.875 * mp.mpf(0.75) ** (mp.zeta(0.5) - mp.zeta(0.5, int(k) + 1)),
    ),
}
LAWS = {name: law for name, (law, _) in {**DIFFICULTIES, **CURVES}.items()}

log_failure = eqx.filter_jit(lambda law, k: law.log_failure(k))
log_moment = eqx.filter_jit(lambda law, c, m: law.log_moment(c, m))
draw = eqx.filter_jit(lambda law, key, shape: law.sample(key, shape))


@cache
def failure_at(name):
    """P(k calls all fail), as a log, for every k of ALL_K."""
    with float64():
        return dict(zip(ALL_K.tolist(), np.asarray(log_failure(LAWS[name](), ALL_K)).tolist(), strict=True))


@cache
def exact_moments(name):
    with mp.workdps(30):
        return [DIFFICULTIES[name][1](*pair) for pair in PAIRS]


def assert_close(log_value, exact, bound):
    """Errors of logs: relative where they are large, absolute where they are small (a relative error of the value)."""
    with mp.workdps(40):  # at 15 digits mpmath takes 0.25 + 1e-29 for 1
        log_exact = np.array([float(mp.log(x)) if x > 0 else -np.inf for x in exact])
    impossible = np.isneginf(log_exact)
    np.testing.assert_array_equal(np.isneginf(log_value), impossible)
    error = np.abs(np.where(impossible, 0.0, log_value) - np.where(impossible, 0.0, log_exact))
    scale = np.maximum(1, np.abs(np.where(impossible, 0.0, log_exact)))
    assert np.max(error / scale) < bound


@pytest.mark.parametrize("name", DIFFICULTIES)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-11), (np.float32, 2e-5)])
def test_moments_are_those_of_mpmath(name, dtype, bound):
    with float64():
        law = jax.tree.map(lambda x: x.astype(dtype), DIFFICULTIES[name][0]())
        moments = log_moment(law, *np.array(PAIRS, dtype).T)
    assert moments.dtype == dtype
    assert_close(moments, exact_moments(name), bound)
    if dtype == np.float64:
        assert_close([failure_at(name)[k] for k in K], exact_moments(name)[-len(K) :], bound)
        # pass@1 is E[p], the moment (1, 0).
        assert np.isclose(-np.expm1(failure_at(name)[1]), np.exp(moments[1]), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_curves_are_those_of_mpmath(name, dtype, bound):
    with float64():
        law = jax.tree.map(lambda x: x.astype(dtype), CURVES[name][0]())
        failures = log_failure(law, ALL_K.astype(dtype))[np.searchsorted(ALL_K, K)]
    assert failures.dtype == dtype
    assert_close(failures, [mp.mpf(CURVES[name][1](int(k))) for k in K], bound)


@pytest.mark.parametrize("name", LAWS)
def test_coverage_rises_from_zero_and_stays_below_one(name):
    coverage = -np.expm1([failure_at(name)[k] for k in ALL_K])
    assert abs(coverage[0]) < 1e-15
    assert np.all(np.diff(coverage) >= -1e-13)
    assert 0 < coverage[-1] <= 1


@pytest.mark.parametrize("name", LAWS)
def test_jit_changes_nothing(name):
    with float64():
        eager = LAWS[name]().log_failure(ALL_K)
    np.testing.assert_allclose(eager, [failure_at(name)[k] for k in ALL_K], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", LAWS)
def test_a_batched_law_is_a_loop_over_laws(name):
    with float64():
        law = LAWS[name]()
        # Another law of the kind: scalars shrunk, weights turned round.
        other = jax.tree.map(lambda x: 0.9 * x if x.ndim == 0 else x[::-1] if jnp.sum(x) == 1 else x, law)
        batch = jax.tree.map(lambda *x: jnp.stack(x), law, other)
        together = eqx.filter_vmap(log_failure, in_axes=(0, None))(batch, ALL_K)
        assert not np.array_equal(together[0], together[1])
        for one, row in zip((law, other), together, strict=True):
            # Rounding decides where panels of quadrature end: 1e-11 is its accuracy.
            np.testing.assert_allclose(row, log_failure(one, ALL_K), rtol=1e-11, atol=1e-11)


@eqx.filter_jit
def likelihood(layout, vector, law, statistics):
    def total(vector):
        terms = layout.from_vector(vector, law).log_likelihood_terms(statistics)
        return jnp.sum(terms), terms

    return jax.value_and_grad(total, has_aux=True)(vector)


@pytest.mark.parametrize("name", [name for name in LAWS if name != "scaled beta, scale 1"])
def test_the_likelihood_is_normalised_and_has_its_gradient(name):
    n, step = 12, 1e-5
    attempts, successes = np.array([*[n] * (n + 1), 1, 100, 3000]), np.array([*range(n + 1), 0, 1, 400])
    with float64():
        law = LAWS[name]()
        statistics, layout = law.statistics(attempts, successes), layout_of(law)
        vector = layout.to_vector(law)
        (_, terms), gradient = likelihood(layout, vector, law, statistics)
        if isinstance(law, AbstractDifficulty):
            assert abs(np.sum(np.exp(terms[: n + 1])) - 1) < 1e-6
        for direction in np.random.default_rng(1).normal(size=(2, len(vector))):
            (up, _), _ = likelihood(layout, vector + step * direction, law, statistics)
            (down, _), _ = likelihood(layout, vector - step * direction, law, statistics)
            np.testing.assert_allclose(gradient @ direction, (up - down) / (2 * step), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", DIFFICULTIES)
def test_draws_have_the_coverage_of_the_law(name):
    draws, k = 16_384, DRAWN_K
    log_p, log1m_p = draw(LAWS[name](), jax.random.key(5), (draws,))
    assert log_p.shape == log1m_p.shape == (draws,)
    assert log_p.dtype == log1m_p.dtype == jnp.float32
    np.testing.assert_allclose(np.exp(log_p) + np.exp(log1m_p), 1, atol=1e-6)
    failed = np.exp(k[:, None] * np.maximum(np.asarray(log1m_p, np.float64), -1e6))
    exact, square = (np.exp([failure_at(name)[j] for j in times]) for times in (k, 2 * k))
    error = np.sqrt(np.maximum(square - exact**2, 0) / draws)
    assert np.all(np.abs(failed.mean(axis=1) - exact) < 5 * error + 1e-6)


def test_quadrature_all_over_its_box():
    rng, points = np.random.default_rng(3), 60
    a, b = 10 ** rng.uniform(-2, 2, points), 10 ** rng.uniform(-2, 4, points)
    s = np.where(rng.random(points) < 0.5, 10 ** rng.uniform(-6, 0, points), 1 - 10 ** rng.uniform(-12, 0, points))
    c, m = rng.integers(0, 50, points) * (rng.random(points) < 0.5), rng.integers(1, 40, points)
    rows = [(*map(mp.mpf, row[:3]), *map(int, row[3:])) for row in zip(a, b, s, c, m, strict=True)]
    with mp.workdps(110):  # the binomial theorem alternates
        kumaraswamy = [mp_kumaraswamy(a, b, c, m, exact_up_to=40) for a, b, _, c, m in rows]
        scaled = [mp_scaled_beta(*row) for row in rows]
    with float64():
        assert_close(log_moment(Kumaraswamy(a, b), c.astype(float), m.astype(float)), kumaraswamy, 2e-11)
        assert_close(log_moment(ScaledBeta(a, b, s), c.astype(float), m.astype(float)), scaled, 2e-11)


@pytest.mark.parametrize("b", [0.5, 1.0, 40.0])
def test_scaled_beta_of_scale_one_is_beta(b):
    with float64():
        counts = np.array(PAIRS, float).T
        np.testing.assert_allclose(
            log_moment(ScaledBeta(0.3, b, 1.0), *counts), log_moment(Beta(0.3, b), *counts), rtol=1e-11, atol=1e-11
        )


def test_kumaraswamy_with_b_of_one_is_beta():
    with float64():
        counts = np.array(PAIRS, float).T
        for a in (0.02, 1.0, 30.0):
            np.testing.assert_allclose(
                log_moment(Kumaraswamy(a, 1.0), *counts), log_moment(Beta(a, 1.0), *counts), rtol=1e-11, atol=1e-11
            )


def test_uniform_coverage_is_k_over_k_plus_one():
    with float64():
        for law in (Beta(1.0, 1.0), ScaledBeta(1.0, 1.0, 1.0), Kumaraswamy(1.0, 1.0)):
            np.testing.assert_allclose(-np.expm1(log_failure(law, ALL_K)), ALL_K / (ALL_K + 1), rtol=1e-12)


@pytest.mark.parametrize(("ceiling", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_beta_at_the_ends_of_its_ceiling(ceiling, share):
    failures = lambda ceiling: Beta(0.4, 3.0, ceiling).log_failure(K)  # noqa: E731
    with float64():
        np.testing.assert_allclose(-np.expm1(failures(ceiling)), share * -np.expm1(failures(1.0)), atol=1e-15)
        by_law = jax.grad(lambda law: jnp.sum(law.log_failure(K)))(Beta(0.4, 3.0, ceiling))
        step = jnp.asarray(1e-7 * (1 - 2 * share))
        numeric = jnp.sum(failures(ceiling + step) - failures(ceiling)) / step
    assert all(np.isfinite(x) for x in jax.tree.leaves(by_law))
    # At ceiling 1 the failures at k = 1e9 are tiny: the step is too.
    np.testing.assert_allclose(by_law.ceiling, numeric, rtol=1e-2)


def test_points_at_zero_and_one_are_exact_and_differentiable():
    never, always = PointMass(0.0), PointMass(1.0)
    np.testing.assert_array_equal(never.pass_at_k(np.array([0, 1, 10])), [0, 0, 0])
    np.testing.assert_array_equal(always.pass_at_k(np.array([0, 1, 10])), [0, 1, 1])
    assert float(never.log_moment(2, 3)) == -np.inf
    assert float(jax.grad(lambda law: law.log_failure(7.0))(never).p) == -7
    assert float(jax.grad(lambda law: law.log_moment(4.0, 0.0))(always).p) == 4


def test_predictive_failure_is_a_ratio_of_moments_and_one_for_atoms():
    law = Mixture((PointMass(0.5), PointMass(0.0)), [0.5, 0.5])
    # One failure seen: the odds of the unsolvable are 2 to 1.
    assert np.isclose(np.exp(law.log_predictive_failure(1, np.array([1]), np.array([0])))[0], 2 / 3 + 1 / 3 / 2)


def test_default_grid_spans_all_that_the_attempts_can_tell():
    p = np.asarray(Grid.spanning(10_000).p)
    assert p[0] == 0
    assert p[-1] == 1
    assert 0 < p[1] <= 1e-6
    assert np.all(np.diff(p) >= 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Beta(0.0, 1.0), "Beta: a = 0.*expected a finite number above 0"),
        (lambda: ScaledBeta(1.0, 1.0, 1.5), r"ScaledBeta: scale = 1.5: expected a number in \[0, 1\]"),
        (lambda: Kumaraswamy(1.0, np.inf), "Kumaraswamy: b = inf"),
        (lambda: PointMass(-0.1), "PointMass: p = -0.1"),
        (lambda: TwoPoint(2.0, 0.5, 0.5), "TwoPoint: easy_share = 2"),
        (lambda: Grid([0.1, 0.2], [0.5, 0.6]), "Grid: weights = .*sum to 1"),
        (lambda: Grid([0.1, 0.2], [1.0]), r"Grid: p has shape \(2,\), weights has \(1,\)"),
        (lambda: Mixture((PointMass(0.5),), [0.5, 0.5]), r"weights has shape \(2,\): expected \(1,\)"),
        (lambda: Mixture((PowerLaw(0.5, 0.5),), [1.0]), "expected difficulty models"),
        (lambda: PowerLaw(-1.0, 0.5), "PowerLaw: coefficient = -1"),
        (lambda: CorrelatedTrials(0.5, -1.0), "CorrelatedTrials: kappa = -1.*0 or more"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("k", [0.0, 1.0, 2.0])
def test_coverage_has_its_derivative_where_a_success_is_certain(k):
    # d/dp (1 - (1-p)^k) at p = 1 is 1 for one call, else 0.
    laws = {
        1.0: PointMass,
        0.4: lambda p: TwoPoint(0.4, p, 0.1),
        0.3: lambda p: Grid(jnp.stack([jnp.zeros(()), p]), [0.7, 0.3]),
        0.2: lambda p: Mixture([PointMass(p), PointMass(0.5)], [0.2, 0.8]),
    }
    for share, law in laws.items():
        slope = jax.grad(lambda p, law=law: law(p).pass_at_k(k))(1.0)
        np.testing.assert_allclose(slope, share * (k == 1), rtol=1e-6)


def test_strict_settings_of_jax_change_nothing():
    laws = [Beta(0.35, 5.0, 0.9), Grid([0.0, 0.5, 1.0], [0.2, 0.3, 0.5]), Kumaraswamy(0.5, 3.0)]
    attempts = Attempts([10, 10], [1, 3])
    found = []
    for promotion, ranks in (("standard", "allow"), ("strict", "raise")):
        with jax.numpy_dtype_promotion(promotion), jax.numpy_rank_promotion(ranks):
            found.append([law.pass_at_k([1, 2, 3]) for law in laws])
            found[-1] += [laws[0].log_likelihood(attempts), laws[0].sample(jax.random.key(0), (3,))[0]]
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


DOUBLES = {name: LAWS[name] for name in ("beta", "grid", "mixture", "correlated")}


@pytest.mark.parametrize("name", DOUBLES)
def test_a_law_of_numpy_float64_computes_in_it(name):
    law = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), DOUBLES[name]())
    with float64():
        wanted = np.asarray(law.log_failure(ALL_K))
    for found in (law.log_failure(ALL_K), jnp.log1p(-law.pass_at_k(ALL_K))):
        assert found.dtype == np.float64
    np.testing.assert_allclose(law.log_failure(ALL_K), wanted, rtol=1e-12)
    # Under a trace the caller's setting holds, and nothing warns or fails.
    assert jax.jit(lambda k: law.log_failure(k))(3.0).dtype == np.float32
    assert jax.jit(lambda: law.log_failure(3.0))().dtype == np.float32
    assert jax.vmap(law.pass_at_k)(jnp.arange(3.0)).dtype == np.float32
    np.testing.assert_allclose(*(jax.grad(each.log_failure)(3.0) for each in (law, DOUBLES[name]())), rtol=1e-4)
    if isinstance(law, AbstractDifficulty):
        assert law.sample(jax.random.key(0), (2,))[0].dtype == np.float64
        assert jax.vmap(law.sample)(jax.random.split(jax.random.key(0), 2))[0].dtype == np.float32


def test_numpy_float64_parameters_are_kept():
    exponent = np.array(0.35)
    law = Beta(exponent, np.float64(5.0), 0.9)
    exponent[...] = 2.0  # a copy is held
    assert (law.a.dtype, law.b.dtype, law.ceiling.dtype) == (np.float64, np.float64, np.float32)
    assert law.a == 0.35
    assert not law.a.flags.writeable
    counts = Attempts([10, 10], [1, 3])
    a, b = mp.mpf(0.35), mp.mpf(5)
    share = mp.mpf(float(np.float32(0.9)))  # what is not NumPy float64 is float32, as in JAX
    wanted = mp.fsum(mp.log(share * mp.binomial(10, c) * mp_beta(a, b, c, 10 - c)) for c in (1, 3))
    assert float(law.log_likelihood(counts)) == pytest.approx(float(wanted), rel=1e-12)
    with jax.numpy_dtype_promotion("strict"), jax.numpy_rank_promotion("raise"):
        assert law.pass_at_k([1, 2]).dtype == np.float64
    assert Beta(0.35, 5.0).pass_at_k(np.float64(3.0)).dtype == np.float32


def test_exact_and_simulate_take_a_law_of_numpy_float64():
    law, same = Beta(np.float64(0.35), np.float64(5.0)), Beta(0.35, 5.0)
    with float64():
        wanted = np.asarray(Beta(0.35, 5.0).pass_at_k([1, 100]))
    found = js.exact(js.PassAtK(), law, [1, 100])
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=1e-13)
    key = jax.random.key(0)
    one, other = (js.simulate(key, js.PassAtK(), model, [1, 100], 1000) for model in (law, same))
    np.testing.assert_array_equal(one.value, other.value)  # draws are of float32 parameters
