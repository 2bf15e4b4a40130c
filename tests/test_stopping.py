"""Stopping rules against closed forms, quadrature, enumeration and simulation."""

import itertools
import math

import jax
import mpmath
import numpy as np
import pytest
from hypothesis import given, strategies as st

import jaxscale as js
from jaxscale import stopping

VOTES = st.lists(st.integers(0, 9), min_size=1, max_size=5)


def gamma_race(votes):
    """P(X_1 is the largest) by mpmath: gamma variables of shape v + 1, and one of shape 1 for an answer not seen."""
    seen = sorted((v for v in votes if v > 0), reverse=True)
    leader, rivals = seen[0], [*seen[1:], 0]

    def density(x):
        below = mpmath.fprod(mpmath.gammainc(v + 1, 0, x, regularized=True) for v in rivals)
        return mpmath.exp(leader * mpmath.log(x) - x) / mpmath.factorial(leader) * below

    middle = leader + 1
    return float(mpmath.quad(density, [0, middle / 2, middle, 2 * middle + 5, 4 * middle + 60]))


def enumerated(votes, calls):
    """P(the leader is returned) over all ways in which further calls may fall, ties split."""
    start = [*sorted((v for v in votes if v > 0), reverse=True), 0]
    start = start if len(start) > 1 else [0, 0]
    further = calls - sum(start)
    total = 0.0
    for x in itertools.product(range(further + 1), repeat=len(start) - 1):
        x = (*x, further - sum(x))
        if x[-1] < 0:
            continue
        ends = [v + more for v, more in zip(start, x, strict=True)]
        ways = math.prod(math.comb(v + more, more) for v, more in zip(start, x, strict=True))
        if ends[0] == max(ends):
            total += ways / ends.count(max(ends))
    return total / math.comb(sum(start) + len(start) + further - 1, further)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (3, 3), (12, 7), (60, 31), (3000, 2900)])
def test_beta_confidence_is_the_incomplete_beta_function(first, second):
    expected = 1 - mpmath.betainc(first + 1, second + 1, 0, mpmath.mpf(1) / 2, regularized=True)
    assert abs(stopping.leader_confidence([second, first, 0]) - float(expected)) < 1e-11


@pytest.mark.parametrize("votes", [[1], [1, 1], [2, 1], [4, 1, 1], [9, 7, 5, 1], [40, 30, 30], [150, 120, 2, 1, 1]])
def test_dirichlet_confidence_is_the_race_of_gamma_variables(votes):
    assert abs(stopping.leader_confidence(votes, "dirichlet") - gamma_race(votes)) < 1e-10


@given(VOTES)
def test_confidence_ignores_order_and_padding_and_dirichlet_is_never_surer(votes):
    shuffled = [*votes[::-1], 0, 0]
    for rule in ("beta", "dirichlet"):
        value = stopping.leader_confidence(votes, rule)
        assert value == pytest.approx(stopping.leader_confidence(shuffled, rule), abs=1e-14)
        assert 0 < value <= 1
    assert stopping.leader_confidence(votes, "dirichlet") <= stopping.leader_confidence(votes) + 1e-12


@given(st.lists(st.integers(0, 3), min_size=1, max_size=3), st.integers(0, 6))
def test_leader_stays_is_the_enumeration(votes, further):
    calls = sum(votes) + further
    expected = enumerated(votes, calls)
    assert stopping.leader_stays(votes, calls) == pytest.approx(expected, abs=1e-10)
    assert stopping.leader_stays([0, *votes[::-1], 0], calls) == pytest.approx(expected, abs=1e-10)


def test_leader_stays_is_the_simulation_far_ahead():
    rng = np.random.default_rng(1)
    for votes, calls in (([10, 3], 400), ([1], 500), ([30, 28, 27, 5], 200)):
        start = np.array([*votes, 0])
        ends = start + rng.multinomial(calls - start.sum(), rng.dirichlet(start + 1, 40_000))
        leads = ends == ends.max(axis=1, keepdims=True)
        shares = leads[:, 0] / leads.sum(axis=1)
        exact = stopping.leader_stays(votes, calls)
        assert abs(shares.mean() - exact) < 5 * shares.std() / 200


