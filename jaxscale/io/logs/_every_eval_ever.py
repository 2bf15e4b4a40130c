"""every_eval_ever `*_samples.jsonl`, a neutral exchange format: a line per attempt."""

import contextlib
from collections.abc import Iterator
from typing import Any

from jaxscale.io._records import Row, first_record, records_of, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted

_MEANINGFUL = {
    "problem",
    "answer",
    "correct",
    "passed",
    "count",
    "attempts",
    "successes",
    "kept",
    "score",
    "target",
    "model",
}


def recognises(source: Source) -> bool:
    """Whether the first line is a sample of every_eval_ever."""
    return {"sample_id", "evaluation"} <= first_record(source).keys()


def read(source: Source, wanted: Wanted) -> Table:
    """Read every_eval_ever samples: `sample_id` is the problem, `extracted_value` the answer.

    `evaluation.is_correct` says what is right; where it is missing, the score does. Several evaluations of one call are
    lines of their own, with the scorer in `evaluation_result_id`.
    """
    return table_of(source, _rows(source, wanted), wanted, choice="scorer")


def _rows(source: Source, wanted: Wanted) -> Iterator[Row]:
    for record in records_of(source):
        verdict = record.get("evaluation", "is_correct")
        name, run = record.get("evaluation_name"), record.get("evaluation_id")
        row = {
            "problem": record.at("sample_id"),
            "passed": record.get("evaluation", "score") if verdict is None else verdict,
            "model": record.get("model_id"),
            "task": None if name == run else name,  # `jaxscale convert` calls both by the name of the file
            "run": run,
            "tokens": record.get("token_usage", "output_tokens"),
            "prompt_tokens": record.get("token_usage", "input_tokens"),
        }
        row |= _further(record.get("metadata"), wanted)
        scorer = record.get("evaluation_result_id")
        if scorer is not None:
            row["scorer"] = scorer
        attributions = record.get("answer_attribution")
        if isinstance(attributions, list):
            last = attributions[-1] if attributions and isinstance(attributions[-1], dict) else {}
            row["answer"] = last.get("extracted_value")
        yield record, row


def _further(metadata: Any, wanted: Wanted) -> dict[str, Any]:
    """The columns of metadata, where `jaxscale convert` writes what has no field: groups, `kept` and `score` too.

    Others may mean something else by these two, and by the names of outcomes: only what reads as one is taken.
    """
    if not isinstance(metadata, dict):
        return {}
    row = {name: value for name, value in metadata.items() if name in wanted and name not in _MEANINGFUL}
    if metadata.get("kept") in ("true", "false"):
        row["kept"] = metadata["kept"]
    with contextlib.suppress(TypeError, ValueError):
        row["score"] = str(float(metadata.get("score", "")))
    return row
