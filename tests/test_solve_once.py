"""Coverage where solved queries are left alone: attempts made, and what a number of them in all brings."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.planning._solve_once import expected_calls


def test_recorded_attempts_are_the_mean_over_all_orders():
    attempts = js.Attempts([5, 5, 5], [0, 2, 5])
    for k in range(1, 6):
        made = []
        for c in (0, 2, 5):
            orders = [set(order) for order in itertools.combinations(range(5), c)]
            made.append(np.mean([min([i + 1 for i in order] + [k]) for order in orders]))
        assert js.attempts_to_solve(attempts, k) == pytest.approx(np.mean(made), rel=1e-12)


def test_under_a_law_they_are_a_geometric_mean_cut_off():
    with float64():
        p = 0.2
        k = np.array([1, 5, 6000])
        expected = (1 - (1 - p) ** k) / p
        np.testing.assert_allclose(js.attempts_to_solve(js.PointMass(jnp.float64(p)), k), expected, rtol=1e-12)
        # Beta(2, 2): E[(1 - (1-p)^k) / p], k = 2, is 1 + E[1-p].
        assert js.attempts_to_solve(js.Beta(jnp.float64(2.0), jnp.float64(2.0)), 2) == pytest.approx(1.5, rel=1e-12)


def test_what_was_not_recorded_is_refused():
    with pytest.raises(ValueError, match=r"calls = 6: expected at most 5, the fewest recorded attempts of a query"):
        js.attempts_to_solve(js.Attempts([5, 9], [1, 1]), 6)
    with pytest.raises(ValueError, match=r"calls = 2000000: expected at most 1,000,000, under a law"):
        js.attempts_to_solve(js.Beta(1.0, 1.0), 2 * 10**6)


def test_beyond_the_attempts_the_sum_follows_the_forecast():
    """With failures known to be a power law, the interpolated sum is that of the law."""
    law = js.Beta(1.0, 1.0)  # failure of k calls: 1 / (k + 1)
    k = np.unique(np.rint(np.geomspace(1, 10**5, 60)).astype(int))
    value = np.asarray(law.pass_at_k(k), float)
    model = js.forecast(js.PassAtK(), js.Attempts([1, 1], [0, 1]), 1).model
    curve = js.Forecast(k, value, value, value, model, np.full(len(k), "forecast"))
    found = expected_calls(js.Attempts([1, 1], [0, 1]), curve)
    np.testing.assert_allclose(found, js.attempts_to_solve(law, k), rtol=3e-3)


def test_round_robin_over_what_is_left_solves_as_many_as_the_plan_says():
    """1,000 runs of the procedure: one attempt each at all that are unsolved, again and again, till all are spent.

    The plan's coverage is for an expected number of attempts; a run has exactly so many, which bends the curve by less
    than 0.005 with 40 queries.
    """
    rng = np.random.default_rng(0)
    chance = rng.beta(0.5, 3.0, 40)
    total = 400
    first = rng.geometric(chance, (1000, 40))
    solved = np.zeros(1000)
    for run, when in enumerate(first):
        left, spent, turn = np.ones(40, bool), 0, 0
        while left.any() and spent < total:
            turn += 1
            tried = rng.permutation(np.flatnonzero(left))[: total - spent]
            spent += len(tried)
            left[tried[when[tried] == turn]] = False
        solved[run] = 1 - left.mean()
    # The same by the curves: attempts made and coverage at every limit of attempts a query.
    k = np.arange(1, 400)
    failures = (1 - chance[:, None]) ** k
    made = ((1 - failures) / chance[:, None]).mean(axis=0)
    expected = np.interp(total / 40, made, 1 - failures.mean(axis=0))
    error = solved.std() / np.sqrt(1000)
    assert abs(solved.mean() - expected) < 5 * error + 0.005
    assert expected > (1 - (1 - chance) ** 10).mean() + 0.05  # ten attempts at each


def test_a_plan_pays_for_attempts_made_and_covers_more_for_the_same(capsys):
    rng = np.random.default_rng(1)
    attempts = js.Attempts([60] * 30, rng.binomial(60, rng.beta(0.5, 3.0, 30)))
    plan = js.plan(attempts, budget=30 * 20, systems=[js.PassAtK(), js.SolveOnce()], key=jax.random.key(0))
    by_system = {choice.candidate.system_name: choice for choice in plan.choices}
    once = by_system["solve-once"]
    assert plan.best is once
    assert once.calls > 20
    assert once.value > by_system["pass-at-k"].value
    assert once.cost <= 30 * 20
    assert once.cost == pytest.approx(30 * js.attempts_to_solve(attempts, once.calls))
    assert 30 * js.attempts_to_solve(attempts, once.calls + 1) > 30 * 20
    assert "at most" in plan.decision
    beyond = js.plan(attempts, budget=30 * 150, systems=[js.SolveOnce()])
    assert beyond.best.calls > 150
    assert 0.9 * 30 * 150 < beyond.best.cost <= 30 * 150
