"""What counts as right: the tool's own conversion, a rule that a person gives, or grading; once for every format."""

import itertools
import json
import re

import numpy as np
import pytest
from _logs import LOG, lines, sample

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning
from jaxscale.io._verdicts import Rule, Scale

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")


def passed(path, *verdicts):
    return lines(path, *({"problem": "p", "passed": verdict} for verdict in verdicts))


def right(path, **options):
    (attempts,) = js.read_attempts(path, **options).values()
    return attempts.successes.tolist(), attempts.attempts.tolist()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [(">= 0.5", 3), ("> 0.5", 2), ("== 1", 1), ("<= 0", 1), ("0.9,1", 2), (">=0.5", 3), ("=0.5", 1), ("1.0", 1)],
)
def test_a_rule_says_which_grades_are_right(tmp_path, rule, expected):
    path = passed(tmp_path / "runs.jsonl", 0.0, 0.5, 0.9, 1)
    assert right(path, right=rule) == ([expected], [4])


def test_grades_without_a_rule_are_refused_with_their_values(tmp_path, capsys):
    path = passed(tmp_path / "runs.jsonl", 1, 0.9, 0, -1)
    with pytest.raises(DataError, match=r"line 2: passed = '0.9', '-1': expected 0 or 1.* --right '>= 0.5'"):
        js.read_attempts(path)
    assert run(["forecast", str(path), "--k", "1", "--right", ">= 0.9", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"][0]["curve"][0]["value"] == pytest.approx(0.5)
    assert run(["forecast", str(path), "--k", "1", "--right", ">= x"]) == 2
    assert "--right = '>= x': 'x' is no number: expected a comparison" in capsys.readouterr().err


def test_words_are_right_where_a_rule_says_so(tmp_path):
    path = passed(tmp_path / "runs.jsonl", "PASS", "fail", "Timeout")
    with pytest.raises(DataError, match="passed = 'PASS', 'fail', 'Timeout': expected 0 or 1, true or false"):
        js.read_attempts(path)
    assert right(path, right="pass") == ([1], [3])
    with pytest.raises(DataError, match="--right '> 0' compares numbers"):
        js.read_attempts(path, right="> 0")


def test_a_row_without_a_verdict_is_dropped_and_counted(tmp_path):
    path = passed(tmp_path / "runs.jsonl", True, None, False)
    with pytest.warns(DataWarning, match="dropped 1 attempt that has no score"):
        assert right(path) == ([1], [2])
    path = tmp_path / "runs.csv"
    path.write_text("problem,passed\na,1\na,\nb,0\n")
    with pytest.warns(DataWarning, match="dropped 1 attempt that has no score"):
        assert right(path) == ([1, 0], [1, 1])
    with pytest.raises(DataError, match="no scored attempts"):
        js.read_attempts(passed(tmp_path / "none.jsonl", None))


def test_a_scale_counts_as_its_tool_does():
    scale = Scale({"c": 1.0, "p": 0.5, "n": 0.0})
    assert [scale.number(text) for text in ("C", " p", "N", "1.0", "true", "", "nan")] == [1, 0.5, 0, 1, 1, None, None]
    assert np.isnan(scale.number("x"))
    assert Scale(other=0.0).number("0.7") == 0.0
    assert [Rule.parsed(">= 0.5").says(text, scale) for text in ("C", "P", "I?", "0")] == [1, 1, -2, 0]


def inspect(path, *values):
    samples = [sample("q", epoch, value, "4") for epoch, value in enumerate(values)]
    path.write_text(json.dumps({**LOG, "samples": samples}))
    return path


def test_inspect_ai_counts_words_as_it_does_itself(tmp_path):
    assert right(inspect(tmp_path / "log.json", "yes", "No", "TRUE", "N", 1, "I")) == ([3], [6])
    partial = inspect(tmp_path / "partial.json", "C", "P", "I")
    with pytest.raises(DataError, match=r"passed = 'P': expected .* --right C,P"):
        js.read_attempts(partial)
    assert right(partial, right="C,P") == right(partial, right=">= 0.5") == ([2], [3])
    with pytest.raises(DataError, match=r"passed = '\[\"C\", \"I\"\]'"):
        js.read_attempts(inspect(tmp_path / "lists.json", ["C", "I"]))


def test_shaped_rewards_of_verl_are_not_guessed(tmp_path):
    base = {"input": "Q", "output": "..", "gts": "4", "step": 3}
    path = lines(tmp_path / "3.jsonl", *({**base, "score": score} for score in (1.1, 0.1, -1.0)))
    with pytest.raises(DataError, match=r"passed = '1.1', '0.1', '-1.0': expected"):
        js.read_attempts(path)
    assert right(path, right=">= 1") == ([1], [3])
    path = lines(tmp_path / "4.jsonl", *({**base, "score": s, "acc": s > 1} for s in (1.1, 0.1, -1.0)))
    assert right(path) == ([1], [3])


def test_a_vote_for_an_answer_of_two_verdicts_is_worth_their_mean(tmp_path):
    calls = [("x", True), ("x", False), ("x", True), ("y", False), ("z", True)]
    path = lines(
        tmp_path / "votes.jsonl", *({"problem": "p", "answer": each, "correct": verdict} for each, verdict in calls)
    )
    with pytest.warns(DataWarning, match="1 answer is right on some calls, wrong on others .*'x' to problem 'p'"):
        ballots = js.read_ballots(path)["all"]
    assert ballots.correct.tolist() == [[True, False, True]]
    assert ballots.verdicts.tolist() == [[pytest.approx(2 / 3), 0.0, 1.0]]
    assert (ballots.right_calls.tolist(), ballots.as_attempts.successes.tolist()) == ([3], [3])
    worth = {"x": 2 / 3, "y": 0.0, "z": 1.0}
    for k in (1, 2, 3, 5):
        won = []
        for drawn in itertools.combinations([answer for answer, _ in calls], k):
            most = max(map(drawn.count, drawn))
            leaders = {answer for answer in drawn if drawn.count(answer) == most}
            won.append(np.mean([worth[answer] for answer in leaders]))
        assert js.majority_at_k(ballots, [k]).value[0] == pytest.approx(np.mean(won))


def test_grading_fills_in_verdicts_and_is_held_against_those_that_are_there(tmp_path):
    def table(*rows):
        keys = ("problem", "answer", "target", "correct")
        return lines(tmp_path / "runs.jsonl", *(dict(zip(keys, row, strict=True)) for row in rows))

    path = table(("p", "1/2", "0.5", None), ("p", "2", "0.5", None), ("q", None, "7", None), ("q", "7", "7", True))
    with pytest.warns(DataWarning, match="graded 3 answers .*; it differs from 0 of 1 recorded verdicts"):
        ballots = js.read_ballots(path, grade="text")["all"]
    assert ballots.correct.tolist() == [[True, False], [True, False]]
    assert ballots.blank.tolist() == [0, 1]
    with pytest.raises(DataError, match="--grade text differs from 1 of 1 recorded verdicts: expected at most 5%"):
        js.read_ballots(table(("p", "x", "x", False), ("p", "y", "x", None)), grade="text")
    with pytest.raises(DataError, match="--grade needs answers and right ones"):
        js.read_attempts(passed(tmp_path / "bare.jsonl", 1), grade="text")
    with pytest.raises(ValueError, match="grade = 'maths': expected one of text, math"):
        js.read_attempts(path, grade="maths")


def test_grading_of_unscored_repeats_must_agree_with_the_scored_answer(tmp_path):
    record = {"target": "4", "filter": "first", "metrics": ["m"], "doc_id": 0, "m": 1.0, "filtered_resps": ["4"]}
    prose = lines(tmp_path / "prose.jsonl", {**record, "resps": [["so 4", "so 5"]]})
    with pytest.raises(DataError, match="--grade text differs from 1 of 1 recorded verdicts"):
        js.read_attempts(prose, grade="text")
    path = lines(tmp_path / "bare.jsonl", {**record, "resps": [["4.0", "5", "4"]], "filtered_resps": ["4.00"]})
    with pytest.warns(DataWarning) as said:
        assert right(path, grade="text") == ([2], [3])
    assert [re.search("0 of its 1 verdicts|graded 3 answers", str(each.message)) is not None for each in said] == [
        True
    ] * 2


def reviews(path, *values):
    """Reviews of evalscope, one a problem: the answer is right where a scorer says so, and there may be none."""
    return lines(
        path,
        *(
            {
                "index": index,
                "target": "4",
                "sample_score": {"group_id": index, "score": {"value": value, "extracted_prediction": answer}},
            }
            for index, (answer, value) in enumerate(values)
        ),
    )


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_a_verdict_by_another_scorer_is_none_by_the_one_that_is_read_and_may_be_graded(tmp_path):
    path = reviews(
        tmp_path / "reviews.jsonl",
        ("4", {"a": 1.0, "b": 1.0}),
        ("5", {"a": 0.0}),
        ("4", {"b": 1.0}),
        ("5", {}),
    )
    plain = js.read_attempts(path)
    assert (right(path), dict(plain.summary.dropped)) == (([1, 0], [1, 1]), {"attempts that have no score": 2})
    assert right(path, grade="text") == ([1, 0, 1, 0], [1, 1, 1, 1])
    assert right(path, scorer="b") == ([1, 1], [1, 1])
    assert right(path, scorer="b", grade="text") == ([1, 0, 1, 0], [1, 1, 1, 1])
    each = js.read_attempts(path, "scorer")
    assert {name: data.query for name, data in each.items()} == {"a": ("0", "1"), "b": ("0", "2")}
    assert dict(each.summary.dropped) == {"attempts that have no score": 4}
    each = js.read_attempts(path, "scorer", grade="text")
    assert {name: data.successes.tolist() for name, data in each.items()} == {"a": [1, 0, 1, 0], "b": [1, 0, 1, 0]}
    assert any("graded 4 answers" in note and "0 of 4 recorded" in note for note in each.summary.notes)


def test_grading_where_nothing_lacks_a_verdict_says_so(tmp_path):
    path = reviews(tmp_path / "reviews.jsonl", ("4", {"a": 1.0}), ("5", {"a": 0.0}))
    with pytest.warns(DataWarning, match="--grade text changes nothing: each of the 2 answers has a verdict"):
        js.read_attempts(path, grade="text")


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_grading_of_repeats_is_held_against_the_filter_that_is_read(tmp_path):
    record = {"doc_id": 0, "target": "4", "resps": [["4.0", "5"]], "metrics": ["m"], "filtered_resps": ["4"]}
    path = lines(
        tmp_path / "runs.jsonl", {**record, "filter": "first", "m": 1.0}, {**record, "filter": "none right", "m": 0.0}
    )
    assert right(path, grade="text") == ([1], [2])
    assert "0 of its 1 verdicts are at odds" in str(js.read_attempts(path, grade="text").summary.notes)
    assert "0 of its 2 verdicts are at odds" in str(js.read_attempts(path, "filter", grade="text").summary.notes)
    unlikely = lines(tmp_path / "odd.jsonl", {**record, "filter": "first", "m": 1.0, "resps": [["5", "6"]]})
    with pytest.raises(DataError, match="--grade text differs from 1 of 1"):
        js.read_attempts(unlikely, grade="text")


def test_math_merges_and_grades_formulas(tmp_path):
    pytest.importorskip("math_verify")
    answers = [r"\frac{1}{2}", "0.5", r"$\frac12$", "x+1", "1+x", "yes", "eys"]
    path = lines(tmp_path / "votes.jsonl", *({"problem": "p", "answer": a, "correct": True} for a in answers))
    with pytest.warns(DataWarning, match="--equivalence math merged 3 of 7"):
        assert js.read_ballots(path, equivalence="math")["all"].counts.tolist() == [[3, 2, 1, 1]]


@pytest.mark.parametrize(
    "spellings",
    [
        ("\u22125", "-5", "\uff0d\uff15", "\u2013 5".replace(" ", "")),
        ("\uff15", "5", "\u0665"),
        ("caf\u00e9", "cafe\u0301", "CAF\u00c9"),
        ("1,000", "1000", "1 000", "1\u202f000", "1\u00a0000"),
        ("(B)", "B", "b", "\uff22"),
    ],
)
def test_spellings_of_unicode_are_one_text(tmp_path, spellings):
    path = lines(
        tmp_path / "votes.jsonl",
        *({"problem": "p", "answer": each, "correct": True} for each in (*spellings, "other")),
    )
    with pytest.warns(DataWarning, match="--equivalence text merged"):
        assert js.read_ballots(path, equivalence="text")["all"].counts.tolist() == [[len(spellings), 1]]


def test_an_unknown_equivalence_is_refused(tmp_path, capsys):
    path = passed(tmp_path / "runs.jsonl", 1)
    with pytest.raises(ValueError, match="equivalence = 'maths': expected one of none, text, math"):
        js.read_ballots(path, equivalence="maths")
    assert run(["vote", str(path), "--equivalence", "maths"]) == 2
    assert "--equivalence = 'maths': expected one of none, text, math" in capsys.readouterr().err


def test_answers_that_mean_none_to_a_tool_never_win(tmp_path):
    base = {"input": "Q", "output": "..", "gts": "4", "score": 1.0, "acc": False, "step": 0}
    calls = [{**base, "pred": "[INVALID]"}] * 3 + [{**base, "pred": "4", "acc": True}]
    ballots = js.read_ballots(lines(tmp_path / "0.jsonl", *calls))["all"]
    assert (ballots.counts.tolist(), ballots.blank.tolist()) == ([[1]], [3])


def errored(path, *calls):
    return lines(path, *({"problem": p, "passed": v, "error": e} for p, v, e in calls))


@pytest.mark.filterwarnings("ignore:.*(dropped|ended in an error)")
def test_errors_are_wrong_or_dropped_as_a_person_says(tmp_path, capsys):
    calls = [("a", True, None), ("a", None, "boom"), ("a", False, "late"), ("b", False, ""), ("b", None, None)]
    path = errored(tmp_path / "runs.jsonl", *calls)
    assert right(path) == ([1, 0], [2, 1])  # a verdict that was recorded stays
    assert right(path, errors="wrong") == ([1, 0], [3, 2])
    assert right(path, errors="drop") == ([1, 0], [1, 1])
    with pytest.raises(ValueError, match="errors = 'keep': expected one of wrong, drop"):
        js.read_attempts(path, errors="keep")
    assert run(["forecast", str(path), "--k", "1", "--errors", "keep"]) == 2
    assert "--errors = 'keep': expected one of wrong, drop" in capsys.readouterr().err


def test_what_the_other_choice_gives_is_said_where_it_matters(tmp_path):
    calls = [(f"q{i}", True, None) for i in range(20)] + [(f"q{i}", None, "boom") for i in range(20)]
    with pytest.warns(DataWarning) as seen:
        assert sum(right(errored(tmp_path / "runs.jsonl", *calls))[0]) == 20
    assert any(
        "20 of 40 calls ended in an error or have no verdict: with these counted as wrong (--errors wrong) pass@1 is "
        "0.5000, not 1.0000" in str(each.message)
        for each in seen
    )
    calls[:20] = [(f"q{i}", i % 2 == 0, None) for i in range(400)]
    with pytest.warns(DataWarning) as seen:
        js.read_attempts(errored(tmp_path / "runs.jsonl", *calls))
    assert not any("--errors" in str(each.message) for each in seen)


def test_a_trial_of_terminal_bench_that_failed_is_wrong_as_the_tool_counts(tmp_path):
    results = [{"task_id": "t", "is_resolved": each} for each in (True, None, False)]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"id": "x", "results": results}))
    with pytest.warns(DataWarning) as seen:
        assert right(path) == ([1], [3])
    assert "1 call that ended in an error or without a verdict counted as wrong" in str(seen[-1].message)
    with pytest.warns(DataWarning):
        assert right(path, errors="drop") == ([1], [2])


