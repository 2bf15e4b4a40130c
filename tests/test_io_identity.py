"""Whose a call is: what is never put together, what is, and what counts once."""

import json

import pytest
from _logs import LOG, lines, sample

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")


def log(path, *samples, **about):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**LOG, "eval": {**LOG["eval"], "task": "t", **about}, "samples": list(samples)}))
    return path


def table(path, column, *values):
    rows = ({"problem": problem, "passed": 1, column: value} for value in values for problem in "ab")
    return lines(path, *rows)


@pytest.mark.parametrize("column", ["model", "task", "step"])
def test_what_is_to_be_told_apart_is_refused_unless_it_is_grouped_by(tmp_path, column, capsys):
    path = table(tmp_path / "runs.jsonl", column, "x", "y", "x")
    with pytest.raises(DataError, match=rf"2 {column}s \('x', 'y'\), .*: --group {column}"):
        js.read_attempts(path)
    for command in ("forecast", "fit", "plan", "next"):
        more = {"plan": ["--budget", "9"], "next": ["--calls", "9"]}.get(command, [])
        assert run([command, str(path), *more]) == 2
        assert f"--group {column} reads each apart" in capsys.readouterr().err
    groups = js.read_attempts(path, column)
    assert {key: each.attempts.tolist() for key, each in groups.items()} == {"x": [2, 2], "y": [1, 1]}


@pytest.mark.parametrize("column", ["run", "epoch"])
def test_runs_and_epochs_are_further_calls_which_the_summary_says(tmp_path, column):
    data = js.read_attempts(path := table(tmp_path / "runs.jsonl", column, 1, 2, 3))
    assert data["all"].attempts.tolist() == [3, 3]
    assert data.summary.further == ((column, 3),)
    assert f"2 queries x 3 attempts of 3 {column}s" in str(data.summary)
    assert len(js.read_attempts(path, column)) == 3


def test_models_in_files_of_their_own_are_told_apart_by_file_or_by_model(tmp_path):
    for name in "xy":
        log(tmp_path / f"{name}.json", sample("q", 1, "C", "4"), model=name)
    with pytest.raises(DataError, match="--group model"):
        js.read_attempts(tmp_path)
    assert list(js.read_attempts(tmp_path, "model")) == ["x", "y"]
    assert len(js.read_attempts(tmp_path, "file")) == 2


def test_two_tasks_and_two_models_name_both_options(tmp_path):
    for model in "xy":
        for task in "uv":
            log(tmp_path / f"{model}{task}.json", sample("q", 1, "C", "4"), model=model, task=task)
    with pytest.raises(DataError, match="--group model --group task reads each apart"):
        js.read_attempts(tmp_path)
    with pytest.raises(DataError, match=": --group task reads"):
        js.read_attempts(tmp_path, "model")
    assert len(js.read_attempts(tmp_path, ("model", "task"))) == 4


def test_a_sample_that_a_retry_repeats_counts_once(tmp_path):
    first, second = ({**sample("q", epoch, "C", "4"), "uuid": f"u{epoch}"} for epoch in (1, 2))
    failed = {**sample("q", 2, None, None), "scores": None, "uuid": "failed"}
    paths = [log(tmp_path / "a.json", first, failed), log(tmp_path / "b.json", first, second)]
    with pytest.warns(DataWarning) as seen:
        data = js.read_attempts(paths)
    assert (data["all"].successes.tolist(), data["all"].attempts.tolist()) == ([2], [2])
    assert dict(data.summary.dropped) == {
        "attempts that have no score": 1,
        "attempts that are there twice (the same uuid)": 1,
    }
    assert len(seen) == 2


def test_a_uuid_of_a_problem_is_none_of_a_call(tmp_path):
    calls = [{"problem": p, "passed": 1, "uuid": f"u{p}"} for p in "ab"] * 2
    assert js.read_attempts(lines(tmp_path / "runs.jsonl", *calls))["all"].attempts.tolist() == [2, 2]
    calls = [{"problem": "p", "passed": 1, "uuid": each} for each in ("x", "y", "x")]
    with pytest.warns(DataWarning, match="dropped 1 attempt that is there twice"):
        assert js.read_attempts(lines(tmp_path / "runs.jsonl", *calls))["all"].attempts.tolist() == [2]


def test_a_file_that_is_named_twice_is_read_once(tmp_path, monkeypatch):
    path = table(tmp_path / "runs.jsonl", "run", 1)
    monkeypatch.chdir(tmp_path)
    with pytest.warns(DataWarning, match="1 file is named twice: each is read once"):
        assert js.read_attempts([path, "runs.jsonl"])["all"].attempts.tolist() == [1, 1]


