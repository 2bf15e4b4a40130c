"""Files made to exhaust memory end in one line, and in little memory."""

import json
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _logs import LOG, sample

import jaxscale as js
from jaxscale.data import DataError, DataWarning
from jaxscale.io import _columns, _document, _parquet
from jaxscale.io.logs import _chen, _monkeys

LIMIT = 600_000  # kB beyond what importing the reader takes

READ = """
import re, sys
from jaxscale.io import read_either
from jaxscale.data import DataError
def peak():
    return int(re.search(r"VmHWM:\\s+([0-9]+)", open("/proc/self/status").read())[1])
before = peak()
try:
    read_either(sys.argv[1])
    print(peak() - before, "read")
except DataError as error:
    print(peak() - before, error)
"""


def liar(path):
    """The same, with a directory that says it is small: it is inflated up to the most that a document may have."""
    bomb(path)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    path.write_bytes(content)


def bomb(path):
    """A log of a few MB that inflates to 1.2 GB of one string, more than a document may have."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("header.json", json.dumps({"eval": {"model": "m"}}))
        with archive.open("summaries.json", "w", force_zip64=True) as member:
            member.write(b'[{"id": "')
            piece = b"a" * 2**22
            for _ in range(300):
                member.write(piece)


def line(path):
    """A single JSON line of 4 GB, sparse on the disk."""
    with path.open("wb") as file:
        file.write(b'{"problem": "')
        file.truncate(2**32)


def row(path):
    """A CSV whose only row is one field of 4 GB."""
    with path.open("wb") as file:
        file.write(b'problem,answer,correct\n"')
        file.truncate(2**32)


def pages(path):
    """A Parquet file of a few hundred kB with forty million equal rows."""
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**7, np.int32)), pa.array(["x"]))
    table = pa.table({"problem": values, "passed": pa.array(np.zeros(10**7, bool))})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(4):
            writer.write_table(table, row_group_size=10**7)


def dictionary(path):
    """A Parquet file of a few kB with four million times the same long text, 40 GB in all."""
    values = pa.DictionaryArray.from_arrays(pa.array(np.zeros(2**22, np.int32)), pa.array(["x" * 10_000]))
    pq.write_table(pa.table({"problem": values, "passed": pa.array(np.zeros(2**22, bool))}), path, compression="zstd")


def prefixes(path):
    """A Parquet file of 8 kB whose values, 4 GB in all, share what they begin with."""
    column = pa.array(["y" * 200_000] * 2_000)
    writer = None
    for _ in range(10):
        table = pa.table({"problem": column, "passed": [1] * len(column)})
        writer = writer or pq.ParquetWriter(
            path,
            table.schema,
            use_dictionary=False,
            column_encoding={"problem": "DELTA_BYTE_ARRAY"},
            compression="zstd",
        )
        writer.write_table(table)
    writer.close()


def values(path):
    """A log of 70 kB in which one sample has fifteen million values."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"eval": {"model": "m"}}))
        archive.writestr("summaries.json", b'[{"id": 1, "scores": [' + b'{"":0},' * 5_000_000 + b"0]}]")


def cell(path):
    """A table of Chen et al. with 3.5 million answers to a query."""
    path.write_text('true_answer,full_possible_answer_count\nA,"{' + "1:1," * 3_500_000 + '}"\n')


def nested(path):
    path.write_bytes(b'{"problem": ' + b"[" * 10**6)


