import itertools
import math
from pathlib import Path

import numpy as np
import pytest

import jaxscale as js
import jaxscale.estimators

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "ballots"


def subset_accuracies(calls, k, fallback=None):
    """Vote accuracy over every subset of k calls; a call is (answer, right, kept), answer None is blank."""
    total = 0.0
    for subset in itertools.combinations(calls, k):
        kept = [call for call in subset if call[2]] or list(subset)
        answers = [call[0] for call in kept if call[0] is not None]
        votes = {a: answers.count(a) for a in answers}
        leaders = [a for a in votes if votes[a] == max(votes.values())]
        right = {call[0] for call in kept if call[1]}
        if fallback is not None and max(votes.values(), default=0) < fallback[0]:
            total += fallback[1]
        elif leaders:
            total += sum(a in right for a in leaders) / len(leaders)
    return total / math.comb(len(calls), k)


def listed(ballots, i):
    kept = ballots.counts if ballots.kept_counts is None else ballots.kept_counts
    calls = []
    for j, count in enumerate(ballots.counts[i]):
        calls += [(j, ballots.correct[i, j], n < kept[i, j]) for n in range(count)]
    kept_blank = ballots.blank[i] if ballots.kept_blank is None else ballots.kept_blank[i]
    return calls + [(None, False, n < kept_blank) for n in range(ballots.blank[i])]


BALLOTS = js.Ballots(
    counts=[[3, 2, 1, 2], [2, 2, 0, 0], [1, 1, 3, 2], [0, 5, 2, 2], [0, 0, 0, 0]],
    correct=[[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 1], [1, 0, 0, 0], [1, 0, 0, 0]],
    blank=[0, 4, 1, 0, 7],
    kept_counts=[[1, 2, 0, 0], [1, 0, 0, 0], [0, 1, 3, 2], [0, 0, 0, 0], [0, 0, 0, 0]],
    kept_blank=[0, 1, 0, 0, 2],
    query=["a", "b", "c", "d", "e"],
)


def test_majority_at_k_is_the_mean_over_all_subsets():
    k = np.arange(1, 8)
    no_filter = js.Ballots(BALLOTS.counts, BALLOTS.correct, blank=BALLOTS.blank)
    values = np.array([[subset_accuracies(listed(no_filter, i), int(n)) for i in range(5)] for n in k])
    found = js.majority_at_k(BALLOTS, k)
    np.testing.assert_allclose(found.value, values.mean(axis=1), atol=1e-13)
    np.testing.assert_allclose(found.standard_error, values.std(axis=1, ddof=1) / math.sqrt(5), atol=1e-13)
    np.testing.assert_allclose(js.exact(js.Vote(), BALLOTS, k), values.mean(axis=1), atol=1e-13)


def test_filter_vote_on_ballots_is_the_mean_over_all_subsets():
    k = np.arange(1, 8)
    expected = [np.mean([subset_accuracies(listed(BALLOTS, i), int(n)) for i in range(5)]) for n in k]
    np.testing.assert_allclose(js.exact(js.FilterVote(), BALLOTS, k), expected, atol=1e-13)
    halved = js.exact(js.FilterVote(filter_calls_count=True), BALLOTS, 2 * k)
    np.testing.assert_allclose(halved, expected, atol=1e-13)


def test_routed_vote_on_ballots_is_the_mean_over_all_subsets():
    no_filter = js.Ballots(BALLOTS.counts, BALLOTS.correct, blank=BALLOTS.blank)
    greedy = js.Ballots(BALLOTS.counts, BALLOTS.correct, blank=BALLOTS.blank, greedy_correct=[1, 0, 1, 1, 0])
    k = np.array([1, 4, 7])
    for ballots in (no_filter, greedy):
        single = (
            (ballots.counts * ballots.correct).sum(axis=1) / ballots.calls
            if ballots.greedy_correct is None
            else ballots.greedy_correct
        )
        expected = [
            np.mean([subset_accuracies(listed(ballots, i), int(n), (math.ceil(n / 2), single[i])) for i in range(5)])
            for n in k
        ]
        np.testing.assert_allclose(js.exact(js.RoutedVote(0.5), ballots, k), expected, atol=1e-13)


