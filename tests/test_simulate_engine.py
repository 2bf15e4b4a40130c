"""Simulations against exact values and brute force, their error bars, and what is refused."""

import dataclasses
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js
from jaxscale.simulator import Exchangeable, Sticky
from jaxscale.stopping import ahead_table, leader_confidence

KEY = jax.random.key(20)
CALLS = [1, 2, 3, 10, 100]
FEW = [1, 2, 3, 5]
ANSWERS = js.AnswerDistribution([[0.5, 0.3, 0.2], [0.2, 0.45, 0.35], [0.0, 1.0, 0.0], [0.34, 0.33, 0.33]])
FILTERED = js.AnswerDistribution(ANSWERS.probabilities, keep=np.linspace(0.1, 0.9, 12).reshape(4, 3))
BALLOTS = js.Ballots(
    counts=[[4, 3, 1], [2, 2, 0], [0, 5, 2]],
    correct=[[True, False, False], [False, True, False], [True, False, True]],
    kept_counts=[[2, 2, 0], [1, 1, 0], [0, 1, 1]],
    blank=[0, 3, 0],
    kept_blank=[0, 1, 0],
)


def agrees(simulation, expected, sds=5.0):
    error = np.maximum(simulation.standard_error, 1e-6)
    np.testing.assert_array_less(np.abs(simulation.value - np.asarray(expected)), sds * error)


