"""Data frames as tables: whatever hands its columns on as an Arrow stream (pandas, polars, pyarrow, DuckDB, ibis)."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from jaxscale.io._parquet import as_text
from jaxscale.io._source import Source
from jaxscale.io._table import CODED, Table, Wanted

NAME = "data frame"
"""What a frame is called in messages, where a file would have a name."""


def is_frame(value: Any) -> bool:
    """Whether an object is a data frame, or a relation, that can be read."""
    return hasattr(type(value), "__arrow_c_stream__")


def read(frame: Any, wanted: Wanted) -> Table:
    """Read the wanted columns of a data frame (of all, those that hold single values) as text."""
    source = Source(Path(NAME), b"")
    try:
        table = pa.table(frame)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise source.error(f"cannot be read ({(str(error).splitlines() or [''])[0][:120]})") from None
    if not table.num_rows:
        raise source.error("has no rows: expected a row per problem, answer or call")
    names = [wanted.ours(name) for name in table.column_names]
    columns = {}
    for ours, column in zip(names, table.columns, strict=True):
        if ours in wanted and names.count(ours) == 1:
            text = as_text(source, list(column.chunks), ours, wanted)
            if text is not None:
                columns[ours] = text
    return Table(
        NAME,
        tuple(names),
        columns or {"": pa.nulls(table.num_rows, CODED)},
        place=lambda row: None,
        reread=lambda: read(frame, wanted.everything),
    )
