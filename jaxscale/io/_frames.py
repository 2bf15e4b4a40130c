"""Data frames as tables: whatever hands its columns on as an Arrow stream (pandas, polars, pyarrow, DuckDB, ibis)."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from jaxscale.io._lists import SPREAD, is_list, nested_columns
from jaxscale.io._parquet import as_text, spread
from jaxscale.io._source import Source
from jaxscale.io._table import CODED, Table, Wanted

NAME = "data frame"
"""What a frame is called in messages, where a file would have a name."""


def is_frame(value: Any) -> bool:
    """Whether an object is a data frame, or a relation, that can be read."""
    return hasattr(type(value), "__arrow_c_stream__") or _by_narwhals(value) is not None


def _by_narwhals(value: Any) -> Any:
    """What narwhals, if it is there, makes of an object that it knows, as a frame that is yet to be computed."""
    if isinstance(value, str | os.PathLike | list | tuple) or not hasattr(type(value), "columns"):
        return None
    try:
        import narwhals
    except ImportError:
        return None
    frame = narwhals.from_native(value, pass_through=True)
    return None if frame is value else frame


def _table_of(frame: Any) -> pa.Table:
    if hasattr(type(frame), "__arrow_c_stream__"):
        return pa.table(frame)
    known = _by_narwhals(frame)
    return (known.collect() if hasattr(known, "collect") else known).to_arrow()


def read(frame: Any, wanted: Wanted) -> Table:
    """Read the wanted columns of a data frame as text: single values, or lists with an item for each call."""
    source = Source(Path(NAME), b"")
    try:
        table = _table_of(frame)
    except (pa.ArrowException, ValueError, TypeError, AttributeError) as error:
        raise source.error(f"cannot be read ({(str(error).splitlines() or [''])[0][:120]})") from None
    if not table.num_rows:
        raise source.error("has no rows: expected a row per problem, answer or call")
    names = [wanted.ours(name) for name in table.column_names]
    columns: dict[str, pa.Array] = {}
    lists: dict[str, pa.Array] = {}
    for ours, column in zip(names, table.columns, strict=True):
        if ours in wanted and names.count(ours) == 1:
            if ours in SPREAD and is_list(column.type):
                lists[ours] = column.combine_chunks()
                continue
            text = as_text(source, list(column.chunks), ours, wanted)
            if text is not None:
                columns[ours] = text
    columns = spread(source, columns, lists, wanted)
    return Table(
        NAME,
        tuple(names),
        columns or {"": pa.nulls(table.num_rows, CODED)},
        place=lambda row: None,
        reread=lambda: read(frame, wanted.everything),
        nested=nested_columns(table.schema, names),
    )
