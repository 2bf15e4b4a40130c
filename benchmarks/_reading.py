"""One reading of one file by one reader, in a process of its own: `python -m benchmarks._reading WHO FILE [GROUP]`."""

import csv
import json
import re
import resource
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jaxscale.io  # noqa: F401  imported before the clock starts
from jaxscale.data import Attempts, DataError, DataWarning
from jaxscale.io import read_either

Found = tuple[int, int, int]
"""Queries, calls, and right calls."""


def ours(path: Path, group: str) -> Found:
    """What `read_either` reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            sets = list(read_either(path, group or ()).values())
        except DataError:
            return 0, 0, 0
    queries = sum(map(len, sets))
    if isinstance(sets[0], Attempts):
        return queries, sum(int(each.attempts.sum()) for each in sets), sum(int(each.successes.sum()) for each in sets)
    return queries, sum(int(each.calls.sum()) for each in sets), sum(int(each.right_calls.sum()) for each in sets)


def arrow(path: Path, group: str) -> Found:
    """The counts of every problem by pyarrow."""
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.parquet

    read = pyarrow.parquet.read_table if path.suffix == ".parquet" else pyarrow.csv.read_csv
    table = read(path)
    table = table.set_column(1, "passed", pc.cast(table.column("passed"), "int64"))
    counts = table.group_by("problem").aggregate([("passed", "sum"), ("passed", "count")])
    totals = (pc.sum(counts.column(name)).as_py() for name in ("passed_count", "passed_sum"))
    return (len(counts), *totals)  # type: ignore[return-value]


def plain(path: Path, group: str) -> Found:
    """The answers of every problem, counted in a loop over lines, or files, of JSON or CSV."""
    votes: dict[Any, Counter] = defaultdict(Counter)
    for record in _records(path):
        problem = record.get("problem") if "correct" in record else record.get("id")
        if "task_name" in record:
            problem, right = record["task_name"], record["verifier_result"]["rewards"]["reward"] == 1
        else:
            right = record.get("correct", record.get("symbolic_correct")) in (True, "1")
        votes[record.get(group), problem][record.get("answer", record.get("predicted_answer")), right] += 1
    right = sum(count for each in votes.values() for (_, right), count in each.items() if right)
    return len(votes), sum(sum(each.values()) for each in votes.values()), right


def _records(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_dir():
        yield from (json.loads(each.read_text()) for each in sorted(path.rglob("*.json")))
    elif path.suffix == ".csv":
        with path.open(newline="") as file:
            yield from csv.DictReader(file)
    else:
        with path.open() as file:
            yield from map(json.loads, file)


READERS: dict[str, Callable[[Path, str], Found]] = {"ours": ours, "pyarrow": arrow, "plain loop": plain}


def main() -> None:
    """Print what was found and what it took, as JSON."""
    who, path, group = sys.argv[1], Path(sys.argv[2]), "".join(sys.argv[3:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    start = time.perf_counter()
    found = READERS[who](path, group)
    seconds = time.perf_counter() - start
    user = resource.getrusage(resource.RUSAGE_SELF).ru_utime - before
    high = re.search(r"VmHWM:\s+([0-9]+)", Path("/proc/self/status").read_text())
    print(json.dumps({"found": found, "seconds": seconds, "user": user, "peak": int(high[1]) * 1024 if high else None}))


if __name__ == "__main__":
    main()