def test_no_value_is_proposed_as_right_that_does_not_sound_so(tmp_path):
    path = tmp_path / "runs.csv"
    for words, proposed in ((("no", "yes"), "--right yes"), (("red", "blue"), "--right VALUE")):
        path.write_text("problem,passed\n" + "".join(f"q,{word}\n" for word in words))
        with pytest.raises(DataError, match=rf"as in {proposed} \(found"):
            js.read_attempts(path)


def test_a_rule_names_verdicts_that_are_there(tmp_path, capsys):
    first, second = passed(tmp_path / "a.jsonl", 1, 0, None), passed(tmp_path / "b.jsonl", 0.3)
    assert run(["forecast", str(first), "--k", "1", "--right", "yes"]) == 2
    assert "--right yes: no verdict is 'yes' (found '1', '0')" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"--right 0.3,0.99: no verdict is '0.99' \(found '0.3'\)"):
        js.read_attempts(second, right="0.3,0.99")
    third = passed(tmp_path / "c.jsonl", 1, 0)
    assert right([third, second], right="0.3,1") == ([2], [3])  # each value is in one of the files
    assert (right(third, right=">= 2"), right(third, right=">= 0")) == (([0], [2]), ([2], [2]))


def test_what_is_graded_stays_beside_a_rule(tmp_path):
    calls = [("A", "A", "C"), ("B", "A", "I"), ("A", "A", None)]
    path = lines(
        tmp_path / "a.jsonl",
        *({"problem": "p", "answer": each, "target": gold, "correct": verdict} for each, gold, verdict in calls),
    )
    with pytest.warns(DataWarning, match="graded 1 answer"):
        assert right(path, right="C", grade="text") == ([2], [3])
