"""Which choice is ahead and how surely: pairs of models query by query, one frontier, and what stopping early saves."""

import json
import math

import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.forecasting import Forecast, ForecastModel
from jaxscale.planning import Candidate, Curve, attempts_to_solve, frontier
from jaxscale.planning._ahead import probability_ahead, standard_error

NAMES = tuple(f"q{i}" for i in range(200))
# B's counts of 10 vary widely; A's differ from them by -1 to 3, by 0.032 a call in the mean.
BASE = np.tile(np.arange(1, 8), 29)[:200]
MORE = np.random.default_rng(0).permutation(np.repeat([-1, 0, 1, 2, 3], [40, 90, 44, 18, 8]))
A, B = (js.Attempts([10] * 200, counts, query=NAMES) for counts in (BASE + MORE, BASE))


def measured(name, data, half=0.02):
    """A curve of one call over a population."""
    rates = (data.successes / data.attempts)[:, None]
    value = rates.mean(axis=0)
    candidate = Candidate(name, data, js.PassAtK(), js.Cost(per_call=1.0), "money")
    kind, none = np.array(["estimate"]), np.zeros(1)
    ends = value - half, value + half
    return Curve(
        candidate,
        Forecast(np.array([1]), value, *ends, ForecastModel("beta", {}), kind, 0.9, "population", rates, none),
    )


def test_models_at_the_same_queries_are_compared_query_by_query():
    difference = (A.successes - B.successes) / 10
    z = difference.mean() / (difference.std(ddof=1) / math.sqrt(200))
    assert difference.mean() == pytest.approx(0.032)
    assert 4.3 < z < 4.6
    result = js.plan({"A": A, "B": B}, budget=200, over="population")
    assert result.best.candidate.name == "A"
    assert result.ahead > 0.999
    first, second = (choice.curve for choice in result.choices)
    np.testing.assert_allclose(first.forecast.per_query[:, 0], A.successes / 10)
    np.testing.assert_allclose(first.forecast.per_query.mean(axis=0), first.forecast.value)
    assert standard_error(first, 0, second, 0) == pytest.approx(difference.mean() / z, rel=1e-3)
    # As if the queries were different ones it would be less.
    other = Curve(
        Candidate("B", js.Attempts(B.attempts, B.successes), js.PassAtK(), js.Cost(1.0), "money"), second.forecast
    )
    assert 0.9 < probability_ahead(first, 0, other, 0) < 0.97


def test_alike_at_every_query_is_even_and_a_few_queries_are_not_certain():
    few = js.Attempts([10] * 3, [1, 4, 6], query=NAMES[:3])
    more = js.Attempts([10] * 3, [2, 5, 7], query=NAMES[:3])
    assert probability_ahead(measured("a", few), 0, measured("b", few), 0) == 0.5
    assert 0.8 < probability_ahead(measured("more", more), 0, measured("few", few), 0) < 0.99


def test_claims_of_being_ahead_come_true():
    """Of 200 simulated pairs as many claims hold as their probabilities say, within 5 standard errors."""
    rng = np.random.default_rng(7)
    claimed, right = [], []
    for _ in range(200):
        ahead = rng.uniform(-0.15, 0.15)
        p = rng.uniform(0.3, 0.7, 60)
        chances = p, p + ahead + rng.uniform(-0.1, 0.1, 60)
        one, other = (
            measured(name, js.Attempts([8] * 60, rng.binomial(8, chance), query=NAMES[:60]))
            for name, chance in zip("ab", chances, strict=True)
        )
        chance = probability_ahead(other, 0, one, 0)
        claimed.append(max(chance, 1 - chance))
        right.append((ahead > 0) == (chance > 0.5))
    claimed, right = np.array(claimed), np.array(right)
    unsure = claimed < 0.95
    for which in (np.ones(200, bool), unsure):
        error = math.sqrt(np.sum(claimed[which] * (1 - claimed[which])))
        assert abs(claimed[which].sum() - right[which].sum()) < 5 * error
    assert 20 < unsure.sum() < 120  # or nothing was tested


def test_what_pooled_groups_learn_together_counts_once():
    p = np.random.default_rng(2).beta(0.3, 2.0, 60)
    rng = np.random.default_rng(3)
    groups = {
        name: js.Attempts([20] * 60, rng.binomial(20, np.clip(share * p, 0, 1)), query=NAMES[:60])
        for name, share in (("x", 1.0), ("y", 0.6))
    }
    for over in ("these", "population"):
        curves = js.forecast(js.PassAtK(), groups, [400], over=over)
        assert curves["x"].joint.pool is curves["y"].joint.pool
        x, y = (
            Curve(Candidate(name, groups[name], js.PassAtK(), js.Cost(1.0), "money"), curve)
            for name, curve in curves.items()
        )
        alone = Curve(y.candidate, js.forecast(js.PassAtK(), groups["y"], [400], over=over))
        assert np.cov(x.forecast.joint.draws[:, 0], y.forecast.joint.draws[:, 0])[0, 1] > 0
        assert standard_error(x, 0, y, 0) < standard_error(x, 0, alone, 0)
        assert probability_ahead(x, 0, y, 0) > 0.5


# One frontier


def curve(name, price, value, half=0.0):
    k, value = np.arange(1, len(value) + 1), np.asarray(value, float)
    forecast = Forecast(k, value, value - half, value + half, ForecastModel("beta", {}), np.full(len(k), "estimate"))
    return Curve(Candidate(name, A, js.PassAtK(), js.Cost(per_call=price), "money"), forecast)


