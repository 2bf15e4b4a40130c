"""Votes over many recorded ballots and many answers: exact, and at bounded cost."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

import jaxscale as js
from jaxscale.estimators import best_majority, vote_curve


def exact_vote(lead, rivals, free, calls):
    """P(the lead wins) by counting subsets in whole numbers: polynomials in z, by the number of ties."""
    total = Fraction(0)
    for m in range(1, min(lead, calls) + 1):
        left = calls - m
        by_ties = {0: np.array([1] + [0] * left, object)}
        for count in rivals:
            new = {}
            for ties, row in by_ties.items():
                for i in range(min(m, count, left) + 1):
                    moved = np.zeros(left + 1, object)
                    moved[i:] = row[: left + 1 - i] * math.comb(count, i)
                    key = ties + (i == m)
                    new[key] = new.get(key, 0) + moved
            by_ties = new
        for ties, row in by_ties.items():
            ways = sum(row[d] * math.comb(free, left - d) for d in range(left + 1))
            total += Fraction(math.comb(lead, m) * ways, 1 + ties)
    return float(total / math.comb(lead + sum(rivals) + free, calls))


@pytest.mark.parametrize(
    ("lead", "rivals", "blank"),
    [
        (1, [1] * 9, 0),  # nothing but ties
        (3, [3, 3, 3, 2, 2, 1, 1, 1], 2),
        (12, [11, 9, 9, 4, 1, 1, 1], 0),
        (20, [1], 0),
        (2, [17, 16], 5),
        (7, [], 6),
    ],
)
def test_every_number_of_calls_agrees_with_counting_subsets(lead, rivals, blank):
    ballots = js.Ballots([[lead, *rivals]], [[True] + [False] * len(rivals)], blank=[blank])
    calls = np.arange(1, ballots.calls[0] + 1)
    expected = [exact_vote(lead, rivals, blank, int(k)) for k in calls]
    np.testing.assert_allclose(js.majority_at_k(ballots, calls).value, expected, rtol=0, atol=1e-12)


def test_hundreds_of_ballots_agree_with_counting_subsets():
    for lead, rivals, blank in ((100, [101, 95, 3, 3], 20), (40, [40, 5], 0)):
        ballots = js.Ballots([[lead, *rivals]], [[True] + [False] * len(rivals)], blank=[blank])
        calls = np.array([2, 31, 60, int(ballots.calls[0]) - 1])
        expected = [exact_vote(lead, rivals, blank, int(k)) for k in calls]
        np.testing.assert_allclose(js.majority_at_k(ballots, calls).value, expected, rtol=0, atol=1e-11)


def test_a_million_answers_given_once_share_what_the_frequent_ones_leave():
    # Two calls: the right answer wins if it came twice, or once in a tie of two. All else is counted.
    counts = np.ones(10**6, np.int64)
    counts[0] = 50
    right = np.arange(10**6) == 0
    found = js.majority_at_k(js.Ballots([counts], [right]), [1, 2]).value
    n = int(counts.sum())
    twice, once = Fraction(50 * 49, n * (n - 1)), Fraction(2 * 50 * (n - 50), n * (n - 1))
    np.testing.assert_allclose(found, [50 / n, float(twice + once / 2)], rtol=1e-9)
    # Where all came once, each wins equally often, whatever the number of calls.
    alike = js.majority_at_k(js.Ballots([np.ones(10**6, np.int64)], [right]), [1, 1_000, 10**6]).value
    np.testing.assert_allclose(alike, 1e-6, rtol=1e-9)


def test_equal_counts_are_one_answer_many_times():
    # Right answers that are equally frequent share what any of them wins; all of them win what is there to win.
    counts = [5, 5, 5, 2, 2, 1]
    parts = [js.majority_at_k(js.Ballots([counts], [np.arange(6) == j]), [3, 9, 19]).value for j in range(6)]
    np.testing.assert_allclose(parts[0], parts[2], atol=1e-14)
    together = js.majority_at_k(js.Ballots([counts], [np.arange(6) < 3]), [3, 9, 19]).value
    np.testing.assert_allclose(together, 3 * parts[0], atol=1e-14)
    np.testing.assert_allclose(np.sum(parts, axis=0), 1, atol=1e-12)


def test_ballots_by_the_million_million_agree_with_counting_subsets():
    counts, kept = [45 * 10**10, 35 * 10**10, 2 * 10**11], [40 * 10**10, 17 * 10**10, 2 * 10**10]
    dropped = [count - k for count, k in zip(counts, kept, strict=True)]
    right = [[True, False, False]]
    calls = np.array([1, 4, 9])
    expected = [exact_vote(counts[0], counts[1:], 0, int(k)) for k in calls]
    np.testing.assert_allclose(js.majority_at_k(js.Ballots([counts], right), calls).value, expected, rtol=1e-11)

    expected = [
        exact_vote(kept[0], kept[1:], sum(dropped), k)
        + math.comb(sum(dropped), k) / math.comb(sum(counts), k) * exact_vote(dropped[0], dropped[1:], 0, k)
        for k in calls.tolist()
    ]
    found = js.exact(js.FilterVote(), js.Ballots([counts], right, kept_counts=[kept]), calls)
    np.testing.assert_allclose(found, expected, rtol=1e-11)


def test_a_curve_of_many_ballots_looks_at_few_numbers_of_calls_and_at_its_top():
    # Rises, then falls: 6 of 10 queries are easy, the others become hard.
    right = np.repeat([8500, 4000], [6, 4])
    ballots = js.Ballots(np.stack([right, 10_000 - right], axis=1), np.tile([True, False], (10, 1)))
    curve = vote_curve(ballots, resamples=50)
    assert curve.best.calls == best_majority(ballots, resamples=50).calls == js.best_calls(0.6, 0.85, 0.4) == 5
    assert curve.shape.kind == "rises then falls"
    assert curve.estimate.calls[-1] == curve.shape.last == 5_000
    assert len(curve.estimate.calls) < 300
    # A turn beyond 200 calls is found to within the step of a finer grid.
    slow = np.repeat([5_200, 4_990], [6, 4])
    ballots = js.Ballots(np.stack([slow, 10_000 - slow], axis=1), np.tile([True, False], (10, 1)))
    best = best_majority(ballots, resamples=50)
    near = np.unique(np.rint(best.calls * np.linspace(0.8, 1.25, 40)).astype(int))
    near = near[near <= 5_000]
    assert js.majority_at_k(ballots, best.calls).value >= js.majority_at_k(ballots, near).value.max() - 1e-5


def test_votes_of_all_answers_add_up():
    rng = np.random.default_rng(3)
    counts = rng.multinomial(400, rng.dirichlet(np.full(60, 0.3)))
    for k, blank in itertools.product((7, 60, 350), (0, 50)):
        share = [
            js.majority_at_k(js.Ballots([counts], [np.arange(60) == j], blank=[blank]), k).value
            for j in np.flatnonzero(counts)
        ]
        nobody = math.comb(blank, k) / math.comb(400 + blank, k)
        assert np.sum(share) == pytest.approx(1 - nobody, abs=1e-11)


@pytest.mark.parametrize(
    "counts", [(2861, 2758, 2386), (2386, 2861, 2758), (2668, 2668, 2669), (6000, 2000, 5)], ids=str
)
def test_thousands_of_ballots_agree_with_the_hypergeometric_law(counts):
    n = sum(counts)
    ballots = js.Ballots([counts], [[True, False, False]])
    calls = np.array([31, 32, 33, 684, 1592, 1593, 2943, n - 40])
    expected = []
    for k in calls.tolist():
        first = stats.hypergeom(n, counts[0], k)
        m = np.arange(max(int(first.ppf(1e-16)), -(-k // 3)), int(first.isf(1e-16)) + 1)
        second = stats.hypergeom(n - counts[0], counts[1], k - m)
        # The second answer has from k - 2 m to m votes; at either end it ties, or the third does: in the middle, both.
        ahead = second.cdf(m - 1) - second.cdf(k - 2 * m) + (second.pmf(m) + second.pmf(k - 2 * m)) / 2
        wins = np.where(3 * m == k, second.pmf(m) / 3, ahead)
        expected.append((first.pmf(m) * wins).sum())
    np.testing.assert_allclose(js.majority_at_k(ballots, calls).value, expected, rtol=0, atol=1e-11)
