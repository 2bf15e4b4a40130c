"""Forms that a file may have: lists and pretty-printed JSON, compressed, cut off, long lines, names of one's own."""

import bz2
import gzip
import json
import lzma
import warnings
import zipfile

import pyarrow as pa
import pyarrow.parquet
import pytest
from _logs import LOG, lines, sample

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning
from jaxscale.io import _source, read_either

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")

RECORDS = [{"task_id": task, "completion": "x", "passed": right} for task in "ab" for right in (True, False, False)]
TIDY = [{"problem": each["task_id"], "passed": each["passed"]} for each in RECORDS]


def read(path, **options):
    (attempts,) = js.read_attempts(path, **options).values()
    return attempts.query, attempts.successes.tolist(), attempts.attempts.tolist()


WHOLE = (("a", "b"), [1, 1], [3, 3])


@pytest.mark.parametrize("records", [RECORDS, TIDY], ids=["log", "table"])
@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_of_records(tmp_path, records, indent):
    path = tmp_path / "runs.json"
    path.write_text("\n " + json.dumps(records, indent=indent))
    assert read(path) == WHOLE
    path.write_text("\n".join(json.dumps(each, indent=indent) for each in records))  # one after the other
    assert read(path) == WHOLE


@pytest.mark.parametrize("records", [RECORDS, TIDY], ids=["log", "table"])
@pytest.mark.parametrize(
    ("ending", "pack"),
    [
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", lambda content: pa.Codec("zstd").compress(content, asbytes=True)),
    ],
)
def test_a_compressed_file(tmp_path, monkeypatch, records, ending, pack):
    path = tmp_path / f"runs.jsonl{ending}"
    content = "".join(json.dumps(each) + "\n" for each in records).encode()
    path.write_bytes(pack(content))
    assert read(path) == read(tmp_path) == WHOLE
    csv = tmp_path / f"runs.csv{ending}"
    csv.write_bytes(pack(b"problem,passed\n" + b"".join(f"{p},{i == 0}\n".encode() for p in "ab" for i in range(3))))
    assert read(csv) == WHOLE
    path.write_bytes(pack(content)[:-12])
    with pytest.raises(DataError, match=r"damaged|cut off|no known format|not JSON"):
        read(path)
    monkeypatch.setattr(_source, "MAX_UNPACKED", 100)
    path.write_bytes(pack(content))
    with pytest.raises(DataError, match="unpacks to more than 100 bytes"):
        read(path)


@pytest.mark.parametrize("records", [RECORDS, TIDY], ids=["log", "table"])
def test_a_last_line_that_is_cut_off_is_left_out(tmp_path, records):
    path = lines(tmp_path / "runs.jsonl", *records, records[0])
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.warns(DataWarning, match="left out line 7, the last, which is cut off"):
        assert read(path) == WHOLE
    path.write_text(path.read_text() + "\n")
    with pytest.raises(DataError, match="line 7: not JSON"):
        read(path)


def test_a_line_of_a_long_transcript(tmp_path, monkeypatch):
    records = [{**RECORDS[0], "completion": "x" * 2**24}, *RECORDS[1:]]
    assert read(lines(tmp_path / "runs.jsonl", *records)) == WHOLE
    monkeypatch.setattr("jaxscale.io._json.LONG", 100)
    monkeypatch.setattr("jaxscale.io._json.MAX_NODES", 50)
    with pytest.raises(DataError, match="line 1: more than 50 values: expected fewer on a line"):
        js.read_attempts(lines(tmp_path / "bomb.jsonl", {"problem": [0] * 200}), format="jsonl")


def test_lists_of_verdicts_are_calls(tmp_path):
    path = lines(tmp_path / "runs.jsonl", {"problem": "a", "passed": [1, 0, 0]}, {"problem": "b", "passed": [0, 1, 0]})
    assert read(path) == WHOLE
    rows = [{"problem": "a", "answer": ["x", "y", "x"], "correct": [True, False, True]}]
    ballots = js.read_ballots(lines(path, *rows))["all"]
    assert (ballots.counts.tolist(), ballots.correct.tolist()) == ([[2, 1]], [[True, False]])


