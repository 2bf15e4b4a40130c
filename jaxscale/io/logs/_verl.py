"""verl rollouts `<step>.jsonl`: a line per attempt."""

from collections.abc import Iterator

from jaxscale.io._records import Row, first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted


def recognises(source: Source) -> bool:
    """Whether the first line is a verl rollout."""
    return {"input", "output", "gts", "score"} <= first_record(source).keys()


def read(source: Source, wanted: Wanted) -> Table:
    """Read verl rollouts: `input` with `gts` is the problem (no id is written), `pred` the answer.

    `acc` says what is right; where it is missing, a `score` of 1 does.
    """
    return table_of(source, _rows(source), wanted)


def _rows(source: Source) -> Iterator[Row]:
    for record in lines_of(source):
        verdict = record.get("acc")
        row = {
            "problem": f"{record.at('input')} [{record.get('gts')}]",
            "passed": truth(record.get("score") if verdict is None else verdict),
            "target": record.get("gts"),
        }
        if "pred" in record.data:
            row["answer"] = record.get("pred")
        yield record, row
