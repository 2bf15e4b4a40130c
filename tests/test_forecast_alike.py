"""The leaders among many answers that are alike, against votes drawn one by one."""

import numpy as np
import pytest
from scipy.stats import binom

import jaxscale as js
from jaxscale.forecasting._alike import Alike, _binomial_quantile, apart, leaders


@pytest.mark.parametrize(("shape", "votes"), [(0.5, 6), (0.5, 300), (1.0, 1), (1.0, 40), (1.0, 3_000), (20.0, 2_000)])
def test_leaders_are_those_of_votes_drawn_one_by_one(shape, votes):
    number, draws = 1_000, 4_000
    rng = np.random.default_rng(1)
    p = rng.standard_gamma(shape, (draws, number))
    counts = rng.multinomial(votes, p / p.sum(axis=1, keepdims=True))
    best = counts.max(axis=1)
    ties = (counts == best[:, None]).sum(axis=1)
    alike = Alike(np.full(draws, number), np.full(draws, shape), False)
    found = leaders(alike, np.full((1, draws), votes), rng.random((2, 1, draws)))
    # Five standard errors of the difference of two shares, and the error that is stated.
    for value in np.unique(best):
        share = np.mean(best == value)
        assert abs(np.mean(found.votes == value) - share) < 5 * np.sqrt(2 * share * (1 - share) / draws) + 0.01
    one_in = 1 / ties, 1 / found.answers
    error = np.sqrt((one_in[0].var() + one_in[1].var()) / draws)
    assert abs(one_in[0].mean() - one_in[1].mean()) < 5 * error + 0.01


def test_no_votes_have_no_leaders_and_one_vote_has_one():
    alike = Alike(np.full(3, 5_000), np.full(3, 0.7), True)
    found = leaders(alike, np.array([[0, 1, 2]]), np.random.default_rng(0).random((2, 1, 3)))
    assert found.votes.tolist() == [[0, 1, 1]]
    assert found.answers.tolist() == [[0, 1, 2]]


def test_answers_are_told_apart_up_to_a_thousand_of_a_kind():
    counts = np.array([*[1] * 999, *[2] * 1_000, 7])
    single, values, numbers = apart(counts)
    assert single.tolist() == [*[1] * 999, 7]
    assert (values.tolist(), numbers.tolist()) == ([2], [1_000])


def test_a_forecast_with_answers_that_are_alike_is_that_with_answers_told_apart(monkeypatch):
    # 1,500 answers that came once, right ones or wrong ones, beside a few that came often.
    counts = np.array([[30, 20, 10, *[1] * 1_500], [12, 30, 1, *[1] * 1_500]])
    correct = np.zeros(counts.shape, bool)
    correct[0, 0] = correct[1, 500:] = True
    ballots = js.Ballots(counts, correct)
    k = [1, 3, 50, 5_000]
    together = js.forecast(js.Vote(), ballots, k, model="dirichlet", over="population")
    monkeypatch.setattr("jaxscale.forecasting._alike._MANY", 10**6)
    told_apart = js.forecast(js.Vote(), ballots, k, model="dirichlet", over="population")
    # Each is a mean over 150 draws of two votes: five standard errors of a difference, with a variance of 1/4 at most.
    assert (np.abs(together.per_query - told_apart.per_query) < 5 * np.sqrt(2 * 0.25 / 300)).all()
    assert together.per_query[0, -1] > 0.8


def test_binomial_quantiles_are_those_of_scipy():
    rng = np.random.default_rng(1)
    n = rng.integers(1, 10 ** rng.integers(1, 7, 20_000))
    p = np.clip(rng.random(20_000) ** rng.integers(1, 9, 20_000), 1e-300, 1)
    p[:50], p[50:100] = 1.0, 1e-300
    chance = rng.random(20_000)
    np.testing.assert_array_equal(_binomial_quantile(chance, n, p), binom.ppf(chance, n, p))