def test_another_form_of_the_same_log_is_read_once_and_another_run_is_not(tmp_path):
    samples = [sample(f"q{i % 5}", i // 5, "C" if i % 3 else "I", str(i)) for i in range(30)]
    changed = [*samples[:-1], sample("q4", 5, "C", "another")]
    paths = [log(tmp_path / f"{name}.json", *which) for name, which in (("a", samples), ("b", samples[::-1]))]
    with pytest.warns(DataWarning, match="left out 1 file that holds the same calls as another"):
        assert set(js.read_attempts(paths)["all"].attempts.tolist()) == {6}
    paths = [paths[0], log(tmp_path / "c.json", *changed)]
    assert set(js.read_attempts(paths)["all"].attempts.tolist()) == {12}


def test_1_and_1_0_are_one_problem_and_1_50_is_another(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,passed\n1,1\n1.0,0\n-2.00,1\n-2,1\n1.50,1\n1.5,1\nv1.0,1\n")
    attempts = js.read_attempts(path)["all"]
    assert attempts.query == ("1", "-2", "1.50", "1.5", "v1.0")
    assert attempts.attempts.tolist() == [2, 2, 1, 1, 1]


def test_problems_that_only_some_files_have_are_named(tmp_path):
    for name, problems in (("a", "pqr"), ("b", "pq"), ("c", "pqs")):
        (tmp_path / f"{name}.csv").write_text("problem,passed\n" + "".join(f"{p},1\n" for p in problems))
    with pytest.warns(DataWarning, match=r"2 of 4 problems are only in some of the files \('r', 's'\)"):
        js.read_attempts(tmp_path)
    # Files of one problem are parts of a run, and groups are not compared.
    for name, problem in (("a", "p"), ("b", "q"), ("c", "r")):
        (tmp_path / f"{name}.csv").write_text(f"problem,passed\n{problem},1\n")
    assert len(js.read_attempts(tmp_path)["all"]) == 3


def test_an_id_beats_the_line_in_nemo_skills(tmp_path):
    base = {"generation": "x", "expected_answer": "4", "predicted_answer": "4", "symbolic_correct": True}
    lines(tmp_path / "output-rs0.jsonl", {**base, "id": "a"}, {**base, "id": "b"})
    lines(tmp_path / "output-rs1.jsonl", {**base, "id": "b"}, {**base, "id": "a", "symbolic_correct": False})
    attempts = js.read_attempts(tmp_path)["all"]
    assert (attempts.query, attempts.successes.tolist()) == (("a", "b"), [1, 2])


def test_a_model_that_somebody_added_to_a_log_counts(tmp_path):
    path = lines(tmp_path / "x.jsonl", *({"task_id": "t", "passed": True, "model": each} for each in "mn"))
    with pytest.raises(DataError, match="--group model reads each apart"):
        js.read_attempts(path)
    assert list(js.read_attempts(path, "model")) == ["m", "n"]


def test_groups_are_any_field_of_a_record(tmp_path):
    base = {"task_id": "t", "passed": True}
    path = lines(tmp_path / "x.jsonl", {**base, "level": "easy"}, {**base, "meta": {"kind": "k"}, "level": "hard"})
    assert list(js.read_attempts(path, "level")) == ["easy", "hard"]
    samples = [{**sample("q", epoch, "C", "4"), "metadata": {"subject": s}} for epoch, s in enumerate(("u", "v"))]
    assert list(js.read_attempts(log(tmp_path / "log.json", *samples), "subject")) == ["u", "v"]
    with pytest.raises(DataError, match="no column 'levle' to group by"):
        js.read_attempts(path, "levle")


def test_several_files_are_further_calls_in_every_command(tmp_path, capsys):
    paths = [str(table(tmp_path / f"{name}.jsonl", "run", name)) for name in "uv"]
    for command, *more in (("forecast", "--k", "1"), ("plan", "--budget", "9")):
        assert run([command, *paths, *more, "--json"]) == 0
        (group,) = json.loads(capsys.readouterr().out)["read"]["groups"]
        assert (group["queries"], group["calls"]) == (2, 4)
        assert run([command, *paths, *more, "--group", "file", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["read"]["groups"]) == 2


def test_copies_of_a_file_are_named(tmp_path):
    rows = [{"problem": f"p{i}", "passed": i % 2} for i in range(40)]
    for name in ("a", "b"):
        lines(tmp_path / f"{name}.jsonl", *rows)
    lines(tmp_path / "c.jsonl", *rows[::-1])
    with pytest.warns(
        DataWarning, match=r"files with the same content \(.*b\.jsonl and .*a\.jsonl\): are they one run"
    ):
        assert set(js.read_attempts(tmp_path)["all"].attempts.tolist()) == {3}


def test_a_column_to_group_by_has_values(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,passed,model\nq,1,\nq,0,\n")
    with pytest.raises(DataError, match="no value of 'model' to group by in any row"):
        js.read_attempts(path, "model")
