"""Lists in a row of a table: an item for each of several calls."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.io._source import Source

SPREAD = ("passed", "correct", "answer", "score", "tokens", "kept", "error")
"""Columns in which a row may have a list, with an item for each call."""


def is_list(type: pa.DataType) -> bool:
    """Whether the values of a column are lists."""
    return pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type)


def nested_columns(schema: pa.Schema, names: Sequence[str]) -> dict[str, bool]:
    """Which columns of a schema hold objects or lists, by these names, and whether they are lists of single values."""
    types = dict(zip(names, schema.types, strict=True))
    return {
        name: is_list(type) and not pa.types.is_nested(type.value_type)
        for name, type in types.items()
        if pa.types.is_nested(type)
    }


def uneven(sizes: Mapping[str, int]) -> str:
    """What is said of a row whose lists have different lengths."""
    found = ", ".join(f"{name} {size}" for name, size in sizes.items())
    return f"lists of different lengths ({found}): expected an item for each call"


def calls_of(source: Source, lists: Mapping[str, pa.Array], most: int) -> tuple[np.ndarray, dict[str, pa.Array]]:
    """The rows of a table as calls.

    Args:
        source: the file, for error messages.
        lists: the columns that hold lists, as long as each other. A row that has none in a column has no value of it.
        most: calls, at most.

    Returns:
        the row that each call is of, and the items of each column, one a call.

    Raises:
        DataError: lists of a row have different lengths, or there are too many calls.
    """
    own = {name: pc.list_value_length(column) for name, column in lists.items()}
    none = {name: pc.is_null(sizes).to_numpy(zero_copy_only=False) for name, sizes in own.items()}
    sizes = {name: pc.fill_null(each, 0).to_numpy(zero_copy_only=False).astype(np.int64) for name, each in own.items()}
    longest = np.max(list(sizes.values()), axis=0)
    for name in lists:
        wrong = ~none[name] & (sizes[name] != longest)
        if wrong.any():
            bad = int(wrong.argmax())
            raise source.error(f"row {bad + 1}: {uneven({name: int(sizes[name][bad]) for name in lists})}")
    calls = np.where(np.all(list(none.values()), axis=0), 1, longest)
    if calls.sum() > most:
        raise source.error(f"has {calls.sum():,} calls in lists: expected at most {most:,}")
    row = np.repeat(np.arange(len(calls)), calls)
    place = np.arange(len(row)) - np.repeat(np.cumsum(calls) - calls, calls)
    items = {}
    for name, column in lists.items():
        begin = np.cumsum(sizes[name]) - sizes[name]
        items[name] = pc.list_flatten(column).take(pa.array(begin[row] + place, mask=none[name][row]))
    return row, items
