"""Logs of other tools: hand-made records with the fields of FORMATS.md, and the real small logs where they are."""

import csv
import json
import warnings

import pytest
from _logs import LOG, LOGS, counts, lines, recognised

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import read_either

# Logs as small as these look as if sampling stopped at a success.
pytestmark = pytest.mark.filterwarnings("ignore:.*(stopped at the first success|ended in an error or have no)")


def test_humaneval(tmp_path):
    outcomes = [("HumanEval/0", True), ("HumanEval/1", False), ("HumanEval/0", False)]
    records = [{"task_id": t, "completion": "x", "result": "r", "passed": p} for t, p in outcomes]
    path = lines(tmp_path / "x_results.jsonl", *records)
    assert recognised(path) == "humaneval"
    assert counts(path) == {"HumanEval/0": (1, 2), "HumanEval/1": (0, 1)}
    with pytest.raises(DataError, match="holds attempts, not ballots"):
        js.read_ballots(path)


def evalplus(path, *statuses):
    attempts = [{"task_id": "t/0", "solution": "x", "base_status": b, "plus_status": p} for b, p in statuses]
    path.write_text(json.dumps({"date": "2026", "hash": "0", "eval": {"t/0": attempts, "t/1": attempts[:1]}}, indent=1))
    return path


def test_evalplus_is_right_only_if_base_and_plus_pass_unless_base_is_chosen(tmp_path):
    statuses = [("pass", "pass"), ("pass", "fail"), ("fail", "pass"), ("pass", None), (None, None), ("timeout", None)]
    path = evalplus(tmp_path / "eval_results.json", *statuses)
    assert recognised(path) == "evalplus"
    with pytest.warns(DataWarning) as seen:
        assert counts(path) == {"t/0": (1, 3), "t/1": (1, 1)}
    assert [str(each.message).removeprefix(f"{path}: ") for each in seen][:2] == [
        "read scorer 'plus' of 'plus', 'base': --scorer names another, --group scorer reads each",
        "dropped 3 attempts that have no score",
    ]
    with pytest.warns(DataWarning, match="dropped 1 attempt that has no score"):
        (attempts,) = js.read_attempts(path, scorer="base").values()
    assert (attempts.successes.tolist(), attempts.attempts.tolist()) == ([3, 1], [5, 1])
    with pytest.warns(DataWarning, match="dropped 4"):
        groups = js.read_attempts(path, "scorer")
    assert {key: each.successes.tolist() for key, each in groups.items()} == {"plus": [1, 1], "base": [3, 1]}


def test_evalplus_without_its_additional_tests_has_one_verdict(tmp_path):
    path = evalplus(tmp_path / "eval_results.json", ("pass", None), ("fail", None), ("pass", None))
    assert counts(path) == {"t/0": (2, 3), "t/1": (1, 1)}
    assert js.read_attempts(path).summary.scorers == ("base",)
    with pytest.raises(DataError, match="no scorer 'plus': found 'base'"):
        js.read_attempts(path, scorer="plus")


def lm_eval(filter_name, filtered, responses=("5", " 4", "4"), **more):
    record = {"doc_id": 3, "target": "4", "resps": [list(responses)], "filtered_resps": list(filtered)}
    return {**record, "filter": filter_name, "metrics": ["exact_match"], **more}


def test_lm_eval_scores_repeats_against_the_target(tmp_path):
    bare = lm_eval("first", ["5"], exact_match=0.0)
    path = lines(tmp_path / "samples.jsonl", bare, lm_eval("vote", ["4"], exact_match=1.0))
    assert recognised(path) == "lm-eval"
    with pytest.warns(DataWarning) as seen:
        assert counts(path) == {"3": (2, 3)}
    assert "compared with the target, which gives every verdict" in str(seen[0].message)
    assert "read filter 'first' of 'first', 'vote': --scorer names another" in str(seen[1].message)
    with pytest.warns(DataWarning, match="compared with the target"):
        groups = js.read_ballots(path, "filter")
    assert groups["first"].counts.tolist() == [[1, 1, 1]]
    assert groups["first"].correct.tolist() == [[False, True, True]]


