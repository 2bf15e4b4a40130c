"""Logs that other tools write: nested JSON records, each of which becomes rows of a tidy table."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from jaxscale.data import DataError
from jaxscale.io._columns import Columns
from jaxscale.io._jsonl import parsed_object
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown, shown_list


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


def lines_of(source: Source) -> Iterator[Record]:
    """The records of a JSON lines file."""
    with source.open() as file:
        for number, line in enumerate(source.lines(file), 1):
            text = source.text(line, number).strip()
            if text:
                yield Record(source, parsed_object(source, text, number), number)


def first_record(source: Source) -> dict:
    """The object on the first line of a file, empty if there is none."""
    if source.start[:1] == b"{":
        try:
            return next((record.data for record in lines_of(source)), {})
        except DataError:
            pass
    return {}


def table_of(
    source: Source, rows: Iterable[Row], wanted: Wanted, choice: str | None = None, complete: bool = False
) -> Table:
    """The tidy table of the attempts in a log; those without a score are dropped, which the table says.

    Args:
        source: the file.
        rows: the attempts, with columns `problem` and `passed`; where the log has them `answer`, `target`, `tokens`
            and `prompt_tokens`.
        wanted: the columns that will be used, and of several verdicts the one to read.
        choice: a column whose values are several verdicts on the same attempts: unless it is wanted (as a group), one
            is read, by default the first, with a note that names it. A row without it has no score by any.
        complete: whether each record is one attempt, which has no score by the verdicts that it has no row of.

    Raises:
        DataError: there is no such verdict, no attempt has a score, or the values take too much room.
    """
    columns = Columns(source, bounded=True)
    choices: dict[str, None] = {}
    chosen = wanted.scorer
    each = choice is None or (chosen is None and choice in wanted)
    unscored = attempts = 0
    latest = None
    for record, row in rows:
        attempts += record is not latest
        latest = record
        if choice in row:
            choices[row[choice]] = None
            if chosen is None and not each:
                chosen = row[choice]
            if not each and row[choice] != chosen:
                continue
        if row["passed"] is None:
            unscored += 1
            continue
        if "answer" in row:
            # A judge may accept a call without an answer; such a call never wins a vote.
            row["correct"] = row["passed"] and row["answer"] not in (None, "")
        columns.add(record.line or 0, {name: _text(value) for name, value in row.items()})
    if complete:
        unscored = attempts * (max(len(choices), 1) if each else 1) - len(columns)
    notes = []
    if wanted.scorer is not None and wanted.scorer not in choices:
        found = f"found {shown_list(list(choices))}" if choices else "the log names none"
        raise source.error(f"no scorer {shown(wanted.scorer)}: {found}")
    if len(choices) > 1 and not each and wanted.scorer is None:
        notes.append(
            f"read {choice} {shown(str(chosen))} of {shown_list(list(choices))}: "
            f"--scorer names another, --group {choice} reads each"
        )
    if not len(columns):
        raise source.error(f"no scored attempts ({unscored} without a score): expected at least one")
    table = Table(
        source.name,
        columns.names,
        # A call without an answer, beside others that have one, is a blank ballot.
        columns.arrays({"correct": "false"}),
        place=lambda row: columns.lines[row] or None,
        reread=lambda: table,
        notes=tuple(notes),
        dropped=(("attempts that have no score", unscored),) if unscored else (),
        scorer=chosen if choices else None,
        scorers=tuple(choices),
    )
    return table


def truth(value: Any) -> bool | None:
    """Whether a score says right (1, true, C or pass), or wrong (any other score); None where there is no score."""
    text = str(value).strip().lower()
    if value is None or text == "nan":
        return None
    if text in ("true", "c", "pass"):
        return True
    try:
        return float(text) == 1.0
    except ValueError:
        return False


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value) if isinstance(value, dict | list) else str(value).lower()
