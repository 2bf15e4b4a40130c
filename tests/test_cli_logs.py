"""Every log format through the command line: one small run, as each tool writes it, has the same counts and votes.

The records are hand-made, with the field names verified in each tool's source.
"""

import csv
import gzip
import itertools
import json
import statistics
import zipfile

import pyarrow as pa
import pyarrow.parquet
import pytest

from jaxscale.cli import run

# What three calls at each of three queries answered; None is no answer. A vote gains at q0, loses at q1.
RIGHT = {"q0": "4", "q1": "6", "q2": "8"}
RUN = {"q0": ["4", "4", "5"], "q1": ["7", "7", "6"], "q2": ["8", None, "8"]}
TOKENS = 12
CALLS = [(query, attempt, RUN[query][attempt]) for attempt in range(3) for query in RUN]


def lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def humaneval(folder):
    records = ({"task_id": q, "completion": "x", "result": "r", "passed": a == RIGHT[q]} for q, _, a in CALLS)
    return lines(folder / "samples.jsonl_results.jsonl", records)


def evalplus(folder):
    def attempts(query):
        # A call that fails only the additional tests is wrong.
        for answer in RUN[query]:
            plus = "pass" if answer == RIGHT[query] else "fail"
            yield {"task_id": query, "solution": "x", "base_status": "pass", "plus_status": plus}

    path = folder / "samples_eval_results.json"
    path.write_text(json.dumps({"date": "2026-01-01", "hash": "x", "eval": {q: list(attempts(q)) for q in RUN}}))
    return path


def monkeys(folder, key="is_corrects"):
    for query, answers in RUN.items():
        verdicts = ", ".join(str(answer == RIGHT[query]).lower() for answer in answers)
        text = f"prompt: |\n  x\nquestion: y\nsamples:\n- a\n- b\n- c\ngt_answer: 4\n{key}: [{verdicts}]\n"
        (folder / f"{query}.yaml").write_text(text)
    return folder


def lm_eval(folder):
    def records():
        for number, (query, answers) in enumerate(RUN.items()):
            responses = [answer or "" for answer in answers]
            record = {"doc_id": number, "doc": {}, "target": RIGHT[query], "resps": [responses]}
            yield {
                **record,
                "filtered_resps": responses,
                "filter": "none",
                "metrics": ["exact_match"],
                "exact_match": responses.count(RIGHT[query]) / len(responses),
            }

    return lines(folder / "samples_toy_2026-01-01T00-00-00.jsonl", records())


def inspect_samples():
    for query, attempt, answer in CALLS:
        scores = {"match": {"value": "C" if answer == RIGHT[query] else "I", "answer": answer}}
        usage = {"m": {"input_tokens": 7, "output_tokens": TOKENS}}
        sample = {"id": query, "epoch": attempt + 1, "input": "x", "target": RIGHT[query]}
        yield {**sample, "scores": scores, "model_usage": usage}


INSPECT = {"version": 2, "status": "success", "eval": {"eval_id": "x", "model": "m"}}


def inspect_json(folder):
    path = folder / "log.json"
    path.write_text(json.dumps({**INSPECT, "samples": list(inspect_samples())}, indent=2))
    return path


def inspect_eval(folder):
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(INSPECT))
        archive.writestr("summaries.json", json.dumps(list(inspect_samples())))
    return path


def nemo(folder):
    for attempt in range(3):
        records = (
            {
                "problem": "x",
                "expected_answer": RIGHT[query],
                "predicted_answer": answers[attempt],
                "symbolic_correct": answers[attempt] == RIGHT[query],
                "num_generated_tokens": TOKENS,
            }
            for query, answers in RUN.items()
        )
        lines(folder / f"output-rs{attempt}.jsonl", records)
    return folder


def nemo_code(folder):
    for attempt in range(3):
        right = [answers[attempt] == RIGHT[query] for query, answers in RUN.items()]
        records = ({"is_correct": True, "is_correct-plus": each, "num_generated_tokens": TOKENS} for each in right)
        lines(folder / f"output-rs{attempt}.jsonl", records)
    return folder


