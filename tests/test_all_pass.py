"""Pass^k: whether all of k calls are right."""

import itertools
from pathlib import Path

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import jaxscale as js
from jaxscale.data import DataWarning
from jaxscale.forecasting import forecast

MCPMARK = Path(__file__).resolve().parents[2] / "shared" / "data" / "attempts" / "mcpmark.parquet"
UNEVEN = js.Attempts([3, 4, 8, 3, 5], [3, 4, 7, 0, 5])


def swapped(data):
    return js.Attempts(data.attempts, data.attempts - data.successes, query=data.query)


def test_estimate_is_the_share_of_subsets_that_are_all_right():
    found = js.estimate(js.AllPass(), UNEVEN, [1, 2, 3])
    calls = [[True] * c + [False] * (n - c) for n, c in zip(UNEVEN.attempts, UNEVEN.successes, strict=True)]
    expected = [
        np.mean([np.mean([all(chosen) for chosen in itertools.combinations(each, k)]) for each in calls])
        for k in (1, 2, 3)
    ]
    np.testing.assert_allclose(found.value, expected, rtol=1e-14)
    assert found.value[0] == pytest.approx(np.mean(UNEVEN.successes / UNEVEN.attempts))
    assert (found.value <= js.pass_at_k(UNEVEN, [1, 2, 3]).value + 1e-15).all()


def test_small_values_keep_their_digits_and_many_queries_give_the_same():
    one = js.Attempts([2000], [60])
    exact = mp.binomial(60, 50) / mp.binomial(2000, 50)
    assert js.estimate(js.AllPass(), one, 50).value == pytest.approx(float(exact), rel=1e-11)
    rng = np.random.default_rng(0)
    n = rng.integers(20, 2000, 700)
    many = js.Attempts(n, rng.binomial(n, rng.uniform(size=700)))
    budgets = np.arange(1, 21).repeat(30)  # more than are computed without compiling
    by_symmetry = 1 - js.pass_at_k(swapped(many), budgets).value
    np.testing.assert_allclose(js.estimate(js.AllPass(), many, budgets).value, by_symmetry, atol=1e-12)


def test_one_query_more_than_it_was_recorded_for_is_refused_with_a_way_out():
    with pytest.raises(ValueError, match=r"calls = 4: query at index 0 has 3 recorded calls: .*forecast goes beyond"):
        js.estimate(js.AllPass(), UNEVEN, 4)


@pytest.mark.parametrize("k", [1, 2, 7, 40])
def test_laws_against_mpmath(k):
    def beta(a, b):
        return mp.beta(a + k, b) / mp.beta(a, b)

    f = np.float64
    rows = [
        (js.Beta(f(0.5), f(0.25)), beta(0.5, 0.25)),
        (js.Beta(f(0.5), f(0.25), f(0.75)), 0.75 * beta(0.5, 0.25)),
        (js.ScaledBeta(f(0.5), f(2.0), f(0.5)), mp.mpf(0.5) ** k * beta(0.5, 2)),
        (js.Kumaraswamy(f(0.5), f(0.75)), mp.mpf(0.75) * mp.beta(1 + mp.mpf(k) / 0.5, 0.75)),
        (js.TwoPoint(f(0.25), f(0.75), f(0.125)), 0.25 * mp.mpf(0.75) ** k + 0.75 * mp.mpf(0.125) ** k),
        (js.PointMass(f(0.875)), mp.mpf(0.875) ** k),
        (js.Grid(np.array([0.0, 0.5, 1.0]), np.array([0.25, 0.5, 0.25])), 0.25 + 0.5 * mp.mpf(0.5) ** k),
        (
            js.Mixture([js.Beta(f(0.5), f(0.25)), js.PointMass(f(1.0))], np.array([0.5, 0.5])),
            0.5 + 0.5 * beta(0.5, 0.25),
        ),
    ]
    with jax.enable_x64(True):
        for law, expected in rows:
            assert float(js.exact(js.AllPass(), law, k)) == pytest.approx(float(expected), rel=1e-10), law


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_slope_in_p_up_to_both_ends(k, p):
    laws = {
        "point": lambda p: js.PointMass(p),
        "two": lambda p: js.TwoPoint(1.0, p, 0.5),
        "grid": lambda p: js.Grid(jnp.stack([p, p]), jnp.array([0.5, 0.5])),
        "mixture": lambda p: js.Mixture([js.PointMass(p), js.PointMass(p)], jnp.array([0.5, 0.5])),
        "answers": lambda p: js.AnswerDistribution(jnp.stack([p, 1 - p])[None]),
    }
    slope = k * p ** (k - 1)
    for name, law in laws.items():
        found = jax.grad(lambda p, law=law: js.exact(js.AllPass(), law(p), k))(jnp.asarray(p))
        assert float(found) == pytest.approx(slope, rel=1e-5, abs=1e-6), name


