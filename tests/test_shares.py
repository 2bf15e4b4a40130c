"""G-Pass@k and its mean over shares: whether a share of k calls is right."""

import itertools
import json

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataWarning
from jaxscale.forecasting import forecast

UNEVEN = js.Attempts([3, 4, 8, 3, 5], [3, 4, 6, 0, 2])
SHARES = [0.25, 0.5, 0.75, 1.0]


def mp_tail(least, n, c, k):
    ways = (mp.binomial(c, j) * mp.binomial(n - c, k - j) for j in range(least, min(k, c) + 1) if k - j <= n - c)
    return mp.fsum(ways) / mp.binomial(n, k)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_estimate_is_the_share_of_subsets_with_enough_right_calls(share, k):
    calls = [[True] * c + [False] * (n - c) for n, c in zip(UNEVEN.attempts, UNEVEN.successes, strict=True)]
    enough = [[sum(chosen) >= share * k for chosen in itertools.combinations(each, k)] for each in calls]
    found = js.estimate(js.ShareAtLeast(share), UNEVEN, k)
    assert float(found.value) == pytest.approx(np.mean([np.mean(each) for each in enough]), rel=1e-13)


def test_ends_are_coverage_and_reliability_and_one_call_is_the_rate():
    for k in (1, 2, 3):
        for system, same in ((js.ShareAtLeast(1.0), js.AllPass()), (js.ShareAtLeast(1 / k), js.PassAtK())):
            value = js.estimate(system, UNEVEN, k).value
            assert float(value) == pytest.approx(float(js.estimate(same, UNEVEN, k).value), rel=1e-13)
            for law in (js.Beta(np.float64(0.5), 2.0), js.TwoPoint(np.float64(0.5), 1.0, 0.25)):
                assert float(js.exact(system, law, k)) == pytest.approx(float(js.exact(same, law, k)), rel=1e-10)
    assert float(js.estimate(js.ShareAtLeast(0.7), UNEVEN, 1).value) == pytest.approx(
        np.mean(UNEVEN.successes / UNEVEN.attempts)
    )


def test_a_share_of_calls_is_taken_up_to_rounding():
    assert [js.ShareAtLeast(0.1).least(k) for k in (1, 10, 30, 31)] == [1, 1, 3, 4]
    assert js.ShareAtLeast(0.7).least(10) == 7  # 0.7 * 10 is below 7 in some orders of rounding
    for bad in (0, 1.5, -1, "half", float("nan")):
        with pytest.raises(ValueError, match=r"share = .*: expected a share in \(0, 1\]"):
            js.ShareAtLeast(bad)


@pytest.mark.parametrize(
    ("n", "c", "k", "share"), [(1000, 300, 200, 0.5), (1000, 700, 500, 0.9), (1000, 999, 999, 1.0)]
)
def test_far_tails_keep_their_digits(n, c, k, share):
    system = js.ShareAtLeast(share)
    with mp.workdps(60):
        expected = float(mp_tail(system.least(k), n, c, k))
    assert 0 < expected < 1e-2
    assert float(js.estimate(system, js.Attempts([n], [c]), k).value) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("k", [1, 4, 7])