def entities(path):
    """YAML that would grow tenfold with each of its twelve anchors."""
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 13))
    path.write_text(text + "is_corrects: *a12\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (bomb, "log.eval"),
        (liar, "liar.eval"),
        (line, "a.jsonl"),
        (row, "a.csv"),
        (pages, "a.parquet"),
        (prefixes, "c.parquet"),
        (values, "b.eval"),
        (cell, "b.csv"),
        (nested, "b.jsonl"),
        (entities, "a.yaml"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_ends_in_one_line_and_little_memory(tmp_path, make, name):
    path = tmp_path / name
    make(path)
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True, timeout=60)
    grown, said = done.stdout.split(maxsplit=1)
    assert int(grown) < LIMIT
    assert said.startswith(str(path))
    assert said.count("\n") == 1
    assert len(said) < 400


def refused(path, limit, value, monkeypatch):
    """What is said of a file that can be read, and then of the same file where a bound is smaller."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert js.read_attempts(path)
        monkeypatch.setattr(*limit, value)
        with pytest.raises(DataError) as caught:
            js.read_attempts(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def archive(path, samples):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as log:
        log.writestr("header.json", json.dumps({"eval": LOG["eval"]}))
        log.writestr("summaries.json", json.dumps(samples))
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_equal_values_take_no_room(tmp_path):
    dictionary(tmp_path / "b.parquet")
    command = [sys.executable, "-c", READ, tmp_path / "b.parquet"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    grown, said = done.stdout.split()
    assert said == "read"
    assert int(grown) < LIMIT


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ((_columns, "MOST_MEMORY"), 10_000, "holds more than 10,000 bytes of values"),
        ((_document, "MAX_DOCUMENT"), 10_000, "longer than 10,000 bytes"),
        ((_document, "MAX_ITEMS"), 10, "a list of more than 10 items"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_an_archive_may_hold_so_much(tmp_path, monkeypatch, limit, value, message):
    samples = [sample(f"a problem of a long name, number {i}", 1, "C", str(i)) for i in range(300)]
    assert message in refused(archive(tmp_path / "log.eval", samples), limit, value, monkeypatch)


@pytest.mark.parametrize("limit", ["MAX_PIECE", "MAX_NODES"])
def test_a_sample_may_hold_so_much(tmp_path, monkeypatch, limit):
    samples = [{**sample("q", 1, "C", "4"), "store": [{"": 0}] * 500}]
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**LOG, "samples": samples}))
    assert "a value of more than" in refused(path, (_document, limit), 1000, monkeypatch)


@pytest.mark.parametrize("limit", ["_MOST_BYTES", "_MOST_HELD", "_MOST_PACKED", "_MOST_ROWS"])
def test_a_parquet_file_may_hold_so_much(tmp_path, monkeypatch, limit):
    path = tmp_path / "runs.parquet"
    pq.write_table(pa.table({"problem": [f"problem {i}" for i in range(500)], "passed": [1] * 500}), path)
    assert "expected at most" in refused(path, (_parquet, limit), 400, monkeypatch)


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY", None])
def test_a_parquet_file_is_read_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "runs.parquet"
    problems = [f"problem {i // 3}" for i in range(3000)]
    table = pa.table({"problem": problems, "passed": [i % 2 for i in range(3000)], "text": ["x" * 100] * 3000})
    encodings = {"problem": encoding} if encoding else None
    pq.write_table(table, path, use_dictionary=not encoding, column_encoding=encodings, row_group_size=700)
    attempts = js.read_attempts(path)["all"]
    assert attempts.query == tuple(dict.fromkeys(problems))
    assert attempts.attempts.tolist() == [3] * 1000
    assert attempts.successes.tolist() == [1, 2] * 500


def test_a_cell_and_a_yaml_file_may_hold_so_much(tmp_path, monkeypatch):
    path = tmp_path / "chen.csv"
    path.write_text('true_answer,full_possible_answer_count\n7,"{' + ", ".join(f"'{i}': 1" for i in range(99)) + '}"\n')
    assert js.read_ballots(path)["all"].calls.tolist() == [99]
    monkeypatch.setattr(_chen, "MAX_CELL", 500)
    with pytest.raises(DataError, match=r"line 2: full_possible_answer_count has 881 characters: expected"):
        js.read_ballots(path)
    path = tmp_path / "q.yaml"
    path.write_text("is_corrects:\n" + "- true\n" * 50 + "- false\n")
    assert "more than 50 values" in refused(path, (_monkeys, "MAX_VALUES"), 50, monkeypatch)


def test_records_that_each_have_a_key_of_their_own(tmp_path, monkeypatch):
    path = tmp_path / "runs.jsonl"
    records = [{"problem": f"p{i}", "attempts": 2, "successes": 1, f"key {i}": 1} for i in range(300)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    monkeypatch.setattr(_columns, "MOST_GAPS", 10_000)
    assert len(js.read_attempts(path)["all"]) == 300  # of the keys that are read none is missing
    with pytest.raises(DataError, match="300 records have 303 different keys, and 89,700 times one is missing"):
        js.convert(path, tmp_path / "runs.csv")
    path.write_text(path.read_text() + json.dumps(records[0]) + "\n")
    with pytest.raises(DataError, match=r"'p0' appears again .*: expected one row per problem$"):
        js.read_attempts(path)