@pytest.mark.filterwarnings("ignore:.*read filter")
def test_lm_eval_repeats_that_were_not_scored_are_no_attempts(tmp_path):
    prose = ("so 5", "so 4", "so 4")
    first = lm_eval("first", ["5"], prose, exact_match=0.0)
    path = lines(tmp_path / "samples.jsonl", first, lm_eval("vote", ["4"], prose, exact_match=1.0))
    with pytest.warns(DataWarning, match="2 responses have no verdict, as the harness scored one answer a document"):
        assert counts(path) == {"3": (0, 1)}
    with pytest.warns(DataWarning, match="2 responses have no verdict"):
        assert js.read_attempts(path, scorer="vote")["all"].successes.tolist() == [1]
    # A bare answer whose verdict another comparison gave says that the harness compares in a way of its own.
    path = lines(path, lm_eval("first", ["4.0"], ("4.0", "4", "5"), exact_match=1.0))
    with pytest.warns(DataWarning, match="2 responses have no verdict"):
        assert counts(path) == {"3": (1, 1)}


def test_lm_eval_reads_a_filter_that_keeps_all_before_others(tmp_path):
    prose = ("so 5", "so 4", "well")
    every = lm_eval("all", [["5", "4", "[invalid]"]], prose, exact_match=1 / 3)
    path = lines(tmp_path / "samples.jsonl", lm_eval("first", ["5"], prose, exact_match=0.0), every)
    with pytest.warns(DataWarning, match="read filter 'all' of 'first', 'all'"):
        assert counts(path) == {"3": (1, 3)}
    with pytest.warns(DataWarning, match="read filter 'all'"):
        ballots = js.read_ballots(path)["all"]
    assert (ballots.counts.tolist(), ballots.blank.tolist()) == ([[1, 1]], [1])
    # What is no share of equal answers is the harness's own count of right ones.
    path = lines(path, {**every, "exact_match": 2 / 3})
    assert counts(path) == {"3": (2, 3)}
    path = lines(path, {**every, "exact_match": 0.4})
    with pytest.raises(DataError, match=r"passed = '0.4': expected 0 or 1, true or false; .* --right '>= 0.5'"):
        js.read_attempts(path)


def test_lm_eval_before_it_named_metrics_and_filters(tmp_path):
    def old(document, filtered, verdict):
        record = {"doc_id": document, "doc": {}, "target": "4", "arguments": [], "resps": [["so 4", "so 5"]]}
        return {**record, "filtered_resps": filtered, "doc_hash": "7", "acc": verdict}

    path = lines(tmp_path / "samples.jsonl", old(0, ["4"], 1.0), old(1, ["4"], 1.0), old(0, ["5"], 0.0))
    with pytest.warns(DataWarning) as seen:
        assert counts(path) == {"0": (1, 1), "1": (1, 1)}
    assert "read filter 'filter 1' of 'filter 1', 'filter 2'" in str(seen[1].message)


def test_lm_eval_pass_at_1_is_the_share_of_right_responses(tmp_path):
    record = {"doc_id": 3, "target": "t", "resps": [["a", "b", "c", "d"]], "filtered_resps": [["x"] * 4]}
    path = lines(tmp_path / "samples.jsonl", {**record, "filter": "code", "metrics": ["pass@1"], "pass@1": 0.75})
    assert counts(path) == {"3": (3, 4)}


def test_lm_eval_keeps_the_score_of_a_single_response(tmp_path):
    path = lines(tmp_path / "samples.jsonl", lm_eval("none", ["four"], ["so: four"], exact_match=1.0))
    assert counts(path) == {"3": (1, 1)}


def test_lm_eval_multiple_choice_has_a_verdict_for_each_metric_and_no_answer(tmp_path):
    record = {
        "doc_id": 3, "target": "0", "resps": [[[-1.5, False]], [[-2.5, False]]],
        "filtered_resps": [[-1.5, False], [-2.5, False]], "filter": "none", "metrics": ["acc", "acc_norm"],
        "acc": 0.0, "acc_norm": 1.0,
    }  # fmt: skip
    path = lines(tmp_path / "samples.jsonl", record)
    with pytest.warns(DataWarning, match="read filter 'none: acc' of 'none: acc', 'none: acc_norm'"):
        assert counts(path) == {"3": (0, 1)}
    (attempts,) = js.read_attempts(path, scorer="none: acc_norm").values()
    assert attempts.successes.tolist() == [1]
    with pytest.raises(DataError, match="holds attempts, not ballots"):
        js.read_ballots(path, scorer="none: acc")