def test_mean_share_is_the_mean_of_shares_above_one_half(k):
    places = [i / k for i in range(-(-k // 2) + 1, k + 1)]
    data = js.Attempts([8, 9, 7], [6, 4, 7])
    law = js.Beta(np.float64(0.75), 0.5)
    for value in (lambda system: js.estimate(system, data, k).value, lambda system: js.exact(system, law, k)):
        expected = 2 / k * sum(float(value(js.ShareAtLeast(place))) for place in places)
        assert float(value(js.MeanShare())) == pytest.approx(expected, rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("k", [3, 20])
def test_laws_against_mpmath(k):
    f = np.float64
    least = js.ShareAtLeast(0.6).least(k)
    counts = range(least, k + 1)

    def beta(j):
        return mp.beta(0.5 + j, 0.25 + k - j) / mp.beta(0.5, 0.25)

    def point(p):
        return lambda j: mp.mpf(p) ** j * mp.mpf(1 - p) ** (k - j)

    rows = [
        (js.Beta(f(0.5), 0.25), beta),
        (js.Beta(f(0.5), 0.25, 0.75), lambda j: 0.75 * beta(j)),
        (js.PointMass(f(0.875)), point(0.875)),
        (js.TwoPoint(f(0.25), 1.0, 0.5), lambda j: 0.25 * (j == k) + 0.75 * point(0.5)(j)),
        (
            js.Grid(np.array([0.0, 0.5, 1.0]), np.array([0.25, 0.5, 0.25])),
            lambda j: 0.25 * (j == k) + 0.5 * point(0.5)(j),
        ),
        (js.Kumaraswamy(f(1.0), 1.0), lambda j: mp.beta(1 + j, 1 + k - j)),
        (js.ScaledBeta(f(1.0), 1.0, 1.0), lambda j: mp.beta(1 + j, 1 + k - j)),
        (
            js.Mixture([js.Beta(f(0.5), 0.25), js.PointMass(f(1.0))], np.array([0.5, 0.5])),
            lambda j: (beta(j) + (j == k)) / 2,
        ),
    ]
    for law, moment in rows:
        expected = mp.fsum(mp.binomial(k, j) * moment(j) for j in counts)
        assert float(js.exact(js.ShareAtLeast(0.6), law, k)) == pytest.approx(float(expected), rel=1e-9), law


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("least", [1, 3, 4])
def test_slope_in_p_up_to_both_ends(p, least):
    k = 4
    slope = least * float(mp.binomial(k, least)) * p ** (least - 1) * (1 - p) ** (k - least)  # of a binomial tail
    found = jax.grad(lambda p: js.exact(js.ShareAtLeast(least / k), js.PointMass(p), k))(jnp.asarray(p))
    assert float(found) == pytest.approx(slope, rel=1e-5, abs=1e-6)
    answers = jax.grad(
        lambda p: js.exact(js.ShareAtLeast(least / k), js.AnswerDistribution(jnp.stack([p, 1 - p])[None]), k)
    )
    assert float(answers(jnp.asarray(p))) == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_too_many_calls_are_refused():
    with pytest.raises(ValueError, match="calls = 2000000: expected at most 1000000 for ShareAtLeast"):
        js.exact(js.ShareAtLeast(0.5), js.Beta(1.0, 1.0), 2_000_000)
    with pytest.raises(ValueError, match="calls = 20000: expected at most 10000 for MeanShare"):
        forecast(js.MeanShare(), UNEVEN, 20_000)
    with pytest.raises(ValueError, match="model = 'beta': expected auto for ShareAtLeast"):
        forecast(js.ShareAtLeast(0.5), UNEVEN, 9, model="beta")


def test_forecast_is_the_estimate_within_each_query_s_calls_and_a_prediction_beyond():
    curve = forecast(js.ShareAtLeast(0.75), UNEVEN, [2, 3, 4, 8], over="population")
    assert curve.kind.tolist() == ["estimate", "estimate", "forecast", "forecast"]
    np.testing.assert_allclose(curve.value[:2], js.estimate(js.ShareAtLeast(0.75), UNEVEN, [2, 3]).value, rtol=1e-12)
    of_eight = js.Attempts([8], [6])
    np.testing.assert_allclose(curve.per_query[2], js.estimate(js.ShareAtLeast(0.75), of_eight, curve.calls).value)
    assert curve.per_query[1, 2] == 1  # 4 of 4
    assert curve.per_query[3, 2] == 0  # 3 of 4 are out of reach
    assert curve.per_query[4, 3] == 0  # 2 of 5: 6 of 8 are out of reach
    assert 0.5 < curve.per_query[0, 3] < 1  # 3 of 3
    assert ((curve.lower <= curve.value) & (curve.value <= curve.upper)).all()


def test_forecast_has_no_jump_where_the_data_end_and_agrees_with_its_ends():
    rng = np.random.default_rng(4)
    data = js.Attempts([10] * 80, rng.binomial(10, rng.beta(3, 0.5, 80)))
    for share, same in ((1.0, js.AllPass()), (1e-6, js.PassAtK())):
        ours, theirs = (forecast(system, data, [10, 11, 40]) for system in (js.ShareAtLeast(share), same))
        np.testing.assert_allclose(ours.value[0], theirs.value[0], atol=1e-12)
        np.testing.assert_allclose(ours.value, theirs.value, atol=0.02)  # which are averaged with a line
        np.testing.assert_allclose(ours.lower[1:], theirs.lower[1:], atol=0.04)
        assert abs(ours.value[1] - ours.value[0]) < 0.03
    ballots = js.Ballots([[3, 0], [1, 2]], [[True, False], [True, False]])
    same = [forecast(js.MeanShare(), each, [2, 3, 9]).value for each in (ballots, ballots.as_attempts)]
    np.testing.assert_array_equal(*same)
    with pytest.warns(DataWarning, match="no call was wrong"):
        sure = forecast(js.MeanShare(), js.Attempts([4] * 9, [4] * 9), [4, 8])
    assert sure.value[1] > 0.8


def test_intervals_hold_as_often_as_they_claim():
    """24 data sets, beyond the record; the bounds leave room for 3 standard errors of a 90% share."""
    hits, rng = [], np.random.default_rng(21)
    for number in range(24):
        system = (js.ShareAtLeast(0.75), js.ShareAtLeast(0.4), js.MeanShare())[number % 3]
        a, b, n = rng.choice([0.5, 3.0, 10.0]), rng.choice([0.25, 0.5, 1.0]), rng.choice([4, 10])
        p = rng.beta(a, b, 100)
        data, k = js.Attempts([n] * 100, rng.binomial(n, p)), 4 * n
        again = js.estimate(system, js.Attempts([k] * 100, rng.binomial(k, p)), k).value
        expected = float(js.exact(system, js.Beta(np.float64(a), b), k))
        for over, truth in (("these", again), ("population", expected)):
            curve = forecast(system, data, k, over=over)
            hits.append(curve.lower <= truth <= curve.upper)
    assert 0.77 <= np.mean(hits) < 1


def test_a_mean_of_ones_is_one():
    for queries in (3, 49, 100):  # a hundredth, added up a hundred times, is more than 1
        data = js.Attempts(np.arange(queries) + 5, np.arange(queries) + 5)
        for system in (js.ShareAtLeast(0.5), js.AllPass(), js.PassAtK()):
            assert js.estimate(system, data, 4).value == 1


def told(capsys, *arguments):
    return run(["forecast", *map(str, arguments)]), capsys.readouterr()


def test_the_command_forecasts_reliability_and_shares(tmp_path, capsys):
    table = tmp_path / "trials.csv"
    rows = [f"{i},{n},{c}" for i, (n, c) in enumerate(zip(UNEVEN.attempts, UNEVEN.successes, strict=True))]
    table.write_text("\n".join(["problem,attempts,successes", *rows, ""]))
    for options, system in (
        (["--system", "all-pass"], js.AllPass()),
        (["--system", "share-at-least", "--share", "0.75"], js.ShareAtLeast(0.75)),
        (["--system", "mean-share"], js.MeanShare()),
    ):
        code, said = told(capsys, table, "--calls", "3,4", "--json", *options)
        assert code == 0
        found = json.loads(said.out)
        assert found["system"] == system.command
        values = [row["value"] for row in found["groups"][0]["curve"]]
        np.testing.assert_allclose(values, forecast(system, UNEVEN, [3, 4]).value, rtol=1e-12)
    code, said = told(
        capsys, table, "--calls", "4", "--system", "all-pass", "--fail-under", "0.99", "--plot", tmp_path / "a.png"
    )
    assert code == 3
    assert "pass^k" in said.out
    assert "all: pass^4 = " in said.err
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--system", "vote"], "--system = 'vote': expected pass-at-k, all-pass, share-at-least, mean-share"),
        (["--system", "share-at-least"], "--system share-at-least without --share: expected both"),
        (["--share", "0.5"], "--share without --system share-at-least: expected both"),
        (["--system", "share-at-least", "--share", "1.5"], "--share = 1.5: expected a share in (0, 1]"),
        (["--system", "mean-share", "--model", "beta"], "--model = 'beta': expected auto for MeanShare"),
        (["--system", "mean-share", "--calls", "1e5"], "--calls = 100000: expected at most 10000 for MeanShare"),
    ],
)
def test_the_command_refuses_in_one_line(tmp_path, capsys, options, message):
    table = tmp_path / "trials.csv"
    table.write_text("problem,attempts,successes\na,3,2\nb,4,4\n")
    code, said = told(capsys, table, *options)
    assert code == 2
    assert message in said.err
    assert said.out == ""
