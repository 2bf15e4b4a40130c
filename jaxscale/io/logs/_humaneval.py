"""HumanEval `*_results.jsonl`: a line per attempt."""

from jaxscale.io._records import first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted


def recognises(source: Source) -> bool:
    """Whether the first line is a HumanEval result."""
    keys = first_record(source).keys()
    return {"task_id", "passed"} <= keys and "problem" not in keys


def read(source: Source, wanted: Wanted) -> Table:
    """Read HumanEval results: `task_id` is the problem, `passed` the outcome; there is no answer."""
    rows = (
        (record, {"problem": record.at("task_id"), "passed": truth(record.get("passed"))})
        for record in lines_of(source)
    )
    return table_of(source, rows, wanted)
