"""Logs that other tools write: nested JSON records, each of which becomes rows of a tidy table."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from jaxscale.data import DataError
from jaxscale.io._columns import Columns
from jaxscale.io._json import first_object, objects
from jaxscale.io._several import PLACES
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown, shown_list
from jaxscale.io._verdicts import UNSCORED, NoVerdicts


@dataclass(frozen=True)
class Record:
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
        complete: whether each record is one attempt (or a list of them), which has no score by the verdicts that it
            has no row of.

    Raises:
        DataError: there is no such verdict, or the values take too much room.
    """
    columns = Columns(source, bounded=True)
    choices: dict[str, None] = {}
    each = choice is None or (wanted.scorer is None and choice in wanted.group)
    chosen = wanted.scorer or (None if each else wanted.default)
    attempts = silent = scored = 0
    latest = None
    for record, row in rows:
        if record is not latest:
            attempts += 1
            seen: set[Any] = set()
            latest = record
        if choice in row:
            choices[row[choice]] = None
            if chosen is None and not each:
                chosen = row[choice]
            if not each and row[choice] != chosen:
                continue
        scored += row.get(choice or "") not in seen
        seen.add(row.get(choice or ""))
        for name in wanted.group:
            if name not in row and name not in PLACES:
                value = record.get(*name.split(".")) if isinstance(record.data, dict) else None
                value = record.get("metadata", name) if value is None else value
                if value is not None:
                    row[name] = value
        silent += "answer" not in row and row["passed"] is not None
        columns.add(record.line or 0, {name: _text(value) for name, value in row.items()})
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
    arrays = columns.arrays({})
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
    if complete:
        table = table.leaving_out(UNSCORED, attempts * (max(len(choices), 1) if each else 1) - scored)
    return table


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value).lower()
