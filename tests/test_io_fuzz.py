"""Whatever the bytes or the table: a result, or a `DataError` of one line."""

import csv
import io
import json
import warnings

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import FORMATS

FUZZ = settings(
    derandomize=True, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FORMS = [None, *(known.name for known in FORMATS)]

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
@FUZZ
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
@given(table=tables())
def test_any_table_means_the_same_in_every_format(tmp_path, table):
    header, rows = table
    written = io.StringIO(newline="")
    writer = csv.writer(written, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    files = {form: tmp_path / f"data.{form}" for form in ("csv", "jsonl", "parquet")}
    files["csv"].write_bytes(written.getvalue().encode())
    outcomes = [survives(files["csv"])]
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
