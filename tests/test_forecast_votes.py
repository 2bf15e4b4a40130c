"""Forecasts of votes: what they must equal within the ballots, their two models, and whether intervals hold."""

import jax
import numpy as np
import pytest
from scipy import optimize, special, stats

import jaxscale as js
from jaxscale.data import Ballots, DataWarning
from jaxscale.fitting import fit_vote_scaling
from jaxscale.forecasting import forecast
from jaxscale.forecasting._answers import (
    AnswerPrior,
    draw_answer_priors,
    log_favourite,
    log_likelihood,
    right_laws,
    wrong_laws,
)
from jaxscale.forecasting._votes import DRAWS, _dirichlet, _draw_answers, _runs
from jaxscale.systems import Vote


def shares(queries, rng, wrong=5):
    """Answer probabilities of simulated queries: the right one first, and none of them certain."""
    p = rng.beta(1.2, 1.5, (queries, 1))
    return np.concatenate([p, (1 - p) * rng.dirichlet(np.full(wrong, 0.5), queries)], axis=1)


def ballots_of(q, calls, rng, keep=None):
    counts = rng.multinomial(calls, q)
    kept = None if keep is None else rng.binomial(counts, keep)
    correct = np.broadcast_to(np.arange(q.shape[1]) == 0, q.shape)
    return Ballots(counts[:, :-1], correct[:, :-1], kept_counts=None if kept is None else kept[:, :-1],
                   blank=counts[:, -1], kept_blank=None if kept is None else kept[:, -1])  # fmt: skip


@pytest.fixture(scope="module")
def ballots():
    rng = np.random.default_rng(0)
    return ballots_of(shares(20, rng), 12, rng, keep=np.array([0.9, 0.3, 0.6, 0.1, 0.3, 0.2]))


SYSTEMS = [js.Vote(), js.FilterVote(), js.FilterVote(filter_calls_count=True)]


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_within_the_ballots_it_is_the_exact_value(ballots, system):
    calls = np.array([[12, 2], [4, 7]])
    curve = forecast(system, ballots, calls)
    np.testing.assert_allclose(curve.value, js.exact(system, ballots, calls), atol=1e-12)
    assert curve.calls.tolist() == calls.tolist()
    assert (curve.kind == "estimate").all()


def test_a_filter_call_that_counts_halves_the_answers(ballots):
    counting = forecast(js.FilterVote(filter_calls_count=True), ballots, [2, 8, 24, 25, 26])
    free = forecast(js.FilterVote(), ballots, [1, 4, 12])
    assert counting.kind.tolist() == ["estimate"] * 4 + ["forecast"]
    np.testing.assert_allclose(counting.value[:3], free.value, atol=1e-12)
    with pytest.raises(ValueError, match="calls = 1: expected at least 2"):
        forecast(js.FilterVote(filter_calls_count=True), ballots, [1])


def test_uneven_ballots_query_by_query(ballots):
    rng = np.random.default_rng(1)
    short = ballots_of(shares(10, rng), 6, rng)
    both = Ballots(np.concatenate([ballots.counts, short.counts]), np.concatenate([ballots.correct, short.correct]),
                   blank=np.concatenate([ballots.blank, short.blank]))  # fmt: skip
    calls = [5, 9, 30]
    parts = [forecast(Vote(), part, calls, model="scaling") for part in (ballots, short)]
    whole = forecast(Vote(), both, calls, model="scaling")
    # Both parts fit their curves to budgets up to half of the fewest ballots; 6 and 12 make them differ at 30 only.
    expected = (20 * parts[0].value + 10 * parts[1].value) / 30
    np.testing.assert_allclose(whole.value[:2], expected[:2], atol=1e-9)
    assert whole.kind.tolist() == ["estimate", "forecast", "forecast"]
    assert parts[0].kind.tolist() == ["estimate", "estimate", "forecast"]


@pytest.mark.parametrize("model", ["auto", "dirichlet", "scaling"])
@pytest.mark.parametrize("over", ["these", "population"])
def test_is_inside_its_interval(ballots, model, over):
    curve = forecast(Vote(), ballots, [1, 12, 13, 100, 10**5], model=model, over=over)
    assert ((curve.lower >= 0) & (curve.lower < curve.value)).all()
    assert ((curve.value < curve.upper) & (curve.upper <= 1)).all()
    narrow = forecast(Vote(), ballots, [1, 12, 13, 100, 10**5], model=model, over=over, level=0.5)
    assert (narrow.upper - narrow.lower < curve.upper - curve.lower).all()
    np.testing.assert_array_equal(narrow.value, curve.value)


