"""Tables as JSON lines: one object a line."""

import array
import functools
import json

import pyarrow as pa

from jaxscale.data import DataError
from jaxscale.io._source import Source
from jaxscale.io._table import EVERYTHING, Table, Wanted, shown

# Numbers stay text: an answer is taken as it is written, and 1e400 is not silently infinite.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def recognises(source: Source) -> bool:
    """Whether this is meant to be JSON: it begins with a brace or bracket, or is named so."""
    return source.start[:1] in (b"{", b"[") or source.path.suffix.lower() in (".jsonl", ".ndjson", ".json")


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted keys of a JSON lines file as text."""
    lines = array.array("q")
    columns: dict[str, list[str | None]] = {}
    names: dict[str, None] = {}
    with source.open() as file:
        for number, line in enumerate(source.lines(file), 1):
            text = source.text(line, number).strip()
            if not text:
                continue
            record = parsed_object(source, text, number)
            if not record.keys() <= names.keys():
                for name in record.keys() - names.keys():
                    if name in wanted:
                        columns[name] = [None] * len(lines)
                names.update(dict.fromkeys(record))
            for name, column in columns.items():
                value = record.get(name)
                if isinstance(value, dict | list):
                    if wanted.columns is not None:
                        raise source.error(f"{name} is a list or an object: expected a single value", number)
                    value = None
                column.append(value if value is None or isinstance(value, str) else str(value).lower())
            lines.append(number)
    if not lines:
        raise source.error("is empty: expected one JSON object a line")
    return Table(
        source.name,
        tuple(names),
        {name: texts(source, name, column, lines) for name, column in columns.items()}
        or {"": pa.nulls(len(lines), pa.large_string())},
        place=lines.__getitem__,
        reread=functools.partial(read, source, EVERYTHING),
    )


def parsed_object(source: Source, text: str, number: int) -> dict:
    """The JSON object that a line holds, its numbers as text."""
    try:
        record, end = DECODER.raw_decode(text)
        if end < len(text):
            raise json.JSONDecodeError("more than one value", text, end)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise source.error(f"not JSON ({reason} at column {error.colno}): expected an object", number) from None
    except RecursionError:
        raise source.error("JSON nested too deeply: expected an object of single values", number) from None
    if not isinstance(record, dict):
        raise source.error(f"{shown(text)}: expected a JSON object", number)
    return record


def texts(source: Source, name: str, column: list[str | None], lines: array.array) -> pa.Array:
    """A column as an Arrow array; a `DataError` where a value is no Unicode text."""
    try:
        return pa.array(column, pa.large_string())
    except UnicodeEncodeError:
        for value, line in zip(column, lines, strict=True):
            if not _is_text(value):
                raise source.error(
                    f"{name} holds half a surrogate pair: expected text", line if line > 0 else None
                ) from None
        raise DataError(f"{name}: expected text", source.name) from None


def _is_text(value: str | None) -> bool:
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        return False
    return True
