"""Whatever the bytes or the table: a result, or a `DataError` of one line."""

import csv
import io
import json
import os
import warnings
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from test_cli_logs import ATTEMPTS_ONLY, BALLOTS_ONLY, BOTH

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import FORMATS

FUZZ = settings(
    derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FORMS = [None, "csv", "jsonl", "parquet", "inspect-eval", "inspect-json", "chen", "lm-eval", "monkeys"]

names = st.sampled_from(
    ["problem", "attempts", "successes", "passed", "answer", "count", "correct", "kept", "score", "tokens", "gold", "x"]
)
layouts = st.one_of(
    st.just(("problem", "attempts", "successes")),
    st.just(("problem", "passed")),
    st.just(("problem", "answer", "count", "correct")),
    st.just(("problem", "answer", "correct", "kept", "score")),
    st.lists(names, min_size=1, max_size=6).map(tuple),
)
cells = st.one_of(
    st.sampled_from(["0", "1", "2", "true", "False", "", " ", "nan", "1e400", "-1", "0.5", '"', "a\nb", "1,000", "é"]),
    st.text(max_size=4),
)
# Mostly sound tables reach the code behind the checks.
sound = st.sampled_from(["0", "1", "1", "1"])


@st.composite
def tables(draw):
    header = draw(layouts)
    cell = draw(st.sampled_from([sound, cells]))
    return header, draw(st.lists(st.tuples(*[cell] * len(header)), max_size=6))


def survives(path, form=None):
    outcomes = []
    for read, kind in ((js.read_attempts, js.Attempts), (js.read_ballots, js.Ballots)):
        for group in ((), ("x",)):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DataWarning)
                try:
                    result = read(path, group, format=form)
                except DataError as error:
                    assert len(str(error).splitlines()) == 1, str(error)  # noqa: PT017
                    outcomes.append(None)
                else:
                    assert result
                    assert all(isinstance(each, kind) for each in result.values())
                    outcomes.append(sum(map(len, result.values())))
    return outcomes


@pytest.mark.parametrize("form", FORMS)
@settings(FUZZ, max_examples=60)
@given(content=st.binary(max_size=60))
def test_any_bytes(tmp_path, form, content):
    path = tmp_path / "data"
    path.write_bytes(content)
    survives(path, form)


@FUZZ
@given(
    content=st.lists(
        st.sampled_from([b"problem", b"passed", b",", b",", b"\n", b"\r", b'"', b"1", b"\xff", b"\xef\xbb\xbf", b"\0"]),
        max_size=20,
    ).map(b"".join)
)
def test_nearly_csv(tmp_path, content):
    path = tmp_path / "data.csv"
    path.write_bytes(b"problem,passed\n" + content)
    survives(path)


@FUZZ
@given(
    content=st.lists(
        st.sampled_from(
            ['{"problem":', '"passed":', "1", "null", '"\\ud800"', "{", "}", "[", "]", ",", "\n", "\\", '"']
        ),
        max_size=20,
    ).map("".join)
)
def test_nearly_json(tmp_path, content):
    path = tmp_path / "data.jsonl"
    path.write_text(content)
    survives(path)


@FUZZ
@given(
    content=st.lists(
        st.sampled_from(
            ["is_corrects:", "samples:", " ", "\n", "- ", "true", "false", "[", "]", "{", "}", ",", "&a", "*a"]
        ),
        max_size=20,
    ).map("".join)
)
def test_nearly_yaml(tmp_path, content):
    path = tmp_path / "log.yaml"
    path.write_text(content)
    survives(path)


KEYS = """
    task_id passed eval samples base_status plus_status doc_id resps filtered_resps target filter metrics id scores
    value answer model_usage output_tokens expected_answer predicted_answer symbolic_correct graded_list input output
    gts score acc pred sample_score group_id extracted_prediction index sample_id evaluation is_correct
    answer_attribution extracted_value token_usage true_answer is_correct-plus details correct pred example_abbr
    correctness compiled resolved resolved_ids unresolved_ids spec type data sample_id run_id event_id metadata
    example_level_metadata prompt_id all_answers problem_num gold_answer choices review result review_id base plus
    nfiles
"""
keys = st.sampled_from(KEYS.split())
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-1, 2), st.floats(), st.sampled_from(["C", "N", "4", "pass", ""])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=8,
)
LOGS = [known.name for known in FORMATS if known.name not in ("csv", "jsonl", "parquet", "chen", "monkeys")]