def test_auto_is_the_mean_of_the_models(ballots):
    auto, *parts = (forecast(Vote(), ballots, [12, 40], model=model) for model in ("auto", "dirichlet", "scaling"))
    np.testing.assert_allclose(auto.value, (parts[0].value + parts[1].value) / 2, atol=1e-12)
    assert auto.model.weights == {"dirichlet": 0.5, "scaling": 0.5}
    assert 0 < auto.model.parameters["right_share"] < 1
    assert auto.to_dict()["model"]["name"] == auto.model.name == "auto"
    assert parts[1].model.parameters == {}
    # Within the ballots both are the exact value; beyond them their difference is doubt.
    gap = abs(parts[0].value[1] - parts[1].value[1]) / 2
    assert auto.upper[1] - auto.lower[1] > gap


def test_is_the_same_for_the_same_key(ballots):
    first, again = (forecast(Vote(), ballots, [3, 40], model="dirichlet") for _ in range(2))
    other = forecast(Vote(), ballots, [3, 40], model="dirichlet", key=jax.random.key(1))
    default = forecast(Vote(), ballots, [3, 40], model="dirichlet", key=jax.random.key(0))
    for name in ("value", "lower", "upper"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
        np.testing.assert_array_equal(getattr(first, name), getattr(default, name))
    assert other.value[0] == first.value[0]
    assert other.value[1] != first.value[1]


@pytest.mark.parametrize("system", SYSTEMS, ids=str)
def test_is_the_same_whichever_other_calls_are_asked_for(ballots, system):
    calls = np.array([2, 7, 12, 40, 1000])
    together = forecast(system, ballots, calls)
    backwards = forecast(system, ballots, calls[::-1])
    among_others = forecast(system, ballots, [40, 41, 3, 40])
    alone = forecast(system, ballots, [40])
    for name in ("value", "lower", "upper"):
        values = getattr(together, name)
        np.testing.assert_allclose(getattr(backwards, name)[::-1], values, rtol=1e-12)
        np.testing.assert_allclose(getattr(among_others, name)[[0, 3]], values[[3, 3]], rtol=1e-12)
        np.testing.assert_allclose(getattr(alone, name), values[3:4], rtol=1e-12)


def test_the_dirichlet_forecast_of_endless_ballots_is_the_exact_vote():
    rng = np.random.default_rng(2)
    q, keep = shares(30, rng), np.full((30, 6), [0.9, 0.3, 0.6, 0.1, 0.3, 0.2])
    ballots = ballots_of(q, 10**7, rng, keep=keep)
    prior = AnswerPrior(1.0, 1.0, 2.0, 2.0, 1.0, 0.1)
    calls = np.array([1, 4, 33])
    for system in (js.Vote(), js.FilterVote()):
        votes = _dirichlet(ballots, calls, system, prior, rng)
        value, square = votes.mean, votes.square
        expected = js.exact(system, ballots, calls)
        # Two votes under each draw for each of 30 queries; the pairs' product estimates the square.
        error = np.sqrt(np.mean(value * (1 - value), axis=0) / (2 * DRAWS * 30))
        assert (np.abs(value.mean(axis=0) - expected) < 5 * error).all()
        assert (5 * error < 0.03).all()
        error = np.sqrt(np.mean(square * (1 - square), axis=0) / (DRAWS * 30))
        # The square of a mean of votes is above that of the mean by their variance.
        above = np.mean(value * (1 - value), axis=0) / (2 * DRAWS)
        assert (np.abs(square.mean(axis=0) - np.mean(value**2, axis=0) + above) < 5 * error + 1e-3).all()


def test_the_dirichlet_forecast_with_two_answers_is_a_beta_binomial_tail():
    counts = np.tile([[6, 4]], (80, 1))
    prior = AnswerPrior(1.3, 2.0, 1e9, 1.0, 1.0, 0.0)
    votes = _dirichlet(
        Ballots(counts, [[True, False]] * 80), np.array([11, 101]), js.Vote(), prior, np.random.default_rng(3)
    )
    for column, calls in enumerate((11, 101)):
        law = stats.betabinom(calls, 6 + 1.3, 4 + 2.0)
        expected = law.sf(calls // 2)
        error = np.sqrt(expected * (1 - expected) / (DRAWS * 80))
        assert votes.mean[:, column].mean() == pytest.approx(expected, abs=5 * error)
        # All 80 queries are alike and independent: the wins of a run are binomial; runs under a draw share the chances.
        expected_runs, shared, single = (x[..., column] for x in _runs(votes.won, np.zeros((80, 2), bool)))
        between, variance = votes.square[:, column].mean() - expected**2, 80 * expected * (1 - expected)
        assert shared == pytest.approx(80 * between, abs=5 * variance / np.sqrt(DRAWS))
        assert single == pytest.approx(variance - 80 * between, rel=5 / np.sqrt(DRAWS))
        assert np.mean(expected_runs**2) == pytest.approx(shared + single / 2, rel=1e-9)


def test_wrong_answers_that_never_repeat_tie_with_a_single_right_one():
    prior = AnswerPrior(3e6, 7e6, 1.0, 1e9, 1e9, 0.0)
    votes = _dirichlet(
        Ballots([[1, 1]] * 60, [[True, False]] * 60), np.array([2, 3]), js.Vote(), prior, np.random.default_rng(4)
    )
    expected = [0.3**2 + 2 * 0.3 * 0.7 / 2, 0.3**3 + 3 * 0.3**2 * 0.7 + 3 * 0.3 * 0.7**2 / 3]
    error = 0.5 / np.sqrt(DRAWS * 60)
    np.testing.assert_allclose(votes.mean.mean(axis=0), expected, atol=5 * error)


def test_a_right_answer_not_seen_yet_may_come():
    ballots = Ballots([[9, 1]] * 6 + [[1, 9]] * 6, [[True, False]] * 6 + [[False, True]] * 6)
    never = Ballots([*ballots.counts, [9, 1]], [*ballots.correct, [False, False]])
    curve = forecast(Vote(), never, [10, 1000], model="dirichlet")
    assert curve.value[0] == pytest.approx(12 / 13)
    assert 12 / 13 - 0.05 < curve.value[1] < 12 / 13 + 0.05
    with pytest.warns(DataWarning, match="nothing was solved"):
        nowhere = forecast(Vote(), Ballots([[9, 1]] * 6, [[False, False]] * 6), [10, 1000], model="dirichlet")
    assert nowhere.value[0] == 0
    assert 0 <= nowhere.value[1] < 0.05 < 1 - nowhere.upper[1]


def curve(coefficients, easy, calls):
    failing = np.exp(-coefficients[:, :1] * calls - coefficients[:, 1:2] * np.sqrt(calls) - coefficients[:, 2:])
    return np.where(easy[:, None], 1 - failing, failing)


CALLS = np.array([1, 2, 4, 8, 16])


def test_the_scaling_model_recovers_its_own_curves():
    rng = np.random.default_rng(4)
    coefficients = rng.uniform(0.01, 0.3, (12, 3))
    easy = np.arange(12) % 2 == 0
    fitted = fit_vote_scaling(CALLS, curve(coefficients, easy, CALLS), np.where(easy, -0.2, 0.2))
    later = np.array([1, 30, 60])
    np.testing.assert_allclose(fitted.accuracy(later), curve(coefficients, easy, later), atol=2e-3)
    assert (fitted.coefficients >= 0).all()


def test_the_scaling_model_is_the_best_of_least_squares():
    rng = np.random.default_rng(5)
    easy = np.arange(6) % 2 == 0
    measured = curve(rng.uniform(0.01, 0.3, (6, 3)), easy, CALLS) + rng.normal(0, 0.03, (6, 5))
    measured = measured.clip(0, 1)
    fitted = fit_vote_scaling(CALLS, measured, np.where(easy, -0.2, 0.2))
    for row in range(6):

        def residual(vector, row=row):
            return curve(vector[None], easy[row : row + 1], CALLS)[0] - measured[row]

        best = optimize.least_squares(residual, np.full(3, 0.1), bounds=(0, np.inf), xtol=1e-12, ftol=1e-12)
        ours = np.square(residual(fitted.coefficients[row])).sum()
        assert ours < 2 * best.cost + 1e-5


def test_tied_queries_stay_where_they_are():
    fitted = fit_vote_scaling(CALLS, np.full((1, 5), 0.5), np.zeros(1))
    assert fitted.accuracy(np.array([1, 10**5])).tolist() == [[0.5, 0.5]]
    with pytest.raises(ValueError, match="accuracy has shape"):
        fit_vote_scaling(CALLS, np.full((2, 5), 0.5), np.zeros(1))


def test_the_likelihood_of_right_calls_is_beta_binomial():
    right, wrong = np.array([2, 0, 5]), np.array([[3, 2], [0, 0], [4, 0]])
    calls = right + wrong.sum(axis=1)
    a, b = right_laws()
    law = stats.betabinom.logpmf(right[:, None], calls[:, None], a, b)
    law -= stats.binom.logpmf(right, calls, 0.5)[:, None] - np.log(0.5) * calls[:, None]
    np.testing.assert_allclose(log_likelihood(right, wrong)[0], law, rtol=1e-9, atol=1e-9)


def chances_of_favourites(counts, a, b, concentration, discount):
    """Of calls that came one by one, in all: that the favourite is each of their answers, or one that did not come."""
    result = []
    for favourite in range(len(counts) + 1):
        others = [c for j, c in enumerate(counts) if j != favourite]
        own = counts[favourite] if favourite < len(counts) else 0
        chance, n = np.exp(special.betaln(a + own, b + sum(others)) - special.betaln(a, b)), 0
        for kinds, count in enumerate(others):
            for repeat in range(count):
                # The first of the others is new whatever happens.
                weight = repeat - discount if repeat else concentration + kinds * discount
                chance = chance * (1.0 if n == 0 else np.maximum(weight, 0) / (concentration + n))
                n += 1
        result.append(chance)
    return np.stack(np.broadcast_arrays(*result))


@pytest.mark.parametrize("counts", [[], [4], [3, 2, 1, 1], [1, 1, 1], [7, 1]], ids=str)
def test_the_likelihood_of_wrong_answers_is_that_of_the_calls_one_by_one(counts):
    laws = wrong_laws()
    expected = chances_of_favourites(counts, *laws)
    found = log_likelihood(np.array([1, 0]), np.array([[*counts, *[0] * (5 - len(counts))], [2, 0, 0, 0, 0]]))[1][0]
    possible = expected.sum(axis=0) > 0
    np.testing.assert_allclose(found[possible], np.log(expected.sum(axis=0)[possible]), rtol=1e-9, atol=1e-9)
    assert (found[~possible] < found.max() - 400).all()
    # And the favourite has those chances.
    prior = AnswerPrior(1.0, 1.0, *(x[possible, None] for x in laws))
    weight = np.exp(log_favourite(np.array([*counts, 0]), prior))
    assert (weight[:, len(counts)] == 0).all()
    weight = np.delete(weight, len(counts), axis=1)
    share = expected[:, possible] / expected[:, possible].sum(axis=0)
    np.testing.assert_allclose((weight / weight.sum(axis=1, keepdims=True)).T, share, rtol=1e-9, atol=1e-12)


def test_the_likelihoods_of_all_outcomes_sum_to_one():
    # Which of four wrong calls agree: all partitions, by how many calls each answer has and in how many ways.
    ways = {(4, 0, 0, 0): 1, (3, 1, 0, 0): 4, (2, 2, 0, 0): 3, (2, 1, 1, 0): 6, (1, 1, 1, 1): 1}
    of_wrong = log_likelihood(np.zeros(5, int), np.array(list(ways)))[1]
    np.testing.assert_allclose(np.array(list(ways.values())) @ np.exp(of_wrong), 1, rtol=1e-9)


def test_the_drawn_answers_have_the_posterior_means():
    # Two wrong answers came, 3 times and once: the next call's answer by the calls one by one.
    law = (2.0, 3.0, 9.0, -3.0)
    prior = AnswerPrior(*(np.full((DRAWS, 1), x) for x in (1.0, 1.0, *law)))
    rng, ballots = np.random.default_rng(8), Ballots([[3, 1, 2]], [[False, False, True]])
    share = np.concatenate([_draw_answers(ballots, 0, prior, rng)[0] for _ in range(200)])
    assert share[:, 0].mean() == pytest.approx(3 / 8, abs=5 * share[:, 0].std() / np.sqrt(len(share)))
    wrong = share[:, 1:] / (1 - share[:, :1])
    before = chances_of_favourites([3, 1], *law).sum()
    for column, counts in enumerate(([4, 1], [3, 2])):
        expected = chances_of_favourites(counts, *law).sum() / before
        assert wrong[:, column].mean() == pytest.approx(expected, abs=5 * wrong[:, column].std() / np.sqrt(len(share)))
    # A favourite and three others are all that there are: of the 16 new ones one or two can come.
    assert ((wrong[:, 2:18] > 1e-9).sum(axis=1) <= 3).all()
    assert wrong[:, 19:].max() < 1e-9


def test_easy_and_hard_queries_get_priors_of_their_own():
    # Easy queries are right 9 times in 10; hard ones nearly never, half of them with a favourite wrong answer.
    rng = np.random.default_rng(6)
    right = rng.binomial(10, np.repeat([0.9, 0.02], [60, 60]))
    counts = np.zeros((120, 11), int)
    counts[:, 0] = right
    for i in range(120):
        answers = rng.integers(1, 11, 10 - right[i]) if i % 2 else np.ones(10 - right[i], int)
        counts[i] += np.bincount(answers, minlength=11)
    prior = draw_answer_priors(Ballots(counts, np.broadcast_to(np.arange(11) == 0, counts.shape)), rng, 60)
    mean = (prior.right_a / (prior.right_a + prior.right_b)).mean(axis=0)
    assert mean[:60].mean() == pytest.approx(0.9, abs=0.06)
    assert mean[60:].mean() < 0.1
    favourite = (prior.favourite_a / (prior.favourite_a + prior.favourite_b)).mean(axis=0)
    assert np.median(favourite[60::2]) > 0.9
    assert np.median(favourite[61::2]) < 0.4


def test_a_run_that_wins_or_loses_all_queries_is_not_ruled_out():
    with pytest.warns(DataWarning, match="no call was wrong"):
        right = forecast(Vote(), Ballots([[12, 0]] * 40, [[True, False]] * 40), [12, 40])
    assert (right.upper == 1).all()
    assert (right.lower > 0.9).all()
    with pytest.warns(DataWarning, match="nothing was solved"):
        wrong = forecast(Vote(), Ballots([[0, 12]] * 40, [[True, False]] * 40), [12, 40])
    assert (wrong.lower == 0).all()
    assert (wrong.upper < 0.1).all()


def test_ninety_percent_intervals_hold():
    sets, rng = 50, np.random.default_rng(7)
    calls = np.array([6, 60])
    right = np.arange(6) == 0
    expected = np.asarray(js.exact(js.Vote(), js.AnswerDistribution(shares(4000, rng)), calls))
    inside = {"these": [], "population": []}
    for _ in range(sets):
        q = shares(24, rng)
        first, again = (Ballots(rng.multinomial(12, q), np.broadcast_to(right, q.shape)) for _ in range(2))
        longer = rng.multinomial(60, q)
        leads = longer == longer.max(axis=1, keepdims=True)
        rerun = [js.majority_at_k(again, 6).value, np.mean(leads[:, 0] / leads.sum(axis=1))]
        for over, truth in (("these", rerun), ("population", expected)):
            curve = forecast(Vote(), first, calls, model="dirichlet", over=over)
            inside[over].append((curve.lower <= truth) & (truth <= curve.upper))
    covered = {over: np.mean(rows, axis=0) for over, rows in inside.items()}
    # Three standard deviations of a share of 50; within the ballots the variance is bounded, so that more may hold.
    for shares_inside in covered.values():
        assert (shares_inside >= 0.9 - 3 * np.sqrt(0.09 / sets)).all()
        assert shares_inside[1] < 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"calls": [0]}, "calls = 0: expected whole numbers from 1 to"),
        ({"calls": [10**5 + 1]}, "calls = 100001: expected whole numbers from 1 to 100000"),
        ({"calls": []}, "calls is empty"),
        ({"level": 1.0}, "level = 1.0: expected a number between 0 and 1"),
        ({"over": "those"}, "over = 'those': expected 'these' or 'population'"),
        ({"model": "beta"}, "model = 'beta': expected auto, dirichlet, scaling"),
        ({"system": js.FilterVote()}, "kept_counts = None"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        forecast(**{"system": Vote(), "data": Ballots([[3, 1]], [[True, False]]), "calls": [1], **arguments})
