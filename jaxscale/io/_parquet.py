"""Tables as Parquet files."""

import functools

import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.data import DataError
from jaxscale.io._source import Source
from jaxscale.io._table import EVERYTHING, Table, Wanted

_MAGIC = b"PAR1"
# Pages of equal values take next to no room in the file, and what they hold is read into memory.
_MOST_ROWS = 2**25
_MOST_BYTES = 2**32


def recognises(source: Source) -> bool:
    """Whether this is meant to be Parquet: it has the magic number, or is named so."""
    return source.head.startswith(_MAGIC) or source.path.suffix.lower() == ".parquet"


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted columns of a Parquet file (of all, those that hold single values) as text."""
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            names = file.schema_arrow.names
            rows = file.metadata.num_rows
            size = sum(file.metadata.row_group(group).total_byte_size for group in range(file.num_row_groups))
            if rows > _MOST_ROWS or size > _MOST_BYTES:
                raise source.error(
                    f"has {rows:,} rows and {size:,} bytes: expected at most {_MOST_ROWS:,} rows and {_MOST_BYTES:,} "
                    "bytes; count the calls of a problem instead"
                )
            taken = [name for name in dict.fromkeys(names) if name in wanted]
            table = file.read(columns=[name for name in taken if names.count(name) == 1])
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        raise source.error(f"not a Parquet file ({reason}): expected one") from None
    if not rows:
        raise source.error("has no rows: expected a row per problem, answer or call")
    columns = {name: text for name in table.column_names if (text := _text(source, table, name, wanted)) is not None}
    return Table(
        source.name,
        tuple(names),
        columns or {"": pa.nulls(rows, pa.large_string())},
        place=lambda row: None,
        reread=functools.partial(read, source, EVERYTHING),
    )


def _text(source: Source, table: pa.Table, name: str, wanted: Wanted) -> pa.Array | None:
    column = table.column(name).combine_chunks()
    try:
        column.validate(full=True)
    except (pa.ArrowException, ValueError):
        raise source.error(f"column {name!r} is damaged or not UTF-8 text: expected a sound Parquet file") from None
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    try:
        return pc.cast(column, pa.large_string())
    except (pa.ArrowException, ValueError):
        if wanted.columns is None:
            return None
        raise source.error(f"column {name!r} is of type {column.type}: expected text, numbers or bool") from None