def test_leader_stays_at_the_ends():
    # Nothing to come: certain, or one of two tied. A lead that cannot be made up: certain.
    np.testing.assert_allclose(stopping.leader_stays([[3, 1], [2, 2]], 4), [1.0, 0.5], atol=1e-12)
    assert stopping.leader_stays([5, 2], 9) == pytest.approx(1.0, abs=1e-12)
    assert 0 < stopping.leader_stays([5, 2], 11) < 1
    shaped = stopping.leader_stays(np.ones((2, 3, 4), int), [[4, 5, 6], [7, 8, 9]])
    assert shaped.shape == (2, 3)


@given(st.integers(0, 12), st.integers(0, 12))
def test_vote_gain_is_what_further_calls_teach(first, second):
    v1, v2 = max(first, second), min(first, second)
    gains = stopping.expected_vote_gain([first, second], [0, 1, 4])
    assert gains[0] == pytest.approx(0, abs=1e-12)
    assert 0 <= gains[1] <= gains[2] + 1e-12

    # One more call by hand: it falls to the leader with the posterior mean of its share.
    def sure(i, j):
        return max(float(stopping.leader_confidence([i, j])), 1 - float(stopping.leader_confidence([i, j])))

    to_leader = (v1 + 1) / (v1 + v2 + 2)
    by_hand = to_leader * sure(v1 + 1, v2) + (1 - to_leader) * sure(v1, v2 + 1) - sure(v1, v2)
    assert gains[1] == pytest.approx(by_hand, abs=1e-12)


def test_vote_gain_is_all_the_doubt_in_the_end():
    # With n calls only shares within about 1 / (2 sqrt n) of 1/2 stay in doubt: density there times 0.8 / (2 sqrt n).
    votes, further = [5, 3], 100_000
    left = 504 * 0.5**8 * 0.8 / (2 * math.sqrt(further))
    doubt = 1 - stopping.leader_confidence(votes)
    assert doubt - stopping.expected_vote_gain(votes, further) == pytest.approx(left, rel=0.05)


def test_coverage_gain_is_the_posterior_predictive():
    failures, further = np.array([0, 3, 40]), np.array([1, 10])
    gain = stopping.expected_coverage_gain(failures, further, js.Beta(0.5, 2.0))
    assert gain.dtype == np.float64
    for i, n in enumerate(failures.tolist()):
        assert gain[i, 0] == pytest.approx(0.5 / (2.5 + n), rel=1e-10)
        expected = 1 - mpmath.beta(0.5, 2 + n + 10) / mpmath.beta(0.5, 2 + n)
        assert gain[i, 1] == pytest.approx(float(expected), rel=1e-10)


def test_worth_calling_looks_further_than_one_call():
    votes, further = [[1, 1], [3, 1], [30, 1]], [1, 2, 10]
    gain = stopping.expected_vote_gain(votes, further)
    assert gain[1, 0] == pytest.approx(0, abs=1e-12)  # one call cannot undo a lead of two
    assert stopping.worth_calling(gain, further, price=0.002).tolist() == [True, True, False]
    assert stopping.worth_calling(gain, further, price=2.0, value=1000.0).tolist() == [True, True, False]
    assert not stopping.worth_calling(gain, further, price=1.0).any()


