"""From a table to a file: tidy Parquet or CSV, or the samples of every_eval_ever."""

import json
import math
import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale._checks import ArgumentError
from jaxscale._files import obstacle, reason, replacing
from jaxscale.data import DataError, DataWarning
from jaxscale.io._groups import TOKENS
from jaxscale.io._table import CODED, Table, shown
from jaxscale.io._verdicts import GOLD

ENDINGS = {".parquet": "parquet", ".csv": "csv", ".jsonl": "every-eval-ever"}
"""The formats that can be written, each by the ending that chooses it."""

_TRUTHS = ("passed", "correct")
_WHOLE = ("attempts", "successes", "count")
_OUTCOMES = ("problem", "answer", *_TRUTHS, *_WHOLE, *TOKENS)
_SCHEMA = "0.3.0"

# A record takes about 500 bytes.
_MOST_CALLS = 2**25
_CHARACTERS = 2**26  # of text that is in memory at once, where the table has codes


def written_format(output: str | os.PathLike[str], format: str | None) -> str:
    """The format that a file is to be written in: the named one, or that of its ending.

    Raises:
        ValueError: there is none of that name, the ending tells nothing, or there can be no such file.
    """
    path, names = Path(output), tuple(ENDINGS.values())
    if (problem := obstacle(path)) is not None:
        found, expected = problem
        raise ArgumentError("output", str(path), expected, found=f" = {str(path)!r}: {found}")
    if format is not None:
        if format not in names:
            raise ArgumentError("format", format, f"one of {', '.join(names)}")
        usual = ENDINGS.get(path.suffix.lower(), format)
        if usual != format:
            message = f"{path}: written as {format}, though a name that ends in {path.suffix} says {usual}"
            warnings.warn(message, DataWarning, stacklevel=3)
        return format
    if path.suffix.lower() not in ENDINGS:
        endings = ", ".join(f"{ending} ({name})" for ending, name in ENDINGS.items())
        raise ArgumentError("output", str(path), f"a name that ends in {endings}, or a format")
    return ENDINGS[path.suffix.lower()]


def whole(table: Table) -> tuple[Table, list[str]]:
    """A table with every column that can be written, and what is to be said about the others."""
    extra = [name for name in dict.fromkeys(table.names) if name not in table.columns]
    columns = dict(table.columns)
    if extra:
        again = table.reread().columns
        kept = {name: again[name] for name in extra if name in again and again[name].null_count < len(table)}
        columns |= {name: column for name, column in kept.items() if name not in table.repeated}
    left = [name for name in extra if name not in columns]
    notes = [f"left out columns without single values: {', '.join(map(shown, left))}"] if left else []
    ordered = {name: columns[name] for name in table.names if name in columns}
    return replace(table, columns=ordered, names=tuple(ordered)), notes