MODELS = [
    js.Beta(0.35, 5.0),
    js.Beta(2.0, 0.5, ceiling=0.7),
    js.TwoPoint(0.3, 0.7, 0.01),
    js.PointMass(0.0),
    js.PointMass(1.0),
    js.Kumaraswamy(0.5, 3.0),
    js.ScaledBeta(0.5, 2.0, 0.3),
    js.Mixture([js.PointMass(0.0), js.Beta(1.0, 3.0)], [0.2, 0.8]),
    js.DirichletAnswers([0.5, 0.4, 2.0]),
    js.CorrelatedTrials(0.8, 0.7, ceiling=0.9),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_coverage_of_models(model):
    agrees(js.simulate(KEY, js.PassAtK(), model, CALLS, 200_000), model.pass_at_k(np.array(CALLS)))


@pytest.mark.parametrize(
    ("system", "population"),
    [
        (js.Vote(), ANSWERS),
        (js.Vote(), js.TwoPoint(0.6, 0.8, 0.4)),
        (js.Vote(), js.DirichletAnswers([1.0, 0.5, 0.7])),
        (js.Vote(), BALLOTS),
        (js.FilterVote(), FILTERED),
        (js.FilterVote(), BALLOTS),
        (js.RoutedVote(0.6), ANSWERS),
        (js.BestOfN(0.8, 0.3), ANSWERS),
        (js.BestOfN(separation=1.5), ANSWERS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_simulation_agrees_with_exact(system, population):
    agrees(js.simulate(KEY, system, population, FEW, 60_000), js.exact(system, population, FEW))


def test_coverage_of_data_and_answers():
    k = np.array(FEW)
    right = np.array([0.5, 0.2, 0.0, 0.34])[:, None]
    agrees(js.simulate(KEY, js.PassAtK(), ANSWERS, FEW, 60_000), (1 - (1 - right) ** k).mean(axis=0))
    attempts = js.Attempts([10, 6, 5], [1, 6, 0])
    agrees(js.simulate(KEY, js.PassAtK(), attempts, FEW, 60_000), js.pass_at_k(attempts, FEW).value)


def vote_by_enumeration(q, correct, calls):
    total = 0.0
    for drawn in itertools.product(range(len(q)), repeat=calls):
        votes = np.bincount(drawn, minlength=len(q))
        leaders = votes == votes.max()
        total += np.prod(np.array(q)[list(drawn)]) * (leaders & correct).sum() / leaders.sum()
    return total


def test_vote_agrees_with_enumeration():
    correct = np.array([True, False, True])
    population = js.AnswerDistribution([[0.4, 0.35, 0.25]], correct)
    expected = [vote_by_enumeration([0.4, 0.35, 0.25], correct, k) for k in FEW]
    agrees(js.simulate(KEY, js.Vote(), population, FEW, 200_000), expected)


def test_draws_without_replacement_use_up_what_was_recorded():
    ballots = js.Ballots([[3, 2], [2, 2]], [[True, False], [True, False]], blank=[0, 1])
    simulation = js.simulate(KEY, js.Vote(), ballots, [5], 2000)
    assert simulation.value.tolist() == [0.75]
    assert simulation.standard_error.tolist() == [0.0]


def test_best_of_n_on_a_model():
    p, tpr, fpr, n = 0.3, 0.8, 0.1, np.array(FEW)
    accepted = p * tpr + (1 - p) * fpr
    none = (1 - accepted) ** n
    expected = (1 - none) * p * tpr / accepted + none * p * (1 - tpr) / (1 - accepted)
    agrees(js.simulate(KEY, js.BestOfN(tpr, fpr), js.PointMass(p), FEW, 200_000), expected)


def test_best_of_n_from_recorded_attempts():
    # Two calls, one of them right: accepted or not, the pick is uniform among the accepted, else among both.
    tpr, fpr = 0.8, 0.3
    both, none = tpr * fpr, (1 - tpr) * (1 - fpr)
    expected = [0.5, (both + none) / 2 + tpr * (1 - fpr)]
    agrees(js.simulate(KEY, js.BestOfN(tpr, fpr), js.Attempts([2], [1]), [1, 2], 200_000), expected)


def test_best_scored_of_two_recorded_calls():
    # One right call and one wrong: Phi(separation / sqrt(2)); a blank call counts as wrong.
    outscores = 0.5 * (1 + math.erf(1.5 / 2))
    data = js.Ballots([[1, 0]], [[True, False]], blank=[1])
    for recorded in (js.Attempts([2], [1]), data):
        agrees(js.simulate(KEY, js.BestOfN(separation=1.5), recorded, [1, 2], 200_000), [0.5, outscores])


def test_weighted_vote_by_enumeration():
    # Query 0: 40 calls, more than one mask holds; query 1: few, with a blank call and a tie.
    counts = np.array([[20, 19], [2, 1]])
    scores = np.full((2, 40), np.nan)
    scores[0] = np.r_[np.full(20, 1.0), np.full(19, 3.0), 0.0]
    scores[1, :4] = [1.0, 2.0, 3.0, 9.0]
    ballots = js.Ballots(counts, [[True, False], [True, False]], blank=[1, 1], scores=scores)
    expected = []
    for calls in (1, 3, 4):
        first = 0.0  # right, wrong and blank calls of query 0, by their multivariate hypergeometric law
        for right, wrong, blank in itertools.product(range(calls + 1), range(calls + 1), range(2)):
            if right + wrong + blank == calls and right > 0:
                ways = math.comb(20, right) * math.comb(19, wrong) / math.comb(40, calls)
                first += ways * (0.5 if right == 3 * wrong else right > 3 * wrong)
        second = []
        for drawn in itertools.combinations(range(4), calls):
            right, wrong = sum(scores[1, i] for i in drawn if i < 2), 3.0 * (2 in drawn)
            second.append(0.5 if right == wrong > 0 else float(right > wrong))
        expected.append((first + np.mean(second)) / 2)
    agrees(js.simulate(KEY, js.WeightedVote(), ballots, [1, 3, 4], 60_000), expected)


def test_correlated_calls():
    independent = js.PointMass(0.3)
    rho, q, k = 0.4, 0.7, np.array(CALLS)
    expected = 1 - q * (rho + (1 - rho) * q) ** (k - 1)
    agrees(js.simulate(KEY, js.PassAtK(), Sticky(independent, rho), CALLS, 200_000), expected)
    shared = js.Beta(0.3 * (1 - rho) / rho, 0.7 * (1 - rho) / rho)
    agrees(js.simulate(KEY, js.PassAtK(), Exchangeable(independent, rho), CALLS, 200_000), shared.pass_at_k(k))
    # Three sticky calls vote: right, right, any; or one of the two others, by enumeration of the chain.
    expected = 0.0
    for calls in itertools.product([0, 1], repeat=3):
        chance = (q, 0.3)[calls[0]]
        for before, after in itertools.pairwise(calls):
            chance *= rho * (before == after) + (1 - rho) * (q, 0.3)[after]
        expected += chance * (sum(calls) >= 2)
    agrees(js.simulate(KEY, js.Vote(), Sticky(independent, rho), [3], 200_000), [expected])


def test_adaptive_vote_by_enumeration():
    p, confidence, most = 0.6, 0.8, 5
    table = ahead_table(most)
    right, used = np.zeros(most), np.zeros(most)
    for calls in itertools.product([0, 1], repeat=most):
        chance = np.prod([(1 - p, p)[call] for call in calls])
        votes, settled = [0, 0], None
        for index, call in enumerate(calls):
            if settled is None:
                votes[call] += 1
                used[index:] += chance
                if table[max(votes), min(votes)] > confidence:
                    settled = True
            right[index] += chance * (0.5 if votes[0] == votes[1] else votes[1] > votes[0])
    system = js.AdaptiveVote(confidence)
    simulation = js.simulate(KEY, system, js.PointMass(p), np.arange(1, most + 1), 200_000)
    agrees(simulation, right)
    np.testing.assert_allclose(simulation.calls_used, used, atol=0.02)
    assert simulation.calls_used[-1] < most


def test_dirichlet_vote_by_enumeration_whatever_the_number_of_answers_never_seen():
    q, confidence, most = (0.6, 0.3, 0.1), 0.8, 6
    table = ahead_table(most)
    right = used = used_squared = 0.0
    for calls in itertools.product(range(3), repeat=most):
        chance, votes = math.prod(q[call] for call in calls), np.zeros(3, int)
        for index, call in enumerate(calls, 1):
            votes[call] += 1
            leader, *rivals = sorted(votes[votes > 0].tolist(), reverse=True)
            sure = 1 - sum(1 - table[leader, rival] for rival in (*rivals, 0))
            assert sure <= leader_confidence(votes, "dirichlet") + 1e-6
            if sure > confidence or index == most:
                leads = votes == leader
                right += chance * leads[0] / leads.sum()
                used, used_squared = used + chance * index, used_squared + chance * index**2
                break
    runs = [
        js.simulate(KEY, js.AdaptiveVote(confidence, "dirichlet"), js.AnswerDistribution([answers]), [most], 60_000)
        for answers in (q, (*q, 0.0, 0.0))
    ]
    agrees(runs[0], [right])
    assert abs(runs[0].calls_used[0] - used) < 5 * math.sqrt((used_squared - used**2) / 60_000)
    assert runs[0].calls_used == runs[1].calls_used
    assert runs[0].value == runs[1].value


@dataclasses.dataclass(frozen=True)
class LastCall:
    """Right if the last call is, or by a coin where a verifier's coin says so."""

    coin: float = 0.0

    def start(self, answers):
        return jnp.zeros(())

    def step(self, state, call):
        return jnp.where(call.chance <= self.coin, 1.0, call.right * 1.0)

    def score(self, state):
        return state


def test_a_system_of_ones_own():
    agrees(js.simulate(KEY, LastCall(), ANSWERS, [1, 4], 50_000), [0.26, 0.26])
    agrees(js.simulate(KEY, LastCall(0.5), ANSWERS, [1, 4], 50_000), [0.63, 0.63])
    assert js.simulate(KEY, LastCall(), js.Attempts([3, 3], [3, 0]), [1, 3], 10).value.tolist() == [0.5, 0.5]


def test_standard_errors_are_those_of_repetition():
    repeated = [js.simulate(jax.random.key(seed), js.Vote(), ANSWERS, [3], 100) for seed in range(300)]
    means = np.array([simulation.value[0] for simulation in repeated])
    reported = np.sqrt(np.mean([simulation.standard_error[0] ** 2 for simulation in repeated]))
    assert abs(means.std() / reported - 1) < 5 / np.sqrt(2 * 300)
    model = js.simulate(KEY, js.PassAtK(), js.PointMass(0.25), [1], 10_001)
    mean = model.value[0]
    np.testing.assert_allclose(model.standard_error, np.sqrt(mean * (1 - mean) / 10_000), rtol=1e-12)
    assert np.isnan(js.simulate(KEY, js.Vote(), ANSWERS, [3], 1).standard_error).all()


def test_budgets_keep_their_order_and_share_their_draws():
    many = js.simulate(KEY, js.Vote(), ANSWERS, [[10, 1], [3, 10]], 999)
    assert many.value.shape == (2, 2)
    assert many.value[0, 0] == many.value[1, 1]
    assert js.simulate(KEY, js.Vote(), ANSWERS, 3, 999).value == many.value[1, 0]
    assert js.simulate(KEY, js.PassAtK(), js.Beta(1e-3, 1.0), [10**12], 10_000).value > 0.01


@pytest.mark.parametrize(
    ("system", "population"),
    [
        (js.PassAtK(), js.TwoPoint(0.3, 0.7, 0.1)),
        (js.Vote(), ANSWERS),
        (js.Vote(), BALLOTS),
        (js.FilterVote(), FILTERED),
        (js.RoutedVote(0.6), ANSWERS),
        (js.BestOfN(0.8, 0.3), js.TwoPoint(0.3, 0.7, 0.1)),
        (js.BestOfN(separation=1.5), ANSWERS),
        (js.AdaptiveVote(0.8, rule="dirichlet"), ANSWERS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_found_at_one_number_of_calls_is_the_same_whichever_others_are_asked(system, population):
    alone = js.simulate(KEY, system, population, [4], 999)
    among = js.simulate(KEY, system, population, [1, 4, 2, 6], 999)
    for found in ("value", "standard_error", "calls_used"):
        if getattr(alone, found) is not None:
            assert getattr(alone, found)[0] == getattr(among, found)[1]


def test_a_replicate_goes_on_from_call_to_call():
    # More calls never lose a query. Drawn apart, neighbours would fall as often as rise: by 0.01 either way.
    for population in (js.PointMass(1e-3), js.Attempts([400], [1])):
        curve = js.simulate(KEY, js.PassAtK(), population, np.arange(200, 240), 999).value
        assert (np.diff(curve) >= 0).all()
        assert curve[-1] > curve[0]


@pytest.mark.parametrize(
    ("system", "population", "calls", "message"),
    [
        (js.PassAtK(), js.Attempts([5, 9], [1, 1]), [6], "calls = 6: query at index 0 has 5 recorded calls.*forecast"),
        (js.Vote(), BALLOTS, [8], "forecast goes beyond"),
        (js.FilterVote(), ANSWERS, [3], "without a filter"),
        (js.FilterVote(filter_calls_count=True), FILTERED, [1], "at least 2"),
        (js.Vote(), js.Beta(1.0, 1.0), [10**11], "one by one"),
        (js.WeightedVote(), BALLOTS, [1], "ballots with scores"),
        (object(), ANSWERS, [1], "start, step and score"),
        (js.Vote(), ANSWERS, [0], "calls = 0"),
    ],
)
def test_bad_input_is_refused(system, population, calls, message):
    with pytest.raises(ValueError, match=message):
        js.simulate(KEY, system, population, calls, 10)


@pytest.mark.parametrize(
    ("system", "population", "message"),
    [
        (js.Vote(), js.PowerLaw(1.0, 0.5), "no simulate for Vote on PowerLaw: expected one of AnswerDistribution, At"),
        (js.FilterVote(), js.Beta(1.0, 1.0), "FilterVote on Beta: expected one of AnswerDistribution, Ballots"),
        (js.WeightedVote(), ANSWERS, "WeightedVote on AnswerDistribution: expected one of Ballots"),
        (js.Vote(), [0.5, 0.5], "Vote on list"),
    ],
)
def test_a_system_without_a_meaning_on_a_population_is_refused_with_those_on_which_it_has_one(
    system, population, message
):
    with pytest.raises(TypeError, match=message):
        js.simulate(KEY, system, population, [1], 10)


def test_solving_once_uses_the_calls_up_to_the_first_success():
    attempts = js.Attempts([6, 6, 7], [0, 2, 5])
    calls = [1, 3, 6]
    for population in (attempts, js.TwoPoint(0.3, 0.7, 0.1), Sticky(js.PointMass(0.3), 0.0)):
        law = js.PointMass(0.3) if isinstance(population, Sticky) else population
        found = js.simulate(KEY, js.SolveOnce(), population, calls, 30_000)
        assert (found.value == js.simulate(KEY, js.PassAtK(), population, calls, 30_000).value).all()
        # A number of calls between 1 and k has a variance of (k - 1)^2 / 4 at most.
        error = 5 * (np.array(calls) - 1) / 2 / np.sqrt(30_000)
        assert (np.abs(found.calls_used - js.attempts_to_solve(law, calls)) <= error).all()
