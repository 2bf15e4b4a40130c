"""EvalPlus `*eval_results.json`: one document, a list of attempts per task."""

import re
from collections.abc import Iterator

from jaxscale.io._records import Row, document, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted

_START = re.compile(rb'"eval"\s*:\s*\{\s*"[^"]*"\s*:\s*\[')


def recognises(source: Source) -> bool:
    """Whether the document has a list of attempts below `eval`."""
    return source.head.lstrip()[:1] == b"{" and _START.search(source.head) is not None


def read(source: Source, wanted: Wanted) -> Table:
    """Read EvalPlus results: right is what passes the base tests and, where they were run, the additional ones."""
    return table_of(source, _rows(source), wanted)


def _rows(source: Source) -> Iterator[Row]:
    whole = document(source)
    tasks = whole.at("eval")
    if not isinstance(tasks, dict):
        raise whole.error("eval is no object: expected a list of attempts per task")
    for task, attempts in tasks.items():
        if not isinstance(attempts, list):
            raise whole.error(f"eval.{task} is no list: expected a list of attempts")
        for attempt in attempts:
            base, plus = (
                attempt.get(key) if isinstance(attempt, dict) else None for key in ("base_status", "plus_status")
            )
            passed = None if base is None else base == "pass" and plus in ("pass", None)
            yield whole, {"problem": task, "passed": passed}