def test_all_recorded_calls_give_the_recorded_winner_and_one_call_the_share():
    rng = np.random.default_rng(0)
    counts = np.stack([rng.multinomial(64, q) for q in rng.dirichlet(np.ones(6), 30)])
    ballots = js.Ballots(counts, np.tile(np.arange(6) == 2, (30, 1)))
    leads = counts == counts.max(axis=1, keepdims=True)
    found = js.majority_at_k(ballots, [[1], [64]])
    assert found.value.shape == (2, 1)
    expected = [[counts[:, 2].mean() / 64], [(leads[:, 2] / leads.sum(axis=1)).mean()]]
    np.testing.assert_allclose(found.value, expected, atol=1e-13)
    # The order of answers, padding and repeated queries change nothing.
    order = rng.permutation(6)
    twice = np.tile(np.pad(counts[:, order], ((0, 0), (0, 3))), (2, 1))
    right = np.tile(np.pad(ballots.correct[:, order], ((0, 0), (0, 3))), (2, 1))
    np.testing.assert_allclose(js.majority_at_k(js.Ballots(twice, right), [[1], [64]]).value, expected, atol=1e-13)


def test_more_calls_than_ballots_name_the_query():
    with pytest.raises(ValueError, match=r"calls = 8: query 'e' has 7 recorded calls.*forecast"):
        js.majority_at_k(BALLOTS, [1, 8])
    with pytest.raises(ValueError, match="query at index 0 has 1 recorded calls"):
        js.exact(js.Vote(), js.Ballots([[1]], [[True]]), 2)
    with pytest.raises(ValueError, match="kept_counts = None"):
        js.exact(js.FilterVote(), js.Ballots([[1]], [[True]]), 1)
    assert np.isnan(js.majority_at_k(js.Ballots([[1]], [[True]]), 1).standard_error)


@pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is absent")
def test_real_ballots_agree_with_resampling():
    ballots = js.read_ballots(DATA / "aiw_o1_mini.csv")["all"]
    rng = np.random.default_rng(1)
    k, draws = np.array([3, 9, 25]), 2_000
    exact = js.majority_at_k(ballots, k).value
    for calls, value in zip(k, exact, strict=True):
        counts = np.stack([rng.multivariate_hypergeometric(row, calls, draws) for row in ballots.counts], axis=1)
        leads = counts == counts.max(axis=2, keepdims=True)
        accuracy = (leads * ballots.correct).sum(axis=2) / leads.sum(axis=2)
        error = math.sqrt((accuracy.var(axis=0, ddof=1) / draws).sum()) / len(ballots)
        assert abs(accuracy.mean() - value) < 5 * error
        assert error < 2e-3


def test_difficulty_compares_the_best_wrong_with_the_best_right_answer():
    found = js.vote_difficulty(BALLOTS)
    np.testing.assert_allclose(found.difficulty, [-1 / 8, 0, 1 / 8, 5 / 9, 0])
    np.testing.assert_allclose(found.limit, [1, 0.5, 0, 0, 0])
    assert found.standard_error.min() > 0
    # Its standard error is that of repeated multinomial draws.
    q = np.array([0.6, 0.3, 0.1])
    counts = np.random.default_rng(0).multinomial(100, q, 4_000)
    right = np.tile([True, False, False], (4_000, 1))
    repeated = js.vote_difficulty(js.Ballots(counts, right))
    np.testing.assert_allclose(repeated.standard_error.mean(), repeated.difficulty.std(), rtol=0.05)
    assert repeated.shares["easy"] > 0.9
    with pytest.raises(ValueError, match="level = 1"):
        js.vote_difficulty(BALLOTS, level=1)


def test_easy_and_hard_parts_make_up_the_whole():
    k = np.array([1, 4, 7])
    ballots = js.Ballots(BALLOTS.counts, BALLOTS.correct, blank=BALLOTS.blank)
    parts = js.majority_by_difficulty(ballots, k)
    assert list(parts) == ["easy", "hard", "tied"]
    whole = (parts["easy"].value + 2 * parts["hard"].value + 2 * parts["tied"].value) / 5
    np.testing.assert_allclose(whole, js.majority_at_k(ballots, k).value, atol=1e-14)


def test_best_majority_finds_the_turn_of_a_two_point_data_set():
    # Shares that follow the law exactly: 60 easy queries at 0.85, 40 hard ones at 0.4; two answers, 20 of 1,000 calls.
    right = np.repeat([850, 400], [60, 40])
    ballots = js.Ballots(np.stack([right, 1000 - right], axis=1), np.tile([True, False], (100, 1)))
    calls = np.arange(1, 21)
    found = js.best_majority(ballots, calls)
    assert found.calls == js.best_calls(0.6, 0.85, 0.4) == 5
    assert found.lower <= 5 <= found.upper
    curve = js.majority_at_k(ballots, calls).value
    assert found.gain == pytest.approx(curve[4] - curve[0])
    assert found.gain_lower < found.gain < found.gain_upper
    assert found.helps
    hard = js.best_majority(js.Ballots([[200, 800], [300, 700]], [[True, False]] * 2), calls)
    assert (hard.calls, hard.lower, hard.upper, hard.gain, hard.helps) == (1, 1, 1, 0.0, False)
