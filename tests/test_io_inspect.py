"""Logs of inspect_ai: JSON and archives, hand-made with the fields of FORMATS.md, and the real ones where they are."""

import json
import warnings
import zipfile

import pyarrow as pa
import pytest
from _logs import LOG, LOGS, SAMPLES, counts, recognised, sample

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import _document

# Logs as small as these look as if sampling stopped at a success.
pytestmark = pytest.mark.filterwarnings("ignore:.*(stopped at the first success|ended in an error or have no)")


def check_inspect(path):
    with pytest.warns(DataWarning, match="dropped 2 attempts that have no score"):
        assert counts(path, "model") == {"q1": (2, 3), "q2": (1, 2)}
    with pytest.warns(DataWarning, match="dropped 2"):
        ballots = js.read_ballots(path, "model")["m"]
    assert ballots.counts.tolist() == [[2, 1], [1, 1]]
    assert ballots.correct.tolist() == [[True, False], [False, True]]
    assert ballots.tokens[0].tolist() == [3, 3, 3]


def test_inspect_json(tmp_path):
    path = tmp_path / "log.json"
    path.write_text(json.dumps(LOG, indent=2))
    assert recognised(path) == "inspect-json"
    check_inspect(path)
    with pytest.warns(DataWarning, match="dropped 2"):
        assert set(js.read_attempts(path)["all"].prompt_tokens.tolist()) == {1.0}


def test_inspect_values_that_are_objects_are_scorers(tmp_path):
    path = tmp_path / "log.json"
    samples = [sample("q1", 1, {"a": 1, "b": 0}, "4"), sample("q1", 2, {"a": 0, "b": 0}, "5")]
    path.write_text(json.dumps({**LOG, "samples": samples}))
    with pytest.warns(DataWarning, match=r"read scorer 'match.a' of 'match.a', 'match.b'"):
        assert counts(path) == {"q1": (1, 2)}
    groups = js.read_attempts(path, "scorer")
    assert {key: int(each.successes[0]) for key, each in groups.items()} == {"match.a": 1, "match.b": 0}


def test_inspect_samples_that_ended_in_an_error_have_no_score(tmp_path):
    path = tmp_path / "log.json"
    failed = [{**sample("q1", 5, "C", "4"), "scores": scores} for scores in ({}, None)]
    partial = sample("q1", 6, {"a": 1}, "4")
    whole = sample("q1", 7, {"a": 1, "b": 0}, "4")
    path.write_text(json.dumps({**LOG, "samples": [*failed, partial, whole]}))
    for scorer, expected, dropped in (("match.a", (2, 2), 2), ("match.b", (0, 1), 3)):
        with pytest.warns(DataWarning, match=f"dropped {dropped} attempts that have no score"):
            (attempts,) = js.read_attempts(path, scorer=scorer).values()
        assert (attempts.successes[0], attempts.attempts[0]) == expected
    path.write_text(json.dumps({**LOG, "samples": failed}))
    with pytest.raises(DataError, match=r"no scored attempts \(2 without a score\)"):
        js.read_attempts(path)
    with pytest.raises(DataError, match="no scorer 'match': the log names none"):
        js.read_attempts(path, scorer="match")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_inspect_eval(tmp_path, method):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("header.json", json.dumps({"eval": LOG["eval"]}))
        archive.writestr("summaries.json", json.dumps(SAMPLES))
    assert recognised(path) == "inspect-eval"
    check_inspect(path)


def test_answers_that_the_summaries_of_an_archive_cut_are_read_whole(tmp_path):
    path = tmp_path / "log.eval"
    answers = ["x" * 5000 + "1", "x" * 5000 + "2", "so ...", "so ..."]
    whole = [sample("q1", epoch, "C" if epoch == 1 else "I", answer) for epoch, answer in enumerate(answers, 1)]
    short = [sample("q1", each["epoch"], each["scores"]["match"]["value"], "...") for each in whole[:2]]

    def write(kept):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("header.json", json.dumps({"eval": LOG["eval"]}))
            archive.writestr("summaries.json", json.dumps([*short, *whole[2:]]))
            for each in kept:
                archive.writestr(f"samples/{each['id']}_epoch_{each['epoch']}.json", json.dumps(each))

    write(whole)
    ballots = js.read_ballots(path)["all"]
    assert ballots.counts.tolist() == [[1, 1, 2]]
    assert ballots.correct.tolist() == [[True, False, False]]
    write(whole[1:])
    with pytest.raises(
        DataError, match=r"an answer is cut to '...', and there is no 'samples/q1_epoch_1.json': expected"
    ):
        js.read_ballots(path)
    assert js.read_attempts(path)["all"].successes.tolist() == [1]