def test_first_success():
    assert stopping.first_success(np.array([[0, 2], [1, 0]])).tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stopping.leader_confidence([3, -1]), "counts = -1: expected whole numbers >= 0"),
        (lambda: stopping.leader_confidence([0.5, 1]), "counts = 0.5: expected whole numbers"),
        (lambda: stopping.leader_confidence(3), r"counts has shape \(\): expected"),
        (lambda: stopping.leader_confidence([3, 1], "gamma"), "rule = 'gamma': expected 'beta' or 'dirichlet'"),
        (lambda: stopping.leader_confidence([10**6, 1]), "add up to 1000001: expected at most 100000"),
        (lambda: stopping.leader_stays([3, 1], 3), "calls = 3: expected at least the votes so far"),
        (lambda: stopping.leader_stays([3, 1], 10**4), "9996 further calls: expected at most 4096"),
        (lambda: stopping.expected_vote_gain([3, 1], -1), "further = -1: expected whole numbers from 0"),
        (lambda: stopping.expected_coverage_gain(-1, 1, js.Beta(1.0, 1.0)), "failures = -1: expected whole numbers"),
        (lambda: stopping.worth_calling([0.1, 0.2], [1], 0.1), "expected one gain a budget"),
        (lambda: stopping.worth_calling([0.1], [1], -0.1), "price = -0.1: expected a finite number of 0 or more"),
        (lambda: stopping.first_success([-1]), "successes = -1: expected whole numbers"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def confident(votes):
    return stopping.leader_confidence(votes) > 0.9


def test_replay_is_the_simulation_of_an_adaptive_vote():
    rng = np.random.default_rng(3)
    population = js.AnswerDistribution(rng.dirichlet(np.ones(4), 60))
    found = stopping.replay(jax.random.key(1), confident, population, 15, replicates=200)
    simulated = js.simulate(jax.random.key(2), js.AdaptiveVote(0.9), population, [15], 400)
    spread = 5 * math.hypot(found.standard_error, float(simulated.standard_error[0]))
    assert abs(found.value - float(simulated.value[0])) < spread
    assert abs(found.calls - float(simulated.calls_used[0])) < 5 * 1.3 * found.calls_standard_error
    exact = float(js.exact(js.Vote(), population, [15])[0])
    assert abs(found.most_value - exact) < 5 * found.standard_error


def test_replay_of_ballots_draws_without_replacement():
    ballots = js.Ballots([[5, 2, 1], [3, 4, 0]], [[True, False, False]] * 2, blank=[0, 1])
    found = stopping.replay(jax.random.key(0), lambda votes: votes[..., 0] < 0, ballots, 8, replicates=4)
    # Nobody stops, so that all recorded calls are counted: one query right, the other wrong.
    assert (found.calls, found.value, found.lost, found.standard_error) == (8.0, 0.5, 0.0, 0.0)
    one = stopping.replay(jax.random.key(0), lambda votes: votes.sum(axis=-1) >= 0, ballots, 8, replicates=2000)
    assert one.calls == 1.0
    assert abs(one.value - (5 / 8 + 3 / 8) / 2) < 5 * one.standard_error
    assert one.same_calls_value == pytest.approx(one.value)


def test_first_success_loses_no_coverage_and_saves_calls():
    attempts = js.Attempts([20, 30], [10, 1])
    rule = stopping.first_success
    found = stopping.replay(jax.random.key(0), lambda votes: rule(votes[..., 0]), attempts, 20, replicates=400)
    assert found.lost == 0.0
    assert abs(found.value - js.pass_at_k(attempts, 20).value) < 5 * found.standard_error
    # The expected place of the first of c successes among n calls, (n + 1) / (c + 1), cut at 20 for the second query.
    second = sum(min(place, 20) for place in range(1, 31)) / 30
    assert abs(found.calls - (21 / 11 + second) / 2) < 5 * found.calls_standard_error
    assert "calls saved" in str(found.__rich__().caption)
    assert found.to_dict()["saved"] == found.saved


def test_replay_is_the_same_for_a_key_and_refuses_nonsense():
    population = js.AnswerDistribution([[0.6, 0.4]])
    runs = [stopping.replay(jax.random.key(seed), confident, population, 9, 10) for seed in (4, 4, 5)]
    assert runs[0] == runs[1] != runs[2]
    with pytest.raises(ValueError, match="replicates = 1: expected whole numbers from 2"):
        stopping.replay(jax.random.key(0), confident, population, 9, 1)
    with pytest.raises(ValueError, match="rule returned shape"):
        stopping.replay(jax.random.key(0), lambda votes: True, population, 9)
    with pytest.raises(ValueError, match="calls = 9: expected at most the 4 recorded"):
        stopping.replay(jax.random.key(0), confident, js.Ballots([[2, 2]], [[True, False]]), 9)
    with pytest.raises(ValueError, match="expected Ballots, Attempts or AnswerDistribution"):
        stopping.replay(jax.random.key(0), confident, js.Vote(), 9)
