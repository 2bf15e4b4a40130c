"""Data sets side by side: compared at the queries that all have, and never without a word about the others."""

import json

import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataWarning
from jaxscale.reports import report

RNG = np.random.default_rng(0)
HARD_FIRST = np.sort(RNG.beta(0.4, 3.0, 40))
NAMES = tuple(f"q{i}" for i in range(40))
A = js.Attempts([20] * 40, RNG.binomial(20, np.clip(HARD_FIRST + 0.03, 0, 1)), query=NAMES)
B = js.Attempts([20] * 28, RNG.binomial(20, HARD_FIRST[12:]), query=NAMES[12:])
ELSEWHERE = js.Attempts([20] * 28, B.successes, query=tuple(f"other {i}" for i in range(28)))
DIFFERS = "28 queries are in all 2 groups: 'a' has 12 more (q0, q1, q2, ...)"


def test_groups_are_cut_to_what_all_have_in_one_order():
    back = js.Attempts(B.attempts[::-1], B.successes[::-1], query=B.query[::-1])
    common = js.common_queries({"b": back, "a": A})
    assert common.queries == back.query
    assert common.groups["b"] is back
    np.testing.assert_array_equal(common.groups["a"].successes, A.successes[:11:-1])
    assert common.alone == {"a": NAMES[:12]}
    assert not js.common_queries({"a": A, "b": A}).words
    assert not js.common_queries({"a": A}).words
    assert js.common_queries({"a": A, "b": ELSEWHERE}).queries == ()


def test_all_that_ballots_hold_is_cut():
    scores = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, np.nan], [0.6, np.nan, np.nan]])
    ballots = js.Ballots(
        [[2, 1], [1, 0], [1, 0]],
        [[True, False]] * 3,
        kept_counts=[[1, 1], [1, 0], [0, 0]],
        blank=[0, 1, 0],
        scores=scores,
        greedy_correct=[True, False, True],
        query=("x", "y", "z"),
    )
    other = js.Ballots([[1, 0]] * 2, [[True, False]] * 2, query=("z", "y"))
    cut = js.common_queries({"other": other, "all": ballots}).groups["all"]
    assert cut.query == ("z", "y")
    assert cut.calls.tolist() == [1, 2]
    assert cut.greedy_correct.tolist() == [True, False]
    np.testing.assert_array_equal(cut.scores, [[0.6, np.nan], [0.4, 0.5]])


@pytest.mark.parametrize("query", [None, ("q0", *NAMES[:39])], ids=["no labels", "one label twice"])
def test_queries_that_cannot_be_told_apart_are_said_to_be_so(query):
    unknown = js.Attempts(A.attempts, A.successes, query=query)
    common = js.common_queries({"a": A, "unknown": unknown})
    assert common.queries is None
    assert common.words.startswith("queries of unknown have no labels of their own")


def test_a_plan_compares_at_the_common_queries_and_says_what_it_leaves_out():
    with pytest.warns(DataWarning) as said:
        result = js.plan({"a": A, "b": B}, budget=28 * 8)
    assert [str(each.message) for each in said] == [f"{DIFFERS}; compared at the queries that all have"]
    assert result.queries == 28
    # At the 28 queries a is ahead; at all of its own it is behind.
    assert js.pass_at_k(A, 8).value < js.pass_at_k(B, 8).value
    assert result.best.candidate.name == "a"
    within = {choice.candidate.name: choice for choice in result.choices}["a"]
    assert within.value == pytest.approx(
        js.pass_at_k(js.common_queries({"b": B, "a": A}).groups["a"], within.calls).value
    )


def test_a_plan_for_groups_without_common_queries_needs_their_number():
    with pytest.raises(
        ValueError, match=r"data: no query is in all 2 groups: 'a' has 40 \(q0, q1, q2, ...\), 'b' has 28"
    ):
        js.plan({"a": A, "b": ELSEWHERE}, target=0.5)
    with pytest.warns(DataWarning, match="no query is in all 2 groups"):
        assert js.plan({"a": A, "b": ELSEWHERE}, target=0.5, queries=7).queries == 7


def test_forecasts_side_by_side_say_what_differs():
    with pytest.warns(DataWarning, match="'a' has 12 more .*; values of different queries do not compare"):
        js.forecast(js.PassAtK(), {"a": A, "b": B}, 5)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("common")
    for name, groups in (("part", {"a": A, "b": B}), ("apart", {"a": A, "b": ELSEWHERE}), ("same", {"a": A, "b": A})):
        rows = "".join(
            f"{group},{query},{n},{c}\n"
            for group, data in groups.items()
            for query, n, c in zip(data.query, data.attempts, data.successes, strict=True)
        )
        (folder / f"{name}.csv").write_text(f"model,problem,attempts,successes\n{rows}")
    votes = "".join(f"a,q{i},x,3,1\na,q{i},y,2,0\n" for i in range(9)) + "".join(
        f"b,q{i},x,4,1\nb,q{i},y,1,0\n" for i in range(3, 9)
    )
    (folder / "votes.csv").write_text(f"model,problem,answer,count,correct\n{votes}")
    return folder


@pytest.mark.parametrize(
    ("command", "file", "said"),
    [
        (["forecast", "--k", "5"], "part", DIFFERS),
        (["forecast", "--k", "5", "--model", "beta"], "part", DIFFERS),
        (["plan", "--budget", "100"], "part", DIFFERS),
        (["vote", "--calls", "3"], "votes", "6 queries are in all 2 groups: 'a' has 3 more (q0, q1, q2)"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_say_what_differs_on_stderr_and_in_json(files, capsys, command, file, said):
    name, *options = command
    assert run([name, str(files / f"{file}.csv"), "--group", "model", *options, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.count("warning") == 1
    assert f"warning: {said}; " in err
    (warning,) = json.loads(out)["warnings"]
    assert warning.startswith(said)


def test_commands_are_silent_where_nothing_differs(files, capsys):
    assert run(["plan", str(files / "same.csv"), "--group", "model", "--budget", "100", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "warning" not in err
    assert json.loads(out)["warnings"] == []


def test_the_plan_command_names_the_missing_queries(files, capsys):
    assert run(["plan", str(files / "apart.csv"), "--group", "model", "--budget", "100"]) == 2
    err = capsys.readouterr().err
    assert "no query is in all 2 groups: 'a' has 40 (q0, q1, q2, ...), 'b' has 28 (other 0, other 1, other 2" in err
    assert "None" not in err


def test_a_report_ranks_at_the_common_queries_and_nothing_else():
    page = report({"a": A, "b": B})
    assert "a solves most" in page
    assert "b solves most" not in page
    assert "&#39;a&#39; has 12 more (q0, q1, q2, ...). Everything here is of the queries that all have." in page
    apart = report({"a": A, "b": ELSEWHERE}, costs={"a": js.Cost(1.0), "b": js.Cost(1.0)})
    assert "Each data set has queries of its own, so that none is ranked above another" in apart
    assert "solves most" not in apart
    assert "What it costs" not in apart
