"""Tables as comma-separated values (RFC 4180: quotes, quoted line ends, a byte order mark, blank lines).

A header without a comma that has semicolons, tabs or bars is split at those, which a note says. A last row that is cut
off, as an aborted run leaves it, is left out, with a note; of counted answers so is its problem.
"""

import csv
import functools
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.csv

from jaxscale.data import DataError
from jaxscale.io._cut import NEEDED, is_counted, note_cut, rows_cut_short
from jaxscale.io._source import Source
from jaxscale.io._table import CODED, Table, Wanted, coded_text, shown
from jaxscale.io._verdicts import VERDICTS

_BLOCK = 2**18

MAX_ROW = 2**24
"""Bytes in the longest row that is read."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def recognises(source: Source) -> bool:
    """Whether this may be CSV: the last resort for any text."""
    return b"\0" not in source.head


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted columns of a CSV file as text."""
    delimiter = _delimiter(source)
    with source.open() as file:
        names = [wanted.ours(name.strip()) for name in next((row for _, row in _rows(source, file, delimiter)), [])]
        taken = [index for index, name in enumerate(names) if name in wanted]
        # An unwanted column still counts the rows where no wanted one is there.
        shape = (delimiter, len(names), taken or [0])
        last = _Last.of(source) if source.unpack is None else None
        try:
            table = _body(source, file, *shape)
        except DataError as error:
            last = last or _Last.of(source)
            cells, _ = _cells(last.text, delimiter)
            cut = 0 < len(cells) < len(names)
            whole = _until(source, last, shape) if cut else None
            if whole is None:
                raise error from None
            table = whole
        else:
            cells, closed = _cells(last.text, delimiter) if last is not None else ([], True)
            empty = bool(cells) and not cells[-1].strip() and names[-1] in NEEDED
            cut = len(cells) == len(names) and (empty or not closed) and table.num_rows > 1
            table = table[:-1] if cut else table
    columns = {names[index]: coded_text(table.column(str(index))) for index in taken or [0]}
    cut_short: tuple[int, ...] = ()
    if cut and last is not None:
        note_cut(source, last.number(source))
        part = dict(zip(names, cells, strict=False))
        whole_cells = dict(list(part.items())[:-1])
        cut_short = rows_cut_short(source, columns, wanted, whole_cells, part.get("problem", ""))
    elif last is not None and cells and _may_be_cut(last.text, names, cells, wanted):
        source.note("the last line has no line end: it may be cut off")
    if delimiter != ",":
        source.note(f"read columns separated by {_DELIMITERS[delimiter]}, not commas")
    return Table(
        source.name,
        tuple(names),
        columns,
        place=functools.partial(_line_of, source, delimiter),
        reread=functools.partial(read, source, wanted.everything),
        notes=tuple(source.notes),
        unended=(table.num_rows - 1,) if last is not None and last.text and not cut else (),
        cut_short=cut_short,
    )


def _delimiter(source: Source) -> str:
    """What separates the columns: one column is no table, so a header without a comma that has one other separator."""
    with source.open() as file:
        line, header = next(_rows(source, file, ","), (None, []))
    if not any(name.strip() for name in header):
        raise source.error("is empty: expected a header line and rows below it")
    found = [each for each in _DELIMITERS if each in header[0]]
    if len(header) > 1 or not found:
        return ","
    if header[0].strip().lower().startswith("sep="):
        raise source.error(f"{shown(header[0])} is no header: expected the names of the columns", line)
    if len(found) > 1:
        between = " and ".join(_DELIMITERS[each] for each in found)
        raise source.error(f"the header has {between} but no commas: expected commas between the columns", line)
    return found[0]


