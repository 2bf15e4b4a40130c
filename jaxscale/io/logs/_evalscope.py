"""evalscope `reviews/**/*.jsonl`: a line per attempt; tokens stand in `predictions`, beside `reviews`."""

from collections.abc import Iterator
from pathlib import Path

from jaxscale.data import DataError
from jaxscale.io._records import Row, first_record, records_of, table_of
from jaxscale.io._source import Source, open_source
from jaxscale.io._table import Table, Wanted


def recognises(source: Source) -> bool:
    """Whether the first line is an evalscope review."""
    return isinstance(first_record(source).get("sample_score"), dict)


def read(source: Source, wanted: Wanted) -> Table:
    """Read evalscope reviews: `group_id` is the problem, `extracted_prediction` the answer.

    Every key of `value` is a scorer; a review without any, of which the judge failed, has no score.
    """
    return table_of(source, _rows(source), wanted, choice="scorer", complete=True)


def _rows(source: Source) -> Iterator[Row]:
    usage = _usage(source)
    reviewed = "reviews" in source.path.parts[:-2]
    for record in records_of(source):
        values = record.at("sample_score", "score", "value")
        if not isinstance(values, dict):
            raise record.error("sample_score.score.value is no object: expected a value per scorer")
        group, index = record.get("sample_score", "group_id"), record.at("index")
        prompt_tokens, tokens = usage.get(str(index), (None, None))
        row = {
            "problem": index if group is None else group,
            "target": record.get("target"),
            "answer": record.get("sample_score", "score", "extracted_prediction"),
            "model": source.path.parent.name if reviewed else None,
            "task": source.stem if reviewed else None,
            "tokens": tokens,
            "prompt_tokens": prompt_tokens,
        }
        main = record.get("sample_score", "score", "main_score_name")
        for scorer in sorted(values, key=lambda name: name != main):
            yield record, {**row, "scorer": scorer, "passed": values[scorer]}
        if not values:
            yield record, {**row, "passed": None}


def _usage(source: Source) -> dict[str, tuple[str | None, str | None]]:
    """The tokens of each prediction: those of its prompt, and those that it wrote."""
    parts = list(source.path.parts)
    if "reviews" not in parts:
        return {}
    place = len(parts) - 1 - parts[::-1].index("reviews")
    path = Path(*parts[:place], "predictions", *parts[place + 1 :])
    if not path.is_file():
        return {}
    try:
        return {
            str(record.get("index")): (
                record.get("model_output", "usage", "input_tokens"),
                record.get("model_output", "usage", "output_tokens"),
            )
            for record in records_of(open_source(path))
        }
    except DataError as error:
        source.note(f"no tokens: {error}")
        return {}