def verl(folder):
    def records():
        for query, _, answer in CALLS:
            right = answer == RIGHT[query]
            record = {"input": query, "output": "x", "gts": RIGHT[query], "score": 1.0 if right else -1.0}
            yield {**record, "acc": right, "pred": answer, "step": 100}

    return lines(folder / "100.jsonl", records())


def evalscope(folder):
    def records():
        for index, (query, _, answer) in enumerate(CALLS):
            score = {"value": {"acc": float(answer == RIGHT[query])}, "extracted_prediction": answer, "prediction": "x"}
            sample = {"score": score, "group_id": int(query[1]), "sample_id": index}
            yield {"index": index, "input": "x", "target": RIGHT[query], "sample_score": sample}

    lines(folder / "reviews" / "model" / "toy.jsonl", records())
    return folder


def every_eval_ever(folder):
    def records():
        for query, _, answer in CALLS:
            evaluation = {"score": float(answer == RIGHT[query]), "is_correct": answer == RIGHT[query]}
            record = {"schema_version": "0.3", "sample_id": query, "evaluation": evaluation}
            usage = {"input_tokens": 7, "output_tokens": TOKENS}
            yield {**record, "answer_attribution": [{"extracted_value": answer}], "token_usage": usage}

    return lines(folder / "toy_samples.jsonl", records())


def verdicts_of(query):
    return [answer == RIGHT[query] for answer in RUN[query]]


def nemo_judged(folder):
    for attempt in range(3):
        records = (
            {
                "generation": "x",
                "id": query,
                "predicted_answer": answers[attempt],
                "expected_answer": RIGHT[query],
                "judgement": f"Because.\n**Judgement:** {'Yes' if answers[attempt] == RIGHT[query] else 'No'}",
                "num_generated_tokens": TOKENS,
            }
            for query, answers in RUN.items()
        )
        lines(folder / f"output-rs{attempt}.jsonl", records)
    return folder


def qwen(folder):
    records = (
        {"idx": n, "gt": RIGHT[q], "answer": RIGHT[q], "code": ["x"] * 3, "pred": RUN[q], "score": verdicts_of(q)}
        for n, q in enumerate(RUN)
    )
    return lines(folder / "test_seed0.jsonl", records)


def document(path, content):
    path.write_text(json.dumps(content, indent=2))
    return path


def bigcodebench(folder):
    def attempts(query):
        return [{"task_id": query, "solution": "x", "status": "pass" if v else "timeout"} for v in verdicts_of(query)]

    return document(folder / "eval_results.json", {"date": "2026", "eval": {q: attempts(q) for q in RUN}})


def livecodebench(folder):
    records = [{"question_id": q, "code_list": ["x"] * 3, "graded_list": verdicts_of(q), "pass@1": 0} for q in RUN]
    return document(folder / "s_eval_all.json", records)


def terminal_bench(folder):
    results = [
        {
            "trial_name": f"{q}.{attempt}",
            "task_id": q,
            "is_resolved": answer == RIGHT[q],
            "total_input_tokens": 5,
            "total_output_tokens": TOKENS,
        }
        for q, attempt, answer in CALLS
    ]
    return document(folder / "results.json", {"id": "run", "results": results, "n_resolved": 5})


def tau_bench(folder):
    rewards = [{"task_id": q, "reward": float(a == RIGHT[q]) or 0.5, "trial": n, "traj": []} for q, n, a in CALLS]
    return document(folder / "tau.json", rewards)


def tau2_bench(folder):
    simulations = [
        {"id": f"{q}{n}", "task_id": q, "trial": n, "reward_info": {"reward": float(a == RIGHT[q]) or 0.25}}
        for q, n, a in CALLS
    ]
    info = {"num_trials": 3, "user_info": {"llm": "u"}, "agent_info": {"llm": "m"}, "environment_info": {}}
    tasks = [{"id": "q0", "text": "x" * 70_000}]
    return document(folder / "tau2.json", {"info": info, "tasks": tasks, "simulations": simulations})


def tau2_simulations(folder):
    for q, n, a in CALLS:
        simulation = {"id": f"{q}{n}", "task_id": q, "trial": n, "reward_info": {"reward": float(a == RIGHT[q])}}
        document(folder / f"{q}{n}.json", simulation)
    return folder


