"""Tables as JSON: an object a row, one a line or in a list; a list in it is a value for each of several calls."""

import functools
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from jaxscale.io._columns import Columns
from jaxscale.io._cut import rows_cut_short
from jaxscale.io._identity import APART, FURTHER
from jaxscale.io._json import first_object, lists_inside, objects, objects_inside
from jaxscale.io._lists import SPREAD, uneven
from jaxscale.io._source import Source
from jaxscale.io._table import CODED, Table, Wanted, looks_like_calls, shown

_FORMS = 1000  # sets of keys that are remembered


_LOOKED_INTO = 100  # records, for names inside of their objects
_DEEPEST = 3


def recognises(source: Source) -> bool:
    """Whether this is meant to be JSON: it begins with a brace or bracket, or is named so."""
    return source.start[:1] in (b"{", b"[") or source.suffix in (".jsonl", ".ndjson", ".json")


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted keys of JSON objects as text."""
    columns = Columns(source, bounded=source.unpack is not None)
    names: dict[str, None] = {}
    forms: dict[tuple[str, ...], tuple[str, ...]] = {}  # the wanted keys of records that have these
    paths: dict[str, None] = {}
    nested: dict[str, bool] = {}
    for number, record in _records(source, wanted):
        row = renamed(record, wanted) if wanted.renamed else record
        if len(columns) < _LOOKED_INTO:
            paths.update(dict.fromkeys(_inside(record)))
            for name, value in record.items():
                if isinstance(value, dict | list):
                    flat = isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)
                    nested[wanted.ours(name)] = flat and nested.get(wanted.ours(name), True)
        keys = tuple(row)
        taken = forms.get(keys)
        if taken is None:
            names.update(dict.fromkeys(keys))
            taken = tuple(name for name in keys if name in wanted)
            if len(forms) < _FORMS:
                forms[keys] = taken
        texts: list[str | None] = []
        for name in taken:
            value = row[name]
            if value is None or type(value) is str:
                texts.append(value)
            elif type(value) is bool:
                texts.append("true" if value else "false")
            else:  # a list or an object
                for call in _calls(source, {name: row[name] for name in taken}, wanted, number):
                    columns.add(number, tuple(call), list(call.values()))
                break
        else:
            columns.add(number, taken, texts)
    if not len(columns):
        raise source.error("is empty: expected one JSON object a line, or a list of them")
    arrays = columns.arrays() or {"": pa.nulls(len(columns), CODED)}
    cut_short: tuple[int, ...] = ()
    for part in source.cut:
        row = renamed(part, wanted) if wanted.renamed else part
        cells = {name: _text(source, name, value, wanted.everything, 0) for name, value in row.items()}
        whole = {name: text for name, text in cells.items() if text is not None}
        cut_short = rows_cut_short(source, arrays, wanted, whole)
    return Table(
        source.name,
        tuple(names),
        arrays,
        place=lambda row: columns.lines[row] or None,
        reread=functools.partial(read, source, wanted.everything),
        notes=tuple(source.notes),
        paths=tuple(paths),
        nested=nested,
        cut_short=cut_short,
    )


def _records(source: Source, wanted: Wanted) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file with their lines; or those of the list in it, where they look more like calls than it does.

    These have the values beside the list that say whose they are, or are grouped by.
    """
    outer = looks_like_calls(renamed(first_object(source), wanted))
    if outer[0] < 2:
        lists, beside = lists_inside(source)
        likely = {key: looks_like_calls([wanted.ours(name) for name in names]) for key, names in lists.items()}
        key = max(likely, key=lambda each: likely[each], default=None)
        if key is not None and likely[key] >= max(outer, (0, 1)):
            source.note(f"read the records of {shown(key)}, a list in the file")
            whose = {name: value for name, value in beside.items() if name in (*APART, *FURTHER, *wanted.group)}
            yield from ((0, {**whose, **record}) for record in objects_inside(source, key))
            return
    yield from objects(source)


def _inside(record: dict[str, Any], before: str = "") -> Iterator[str]:
    """The paths to single values inside of the objects of a record."""
    for name, value in record.items():
        path = f"{before}.{name}" if before else name
        if isinstance(value, dict) and path.count(".") < _DEEPEST:
            yield from _inside(value, path)
        elif before and not isinstance(value, dict | list):
            yield path


def renamed(record: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """A record by the names that it is wanted by; a name with dots is a path into it."""
    row = {wanted.ours(name): value for name, value in record.items()}
    for ours, theirs in wanted.renamed.items():
        value: Any = record
        for key in theirs.split(".") if theirs not in record and "." in theirs else ():
            value = value.get(key) if isinstance(value, dict) else None
        if value is not record and value is not None:
            row[ours] = value
    return row


def _calls(source: Source, row: dict[str, Any], wanted: Wanted, number: int) -> Iterator[dict[str, str | None]]:
    """The rows of a record: one, or one for each item of its lists."""
    lists = {name: value for name, value in row.items() if isinstance(value, list) and name in SPREAD}
    cells = {name: _text(source, name, value, wanted, number) for name, value in row.items() if name not in lists}
    if not lists:
        yield cells
        return
    sizes = {name: len(items) for name, items in lists.items()}
    if len(set(sizes.values())) > 1:
        raise source.error(uneven(sizes), number or None)
    for items in zip(*lists.values(), strict=True):
        call = {name: _text(source, name, item, wanted, number) for name, item in zip(lists, items, strict=True)}
        yield {**cells, **call}


def _text(source: Source, name: str, value: Any, wanted: Wanted, number: int) -> str | None:
    if isinstance(value, dict | list):
        if wanted.columns is not None:
            raise source.error(f"{name} is a list or an object: expected a single value", number or None)
        return None
    return value if value is None or isinstance(value, str) else str(value).lower()
