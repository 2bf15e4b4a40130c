import dataclasses
import math

import pytest

import jaxscale as js


def test_systems_are_frozen_values():
    assert js.Vote() == js.Vote()
    assert len({js.RoutedVote(0.5), js.RoutedVote(0.5), js.RoutedVote(0.6), js.PassAtK(), js.WeightedVote()}) == 4
    with pytest.raises(dataclasses.FrozenInstanceError):
        js.BestOfN(0.9, 0.1).tpr = 0.5


def test_filter_calls_halve_the_answers_only_if_they_count():
    assert [js.FilterVote().answers(k) for k in (1, 2, 9)] == [1, 2, 9]
    assert [js.FilterVote(filter_calls_count=True).answers(k) for k in (2, 3, 9)] == [1, 1, 4]
    with pytest.raises(ValueError, match="calls = 1: expected at least 2"):
        js.FilterVote(filter_calls_count=True).answers(1)


def test_routed_vote_needs_the_fewest_votes_that_reach_its_share():
    assert [js.RoutedVote(0.5).votes(k) for k in (1, 4, 5)] == [1, 2, 3]
    assert js.RoutedVote(0.0).votes(7) == 1
    # 0.07 * 100 is above 7 in floating point.
    assert js.RoutedVote(0.07).votes(100) == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: js.RoutedVote(1.5), "threshold = 1.5: expected a share"),
        (lambda: js.BestOfN(tpr=-0.1, fpr=0.5), "tpr = -0.1: expected a probability"),
        (lambda: js.BestOfN(tpr=0.1, fpr=math.nan), "fpr = nan: expected a probability"),
        (lambda: js.BestOfN(tpr=0.9), "fpr is missing: expected both tpr and fpr, or separation instead"),
        (lambda: js.BestOfN(0.9, 0.1, separation=1.0), "tpr = 0.9: expected none beside separation"),
        (lambda: js.BestOfN(separation=math.inf), "separation = inf: expected a finite number"),
        (lambda: js.AdaptiveVote(0.5), "confidence = 0.5: expected a number between"),
        (lambda: js.AdaptiveVote(0.9, rule="gamma"), "rule = 'gamma': expected 'beta' or 'dirichlet'"),
    ],
)
def test_bad_parameters_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
