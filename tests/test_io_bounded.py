"""Files made to exhaust memory end in one line, and in little memory."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

LIMIT = 600_000  # kB beyond what importing the reader takes

READ = """
import re, sys
from jaxscale.io import read_ballots
from jaxscale.data import DataError
def peak():
    return int(re.search(r"VmHWM:\\s+([0-9]+)", open("/proc/self/status").read())[1])
before = peak()
try:
    read_ballots(sys.argv[1])
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
