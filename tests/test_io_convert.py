"""What is written is read again as the same data, whatever the format and the labels."""

import json
import os
import re
import warnings
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning
from jaxscale.io import read_either

ENDINGS = (".parquet", ".csv", ".jsonl")
TIDY = (".parquet", ".csv")
COUNTED = "problem,answer,count,correct,kept\na,7,3,1,2\na,8,2,0,0\na,,1,0,1\nb,x y,4,0,4\n"
PER_CALL = (
    "problem,answer,correct,kept,score,tokens,prompt_tokens\na,7,1,1,0.1,5,9\na,8,0,0,-2.5,6,9\na,,0,1,3e-7,7,9\n"
)


def table(tmp_path, text):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    return path


def same(one, other, leave=()):
    """Whether two data sets, or dictionaries of them, are equal in everything but their name."""
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            same(one[key], other[key], leave)
        return
    for field in vars(one).keys() - {"name", *leave}:
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field), err_msg=field)


@pytest.mark.parametrize("ending", ENDINGS)
def test_counted_attempts(tmp_path, ending):
    path = table(tmp_path, "problem,attempts,successes,tokens,prompt_tokens\na,4,0,2.5,7\n007,3,3,,7\n1e3,5,2,4,7\n")
    js.convert(path, output := tmp_path / f"out{ending}")
    same(js.read_attempts(path), js.read_attempts(output))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("text", [COUNTED, PER_CALL], ids=["counted", "one row a call"])
def test_ballots(tmp_path, ending, text):
    output = tmp_path / f"out{ending}"
    js.convert(table(tmp_path, text), output)
    same(js.read_ballots(tmp_path / "runs.csv"), js.read_ballots(output))


def test_what_has_no_field_of_its_own_is_metadata_of_every_eval_ever(tmp_path):
    text = "problem,answer,count,correct,kept,model,gold,topic\na,7,2,1,1,m/x,7,sets\na,8,1,0,0,m/x,7,\n"
    js.convert(table(tmp_path, text), output := tmp_path / "out.jsonl")
    records = [json.loads(line) for line in output.read_text().splitlines()]
    assert [each["metadata"] for each in records] == [
        {"topic": "sets", "kept": "true"},
        {"topic": "sets", "kept": "false"},
        {"kept": "false"},
    ]
    assert {each["model_id"] for each in records} == {"m/x"}
    assert {each["evaluation_name"] for each in records} == {"runs"}
    assert [each["input"]["reference"] for each in records] == [["7"]] * 3
    assert [each["evaluation"] for each in records] == [{"score": s, "is_correct": s == 1} for s in (1.0, 1.0, 0.0)]


def test_means_of_tokens_become_whole_numbers_of_every_eval_ever(tmp_path):
    path = table(tmp_path, "problem,attempts,successes,tokens,prompt_tokens\na,4,1,2.75,10\n")
    js.convert(path, output := tmp_path / "out.jsonl")
    usage = [json.loads(line)["token_usage"] for line in output.read_text().splitlines()]
    assert [each["output_tokens"] for each in usage] == [3, 3, 3, 2]
    assert all(each["total_tokens"] == each["output_tokens"] + 10 for each in usage)


@pytest.mark.parametrize("ending", ENDINGS)
def test_groups_and_other_columns_stay(tmp_path, ending):
    text = "model,problem,passed,topic,run\nx,a,1,sets,1\ny,a,0,sets,1\nx,b,0,,2\ny,a,1,,2\n"
    path = table(tmp_path, text)
    js.convert(path, output := tmp_path / f"out{ending}")
    for group in ("model", ("model", "topic"), ("model", "run")):
        same(js.read_attempts(path, group), js.read_attempts(output, group))


def test_models_of_every_eval_ever_are_not_pooled_in_silence(tmp_path):
    path = table(tmp_path, "model,problem,passed\nx,a,1\ny,a,0\n")
    js.convert(path, output := tmp_path / "out.jsonl", "model")
    with pytest.raises(DataError, match=r"2 models \('x', 'y'\), which are not to be put together: --group model"):
        assert js.read_attempts(output)["all"].attempts.tolist() == [2]
    assert list(js.read_attempts(output, "model")) == ["x", "y"]