def test_a_byte_order_mark_and_line_ends_of_windows_change_nothing(tmp_path):
    marked = tmp_path / "marked"
    marked.mkdir()
    evalplus(tmp_path / "evalplus.json", ("pass", "pass"))
    (tmp_path / "inspect.json").write_text(json.dumps(LOG, indent=2))
    lines(tmp_path / "humaneval.jsonl", {"task_id": "a", "passed": True}, {"task_id": "a", "passed": False})
    (tmp_path / "monkeys.yaml").write_text(MONKEYS + "is_corrects: [true, false]\n")
    (tmp_path / "chen.csv").write_text("true_answer,full_possible_answer_count\n4,\"{'4': 2, 'x': 1}\"\n")
    for path in [each for each in tmp_path.iterdir() if each.is_file()]:
        other = marked / path.name
        other.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
        assert recognised(other) == recognised(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            left, right = (read_either(each) for each in (path, other))
        assert left.summary.groups == right.summary.groups


def test_nemo_skills(tmp_path):
    base = {"problem": "2+2?", "generation": "..", "expected_answer": "4", "num_generated_tokens": 12}
    path = lines(
        tmp_path / "output-rs0.jsonl",
        {**base, "predicted_answer": "4", "symbolic_correct": True},
        {**base, "predicted_answer": None, "symbolic_correct": False},
        {**base, "predicted_answer": "5"},
    )
    assert recognised(path) == "nemo-skills"
    with pytest.warns(DataWarning, match="dropped 1 attempt"):
        assert counts(path) == {"1": (1, 1), "2": (0, 1)}
    with pytest.warns(DataWarning, match="dropped 1 attempt"):
        ballots = js.read_ballots(path)["all"]
    assert ballots.blank.tolist() == [0, 1]
    assert ballots.tokens.tolist() == [[12], [12]]
    path = lines(path, {"generation": "x", "graded_list": [True]}, {"generation": "x", "graded_list": [False]})
    assert counts(path) == {"1": (1, 1), "2": (0, 1)}


def test_nemo_skills_says_which_verdict_on_code_it_reads(tmp_path):
    path = lines(
        tmp_path / "output.jsonl",
        {"completion": "x", "graded_list": []},
        {"completion": "x", "is_correct": True, "is_correct-plus": False},
        {"completion": "x", "is_correct": True, "is_correct-plus": True, "graded_list": [False]},
        {"completion": "x", "is_correct": True},
    )
    path_of_plus = lines(tmp_path / "plus.jsonl", {"is_correct": True, "is_correct-plus": False})
    assert recognised(path_of_plus) == "nemo-skills"

    def read(**options):
        (attempts,) = js.read_attempts(path, format="nemo-skills", **options).values()
        return dict(zip(attempts.query, attempts.successes.tolist(), strict=True))

    with pytest.warns(DataWarning) as seen:
        assert read() == {"2": 0, "3": 1}
    assert [str(each.message).removeprefix(f"{path}: ") for each in seen] == [
        "read scorer 'is_correct-plus' of 'is_correct-plus', 'is_correct', 'graded_list': "
        "--scorer names another, --group scorer reads each",
        "dropped 2 attempts that have no score",
    ]
    with pytest.warns(DataWarning, match="dropped 1 "):
        assert read(scorer="is_correct") == {"2": 1, "3": 1, "4": 1}
    with pytest.raises(DataError, match="no scorer 'symbolic_correct': found 'is_correct-plus', 'is_correct'"):
        read(scorer="symbolic_correct")


def test_verl(tmp_path):
    base = {"input": "Q", "output": "..", "gts": "4"}
    records = [
        {**base, "score": 1.0, "acc": True, "pred": "4"},
        {**base, "score": 0.0, "acc": False, "pred": "5"},
        {**base, "score": 1.0, "pred": "4"},
        {**base, "gts": "6", "score": 0.0, "pred": "7"},
    ]
    path = lines(tmp_path / "100.jsonl", *records)
    assert recognised(path) == "verl"
    assert counts(path) == {"Q [4]": (2, 3), "Q [6]": (0, 1)}
    assert js.read_ballots(path)["all"].counts.tolist() == [[2, 1], [1, 0]]


def test_evalscope(tmp_path):
    def review(index, group, accuracy, answer):
        score = {"value": {"acc": accuracy}, "extracted_prediction": answer}
        return {"index": index, "target": "4", "sample_score": {"score": score, "group_id": group}}

    path = lines(tmp_path / "r.jsonl", review(0, 0, 1.0, "4"), review(1, 0, 0.0, "5"), review(2, None, 1.0, "4"))
    assert recognised(path) == "evalscope"
    assert counts(path) == {"0": (1, 2), "2": (1, 1)}
    assert js.read_ballots(path)["all"].counts.tolist() == [[1, 1], [1, 0]]


def test_every_eval_ever(tmp_path):
    def record(identity, right, answer):
        return {
            "sample_id": identity,
            "evaluation": {"score": float(right), "is_correct": right},
            "answer_attribution": [{"extracted_value": answer}],
            "token_usage": {"output_tokens": 5},
        }

    path = lines(
        tmp_path / "x_samples.jsonl", record("q1", True, "4"), record("q1", False, "5"), record("q2", True, "x")
    )
    assert recognised(path) == "every-eval-ever"
    assert counts(path) == {"q1": (1, 2), "q2": (1, 1)}
    assert js.read_ballots(path)["all"].correct.tolist() == [[True, False], [True, False]]

    # A call without an answer is a blank ballot, on whichever line it stands; its tokens count.
    silent = {**record("q1", True, None), "answer_attribution": [], "token_usage": {"output_tokens": 5}}
    for records in ([silent, record("q1", True, "4")], [record("q1", True, "4"), silent]):
        told = [{**each, "token_usage": {"output_tokens": 5, "input_tokens": 7}} for each in records]
        path = lines(tmp_path / "y_samples.jsonl", *told)
        ballots = js.read_ballots(path)["all"]
        assert (ballots.counts.tolist(), ballots.blank.tolist()) == ([[1]], [1])
        assert js.read_attempts(path)["all"].successes.tolist() == [2]
        assert ballots.prompt_tokens.tolist() == js.read_attempts(path)["all"].prompt_tokens.tolist() == [7.0]


MONKEYS = """
prompt: &p |
  is_correct: [true]
question: {is_corrects: [true, true], other: [[1], [2]]}
again: *p
samples:
- "x: [1"
- y
- z
gt_answer: 4
"""


@pytest.mark.parametrize("verdicts", ["is_corrects: [true, false, True]", "is_correct:\n- true\n- false\n- true"])
def test_monkeys(tmp_path, verdicts):
    for name in ("q0", "q1"):
        (tmp_path / f"{name}.yaml").write_text(MONKEYS + verdicts + "\n")
    assert recognised(tmp_path / "q0.yaml") == "monkeys"
    assert counts(tmp_path / "q0.yaml") == {"q0": (2, 3)}
    assert counts(tmp_path) == {"q0": (2, 3), "q1": (2, 3)}


@pytest.mark.parametrize(
    "verdicts",
    [
        "all: &v [true, false, true]\nis_corrects: *v",
        "yes: &t true\nis_corrects: [*t, FALSE, *t]",
        "is_corrects: [1, 0.0, null, ~, 'True']",
    ],
)
def test_monkeys_that_name_values_elsewhere(tmp_path, verdicts):
    path = tmp_path / "q0.yaml"
    path.write_text(verdicts + "\nsamples: [yes, no, yes]\n")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "q0|.*dropped 2 attempts that have no score")
        assert counts(path) == {"q0": (2, 3)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("is_corrects: " + "[" * 100_000, "YAML nested too deeply"),
        ("is_corrects: [true", r"line \d: not YAML \(did not find expected"),
        ("is_corrects: []", "no scored attempts"),
        (
            "is_corrects: [!!python/object/apply:os.getpid []]",
            "line 1: is_corrects holds a list or a mapping",
        ),
        ("a: 1\nis_corrects: [yes, no]", "line 2: is_corrects holds 'yes': expected true or false for each sample"),
        ("is_corrects: {a: true}", "line 1: is_corrects is no list: expected one with an item for each sample"),
        ("is_corrects: true", "line 1: is_corrects is no list"),
        ("is_corrects: [true]\nsamples: {a: yes}", "line 2: samples is no list"),
        ("is_corrects: *v", "line 1: no anchor 'v' before it"),
        ("is_corrects: [true]\nis_correct: [false]", "line 2: is_correct, and is_corrects on line 1: expected one"),
        ("is_corrects: [true]\n---\nis_corrects: [true]", "line 2: a second YAML document: expected one query"),
        ("- is_corrects", "line 1: no mapping of is_corrects and others"),
        ("is_passed: [true]", "no is_corrects: expected true or false"),
        ("is_corrects: [\0]", "not YAML"),
    ],
)
def test_bad_yaml(tmp_path, content, message):
    path = tmp_path / "q.yaml"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        js.read_attempts(path)


