"""What a person is told who tries a file for the first time: the way that a message names is one that works."""

import json
import re
import shlex

import pytest
from _logs import LOG, lines, sample

import jaxscale as js
from jaxscale import io
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")

NESTED = [{"meta": {"id": task}, "eval": {"ok": right}, "note": "x"} for task in "ab" for right in (True, False)]


def proposed(path, **options):
    """The columns that an error proposes."""
    with pytest.raises(DataError) as caught:
        js.read_attempts(path, **options)
    return dict(each.split("=") for each in re.search(r"--columns (\S+)", str(caught.value))[1].split(","))


def test_names_inside_of_objects_are_proposed_and_work(tmp_path):
    records = [{**each, "is_correct": each["eval"]["ok"]} for each in NESTED]
    path = lines(tmp_path / "runs.jsonl", *records)
    columns = proposed(path)
    assert columns == {"problem": "meta.id", "passed": "is_correct"}
    assert js.read_attempts(path, columns=columns)["all"].successes.tolist() == [1, 1]
    with pytest.raises(DataError, match=r"no column 'meta.ix' for problem \(is 'meta.id' meant\?\)"):
        js.read_attempts(path, columns={"problem": "meta.ix"})


def test_a_proposal_keeps_the_columns_that_are_named_and_leaves_a_gap_for_what_it_cannot_guess(tmp_path):
    path = lines(tmp_path / "runs.jsonl", *({"who": each["meta"]["id"], "acc": 1} for each in NESTED))
    assert proposed(path, columns={"problem": "who"}) == {"problem": "who", "passed": "acc"}
    path = lines(tmp_path / "runs.jsonl", *({"qid": each["meta"]["id"], "zzz": 1} for each in NESTED))
    assert proposed(path) == {"problem": "qid", "passed": "..."}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_records_in_one_object_is_read(tmp_path, indent):
    records = [{"problem": task, "passed": right} for task in "ab" for right in (True, False)]
    path = tmp_path / "runs.json"
    path.write_text(json.dumps({"accuracy": 0.5, "results": records, "passed": 1, "model": "m"}, indent=indent))
    with pytest.warns(DataWarning, match="read the records of 'results', a list in the file"):
        data = js.read_attempts(path, "model")
    assert (list(data), data["m"].query, data["m"].successes.tolist()) == (["m"], ("a", "b"), [1, 1])
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"results": records, "model": "n"}, indent=indent))
    with pytest.raises(DataError, match="2 models"):
        js.read_attempts(tmp_path)
    renamed = [{"task_id": each["problem"], "ok": each["passed"]} for each in records]
    path.write_text(json.dumps({"id": "run 1", "rows": renamed, "config": {"id": 3}}, indent=indent))
    with pytest.warns(DataWarning, match="read the records of 'rows'"):
        data = js.read_attempts(path, columns={"problem": "task_id", "passed": "ok"})
    assert data["all"].attempts.tolist() == [2, 2]


def test_a_record_with_a_list_of_its_own_stays_a_record(tmp_path):
    record = {"problem": "a", "passed": True, "messages": [{"role": "user", "content": "x"}]}
    for each in (record, {"id": "a", "is_correct": True, "messages": record["messages"]}):
        (tmp_path / "runs.json").write_text(json.dumps(each))
        columns = {} if each is record else proposed(tmp_path / "runs.json")
        assert js.read_attempts(tmp_path / "runs.json", columns=columns)["all"].query == ("a",)


def test_a_damaged_file_of_a_folder_is_named_with_reason_and_line(tmp_path):
    lines(tmp_path / "a.jsonl", {"problem": "a", "passed": 1})
    (tmp_path / "b.jsonl").write_text('{"problem": "a", "passed": 1}\n{"problem"\n{"problem": "a", "passed": 1}\n')
    (tmp_path / "c.jsonl").write_text('{"problem": "a", "pas\n{"problem": "a", "passed": 1}\n')
    (tmp_path / "config.json").write_text('{"x": 1}')
    with pytest.warns(DataWarning) as said:
        assert js.read_attempts(tmp_path)["all"].attempts.tolist() == [1]
    (skipped, damaged) = (str(each.message) for each in said)
    assert re.search(r"skipped 1 file that holds no attempts or ballots \(\S*config.json\)", skipped)
    assert re.search(r"skipped 2 files .*c\.jsonl, line 1: not JSON.*; .*b\.jsonl, line 2: not JSON", damaged)
    (tmp_path / "a.jsonl").unlink()
    (tmp_path / "b.jsonl").unlink()
    with pytest.raises(DataError, match=r"no file in a known format \(.*c\.jsonl, line 1: not JSON"):
        js.read_attempts(tmp_path)