@pytest.mark.parametrize("form", LOGS)
@settings(FUZZ, max_examples=40)
@given(records=st.lists(st.dictionaries(keys, values, min_size=1, max_size=8), min_size=1, max_size=3))
def test_any_log(tmp_path, form, records):
    path = tmp_path / "log"
    if form == "inspect-eval":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.json", json.dumps(records[0]))
            archive.writestr("summaries.json", json.dumps([{"id": 1, **record} for record in records]))
    elif form in ("inspect-json", "evalplus"):
        listed = [{"id": 1, "base_status": "pass", **record} for record in records]
        path.write_text(json.dumps({"samples": listed, "eval": {"t": listed}} | records[0]))
    else:
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    survives(path, form)


@FUZZ
@given(table=tables())
def test_any_table_means_the_same_in_every_format(tmp_path, table):
    header, rows = table
    files = {form: tmp_path / f"data.{form}" for form in ("csv", "jsonl", "parquet")}
    outcomes = []
    for delimiter, end in ((",", "\n"), (";", "\n"), ("\t", "\r\n"), ("|", "\n")):
        written = io.StringIO(newline="")
        writer = csv.writer(written, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
        writer.writerow(header)
        writer.writerows(rows)
        files["csv"].write_bytes(written.getvalue().encode())
        outcomes.append(survives(files["csv"]))
    if rows and len(set(header)) == len(header):
        files["jsonl"].write_text("".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows))
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        pa.parquet.write_table(pa.table(columns, names=list(header)), files["parquet"])
        outcomes += [survives(files["jsonl"]), survives(files["parquet"])]
    assert all(outcome == outcomes[0] for outcome in outcomes)


@FUZZ
@given(data=st.data())
def test_a_damaged_parquet_file(tmp_path, data):
    path = tmp_path / "data.parquet"
    pa.parquet.write_table(pa.table({"problem": ["a", "b"], "passed": [1, 0]}), path)
    content = bytearray(path.read_bytes())
    for position in data.draw(st.lists(st.integers(4, len(content) - 1), max_size=3)):
        content[position] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content)
    survives(path)


RUNS = {name: make for name, (make, _) in {**ATTEMPTS_ONLY, **BOTH, **BALLOTS_ONLY}.items()}
MUTATED = int(os.environ.get("JAXSCALE_FUZZ", "25"))  # `make fuzz` tries 4,000 files of each kind
PIECES = [b'"', b"'", *(bytes([each]) for each in b",:[]{}\n\\\0\xff"), b"", b"-1", b"1e400", b"null", b"*a", b"NaN"]


def tidy(form):
    def make(folder):
        calls = [{"problem": "a", "answer": "4", "correct": True, "x": "u"}, {"problem": "b", "answer": "", "x": "v"}]
        path = folder / "calls.jsonl"
        path.write_text("".join(json.dumps({"correct": False, **call}) + "\n" for call in calls * 2))
        if form != "jsonl":
            js.convert(path, folder / f"runs.{form}")
        return path if form == "jsonl" else folder / f"runs.{form}"

    return make


def mutated(content, random):
    """Some bytes overwritten, cut out, put in or repeated, as a crash, a bad disk or a careless script leaves them."""
    content = bytearray(content)
    for _ in range(random.integers(1, 5)):
        start, end = sorted(random.integers(0, len(content) + 1, 2).tolist())
        end = min(end, start + int(random.integers(0, 40)))
        kind = random.integers(5)
        if kind == 0:
            content[start:end] = random.bytes(end - start)
        elif kind == 1:
            content[start:end] = PIECES[random.integers(len(PIECES))]
        elif kind == 2:
            content[start:start] = content[start:end] * int(random.integers(1, 4))
        elif kind == 3:
            other = int(random.integers(0, len(content) + 1))
            content[start:start] = content[other : other + end - start]
        elif random.integers(4) == 0:
            del content[start:]
        content = content or bytearray(b"x")
    return bytes(content)


@pytest.mark.parametrize("name", [*RUNS, "csv", "jsonl", "parquet"])
def test_a_mutated_file(tmp_path, name):
    made = RUNS.get(name, tidy(name))(tmp_path)
    path = next(each for each in sorted(made.rglob("*")) if each.is_file()) if made.is_dir() else made
    sound = path.read_bytes()
    random = np.random.default_rng(list(name.encode()))
    target = tmp_path / f"mutated{path.suffix}"
    for trial in range(MUTATED):
        content = mutated(sound, random)
        target.write_bytes(content)
        try:
            survives(target)
        except Exception as error:
            (tmp_path / "found").write_bytes(content)
            raise AssertionError(f"trial {trial}: {tmp_path / 'found'}") from error
