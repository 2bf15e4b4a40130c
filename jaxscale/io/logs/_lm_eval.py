"""lm-evaluation-harness `samples_<task>_<date>.jsonl`: a line per document and filter, several responses in each."""

from collections.abc import Iterator

from jaxscale.io._records import Row, first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted


def recognises(source: Source) -> bool:
    """Whether the first line is a sample of lm-evaluation-harness."""
    return {"doc_id", "resps", "filtered_resps"} <= first_record(source).keys()


def read(source: Source, wanted: Wanted) -> Table:
    """Read lm-evaluation-harness samples: `doc_id` is the problem, each item of `resps[0]` an attempt.

    The harness scores one filtered answer per document. A document with one response has that answer and that score
    (a metric of 1 is right). Of a document with several, the answers are the filtered ones where the filter keeps as
    many, else the responses as they are, and right are those that equal `target` but for spaces at the ends. A multiple
    choice, which has a list of responses for each option, has a score and no answer. Where there are several metrics
    each is a verdict, named "filter: metric".
    """
    return table_of(source, _rows(source), wanted, choice="filter")


def _rows(source: Source) -> Iterator[Row]:
    for record in lines_of(source):
        responses = record.at("resps")
        if not (isinstance(responses, list) and responses and isinstance(responses[0], list) and responses[0]):
            raise record.error("resps is no list of lists: expected one list with a response per attempt")
        name = str(record.get("filter"))
        row = {"problem": record.at("doc_id"), "filter": name, "target": record.get("target")}
        filtered = record.at("filtered_resps")
        if isinstance(filtered, list) and len(filtered) == 1 and isinstance(filtered[0], list):
            filtered = filtered[0]
        if len(responses) > 1 or len(responses[0]) == 1:
            if len(responses) == 1:
                row["answer"] = filtered[0] if isinstance(filtered, list) and filtered else None
            metrics = record.at("metrics")
            metrics = [str(metric) for metric in metrics] if isinstance(metrics, list) else []
            for metric in metrics or [None]:
                verdict = None if metric is None else truth(record.get(metric))
                yield record, {**row, "filter": f"{name}: {metric}" if len(metrics) > 1 else name, "passed": verdict}
        else:
            answers = filtered if isinstance(filtered, list) and len(filtered) == len(responses[0]) else responses[0]
            target = str(record.at("target")).strip()
            for answer in answers:
                yield record, {**row, "answer": answer, "passed": str(answer).strip() == target}