def test_chen_results_are_ballots_and_never_evaluated(tmp_path):
    path = tmp_path / "results.csv"

    def write(*ballots):
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["", "true_answer", "full_possible_answer_count", "z", "w", "en_n"])
            writer.writerows([index, "A", each, 1, 2, 3] for index, each in enumerate(ballots))

    write("{'A': 3, 'B': 1}", "{'C': 2, None: 2}")
    assert recognised(path) == "chen"
    ballots = js.read_ballots(path)["all"]
    assert ballots.counts.tolist() == [[3, 1], [2, 0]]
    assert ballots.correct.tolist() == [[True, False], [False, False]]
    assert ballots.blank.tolist() == [0, 2]
    long = "f" * 5000
    hexadecimal = (f"{{'A': 0x{long}}}", f"{{0x{long}: 1}}", f"{{'A': {'9' * 5000}}}")
    for bad in ("__import__('os').getpid()", "{'A': 1", "[1]", "(" * 5000, "{[]: 1}", *hexadecimal):
        write("{'A': 3}", bad)
        with pytest.raises(DataError, match=r"line 3: full_possible_answer_count = .*: expected a dict"):
            js.read_ballots(path)
    write("{'A': -3}")
    with pytest.raises(DataError, match=r"line 2: count = '-3'"):
        js.read_ballots(path)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"task_id": None, "passed": True}, "line 1: no task_id: expected one in every record"),
        ({"doc_id": 0, "resps": ["x"], "filtered_resps": []}, "line 1: resps is no list of lists"),
        ({"sample_score": {"score": {"value": 1}}}, r"line 1: sample_score\.score\.value is no object"),
        ({"eval": {"eval_id": "x"}, "samples": 3}, "samples is no list"),
        ({"eval": {"eval_id": "x"}, "samples": [3]}, "sample 1 has no id"),
        ({"eval": {"t": [{"base_status": None}, 3]}}, "eval, 't': expected objects, one for each attempt"),
        ({"sample_id": 1, "evaluation": 2}, r"no scored attempts \(1 without a score\)"),
    ],
)
def test_bad_logs_say_what_was_expected(tmp_path, record, message):
    with pytest.raises(DataError, match=message):
        js.read_attempts(lines(tmp_path / "log", record))


def test_a_tidy_table_is_not_taken_for_a_log(tmp_path):
    path = lines(tmp_path / "runs.jsonl", {"problem": "a", "task_id": "x", "passed": True})
    assert recognised(path) == "jsonl"
    assert counts(path) == {"a": (1, 1)}


@pytest.mark.skipif(not LOGS.is_dir(), reason="../shared/data/logs is not here")
def test_the_real_lm_eval_log():
    path = LOGS / "lm_eval_samples_toy.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    with pytest.warns(DataWarning, match="compared with the target"):
        groups = js.read_ballots(path, "filter")
    assert list(groups) == list(dict.fromkeys(record["filter"] for record in records))
    for record in records:
        ballots = groups[record["filter"]]
        row = ballots.query.index(str(record["doc_id"]))
        assert (ballots.counts * ballots.correct)[row].sum() == record["resps"][0].count(record["target"])
