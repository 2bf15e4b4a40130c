"""Imperfect verifiers: exact accuracy, recorded rates, forecasts and the best number of calls."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.forecasting import VerifiedDraws

CALLS = [1, 2, 3, 10, 30]


# Exact, under a law of difficulty


@pytest.mark.parametrize("rates", [(0.8, 0.1), (1.0, 0.0), (0.0, 1.0), (0.5, 0.5), (1.0, 0.3), (0.7, 0.0)])
def test_a_single_difficulty_is_a_known_answer_distribution(rates):
    system = js.BestOfN(*rates)
    with float64():
        point = js.exact(system, js.PointMass(jnp.float64(0.3)), CALLS)
        known = js.exact(system, js.AnswerDistribution(np.array([[0.3, 0.7]])), CALLS)
    np.testing.assert_allclose(point, known, rtol=1e-12, atol=1e-15)


def test_a_perfect_verifier_gives_coverage_and_a_blind_one_a_single_call():
    with float64():
        law = js.Beta(jnp.float64(0.4), jnp.float64(3.0))
        np.testing.assert_allclose(js.exact(js.BestOfN(1.0, 0.0), law, CALLS), law.pass_at_k(CALLS), rtol=1e-12)
        np.testing.assert_allclose(js.exact(js.BestOfN(0.4, 0.4), law, CALLS), law.pass_at_k(1), rtol=1e-12)


def test_simulation_agrees_under_a_law():
    system, law = js.BestOfN(0.8, 0.1), js.Beta(0.4, 3.0)
    simulated = js.simulate(jax.random.key(0), system, law, [1, 3, 30], 20_000)
    exact = np.asarray(js.exact(system, law, [1, 3, 30]))
    error = np.sqrt(exact * (1 - exact) / 20_000)
    np.testing.assert_array_less(np.abs(simulated.value - exact), 5 * error)


def test_the_exact_accuracy_is_differentiable_in_the_law():
    def accuracy(a):
        return js.exact(js.BestOfN(0.8, 0.1), js.Beta(a, 3.0), 10)

    with float64():
        gradient = jax.grad(accuracy)(jnp.float64(0.4))
        difference = (accuracy(jnp.float64(0.4 + 1e-6)) - accuracy(jnp.float64(0.4 - 1e-6))) / 2e-6
    assert float(gradient) == pytest.approx(float(difference), rel=1e-6)


POPULATIONS = {
    "a law": js.Beta(0.4, 3.0),  # in float32
    "known answers": js.AnswerDistribution(np.array([[0.3, 0.7], [0.9, 0.1]])),
    "attempts": js.Attempts([20, 15], [4, 9]),
    "ballots": js.Ballots([[4, 16], [9, 6]], [[True, False]] * 2),
}


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize(
    ("numbers", "make"),
    [
        ((0.8, 0.1), lambda tpr, fpr: js.BestOfN(tpr, fpr)),
        ((1.2,), lambda separation: js.BestOfN(separation=separation)),
    ],
)
def test_the_exact_accuracy_is_differentiable_in_the_verifier(name, numbers, make):
    with float64():
        law = js.Beta(jnp.float64(0.4), jnp.float64(3.0))
        population = law if name == "a law" else POPULATIONS[name]

        def accuracy(numbers):
            return js.exact(make(*numbers), population, [1, 10])

        found = jax.jacobian(accuracy)([jnp.float64(x) for x in numbers])
        for place, slope in enumerate(found):
            high, low = (
                np.asarray(accuracy([x + step * (i == place) for i, x in enumerate(numbers)])) for step in (1e-6, -1e-6)
            )
            np.testing.assert_allclose(slope, (high - low) / 2e-6, rtol=1e-6, atol=1e-9)
            assert abs(float(slope[1])) > 0.01
        np.testing.assert_allclose(jax.jit(accuracy)(numbers), accuracy(numbers), rtol=1e-12)


def test_rates_at_their_ends_have_finite_gradients():
    for population in POPULATIONS.values():
        slopes = jax.grad(lambda rates, p=population: js.exact(js.BestOfN(*rates), p, 5))((1.0, 0.0))
        assert np.isfinite(slopes).all()
        assert slopes[0] > 0 > slopes[1]


def test_too_many_calls_under_a_law_are_refused():
    with pytest.raises(ValueError, match=r"calls = 3000: expected at most 2000 of best-of-n under a law of difficulty"):
        js.exact(js.BestOfN(0.8, 0.1), js.Beta(0.4, 3.0), [3000])


@pytest.mark.parametrize("separation", [-1.5, 0.0, 1.0, 6.0])
def test_scores_under_a_law_are_those_of_known_answers(separation):
    system = js.BestOfN(separation=separation)
    p = np.array([0.02, 0.3, 0.9])
    with float64():
        points = [js.exact(system, js.PointMass(jnp.float64(q)), CALLS) for q in p]
        known = js.exact(system, js.AnswerDistribution(np.stack([p, 1 - p], axis=1)), CALLS)
        np.testing.assert_allclose(np.mean(points, axis=0), known, rtol=1e-10)
        # A Beta law, by quadrature over its quantiles; a verifier that guesses is worth a single call.
        law = js.Beta(jnp.float64(2.0), jnp.float64(3.0))
        nodes, weights = np.polynomial.legendre.leggauss(120)
        q = (nodes + 1) / 2
        density = weights / 2 * q * (1 - q) ** 2 * 12
        each = js.exact(system, js.AnswerDistribution(np.stack([q, 1 - q], axis=1)[:, None]), CALLS)
        np.testing.assert_allclose(js.exact(system, law, CALLS), density @ np.asarray(each), rtol=1e-6)
    if separation == 0.0:
        np.testing.assert_allclose(js.exact(system, law, CALLS), [0.4] * len(CALLS), rtol=1e-6)
    single = js.exact(system, js.Beta(jnp.float32(2.0), jnp.float32(3.0)), CALLS)
    np.testing.assert_allclose(single, js.exact(system, law, CALLS), rtol=2e-5)


@pytest.mark.parametrize(
    "system", [js.BestOfN(0.8, 0.3), js.BestOfN(1.0, 0.0), js.BestOfN(0.0, 0.0), js.BestOfN(separation=1.2)]
)
def test_recorded_calls_by_enumeration(system):
    attempts, successes, calls = [6, 5], [2, 5], [1, 2, 4]

    def picked(right):
        """The chance that the pick among calls, some right, is right: over all verdicts, or by integrating scores."""
        if system.separation is not None:
            s = np.linspace(-9, 11, 4001)
            cdf = {True: norm.cdf(s, system.separation), False: norm.cdf(s)}
            pdf = {True: norm.pdf(s, system.separation), False: norm.pdf(s)}
            return sum(
                np.trapezoid(pdf[True] * np.prod([cdf[y] for j, y in enumerate(right) if j != i], axis=0), s)
                for i, x in enumerate(right)
                if x
            )
        total = 0.0
        for verdicts in itertools.product([True, False], repeat=len(right)):
            rates = [system.tpr if x else system.fpr for x in right]
            chance = np.prod([rate if v else 1 - rate for rate, v in zip(rates, verdicts, strict=True)])
            accepted = [x for x, v in zip(right, verdicts, strict=True) if v] or right
            total += chance * np.mean(accepted)
        return total

    expected = [
        np.mean(
            [
                np.mean([picked(list(drawn)) for drawn in itertools.combinations([True] * c + [False] * (n - c), k)])
                for n, c in zip(attempts, successes, strict=True)
            ]
        )
        for k in calls
    ]
    np.testing.assert_allclose(
        js.exact(system, js.Attempts(attempts, successes), calls), expected, rtol=1e-9, atol=1e-12
    )
    # A blank call counts as wrong.
    ballots = js.Ballots([[2, 3], [3, 2]], [[True, False], [True, True]], blank=[1, 0])
    np.testing.assert_allclose(js.exact(system, ballots, calls), expected, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="calls = 6: query at index 1 has 5 recorded calls"):
        js.exact(system, js.Attempts(attempts, successes), [6])


# Recorded rates


def clustered(rng, queries, calls, a, b):
    """Ballots whose wrong answers are kept at a rate of each query's own; right ones always."""
    rates = rng.beta(a, b, queries)
    wrong = rng.integers(calls // 2, calls, queries)
    counts = np.stack([calls - wrong, wrong], axis=1)
    kept = np.stack([calls - wrong, rng.binomial(wrong, rates)], axis=1)
    return js.Ballots(counts, [[True, False]] * queries, kept_counts=kept)


def test_rates_are_ratios_and_their_intervals_allow_for_clusters():
    """Over 200 simulated files a 90% interval holds the mean rate 85% to 96% of the time (beyond: 1 in 100).

    One for independent calls would hold it less than 60% of the time.
    """
    rng = np.random.default_rng(0)
    held = naive = 0
    for _ in range(200):
        ballots = clustered(rng, 60, 80, 1.0, 9.0)
        fpr = js.verifier_rates(ballots).fpr
        kept = ballots.kept_counts[:, 1].sum()
        assert fpr.value == kept / fpr.calls
        held += fpr.lower <= 0.1 <= fpr.upper
        naive += abs(fpr.value - 0.1) <= 1.645 * np.sqrt(fpr.value * (1 - fpr.value) / fpr.calls)
    assert 170 <= held <= 192
    assert naive < 120


def test_a_rate_of_one_is_as_uncertain_as_its_queries_are_few():
    ballots = js.Ballots([[50, 50]] * 20, [[True, False]] * 20, kept_counts=[[50, 5]] * 20)
    rates = js.verifier_rates(ballots)
    assert (rates.tpr.value, rates.tpr.upper, rates.tpr.effective) == (1, 1, 20)
    assert 0.8 < rates.tpr.lower < 0.95


def test_a_score_at_a_threshold_is_a_filter():
    # Query 0: answers 0, 0, 1, blank; query 1: answers 0, 1, 1.
    scores = [[0.9, 0.2, 0.8, 0.7], [0.4, 0.6, 0.1, np.nan]]
    ballots = js.Ballots([[2, 1], [1, 2]], [[True, False], [False, True]], blank=[1, 0], scores=scores)
    rates = js.verifier_rates(ballots, threshold=0.5)
    np.testing.assert_array_equal(rates.right, [[1, 2], [1, 2]])
    np.testing.assert_array_equal(rates.wrong, [[2, 2], [0, 1]])


def test_what_says_nothing_of_a_verifier_is_refused():
    ballots = js.Ballots([[3, 1]], [[True, False]])
    for arguments, message in (
        ({}, r"kept_counts = None: expected ballots that say what a filter kept"),
        ({"threshold": 0.5}, r"threshold = 0.5: expected ballots with scores"),
        ({"level": 2}, r"level = 2: expected a number between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            js.verifier_rates(ballots, **arguments)
    with pytest.raises(ValueError, match=r"ballots without a wrong answer"):
        js.verifier_rates(js.Ballots([[3]], [[True]], kept_counts=[[2]]))


# Forecasts


def test_within_the_calls_the_forecast_is_the_mean_over_all_subsets():
    # Five calls of one query: right and kept, right and dropped, wrong and kept twice, wrong and dropped.
    calls = [(1, 1), (1, 0), (0, 1), (0, 1), (0, 0)]
    ballots = js.Ballots([[2, 3]] * 2, [[True, False]] * 2, kept_counts=[[1, 2], [0, 0]])
    curve = js.forecast(js.RecordedBestOfN(), ballots, [1, 2, 3, 4, 5])
    assert set(curve.kind) == {"estimate"}
    for k, value in zip(curve.calls, curve.value, strict=True):
        scores = []
        for subset in itertools.combinations(calls, int(k)):
            kept = [right for right, accepted in subset if accepted]
            among = kept or [right for right, _ in subset]
            scores.append(sum(among) / len(among))
        assert value == pytest.approx((np.mean(scores) + 2 / 5) / 2, rel=1e-12)


def test_outcomes_and_ceiling_follow_the_formula():
    p, tpr, fpr = np.array([[0.3, 0.0, 1.0, 0.2]]), np.array(0.8), np.array(0.1)
    draws = VerifiedDraws(p, tpr, fpr)
    for n in CALLS:
        accepted, wrong, fallback = draws.outcomes(n)
        known = [js.exact(js.BestOfN(0.8, 0.1), js.AnswerDistribution(np.array([[q, 1 - q]])), n) for q in p[0]]
        np.testing.assert_allclose((accepted + fallback)[0], known, rtol=1e-12, atol=1e-15)
        none = (1 - (p * tpr + (1 - p) * fpr)) ** n
        np.testing.assert_allclose(accepted + wrong, 1 - none, rtol=1e-12)
    np.testing.assert_allclose(draws.ceiling(), draws.outcomes(10**6)[0], rtol=1e-12)
    never = VerifiedDraws(p, np.array(0.0), np.array(0.0))
    np.testing.assert_array_equal(never.ceiling(), p)
    np.testing.assert_array_equal(never.outcomes(7)[2], p)


@pytest.fixture(scope="module")
def many():
    """So many calls that the rates of each query are all but known."""
    p = np.array([0.0, 0.01, 0.1, 0.3, 0.6, 0.9])
    n = 200_000
    right = np.rint(n * p).astype(int)
    counts = np.stack([right, n - right], axis=1)
    kept = np.rint(counts * np.array([0.8, 0.1])).astype(int)
    return p, js.Ballots(counts, [[True, False]] * 6, kept_counts=kept)


def test_forecasts_with_known_and_with_recorded_rates_agree_where_they_are_alike(many):
    p, ballots = many
    answers = js.AnswerDistribution(np.stack([p, 1 - p], axis=1))
    expected = np.asarray(js.exact(js.BestOfN(0.8, 0.1), answers, [1, 10, 100]))
    for curve in (
        js.forecast(js.RecordedBestOfN(), ballots, [1, 10, 100]),
        js.forecast(js.BestOfN(0.8, 0.1), ballots, [1, 10, 100]),
    ):
        np.testing.assert_allclose(curve.value, expected, atol=2e-3)
        assert ((curve.lower < expected) & (expected < curve.upper)).all()


def test_the_best_n_is_that_of_the_formula_and_falls_as_wrong_answers_cost_more(many):
    p, ballots = many
    n = np.arange(1, 400)[:, None]
    accepted = p * 0.8 + (1 - p) * 0.1
    some = (1 - (1 - accepted) ** n) / accepted
    found = []
    for loss in (0.05, 0.2, 0.6):
        worth = (some * (p * 0.8 - loss * (1 - p) * 0.1)).mean(axis=1) - 0.0005 * n[:, 0]
        best = js.best_n(ballots, loss=loss, cost_per_call=0.0005)
        assert best.worth == pytest.approx(worth.max(), abs=1e-3)
        assert worth[best.calls - 1] == pytest.approx(worth.max(), abs=1e-3)
        assert best.lower <= best.calls <= best.upper
        found.append(best.calls)
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1]
    np.testing.assert_allclose(best.ceiling, np.mean(p * 0.8 / accepted), atol=2e-3)
    assert js.best_n(ballots, loss=100.0).calls == 0
    assert "no number of calls is worth" in js.best_n(ballots, loss=100.0).words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": -1}, r"loss = -1: expected a finite number of 0 or more"),
        ({"loss": 1, "cost_per_call": np.nan}, r"cost_per_call = nan: expected"),
        ({"loss": 1, "gain": 0}, r"gain = 0: expected a finite number above 0"),
        ({"loss": 1, "most": 0}, r"most = 0: expected whole numbers from 1"),
        ({"loss": 1, "level": 1}, r"level = 1: expected a number between 0 and 1"),
        ({"loss": 1}, r"system = RecordedBestOfN.*: expected BestOfN\(tpr, fpr\), as attempts record no verdicts"),
        ({"loss": 1, "system": js.BestOfN(separation=1.0)}, r"expected tpr and fpr"),
    ],
)
def test_what_has_no_best_n_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        js.best_n(js.Attempts([10, 10], [1, 3]), **arguments)