def test_chances_of_counts_sum_to_one_and_their_slopes_to_zero():
    right = jnp.arange(6.0)
    for p in (0.0, 0.25, 1.0):
        chances, slopes = jax.jvp(lambda p: js.PointMass(p).count_probability(right, 5), (p,), (1.0,))
        assert float(chances.sum()) == pytest.approx(1, rel=1e-6)
        assert float(slopes.sum()) == pytest.approx(0, abs=1e-5)
        assert float(slopes @ right) == pytest.approx(5, rel=1e-5)  # of the mean, 5 p


def test_forecast_is_that_of_the_failures_upside_down():
    budgets = [1, 3, 4, 20]
    for settings in ({}, {"over": "population"}, {"model": "beta"}):
        ours = forecast(js.AllPass(), UNEVEN, budgets, **settings)
        theirs = forecast(js.PassAtK(), swapped(UNEVEN), budgets, **settings)
        np.testing.assert_allclose(ours.value, 1 - theirs.value, atol=1e-14)
        np.testing.assert_allclose(ours.lower, 1 - theirs.upper, atol=1e-14)
        np.testing.assert_allclose(ours.upper, 1 - theirs.lower, atol=1e-14)
        assert (np.diff(ours.value) <= 0).all()
        assert ours.kind.tolist() == ["estimate", "estimate", "forecast", "forecast"]
    assert ours.model.name == "beta of failures"
    ballots = js.Ballots([[3, 0], [1, 2]], [[True, False], [True, False]])
    same = forecast(js.AllPass(), ballots, budgets).value
    np.testing.assert_array_equal(same, forecast(js.AllPass(), ballots.as_attempts, budgets).value)


def test_queries_with_enough_calls_are_estimated_and_the_others_predicted():
    """As where 81 of 97 tasks have 3 trials and pass^4 is wanted."""
    n = np.where(np.arange(97) < 81, 3, 4)
    data = js.Attempts(n, np.random.default_rng(5).binomial(n, 0.8))
    curve = forecast(js.AllPass(), data, [3, 4], over="population")
    enough = n >= 4
    np.testing.assert_allclose(curve.per_query[enough, 1], data.successes[enough] == 4, atol=1e-15)
    failed = ~enough & (data.successes < 3)
    assert (curve.per_query[failed, 1] == 0).all()
    likely = curve.per_query[~enough & (data.successes == 3), 1]
    assert ((likely > 0.5) & (likely < 1)).all()
    assert curve.value[1] < curve.value[0] == js.estimate(js.AllPass(), data, 3).value


def test_a_prior_is_named_for_what_was_recorded():
    with pytest.warns(DataWarning, match=r"no call was wrong in 6 calls .*for the chance that a call is wrong"):
        curve = forecast(js.AllPass(), js.Attempts([3, 3], [3, 3]), [3, 9])
    assert curve.value[0] == 1
    with pytest.warns(DataWarning, match="nothing was solved"):
        assert forecast(js.AllPass(), js.Attempts([3, 3], [0, 0]), 9).value == 0


@pytest.mark.parametrize("over", ["these", "population"])
def test_intervals_hold_as_often_as_they_claim_where_queries_nearly_always_succeed(over):
    """40 data sets from Betas with their mass next to 1; the bounds leave room for 3 standard errors of a 90% share."""
    hits, rng = [], np.random.default_rng(20)
    for _ in range(40):
        a, b, n = rng.choice([3.0, 10.0]), rng.choice([0.25, 0.5, 1.0]), rng.choice([4, 10])
        p = rng.beta(a, b, 100)
        data = js.Attempts([n] * 100, rng.binomial(n, p))
        budgets = [n, 4 * n]
        curve = forecast(js.AllPass(), data, budgets, over=over)
        for i, k in enumerate(budgets):
            if over == "population":
                truth = float(mp.beta(a + k, b) / mp.beta(a, b))
            else:
                truth = float(js.estimate(js.AllPass(), js.Attempts([k] * 100, rng.binomial(k, p)), k).value)
            hits.append(curve.lower[i] <= truth <= curve.upper[i])
    assert 0.8 <= np.mean(hits) <= 0.99


@pytest.mark.skipif(not MCPMARK.exists(), reason="needs ../shared/data/attempts/mcpmark.parquet")
@pytest.mark.parametrize(
    ("model", "published"), [("gpt-5-high", (51.6, 66.1, 33.1)), ("claude-sonnet-4-5", (32.1, 46.5, 16.5))]
)
def test_published_table_of_mcpmark(model, published):
    import pyarrow.parquet as pq

    runs = pq.read_table(MCPMARK, columns=["model", "service", "problem", "passed"]).to_pylist()
    right = {}
    for run in runs:
        if run["model"] == model:
            right.setdefault((run["service"], run["problem"]), []).append(run["passed"])
    data = js.Attempts([len(each) for each in right.values()], [sum(each) for each in right.values()])
    found = [js.estimate(js.AllPass(), data, 1), js.pass_at_k(data, 4), js.estimate(js.AllPass(), data, 4)]
    assert tuple(round(100 * float(each.value), 1) for each in found) == published
