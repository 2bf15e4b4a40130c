"""Reading of large tables and logs: rows a second and peak memory, in processes of their own, beside plain readers."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from rich.table import Table

from benchmarks._timing import spread

ROUNDS, LONG = 3, 20.0
"""How often each is read, and the seconds after which it is not read again."""

CALLS = 100
"""Calls of a problem."""


def tidy(path: Path, rows: int) -> None:
    """A table of calls with tokens, as CSV or Parquet."""
    rng = np.random.default_rng(0)
    columns = {
        "problem": np.arange(rows) // 1000,
        "passed": rng.random(rows) < 0.3,
        "tokens": rng.integers(10, 2000, rows),
    }
    table = pa.table(columns)
    (pyarrow.csv.write_csv if path.suffix == ".csv" else pyarrow.parquet.write_table)(table, path)


def refused(path: Path, rows: int) -> None:
    """A table whose last verdict is none."""
    verdicts = pa.DictionaryArray.from_arrays(
        pa.array(np.arange(rows) == rows - 1).cast(pa.int32()), pa.array(["1", "maybe"])
    )
    problems = pa.array(np.arange(rows) % 20_000)
    pyarrow.parquet.write_table(pa.table({"problem": problems, "passed": verdicts}), path, row_group_size=2**22)


def calls(path: Path, rows: int) -> None:
    """A call a line, with its answer."""
    answers, tokens = np.random.default_rng(0).integers((5, 2000), size=(rows, 2)).T.tolist()
    with path.open("w") as file:
        for row, (answer, wrote) in enumerate(zip(answers, tokens, strict=True)):
            each = {"problem": f"q{row // CALLS}", "answer": str(answer), "correct": answer == 0, "tokens": wrote}
            file.write(json.dumps(each) + "\n")


def nemo(path: Path, rows: int) -> None:
    """The same as NeMo-Skills writes it, with question and text."""
    answers = np.random.default_rng(0).integers(5, size=rows).tolist()
    with path.open("w") as file:
        for row, answer in enumerate(answers):
            each = {
                "id": f"q{row // CALLS}",
                "problem": "What is the sum of one and two and three?",
                "generation": "Let us think. " * 8,
                "predicted_answer": str(answer),
                "expected_answer": "0",
                "symbolic_correct": answer == 0,
                "num_generated_tokens": 200 + answer,
            }
            file.write(json.dumps(each) + "\n")


def groups(path: Path, rows: int) -> None:
    """Four calls of each group: two problems, two answers each."""
    answers = np.random.default_rng(0).integers(3, size=rows).tolist()
    with path.open("w") as file:
        if path.suffix == ".csv":
            file.write("model,problem,answer,correct\n")
        for row, answer in enumerate(answers):
            model, problem = f"m{row // 4}", f"q{row // 2 % 2}"
            each = {"model": model, "problem": problem, "answer": str(answer), "correct": answer == 0}
            line = f"{model},{problem},{answer},{int(answer == 0)}" if path.suffix == ".csv" else json.dumps(each)
            file.write(line + "\n")


def folder(path: Path, rows: int) -> None:
    """A file a call, as benchmarks of agents write them."""
    for row in range(rows):
        each = path / f"task{row // 10}__{row % 10}"
        each.mkdir(parents=True)
        result = {
            "id": f"u{row}",
            "task_name": f"t{row // 10}",
            "agent_info": {"name": "a", "model_info": {"name": "m"}},
            "agent_result": {"n_input_tokens": 100, "n_output_tokens": 50},
            "verifier_result": {"rewards": {"reward": float(row % 3 == 0)}},
            "exception_info": None,
        }
        (each / "result.json").write_text(json.dumps(result, indent=2))


CASES: tuple[tuple[str, Callable[[Path, int], None], str, int, str, str], ...] = (
    ("a table of calls, CSV", tidy, "runs.csv", 20_000_000, "pyarrow", ""),
    ("a table of calls, Parquet", tidy, "runs.parquet", 20_000_000, "pyarrow", ""),
    ("a Parquet file refused for its last value", refused, "refused.parquet", 2**25, "", ""),
    ("a table of answers, JSONL", calls, "calls.jsonl", 1_000_000, "plain loop", ""),
    ("a log of NeMo-Skills", nemo, "output.jsonl", 1_000_000, "plain loop", ""),
    ("answers of 100,000 groups, CSV", groups, "groups.csv", 400_000, "plain loop", "model"),
    ("answers of 100,000 groups, JSONL", groups, "groups.jsonl", 400_000, "plain loop", "model"),
    ("a folder of one call a file", folder, "trials", 2_000, "plain loop", ""),
)
"""What is read, what writes it, the name of the file, its rows, the rival, and the column of groups."""


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows with seconds, rows a second and peak bytes of both; the counts of both are compared first."""
    rows = []
    for name, write, file, size, rival, group in CASES:
        size = size // 1000 if quick else size
        with tempfile.TemporaryDirectory() as below:
            path = Path(below, file)
            write(path, size)
            mine = _measured("ours", path, group)
            theirs = _measured(rival, path, group) if rival else {}
        if rival and mine["found"] != theirs["found"]:
            raise ValueError(f"{name}: {mine['found']} (queries, calls, right), but {rival} finds {theirs['found']}")
        rows.append(
            {
                "name": f"{size:,} rows: {name}",
                **{key: value for key, value in mine.items() if key != "found"},
                "rows_a_second": size / mine["seconds"],
                "rival": rival or None,
                **{f"rival_{key}": value for key, value in theirs.items() if key not in ("found", "spread")},
                "ratio": theirs["seconds"] / mine["seconds"] if rival else None,
                "load": os.getloadavg()[0],
            }
        )
    return rows


def _measured(who: str, path: Path, group: str) -> dict[str, Any]:
    """Medians over several processes; the file was just written, so that it is in the system's cache."""
    runs: list[dict[str, Any]] = []
    while len(runs) < ROUNDS and sum(each["seconds"] for each in runs) < LONG:
        command = [sys.executable, "-m", "benchmarks._reading", who, str(path), group]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    return {
        "found": runs[0]["found"],
        "seconds": statistics.median(each["seconds"] for each in runs),
        "spread": spread([each["seconds"] for each in runs]),
        "user_seconds": statistics.median(each["user"] for each in runs),
        "peak_bytes": max(each["peak"] for each in runs),
    }


def tables(found: list[dict[str, Any]]) -> Iterator[Table]:
    """What a person reads of the rows that `run` returns."""
    table = Table(title="reading", title_justify="left")
    for column in ("what", "s", "user CPU s", "rows/s", "peak MB", "beside", "its s", "its user CPU s", "its peak MB"):
        table.add_column(column, justify="left" if column in ("what", "beside") else "right")
    for row in found:
        theirs = ("", "", "", "")
        if row["rival"]:
            memory = f"{row['rival_peak_bytes'] / 1e6:,.0f}"
            theirs = (row["rival"], f"{row['rival_seconds']:.3g}", f"{row['rival_user_seconds']:.3g}", memory)
        ours = (f"{row['seconds']:.3g}", f"{row['user_seconds']:.3g}", f"{row['rows_a_second']:,.0f}")
        table.add_row(row["name"], *ours, f"{row['peak_bytes'] / 1e6:,.0f}", *theirs)
    yield table
