"""`jaxscale vote`: its numbers, its words, its picture, what it refuses, and real ballots against resampling."""

import dataclasses
import json
from pathlib import Path

import jax
import numpy as np
import pytest
from matplotlib.figure import Figure

import jaxscale as js
from jaxscale.cli import run
from jaxscale.estimators import VoteShape
from jaxscale.forecasting import best_vote, forecast
from jaxscale.forecasting._vote_summary import helps
from jaxscale.plot import plot_votes
from jaxscale.samples import sample_ballots
from jaxscale.systems import Vote

REAL = Path(__file__).parent.parent.parent / "shared" / "data" / "ballots"


def output(capsys, *arguments, code=0):
    assert run(["vote", *map(str, arguments)]) == code
    return capsys.readouterr()


def write(path, columns, rows):
    path.write_text("\n".join([columns, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def ballots(tmp_path):
    """Four easy queries and four hard ones of 20 ballots, a blank in each, in two groups; a filter keeps most right."""
    rows = []
    for model, easy in (("x", 12), ("y", 14)):
        for i in range(8):
            right = easy + i % 4 if i < 4 else 8 - i % 4
            rows += [
                (model, f"q{i}", "7", right, 1, right - 1),
                (model, f"q{i}", "8", 19 - right, 0, 2),
                (model, f"q{i}", "", 1, 0, 0),
            ]
    return write(tmp_path / "ballots.csv", "model,problem,answer,count,correct,kept", rows)


def test_the_json_of_a_vote(ballots, capsys):
    arguments = (ballots, "--group", "model", "--calls", "9,1,40,20", "--json")
    out, err = output(capsys, *arguments)
    assert [line.split(": ")[2:4] for line in err.splitlines()] == [
        ["x", "more calls may hurt"],
        ["y", "more calls may hurt"],
    ]
    assert err.count("(within the noise of 8 queries)") == 2
    result = json.loads(out, parse_constant=pytest.fail)
    assert (result["command"], result["system"], result["seed"]) == ("vote", "vote", 0)
    assert [group["name"] for group in result["groups"]] == ["x", "y"]
    data = js.read_ballots(ballots, "model")["x"]
    group = result["groups"][0]
    assert (group["queries"], group["attempts_min"], group["attempts_max"], group["blank"]) == (8, 20, 20, 8)
    assert [row["calls"] for row in group["curve"]] == [9, 1, 40, 20]
    assert [row["kind"] for row in group["curve"]] == ["estimate", "estimate", "forecast", "estimate"]
    assert all(0 <= row["lower"] <= row["value"] <= row["upper"] <= 1 for row in group["curve"])
    values = {row["calls"]: row["value"] for row in group["curve"]}
    assert [values[k] for k in (1, 9, 20)] == pytest.approx(js.majority_at_k(data, [1, 9, 20]).value, abs=1e-12)
    assert values[40] == pytest.approx(float(forecast(Vote(), data, 40).value), abs=0.05)
    assert group["model"]["name"] == "auto"

    easy, hard = (group["parts"][name] for name in ("easy", "hard"))
    assert (easy["queries"], hard["queries"]) == (4, 4)
    for part, expected in js.majority_by_difficulty(data, [9]).items():
        (row,) = (row for row in group["parts"][part]["curve"] if row["calls"] == 9)
        assert row["value"] == pytest.approx(expected.value[0], abs=1e-12)
        assert row["standard_error"] == pytest.approx(expected.standard_error[0], abs=1e-12)
    best = js.best_majority(data)
    assert group["best"]["calls"] == best.calls
    assert group["best"]["gain"] == pytest.approx(best.gain, abs=1e-12)
    assert group["best"]["gain_lower"] == pytest.approx(best.gain_lower, abs=1e-12)
    assert group["shape"] in ("rises", "rises then falls", "falls", "falls then rises", "flat")
    assert group["difficulty"]["limit"] == pytest.approx(0.5)
    assert output(capsys, *arguments).out == out


@pytest.mark.parametrize("flags", [[], ["--filter-calls-count"]])
def test_a_filtered_vote(ballots, capsys, flags):
    arguments = (ballots, "--group", "model", "--calls", "2,8,10", "--json", "--system", "filter-vote", *flags)
    group = json.loads(output(capsys, *arguments).out)["groups"][1]
    data = js.read_ballots(ballots, "model")["y"]
    expected = js.exact(js.FilterVote(filter_calls_count=bool(flags)), data, [2, 8, 10])
    assert [row["value"] for row in group["curve"]] == pytest.approx(expected, abs=1e-12)
    # Kept are all right answers but one and two wrong ones: every query is easy once it is filtered.
    assert set(group["parts"]) == {"easy"}
    assert group["difficulty"]["limit"] == 1
    assert group["shape"] == "rises"
    assert group["shape_calls"] == ([2, 20] if flags else [1, 10])


def test_the_words_of_a_vote_that_rises_then_falls(tmp_path, capsys):
    easy = [(f"e{i}", answer, count, right) for i in range(30) for answer, count, right in (("7", 51, 1), ("8", 9, 0))]
    hard = [(f"h{i}", answer, count, right) for i in range(30) for answer, count, right in (("7", 26, 1), ("8", 34, 0))]
    path = write(tmp_path / "ballots.csv", "problem,answer,count,correct", [*easy, *hard])
    out, err = output(capsys, path, "--calls", "1,9,60")
    assert "60 queries x 60 ballots" in out
    assert "never win" not in out
    assert "shape: rises, then falls after 5 calls (as recorded, from 1 to 30 calls)" in out
    assert "best: 5 calls" in out
    assert "does voting help at all? yes" in out
    assert "easy: the right answer leads in 30 queries, surely in 30; hard: a wrong answer leads in 30" in out
    assert "beyond 30 calls, half of the ballots, an estimate decides near ties as this record does" in out
    assert "half of the ballots" not in output(capsys, path, "--calls", "1,30")[0]
    assert "accuracy tends to 0.5000" in out
    read, warning = err.splitlines()
    assert read.startswith(f"jaxscale: read {path} as csv: 60 queries x 60 ballots; 120 distinct answers")
    assert warning.startswith("jaxscale: warning: all: more calls hurt: accuracy falls from 0.6")
    curve = js.vote_curve(js.read_ballots(path)["all"])
    # The same from the closed form of two answers, with replacement.
    assert js.curve_shape(0.5, 51 / 60, 26 / 60) == "rises then falls" == curve.shape.kind
    assert curve.shape.beyond_noise
    assert abs(curve.best.calls - js.best_calls(0.5, 51 / 60, 26 / 60)) <= 2


def two_answers(*right, calls=40):
    return js.Ballots([[count, calls - count] for count in right], [[True, False]] * len(right))


@pytest.mark.parametrize(
    ("ballots", "kind", "helps"),
    [
        (two_answers(*[30] * 10), "rises", True),
        (two_answers(*[10] * 10), "falls", False),
        (two_answers(*[20] * 10), "flat", False),
        (two_answers(*[40] * 10), "flat", False),
        (two_answers(*[22] * 10, *[8] * 10), "falls then rises", False),
        (two_answers(30, calls=40), "rises", True),
        (two_answers(*[2] * 5, calls=3), "unknown", False),
    ],
)
def test_shapes(ballots, kind, helps):
    curve = js.vote_curve(ballots)
    assert curve.shape.kind == kind
    assert curve.best.helps == helps
    if kind == "falls then rises":
        assert curve.shape.words == f"falls, then rises after {curve.shape.turns[0]} calls"


def foretold(recorded, calls, values):
    """A forecast with the same value for all queries."""
    values = np.asarray(values, float)
    kind = np.full(len(calls), "forecast")
    model = js.forecast(js.PassAtK(), js.Attempts([1, 1], [0, 1]), 1).model
    by_query = np.broadcast_to(values, (len(recorded.per_query), len(calls)))
    return js.Forecast(np.array(calls), values, values - 0.01, values + 0.01, model, kind, per_query=by_query)


def test_the_best_number_of_calls_is_looked_for_on_the_forecast_too():
    recorded = js.vote_curve(two_answers(*[12] * 10, calls=16))
    assert (recorded.best.calls, recorded.best.last, recorded.best.at_end) == (7, 8, False)
    assert recorded.best.words == ("7", "7 to 7")
    top = float(recorded.estimate.value.max())
    # Not ahead by more than the margin: what was recorded stands, and now more was looked at.
    flat = best_vote(recorded, foretold(recorded, [20, 40, 80], [top] * 3))
    assert (flat.calls, flat.forecast, flat.at_end, flat.last) == (7, False, False, 80)
    # Levels off: the fewest calls that come near the highest value.
    level = best_vote(recorded, foretold(recorded, [20, 40, 80], [top + 0.02, top + 0.03, top + 0.033]))
    assert (level.calls, level.forecast, level.at_end, level.words) == (40, True, False, ("40", "40 to 40"))
    assert level.gain == pytest.approx(top + 0.03 - recorded.estimate.value[0])
    assert level.gain_lower == pytest.approx(level.gain - 0.01)
    # Still rises: the end, and both the number and its interval are open.
    rising = best_vote(recorded, foretold(recorded, [20, 40, 80], [top + 0.02, top + 0.03, top + 0.05]))
    assert (rising.calls, rising.at_end, rising.words) == (80, True, ("80 or more", "80 or more"))


def test_a_curve_that_rises_to_the_end_of_the_search_is_said_to(tmp_path, capsys):
    rows = [(f"q{i}", a, n, r) for i, c in enumerate((9, 10, 6, 9)) for a, n, r in (("7", c, 1), ("8", 16 - c, 0))]
    path = write(tmp_path / "ballots.csv", "problem,answer,count,correct", rows)
    out, _ = output(capsys, path, "--calls", "1,8")
    assert "or more calls, a forecast (90% interval" in out
    assert "still rising at the end of the forecast: more than 160 calls were not looked at" in out
    group = json.loads(output(capsys, path, "--calls", "1,8", "--json").out)["groups"][0]
    best = group["best"]
    assert (best["calls"], best["at_end"], best["kind"], best["looked_up_to"]) == (160, True, "forecast", 160)
    assert group["best_recorded"]["calls"] <= 8
    assert [row["calls"] for row in group["curve"]] == [1, 8]


def test_noise_is_not_called_a_shape():
    # One query rises, one falls a little more: the direction hangs on which of them a resample holds.
    curve = js.vote_curve(two_answers(32, 6))
    assert curve.shape.moves
    assert not curve.shape.beyond_noise
    assert VoteShape((), (), 1, 9, False).words == "flat"


def test_many_ballots_are_looked_at_on_a_grid(monkeypatch):
    monkeypatch.setattr("jaxscale.estimators._vote_difficulty._EVERY", 10)
    monkeypatch.setattr("jaxscale.estimators._vote_difficulty._BEYOND", 5)
    curve = js.vote_curve(two_answers(70, 30, calls=100), also=[100])
    assert curve.estimate.calls.tolist() == [*range(1, 11), 15, 22, 33, 50, 100]
    assert curve.shape.last == 50
    assert curve.best.calls <= 50


BALLOTS = "problem,answer,count,correct\na,7,6,1\na,8,4,0\nb,7,3,1\nb,8,7,0\n"
BAD = {
    "zero": (BALLOTS, ["--calls", "0"], "--calls = '0': expected whole numbers from 1 to 10^5"),
    "text": (BALLOTS, ["--calls", "1,ten"], "--calls = 'ten': expected whole numbers from 1 to 10^5"),
    "too many": (BALLOTS, ["--calls", "100001"], "--calls = '100001': expected whole numbers from 1 to 10^5"),
    "level": (BALLOTS, ["--level", "2"], "--level = 2.0: expected a number between 0 and 1"),
    "no filter": (BALLOTS, ["--system", "filter-vote"], "--system = 'filter-vote': all: expected files with a column"),
    "unknown system": (BALLOTS, ["--system", "veto"], "'--system'"),
    "half a call": (
        BALLOTS,
        ["--system", "filter-vote", "--filter-calls-count", "--calls", "1,5"],
        "--calls = 1: expected at least 2",
    ),
    "filter calls alone": (BALLOTS, ["--filter-calls-count"], "--filter-calls-count: expected only with --system"),
    "kept > count": (
        "problem,answer,count,correct,kept\na,7,6,1,7\n",
        [],
        "ballots.csv, line 2: kept = 7 of count = 6: expected at most as many",
    ),
    "no ballots": ("problem,answer,count,correct\na,7,6,1\nb,7,0,1\n", [], "problem 'b' has 0 ballots"),
    "inconsistent gold": ("problem,answer,correct,gold\na,7,1,7\na,8,0,8\n", [], "gold"),
    "missing score": ("problem,answer,correct,score\na,7,1,0.5\na,8,0,\n", [], "line 3: score is empty"),
    "blank and right": ("problem,answer,correct\na,,1\n", [], "an empty answer is marked correct"),
    "attempts": ("problem,attempts,successes\na,3,1\n", [], "holds attempts, not ballots"),
    "picture of no kind": (BALLOTS, ["--plot", "out.txt"], "--plot = 'out.txt'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(name, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, options, expected = BAD[name]
    Path("ballots.csv").write_text(content)
    out, err = output(capsys, "ballots.csv", *options, code=2)
    assert out == ""
    assert err.startswith("jaxscale: ")
    assert err.count("\n") == 1
    assert expected in err
    assert [path.name for path in Path().iterdir()] == ["ballots.csv"]


def test_odd_input_that_can_be_used(tmp_path, capsys):
    path = write(tmp_path / "ballots.csv", "problem,answer,count,correct", [("a", 7, 4, 0), ("b", 8, 4, 0)])
    out, err = output(capsys, path, "--calls", "2,4")
    assert "no answer is marked correct: accuracy is 0 by construction" in err
    assert out.count("0.0000") >= 2
    # Spellings are counted together on request, and how many is said.
    rows = [("a", " 1000", 2, 1), ("a", '"1,000"', 2, 1), ("a", "999", 3, 0)]
    path = write(tmp_path / "spelt.csv", "problem,answer,count,correct", rows)
    assert json.loads(output(capsys, path, "--calls", "7", "--json").out)["groups"][0]["curve"][0]["value"] == 0
    merged, err = output(capsys, path, "--calls", "7", "--json", "--equivalence", "text")
    assert json.loads(merged)["groups"][0]["curve"][0]["value"] == pytest.approx(1)
    assert "--equivalence text merged 1 of 3 answers" in err


def test_blank_calls_are_counted_and_never_win(tmp_path, capsys):
    path = write(tmp_path / "ballots.csv", "problem,answer,count,correct", [("a", "", 7, 0), ("a", "7", 3, 1)])
    out, _ = output(capsys, path, "--calls", "1,10")
    assert "7 of 10 without an answer (these never win)" in out
    assert "1.0000" in out


def test_pictures(ballots, tmp_path, capsys):
    lines = ballots.read_text().splitlines()
    single = tmp_path / "single.csv"
    single.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("x"))]) + "\n")
    for arguments in ((single,), (ballots, "--group", "model")):
        picture = tmp_path / "vote.png"
        plain = output(capsys, *arguments, "--calls", "1,40", "--json")
        assert output(capsys, *arguments, "--calls", "1,40", "--json", "--plot", picture) == plain
        assert picture.read_bytes().startswith(b"\x89PNG")
        picture.unlink()


def test_what_is_drawn():
    data = two_answers(*[30] * 5, *[10] * 5)
    recorded = js.vote_curve(data)
    curve = forecast(Vote(), data, [1, 5, 20, 40, 41, 100], model="scaling")
    axes = Figure().subplots()
    assert plot_votes(axes, curve, curve, best=recorded.best) is axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[:3] == ["all queries, estimate", "from over half of the ballots", "forecast"]
    assert names[3].startswith(f"best: {recorded.best.words[0]} call")
    assert axes.get_xscale() == "log"
    lines = {line.get_label(): line for line in axes.lines}
    assert [lines[name].get_xdata().tolist() for name in names[:3]] == [[1, 5, 20], [20, 40], [41, 100]]
    assert lines[names[3]].get_xdata().tolist() == [recorded.best.calls]
    axes = Figure().subplots()
    plot_votes(axes, curve, parts=recorded.parts)
    assert {"easy", "hard", "all"} <= {text.get_text() for text in axes.texts}
    assert axes.get_legend() is None


def test_the_sample_rises_then_falls():
    sample = sample_ballots()
    curve = js.vote_curve(sample)
    assert curve.shape.kind == "rises then falls"
    assert curve.best.helps
    np.testing.assert_array_equal(sample.counts, sample_ballots().counts)
    assert not np.array_equal(sample.counts, sample_ballots(jax.random.key(1)).counts)


def resampled(counts, right, blank, k, rng, draws=2000):
    """Mean and variance of a vote over k of one query's ballots, ties split, by drawing them."""
    drawn = rng.multivariate_hypergeometric([*counts, blank], k, draws)[:, :-1]
    leads = (drawn == drawn.max(axis=1, keepdims=True)) & (drawn > 0)
    won = (leads & right).sum(axis=1) / np.maximum(leads.sum(axis=1), 1)
    return won.mean(), won.var()


@pytest.mark.parametrize("name", ["aiw_o1_mini", "game24_gpt4_cot"])
def test_real_ballots_agree_with_resampling(name, capsys):
    path = REAL / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"no {path}")
    budgets = [3, 10, 30]
    group = json.loads(output(capsys, path, "--calls", ",".join(map(str, budgets)), "--json").out)["groups"][0]
    data = js.read_ballots(path)["all"]
    rng = np.random.default_rng(0)
    rows = list(zip(data.counts, data.correct, data.blank, strict=True))
    for row in group["curve"]:
        mean, variance = np.mean([resampled(*query, row["calls"], rng) for query in rows], axis=0)
        error = np.sqrt(variance / (2000 * len(rows)))
        assert 0 < error < 0.002
        assert row["value"] == pytest.approx(mean, abs=5 * error)


def test_whether_voting_helps_is_said_of_the_number_of_calls_that_it_is_true_of():
    sure = js.estimators.BestMajority(8, 5, 10, 0.09, 0.07, 0.1, level=0.9, last=30)
    unsure = dataclasses.replace(sure, calls=80, gain=0.1, gain_lower=-0.1, gain_upper=0.4, last=80)
    worse = dataclasses.replace(unsure, calls=1, gain=0.0)
    assert helps(sure, sure) == "yes"
    assert (
        helps(unsure, sure) == "yes, within the data: 8 calls, +0.0900 over one call, 90% interval +0.0700 to +0.1000"
    )
    assert helps(unsure, unsure) == "not beyond the noise of these queries"
    assert helps(worse, worse) == "no"
