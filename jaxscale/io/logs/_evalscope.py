"""evalscope `reviews/**/*.jsonl`: a line per attempt."""

from collections.abc import Iterator

from jaxscale.io._records import Row, first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted


def recognises(source: Source) -> bool:
    """Whether the first line is an evalscope review."""
    return isinstance(first_record(source).get("sample_score"), dict)


def read(source: Source, wanted: Wanted) -> Table:
    """Read evalscope reviews: `group_id` is the problem, `extracted_prediction` the answer.

    Every key of `value` is a scorer, of which a value of 1 says what is right.
    """
    return table_of(source, _rows(source), wanted, choice="scorer")


def _rows(source: Source) -> Iterator[Row]:
    for record in lines_of(source):
        values = record.at("sample_score", "score", "value")
        if not isinstance(values, dict):
            raise record.error("sample_score.score.value is no object: expected a value per scorer")
        group = record.get("sample_score", "group_id")
        row = {
            "problem": record.at("index") if group is None else group,
            "target": record.get("target"),
            "answer": record.get("sample_score", "score", "extracted_prediction"),
        }
        for scorer, value in values.items():
            yield record, {**row, "scorer": scorer, "passed": truth(value)}
