"""Files of attempts and ballots: one small reader per format, one registry, one function for each kind of data."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from jaxscale.data import Attempts, Ballots, DataWarning
from jaxscale.io import _attempts, _ballots
from jaxscale.io._registry import FORMATS, Paths, read_table
from jaxscale.io._table import Table

__all__ = ["FORMATS", "read_attempts", "read_ballots", "read_either"]


def read_attempts(path: Paths, group: str | Sequence[str] = (), *, format: str | None = None) -> dict[str, Attempts]:
    r"""Read attempts from a CSV, JSONL or Parquet file or another tool's log, recognised by its content.

    The columns of a table are `problem, attempts, successes`, or `problem, passed` with one row a call (0/1,
    true/false). Other columns are ignored, unless `group` names them.

    Args:
        path: the file; or a directory, or several files, of one format, whose rows are put together (columns `file` and
            `folder` tell them apart).
        group: columns of which each combination of values becomes one data set.
        format: the name of a format in `FORMATS`, where its content is not to decide.

    Returns:
        one `Attempts` per group, keyed by the group's values joined with " / " (or "all"), in order of appearance;
        queries in order of appearance.

    Raises:
        DataError: one line that names the file, the line and what was expected.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,attempts,successes\na,10,3\nb,10,0\n")
    >>> read_attempts(path)["all"].successes
    array([3, 0])
    """
    names = (group,) if isinstance(group, str) else tuple(group)
    table = read_table(path, _attempts.COLUMNS.union(names), format)
    _say(table)
    return _attempts.attempts_of(table, names, _title(path))


def read_ballots(
    path: Paths,
    group: str | Sequence[str] = (),
    normalise: bool = False,
    *,
    format: str | None = None,
) -> dict[str, Ballots]:
    r"""Read ballots from a CSV, JSONL or Parquet file or another tool's log, recognised by its content.

    The columns of a table are `problem, answer, count, correct` [, `kept`: how many of them a filter kept], or, with
    one row a call, `problem, answer, correct` [, `kept`] [, `score`] [, `tokens`]. Answers are compared as they are
    written; an empty or null one is no answer: it is counted as blank and never wins. Where there is a column `gold` or
    `target`, it must be the same for all rows of a problem. Other columns are ignored, unless `group` names them.

    Args:
        path: the file; or a directory, or several files, of one format, whose rows are put together (columns `file` and
            `folder` tell them apart).
        group: columns of which each combination of values becomes one data set.
        normalise: whether answers that differ only in spaces at their ends, in case, in thousands separators, or as
            numbers or fractions of equal value are one answer, right if any of them is marked so. How many were merged
            is said in a `DataWarning`.
        format: the name of a format in `FORMATS`, where its content is not to decide.

    Returns:
        one `Ballots` per group, keyed by the group's values joined with " / " (or "all"), in order of appearance;
        queries and the answers of a query in order of appearance.

    Raises:
        DataError: one line that names the file, the line and what was expected.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,answer,correct\na,7,1\na,8,0\na,7,1\n")
    >>> read_ballots(path)["all"].counts
    array([[2, 1]])
    """
    names = (group,) if isinstance(group, str) else tuple(group)
    table = read_table(path, _ballots.COLUMNS.union(names), format)
    _say(table)
    return _ballots.ballots_of(table, names, _title(path), normalise)


def read_either(
    path: Paths,
    group: str | Sequence[str] = (),
    normalise: bool = False,
    *,
    format: str | None = None,
) -> dict[str, Attempts] | dict[str, Ballots]:
    r"""Read ballots where the files have answers with a verdict, attempts otherwise.

    Args:
        path: as for `read_ballots`.
        group: as for `read_ballots`.
        normalise: as for `read_ballots`; without effect on attempts.
        format: as for `read_ballots`.

    Returns:
        what `read_ballots` or `read_attempts` returns.

    Raises:
        DataError: one line that names the file, the line and what was expected.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,answer,correct\na,7,1\na,8,0\na,7,1\n")
    >>> type(read_either(path)["all"]).__name__
    'Ballots'
    """
    names = (group,) if isinstance(group, str) else tuple(group)
    table = read_table(path, (_attempts.COLUMNS | _ballots.COLUMNS).union(names), format)
    _say(table)
    found = set(table.names)
    if "answer" in found and ("correct" in found or not found & {"attempts", "successes", "passed"}):
        return _ballots.ballots_of(table, names, _title(path), normalise)
    return _attempts.attempts_of(table, names, _title(path))


def _say(table: Table) -> None:
    """Tell the caller of a public reader what the format's reader dropped or decided."""
    for note in table.notes:
        warnings.warn(f"{table.file}: {note}", DataWarning, stacklevel=3)


def _title(path: Paths) -> str:
    """What a data set is called that is not one of several groups."""
    paths = [path] if isinstance(path, str | os.PathLike) else path
    return Path(paths[0]).stem if len(paths) == 1 else f"{len(paths)} files"