def test_stretches_that_differ_by_less_than_noise_are_one():
    rng = np.random.default_rng(4)
    rise = 1 - np.exp(-np.arange(1, 61) / 20)
    curves = [curve(f"m{i}", 1 + 0.01 * i, np.sort(rise + rng.normal(0, 0.008, 60)), half=0.03) for i in range(6)]
    sharp = [curve(each.candidate.name, each.candidate.cost.per_call, each.forecast.value) for each in curves]
    assert len(frontier(sharp)) > 10
    stretches = frontier(curves)
    assert len(stretches) <= 2
    values = [each.forecast.value[-1] for each in curves]
    assert stretches[-1].candidate is curves[int(np.argmax(values))].candidate


def test_accuracy_does_not_fall_where_the_lead_changes_hands():
    # Two curves that noise cannot tell apart around their crossing, at 0.55: cheap calls that level off, and dear ones.
    cheap = curve("cheap", 1.0, 0.55 * (1 - np.exp(-np.arange(1, 41) / 6)), half=0.2)
    dear = curve("dear", 5.0, 0.9 * (1 - np.exp(-np.arange(1, 41) / 4)), half=0.2)
    first, second = frontier([cheap, dear])
    assert (first.candidate.name, second.candidate.name) == ("cheap", "dear")
    assert second.values[0] >= first.values[1]
    # Up to there the cheap one is nowhere behind.
    calls = np.arange(1, first.calls[1] + 1)
    others = np.where(calls >= 5, dear.forecast.value[np.maximum(calls // 5 - 1, 0)], 0.0)
    assert (cheap.forecast.value[calls - 1] >= others).all()


def test_the_recommended_choice_is_a_point_of_the_frontier():
    small = curve("small", 1.0, np.linspace(0.1, 0.939, 40))
    large = curve("large", 1.0, np.linspace(0.2, 0.942, 40))
    for recommended in (small, large):
        assert frontier([small, large], (recommended, 40.0))[-1].candidate is recommended.candidate
    assert frontier([small, large])[-1].candidate is large.candidate


@pytest.mark.parametrize("goal", [{"budget": 200 * 5.0}, {"budget": 200 * 14.0}, {"target": 0.8}])
@pytest.mark.parametrize("over", ["these", "population"])
def test_a_plan_recommends_a_point_of_its_own_frontier(goal, over):
    cost = {"A": js.Cost(1.3), "B": js.Cost(1.0)}
    result = js.plan({"A": A, "B": B}, cost=cost, over=over, most=40, **goal)
    best, whole = result.best, result.queries
    # With prices alike the lead does not pass to and fro with every call.
    assert len(result.frontier) <= 3
    spent = best.cost / whole * (1 + 1e-9)
    stretch = next(each for each in reversed(result.frontier) if each.costs[0] <= spent)
    assert stretch.candidate is best.candidate
    assert spent <= stretch.costs[1] * (1 + 2e-9)
    assert stretch.calls[0] <= best.calls <= stretch.calls[1]
    assert stretch.values[0] <= best.value <= stretch.values[1] + 1e-12
    if "budget" in goal:
        assert stretch is result.frontier[-1]
        assert best.value >= max(choice.value for choice in result.choices)


# Calls that end with a success


def test_what_stopping_at_the_first_success_saves_is_said(tmp_path, capsys):
    result = js.plan(A, budget=200 * 8.0)
    assert result.best.calls == 8
    assert result.sparing.cost == pytest.approx(200 * attempts_to_solve(A, 8))
    assert result.sparing.cost < 0.5 * result.best.cost
    assert result.to_dict()["solve_once"]["words"] == result.sparing_words
    assert result.sparing_words.endswith(f"costs {result.sparing.cost:,.0f} calls instead of 1,600 calls.")
    assert js.plan(A, budget=1600.0, systems=[js.PassAtK(), js.SolveOnce()]).sparing is None
    file = tmp_path / "runs.csv"
    rows = zip(NAMES, A.successes.tolist(), strict=True)
    file.write_text("problem,attempts,successes\n" + "".join(f"{name},10,{count}\n" for name, count in rows))
    assert run(["plan", str(file), "--budget", "1600"]) == 0
    assert f"{result.sparing_words}\n" in capsys.readouterr().out


# Calls of several groups


def test_next_spreads_the_calls_of_all_groups(tmp_path, capsys):
    groups = {
        "a": js.Attempts([20] * 4, [0, 0, 3, 9], query=tuple("wxyz")),
        "b": js.Attempts([10] * 3, [0, 5, 9], query=tuple("wxy")),
    }
    both = js.Attempts([20] * 4 + [10] * 3, [0, 0, 3, 9, 0, 5, 9])
    for rule in ("online", "uniform"):
        found = js.allocate(groups, 50, 100, rule=rule)
        np.testing.assert_array_equal(np.concatenate(list(found.values())), js.allocate(both, 50, 100, rule=rule))
    optimal = js.allocate(groups, 5_000, 100, rule="optimal")
    assert sum(int(each.sum()) for each in optimal.values()) == 5_000
    # The same group twice gets the same twice.
    twice = js.allocate({"a": groups["a"], "again": groups["a"]}, 400, 100, rule="optimal")
    np.testing.assert_array_equal(twice["a"], js.allocate(groups["a"], 200, 100, rule="optimal"))
    np.testing.assert_array_equal(twice["a"], twice["again"])
    file = tmp_path / "runs.csv"
    rows = "".join(
        f"{name},{query},{n},{c}\n"
        for name, data in groups.items()
        for query, n, c in zip(data.query, data.attempts, data.successes, strict=True)
    )
    file.write_text(f"model,problem,attempts,successes\n{rows}")
    command = ["next", str(file), "--group", "model", "--calls", "5000", "--k", "100"]
    assert run([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["groups"]
    assert sum(sum(group["calls"].values()) for group in found) == 5_000
    assert run(command) == 0
    out = capsys.readouterr().out
    assert "of 5,000 calls go to" in out
