"""Logs of further tools, written here as their writers do: counts, answers, tokens and whose the calls are."""

import json
import warnings

import pytest
from _logs import recognised

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")

# Three calls at each of two problems; what is right is "4".
ANSWERS = {"q0": ["4", "5", "4"], "q1": ["5", "5", "4"]}
CALLS = [(problem, call, answer) for problem, answers in ANSWERS.items() for call, answer in enumerate(answers)]
RIGHT, ATTEMPTS = [2, 1], [3, 3]


def opencompass_details(verdict="correct"):
    return [{"example_abbr": p, "pred": a, "answer": "4", verdict: a == "4"} for p, _, a in CALLS]


def openai_evals(spec):
    head = {"spec": {"completion_fns": ["gpt"], "eval_name": "toy.dev", "run_id": "r1", "split": "dev"}}
    events = [head] if spec else []
    for number, (problem, _, answer) in enumerate(CALLS):
        about = {"run_id": "r1", "event_id": 2 * number, "sample_id": problem, "created_by": ""}
        events.append({**about, "type": "sampling", "data": {"sampled": [answer]}})
        data = {"correct": answer == "4", "expected": "4", "picked": answer}
        events.append({**about, "event_id": 2 * number + 1, "type": "match", "data": data})
    return [*events, {"final_report": {"accuracy": 0.5}}]


def evalplus_old(plus):
    def results(answers):
        return [["success" if answer == "4" else "failed", [answer == "4"]] for answer in answers]

    return {
        "date": "2023-06-01",
        "hash": "x",
        "eval": {
            problem: {
                "nfiles": 3,
                "base": results(answers) if not plus else [["success", [True]]] * 3,
                "plus": results(answers) if plus else [],
                "files": ["0.py", "1.py", "2.py"],
            }
            for problem, answers in ANSWERS.items()
        },
    }


def evalscope_old(metrics):
    for number, answers in enumerate(ANSWERS.values()):
        choices = [
            {
                "index": call,
                "message": {"content": answer, "role": "assistant"},
                "review": {
                    "gold": "4",
                    "pred": answer,
                    "result": {"acc": float(answer == "4")} if metrics else answer == "4",
                },
            }
            for call, answer in enumerate(answers)
        ]
        yield {"index": number, "model": "m", "choices": choices, "review_id": f"review-{number}", "reviewed": True}


SIMPLE = [
    {
        "prompt_id": p,
        "completion_id": f"{p}-{n}",
        "score": float(a == "4"),
        "usage": {"input_tokens": 7, "output_tokens": 12},
    }
    for p, n, a in CALLS
]
INFINITY = [
    {"problem_num": n, "gold_answer": "4", "all_answers": [[a, 12] for a in answers], "answer_counts": {}}
    for n, answers in enumerate(ANSWERS.values())
]
KERNELS = {
    p: [
        {"sample_id": n, "compiled": True, "correctness": a == "4", "metadata": {}, "runtime": 1.0}
        for n, a in enumerate(v)
    ]
    for p, v in ANSWERS.items()
}
LOGS = {
    "opencompass": ("opencompass", "toy.json", {"accuracy": 50, "details": opencompass_details()}),
    "opencompass cascade": ("opencompass", "toy.json", {"details": opencompass_details("cascade_correct")}),
    "opencompass sets": (
        "opencompass-sets",
        "toy.json",
        {"accuracy": 50, "details": {"a": opencompass_details()[:3], "b": opencompass_details()[3:]}},
    ),
    "kernelbench": ("kernelbench", "eval_results.json", KERNELS),
    "openai evals": ("openai-evals", "r1.jsonl", openai_evals(True)),
    "openai evals without a head": ("openai-evals", "r1.jsonl", openai_evals(False)),
    "simple-evals": (
        "simple-evals",
        "healthbench_allresults.json",
        {"score": 0.5, "metrics": {}, "htmls": ["<p>"], "convos": [], "metadata": {"example_level_metadata": SIMPLE}},
    ),
    "best of infinity": ("best-of-infinity", "summary.jsonl", INFINITY),
    "evalscope old": ("evalscope-old", "toy.jsonl", list(evalscope_old(False))),
    "evalscope old, metrics": ("evalscope-old", "toy.jsonl", list(evalscope_old(True))),
    "evalplus old": ("evalplus-old", "eval_results.json", evalplus_old(True)),
    "evalplus old, base alone": ("evalplus-old", "eval_results.json", evalplus_old(False)),
}
VOTES = [name for name in LOGS if not name.startswith(("kernel", "simple", "evalplus"))]


