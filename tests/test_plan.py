"""Plans: fewest calls, best within a budget, frontiers; and whether the probabilities come true."""

import itertools
import json
import math

import jax
import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.forecasting import Forecast, ForecastModel
from jaxscale.planning import Candidate, Curve, frontier
from jaxscale.planning._frontier import MARGIN

NAMES = tuple(f"q{i}" for i in range(30))


def drawn(seed, a, b):
    p = np.random.default_rng(seed + 1).beta(a, b, 30)
    return js.Attempts([60] * 30, np.random.default_rng(seed).binomial(60, p), query=NAMES)


ATTEMPTS, LARGE = drawn(0, 0.5, 4), drawn(2, 1.5, 3)


def forecast_of(k, value, half=0.0, kind="estimate"):
    value = np.asarray(value, float)
    kinds = np.full(len(value), kind)
    return Forecast(np.asarray(k), value, value - half, value + half, ForecastModel("beta", {}), kinds)


def curve(name, price, value, k=None):
    k = np.arange(1, len(value) + 1) if k is None else k
    return Curve(Candidate(name, ATTEMPTS, js.PassAtK(), js.Cost(per_call=price), "money"), forecast_of(k, value))


# Predictive probabilities


def test_probabilities_agree_with_the_interval_and_with_the_quantiles():
    result = Forecast(
        np.array([1, 2, 3]),
        np.array([0.0, 0.5, 1.0]),
        np.array([0.0, 0.3, 0.9]),
        np.array([0.2, 0.6, 1.0]),
        ForecastModel("beta", {}),
        np.array(["forecast"] * 3),
        level=0.8,
    )
    np.testing.assert_allclose(result.probability_at_least(result.lower), [1, 0.9, 0.9], atol=1e-12)
    np.testing.assert_allclose(result.probability_at_least(result.upper), [0.1, 0.1, 0.5], atol=1e-12)
    np.testing.assert_allclose(
        result.quantiles([0.1, 0.5, 0.9]), [result.lower, result.value, result.upper], atol=1e-12
    )
    inner = np.array([0.35, 0.45, 0.55])
    chance = result.probability_at_least(inner[:, None])[:, 1]
    np.testing.assert_allclose([result.quantiles(1 - p)[1] for p in chance], inner, rtol=1e-12)


def test_without_noise_what_is_forecast_is_certain():
    sure = forecast_of([1], [0.4])
    assert [sure.probability_at_least(target).item() for target in (0.39, 0.4, 0.41)] == [1, 1, 0]


# The frontier


def test_the_lead_changes_where_the_best_so_far_is_ahead_by_the_margin():
    rng = np.random.default_rng(4)
    for _ in range(20):
        prices = rng.uniform(0.5, 4.0, 3)
        curves = [curve(f"m{i}", price, np.sort(rng.uniform(size=12))) for i, price in enumerate(prices)]
        stretches = frontier(curves)
        price = {c.candidate: c.spend[0] for c in curves}
        assert stretches[0].costs[0] == min(prices)
        assert stretches[-1].costs[1] == 12 * max(prices)
        for first, second in itertools.pairwise(stretches):
            assert first.costs[1] == second.costs[0]
            assert first.candidate is not second.candidate
        for cost in np.concatenate([c.spend for c in curves]):
            # A choice takes the lead with a whole number of calls at all queries, less than one call after it is ahead.
            if any(0 < stretch.costs[0] - cost < price[stretch.candidate] for stretch in stretches[1:]):
                continue
            # Elsewhere some queries may have one call more than others.
            best = {c.candidate: np.interp(cost, c.spend, c.forecast.value, left=-np.inf) for c in curves}
            leader = next(s.candidate for s in reversed(stretches) if s.costs[0] <= cost)
            assert best[leader] >= max(best.values()) - MARGIN - 1e-12


def test_a_vote_that_falls_counts_with_its_best():
    falling = curve("small", 1.0, [0.5, 0.6, 0.55, 0.4])
    (only,) = frontier([falling])
    assert (only.calls, only.values, only.costs) == ((1, 2), (0.5, 0.6), (1.0, 4.0))
    large = curve("large", 2.0, [0.602, 0.604])
    assert len(frontier([falling, large], (falling, 2.0))) == 1  # within the margin: no lead
    assert [stretch.candidate for stretch in frontier([falling, large])] == [falling.candidate, large.candidate]


# Targets and budgets


@pytest.fixture(scope="module")
def to_target():
    return js.plan({"small": ATTEMPTS, "large": LARGE}, target=0.6, cost={"small": js.Cost(1.0), "large": js.Cost(2.5)})


