"""EvalPlus `*eval_results.json`: one document, a list of attempts per task."""

import re
from collections.abc import Iterator

from jaxscale.io._document import pieces
from jaxscale.io._records import Record, Row, table_of
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
    return table_of(source, _rows(source), wanted, choice="scorer", complete=True)


def _rows(source: Source) -> Iterator[Row]:
    more_tests = any(attempt.get("plus_status") is not None for _, attempt in _attempts(source))
    for task, attempt in _attempts(source):
        base, plus = attempt.get("base_status"), attempt.get("plus_status")
        if more_tests:
            passed = None if base is None or plus is None else base == plus == "pass"
            yield attempt, {"problem": task, "scorer": "plus", "passed": passed}
        yield attempt, {"problem": task, "scorer": "base", "passed": None if base is None else base == "pass"}


def _attempts(source: Source) -> Iterator[tuple[str, Record]]:
    """The attempts with their tasks."""
    found = False
    with source.open() as file:
        for path, value in pieces(source, file, ("eval",)):
            if path[:1] != ("eval",):
                continue
            found = True
            if path == ("eval",):
                if not isinstance(value, dict):
                    raise source.error("eval is no object: expected a list of attempts per task")
                continue
            task = str(path[1])
            if not isinstance(value, list):
                raise source.error(f"eval, task {shown(task)}: no list: expected a list of attempts")
            for attempt in value:
                yield task, Record(source, attempt, None)
    if not found:
        raise source.error("no eval: expected a list of attempts per task")
