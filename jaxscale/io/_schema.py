"""A log as a schema: which field is what. One reader for all logs whose records are JSON objects."""

import functools
import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxscale.io._document import pieces
from jaxscale.io._records import Record, Row, first_record, records_of, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown
from jaxscale.io._verdicts import Scale

Path = tuple[str, ...]
Alternatives = tuple[Path, ...]


@dataclass(frozen=True)
class Schema:
    """The form of a log, and which field of a record is what.

    A path is keys with dots between them; "a|b" is the first of several that has a value. A path that begins with "@"
    is no field: "@key" is the key of the record in an object of them, "@line" its number, "@stem" the name of the file.
    One that begins with "^" is a field of the document around the records.

    Args:
        name: what `format=` and `--format` call it.
        marks: paths, with spaces between them, all of which the first record has, or another of these sets; in a
            document, names that its first bytes hold.
        rows: the path to the records in a document, "*" for each key of an object; empty where records are lines, or
            the items of a list.
        columns: the path of each column, or what makes its value of a record; with `passed`, or several verdicts by
            name in `verdicts`. A problem may be several fields, with "+" between them.
        verdicts: the path of each verdict, or what makes it of a record, where a log may have several; of a path that
            ends in "*" each key is a verdict.
        scale: what the values of a verdict count.
        many: whether a verdict may be a list, with an item for each call; other lists of its length go with it.
        unless: paths that the first record of another format has.
        late: whether the records may begin beyond the first bytes of a document.
        tool: what several formats of one tool have in common; by default the name.
        where: a field, and what it says in the records that are calls: others are passed over. What stands around the
            records is then the first line.
    """

    name: str
    marks: tuple[str, ...]
    columns: Mapping[str, str | Callable[[dict[str, Any]], Any]]
    rows: str = ""
    verdicts: Mapping[str, str | Callable[[dict[str, Any]], Any]] = field(default_factory=dict)
    scale: Scale = field(default_factory=Scale)
    many: bool = False
    unless: tuple[str, ...] = ()
    late: bool = False
    tool: str = ""
    where: tuple[str, str] | None = None

    def recognises(self, source: Source) -> bool:
        """Whether a file begins as such a log does."""
        if self.rows:
            *_, last = ("", *(name for name in self.rows.split(".") if name != "*"))
            items = rb'\{\s*"[^"]*"\s*:\s*[\[{]' if self.rows.endswith("*") else rb"\["
            begins = re.compile((rb'"' + re.escape(last.encode()) + rb'"\s*:\s*' if last else rb"^\s*") + items)
            return (
                source.start[:1] == b"{"
                and (self.late or begins.search(source.head) is not None)
                and any(
                    all(re.search(rb'"' + re.escape(name.encode()) + rb'"\s*:', source.head) for name in marks.split())
                    for marks in self.marks
                )
            )
        first = Record(source, first_record(source), None)
        return any(all(_there(first, path) for path in marks.split()) for marks in self.marks) and not any(
            _there(first, path) for path in self.unless
        )

    def read(self, source: Source, wanted: Wanted) -> Table:
        """Read a log by this schema."""
        several = bool(self.verdicts)
        choice = "scorer" if several else None
        return table_of(source, self._calls(source), wanted, choice, complete=several)

    def _calls(self, source: Source) -> Iterator[Row]:
        fields = {
            name: _field(path) if isinstance(path, str) else path
            for name, path in self.columns.items()
            if not (isinstance(path, str) and path[:1] in "@^")
        }
        answer = self.columns.get("answer")
        answers = [".".join(path) for path in _alternatives(answer)] if isinstance(answer, str) else None
        verdicts = {name: _field(each) if isinstance(each, str) else each for name, each in self.verdicts.items()}
        special = {name: str(path) for name, path in self.columns.items() if name not in fields}
        # A field by such a name is one, whether the tool writes it or who ran it.
        undeclared = [name for name in ("model", "task", "run", "epoch") if name not in self.columns]
        for number, (record, key, around) in enumerate(self.records(source), 1):
            data = record.data
            row: dict[str, Any] = {name: field(data) for name, field in fields.items()}
            for name, path in special.items():
                places = {"@key": key, "@stem": source.stem}
                row[name] = places[path] if path[0] == "@" else _first(around, _alternatives(path[1:]))
            for name in undeclared:
                if isinstance(data.get(name), str):
                    row[name] = data[name]
            row["problem"] = self._problem(record, row["problem"], number, around, key)
            if answers is not None and row["answer"] is None and not any(_there(record, path) for path in answers):
                del row["answer"]  # a field that is not there says nothing
            if not self.verdicts:
                yield from self._spread(record, row, row.get("passed"))
                continue
            found = False
            for name, verdict in verdicts.items():
                value = verdict(data)
                if value is None:
                    continue
                named = {name: value}
                if str(self.verdicts[name]).endswith(".*"):
                    named = value if isinstance(value, dict) else {}
                for scorer, each in named.items():
                    if each is not None and each != []:
                        found = True
                        yield from self._spread(record, {**row, "scorer": scorer}, each)
            if not found:
                yield record, {**row, "passed": None}

    def _problem(self, record: Record, first: Any, number: int, around: dict[str, Any], key: str) -> Any:
        path, *further = str(self.columns["problem"]).split("+")
        if first is None and path.endswith(("@line", "@key")):
            return key if path.endswith("@key") else str(number)
        if first is None:
            raise record.error(f"no {path.replace('|', ' or ')}: expected one in every record")
        beside = [
            _first(around, _alternatives(each[1:])) if each[0] == "^" else record.get(*each.split("."))
            for each in further
        ]
        known = [f"[{value}]" for value in beside if value is not None]
        return (
            " ".join([first if isinstance(first, str) else json.dumps(first, sort_keys=True), *known])
            if further
            else first
        )

    def _spread(self, record: Record, row: dict[str, Any], verdict: Any) -> Iterator[Row]:
        """A call, or one for each item of a list of verdicts."""
        if not (self.many and isinstance(verdict, list)):
            yield record, {**row, "passed": verdict}
            return
        if not verdict:
            yield record, {**row, "passed": None}
        lists = {name: value for name, value in row.items() if isinstance(value, list) and len(value) == len(verdict)}
        if isinstance(row.get("answer"), list) and "answer" not in lists:
            raise record.error(
                f"{len(row['answer'])} answers beside {len(verdict)} verdicts: expected an item for each call"
            )
        for index, item in enumerate(verdict):
            yield record, {**row, **{name: value[index] for name, value in lists.items()}, "passed": item}

    def records(self, source: Source) -> Iterator[tuple[Record, str, dict[str, Any]]]:
        """The records, each with its key, and what stands around them."""
        if not self.rows:
            first: dict[str, Any] = {}
            for record in records_of(source):
                if self.where is None or record.get(self.where[0]) == self.where[1]:
                    yield record, "", first
                else:
                    first = first or record.data
            return
        path = tuple(self.rows.split("."))
        keyed = path[-1] == "*"
        inside = path[:-1] if keyed else path
        around: dict[str, Any] = {}
        found = False
        with source.open() as file:
            for place, value in pieces(source, file, inside):
                if place[: len(inside)] != inside:
                    if len(place) == 1:
                        around[str(place[0])] = value
                elif place == inside:
                    found = True
                    if isinstance(value, list) is keyed or not isinstance(value, list | dict):
                        kind = "an object" if keyed else "a list"
                        raise source.error(f"{'.'.join(inside)} is not {kind} of records: expected one")
                else:
                    key = str(place[len(inside)])
                    items = value if keyed and isinstance(value, list) else [value]
                    for item in items:
                        if not isinstance(item, dict):
                            where = f", {shown(key)}" if keyed else ""
                            raise source.error(f"{'.'.join(inside)}{where}: expected objects, one for each attempt")
                        yield Record(source, item, None), key, around
        if not found:
            raise source.error(f"no {'.'.join(inside)}: expected records of attempts")


@functools.cache
def _alternatives(path: str) -> Alternatives:
    return tuple(tuple(each.split(".")) for each in path.partition("+")[0].split("|") if not each.startswith("@"))


def _field(path: str) -> Callable[[dict[str, Any]], Any]:
    """What finds the value at a path in a record; a "*" at its end stands for all that is there."""
    alternatives = _alternatives(path.removesuffix(".*"))
    if len(alternatives) == len(alternatives[0]) == 1:
        return operator.methodcaller("get", alternatives[0][0])
    return lambda data: _first(data, alternatives)


def _first(data: Any, alternatives: Alternatives) -> Any:
    """The first value that there is at one of several paths."""
    for path in alternatives:
        value = data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def _there(record: Record, path: str) -> bool:
    """Whether a record has a field, be it null."""
    *outer, last = path.split(".")
    inside = record.get(*outer)
    return isinstance(inside, dict) and last in inside
