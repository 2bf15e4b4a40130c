"""EvalPlus `*eval_results.json`: one document, a list of attempts per task, judged by base tests and by more."""

from typing import Any

from jaxscale.io._schema import Schema
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted
from jaxscale.io._verdicts import Scale


def _plus(attempt: dict[str, Any]) -> str | None:
    base, plus = attempt.get("base_status"), attempt.get("plus_status")
    return None if base is None or plus is None else str(plus if base == "pass" else base)


_COLUMNS = {"problem": "@key"}
_SCALE = Scale({"pass": 1.0, "fail": 0.0, "timeout": 0.0})
BASE = Schema("evalplus", ("eval base_status",), _COLUMNS, "eval.*", {"base": "base_status"}, _SCALE)
PLUS = Schema("evalplus", ("eval plus_status",), _COLUMNS, "eval.*", {"plus": _plus, **BASE.verdicts}, _SCALE)


def recognises(source: Source) -> bool:
    """Whether the document has attempts with these results below `eval`."""
    return BASE.recognises(source) or PLUS.recognises(source)


def read(source: Source, wanted: Wanted) -> Table:
    """Read EvalPlus results by one of two verdicts.

    "plus", which is read by default: right is what passes the base tests and the additional ones; an attempt without a
    `plus_status` has no score. "base": right is what passes the base tests; the only verdict of a file in which no
    attempt has a `plus_status`.
    """
    more_tests = any(record.get("plus_status") is not None for record, _, _ in PLUS.records(source))
    if more_tests and wanted.scorer is None and "scorer" not in wanted.group:
        wanted = wanted.by("plus")
    return (PLUS if more_tests else BASE).read(source, wanted)