def harbor(folder):
    for q, n, a in CALLS:
        (trial := folder / f"{q}__{n}").mkdir()
        result = {
            "id": f"{q}{n}",
            "task_name": q,
            "agent_info": {"name": "a", "model_info": {"name": "m"}},
            "agent_result": {"n_input_tokens": 5, "n_output_tokens": TOKENS},
            "verifier_result": {"rewards": {"reward": float(a == RIGHT[q])}},
            "exception_info": None,
        }
        document(trial / "result.json", result)
    return folder


def mcpmark(folder):
    for q, answers in RUN.items():
        usage = {"input_tokens": 5, "output_tokens": TOKENS}
        runs = {f"run-{n}": {"success": a == RIGHT[q], "token_usage": usage} for n, a in enumerate(answers)}
        document(folder / f"{q}.json", {"model": "m", "task": q, "service": "files", "runs": runs})
    return folder


def multipl_e(folder):
    for q in RUN:
        results = [
            {"program": "x", "status": "OK" if v else "Exception", "exit_code": 0 if v else 1} for v in verdicts_of(q)
        ]
        path = folder / f"{q}.results.json.gz"
        path.write_bytes(gzip.compress(json.dumps({"name": q, "language": "lua", "results": results}).encode()))
    return folder


def verifiers(folder):
    usage = {"input_tokens": 5.0, "output_tokens": TOKENS}
    records = (
        {
            "example_id": int(q[1]),
            "answer": RIGHT[q],
            "reward": float(a == RIGHT[q]),
            "error": None,
            "token_usage": usage,
        }
        for q, _, a in CALLS
    )
    return lines(folder / "results.jsonl", records)


def promptfoo(folder):
    results = [
        {
            "id": f"{q}{attempt}",
            "promptIdx": 0,
            "testIdx": index,
            "vars": {"q": q},
            "provider": {"id": "m"},
            "response": {"output": answer, "tokenUsage": {"prompt": 3, "completion": TOKENS}},
            "success": answer == RIGHT[q],
        }
        for index, (q, attempt, answer) in enumerate(CALLS)
    ]
    return document(
        folder / "out.json", {"evalId": "x", "results": {"prompts": [{"provider": "m"}], "results": results}}
    )


def lighteval(folder):
    rows = [
        {
            "doc": {"id": str(n), "task_name": "t", "query": "x"},
            "metric": {"maj@n:n=3": 0.0, "pass@k:k=1&n=3": sum(verdicts_of(q)) / 3},
            "model_response": {"text": ["x"] * 3, "input_tokens": [1, 2], "output_tokens": [[0] * TOKENS] * 3},
        }
        for n, q in enumerate(RUN)
    ]
    path = folder / "details" / "org" / "m" / "2026" / "details_t_2026.parquet"
    path.parent.mkdir(parents=True)
    pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    return path


def chen(folder):
    path = folder / "results.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["", "true_answer", "full_possible_answer_count", "z", "w", "en_n"])
        for number, (query, answers) in enumerate(RUN.items()):
            ballots = {answer: answers.count(answer) for answer in answers}
            writer.writerow([number, RIGHT[query], str(ballots), 1, 2, 3])
    return path


ATTEMPTS_ONLY = {
    "humaneval": (humaneval, None),
    "evalplus": (evalplus, None),
    "monkeys": (monkeys, None),
    "monkeys, as documented": (lambda folder: monkeys(folder, "is_correct"), None),
    "nemo-skills, code": (nemo_code, TOKENS),
    "bigcodebench": (bigcodebench, None),
    "livecodebench": (livecodebench, None),
    "terminal-bench": (terminal_bench, TOKENS),
    "tau-bench": (tau_bench, None),
    "promptfoo": (promptfoo, TOKENS),
    "tau2-bench": (tau2_bench, None),
    "tau2-simulation": (tau2_simulations, None),
    "harbor": (harbor, TOKENS),
    "mcpmark": (mcpmark, TOKENS),
    "multipl-e": (multipl_e, None),
    "verifiers": (verifiers, TOKENS),
    "lighteval": (lighteval, TOKENS),
}
BOTH = {
    "lm-eval": (lm_eval, None),
    "inspect-json": (inspect_json, TOKENS),
    "inspect-eval": (inspect_eval, TOKENS),
    "nemo-skills": (nemo, TOKENS),
    "nemo-skills, judged": (nemo_judged, TOKENS),
    "qwen-math": (qwen, None),
    "verl": (verl, None),
    "evalscope": (evalscope, None),
    "every-eval-ever": (every_eval_ever, TOKENS),
}
BALLOTS_ONLY = {"chen": (chen, None)}