def test_a_pointer_of_git_lfs_is_named_as_one(tmp_path):
    path = tmp_path / "runs.parquet"
    path.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 9\n")
    with pytest.raises(DataError, match="is a pointer of Git LFS: expected the file itself"):
        js.read_attempts(path)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_columns_of_other_names(tmp_path, capsys, ending):
    path = tmp_path / f"runs.{ending}"
    rows = [{"task_id": each["problem"], "is_correct": each["passed"], "problem": "text"} for each in TIDY]
    if ending == "parquet":
        pa.parquet.write_table(pa.Table.from_pylist(rows), path)
    elif ending == "jsonl":
        lines(path, *rows)
    else:
        path.write_text("task_id,is_correct,problem\n" + "".join(f"{r['task_id']},{r['is_correct']},t\n" for r in rows))
    columns = {"problem": "task_id", "passed": "is_correct"}
    assert read(path, columns=columns) == WHOLE
    with pytest.raises(DataError, match=r"no column 'passed'.*: .* --columns passed=is_correct names them"):
        js.read_attempts(path)
    assert run(["forecast", str(path), "--k", "1", "--columns", "problem=task_id,passed=is_correct", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["read"]["groups"][0]["right"] == 2
    with pytest.raises(DataError, match="no column 'taskid' for problem"):
        read(path, columns={"problem": "taskid", "passed": "is_correct"})
    with pytest.raises(ValueError, match="columns: 'query' is no column of jaxscale"):
        read(path, columns={"query": "task_id"})
    assert run(["forecast", str(path), "--columns", "problem"]) == 2
    assert "--columns = 'problem': expected names with = between them" in capsys.readouterr().err


def test_columns_that_are_paths(tmp_path):
    rows = ({"meta": {"id": each["problem"]}, "eval": {"ok": each["passed"]}} for each in TIDY)
    path = lines(tmp_path / "runs.jsonl", *rows)
    assert read(path, columns={"problem": "meta.id", "passed": "eval.ok"}) == WHOLE


@pytest.mark.parametrize(
    ("record", "proposed"),
    [
        ({"task_id": "a", "outcome": {"ok": True, "seconds": 3}}, "problem=task_id,passed=outcome.ok"),
        ({"task_id": "a", "outcome": {"fine": True}}, "problem=task_id,passed=outcome.fine"),
        ({"prompt": [{"role": "user"}], "meta": {"id": 3}, "acc": [True, False]}, "problem=meta.id,passed=acc"),
    ],
)
def test_what_is_proposed_can_be_read(tmp_path, record, proposed):
    path = lines(tmp_path / "runs.jsonl", record)
    with pytest.raises(DataError, match=f"--columns {proposed} names them"):
        js.read_attempts(path)
    assert len(js.read_attempts(path, columns=proposed)["all"]) == 1


@pytest.mark.parametrize(
    ("header", "proposed"),
    [
        ("question_id,is_correct", "problem=question_id,passed=is_correct"),
        ("task_id,passed", "problem=task_id"),
        ("instance_id,resolved", "problem=instance_id,passed=resolved"),
        ("id,num_samples,num_correct", "problem=id,attempts=num_samples,successes=num_correct"),
    ],
)
def test_the_message_proposes_the_columns_that_may_be_meant(tmp_path, header, proposed):
    path = tmp_path / "runs.csv"
    path.write_text(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    with pytest.raises(DataError, match=rf"--columns {proposed} names them"):
        js.read_attempts(path)


def inspect(path, *samples, status="success"):
    path.write_text(json.dumps({**LOG, "status": status, "samples": list(samples)}))


def test_a_folder_with_an_aborted_log_is_read_without_it(tmp_path):
    inspect(tmp_path / "a.json", sample("q", 1, "C", "4"))
    inspect(tmp_path / "b.json", status="cancelled")
    inspect(tmp_path / "c.json", {**sample("q", 1, None, None), "scores": {}}, status="error")
    (tmp_path / "d.json").write_bytes((tmp_path / "a.json").read_bytes()[:-30])
    (tmp_path / "logs.json").write_text(json.dumps({"a.eval": {**LOG, "samples": None}}))
    with pytest.warns(DataWarning) as seen:
        assert read(tmp_path) == (("q",), [1], [1])
    said = " ".join(str(each.message) for each in seen)
    assert "skipped 3 files that are damaged or without a verdict" in said
    assert all(f"{name}.json" in said for name in ("b", "c", "d", "logs"))
    # A file that a person names is to be whole, and a value that is no verdict is never skipped.
    with pytest.raises(DataError, match=r"d\.json"):
        js.read_attempts([tmp_path / "a.json", tmp_path / "d.json"])
    inspect(tmp_path / "e.json", sample("q", 1, 0.3, "4"))
    with pytest.raises(DataError, match=r"e\.json.* passed = '0.3'"):
        js.read_attempts(tmp_path)


def archive(path, header, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        if header:
            file.writestr("header.json", json.dumps({"eval": LOG["eval"]}))
        file.writestr("_journal/start.json", json.dumps({"eval": LOG["eval"]}))
        for name, content in members.items():
            file.writestr(name.replace("__", "/") + ".json", json.dumps(content))
    return path


def test_both_forms_of_inspect_ai_in_a_folder(tmp_path):
    archive(tmp_path / "a.eval", True, summaries=[sample("q", 1, "C", "4")])
    inspect(tmp_path / "b.json", sample("q", 1, "I", "5"))
    data = js.read_attempts(tmp_path)
    assert (data["all"].attempts.tolist(), data.summary.format) == ([2], "inspect")


def test_a_killed_run_of_inspect_ai_has_its_journal_alone(tmp_path):
    path = archive(
        tmp_path / "a.eval", False, _journal__summaries__10=[sample("r", 1, "I", "5")],
        _journal__summaries__2=[sample("q", 1, "C", "4")],
    )  # fmt: skip
    with pytest.warns(DataWarning, match="the run was killed: read what its journal has"):
        assert read(path) == (("q", "r"), [1, 0], [1, 1])


def test_an_answer_that_a_summary_leaves_out_is_read_in_the_sample(tmp_path):
    whole = [sample("q", epoch, "C", str(epoch)) for epoch in (1, 2)]
    short = [{**each, "scores": {"match": {"value": "C"}}} for each in whole]
    members = {f"samples__q_epoch_{each['epoch']}": each for each in whole}
    path = archive(tmp_path / "a.eval", True, summaries=short, **members)
    assert js.read_ballots(path)["all"].counts.tolist() == [[1, 1]]
    members = dict.fromkeys(members, short[0])
    with pytest.raises(DataError, match="it has no answers"):
        js.read_ballots(archive(path, True, summaries=short, **members))


def test_tokens_of_a_prompt_include_those_of_the_cache(tmp_path):
    usage = {"input_tokens": 40, "input_tokens_cache_read": 400, "input_tokens_cache_write": 200, "output_tokens": 9}
    inspect(tmp_path / "a.json", {**sample("q", 1, "C", "4"), "model_usage": {"m": usage}})
    assert js.read_attempts(tmp_path / "a.json")["all"].prompt_tokens.tolist() == [640]


def test_an_inspect_ai_log_of_before_it_had_an_id(tmp_path):
    log = {**LOG, "eval": {"run_id": "r", "task": "t", "model": "m"}, "samples": [sample("q", 1, "C", "4")]}
    (tmp_path / "a.json").write_text(json.dumps(log, indent=2))
    assert read(tmp_path / "a.json") == (("q",), [1], [1])


class Frame:
    """What data frames have in common: they hand their columns on as an Arrow stream."""

    def __init__(self, **columns):
        self.table = pa.table(columns)

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("kind", [Frame, lambda **columns: pa.table(columns)], ids=["stream", "pyarrow"])
def test_a_data_frame(tmp_path, kind):
    problems, passed = [each["problem"] for each in TIDY], [each["passed"] for each in TIDY]
    data = js.read_attempts(kind(problem=problems, passed=passed, other=[[1]] * 6))
    assert data["all"].successes.tolist() == [1, 1]
    assert str(data.summary).startswith("read data frame as data frame: 2 queries x 3 attempts")
    assert data["all"].name == "data frame"
    columns = {"problem": "task_id", "passed": "is_correct"}
    assert read(kind(task_id=problems, is_correct=passed), columns=columns) == WHOLE
    ballots = js.read_ballots(kind(problem=[1, 1, 1], answer=["x", "x", None], correct=[True, True, False]))["all"]
    assert (ballots.query, ballots.counts.tolist(), ballots.blank.tolist()) == (("1",), [[2]], [1])
    with pytest.raises(DataError, match=r"data frame: row 2: passed = '0.3'"):
        js.read_attempts(kind(problem=["a", "b"], passed=[1.0, 0.3]))
    with pytest.raises(DataError, match=r"data frame: no column 'problem'.*--columns problem=task_id"):
        js.read_attempts(kind(task_id=problems, passed=passed))
    js.convert(kind(problem=problems, passed=passed), tmp_path / "runs.csv")
    assert read(tmp_path / "runs.csv") == WHOLE


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("cut", ["c", "c,4", 'c,"4', "c,4\r", 'c,"4\r'])
def test_a_last_row_of_an_aborted_run_is_left_out_and_named(tmp_path, cut, packed):
    path = tmp_path / ("runs.csv.gz" if packed else "runs.csv")
    data = f"problem,answer,correct\na,4,1\nb,5,0\n{cut}".encode()
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.warns(DataWarning, match="left out line 4, the last, which is cut off"):
        assert js.read_ballots(path)["all"].query == ("a", "b")


def test_a_row_cut_in_a_quoted_last_cell_is_left_out_but_not_one_that_only_ends_so(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text('problem,correct,answer\na,1,4\nb,0,5\nc,1,"x y')
    with pytest.warns(DataWarning, match="left out line 4"):
        assert js.read_ballots(path)["all"].query == ("a", "b")
    for whole in ('problem,correct,answer\na,1,4\nb,0,"5\n"', 'problem,answer,correct\na,4,1\nb,"5\n",0\n'):
        path.write_text(whole)
        assert js.read_ballots(path)["all"].query == ("a", "b")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,4,1\nc,4\n", "line 3: 2 fields: expected 3"),  # its line has an end: nothing was cut
        ("d,1\na,4,1\nc,4", "line 2: 2 fields: expected 3"),
        ("c,4", "line 2: 2 fields: expected 3"),
        ('a,4,1\nc,"4\n5', "line 3: a quote is never closed: .*aborted, delete what follows"),
        ("a,4,1\nc,4,tru", "line 3: correct = 'tru': .*no line end: if it is cut off, delete it"),
    ],
)
def test_what_may_be_cut_or_wrong_is_refused_with_the_line(tmp_path, rows, message):
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,correct\n" + rows)
    with pytest.raises(DataError, match=message):
        js.read_ballots(path)
    if "delete it" in message:
        (tmp_path / "other.csv").write_text("problem,answer,correct\na,4,1\nb,4,0")
        with pytest.raises(DataError, match=f"runs.csv, {message}"):
            js.read_ballots([path, tmp_path / "other.csv"])


VOTES = [("q1", "5", 1, 70), ("q1", "6", 0, 30), ("q2", "7", 0, 20), ("q2", "8", 1, 80)]


def of_votes(path, *, cut):
    """A table of counted ballots that lacks the last `cut` characters."""
    if path.suffix == ".csv":
        rows = ["problem,answer,correct,count", *(",".join(map(str, row)) for row in VOTES)]
    else:
        rows = [json.dumps(dict(zip(("problem", "answer", "correct", "count"), row, strict=True))) for row in VOTES]
    path.write_text("\n".join(rows)[: -cut or None])
    return path


@pytest.mark.parametrize("cut", [2, 3, 4, 5, 6])
def test_votes_on_a_problem_of_which_the_last_is_cut_off_are_left_out(tmp_path, cut):
    with pytest.warns(DataWarning) as said:
        ballots = js.read_ballots(of_votes(tmp_path / "votes.csv", cut=cut))["all"]
    assert (ballots.query, ballots.counts.tolist()) == (("q1",), [[70, 30]])
    assert [str(each.message).partition(": ")[2] for each in said] == [
        "left out line 5, the last, which is cut off: the run that wrote it was aborted",
        "left out problem 'q2': its votes are not all there, as the last line is cut off",
    ]


@pytest.mark.parametrize("cut", [1, 4, 14, 28, 40, 52])
def test_so_are_those_of_json(tmp_path, cut):
    with pytest.warns(DataWarning) as said:
        ballots = js.read_ballots(of_votes(tmp_path / "votes.jsonl", cut=cut))["all"]
    assert "left out problem 'q2'" in str(said[1].message)
    assert (ballots.query, ballots.counts.tolist()) == (("q1",), [[70, 30]])


def test_a_problem_that_is_cut_off_takes_no_other_with_it(tmp_path):
    path = tmp_path / "votes.csv"
    for last, left in (("q3", ("q1", "q2")), ("q3,1", ("q1", "q2")), ("q1,9", ("q2",))):
        path.write_text(of_votes(path, cut=0).read_text() + "\n" + last)
        with pytest.warns(DataWarning, match="cut off"):
            assert js.read_ballots(path)["all"].query == left
    path.write_text("problem,answer,correct,count\nq1,5,1,70\nq1,6,0")
    with pytest.raises(DataError, match="its problem is the only one"):
        js.read_ballots(path)
    second = tmp_path / "more.csv"
    second.write_text("problem,answer,correct,count\nq3,5,1,70\nq4,7,1,3\nq4,6,0")
    with pytest.warns(DataWarning, match="cut off"):
        assert js.read_ballots([of_votes(tmp_path / "a.csv", cut=2), second])["all"].query == ("q1", "q3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("problem,answer,correct,count\na,5,1,8", True),
        ("problem,attempts,successes\na,8,3", True),
        ("problem,passed\na,1", True),
        ("problem,passed\na,true", True),
        ("problem,passed,comment\na,1,text", False),
        ("problem,passed\na,1\n", False),
    ],
)
def test_a_last_number_without_a_line_end_may_be_cut_off(tmp_path, text, said):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        read_either(path)
    told = [str(each.message) for each in found if "it may be cut off" in str(each.message)]
    assert [each.partition(": ")[2] for each in told] == ["the last line has no line end: it may be cut off"] * said


def test_a_row_cut_off_after_a_comma_is_no_call_without_a_score(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,passed\na,1\nb,")
    with pytest.warns(DataWarning, match="left out line 3, the last, which is cut off"):
        read = js.read_attempts(path)
    assert (read["all"].query, read.summary.dropped) == (("a",), ())