def write(folder, name, indent=None):
    _, file, data = LOGS[name]
    text = "".join(json.dumps(each) + "\n" for each in data) if file.endswith("l") else json.dumps(data, indent=indent)
    (folder / file).write_text(text)
    return folder / file


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("name", LOGS)
def test_counts_are_the_tool_s(tmp_path, name, indent):
    path = write(tmp_path, name, indent)
    assert recognised(path) == LOGS[name][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        warnings.filterwarnings("ignore", ".*read scorer 'plus' of 'plus', 'base'")
        attempts = js.read_attempts(path)["all"]
        assert (attempts.successes.tolist(), attempts.attempts.tolist()) == (RIGHT, ATTEMPTS)
        assert js.read_attempts(tmp_path)["all"].successes.tolist() == RIGHT  # in a folder, too


@pytest.mark.parametrize("name", VOTES)
def test_answers_are_those_that_were_judged(tmp_path, name):
    ballots = js.read_ballots(write(tmp_path, name))["all"]
    assert ballots.counts.tolist() == [[2, 1], [2, 1]]
    assert ballots.correct.tolist() == [[True, False], [False, True]]


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_logs_without_answers_are_no_ballots(tmp_path):
    for name in set(LOGS).difference(VOTES):
        with pytest.raises(DataError, match="holds attempts, not ballots"):
            js.read_ballots(write(tmp_path, name))


def test_tokens_and_whose_the_calls_are(tmp_path):
    assert js.read_attempts(write(tmp_path, "simple-evals"))["all"].tokens.tolist() == [12, 12]
    assert js.read_attempts(tmp_path / "healthbench_allresults.json")["all"].prompt_tokens.tolist() == [7, 7]
    assert js.read_attempts(write(tmp_path, "best of infinity"))["all"].tokens.tolist() == [12, 12]
    assert list(js.read_attempts(write(tmp_path, "openai evals"), ["task", "run"])) == ["toy.dev / r1"]
    assert list(js.read_attempts(write(tmp_path, "evalscope old"), "model")) == ["m"]


def test_graded_scores_are_refused_with_the_way_to_read_them(tmp_path):
    rubric = [{**each, "score": 0.3} for each in SIMPLE]
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"metadata": {"example_level_metadata": rubric}}))
    with pytest.raises(DataError, match=r"passed = '0.3': .* --right '>= 0.5'"):
        js.read_attempts(path)


def swe_bench(folder, run_id, resolved, errors=()):
    submitted = ["a", "b", "c"]
    report = {"total_instances": 9, "submitted_ids": submitted, "completed_ids": [], "incomplete_ids": ["z"]}
    wrong = [each for each in submitted if each not in (*resolved, *errors)]
    path = folder / f"org__model-4.1.{run_id}.json"
    path.write_text(
        json.dumps(
            {
                **report,
                "resolved_ids": resolved,
                "unresolved_ids": wrong,
                "error_ids": list(errors),
                "schema_version": 2,
            },
            indent=4,
        )
    )
    return path


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_reports_of_swe_bench_are_a_call_an_instance_and_run(tmp_path, capsys):
    swe_bench(tmp_path, "r1", ["a"], ["c"])
    swe_bench(tmp_path, "r2", ["a", "b"])
    read = js.read_attempts(tmp_path, "model")
    (name,) = read
    assert (name, read[name].query) == ("org__model-4.1", ("a", "b", "c"))
    assert (read[name].successes.tolist(), read[name].attempts.tolist()) == ([2, 1, 0], [2, 2, 2])
    assert read.summary.further == (("run", 2),)
    dropped = js.read_attempts(tmp_path, errors="drop")["all"]
    assert dropped.attempts.tolist() == [2, 2, 1]
    (tmp_path / "bad.json").write_text(json.dumps({"resolved_ids": 3, "unresolved_ids": []}))
    assert run(["forecast", str(tmp_path / "bad.json")]) == 2
    assert "resolved_ids is no list of names of instances" in capsys.readouterr().err


def test_an_instance_s_own_report_of_swe_bench(tmp_path):
    for instance, resolved in (("a__a-1", True), ("b__b-2", False)):
        report = {
            "patch_is_None": False,
            "patch_exists": True,
            "patch_successfully_applied": True,
            "resolved": resolved,
        }
        (tmp_path / instance).mkdir()
        (tmp_path / instance / "report.json").write_text(
            json.dumps({instance: {**report, "tests_status": {}}}, indent=4)
        )
    with pytest.warns(DataWarning) as said:
        attempts = js.read_attempts(tmp_path)["all"]
    assert (attempts.query, attempts.successes.tolist()) == (("a__a-1", "b__b-2"), [1, 0])
    assert any("2 folders" in str(each.message) for each in said)


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_what_an_old_log_lacks_has_no_score(tmp_path):
    data = evalplus_old(True)
    data["eval"]["q0"]["plus"] = []
    path = tmp_path / "eval_results.json"
    path.write_text(json.dumps(data))
    # The first problem has the base tests alone, so that these are read unless another verdict is named.
    assert js.read_attempts(path)["all"].successes.tolist() == [3, 3]
    plus = js.read_attempts(path, scorer="plus")
    assert (plus["all"].query, plus["all"].successes.tolist()) == (("q1",), [1])
    assert dict(plus.summary.dropped) == {"attempts that have no score": 3}