def in_words(capsys, *arguments):
    assert run([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def coverage(k):
    """The share of all sets of k calls at a query with a right one, averaged over queries."""
    return statistics.mean(
        statistics.mean(RIGHT[query] in drawn for drawn in itertools.combinations(answers, k))
        for query, answers in RUN.items()
    )


def accuracy(k):
    """The average over all sets of k calls of what a vote over them scores, ties split and blanks never winning."""

    def won(query, drawn):
        cast = [answer for answer in drawn if answer is not None]
        leaders = {answer for answer in cast if cast.count(answer) == max(map(cast.count, cast))}
        return (RIGHT[query] in leaders) / max(len(leaders), 1)

    return statistics.mean(
        statistics.mean(won(query, drawn) for drawn in itertools.combinations(answers, k))
        for query, answers in RUN.items()
    )


def check_read(read, name, kind, tokens):
    assert (read["format"], read["kind"]) == (name.partition(",")[0], kind)
    (group,) = read["groups"]
    assert (group["queries"], group["calls"], group["calls_min"], group["calls_max"]) == (3, 9, 3, 3)
    assert group["right"] == 5
    assert group["output_tokens"] == tokens
    assert read["dropped"] == {}


@pytest.mark.parametrize("name", [*ATTEMPTS_ONLY, *BOTH])
def test_attempts(tmp_path, capsys, name):
    write, tokens = {**ATTEMPTS_ONLY, **BOTH}[name]
    found = in_words(capsys, "forecast", write(tmp_path), "--k", "1,2,3")
    check_read(found["read"], name, "attempts", tokens)
    (group,) = found["groups"]
    assert [point["kind"] for point in group["curve"]] == ["estimate"] * 3
    assert [point["value"] for point in group["curve"]] == pytest.approx([coverage(k) for k in (1, 2, 3)], abs=1e-9)


@pytest.mark.parametrize("name", [*BOTH, *BALLOTS_ONLY])
def test_votes(tmp_path, capsys, name):
    write, tokens = {**BOTH, **BALLOTS_ONLY}[name]
    found = in_words(capsys, "vote", write(tmp_path), "--calls", "1,2,3")
    check_read(found["read"], name, "ballots", tokens)
    (group,) = found["read"]["groups"]
    assert (group["answers"], group["blank"]) == (5, 1)
    (group,) = found["groups"]
    assert [point["value"] for point in group["curve"]] == pytest.approx([accuracy(k) for k in (1, 2, 3)], abs=1e-9)


@pytest.mark.parametrize(
    ("names", "command", "complaint"),
    [
        (ATTEMPTS_ONLY, ("vote", "--calls"), "holds attempts, not ballots"),
        (BALLOTS_ONLY, ("forecast", "--k"), "holds ballots, not attempts"),
    ],
)
def test_logs_without_the_data_for_a_command_are_refused(tmp_path, capsys, names, command, complaint):
    for name, (write, _) in names.items():
        folder = tmp_path / name
        folder.mkdir()
        assert run([command[0], str(write(folder)), command[1], "1"]) == 2
        assert complaint in capsys.readouterr().err


def test_another_verdict_is_read_where_it_is_named(tmp_path, capsys):
    for name, write, scorer in (("evalplus", evalplus, "base"), ("nemo-skills", nemo_code, "is_correct")):
        folder = tmp_path / name
        folder.mkdir()
        read = in_words(capsys, "forecast", write(folder), "--k", "1", "--scorer", scorer)["read"]
        assert (read["scorer"], read["notes"], read["groups"][0]["right"]) == (scorer, [], 9)
