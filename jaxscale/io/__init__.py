"""Files of attempts and ballots: one small reader per format, one registry, one function for each kind of data."""

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from jaxscale.data import Attempts, Ballots, DataWarning
from jaxscale.io import _attempts, _ballots
from jaxscale.io._registry import FORMATS, Paths, read_table
from jaxscale.io._summary import Data, DataSets, GroupSummary, ReadSummary, group_summaries
from jaxscale.io._table import Table, Wanted

__all__ = ["FORMATS", "DataSets", "GroupSummary", "ReadSummary", "read_attempts", "read_ballots", "read_either"]


def read_attempts(
    path: Paths,
    group: str | Sequence[str] = (),
    *,
    format: str | None = None,
    scorer: str | None = None,
) -> DataSets[Attempts]:
    r"""Read attempts from a CSV, JSONL or Parquet file or another tool's log, recognised by its content.

    The columns of a table are `problem, attempts, successes`, or `problem, passed` with one row a call (0/1,
    true/false); `tokens` and `prompt_tokens` hold what a call wrote and was given (their means, where attempts are
    counted). Other columns are ignored, unless `group` names them.

    Args:
        path: the file; or a directory, or several files, of one format, whose rows are put together (columns `file` and
            `folder` tell them apart).
        group: columns of which each combination of values becomes one data set.
        format: the name of a format in `FORMATS`, where its content is not to decide.
        scorer: of several verdicts on the same calls (scorers; lm-evaluation-harness: filters), the one to read; by
            default the first, with a `DataWarning`.

    Returns:
        a dictionary of one `Attempts` per group, keyed by the group's values joined with " / " (or "all"), in order of
        appearance; queries in order of appearance. Its `summary` is a `ReadSummary`.

    Raises:
        DataError: one line that names the file, the line and what was expected.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,attempts,successes\na,10,3\nb,10,0\n")
    >>> read_attempts(path)["all"].successes
    array([3, 0])
    """
    names = (group,) if isinstance(group, str) else tuple(group)
    table, found = read_table(path, Wanted(_attempts.COLUMNS.union(names), scorer), format)
    said = _say(table, _left_out(table))
    data, notes = _attempts.attempts_of(table, names, _title(path))
    return _summarised(data, table, found, "attempts", said + _say(table, notes))


def read_ballots(
    path: Paths,
    group: str | Sequence[str] = (),
    normalise: bool = False,
    *,
    format: str | None = None,
    scorer: str | None = None,
) -> DataSets[Ballots]:
    r"""Read ballots from a CSV, JSONL or Parquet file or another tool's log, recognised by its content.

    The columns of a table are `problem, answer, count, correct` [, `kept`: how many of them a filter kept], or, with
    one row a call, `problem, answer, correct` [, `kept`] [, `score`] [, `tokens`]; `prompt_tokens` with either. Answers
    are compared as they are written; an empty or null one is no answer: it is counted as blank and never wins. Where
    there is a column `gold` or `target`, it must be the same for all rows of a problem. Other columns are ignored,
    unless `group` names them.

    Args:
        path: the file; or a directory, or several files, of one format, whose rows are put together (columns `file` and
            `folder` tell them apart).
        group: columns of which each combination of values becomes one data set.
        normalise: whether answers that differ only in spaces at their ends, in case, in thousands separators, or as
            numbers or fractions of equal value are one answer, right if any of them is marked so. How many were merged
            is said in a `DataWarning`.
        format: the name of a format in `FORMATS`, where its content is not to decide.
        scorer: of several verdicts on the same calls (scorers; lm-evaluation-harness: filters), the one to read; by
            default the first, with a `DataWarning`.

    Returns:
        a dictionary of one `Ballots` per group, keyed by the group's values joined with " / " (or "all"), in order of
        appearance; queries and the answers of a query in order of appearance. Its `summary` is a `ReadSummary`.

    Raises:
        DataError: one line that names the file, the line and what was expected.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,answer,correct\na,7,1\na,8,0\na,7,1\n")
    >>> read_ballots(path)["all"].counts
    array([[2, 1]])
    """
    names = (group,) if isinstance(group, str) else tuple(group)
    table, found = read_table(path, Wanted(_ballots.COLUMNS.union(names), scorer), format)
    said = _say(table, _left_out(table))
    data, notes = _ballots.ballots_of(table, names, _title(path), normalise)
    return _summarised(data, table, found, "ballots", said + _say(table, notes))


def read_either(
    path: Paths,
    group: str | Sequence[str] = (),
    normalise: bool = False,
    *,
    format: str | None = None,
    scorer: str | None = None,
) -> DataSets[Attempts] | DataSets[Ballots]:
    r"""Read ballots where the files have answers with a verdict, attempts otherwise.

    Args:
        path: as for `read_ballots`.
        group: as for `read_ballots`.
        normalise: as for `read_ballots`; without effect on attempts.
        format: as for `read_ballots`.
        scorer: as for `read_ballots`.

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
    wanted = Wanted((_attempts.COLUMNS | _ballots.COLUMNS).union(names), scorer)
    table, found = read_table(path, wanted, format)
    said = _say(table, _left_out(table))
    columns = set(table.names)
    if "answer" in columns and ("correct" in columns or not columns & {"attempts", "successes", "passed"}):
        ballots, notes = _ballots.ballots_of(table, names, _title(path), normalise)
        return _summarised(ballots, table, found, "ballots", said + _say(table, notes))
    attempts, notes = _attempts.attempts_of(table, names, _title(path))
    return _summarised(attempts, table, found, "attempts", said + _say(table, notes))


def _left_out(table: Table) -> list[str]:
    return [*table.notes, *(f"dropped {count:,} {what}" for what, count in table.dropped)]


def _say(table: Table, notes: list[str]) -> list[str]:
    """Tell the caller of a public reader what was dropped or decided."""
    for note in notes:
        warnings.warn(f"{table.file}: {note}", DataWarning, stacklevel=3)
    return notes


def _summarised(data: dict[str, Data], table: Table, format: str, kind: str, notes: list[str]) -> DataSets[Data]:
    summary = ReadSummary(
        format=format,
        files=tuple(file for file, _ in table.files) or (table.file,),
        kind=kind,
        scorer=table.scorer,
        scorers=table.scorers,
        dropped=table.dropped,
        notes=tuple(notes),
        groups=group_summaries(data),
    )
    return DataSets(data, summary)


def _title(path: Paths) -> str:
    """What a data set is called that is not one of several groups."""
    paths = [path] if isinstance(path, str | os.PathLike) else path
    return Path(paths[0]).stem if len(paths) == 1 else f"{len(paths)} files"
