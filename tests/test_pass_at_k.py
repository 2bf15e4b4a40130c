"""Unbiased pass@k against exact rational arithmetic and brute force."""

import itertools
import math
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import jaxscale as js


def by_hand(n: int, c: int, k: int) -> float:
    return float(1 - Fraction(math.comb(n - c, k), math.comb(n, k)))


def test_agrees_with_enumeration_of_all_subsets():
    outcomes = [1, 0, 0, 1, 0]
    for k in range(1, 6):
        share = np.mean([any(subset) for subset in itertools.combinations(outcomes, k)])
        assert js.pass_at_k(js.Attempts([5], [2]), k).value == pytest.approx(share, abs=1e-14)


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.data())
def test_agrees_with_rational_arithmetic_at_uneven_attempts(data):
    n = data.draw(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
    c = [data.draw(st.integers(0, m)) for m in n]
    k = data.draw(st.integers(1, min(n)))
    estimate = js.pass_at_k(js.Attempts(n, c), [k])
    exact = [by_hand(m, s, k) for m, s in zip(n, c, strict=True)]
    assert estimate.value[0] == pytest.approx(np.mean(exact), abs=1e-12)
    if len(n) > 1:
        expected = np.std(exact, ddof=1) / math.sqrt(len(n))
        assert estimate.standard_error[0] == pytest.approx(expected, abs=1e-12)
    else:
        assert np.isnan(estimate.standard_error[0])


def test_at_all_attempts_is_the_share_of_solved_queries():
    attempts = js.Attempts([100] * 4, [0, 1, 50, 100])
    assert js.pass_at_k(attempts, 100).value == 0.75


def test_is_monotone_and_exact_where_differences_of_log_gammas_are_not():
    n = 3_700_000
    k = np.unique(np.geomspace(1, n, 30).astype(int))
    values = js.pass_at_k(js.Attempts([n], [1]), k).value
    np.testing.assert_allclose(values, k / n, rtol=1e-12)
    assert (np.diff(values) > 0).all()


def test_keeps_the_shape_of_k():
    estimate = js.pass_at_k(js.Attempts([4, 4], [1, 4]), [[1, 2], [3, 4]])
    assert estimate.value.shape == estimate.standard_error.shape == (2, 2)
    assert estimate.value.dtype == np.float64


def test_names_the_query_that_is_too_short_and_offers_the_forecast():
    attempts = js.Attempts([10, 5], [1, 1], query=["first", "second"])
    with pytest.raises(ValueError, match=r"calls = 7: query 'second' has 5 recorded calls.*forecast"):
        js.pass_at_k(attempts, [1, 7])


@pytest.mark.parametrize("k", [0, -1, 1.5, "ten", float("nan"), True, [], 10**13])
def test_refuses_what_is_no_number_of_calls(k):
    with pytest.raises(ValueError, match="calls"):
        js.pass_at_k(js.Attempts([10], [1]), k)
