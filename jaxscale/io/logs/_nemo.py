"""NeMo-Skills `output.jsonl` or `output-rs<seed>.jsonl`: a line per problem."""

from collections.abc import Iterator
from typing import Any

from jaxscale.io._records import Record, Row, first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted

_VERDICTS = ("symbolic_correct", "is_correct-plus", "is_correct", "graded_list")


def recognises(source: Source) -> bool:
    """Whether the first line is a NeMo-Skills generation that was judged."""
    keys = first_record(source).keys()
    return {"predicted_answer", "expected_answer"} <= keys or "is_correct-plus" in keys or "graded_list" in keys


def read(source: Source, wanted: Wanted) -> Table:
    """Read NeMo-Skills output: the line number is the problem, `predicted_answer` (may be null) the answer.

    `symbolic_correct`, `is_correct-plus`, `is_correct` and `graded_list` (its first item) are verdicts. The first of
    them, in this order, that the first judged line has is read by default, for all lines.
    """
    return table_of(source, _rows(source), wanted, choice="scorer", complete=True)


def _verdicts(record: Record) -> dict[str, Any]:
    graded = record.get("graded_list")
    first = graded[0] if isinstance(graded, list) and graded else None
    values = {name: first if name == "graded_list" else record.get(name) for name in _VERDICTS}
    return {name: value for name, value in values.items() if value is not None}


def _rows(source: Source) -> Iterator[Row]:
    for number, record in enumerate(lines_of(source), 1):
        verdicts = _verdicts(record)
        row = {
            "problem": str(number),
            "target": record.get("expected_answer"),
            "tokens": record.get("num_generated_tokens"),
        }
        if "predicted_answer" in record.data:
            row["answer"] = record.get("predicted_answer")
        for name, verdict in verdicts.items():
            yield record, {**row, "scorer": name, "passed": truth(verdict)}
        if not verdicts:
            yield record, {**row, "passed": None}
