"""Tables as Parquet files."""

import functools
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.data import DataError
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, repeated

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_MAGIC = b"PAR1"
# Equal values take next to no room in the file: what they become is counted before it is there.
_MOST_ROWS = 2**25
_MOST_BYTES = 2**30
# Bytes of a column in a group of rows: they may be one page, which is unpacked at once.
_MOST_PACKED = 3 * 2**26
_BATCH = 2**20
# Bytes of what is held before it becomes text.
_MOST_HELD = 3 * 2**27


def recognises(source: Source) -> bool:
    """Whether this is meant to be Parquet: it has the magic number, or is named so."""
    return source.head.startswith(_MAGIC) or source.path.suffix.lower() == ".parquet"


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted columns of a Parquet file (of all, those that hold single values) as text."""
    import pyarrow.parquet

    columns = {}
    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            recorded = file.schema_arrow.names
            names = [wanted.ours(name) for name in recorded]
            rows = file.metadata.num_rows
            if rows > _MOST_ROWS:
                raise _too_large(source, rows)
            many = repeated(names)
            taken = {
                ours: name for ours, name in zip(names, recorded, strict=True) if ours in wanted and ours not in many
            }
            room = _MOST_BYTES
            for ours, name in taken.items():
                type = file.schema_arrow.field(name).type
                if pa.types.is_nested(type) or pa.types.is_fixed_size_binary(type):
                    if wanted.columns is not None:
                        raise source.error(f"column {name!r} is of type {type}: expected text, numbers or bool")
                    continue
                batches, size = _batches(source, file, name, room)
                room -= size
                text = as_text(source, batches, name, wanted)
                if text is not None:
                    columns[ours] = text
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        raise source.error(f"not a Parquet file ({reason}): expected one") from None
    if not rows:
        raise source.error("has no rows: expected a row per problem, answer or call")
    if any(len(text) != rows for text in columns.values()):
        raise source.error(f"not a Parquet file (columns have other lengths than {rows:,} rows): expected one")
    return Table(
        source.name,
        tuple(names),
        columns or {"": pa.nulls(rows, pa.large_string())},
        place=lambda row: None,
        reread=functools.partial(read, source, wanted.everything),
    )


def _batches(source: Source, file: "ParquetFile", name: str, room: int) -> tuple[list[pa.Array], int]:
    """A column as it is read, distinct values of text once; and the bytes that it will take as text, at most `room`."""
    import pyarrow.parquet

    groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    # The columns of the file itself are the leaves of those of the table.
    index = [leaf.path for leaf in file.schema].index(name) if groups else 0
    chunks = [group.column(index) for group in groups]
    packed = max((chunk.total_uncompressed_size for chunk in chunks), default=0)
    if packed > _MOST_PACKED:
        raise source.error(
            f"column {name!r} has {packed:,} bytes in a group of rows: expected at most {_MOST_PACKED:,}, "
            "as in smaller groups of rows"
        )
    encodings = {encoding for chunk in chunks for encoding in chunk.encodings}
    type = file.schema_arrow.field(name).type
    text = pa.types.is_string(type) or pa.types.is_large_string(type) or pa.types.is_string_view(type)
    binary = pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_binary_view(type)
    size = _BATCH
    if "DELTA_BYTE_ARRAY" in encodings:
        # Each value may hold all that is in the column, once more.
        size = max(1, min(_BATCH, 2**26 // max(packed, 1)))
    once = [name] if (text or binary) and not any(encoding.startswith("DELTA") for encoding in encodings) else []
    batches = []
    held = taken = rows = 0
    with pyarrow.parquet.ParquetFile(source.path, metadata=file.metadata, read_dictionary=once) as again:
        for batch in again.iter_batches(size, columns=[name]):
            array = batch.column(0)
            try:
                array.validate(full=True)
            except (pa.ArrowException, ValueError):
                raise source.error(
                    f"column {name!r} is damaged or not UTF-8 text: expected a sound Parquet file"
                ) from None
            rows += len(array)
            held += array.nbytes
            taken += _size(array)
            if rows > _MOST_ROWS or held > _MOST_HELD or taken > room:
                raise _too_large(source, file.metadata.num_rows)
            batches.append(array)
    return batches, taken


def _size(array: pa.Array) -> int:
    """The bytes of an array as text, with 8 for the place of each value."""
    if pa.types.is_dictionary(array.type):
        dictionary = array.dictionary
        if not (pa.types.is_string(dictionary.type) or pa.types.is_large_string(dictionary.type)):
            dictionary = dictionary.cast(pa.large_string())
        lengths = pc.take(pc.binary_length(dictionary), array.indices)
    elif pa.types.is_string(array.type) or pa.types.is_binary(array.type) or pa.types.is_large_string(array.type):
        lengths = pc.binary_length(array)
    else:
        digits = (
            array.type.bit_width // 3 + 3 if pa.types.is_integer(array.type) else 5 if array.type == pa.bool_() else 24
        )
        return (8 + digits) * len(array)
    return 8 * len(array) + (pc.sum(lengths.cast(pa.int64())).as_py() or 0)


def as_text(source: Source, batches: list[pa.Array], name: str, wanted: Wanted) -> pa.Array | None:
    """Chunks of a column, which are used up, as text; None where it holds no single values and is not asked for."""
    texts = []
    while batches:
        array = batches.pop(0)
        if pa.types.is_floating(array.type):
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
        try:
            texts.append(pc.cast(array, pa.large_string()))
        except (pa.ArrowException, ValueError):
            if wanted.columns is None:
                return None
            raise source.error(f"column {name!r} is of type {array.type}: expected text, numbers or bool") from None
    return pa.concat_arrays(texts) if texts else pa.array([], pa.large_string())


def _too_large(source: Source, rows: int) -> DataError:
    return source.error(
        f"has {rows:,} rows: expected at most {_MOST_ROWS:,}, with {_MOST_BYTES:,} bytes as text; "
        "count the calls of a problem instead"
    )
