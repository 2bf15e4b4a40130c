"""Columns of text that grow row by row: what is there so far is packed, and a row without a value takes no room."""

import array
from collections.abc import Sequence

import pyarrow as pa

from jaxscale.data import DataError
from jaxscale.io._source import Source
from jaxscale.io._table import CODED, coded_text

MOST_GAPS = 2**26
"""Cells without a value in all columns together: where each record has keys of its own, there is little else."""

MOST_MEMORY = 2**29
"""Bytes that the values of a log may take: what is packed in it can be a thousand times as large as the file."""

_CELLS, _CHARACTERS = 2**18, 2**24  # that are held as they came, before they are packed


class Columns:
    """Columns by name, each with a value for some of the rows.

    Args:
        source: the file, for error messages.
        bounded: whether the values may take `MOST_MEMORY` bytes at most.
    """

    def __init__(self, source: Source, bounded: bool = False) -> None:
        self.source = source
        self.lines = array.array("q")
        self._room = MOST_MEMORY if bounded else None
        self._packed: dict[str, list[tuple[int, pa.DictionaryArray]]] = {}  # with the row at which each part begins
        self._held: dict[str, list[str | None]] = {}
        self._start = 0  # the row at which what is held begins
        self._names: tuple[str, ...] = ()  # of the last row
        self._lists: list[list[str | None]] = []
        self._cells = self._characters = self._filled = 0

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.lines)

    def add(self, line: int, names: tuple[str, ...], texts: Sequence[str | None]) -> None:
        """Add a row.

        Args:
            line: that on which it begins; 0 where there are no lines.
            names: the columns of which it has a value; quickest where it is the same object as for the row before.
            texts: the value in each of them.

        Raises:
            DataError: the values take more than they may.
        """
        if names is not self._names and names != self._names:
            self._arrange(names)
        self.lines.append(line)
        characters = 0
        for values, text in zip(self._lists, texts, strict=True):
            values.append(text)
            if text is not None:
                characters += len(text)
        self._characters += characters
        self._cells += len(texts)
        self._filled += len(texts)
        if self._cells > _CELLS or self._characters > _CHARACTERS:
            self._pack()

    def arrays(self) -> dict[str, pa.DictionaryArray]:
        """The columns; null where a row has no value.

        Raises:
            DataError: a value is no Unicode text, or the columns are nearly all gaps.
        """
        size = len(self.lines)
        gaps = size * len(self._packed.keys() | self._held.keys()) - self._filled
        if gaps > MOST_GAPS:
            raise self.source.error(
                f"{size:,} records have {len(self._packed.keys() | self._held.keys()):,} different keys, and {gaps:,} "
                f"times one is missing: expected at most {MOST_GAPS:,}"
            )
        self._pack()
        return {name: self._whole(self._packed[name], size) for name in list(self._packed)}

    def _arrange(self, names: tuple[str, ...]) -> None:
        """Make ready for rows with these columns: those that lacked values are filled up with nothing."""
        rows = len(self.lines) - self._start
        self._names = names
        self._lists = [self._held.setdefault(name, []) for name in names]
        for values in self._lists:
            self._cells += rows - len(values)
            values.extend([None] * (rows - len(values)))

    def _pack(self) -> None:
        for name, values in self._held.items():
            try:
                part = coded_text(pa.array(values, pa.large_string()))
            except UnicodeEncodeError:
                raise self._no_text(name) from None
            self._packed.setdefault(name, []).append((self._start, part))
            if self._room is not None:
                self._room -= part.nbytes
        if self._room is not None and self._room < 0:
            raise self.source.error(
                f"holds more than {MOST_MEMORY:,} bytes of values: expected a smaller log, or several files"
            )
        self._held.clear()
        self._start = len(self.lines)
        self._names, self._lists = (), []
        self._cells = self._characters = 0

    @staticmethod
    def _whole(parts: list[tuple[int, pa.DictionaryArray]], size: int) -> pa.DictionaryArray:
        """A column of its parts, which are used up, with nothing between them."""
        chunks: list[pa.DictionaryArray] = []
        end = 0
        for start, part in parts:
            if start > end:
                chunks.append(pa.nulls(start - end, CODED))
            chunks.append(part)
            end = start + len(part)
        parts.clear()
        if size > end:
            chunks.append(pa.nulls(size - end, CODED))
        return chunks[0] if len(chunks) == 1 else coded_text(pa.chunked_array(chunks, CODED))

    def _no_text(self, name: str) -> DataError:
        row = next(row for row, value in enumerate(self._held[name]) if not _is_text(value))
        line = self.lines[self._start + row]
        return self.source.error(f"{name} holds half a surrogate pair: expected text", line or None)


def _is_text(value: str | None) -> bool:
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        return False
    return True
