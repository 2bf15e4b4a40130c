"""Where to draw next: the optimum, whole calls, the online rule; and how many samples are enough."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, strategies as st

import jaxscale as js
from jaxscale.cli import run
from jaxscale.planning import Widths
from jaxscale.planning._allocate import _filled, _kept, _whole

SEEN = js.Attempts([40] * 12, [0, 0, 0, 0, 0, 1, 1, 2, 4, 8, 20, 39])


def test_what_is_added_is_the_least_variance_that_there_is():
    rng = np.random.default_rng(0)
    for _ in range(20):
        have, deviation = rng.uniform(1, 50, 8), rng.exponential(size=8)
        added = _filled(have, deviation, 60.0)
        assert (added >= 0).all()
        assert added.sum() == pytest.approx(60)
        least = np.sum(deviation**2 / (have + added))
        # Moving a little from any query that got something to any other makes it worse.
        for i in np.flatnonzero(added > 1e-6):
            for j in range(8):
                moved = added.copy()
                moved[i] -= 1e-4
                moved[j] += 1e-4
                assert np.sum(deviation**2 / (have + moved)) >= least - 1e-12


def test_whole_calls_keep_the_sum():
    rng = np.random.default_rng(1)
    for total in (1, 7, 1000):
        shares = rng.dirichlet(np.ones(9)) * total
        whole = _whole(shares, total)
        assert whole.sum() == total
        assert (np.abs(whole - shares) < 1).all()


@pytest.mark.parametrize("rule", ["optimal", "online", "uniform"])
@pytest.mark.parametrize("calls", [1, 13, 5000])
def test_every_rule_spends_all_calls(rule, calls):
    extra = js.allocate(SEEN, calls, 1000, rule=rule)
    assert extra.sum() == calls
    assert (extra >= 0).all()


def test_alike_queries_get_alike_and_the_solved_get_nothing():
    extra = js.allocate(SEEN, 600, 1000, rule="optimal")
    assert np.ptp(extra[:5]) <= 1
    assert extra[-1] == 0
    assert (js.allocate(SEEN, 24, 1000, rule="uniform") == 2).all()


def test_the_online_rule_in_one_batch_is_the_rule_call_by_call_while_all_fail():
    seen = js.Attempts([5, 9, 7, 30], [0, 0, 1, 0])
    attempts = seen.attempts.copy()
    for _ in range(40):
        fewest = np.flatnonzero(seen.successes == seen.successes.min())
        attempts[fewest[attempts[fewest].argmin()]] += 1
    np.testing.assert_array_equal(seen.attempts + js.allocate(seen, 40, 100, rule="online"), attempts)


def test_more_attempts_narrow_the_interval():
    widths = js.interval_widths(SEEN, 1000, [10, 40, 2000], replicates=2)
    assert widths.attempts.tolist() == [10, 40, 2000]
    assert widths.width[0] > widths.width[2]
    assert widths.width[1] > widths.width[2]
    assert widths.enough(float(widths.width[2])) == 2000
    assert widths.enough(1e-6) is None
    assert widths.enough(1.0) == 10


def test_widths_at_a_size_do_not_depend_on_the_other_sizes():
    several = js.interval_widths(SEEN, 1000, [10, 40, 2000], replicates=2)
    alone = js.interval_widths(SEEN, 1000, [10, 2000], replicates=2)
    np.testing.assert_allclose(alone.width, several.width[[0, 2]], rtol=1e-9)
    np.testing.assert_allclose(alone.value, several.value[[0, 2]], rtol=1e-9)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0, 1))
def test_what_is_enough_stays_enough_with_more(widths, wanted):
    found = Widths(np.arange(1, len(widths) + 1), np.array(widths), np.ones(len(widths)), 10, 0.9)
    enough = found.enough(wanted)
    if enough is None:
        assert widths[-1] > wanted
    else:
        assert max(widths[enough - 1 :]) <= wanted
        assert enough == 1 or widths[enough - 2] > wanted
    narrower = found.enough(wanted / 2)
    assert narrower is None or (enough is not None and narrower >= enough)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 10), r"calls = 0: expected whole numbers from 1"),
        ((5, 0.5), r"k = 0.5: expected whole numbers from 1"),
        ((5, 10, "best"), r"rule = 'best': expected"),
    ],
)
def test_what_cannot_be_spread_is_refused(arguments, message):
    calls, k, *rule = arguments
    with pytest.raises(ValueError, match=message):
        js.allocate(SEEN, calls, k, **({"rule": rule[0]} if rule else {}))
    with pytest.raises(ValueError, match="attempts is a dict: expected Attempts"):
        js.allocate({}, 1, 1)


def test_the_command_writes_what_a_sampler_is_to_draw(tmp_path, capsys):
    rows = zip(range(12), SEEN.attempts.tolist(), SEEN.successes.tolist(), strict=True)
    file, out = tmp_path / "runs.csv", tmp_path / "next.csv"
    file.write_text("problem,attempts,successes\n" + "".join(f"q{i},{n},{c}\n" for i, n, c in rows))
    arguments = ["next", str(file), "--calls", "600", "--k", "1000", "--rule", "optimal"]
    assert run([*arguments, "-o", str(out)]) == 0
    assert capsys.readouterr().out.startswith("all: 600 calls go to")
    with out.open() as lines:
        given = {row["problem"]: int(row["calls"]) for row in csv.DictReader(lines)}
    extra = js.allocate(SEEN, 600, 1000, rule="optimal")
    assert given == {f"q{i}": more for i, more in enumerate(extra.tolist()) if more}
    assert run([*arguments, "--json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    assert list(group["calls"].values()) == extra.tolist()
    assert run(["next", str(file), "--calls", "9", "--k", "1000", "--width", "0.9"]) == 0
    assert "for a width of 0.9: 10 attempts a query are enough, as are the larger numbers up to 640 (" in (
        capsys.readouterr().out
    )
    for bad, message in (
        (["--calls", "0"], "--calls = '0': expected one whole number from 1 to 10^12\n"),
        (["--calls", "-5"], "--calls = '-5': expected one whole number from 1 to 10^12\n"),
        (["--calls", "9", "--k", "1,2"], "--k = '1,2': expected one whole number from 1 to 10^12\n"),
        (["--calls", "9", "--width", "2"], "--width = 2.0: expected a number between 0 and 1"),
        (["--calls", "9", "-o", str(tmp_path / "no" / "x.csv")], "no such directory"),
    ):
        assert run(["next", str(file), *bad]) == 2
        assert message in capsys.readouterr().err


def test_fewer_attempts_out_of_very_many_have_the_moments_of_the_exact_law():
    n, drawn = 10**12, 10**12 // 4
    successes = np.array([0, 3, 1000, 5 * 10**11, n - 2, n])
    rng = np.random.default_rng(0)
    kept = np.array([_kept(successes, np.full(6, n), np.full(6, drawn), rng) for _ in range(4000)], float)
    mean = successes * (drawn / n)
    variance = mean * (1 - drawn / n) * (1 - successes / n)
    np.testing.assert_array_less(np.abs(kept.mean(axis=0) - mean), 5 * np.sqrt(variance / 4000) + 1e-3)
    wide = variance > 0
    np.testing.assert_allclose(kept.var(axis=0)[wide], variance[wide], rtol=0.25)
    assert (kept[:, ~wide] == mean[~wide]).all()
    np.testing.assert_array_equal(_kept(successes, np.full(6, n), np.full(6, n), rng), successes)


@pytest.mark.parametrize("attempts", [10**9, 10**12])
def test_very_many_attempts_have_widths(tmp_path, capsys, attempts):
    path = tmp_path / "many.csv"
    rows = "".join(f"q{i},{attempts},{c}\n" for i, c in enumerate((0, 3, 1000, attempts // 2)))
    path.write_text(f"problem,attempts,successes\n{rows}")
    assert run(["next", str(path), "--calls", "1000", "--width", "0.1", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["groups"][0]["widths"]["points"]
    assert points[-1]["attempts"] == min(16 * attempts, 10**12)
