"""every_eval_ever `*_samples.jsonl`, a neutral exchange format: a line per attempt."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from jaxscale.io._records import Row, first_record, lines_of, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted

_MEANINGFUL = {"problem", "answer", "correct", "passed", "count", "attempts", "successes", "kept", "score", "target"}


def recognises(source: Source) -> bool:
    """Whether the first line is a sample of every_eval_ever."""
    return {"sample_id", "evaluation"} <= first_record(source).keys()


def read(source: Source, wanted: Wanted) -> Table:
    """Read every_eval_ever samples: `sample_id` is the problem, `extracted_value` the answer.

    `evaluation.is_correct` says what is right; where it is missing, a score of 1 does.
    """
    models: set[str] = set()
    table = table_of(source, _rows(source, wanted, models), wanted)
    if len(models) > 1 and "model" not in wanted:
        note = f"{len(models):,} models are read as one: --group model reads each"
        return dataclasses.replace(table, notes=(*table.notes, note))
    return table


def _rows(source: Source, wanted: Wanted, models: set[str]) -> Iterator[Row]:
    for record in lines_of(source):
        verdict = record.get("evaluation", "is_correct")
        row = _further(record.get("metadata"), wanted)
        model = record.get("model_id")
        models.add(str(model))
        if "model" in wanted:
            row["model"] = model
        row |= {
            "problem": record.at("sample_id"),
            "passed": truth(record.get("evaluation", "score") if verdict is None else verdict),
            "tokens": record.get("token_usage", "output_tokens"),
            "prompt_tokens": record.get("token_usage", "input_tokens"),
        }
        attributions = record.get("answer_attribution")
        if isinstance(attributions, list) and attributions and isinstance(attributions[-1], dict):
            row["answer"] = attributions[-1].get("extracted_value")
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
