"""Tables as Parquet files."""

import functools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.data import DataError
from jaxscale.io._lists import SPREAD, calls_of, is_list, nested_columns
from jaxscale.io._source import Source
from jaxscale.io._table import CODED, Table, Wanted, coded_text, repeated

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_MAGIC = b"PAR1"
# Equal values take next to no room in the file: what they become is counted before it is there.
_MOST_ROWS = 2**25
# Bytes of all columns as codes and distinct values.
_MOST_HELD = 3 * 2**28
# Bytes of a column that is unpacked value by value, as text.
_MOST_BYTES = 2**30
# Bytes of a column in a group of rows: they may be one page, which is unpacked at once.
_MOST_PACKED = 3 * 2**26
_BATCH = 2**20


def recognises(source: Source) -> bool:
    """Whether this is meant to be Parquet: it has the magic number, or is named so."""
    return source.head.startswith(_MAGIC) or source.path.suffix.lower() == ".parquet"


def read(source: Source, wanted: Wanted) -> Table:
    """Read the wanted columns of a Parquet file as text: single values, or lists with an item for each call."""
    import pyarrow.parquet

    columns: dict[str, pa.Array] = {}
    lists: dict[str, pa.Array] = {}
    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            recorded = file.schema_arrow.names
            names = [wanted.ours(name) for name in recorded]
            rows = file.metadata.num_rows
            if rows > _MOST_ROWS:
                raise _too_large(source, rows)
            nested = nested_columns(file.schema_arrow, names)
            many = repeated(names)
            taken = {
                ours: name for ours, name in zip(names, recorded, strict=True) if ours in wanted and ours not in many
            }
            room = _MOST_HELD
            for ours, name in taken.items():
                type = file.schema_arrow.field(name).type
                if ours in SPREAD and is_list(type):
                    lists[ours] = _lists(source, file, name)
                    continue
                if pa.types.is_nested(type) or pa.types.is_fixed_size_binary(type):
                    if wanted.columns is not None:
                        raise source.error(f"column {name!r} is of type {type}: expected text, numbers or bool")
                    continue
                text = as_text(source, _batches(source, file, name), name, wanted, room)
                if text is not None:
                    room -= text.nbytes
                    columns[ours] = text
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        raise source.error(f"not a Parquet file ({reason}): expected one") from None
    if not rows:
        raise source.error("has no rows: expected a row per problem, answer or call")
    if any(len(text) != rows for text in (*columns.values(), *lists.values())):
        raise source.error(f"not a Parquet file (columns have other lengths than {rows:,} rows): expected one")
    return Table(
        source.name,
        tuple(names),
        spread(source, columns, lists, wanted) or {"": pa.nulls(rows, CODED)},
        place=lambda row: None,
        reread=functools.partial(read, source, wanted.everything),
        nested=nested,
    )


def spread(
    source: Source, columns: dict[str, pa.Array], lists: dict[str, pa.Array], wanted: Wanted
) -> dict[str, pa.Array]:
    """Columns of text with a row for each item of those that hold lists."""
    if not lists:
        return columns
    row, items = calls_of(source, lists, _MOST_ROWS)
    if not len(row):
        raise source.error("has no calls, as its lists are empty: expected an item for each call")
    whole = {name: column.take(pa.array(row)) for name, column in columns.items()}
    for name, values in items.items():
        text = as_text(source, [values], name, wanted)
        if text is not None:
            whole[name] = text
    return whole


def _lists(source: Source, file: "ParquetFile", name: str) -> pa.Array:
    """A column of lists."""
    groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
    leaves = [index for index, leaf in enumerate(file.schema) if leaf.path.split(".")[0] == name]
    chunks = [group.column(index) for group in groups for index in leaves]
    if sum(chunk.num_values for chunk in chunks) > _MOST_ROWS or any(
        chunk.total_uncompressed_size > _MOST_PACKED for chunk in chunks
    ):
        raise _too_large(source, file.metadata.num_rows)
    batches: list[pa.Array] = []
    room = _MOST_BYTES
    for batch in file.iter_batches(2**14, columns=[name]):
        array = batch.column(0)
        array.validate(full=True)
        batches.append(array)
        room -= array.nbytes
        if room < 0:
            raise _too_large(source, file.metadata.num_rows)
    return pa.concat_arrays(batches) if batches else pa.array([], file.schema_arrow.field(name).type)


def _batches(source: Source, file: "ParquetFile", name: str) -> Iterator[pa.Array]:
    """A column as it is read, distinct values of text once where the file has them so."""
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
    unpacked = rows = 0
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
            if not once:
                unpacked += array.nbytes
            if rows > _MOST_ROWS or unpacked > _MOST_BYTES:
                raise _too_large(source, file.metadata.num_rows)
            yield array


def as_text(
    source: Source, batches: Iterable[pa.Array], name: str, wanted: Wanted, room: int | None = None
) -> pa.DictionaryArray | None:
    """Chunks of a column as a column of text, of at most `room` bytes.

    None where it holds no single values and is not asked for.
    """
    texts = []
    held = 0
    for array in batches:
        try:
            text = _coded(array)
        except (pa.ArrowException, ValueError):
            if wanted.columns is None:
                return None
            raise source.error(f"column {name!r} is of type {array.type}: expected text, numbers or bool") from None
        held += text.nbytes
        if room is not None and held > room:
            raise source.error(
                f"column {name!r} takes more room than is left: expected at most {_MOST_HELD:,} bytes of codes and "
                "distinct values in all columns; count the calls of a problem instead"
            )
        texts.append(text)
    return coded_text(pa.chunked_array(texts, CODED))


def _coded(array: pa.Array) -> pa.DictionaryArray:
    """Values of any kind as text: of those that repeat each is written once."""
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    values = array.dictionary.cast(pa.large_string())
    once = coded_text(values)
    indices = array.indices if len(once.dictionary) == len(values) else once.indices.take(array.indices)
    return pa.DictionaryArray.from_arrays(indices.cast(pa.int32()), once.dictionary)


def _too_large(source: Source, rows: int) -> DataError:
    return source.error(
        f"has {rows:,} rows: expected at most {_MOST_ROWS:,}, with {_MOST_BYTES:,} bytes in a column; "
        "count the calls of a problem instead"
    )
