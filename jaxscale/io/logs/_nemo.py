"""NeMo-Skills `output.jsonl` or `output-rs<seed>.jsonl`: a line per problem."""

from collections.abc import Iterator

from jaxscale.io._records import Row, first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted


def recognises(source: Source) -> bool:
    """Whether the first line is a NeMo-Skills generation that was judged."""
    keys = first_record(source).keys()
    return {"predicted_answer", "expected_answer"} <= keys or "is_correct-plus" in keys or "graded_list" in keys


def read(source: Source, wanted: Wanted) -> Table:
    """Read NeMo-Skills output: the line number is the problem, `predicted_answer` (may be null) the answer.

    `symbolic_correct` says what is right; for code `is_correct-plus`, `is_correct` or `graded_list[0]` does.
    """
    return table_of(source, _rows(source), wanted)


def _rows(source: Source) -> Iterator[Row]:
    for number, record in enumerate(lines_of(source), 1):
        graded = record.get("graded_list")
        verdicts = [record.get(name) for name in ("symbolic_correct", "is_correct-plus", "is_correct")]
        verdicts += graded[:1] if isinstance(graded, list) else []
        row = {
            "problem": str(number),
            "passed": truth(next((verdict for verdict in verdicts if verdict is not None), None)),
            "target": record.get("expected_answer"),
            "tokens": record.get("num_generated_tokens"),
        }
        if "predicted_answer" in record.data:
            row["answer"] = record.get("predicted_answer")
        yield record, row
