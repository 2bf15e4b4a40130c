"""What a last row that is cut off takes with it, as an aborted run leaves it: once, for every table of text."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale.io._source import Source
from jaxscale.io._table import Wanted, shown

NEEDED = ("passed", "correct", "count", "kept", "score", "attempts", "successes")
"""Columns that have a value in every row: a last cell of theirs that is empty is cut off."""


def is_counted(names: Sequence[str]) -> bool:
    """Whether a row of a table with these columns is several calls."""
    return bool({"count", "attempts"} & set(names))


def note_cut(source: Source, line: int) -> None:
    """Say that the last line is left out."""
    source.note(f"left out line {line:,}, the last, which is cut off: the run that wrote it was aborted")


def rows_cut_short(
    source: Source, columns: Mapping[str, pa.DictionaryArray], wanted: Wanted, cut: Mapping[str, str], begun: str = ""
) -> tuple[int, ...]:
    """The rows of the problem that a row which is cut off belongs to, where rows are answers with their counts.

    Without them the problem would be judged by the other answers. A note says that they are left out.

    Args:
        source: the file.
        columns: those of the table, without the row.
        wanted: its groups tell apart the problems of several.
        cut: the cells of the row that are whole. Where its problem is not among them, it is that of the row before.
        begun: what there is of its problem then.
    """
    if "count" not in columns or "problem" not in columns:
        return ()
    keys = [name for name in ("problem", *wanted.group) if name in columns]
    if "problem" not in cut:
        cut = {name: columns[name][-1].as_py() or "" for name in keys}
        if not cut["problem"].startswith(begun):
            return ()
    rows = np.ones(len(columns["problem"]), bool)
    for name in keys:
        if name in cut:
            code = pc.index(columns[name].dictionary, pa.scalar(cut[name], pa.large_string())).as_py()
            rows &= (pc.fill_null(columns[name].indices, -1).to_numpy() == code) & (code >= 0)
    if rows.any():
        source.note(
            f"left out problem {shown(cut['problem'])}: its votes are not all there, as the last line is cut off"
        )
    return tuple(np.flatnonzero(rows).tolist())