@pytest.mark.parametrize("ending", TIDY)
def test_names_of_columns_may_hold_anything(tmp_path, ending):
    names = ["a;b", 'say "so"', "x,y", "tab\there", "line\nend", "1"]
    path = tmp_path / "runs.jsonl"
    records = [{"problem": p, "passed": p == "q", **dict.fromkeys(names, p * 2)} for p in "pq"]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    js.convert(path, output := tmp_path / f"out{ending}")
    for name in names:
        same(js.read_attempts(path, name), js.read_attempts(output, name))


def test_types_of_parquet(tmp_path):
    js.convert(table(tmp_path, PER_CALL), output := tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in pyarrow.parquet.read_schema(output)}
    text, number = "string", "double"
    assert types == {
        **{"problem": text, "answer": text, "correct": "bool", "kept": "bool"},
        **{"score": number, "tokens": number, "prompt_tokens": number},
    }
    # A name alone does not make numbers of words.
    path = table(tmp_path, "problem,passed,score,count\na,1,high,?\n")
    js.convert(path, output)
    assert pyarrow.parquet.read_table(output).to_pylist() == [
        {"problem": "a", "passed": True, "score": "high", "count": "?"}
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_log_can_be_read_both_ways_afterwards(tmp_path, ending):
    records = [
        {"task_id": f"HumanEval/{i}", "completion": "x", "result": "passed", "passed": i == 1} for i in (0, 0, 1, 1)
    ]
    nemo = [
        {"problem": "p", "expected_answer": "4", "predicted_answer": answer, "symbolic_correct": answer == "4"}
        for answer in ("4", "5", None)
    ]
    for seed in range(2):
        (tmp_path / f"output-rs{seed}.jsonl").write_text("".join(json.dumps(each) + "\n" for each in nemo))
    files = [tmp_path / f"output-rs{seed}.jsonl" for seed in range(2)]
    js.convert(files, output := tmp_path / f"out{ending}")
    same(js.read_ballots(files), js.read_ballots(output))
    same(js.read_attempts(files), js.read_attempts(output))
    if ending != ".jsonl":
        same(js.read_attempts(files, "file"), js.read_attempts(output, "file"))

    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
    summary = js.convert(path, output)
    assert (summary.format, summary.kind, summary.queries) == ("humaneval", "attempts", 2)
    same(js.read_attempts(path), js.read_attempts(output))


def test_columns_without_single_values_are_left_out_and_named(tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_text('{"problem": "a", "passed": true, "tags": ["x", "y"], "note": "n"}\n')
    with pytest.warns(DataWarning, match="left out columns without single values: 'tags'"):
        summary = js.convert(path, output := tmp_path / "out.parquet")
    assert summary.notes == ("left out columns without single values: 'tags'",)
    assert pyarrow.parquet.read_table(output).column_names == ["problem", "passed", "note"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_attempts_from_memory(tmp_path, ending):
    one = js.Attempts([4, 6], [2, 0], tokens=[2.0, np.nan])
    js.write_attempts(one, output := tmp_path / f"out{ending}")
    back = js.read_attempts(output)["all"]
    same(one, back, ["query"])
    assert back.query == ("0", "1")
    if ending != ".jsonl":
        several = {"x / y": one, "": js.Attempts([3], [3], query=["p"], prompt_tokens=[0.1])}
        js.write_attempts(several, output, group="model")
        back = js.read_attempts(output, "model")
        assert list(back) == list(several)
        same(several[""], back[""], ["tokens"])
        assert back["x / y"].tokens.tolist()[0] == 2.0


@pytest.mark.parametrize("ending", TIDY)
def test_ballots_from_memory(tmp_path, ending):
    votes = js.Ballots(
        [[2, 1, 1], [0, 3, 0]],
        [[True, False, True], [True, False, False]],
        kept_counts=[[1, 1, 0], [0, 2, 0]],
        blank=[1, 0],
        kept_blank=[1, 0],
        query=["p", "q"],
        prompt_tokens=[3.5, np.nan],
    )
    js.write_ballots(votes, output := tmp_path / f"out{ending}")
    back = js.read_ballots(output)["all"]
    # A wrong answer that nobody gave is no answer: the third of "q".
    same(votes, back)

    scores = np.array([[0.1, 0.2, 0.3, 0.4, 0.5], [1, 2, 3, np.nan, np.nan]])
    calls = js.Ballots(votes.counts[:, :2] + [[0, 1], [0, 0]], votes.correct[:, :2], scores=scores, blank=[1, 0])
    js.write_ballots({"a": calls, "b": calls}, output)
    back = js.read_ballots(output, "group")
    assert list(back) == ["a", "b"]
    np.testing.assert_array_equal(back["b"].scores, scores)
    assert back["b"].counts.tolist() == [[2, 2], [3, 0]]


def ballots_survive(path):
    """Whether ballots are the same after they were written in each form."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # where nothing is right
        before = js.read_ballots(path)
        for ending in ENDINGS:
            js.convert(path, output := path.with_name(f"out{ending}"))
            same(before, js.read_ballots(output))


LABEL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
SPACES = st.sampled_from(["", " ", "\n", "\r\n", '"', ",", "'", ";", "\t", "None", "nan", "null", "1e5", "\ufeff"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            LABEL.filter(str.strip),
            LABEL | SPACES,
            st.booleans(),
            st.booleans(),
            st.floats(0, 1e300),
            st.integers(0, 9),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_any_ballots_survive(tmp_path_factory, rows):
    # An answer to a problem is right or wrong, and no answer is wrong.
    right = {}
    records = [
        {
            "problem": problem,
            "answer": answer,
            "correct": bool(answer) and right.setdefault((problem, answer), correct),
            "kept": kept,
            "score": score,
            "tokens": tokens,
        }
        for problem, answer, correct, kept, score, tokens in rows
    ]
    path = tmp_path_factory.mktemp("any") / "runs.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    ballots_survive(path)


def test_calls_of_which_none_has_an_answer_survive(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,correct\na,,0\na,,0\nb,,0\n")
    ballots_survive(path)


DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
UNGRADED = {"math500_latex"}  # answers without verdicts: no reader knows which are right
REAL = sorted(
    path
    for folder in ("attempts", "ballots", "logs")
    for path in (DATA / folder).glob("*.*")
    if path.stem not in UNGRADED
)
GROUPS = {"pythia_math": "model", "code_contests": "model", "pythia_checkpoints_math": "checkpoint"}
GROUPS |= dict.fromkeys(("otis_mock_aime", "mcpmark", "aime2025_tokens"), "model")


@pytest.mark.skipif(not REAL, reason="../shared/data is not here")
@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
@pytest.mark.parametrize("ending", ENDINGS)
def test_real_files(tmp_path, ending):
    for path in REAL:
        if ending == ".jsonl" and path.parent.name == "attempts":
            continue  # a record a call would be millions
        group, output = GROUPS.get(path.stem, ()), tmp_path / f"{path.stem}{ending}"
        js.convert(path, output, group)
        same(read_either(path, group), read_either(output, group))


def test_the_command(tmp_path, capsys):
    path = table(tmp_path, COUNTED)
    output = tmp_path / "votes"
    assert run(["convert", str(path), "-o", str(output), "--format", "csv", "--source", "csv"]) == 0
    out, err = capsys.readouterr()
    assert out == f"{output}\n"
    assert err.startswith(f"jaxscale: read {path} as csv: 2 queries x 4 to 6")
    same(js.read_ballots(path), js.read_ballots(output))
    # The file that was read may be the one that is written.
    before = js.read_ballots(path)
    assert run(["convert", str(path), "-o", str(path)]) == 0
    same(before, js.read_ballots(path))


REFUSED = {
    "ending": (
        ["out.txt"],
        "--output = 'out.txt': expected a name that ends in .parquet (parquet), .csv",
    ),
    "format": (["out.csv", "--format", "xlsx"], "--format = 'xlsx': expected one of parquet, csv, every-eval-ever"),
    "source": (["out.csv", "--source", "cvs"], "--source = 'cvs': expected one of lighteval, parquet,"),
    "folder": (["no/out.csv"], "--output = 'no/out.csv': no such directory"),
    "device": (["/dev/null", "--format", "csv"], "--output = '/dev/null': is not a regular file"),
    "group": (["out.csv", "--group", "modle"], "no column 'modle' to group by (did you mean 'model'?)"),
    "twice": (["out.csv"], "line 4: problem 'a' of group 'x' appears again (first on line 2)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_writes_nothing(tmp_path, capsys, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    arguments, expected = REFUSED[name]
    table(tmp_path, "model,problem,attempts,successes\nx,a,3,1\ny,b,3,1\nx,a,3,1\n")
    assert run(["convert", "runs.csv", "-o", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert expected in err
    assert os.listdir() == ["runs.csv"]


def test_a_format_that_the_name_contradicts_is_warned_of(tmp_path, capsys):
    runs, output = table(tmp_path, "problem,attempts,successes\na,3,1\n"), tmp_path / "out.csv"
    expected = r"out.csv: written as parquet, though a name that ends in .csv says csv"
    with pytest.warns(DataWarning, match=expected):
        js.convert(runs, output, format="parquet")
    assert js.read_attempts(output).summary.format == "parquet"
    assert run(["convert", str(runs), "-o", str(output), "--format", "parquet"]) == 0
    assert re.search(f"jaxscale: warning: .*{expected}\n", capsys.readouterr().err)
    for name, format in (("out.csv", "csv"), ("out.table", "parquet"), ("OUT.JSONL", "every-eval-ever")):
        js.convert(runs, tmp_path / name, format=format)  # where a warning would be an error


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a directory in which nobody can make a file")
@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.jsonl"])
def test_where_nothing_can_be_written_the_message_names_the_file_asked_for(tmp_path, name):
    runs = table(tmp_path, "problem,attempts,successes\na,3,1\n")
    with pytest.raises(DataError) as refused:
        js.convert(runs, f"/proc/{name}")
    assert str(refused.value) == f"/proc/{name}: cannot be written: no such file or directory"


def test_what_does_not_fit_is_refused_and_leaves_the_old_file(tmp_path):
    output = tmp_path / "out.jsonl"
    output.write_text("old")
    many = table(tmp_path, "problem,attempts,successes\na,1000000000000,1\n")
    with pytest.raises(DataError, match="has 1,000,000,000,000 calls: every_eval_ever has a record for each"):
        js.convert(many, output)
    two = table(tmp_path, "problem,answer,passed,correct\na,7,1,1\na,8,1,0\n")
    with pytest.raises(DataError, match="line 3: passed and correct differ"):
        js.convert(two, output)
    nul = tmp_path / "nul.jsonl"
    nul.write_text(json.dumps({"problem": "a", "answer": "x\0", "correct": True}) + "\n")
    with pytest.raises(DataError, match="column 'answer' holds a NUL"):
        js.convert(nul, output.with_suffix(".csv"))
    assert output.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["nul.jsonl", "out.jsonl", "runs.csv"]

    with pytest.raises(DataError, match="problem 'a' appears again"):
        js.write_attempts(js.Attempts([1, 1], [0, 1], query=["a", "a"]), tmp_path / "out.csv")
    with pytest.raises(ValueError, match="attempts is a Ballots: expected Attempts"):
        js.write_attempts(js.Ballots([[1]], [[True]]), tmp_path / "out.csv")
    with pytest.raises(ValueError, match="group = 'problem': names a column of the table"):
        js.write_attempts({"a": js.Attempts([1], [1])}, tmp_path / "out.csv", group="problem")
    plain, scored = js.Ballots([[1]], [[True]]), js.Ballots([[1]], [[True]], scores=[[0.5]])
    with pytest.raises(ValueError, match="ballots: some data sets have scores and others have none"):
        js.write_ballots({"a": plain, "b": scored}, tmp_path / "out.csv")
