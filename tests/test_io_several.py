"""Several files, or a directory of them, as one data set."""

import json

import pytest

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import read_either


def tidy(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("problem,passed\n" + "".join(f"{problem},{passed}\n" for problem, passed in rows))
    return path


def nemo(path, *answers):
    base = {"generation": "x", "expected_answer": "4"}
    records = [{**base, "predicted_answer": answer, "symbolic_correct": answer == "4"} for answer in answers]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_rows_of_several_files_are_put_together(tmp_path):
    files = [tidy(tmp_path / "a.csv", ("p", 1), ("q", 1)), tidy(tmp_path / "b.csv", ("p", 0), ("q", 1))]
    attempts = js.read_attempts(files)["all"]
    assert attempts.query == ("p", "q")
    assert attempts.successes.tolist() == [1, 2]
    assert attempts.attempts.tolist() == [2, 2]
    by_file = js.read_attempts(files, "file")
    assert list(by_file) == [str(file) for file in files]
    assert by_file[str(files[1])].successes.tolist() == [0, 1]


def test_seeds_of_nemo_skills_are_attempts_at_the_same_lines(tmp_path):
    nemo(tmp_path / "output-rs0.jsonl", "4", "5")
    nemo(tmp_path / "output-rs1.jsonl", "4", "4")
    ballots = js.read_ballots(tmp_path)["all"]
    assert ballots.query == ("1", "2")
    assert ballots.counts.tolist() == [[2, 0], [1, 1]]
    assert ballots.correct.tolist() == [[True, False], [False, True]]


def test_a_directory_is_searched_for_data_and_says_what_it_skipped(tmp_path):
    tidy(tmp_path / "deep" / "b.csv", ("p", 1))
    tidy(tmp_path / "a.csv", ("p", 0), ("p", 1))
    tidy(tmp_path / ".hidden" / "c.csv", ("p", 0))
    (tmp_path / "notes.md").write_text("problem,passed\np,1\n")
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    (tmp_path / "empty.json").touch()
    with pytest.warns(DataWarning) as seen:
        attempts = js.read_attempts(tmp_path)["all"]
    assert [str(each.message).removeprefix(f"{tmp_path}: ") for each in seen] == [
        f"skipped 1 file that holds no attempts or ballots ({tmp_path / 'other.csv'})",
        "put the files of 2 folders together: --group folder reads each",
        f"skipped 1 file that is damaged or without a verdict ({tmp_path / 'empty.json'}: is empty: expected a table "
        "of attempts or ballots)",
    ]
    assert attempts.attempts.tolist() == [3]
    assert attempts.successes.tolist() == [2]
    assert attempts.name == tmp_path.name
    with pytest.warns(DataWarning) as seen:
        groups = js.read_attempts(tmp_path, "folder")
    assert len(seen) == 2
    assert {key: int(each.attempts[0]) for key, each in groups.items()} == {
        str(tmp_path): 2,
        str(tmp_path / "deep"): 1,
    }


@pytest.mark.parametrize("read", [js.read_attempts, js.read_ballots, read_either])
@pytest.mark.parametrize("header", ["problem,passed\np,1\n", "problem,attempts,successes\np,3,1\n"])
def test_attempts_beside_ballots_are_refused(tmp_path, read, header):
    (tmp_path / "a.csv").write_text(header)
    (tmp_path / "b.csv").write_text("problem,answer,correct\np,x,1\n")
    for path in (tmp_path, [tmp_path / "a.csv", tmp_path / "b.csv"]):
        with pytest.raises(DataError) as caught:
            read(path)
        found = f"attempts: {tmp_path / 'a.csv'}, ballots: {tmp_path / 'b.csv'}"
        title = tmp_path if path == tmp_path else "2 files"
        assert str(caught.value) == f"{title}: files of two kinds ({found}): expected one; name the files of one kind"


def test_files_of_answers_and_passes_go_with_either_kind(tmp_path):
    (tmp_path / "a.csv").write_text("problem,answer,correct,passed\np,x,1,1\n")
    (tmp_path / "b.csv").write_text("problem,passed\np,0\n")
    assert js.read_attempts(tmp_path)["all"].attempts.tolist() == [2]


def test_errors_name_the_file_of_several(tmp_path):
    files = [tidy(tmp_path / "a.csv", ("p", 1), ("q", 1)), tidy(tmp_path / "b.csv", ("p", 0), ("q", 7))]
    with pytest.raises(DataError) as caught:
        js.read_attempts(files)
    assert (caught.value.file, caught.value.line) == (str(files[1]), 3)
    for file in files:
        file.write_text("problem,attempts,successes\np,1,1\n")
    with pytest.raises(DataError, match=r"b.csv, line 2: .* \(first on line 2 of .*a.csv\).*--group file is needed"):
        js.read_attempts(files)


def test_problems_of_two_tasks_with_one_label_are_not_pooled(tmp_path):
    base = {"doc_id": 0, "resps": [["4"]], "filtered_resps": ["4"], "filter": "f", "metrics": ["m"], "m": 1.0}
    for name, target in (("a", "4"), ("b", "5")):
        (tmp_path / f"samples_{name}.jsonl").write_text(json.dumps({**base, "target": target}) + "\n")
    with pytest.raises(DataError, match=r"calls of 2 tasks \('a', 'b'\), .*: --group task reads each"):
        js.read_attempts(tmp_path)
    assert len(js.read_attempts(tmp_path, "file")) == 2


def test_a_note_is_said_once_for_all_files(tmp_path):
    for index in range(3):
        path = nemo(tmp_path / f"output-rs{index}.jsonl", "4", "5")
        path.write_text(path.read_text() + json.dumps({"generation": "x"}) + "\n")
    with pytest.warns(DataWarning) as seen:
        js.read_attempts(tmp_path)
    assert len(seen) == 1
    assert "dropped 3 attempts that have no score" in str(seen[0].message)


def test_files_that_were_judged_in_different_ways_are_said_to_be(tmp_path):
    for name, verdict in (("a", "symbolic_correct"), ("b", "is_correct")):
        record = {"expected_answer": "4", "predicted_answer": "4", verdict: True}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.warns(DataWarning, match=r"by one verdict and some by another \('symbolic_correct', 'is_correct'\)"):
        assert js.read_attempts(tmp_path)["all"].attempts.tolist() == [2]


def test_files_of_several_formats_are_refused_unless_one_is_named(tmp_path):
    nemo(tmp_path / "output-rs0.jsonl", "4")
    tidy(tmp_path / "a.csv", ("p", 1))
    files = [tmp_path / "a.csv", tmp_path / "output-rs0.jsonl"]
    both = rf"files in several formats \(csv: {files[0]}, nemo-skills: {files[1]}\): expected one; "
    with pytest.raises(DataError, match=both + "--format reads those of one"):
        js.read_attempts(tmp_path)
    with pytest.raises(DataError, match="^2 files: " + both + "jaxscale convert FILE"):
        js.read_attempts(files)
    with pytest.warns(DataWarning, match="skipped 1 file"):
        assert js.read_attempts(tmp_path, format="csv")["all"].query == ("p",)
