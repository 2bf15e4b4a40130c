"""Tables as JSON lines: one object a line."""

import functools
import json

import pyarrow as pa

from jaxscale.io._columns import Columns
from jaxscale.io._source import Source
from jaxscale.io._table import EVERYTHING, Table, Wanted, shown

# Numbers stay text: an answer is taken as it is written, and 1e400 is not silently infinite.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def recognises(source: Source) -> bool:
    """Whether this is meant to be JSON: it begins with a brace or bracket, or is named so."""
    return source.start[:1] in (b"{", b"[") or source.path.suffix.lower() in (".jsonl", ".ndjson", ".json")


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted keys of a JSON lines file as text."""
    columns = Columns(source)
    names: dict[str, None] = {}
    with source.open() as file:
        for number, line in enumerate(source.lines(file), 1):
            text = source.text(line, number).strip()
            if not text:
                continue
            record = parsed_object(source, text, number)
            names.update(dict.fromkeys(record))
            cells = {}
            for name, value in record.items():
                if wanted.columns is not None and name not in wanted.columns:
                    continue
                if isinstance(value, dict | list):
                    if wanted.columns is not None:
                        raise source.error(f"{name} is a list or an object: expected a single value", number)
                    value = None
                cells[name] = value if value is None or isinstance(value, str) else str(value).lower()
            columns.add(number, cells)
    if not len(columns):
        raise source.error("is empty: expected one JSON object a line")
    return Table(
        source.name,
        tuple(names),
        columns.arrays({}) or {"": pa.nulls(len(columns), pa.large_string())},
        place=columns.lines.__getitem__,
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