def test_a_column_correct_is_the_verdict_on_a_call_where_there_is_no_other(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    path.write_text("problem,attempt,correct\na,0,1\na,1,0\nb,0,1\nb,1,1\n")
    assert js.read_attempts(path)["all"].successes.tolist() == [1, 2]
    assert io.read_either(path).summary.kind == "attempts"
    assert run(["vote", str(path)]) == 2
    assert "holds attempts, not ballots" in capsys.readouterr().err
    # Of counts it is the number of right calls, and beside `passed` it may be anything.
    path.write_text("problem,n,correct\na,10,1\nb,10,0\n")
    assert proposed(path) == {"attempts": "n", "successes": "correct"}
    path.write_text("problem,passed,correct\na,1,x\nb,0,y\n")
    assert js.read_attempts(path)["all"].successes.tolist() == [1, 0]


def test_ballots_and_attempts_name_the_way_to_read_them_as_the_other(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,correct\na,4,1\na,5,0\nb,6,1\nb,6,1\n")
    columns = proposed(path)
    assert columns == {"passed": "correct"}
    assert js.read_attempts(path, columns=columns)["all"].successes.tolist() == [1, 2]
    path.write_text("problem,prediction,passed\na,4,1\na,5,0\nb,6,1\nb,6,1\n")
    with pytest.raises(DataError, match="--columns answer=prediction takes") as caught:
        js.read_ballots(path)
    assert js.read_ballots(path, columns={"answer": "prediction"})["all"].counts.tolist() == [[1, 1], [2, 0]]
    assert (
        run(["forecast", str(path), "--calls", "1", *shlex.split(re.search(r"--columns \S+", str(caught.value))[0])])
        == 0
    )


def test_tables_are_graded_where_calls_are_counted(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,target,correct\na,4,4,1\na,5,4,\nb,6,6,\nb,7,6,0\n")
    with pytest.warns(DataWarning, match="graded 2 answers .*; it differs from 0 of 2"):
        assert js.read_attempts(path, grade="text")["all"].successes.tolist() == [1, 1]
    path.write_text("problem,answer,target\na,4,4\na,5,4\n")
    with pytest.warns(DataWarning, match="graded 2 answers"):
        assert js.read_attempts(path, grade="text")["all"].successes.tolist() == [1]


def test_attempts_stand_in_for_votes_that_cannot_be_read(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,correct\na,,1\na,5,0\nb,6,1\nb,6,1\n")
    with pytest.warns(DataWarning, match="read as attempts, as the votes cannot be read: an empty answer is marked"):
        data = io.read_either(path)
    assert (data.summary.kind, data["all"].successes.tolist()) == ("attempts", [1, 2])
    path.write_text("problem,answer,count,correct\na,,1,1\na,5,1,0\n")
    with pytest.raises(DataError, match="an empty answer is marked correct"):
        io.read_either(path)


def test_a_plan_of_ballots_says_that_it_compares_votes(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,correct\n" + "a,4,1\na,5,0\na,4,1\nb,6,1\nb,6,1\nb,7,0\n")
    for more, said in ((), True), (("--system", "vote"), False):
        assert run(["plan", str(path), "--budget", "6", *more]) == 0
        read = capsys.readouterr().err.splitlines()[-1]
        assert ("compared as votes, as there are answers (--system pass-at-k: coverage)" in read) == said


def test_a_grade_in_words_is_proposed_as_a_word(tmp_path):
    path = tmp_path / "log.json"
    samples = [sample(name, 1, value, "4") for name, value in (("a", "C"), ("b", "P"), ("c", "I"))]
    path.write_text(json.dumps({**LOG, "samples": samples}))
    with pytest.raises(DataError, match=re.escape("as in --right C,P (found 'C', 'P', 'I')")):
        js.read_attempts(path)
    assert js.read_attempts(path, right="C,P")["all"].successes.tolist() == [1, 1, 0]


def test_grading_is_advised_as_it_is_to_be_had(monkeypatch):
    from jaxscale.io import _equivalence

    for found, words in ((None, "--grade text (or math, after pip install 'jaxscale[math]')"), (True, "--grade math")):
        monkeypatch.setattr(_equivalence.importlib.util, "find_spec", lambda name, found=found: found)
        assert _equivalence.grading().startswith(words)


def test_a_file_without_a_column_that_others_have_is_named(tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("problem,passed\na,1\na,1\n")
    for text, message in (
        ("qid,is_correct\na,1\n", "no column 'problem': .*--columns problem=qid,passed=is_correct"),
        ("problem,is_correct\na,1\n", "no column 'passed': .*--columns passed=is_correct"),
    ):
        second.write_text(text)
        with pytest.raises(DataError, match=f"b.csv: {message}"):
            js.read_attempts([first, second])
    second.write_text("problem,correct\na,0\n")
    assert js.read_attempts([first, second])["all"].successes.tolist() == [2]
    assert js.read_attempts([first, second])["all"].attempts.tolist() == [3]


def test_a_column_correct_alone_is_converted_as_the_verdict(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,correct\na,1\na,1\nb,0\n")
    io.convert(path, tmp_path / "out.parquet")
    assert js.read_attempts(tmp_path / "out.parquet")["all"].successes.tolist() == [2, 0]
