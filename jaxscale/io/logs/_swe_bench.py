"""The report of a SWE-bench run, `<model>.<run>.json`: lists of the instances that were resolved, and of others."""

from collections.abc import Iterator

from jaxscale.io._records import Record, Row, first_record, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted
from jaxscale.io._verdicts import Scale

SCALE = Scale(errors="wrong")
"""An instance that ended in an error is not resolved, as the benchmark counts."""

_LISTS = ("submitted_ids", "resolved_ids", "unresolved_ids", "error_ids", "empty_patch_ids")


def recognises(source: Source) -> bool:
    """Whether the document has the lists of a report."""
    return {"resolved_ids", "unresolved_ids"} <= first_record(source).keys()


def read(source: Source, wanted: Wanted) -> Table:
    """Read a report: each instance that was submitted is a call, which is right where it is among the resolved ones."""
    return table_of(source, _rows(source), wanted)


def _rows(source: Source) -> Iterator[Row]:
    report = Record(source, first_record(source), None)
    lists = {}
    for name in _LISTS:
        lists[name] = report.get(name) or []
        if not (isinstance(lists[name], list) and all(isinstance(each, str) for each in lists[name])):
            raise report.error(f"{name} is no list of names of instances: expected one")
    model, dot, run = source.stem.rpartition(".")
    about = {"model": model if dot else None, "run": run}
    resolved, errors = set(lists["resolved_ids"]), set(lists["error_ids"])
    for instance in dict.fromkeys(each for name in _LISTS for each in lists[name]):
        row = {"problem": instance, "passed": None if instance in errors else instance in resolved, **about}
        yield Record(source, None, None), {**row, "error": "error" if instance in errors else None}
