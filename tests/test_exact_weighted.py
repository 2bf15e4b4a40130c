"""Votes weighted by scores against enumeration of every subset of calls, and against the simulator."""

import itertools

import jax
import numpy as np
import pytest

import jaxscale as js


def ballots(seed, values, queries=2, most=3):
    """A few queries of up to ten calls for three answers (two spellings right) and blanks, all with as many calls."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, most + 1, (queries, 3))
    blank = 3 * most + 1 - counts.sum(axis=1)
    scores = rng.choice(values, (queries, 3 * most + 1))
    return js.Ballots(counts, np.tile([True, False, True], (queries, 1)), blank=blank, scores=scores)


def enumerated(data, k):
    accuracy = []
    for answers, scores, correct in zip(data.call_answers, data.scores, data.correct, strict=True):
        values = []
        for chosen in map(list, itertools.combinations(range(len(answers)), k)):
            given = np.unique(answers[chosen][answers[chosen] >= 0])
            totals = np.array([scores[chosen][answers[chosen] == a].sum() for a in given])
            lead = given[np.isclose(totals, totals.max(), atol=1e-9)] if len(given) else given
            values.append(correct[lead].mean() if len(lead) else 0.0)
        accuracy.append(np.mean(values))
    return np.mean(accuracy)


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.1, 0.2, 0.3], [-1.0, 0.0, 0.5, 2.0], [-0.75, -0.5], [0.0]])
def test_agrees_with_enumeration(values):
    for seed in range(3):
        data = ballots(seed, values)
        calls = np.array([[1, 2], [5, 10]])
        expected = np.vectorize(lambda k, data=data: enumerated(data, k))(calls)
        np.testing.assert_allclose(js.exact(js.WeightedVote(), data, calls), expected, rtol=1e-12, atol=1e-14)


def test_equal_scores_are_a_plain_vote():
    data = js.Ballots(
        [[60, 45, 0], [20, 70, 12]], [[True, False, False]] * 2, blank=[5, 8], scores=np.full((2, 110), 0.3)
    )
    calls = [1, 2, 17, 64, 110]
    np.testing.assert_allclose(
        js.exact(js.WeightedVote(), data, calls), js.exact(js.Vote(), data, calls), rtol=1e-11, atol=1e-13
    )


def test_agrees_with_the_simulator():
    data = ballots(5, [0.0, 0.25, 1.0], queries=4, most=8)
    calls = [3, 8, 16]
    simulated = js.simulate(jax.random.key(0), js.WeightedVote(), data, calls, replicates=4000)
    exact = js.exact(js.WeightedVote(), data, calls)
    assert ((exact > 0.05) & (exact < 0.95)).all()
    assert (np.abs(simulated.value - exact) < 5 * simulated.standard_error).all()


def test_blank_calls_never_win_whatever_their_score():
    data = js.Ballots([[0, 0], [1, 0]], [[True, False]] * 2, blank=[3, 2], scores=[[0.5, np.pi, 0.5], [0.0, 9.0, np.e]])
    # The second query's one answer wins whenever it is drawn.
    np.testing.assert_allclose(js.exact(js.WeightedVote(), data, [1, 2, 3]), [1 / 6, 2 / 6, 3 / 6], rtol=1e-14)


def test_refuses_what_it_cannot_count():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"scores of query 0: expected multiples of a common unit.*use simulate"):
        js.exact(js.WeightedVote(), ballots(0, rng.random(50)), 3)
    with pytest.raises(ValueError, match=r"scores of query 0: expected few-valued ones.*use simulate"):
        js.exact(js.WeightedVote(), ballots(0, [1.0, 1e8 + 1]), 3)
    with pytest.raises(ValueError, match="without scores"):
        js.exact(js.WeightedVote(), js.Ballots([[2, 1]], [[True, False]]), 1)
    with pytest.raises(ValueError, match="calls = 11: query at index 0 has 10 recorded calls"):
        js.exact(js.WeightedVote(), ballots(0, [1.0]), [1, 11])
