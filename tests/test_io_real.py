"""The readers on real data, held against a count made with the csv module alone."""

import collections
import csv
import warnings
from pathlib import Path

import pytest

import jaxscale as js
from jaxscale.data import DataWarning

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
GROUPS = {"pythia_math": "model", "code_contests": "model", "pythia_checkpoints_math": "checkpoint"}
GROUPS["otis_mock_aime"] = "model"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")


def files(kind):
    return [pytest.param(path, id=path.stem) for path in sorted((DATA / kind).glob("*.csv"))]


def records(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", files("attempts"))
def test_real_attempts(path):
    column = GROUPS.get(path.stem)
    expected = collections.defaultdict(dict)
    for record in records(path):
        group, problem = record[column] if column else "all", record["problem"]
        before = expected[group].get(problem, (0, 0))
        counted = (record.get("attempts", 1), record.get("successes", record.get("passed")))
        expected[group][problem] = tuple(old + int(new) for old, new in zip(before, counted, strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # two of the checkpoints hold no problem solved twice
        groups = js.read_attempts(path, column or ())
    assert list(groups) == list(expected)
    for key, attempts in groups.items():
        pairs = zip(attempts.attempts.tolist(), attempts.successes.tolist(), strict=True)
        assert dict(zip(attempts.query, pairs, strict=True)) == expected[key]
    if column:
        with pytest.raises(ValueError, match=f"--group {column}"):
            js.read_attempts(path)


@pytest.mark.parametrize("path", files("ballots"))
def test_real_ballots(path):
    column = GROUPS.get(path.stem)
    votes, right, kept = (collections.defaultdict(collections.Counter) for _ in range(3))
    for record in records(path):
        query = (record[column] if column else "all", record["problem"])
        count = int(record.get("count", 1))
        votes[query][record["answer"]] += count
        right[query][record["answer"]] += count * (record["correct"] in ("1", "True"))
        kept[query][record["answer"]] += int(record.get("kept", 0))
    groups = js.read_ballots(path, column or ())
    assert sum(map(len, groups.values())) == len(votes)
    for key, ballots in groups.items():
        for row, problem in enumerate(ballots.query):
            cast = votes[key, problem]
            assert ballots.blank[row] == cast.pop("", 0)
            named = range(len(cast))
            assert ballots.counts[row, : len(cast)].tolist() == list(cast.values())
            assert ballots.counts[row, len(cast) :].sum() == 0
            assert [answer for answer, _ in zip(cast, named, strict=True) if right[key, problem][answer]] == [
                answer for answer, correct in zip(cast, ballots.correct[row], strict=False) if correct
            ]
            if ballots.kept_counts is not None:
                by_answer = kept[key, problem]
                assert ballots.kept_blank[row] == by_answer.pop("", 0)
                assert ballots.kept_counts[row, : len(cast)].tolist() == list(by_answer.values())
