"""JSON objects of a file: one a line, the items of a list, or one after the other."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

from jaxscale.data import DataError
from jaxscale.io._cut import note_cut
from jaxscale.io._document import DECODER, MAX_NODES, listed, pieces
from jaxscale.io._source import Source
from jaxscale.io._table import shown

LONG = 2**24
"""Bytes of a line from which on its values are counted before it is read."""


def objects(source: Source) -> Iterator[tuple[int, dict]]:
    """The objects of a file, each with its line; 0 where it has none.

    A last line that is cut off is left out, which a note of the source says.

    Raises:
        DataError: it is no JSON, or a value is no object.
    """
    if not _has_lines(source):
        with source.open() as file:
            for value in listed(source, file):
                yield 0, _checked(source, value, None)
        return
    found = False
    with source.open() as file:
        for number, line in enumerate(source.lines(file), 1):
            try:
                text = source.text(line, number).strip()
                record = parsed_object(source, text, number) if text else None
            except DataError:
                if not found or line.endswith(b"\n"):
                    raise
                note_cut(source, number)
                source.cut[:] = [_whole_pairs(line.decode(errors="replace").strip())]
                return
            if record is not None:
                found = True
                yield number, record


def first_object(source: Source) -> dict:
    """The first object of a file, empty if there is none; it is read once."""
    known = source.__dict__.get("_first")
    if known is None:
        known = {}
        if source.start[:1] in (b"{", b"["):
            with contextlib.suppress(DataError):
                known = next((record for _, record in objects(source)), {})
        source.__dict__["_first"] = known
    return known


def fault(source: Source) -> DataError | None:
    """What is wrong with the first object of a file that is meant to be JSON."""
    if source.start[:1] in (b"{", b"[") and not first_object(source):
        try:
            next(objects(source), None)
        except DataError as error:
            return error
    return None


def lists_inside(source: Source) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """The lists of objects in a file that is one object: the keys of the first of each; and the values beside them.

    Both are empty where the file is something else.
    """
    firsts: dict[str, list[str]] = {}
    beside: dict[str, Any] = {}
    if source.start[:1] != b"{":
        return firsts, beside
    try:
        with source.open() as file:
            for path, value in pieces(source, file, ("*",)):
                if len(path) == 1 and not isinstance(value, dict | list):
                    beside[str(path[0])] = value
                elif len(path) == 2 and isinstance(path[1], int) and isinstance(value, dict):
                    firsts.setdefault(str(path[0]), list(value))
    except DataError:
        return {}, {}
    return firsts, beside


def objects_inside(source: Source, key: str) -> Iterator[dict]:
    """The objects of a list in a file that is one object."""
    with source.open() as file:
        for path, value in pieces(source, file, (key,)):
            if len(path) == 2 and path[0] == key:
                yield _checked(source, value, None)


def parsed_object(source: Source, text: str, number: int) -> dict:
    """The JSON object that a line holds, its numbers as text."""
    if len(text) > LONG and sum(text.count(each) for each in ",:[{") > MAX_NODES:
        raise source.error(f"more than {MAX_NODES:,} values: expected fewer on a line", number)
    try:
        record, end = DECODER.raw_decode(text)
        if end < len(text):
            raise json.JSONDecodeError("more than one value", text, end)
    except json.JSONDecodeError as error:
        reason = error.msg.removesuffix(" at")
        raise source.error(f"not JSON ({reason} at column {error.colno}): expected an object", number) from None
    except RecursionError:
        raise source.error("JSON nested too deeply: expected an object of single values", number) from None
    return _checked(source, record, number)


def _whole_pairs(text: str) -> dict[str, Any]:
    """What is whole of an object that is cut off."""
    pairs: dict[str, Any] = {}
    begin = re.compile(r"[\s{,:]*")
    at = 0
    with contextlib.suppress(ValueError, RecursionError):
        while True:
            name, at = DECODER.raw_decode(text, begin.match(text, at).end())  # type: ignore[union-attr]
            value, at = DECODER.raw_decode(text, begin.match(text, at).end())  # type: ignore[union-attr]
            if text[at - 1] != '"' and text[at : at + 1] not in (",", " ", "}"):
                break  # a number may have had further digits
            pairs[name] = value
    return pairs


def _has_lines(source: Source) -> bool:
    """Whether the first line is a value of its own, or too long to tell."""
    if source.start[:1] == b"[":
        return False
    line, end, _ = source.start.partition(b"\n")
    if not end:
        return True
    try:
        DECODER.raw_decode(line.decode().strip())
    except RecursionError:
        return True
    except ValueError:
        # An object over several lines begins with a brace, or breaks off after a comma or a bracket.
        return not line.rstrip().endswith((b"{", b"[", b","))
    return True


def _checked(source: Source, value: Any, number: int | None) -> dict:
    if not isinstance(value, dict):
        text = value if isinstance(value, str) else json.dumps(value)
        raise source.error(f"{shown(text)}: expected a JSON object", number)
    return value