def test_the_fewest_calls_are_the_fewest(to_target):
    for choice, data in ((c, {"small": ATTEMPTS, "large": LARGE}[c.candidate.name]) for c in to_target.choices):
        k = np.arange(1, 61)
        expected = k[(js.pass_at_k(data, k).value >= 0.6).argmax()]
        assert choice.calls == expected
        assert choice.reached
        assert choice.cost == 30 * expected * (1.0 if choice.candidate.name == "small" else 2.5)
        low, high = choice.interval
        assert low <= 0.6 <= high
        assert choice.probability > 0.4
    assert to_target.best.cost == min(choice.cost for choice in to_target.choices)


def test_more_calls_reach_it_for_sure(to_target):
    best = to_target.best
    assert best.sure_calls > best.calls
    at_least = best.curve.forecast.probability_at_least(0.6)
    assert at_least[best.sure] >= 0.9
    assert (at_least[: best.sure] < 0.9).all()


def test_a_target_out_of_reach_is_said_to_be_so():
    plan = js.plan(js.Attempts([60] * 30, [0] * 20 + [9] * 10), target=0.99, most=100)
    assert not plan.best.reached
    assert plan.best.calls == 100
    assert plan.best.sure_calls is None
    assert plan.decision.startswith("No choice is forecast to reach 0.99 with at most 100 calls a query.")


def test_a_budget_is_kept_to_and_used_up():
    cost = {"small": js.Cost(per_call=0.1, per_query=0.5, seconds_per_call=2.0), "large": js.Cost(per_call=0.7)}
    plan = js.plan({"small": ATTEMPTS, "large": LARGE}, budget=30 * 3.5, cost=cost)
    bought = {choice.candidate.name: choice for choice in plan.choices}
    assert bought["small"].calls == 30  # 0.5 + 30 x 0.1 is 3.5 but for rounding
    assert bought["large"].calls == 5
    assert all(choice.cost <= 30 * 3.5 * (1 + 1e-12) for choice in plan.choices)
    assert plan.choices[0].value == max(choice.value for choice in plan.choices)
    assert 0 <= plan.ahead <= 1
    assert bought["small"].to_dict()["seconds_per_query"] == 60
    assert plan.unaffordable == ()
    assert next(s.candidate.name for s in plan.frontier) == "small"
    short = js.plan({"small": ATTEMPTS, "large": LARGE}, budget=30 * 0.65, cost=cost)
    assert short.to_dict()["unaffordable"] == ["large"]
    assert short.ahead is None


def test_a_budget_is_not_spent_on_a_gain_of_less_than_a_thousandth():
    plan = js.plan(js.Attempts([60] * 30, [0] * 20 + [30] * 10), budget=30 * 50)
    k = np.arange(1, 51)
    values = js.pass_at_k(plan.best.curve.candidate.data, k).value
    assert plan.best.calls == k[(values >= values[-1] - plan.negligible).argmax()] < 15
    assert plan.to_dict()["negligible"] == plan.negligible == 0.001
    assert js.plan(ATTEMPTS, target=0.5).negligible is None


def test_ballots_are_voted_on_and_filtered_and_the_filter_is_paid():
    counts = np.tile([[6, 4], [3, 7], [2, 8], [5, 5]], (5, 1))
    kept = np.minimum(counts, [[5, 1]])
    ballots = js.Ballots(counts, np.tile([[True, False]], (20, 1)), kept_counts=kept)
    cost = js.Cost(per_call=1.0, per_check=0.25)
    plan = js.plan(ballots, budget=20 * 5, cost=cost, systems=[js.Vote(), js.FilterVote(), js.PassAtK()])
    by_system = {choice.candidate.system_name: choice for choice in plan.choices}
    assert by_system["filter-vote"].calls <= 4
    assert by_system["vote"].calls <= 5
    assert by_system["pass-at-k"].calls == 4
    for name, system in (("vote", js.Vote()), ("filter-vote", js.FilterVote())):
        choice = by_system[name]
        assert choice.value == pytest.approx(js.exact(system, ballots, choice.calls))
    assert plan.best.candidate.measures == "coverage"
    assert {c.candidate.system_name for c in js.plan(ballots, budget=100).choices} == {"vote", "filter-vote"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"target = None and budget = None: expected one of them"),
        ({"target": 0.5, "budget": 10}, r"target = 0.5 and budget = 10: expected one of them"),
        ({"target": 0.0}, r"target = 0.0: expected a number above 0, at most 1"),
        ({"target": 1.01}, r"target = 1.01: expected"),
        ({"target": math.nan}, r"target = nan: expected"),
        ({"target": 0.5, "confidence": 1}, r"confidence = 1: expected a number between 0 and 1"),
        ({"target": 0.5, "level": 0}, r"level = 0: expected a number between 0 and 1"),
        ({"target": 0.5, "over": "all"}, r"over = 'all': expected 'these' or 'population'"),
        ({"budget": -5}, r"budget = -5: expected a finite number above 0"),
        ({"budget": 29}, r"budget = 29: expected at least 30, what one call at each of 30 queries costs"),
        ({"budget": 99, "unit": "euro"}, r"unit = 'euro': expected 'money', 'flops' or 'seconds'"),
        ({"budget": 99, "unit": "flops"}, r"unit = 'flops' without cost: expected a Cost"),
        (
            {"budget": 99, "unit": "flops", "cost": js.Cost(1)},
            r"cost of 'all': a call costs 0 in flops: expected flops",
        ),
        ({"budget": 99, "queries": 0}, r"queries = 0: expected whole numbers from 1"),
        ({"budget": 99, "most": 2.5}, r"most = 2.5: expected whole numbers from 1"),
        ({"budget": 99, "most": math.inf}, r"most = inf: expected whole numbers from 1"),
        ({"budget": 99, "cost": {"b": js.Cost(1)}}, r"cost of 'all' = None: expected a Cost"),
        ({"budget": 99, "cost": js.Cost([1.0, 2.0])}, r"cost of 'all' has arrays for amounts: expected numbers"),
        ({"budget": 99, "systems": []}, r"systems is empty"),
        ({"budget": 99, "systems": [js.Vote()]}, r"systems: Vote on the Attempts of 'all': expected Ballots"),
        ({"budget": 99, "systems": [js.RoutedVote(0.5)]}, r"systems: RoutedVote on the Attempts of 'all': expected"),
        ({"budget": 99, "systems": ["vote"]}, r"systems: 'vote': expected a system of jaxscale"),
    ],
)
def test_what_cannot_be_planned_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        js.plan(ATTEMPTS, **arguments)


