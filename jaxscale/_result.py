"""What every result can do: become plain values or a data frame, and show itself as a small table."""

from __future__ import annotations

import dataclasses
import enum
import html
import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale._numpy import ReadOnlyArrays

if TYPE_CHECKING:
    from rich.table import Table

Library: TypeAlias = Literal["pandas", "polars", "pyarrow"]

_MAKERS = {"pandas": "DataFrame", "polars": "DataFrame", "pyarrow": "table"}
_MOST_ROWS = 30  # of a table in a notebook or an interpreter; a terminal that prints a result shows all


class Column(NamedTuple):
    """A column of a result's table, as it is shown.

    Attributes:
        header: what stands above it.
        cells: the text of each row.
        words: whether it is read from the left.
    """

    header: str
    cells: Sequence[str]
    words: bool = False


class Result(ReadOnlyArrays):
    """A base of frozen dataclasses that hold what was found, declared with `repr=False`.

    A subclass says what the rows of its table are in `_columns`, and what stands above and beneath in `_heading` and
    `_notes`. `to_dict`, `to_frame` and all that shows it are made of these and of its fields.

    >>> @dataclasses.dataclass(frozen=True, eq=False, repr=False)
    ... class Found(Result):
    ...     calls: np.ndarray
    ...     value: np.ndarray
    ...
    ...     def _columns(self):
    ...         return {name: array.tolist() for name, array in vars(self).items()}
    >>> found = Found(np.array([1, 1000]), np.array([0.25, np.nan]))
    >>> found
    Found
    calls   value
        1  0.2500
    1,000       -
    >>> found.to_dict()
    {'calls': [1, 1000], 'value': [0.25, None]}
    >>> found.to_frame("pyarrow").num_rows
    2
    """

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers, lists and strings, fit for JSON: what is not finite is None."""
        fields = [field.name for field in dataclasses.fields(self) if field.repr]  # type: ignore[arg-type]
        return {name: plain(getattr(self, name)) for name in fields}

    def to_frame(self, library: Library = "pandas") -> Any:
        """The rows of the result's table as a data frame.

        Args:
            library: which one makes it: "pandas", "polars" or "pyarrow".

        Raises:
            ImportError: if that library is not installed.
        """
        if library not in _MAKERS:
            raise ArgumentError("library", library, ", ".join(_MAKERS))
        try:
            module = importlib.import_module(library)
        except ImportError:
            raise ImportError(f"{library} is not installed: expected it, or library='pyarrow'") from None
        return getattr(module, _MAKERS[library])({name: list(values) for name, values in self._columns().items()})

    def _columns(self) -> dict[str, Sequence[Any]]:
        """The rows of the table, by column: numbers, strings, or None. By default one row, of the single values."""
        return {name: [value] for name, value in self.to_dict().items() if not isinstance(value, list | dict)}

    def _heading(self) -> str:
        """What is said above the table, if anything."""
        return ""

    def _notes(self) -> list[str]:
        """What is said beneath the table, a line each."""
        return []

    def _shown(self) -> list[Column]:
        """The columns as a person reads them: an interval is one of them."""
        columns = self._columns()
        shown = []
        for name, values in columns.items():
            if name == "lower" and "upper" in columns:
                level = getattr(self, "level", None)
                header = "interval" if level is None else f"{level:.0%} interval"
                ends = zip(values, columns["upper"], strict=True)
                shown.append(Column(header, [f"{_text(low)} to {_text(high)}" for low, high in ends]))
            elif name != "upper" or "lower" not in columns:
                words = all(value is None or isinstance(value, str) for value in values)
                shown.append(Column(name.replace("_", " "), [_text(value) for value in values], words))
        return shown

    def _rows(self) -> Iterator[Sequence[str]]:
        """The header and the rows, without the middle of very many."""
        columns = self._shown()
        yield [column.header for column in columns]
        rows = list(zip(*(column.cells for column in columns), strict=True))
        half = _MOST_ROWS // 2
        yield from rows if len(rows) <= _MOST_ROWS else [*rows[:half], ["..."] * len(columns), *rows[-half:]]

    def __rich__(self) -> Table:
        from rich.table import Table

        notes = "\n".join(self._notes())
        table = Table(
            title=self._heading() or None, title_justify="left", caption=notes or None, caption_justify="left"
        )
        columns = self._shown()
        for column in columns:
            table.add_column(
                column.header, justify="left" if column.words else "right", no_wrap="interval" in column.header
            )
        for row in zip(*(column.cells for column in columns), strict=True):
            table.add_row(*row)
        return table

    def __repr__(self) -> str:
        rows, left = list(self._rows()), [column.words for column in self._shown()]
        widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                cell.ljust(width) if words else cell.rjust(width)
                for cell, width, words in zip(row, widths, left, strict=True)
            ).rstrip()
            for row in rows
        ]
        return "\n".join([": ".join(filter(None, (type(self).__name__, self._heading()))), *lines, *self._notes()])

    def _repr_html_(self) -> str:
        left = [column.words for column in self._shown()]

        def row(cells: Sequence[str], tag: str) -> str:
            sides = zip(cells, left, strict=True)
            return "".join(
                f'<{tag} style="text-align: {"left" if words else "right"}">{html.escape(cell)}</{tag}>'
                for cell, words in sides
            )

        header, *rows = self._rows()
        body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in rows)
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        title = f"<caption>{html.escape(self._heading() or type(self).__name__)}</caption>"
        return f"<table>{title}<thead><tr>{row(header, 'th')}</tr></thead><tbody>{body}</tbody></table>{notes}"


def plain(value: Any) -> Any:
    """A value as JSON has it: lists, dictionaries, strings and finite numbers, else None."""
    if isinstance(value, Result):
        return value.to_dict()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    """A cell of a table."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) <= 1 else f"{value:.4g}"
    return str(value)