def _body(source: Source, file: IO[bytes] | pa.NativeFile, delimiter: str, width: int, taken: list[int]) -> pa.Table:
    """The rows below the header, columns named by their position."""
    positions = [str(index) for index in range(width)]
    # The last column is read too: a quote that is never closed ends up there.
    included = sorted({*taken, width - 1})
    try:
        table = pyarrow.csv.read_csv(
            _native(source, file),
            pyarrow.csv.ReadOptions(column_names=positions, block_size=MAX_ROW),
            pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(positions, CODED),
                include_columns=[str(index) for index in included],
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowException as error:
        raise _diagnosis(source, delimiter, width, str(error)) from None
    if table.num_rows == 0:
        raise _diagnosis(source, delimiter, width, "no rows")
    if "\n" in (table.column(str(width - 1))[-1].as_py() or ""):
        _check_last_quote(source, delimiter)
    return table


def _native(source: Source, file: IO[bytes] | pa.NativeFile) -> IO[bytes] | pa.NativeFile:
    """What is left of a file, for Arrow to read by itself where it can.

    A thread of Arrow's that lets go of an object of Python while the program ends takes the program down with it.
    """
    if source.unpack is not None or isinstance(file, pa.NativeFile):
        return file
    native = pa.OSFile(os.fsencode(source.path))
    native.seek(file.tell())
    return native


@dataclass(frozen=True)
class _Last:
    """What follows the last line end of a file.

    Args:
        text: the line, empty where the file ends with a line end.
        start: the byte at which it begins.
    """

    text: str
    start: int

    @classmethod
    def of(cls, source: Source) -> "_Last":
        """Look at the end of a file, of one that is compressed through all of it."""
        last = b""
        with source.open() as file:
            size = max(0, file.seek(0, io.SEEK_END) - MAX_ROW) if source.unpack is None else 0
            if source.unpack is None:
                file.seek(size)
            for block in iter(lambda: file.read(_BLOCK), b""):
                _, end, after = block.rpartition(b"\n")
                last = after if end else last[-MAX_ROW:] + after
                size += len(block)
        return cls(last.decode(errors="replace").rstrip("\r"), size - len(last))

    def number(self, source: Source) -> int:
        """The number of the line."""
        with source.open() as file:
            return 1 + sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))


def _cells(line: str, delimiter: str) -> tuple[list[str], bool]:
    """The cells of a line, and whether no quote is open at its end; none for what is no row."""
    for strict in (True, False):
        try:
            return next(csv.reader([line], delimiter=delimiter, strict=strict), []), strict
        except csv.Error:
            continue
    return [], True


def _may_be_cut(line: str, names: list[str], cells: list[str], wanted: Wanted) -> bool:
    """Whether a line without an end matters: to counts, or as its last cell may be the start of another value."""
    if line.endswith('"') or (names[-1] not in wanted and not is_counted(names)):
        return False
    try:
        float(cells[-1])
    except ValueError:
        return is_counted(names) or names[-1] in VERDICTS
    return True


def _until(source: Source, last: _Last, shape: tuple[str, int, list[int]]) -> pa.Table | None:
    """The rows before the last line; None if they are no table either."""
    with source.open() as file:
        before = file.read(last.start)
    copy = io.BytesIO(before)
    next(_rows(source, copy, shape[0]))
    rest = pa.BufferReader(before)
    rest.seek(copy.tell())
    try:
        return _body(source, rest, *shape) if before[copy.tell() :].strip() else None
    except DataError:
        return None


def _rows(source: Source, file: IO[bytes], delimiter: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of `file` that are not blank, each with the line on which it begins."""
    lines = (source.text(line, number) for number, line in enumerate(source.lines(file, MAX_ROW), 1))
    limit = csv.field_size_limit(MAX_ROW)
    try:
        reader = csv.reader(lines, delimiter=delimiter, strict=strict)
        begin = 1
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if str(error) == "unexpected end of data":
                    raise source.error(
                        "a quote is never closed: expected its end; where the run was aborted, delete what follows "
                        "from this line on",
                        begin,
                    ) from None
                raise source.error(f"not a CSV row ({error}): expected one", begin) from None
            if row:
                yield begin, row
            begin = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)


def _line_of(source: Source, delimiter: str, row: int) -> int | None:
    """The line on which data row `row` begins."""
    with source.open() as file:
        try:
            for index, (line, _) in enumerate(_rows(source, file, delimiter), -1):
                if index == row:
                    return line
        except DataError:
            pass
    return None


def _diagnosis(source: Source, delimiter: str, width: int, message: str) -> DataError:
    """Why the file is not a table: the first row that breaks it, or the parser's own words."""
    with source.open() as file:
        rows = 0
        try:
            for line, row in _rows(source, file, delimiter, strict=True):
                rows += 1
                if len(row) != width:
                    return source.error(f"{len(row)} fields: expected {width}, as in the header", line)
        except DataError as error:
            return error
    if rows == 1:
        return source.error("has a header but no rows: expected a row per problem, answer or call")
    return source.error(f"not a CSV table ({message.splitlines()[0][:120]})")


def _check_last_quote(source: Source, delimiter: str) -> None:
    with source.open() as file:
        for _ in _rows(source, file, delimiter, strict=True):
            pass
