"""What the readers say that they took: `summary`, in words and as JSON, and the choice of one verdict of several."""

import dataclasses
import json

import pytest

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import read_either

READERS = [js.read_attempts, js.read_ballots, read_either]


def sample(identity, answer, tokens, **scores):
    usage = {"m": {"input_tokens": 2 * tokens, "output_tokens": tokens}}
    values = {name: {"value": value, "answer": answer} for name, value in scores.items()}
    return {"id": identity, "epoch": 1, "target": "4", "scores": values, "model_usage": usage}


SAMPLES = [
    sample("q1", "4", 10, strict="C", lenient="C"),
    sample("q1", "5", 20, strict="I", lenient="C"),
    sample("q1", None, 30, strict="I", lenient="I"),
    sample("q2", "7", 40, strict="I", lenient=None),
    sample("q2", "7", 50, strict=None, lenient="I"),
]


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"version": 2, "eval": {"eval_id": "x", "model": "m"}, "samples": SAMPLES}))
    return path


def test_the_summary_of_ballots(log):
    with pytest.warns(DataWarning) as seen:
        data = js.read_ballots(log)
    summary = data.summary
    assert (summary.format, summary.files, summary.kind) == ("inspect-json", (str(log),), "ballots")
    assert (summary.scorer, summary.scorers) == ("strict", ("strict", "lenient"))
    assert summary.dropped == (("attempts that have no score", 1),)
    assert [f"{log}: {note}" for note in summary.notes] == [str(each.message) for each in seen]
    assert len(summary.notes) == 2
    (group,) = summary.groups
    assert dataclasses.asdict(group) == {
        "name": "all",
        "queries": 2,
        "calls": 4,
        "calls_min": 1,
        "calls_median": 2.0,
        "calls_max": 3,
        "right": 1,
        "answers": 3,
        "blank": 1,
        "prompt_tokens": 50.0,  # the mean over calls of 20, 40, 60 and 80
        "output_tokens": 25.0,
    }
    assert str(summary) == (
        f"read {log} as inspect-json: 2 queries x 1 to 3 (median 2) ballots; scorer 'strict' of 'strict', 'lenient'; "
        "3 distinct answers to the queries; 1 call without an answer; 50.0 prompt tokens a call; "
        "25.0 output tokens a call; dropped 1 attempt that has no score"
    )
    plain = json.loads(json.dumps(summary.to_dict()))
    assert plain["dropped"] == {"attempts that have no score": 1}
    assert plain["groups"] == [dataclasses.asdict(group)]


@pytest.mark.filterwarnings("ignore:.*(stopped at the first success|read scorer)")
def test_the_summary_counts_what_the_data_sets_hold(log):
    with pytest.warns(DataWarning, match="dropped 1"):
        data = js.read_attempts(log)
    (group,) = data.summary.groups
    assert (data.summary.kind, group.answers, group.blank) == ("attempts", None, None)
    assert (group.calls, group.right) == (data["all"].attempts.sum(), data["all"].successes.sum())
    assert group.prompt_tokens == 2 * group.output_tokens == 50.0


@pytest.mark.parametrize("read", READERS)
def test_a_scorer_that_is_named_is_read_without_a_note_of_it(log, read):
    with pytest.warns(DataWarning) as seen:
        summary = read(log, scorer="lenient").summary
    assert [str(each.message) for each in seen] == [f"{log}: dropped 1 attempt that has no score"]
    assert (summary.scorer, summary.scorers) == ("lenient", ("strict", "lenient"))
    assert (summary.groups[0].calls, summary.groups[0].right) == (4, 2)


@pytest.mark.filterwarnings("ignore:.*stopped at the first success")
def test_a_group_of_scorers_reads_each(log):
    with pytest.warns(DataWarning, match="dropped 2"):
        summary = js.read_attempts(log, "scorer").summary
    assert (summary.scorer, summary.scorers, summary.queries) == (None, ("strict", "lenient"), 4)
    assert [(group.name, group.calls, group.right) for group in summary.groups] == [("strict", 4, 1), ("lenient", 4, 2)]
    assert "2 data sets, 4 queries x 1 to 3 attempts; scorers 'strict', 'lenient'" in str(summary)
    with pytest.warns(DataWarning, match="dropped 1"):
        one = js.read_attempts(log, "scorer", scorer="lenient").summary
    assert [group.name for group in one.groups] == ["lenient"]


@pytest.mark.parametrize("read", READERS)
def test_a_scorer_that_is_not_there_is_refused_and_the_others_named(log, tmp_path, read):
    with pytest.raises(DataError, match="no scorer 'strickt': found 'strict', 'lenient'"):
        read(log, scorer="strickt")
    path = tmp_path / "runs.csv"
    path.write_text("problem,answer,correct,passed\np,x,1,1\n")
    if read is js.read_attempts:
        path.write_text("problem,passed\np,1\n")
    with pytest.raises(DataError, match="no scorer 'strict': files of this format name none"):
        read(path, scorer="strict")


def test_the_summary_of_several_files_names_them_all(tmp_path):
    paths = [tmp_path / f"{name}.csv" for name in "ab"]
    for path in paths:
        path.write_text("problem,passed,tokens\np,1,4\nq,0,\n")
    summary = js.read_attempts(paths).summary
    assert summary.files == tuple(map(str, paths))
    assert (summary.format, summary.scorer, summary.scorers, summary.dropped, summary.notes) == (
        "csv",
        None,
        (),
        (),
        (),
    )
    assert str(summary) == (
        f"read 2 files ({paths[0]}, ...) as csv: 2 queries x 2 attempts; 4.0 output tokens a call"
    )  # a call that does not say counts in no mean


def test_a_file_name_with_control_characters_stays_on_its_line(tmp_path):
    path = tmp_path / "a\n\x1b[31m.csv"
    path.write_text("problem,attempts,successes\np,3,1\n")
    line = str(js.read_attempts(path).summary)
    assert "a\\n\\x1b[31m.csv as csv: 1 query x 3 attempts" in line
    assert line.isprintable()