def test_tokens_that_the_summaries_of_old_versions_leave_out_are_read_in_the_samples(tmp_path):
    path = tmp_path / "log.eval"
    samples = [sample(name, epoch, "C", "4", tokens=epoch) for name in ("q1", "q2") for epoch in (1, 2)]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps({"eval": LOG["eval"]}))
        for each in samples:
            archive.writestr(f"samples/{each['id']}_epoch_{each['epoch']}.json", json.dumps(each))
        archive.writestr("summaries.json", json.dumps([{**each, "model_usage": None} for each in samples]))
    assert js.read_attempts(path)["all"].tokens is None  # that there were none is said
    short = [{name: value for name, value in each.items() if name != "model_usage"} for each in samples]
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a second member of that name is the one that is read
        archive.writestr("summaries.json", json.dumps(short))
    assert js.read_attempts(path)["all"].tokens.tolist() == [1.5, 1.5]


def as_zstd(path):
    """Rewrite an archive of stored members as one of zstd members, which the standard library cannot write."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    codec = pa.Codec("zstd")
    packed = {name: codec.compress(content, asbytes=True) for name, content in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in packed.items():
            archive.writestr(name, content)
    raw = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        start = -1
        while (start := raw.find(signature, start + 1)) >= 0:
            raw[start + offset] = 93
    path.write_bytes(raw)


def archive_of(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.json", content)
    return path


def test_inspect_eval_in_zstd(tmp_path):
    path = archive_of(tmp_path / "log.eval", header=json.dumps({"eval": LOG["eval"]}), summaries=json.dumps(SAMPLES))
    as_zstd(path)
    check_inspect(path)


@pytest.mark.parametrize("zstd", [False, True])
def test_a_zip_bomb_is_refused(tmp_path, monkeypatch, zstd):
    monkeypatch.setattr(_document, "MAX_DOCUMENT", 2**20)
    path = archive_of(tmp_path / "log.eval", header="{}", summaries=" " * 2**26)
    if zstd:
        as_zstd(path)
    with pytest.raises(DataError, match="longer than 1,048,576 bytes"):
        js.read_attempts(path)


def test_other_archives_are_refused(tmp_path):
    path = archive_of(tmp_path / "log.eval", header="{}")
    with pytest.raises(DataError, match=r"a zip archive without summaries\.json: expected an inspect_ai log"):
        js.read_attempts(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match="a damaged archive"):
        js.read_attempts(path)


def test_odd_names_in_an_archive_are_never_files(tmp_path):
    path = tmp_path / "log.eval"
    odd = ["../evil.json", "/tmp/evil.json", "a\\b", "x" * 60_000, "summaries.json/", "naïve.json", "summaries.json "]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in odd:
            archive.writestr(name, "[1]")
        archive.writestr("header.json", json.dumps({"eval": LOG["eval"]}))
    with pytest.raises(DataError, match=r"a zip archive without summaries\.json"):
        js.read_attempts(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("summaries.json", "\ufeff" + json.dumps(SAMPLES))
    check_inspect(path)
    assert [each.name for each in tmp_path.iterdir()] == ["log.eval"]
    # A name that is said to be UTF-8 and is not.
    path.write_bytes(path.read_bytes().replace("naïve".encode(), b"na\xff\xffve"))
    with pytest.raises(DataError, match="a damaged archive"):
        js.read_attempts(path)


@pytest.mark.skipif(not LOGS.is_dir(), reason="../shared/data/logs is not here")
@pytest.mark.parametrize("name", ["inspect_log.json", "inspect_log.eval"])
def test_the_real_inspect_log(name):
    with (LOGS / "inspect_log.json").open() as file:
        samples = json.load(file)["samples"]
    expected = {}
    for each in samples:
        right, total = expected.get(each["id"], (0, 0))
        expected[each["id"]] = (right + (each["scores"]["match"]["value"] == "C"), total + 1)
    assert counts(LOGS / name, "model") == expected
    answers = {(each["id"], each["scores"]["match"]["answer"]) for each in samples}
    (ballots,) = js.read_ballots(LOGS / name).values()
    assert (ballots.counts > 0).sum() == len(answers)
    assert ballots.tokens.sum() == sum(each["model_usage"]["mockllm/model"]["output_tokens"] for each in samples)
