"""Logs that other tools write: nested JSON records, each of which becomes rows of a tidy table."""

import array
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.data import DataError
from jaxscale.io._columns import Columns
from jaxscale.io._json import first_object, objects
from jaxscale.io._several import PLACES
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, coded_as, shown, shown_list
from jaxscale.io._verdicts import NoVerdicts


class Record(NamedTuple):
    """One JSON object of a log, with errors that name its line.

    Args:
        source: the file.
        data: the object.
        line: where it begins, or None in a file that is one document.
    """

    source: Source
    data: Any
    line: int | None

    def get(self, *path: str) -> Any:
        """What lies at the end of a path of keys, or None where there is nothing."""
        value = self.data
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def at(self, *path: str) -> Any:
        """What lies at the end of a path of keys; a `DataError` where there is nothing."""
        value = self.get(*path)
        if value is None:
            raise self.error(f"no {'.'.join(path)}: expected one in every record")
        return value

    def error(self, message: str) -> DataError:
        """A `DataError` about this record."""
        return self.source.error(message, self.line)


Row: TypeAlias = tuple[Record, dict[str, Any]]
"""An attempt: where it was, and its tidy columns. `passed` is None where it has no score."""


def records_of(source: Source) -> Iterator[Record]:
    """The records of a file: an object a line, or the items of a list."""
    for number, record in objects(source):
        yield Record(source, record, number or None)


def first_record(source: Source) -> dict:
    """The first object of a file, empty if there is none."""
    return first_object(source)


def table_of(
    source: Source, rows: Iterable[Row], wanted: Wanted, choice: str | None = None, complete: bool = False
) -> Table:
    """The tidy table of the attempts in a log; what its verdicts mean, `judged` says.

    Args:
        source: the file.
        rows: the attempts, with columns `problem` and `passed` (the verdict as it is recorded, None where there is
            none); where the log has them `answer`, `target`, `tokens`, `prompt_tokens`, `error`, and the columns of
            identity: `model`, `task`, `run`, `step`, `epoch`, `uuid`.
        wanted: the columns that will be used, and of several verdicts the one to read.
        choice: a column whose values are several verdicts on the same attempts: unless it is wanted (as a group), one
            is read, by default the first, with a note that names it. A row without it has no score by any.
        complete: whether each record is one attempt (or a list of them), which is without a verdict by those that it
            has no row of.

    Raises:
        DataError: there is no such verdict, or the values take too much room.
    """
    columns = Columns(source, bounded=True)
    choices: dict[str, None] = {}
    each = choice is None or (wanted.scorer is None and choice in wanted.group)
    chosen = wanted.scorer or (None if each else wanted.default)
    silent = 0
    of_record = array.array("q")
    for number, (record, group) in enumerate(_by_record(rows)):
        choices.update(dict.fromkeys(row[choice] for row in group if choice in row))
        if chosen is None and not each:
            chosen = next(iter(choices), None)
        taken = group if each else [row for row in group if choice not in row or row[choice] == chosen]
        if complete and not taken:
            first = group[0].get(choice or "")
            taken = [_unscored(row, choice) for row in group if row.get(choice or "") == first]
        for row in taken:
            for name in wanted.group:
                if name not in row and name not in PLACES:
                    value = record.get(*name.split(".")) if isinstance(record.data, dict) else None
                    value = record.get("metadata", name) if value is None else value
                    if value is not None:
                        row[name] = value
            silent += "answer" not in row and row["passed"] is not None
            columns.add(record.line or 0, tuple(row), [_text(value) for value in row.values()])
            of_record.append(number)
    notes = list(source.notes)
    if wanted.scorer is not None and wanted.scorer not in choices:
        found = f"found {shown_list(list(choices))}" if choices else "the log names none"
        raise source.error(f"no scorer {shown(wanted.scorer)}: {found}")
    if len(choices) > 1 and not each and wanted.scorer is None:
        notes.append(
            f"read {choice} {shown(str(chosen))} of {shown_list(list(choices))}: "
            f"--scorer names another, --group {choice} reads each"
        )
    if not len(columns):
        raise NoVerdicts("no scored attempts: expected at least one", source.name)
    arrays = columns.arrays()
    if "answer" in arrays and arrays["answer"].null_count == len(columns):
        del arrays["answer"]  # a log that never has an answer records none
    elif "answer" in arrays and silent:
        notes.append(f"{silent:,} of {len(columns):,} attempts have no field for an answer: they vote for none")
    table = Table(
        source.name,
        tuple(arrays),
        arrays,
        place=lambda row: columns.lines[row] or None,
        reread=lambda: table,
        notes=tuple(notes),
        scorer=chosen if choices else None,
        scorers=tuple(choices),
    )
    if complete and each and choice is not None and choices:
        return _by_every(table, np.array(of_record, np.int64), choice, tuple(choices))
    return table


def _by_record(rows: Iterable[Row]) -> Iterator[tuple[Record, list[dict[str, Any]]]]:
    """The rows of each record, which come one after the other."""
    latest: Record | None = None
    group: list[dict[str, Any]] = []
    for record, row in rows:
        if latest is not None and record is not latest:
            yield latest, group
            group = []
        latest = record
        group.append(row)
    if latest is not None:
        yield latest, group


def _unscored(row: dict[str, Any], choice: str | None) -> dict[str, Any]:
    """A row without the verdict that it has."""
    return {**{name: value for name, value in row.items() if name != choice}, "passed": None}


def _by_every(table: Table, of_record: np.ndarray, choice: str, choices: Sequence[str]) -> Table:
    """The table with rows by each of the verdicts for every record: without a verdict by those that it has none of."""
    codes, values = table.coded(choice)
    has = np.zeros((int(of_record[-1]) + 1, len(values)), bool)
    has[of_record, codes] = True
    new = np.append(True, of_record[1:] != of_record[:-1])
    like_first = codes == codes[np.flatnonzero(new)[np.cumsum(new) - 1]]
    place = np.array([values.index(name) for name in choices])
    row, kind = np.nonzero((codes[:, None] == place) | (like_first[:, None] & ~has[of_record][:, place]))
    own = codes[row] == place[kind]
    columns = {name: column.take(pa.array(row)) for name, column in table.columns.items()}
    columns[choice] = coded_as(kind, choices)
    verdict = pc.fill_null(columns["passed"].indices, -1).to_numpy()
    columns["passed"] = coded_as(np.where(own, verdict, -1), columns["passed"].dictionary)
    whole = replace(table, columns=columns, place=lambda index: table.place(int(row[index])), reread=lambda: whole)
    return whole


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value).lower()
