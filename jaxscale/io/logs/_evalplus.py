"""EvalPlus `*eval_results.json`: one document, a list of attempts per task."""

import re
from collections.abc import Iterator

from jaxscale.io._records import Row, document, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown

_START = re.compile(rb'"eval"\s*:\s*\{\s*"[^"]*"\s*:\s*\[')


def recognises(source: Source) -> bool:
    """Whether the document has a list of attempts below `eval`."""
    return source.start[:1] == b"{" and _START.search(source.head) is not None


def read(source: Source, wanted: Wanted) -> Table:
    """Read EvalPlus results by one of two verdicts.

    "plus", which is read by default: right is what passes the base tests and the additional ones; an attempt without a
    `plus_status` has no score. "base": right is what passes the base tests; the only verdict of a file in which no
    attempt has a `plus_status`.
    """
    return table_of(source, _rows(source), wanted, choice="scorer")


def _rows(source: Source) -> Iterator[Row]:
    whole = document(source)
    tasks = whole.at("eval")
    if not isinstance(tasks, dict):
        raise whole.error("eval is no object: expected a list of attempts per task")
    statuses = []
    for task, attempts in tasks.items():
        if not isinstance(attempts, list):
            raise whole.error(f"eval, task {shown(task)}: no list: expected a list of attempts")
        for attempt in attempts:
            fields = attempt if isinstance(attempt, dict) else {}
            statuses.append((task, fields.get("base_status"), fields.get("plus_status")))
    more_tests = any(plus is not None for _, _, plus in statuses)
    for task, base, plus in statuses:
        if more_tests:
            passed = None if base is None or plus is None else base == plus == "pass"
            yield whole, {"problem": task, "scorer": "plus", "passed": passed}
        yield whole, {"problem": task, "scorer": "base", "passed": None if base is None else base == "pass"}
