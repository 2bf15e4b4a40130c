"""Several files, or a directory of them, as one table."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from jaxscale.io._source import PACKED
from jaxscale.io._table import CODED, Table, coded_as, coded_text, shown_list

PLACES = ("file", "folder")
"""The columns that say which file and folder a row is from, to group by."""

SUFFIXES = frozenset((".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".eval", ".yaml", ".yml"))
"""The files of a directory that are looked at."""


def files_below(directory: Path) -> list[Path]:
    """The files in and below a directory that may hold data, in order of their names, hidden ones left out."""
    return [
        path
        for path in sorted(directory.rglob("*"))
        if (path.with_suffix("") if path.suffix.lower() in PACKED else path).suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(directory).parts)
    ]


def together(tables: Sequence[Table], name: str, notes: Sequence[str] = ()) -> Table:
    """The rows of several tables, one after the other, with columns that name the file and folder of each.

    Args:
        tables: what was read, at least one.
        name: what the files are called together.
        notes: what is to be said in addition to the notes of the tables.
    """
    verdicts = list(dict.fromkeys(table.scorer for table in tables if table.scorer is not None))
    if len(verdicts) > 1:
        notes = [*notes, f"read some files by one verdict and some by another ({shown_list(verdicts)})"]
    starts = np.cumsum([0, *map(len, tables)])
    begins = list(zip(tables, starts.tolist(), strict=False))
    names = tuple(dict.fromkeys(name for table in tables for name in table.names if name not in PLACES))

    def column(name: str) -> pa.DictionaryArray:
        parts = [table.columns[name] if name in table.columns else pa.nulls(len(table), CODED) for table in tables]
        return coded_text(pa.chunked_array(parts, CODED))

    columns = {name: column(name) for name in names if any(name in table.columns for table in tables)}
    folders = [os.path.dirname(table.file) or "." for table in tables]
    for place, values in zip(PLACES, ([table.file for table in tables], folders), strict=True):
        once = {value: code for code, value in enumerate(dict.fromkeys(values))}
        codes = np.repeat([once[value] for value in values], np.diff(starts))
        columns[place] = coded_as(codes, list(once))
    return Table(
        name,
        (*names, *PLACES),
        columns,
        place=_place(tables, starts),
        reread=lambda: together([table.reread() for table in tables], name),
        notes=(*notes, *_notes(tables)),
        dropped=tuple(_dropped(tables).items()),
        scorer=tables[0].scorer if len({table.scorer for table in tables}) == 1 else None,
        scorers=tuple(dict.fromkeys(scorer for table in tables for scorer in table.scorers)),
        files=tuple((table.file, start) for table, start in begins),
        unended=tuple(start + row for table, start in begins for row in table.unended),
        cut_short=tuple(start + row for table, start in begins for row in table.cut_short),
    )


def _place(tables: Sequence[Table], starts: np.ndarray) -> Callable[[int], int | None]:
    def place(row: int) -> int | None:
        index = int(np.searchsorted(starts, row, side="right")) - 1
        return tables[index].place(row - int(starts[index]))

    return place


def _dropped(tables: Sequence[Table]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for what, count in (each for table in tables for each in table.dropped):
        totals[what] = totals.get(what, 0) + count
    return totals


def _notes(tables: Sequence[Table]) -> list[str]:
    """Each note once, with the file that has it first and the number of others."""
    where: dict[str, list[str]] = {}
    for table in tables:
        for note in table.notes:
            where.setdefault(note, []).append(table.file)
    return [
        f"{note} (in {files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''})"
        for note, files in where.items()
    ]