def test_data_sets_of_several_sizes_need_a_number_of_queries():
    with pytest.raises(ValueError, match=r"data: queries of b have no labels .* expected groups at the same queries"):
        js.plan({"a": ATTEMPTS, "b": js.Attempts([5], [1])}, target=0.5)
    with pytest.raises(ValueError, match=r"data\['a'\] is a int: expected Attempts or Ballots"):
        js.plan({"a": 3}, target=0.5)
    with pytest.raises(ValueError, match=r"systems: no forecast for RoutedVote on Ballots"):
        js.plan(js.Ballots([[1]], [[True]]), target=0.5, systems=[js.RoutedVote(0.5)])
    with pytest.raises(ValueError, match=r"FilterVote\(filter_calls_count=True\): .*; expected FilterVote\(\), with"):
        js.plan(js.Ballots([[1]], [[True]], kept_counts=[[1]]), target=0.5, systems=[js.FilterVote(True)])


# Whether the probabilities come true


def test_the_probability_of_reaching_a_target_comes_true():
    """Of 24 simulated populations as many reach the target as the plans said, as far as chance allows.

    The sum of outcomes less probabilities has variance at most sum p (1 - p); beyond 4 of its standard deviations
    (false alarms: 1 in 16,000) the probabilities are wrong. At `sure_calls` each is at least 0.9.
    """
    rng = np.random.default_rng(5)
    population, n, target = js.Beta(0.5, 3.0), 30, 0.8
    surprises, variance, sure = 0.0, 0.0, []
    for _ in range(24):
        p = rng.beta(0.5, 3.0, 60)
        seen = js.Attempts([n] * 60, rng.binomial(n, p))
        curve = js.forecast(js.PassAtK(), seen, [60, 120, 240, 480, 960, 1920])
        chance = curve.probability_at_least(target)
        # A further run, at every number of calls: first successes are geometric.
        first = rng.geometric(p)
        reached = (first[:, None] <= curve.calls).mean(axis=0) >= target
        pick = rng.integers(len(chance))
        surprises += reached[pick] - chance[pick]
        variance += chance[pick] * (1 - chance[pick])
        if (chance >= 0.9).any():
            sure.append(reached[(chance >= 0.9).argmax()])
    assert population.pass_at_k(60) < target < population.pass_at_k(1920)
    assert abs(surprises) < 4 * math.sqrt(variance)
    assert variance > 1.5  # or nothing was tested
    # Each is reached with probability 0.9 or more: fewer than 65% of 16 or more would be a chance of 1 in 300.
    assert len(sure) >= 16
    assert sum(sure) >= 0.65 * len(sure)


# The command


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    for name, data in (("small", ATTEMPTS), ("large", LARGE)):
        rows = zip(range(len(data)), data.attempts.tolist(), data.successes.tolist(), strict=True)
        text = "problem,attempts,successes\n" + "".join(f"q{i},{n},{c}\n" for i, n, c in rows)
        (folder / f"{name}.csv").write_text(text)
    (folder / "prices.toml").write_text("[small]\nper_call = 1\n[large]\nper_call = 2.5\nflops_per_call = 1e12\n")
    return folder