def write(table: Table, output: str | os.PathLike[str], format: str, title: str) -> None:
    """Write a table that was found sound; the file is whole or is not there.

    Args:
        table: what was read.
        output: the file.
        format: one of the values of `ENDINGS`.
        title: what the evaluation is called where the format wants a name.

    Raises:
        DataError: the table does not fit the format, or the file cannot be written.
    """
    path = Path(output)
    try:
        with replacing(path) as part:
            if format == "parquet":
                import pyarrow.parquet

                # Without its schema of codes, which whoever reads text would get instead.
                pyarrow.parquet.write_table(_tidy(table), part, compression="zstd", store_schema=False)
            elif format == "csv":
                _write_csv(_tidy(table), part, path)
            else:
                with part.open("w", encoding="utf-8", newline="\n") as file:
                    for record in _samples(table, title):
                        file.write(json.dumps(record, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DataError(f"cannot be written: {reason(error)}", str(path)) from None


def _tidy(table: Table) -> pa.Table:
    """The columns with their types; those that hold something else than their names say stay text."""
    columns = {}
    for name, text in table.columns.items():
        try:
            column = _typed(table, name)
        except DataError:
            column = text
        if column is not None:
            columns[name] = column
    return pa.table(columns)


def _typed(table: Table, name: str) -> pa.Array | None:
    """A column as numbers or truths where its name says so; None where it should have numbers and is empty."""
    counted = "count" in table.columns
    if name in _TRUTHS or (name == "kept" and not counted):
        return pa.array(table.truths(name))
    if name in _WHOLE or name == "kept":
        return pa.array(table.whole_numbers(name))
    if name == "score" or name in TOKENS:
        numbers = table.numbers(name, gaps=name in TOKENS)
        return None if numbers is None else pa.array(numbers, mask=np.isnan(numbers))
    return table.columns[name]


def _write_csv(table: pa.Table, part: Path, path: Path) -> None:
    import pyarrow.csv

    longest = 1
    coded = [name for name, column in zip(table.column_names, table.columns, strict=True) if column.type == CODED]
    for name in coded:
        values = table.column(name).chunk(0).dictionary
        if pc.any(pc.match_substring(values, "\0")).as_py():
            raise DataError(f"column {name!r} holds a NUL, which CSV does not: expected Parquet", str(path))
        longest += pc.max(pc.binary_length(values)).as_py() or 0
    plain = pa.schema([field.with_type(pa.large_string()) if field.name in coded else field for field in table.schema])
    with pyarrow.csv.CSVWriter(part, plain) as writer:
        for batch in table.to_batches(max_chunksize=max(1, _CHARACTERS // longest)):
            writer.write(batch.cast(plain))


def _samples(table: Table, title: str) -> Iterator[dict[str, Any]]:
    """A record of every_eval_ever for each call."""
    calls, right = _calls(table)
    if calls.sum() > _MOST_CALLS:
        raise table.error(
            f"has {calls.sum():,} calls: every_eval_ever has a record for each; expected at most {_MOST_CALLS:,}, "
            "or a format that counts them (Parquet, CSV)"
        )
    tokens = {name: _typed(table, name) if name in table.columns else None for name in TOKENS}
    output, prompt = (
        np.full(len(table), np.nan) if column is None else column.to_numpy(zero_copy_only=False)
        for column in (tokens[name] for name in TOKENS)
    )
    kept = _kept(table)
    gold = next((table.texts(name) for name in GOLD if name in table.columns), None)
    texts = {name: table.texts(name) for name in table.columns if name not in (*_OUTCOMES, "kept", "model", *GOLD)}
    problems, answers, models = (
        table.texts(name) if name in table.columns else [None] * len(table) for name in ("problem", "answer", "model")
    )
    for row, (count, right_calls) in enumerate(zip(calls.tolist(), right.tolist(), strict=True)):
        answer = answers[row]
        usage = [_spread(mean, count) for mean in (prompt[row], output[row])]
        metadata = {name: column[row] for name, column in texts.items() if column[row]}
        for call in range(count):
            correct = call < right_calls
            record: dict[str, Any] = {
                "schema_version": _SCHEMA,
                "evaluation_id": title,
                "model_id": models[row] or "unknown",
                "evaluation_name": title,
                "sample_id": problems[row],
                "interaction_type": "single_turn",
                "input": {"raw": "", "reference": [gold[row]] if gold and gold[row] else []},
                "output": {"raw": []},
                "answer_attribution": [_attribution(answer or "")] if "answer" in table.columns else [],
                "evaluation": {"score": float(correct), "is_correct": correct},
            }
            names = ("input_tokens", "output_tokens")
            numbers = {
                name: base + (call < more) for name, (base, more) in zip(names, usage, strict=True) if base is not None
            }
            if len(numbers) == len(names):
                numbers["total_tokens"] = sum(numbers.values())
            if numbers:
                record["token_usage"] = numbers
            if kept is not None:
                metadata["kept"] = "true" if call < kept[row] else "false"
            if metadata:
                record["metadata"] = dict(metadata)
            yield record


def _attribution(answer: str) -> dict[str, Any]:
    return {
        "turn_idx": 0,
        "source": "output.raw",
        "extracted_value": answer,
        "extraction_method": "recorded",
        "is_terminal": True,
    }


def _calls(table: Table) -> tuple[np.ndarray, np.ndarray]:
    """How many calls each row stands for, and how many of them are right."""
    if "attempts" in table.columns:
        return table.whole_numbers("attempts"), table.whole_numbers("successes")
    verdict = "passed" if "passed" in table.columns else "correct"
    calls = table.whole_numbers("count") if "count" in table.columns else np.ones(len(table), np.int64)
    right = table.truths(verdict)
    if {"passed", "answer", "correct"} <= table.columns.keys():
        answers, values = table.coded("answer")
        differs = (right != table.truths("correct")) & np.array([value != "" for value in values])[answers]
        if differs.any():
            message = "passed and correct differ: expected one verdict, as every_eval_ever has"
            raise table.error(message, int(differs.argmax()))
    return calls, calls * right


def _kept(table: Table) -> np.ndarray | None:
    if "kept" not in table.columns:
        return None
    return np.asarray(_typed(table, "kept")).astype(np.int64)


def _spread(mean: float, calls: int) -> tuple[int | None, int]:
    """Whole numbers of tokens with that mean: so many each, and one more for the first so many calls."""
    if math.isnan(mean) or not calls:
        return None, 0
    return divmod(round(mean * calls), calls)
