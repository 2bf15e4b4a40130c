"""Columns of text that grow row by row: a row without a value takes no room."""

import array
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.data import DataError
from jaxscale.io._source import Source

MOST_GAPS = 2**26
"""Cells without a value in all columns together: where each record has keys of its own, there is little else."""

MOST_MEMORY = 2**29
"""Bytes that the values of a log may take: what is packed in it can be a thousand times as large as the file."""

_STRING = 64  # bytes of a string beside its characters, with its place in a list
_MOST_SHARED = 2**12


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
        self._values: dict[str, list[str | None]] = {}
        self._rows: dict[str, array.array] = {}  # of columns with gaps
        self._shared: dict[str, str] = {}

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.lines)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order of appearance."""
        return tuple(self._values)

    def add(self, line: int, cells: Mapping[str, str | None]) -> None:
        """Add a row, with the line on which it begins (0 where there are no lines).

        Raises:
            DataError: the values take more than they may.
        """
        row = len(self.lines)
        self.lines.append(line)
        for name, text in cells.items():
            if text is not None and (shared := self._shared.get(text)) is not None:
                text = shared
                size = 8
            elif text is not None:
                size = _STRING + len(text)
                if len(self._shared) < _MOST_SHARED:
                    self._shared[text] = text
            else:
                size = 8
            values = self._values.get(name)
            if values is None:
                values = self._values[name] = []
                size += 200
            if name in self._rows:
                self._rows[name].append(row)
            elif len(values) < row:
                self._rows[name] = array.array("q", [*range(len(values)), row])
            values.append(text)
            if self._room is not None:
                self._room -= size
        if self._room is not None and self._room < 0:
            raise self.source.error(
                f"holds more than {MOST_MEMORY:,} bytes of values: expected a smaller log, or several files",
                line or None,
            )

    def arrays(self, fill: Mapping[str, str]) -> dict[str, pa.Array]:
        """The columns as Arrow arrays.

        Args:
            fill: what stands in the gaps of a column; null where it names none.

        Raises:
            DataError: a value is no Unicode text, or the columns are nearly all gaps.
        """
        size = len(self.lines)
        gaps = sum(size - len(values) for values in self._values.values())
        if gaps > MOST_GAPS:
            raise self.source.error(
                f"{size:,} records have {len(self._values):,} different keys, and {gaps:,} times one is missing: "
                f"expected at most {MOST_GAPS:,}"
            )
        return {name: self._array(name, size, fill.get(name)) for name in self._values}

    def _array(self, name: str, size: int, fill: str | None) -> pa.Array:
        values = self._values[name]
        try:
            column = pa.array(values, pa.large_string())
        except UnicodeEncodeError:
            raise self._no_text(name) from None
        if len(values) == size:
            return column
        rows = self._rows.get(name, range(len(values)))
        index = np.zeros(size, np.int64)
        gap = np.ones(size, bool)
        index[rows], gap[rows] = np.arange(len(values)), False
        column = column.take(pa.array(index, mask=gap))
        return column if fill is None else pc.if_else(pa.array(gap), pa.scalar(fill, pa.large_string()), column)

    def _no_text(self, name: str) -> DataError:
        values = self._values[name]
        rows = self._rows.get(name, range(len(values)))
        row = next(row for row, value in zip(rows, values, strict=True) if not _is_text(value))
        return self.source.error(f"{name} holds half a surrogate pair: expected text", self.lines[row] or None)


def _is_text(value: str | None) -> bool:
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        return False
    return True