def test_the_command_prints_the_decision_first(files, capsys, to_target):
    names = [str(files / f"{name}.csv") for name in ("small", "large")]
    assert run(["plan", *names, "--group", "file", "--target", "0.6", "--prices", str(files / "prices.toml")]) == 0
    out, err = capsys.readouterr()
    assert err.endswith("as csv: 2 data sets, 60 queries x 60 attempts\n")
    assert err.count("\n") == 1
    first, *rest = out.splitlines()
    assert first == to_target.decision
    assert any("small" in line and "│" in line for line in rest)
    assert "The most for every cost (30 queries):" in out


def test_the_command_says_that_a_budget_is_not_spent_on_next_to_nothing(files, capsys):
    said = "Calls are the fewest that come within 0.001 of the best that the budget pays for.\n"
    assert run(["plan", str(files / "small.csv"), "--budget", "600"]) == 0
    assert said in capsys.readouterr().out
    assert run(["plan", str(files / "small.csv"), "--target", "0.5"]) == 0
    assert said not in capsys.readouterr().out


def test_systems_may_be_named_one_by_one_or_with_commas(files, capsys):
    found = []
    for systems in (["--system", "pass-at-k", "--system", "solve-once"], ["--system", "pass-at-k,solve-once"]):
        assert run(["plan", str(files / "small.csv"), "--budget", "600", *systems, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0] == found[1]
    assert {group["system"] for group in found[0]["groups"]} == {"pass-at-k", "solve-once"}


def test_json_is_one_object_with_a_group_for_each_choice(files, capsys):
    names = [str(files / f"{name}.csv") for name in ("small", "large")]
    assert run(["plan", *names, "--group", "file", "--budget", "600", "--plot", str(files / "plan.png"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["command"] == "plan"
    assert found["unit"] == "calls"
    assert found["budget"] == 600
    assert found["negligible"] == 0.001
    assert {group["name"] for group in found["groups"]} == {"small", "large"}
    for group in found["groups"]:
        assert (group["queries"], group["attempts_min"], group["attempts_max"]) == (30, 60, 60)
        assert {"name", "parameters"} <= set(group["model"])
        assert {"calls", "value", "lower", "upper", "kind", "cost"} <= set(group["curve"][0])
        assert group["choice"]["calls"] <= 20
    assert found["decision"].startswith(found["groups"][0]["name"])
    assert (files / "plan.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "1.5"], "--target = 1.5: expected a number above 0, at most 1"),
        (["--target", "0.5", "--budget", "3"], "--target, --budget: expected one of them"),
        (["--budget", "3"], "--budget = 3.0: expected at least 30, what one call at each of 30 queries costs"),
        (["--budget", "99", "--cost-per-call", "-1"], "--cost-per-call = -1.0: expected a finite number of 0 or more"),
        (["--budget", "99", "--cost-per-query", "1"], "cost of 'small': a call costs 0 in money: expected per_call"),
        (
            ["--budget", "99", "--system", "votes"],
            "--system = 'votes': expected pass-at-k, solve-once, all-pass",
        ),
        (["--budget", "99", "--system", "vote"], "holds attempts, not ballots"),
        (["--budget", "99", "--system", "share-at-least"], "--system share-at-least without --share: expected both"),
        (["--budget", "99", "--share", "0.5"], "--share without --system share-at-least: expected both"),
        (["--budget", "99", "--system", "share-at-least", "--share", "2"], "--share = 2.0: expected a share in (0, 1]"),
        (["--budget", "99", "--unit", "flops"], "--unit = 'flops' without --prices: expected a file"),
        (["--budget", "99", "--prices", "none.toml"], "none.toml: no such file or directory"),
        (["--budget", "99", "--confidence", "2"], "--confidence = 2.0: expected a number between 0 and 1"),
        (["--budget", "99", "--plot", "x.txt"], "--plot = 'x.txt': expected a name that ends in"),
    ],
)
def test_the_command_refuses_in_one_line(files, capsys, arguments, message):
    assert run(["plan", str(files / "small.csv"), *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err


def test_prices_and_amounts_exclude_each_other_and_models_must_be_priced(files, capsys):
    small, prices = str(files / "small.csv"), str(files / "prices.toml")
    assert run(["plan", small, "--budget", "99", "--prices", prices, "--cost-per-call", "1"]) == 2
    assert "--prices beside --cost-per-call: expected one of them" in capsys.readouterr().err
    (files / "smal.csv").write_text((files / "small.csv").read_text())
    assert run(["plan", str(files / "smal.csv"), "--budget", "99", "--prices", prices]) == 2
    assert "no prices for 'smal': expected a table (is 'small' meant?)" in capsys.readouterr().err


def test_the_same_key_gives_the_same_plan():
    first, second = (js.plan(ATTEMPTS, target=0.5, key=jax.random.key(1)).to_dict() for _ in range(2))
    assert first == second
