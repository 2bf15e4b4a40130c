"""Data frames, and lists in columns of frames and Parquet files: an item is a call."""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import jaxscale as js
from jaxscale.data import DataError, DataWarning

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")

PER_CALL = {"problem": ["a", "a", "b"], "passed": [True, False, True], "answer": ["4", "5", "6"]}
LISTS = {
    "problem": ["a", "b", "c"],
    "passed": [[True, False, None], [True], []],
    "answer": [["4", "5", "4"], ["6"], []],
    "tokens": [[1.0, 2.0, 3.0], [4.0], []],
    "model": ["m", "m", "m"],
}


def test_one_data_set_of_a_frame():
    frame = pa.table(PER_CALL)
    attempts = js.Attempts.from_frame(frame)
    assert (attempts.query, attempts.successes.tolist()) == (("a", "b"), [1, 1])
    renamed = frame.rename_columns(["task", "ok", "said"])
    again = js.Attempts.from_frame(renamed, columns={"problem": "task", "passed": "ok"})
    assert again.successes.tolist() == [1, 1]
    ballots = js.Ballots.from_frame(renamed, {"problem": "task", "correct": "ok", "answer": "said"})
    assert ballots.counts.tolist() == [[1, 1], [1, 0]]
    graded = frame.set_column(1, "passed", pa.array([0.9, 0.1, 0.6]))
    assert js.Attempts.from_frame(graded, right=">= 0.5").successes.tolist() == [1, 1]
    with pytest.raises(DataError, match="2 models"):
        js.Attempts.from_frame(frame.append_column("model", pa.array(["m", "n", "n"])))
    with pytest.raises(DataError, match=r"^data frame: no column 'problem'.*--columns problem=task,passed=\.\.\."):
        js.Attempts.from_frame(pa.table({"task": ["a"], "zz": [1]}))


def written(path, table):
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list], ids=["list", "large_list"])
@pytest.mark.parametrize("form", ["frame", "parquet", "jsonl"])
def test_items_of_lists_are_calls(tmp_path, form, kind):
    types = {"passed": pa.bool_(), "answer": pa.string(), "tokens": pa.float64()}
    table = pa.table(
        {name: pa.array(v, kind(types[name])) if name in types else pa.array(v) for name, v in LISTS.items()}
    )
    given = table if form == "frame" else written(tmp_path / f"runs.{form}", table)
    with pytest.warns(DataWarning, match="dropped 1 attempt that has no score"):
        attempts = js.read_attempts(given, "model")["m"]
    assert (attempts.query, attempts.successes.tolist()) == (("a", "b"), [1, 1])
    assert attempts.attempts.tolist() == [2, 1]
    np.testing.assert_allclose(attempts.tokens, [1.5, 4])
    with pytest.warns(DataWarning, match="dropped 1 attempt"):
        assert js.read_ballots(given)["all"].counts.tolist() == [[1, 1], [1, 0]]


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
@pytest.mark.parametrize("form", ["frame", "parquet"])
def test_what_lists_lack_is_no_value_and_what_does_not_fit_is_refused(tmp_path, form):
    def of(**columns):
        table = pa.table(columns)
        return table if form == "frame" else written(tmp_path / "runs.parquet", table)

    # Without a list of verdicts a problem has one call without a verdict; without answers its calls have none.
    verdicts = pa.array([[True, False], None, [False, False]])
    answers = pa.array([["x", "y"], ["z"], None])
    read = js.read_ballots(of(problem=["a", "b", "c"], correct=verdicts, answer=answers))
    assert dict(read.summary.dropped) == {"attempts that have no score": 1}
    ballots = read["all"]
    assert (ballots.query, ballots.counts.sum(axis=1).tolist(), ballots.blank.tolist()) == (("a", "c"), [2, 0], [0, 2])
    fixed = pa.FixedSizeListArray.from_arrays(pa.array([True, False, True, True]), 2)
    assert js.read_attempts(of(problem=["a", "b"], passed=fixed))["all"].successes.tolist() == [1, 2]
    with pytest.raises(DataError, match=r"row 2: lists of different lengths \(passed 1, tokens 2\)"):
        js.read_attempts(of(problem=["a", "b"], passed=[[1], [0]], tokens=[[1], [2, 3]]))
    with pytest.raises(DataError, match="its lists are empty"):
        js.read_attempts(of(problem=["a"], passed=pa.array([[]], pa.list_(pa.bool_()))))
    with pytest.raises(DataError, match="column 'problem' is of type list"):
        js.read_attempts(of(problem=[["a"]], passed=[1]))


@pytest.mark.parametrize("library", ["pandas", "polars", "polars.lazy", "duckdb"])
def test_frames_of_other_libraries(library):
    module = pytest.importorskip(library.partition(".")[0])
    table = pa.table(PER_CALL)
    if library == "duckdb":
        frame = module.arrow(table)
    else:
        frame = module.DataFrame(PER_CALL)
        frame = frame.lazy() if library.endswith("lazy") else frame
    assert js.Attempts.from_frame(frame).successes.tolist() == [1, 1]
    assert js.Ballots.from_frame(frame).counts.tolist() == [[1, 1], [1, 0]]


def test_columns_are_named_as_a_mapping_or_as_the_command_line_does():
    table = pa.table({"task_id": ["a", "a", "b"], "is_correct": [1, 1, 0]})
    for columns in ("problem=task_id,passed=is_correct", {"problem": "task_id", "passed": "is_correct"}):
        assert js.Attempts.from_frame(table, columns).successes.tolist() == [2, 0]
    for columns, message in (
        ("problem", "columns = 'problem': expected names with = between them and commas between several"),
        ("problem=a,problem=b", "columns = 'problem=a,problem=b': expected"),
        ([("problem", "task_id")], "columns is of type list: expected a mapping of names to names, or names with ="),
        ({"problem": 3}, "columns has 'problem': 3: expected a mapping of names to names"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            js.Attempts.from_frame(table, columns)


def test_what_is_no_frame_is_told_which_are():
    with pytest.raises(ValueError, match=r"frame is of type dict: .*a data frame: one of pandas .*pyarrow.table makes"):
        js.Attempts.from_frame({"problem": ["a"], "passed": [1]})
