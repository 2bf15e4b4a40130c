"""Files of attempts and ballots: one small reader per format, one registry, one function for each kind of data."""

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jaxscale._checks import ArgumentError
from jaxscale._words import number_of
from jaxscale.data import Attempts, Ballots, DataError, DataWarning, require
from jaxscale.io import _attempts, _ballots, _tables, _write
from jaxscale.io._asked import asked
from jaxscale.io._equivalence import checked_equivalence
from jaxscale.io._frames import NAME, is_frame
from jaxscale.io._groups import ALL
from jaxscale.io._identity import IDENTITY, further, several
from jaxscale.io._places import STANDARD_INPUT
from jaxscale.io._registry import FORMATS, Paths, read_table
from jaxscale.io._summary import Data, DataSets, GroupSummary, ReadSummary, group_summaries
from jaxscale.io._table import Table, Wanted
from jaxscale.io._verdicts import of_calls

__all__ = [
    "FORMATS",
    "DataSets",
    "GroupSummary",
    "ReadSummary",
    "convert",
    "read_attempts",
    "read_ballots",
    "read_either",
    "write_attempts",
    "write_ballots",
]


def read_attempts(
    path: Paths,
    group: str | Sequence[str] = (),
    *,
    format: str | None = None,
    scorer: str | None = None,
    right: str | None = None,
    grade: str | None = None,
    columns: Mapping[str, str] | str | None = None,
    errors: str | None = None,
) -> DataSets[Attempts]:
    r"""Read attempts from a CSV, JSON or Parquet file or another tool's log, recognised by its content.

    The columns of a table are `problem, attempts, successes`, or `problem, passed` with one row a call (0/1,
    true/false), or with a list of them for each problem in JSON; `tokens` and `prompt_tokens` hold what a call wrote
    and was given (their means, where attempts are counted). Columns `model`, `task`, `step`, `run`, `epoch` and `uuid`
    say whose a call is: several models, tasks or training steps are refused unless `group` names the column; runs,
    epochs and files are further calls of the same data; a uuid counts once. Other columns are ignored, unless `group`
    names them. A row without a verdict is left out, which is said.

    Args:
        path: the file; or a directory, or several files, of one format, whose rows are put together (columns `file` and
            `folder` tell them apart). Files may be compressed (gzip, bzip2, xz, zstd). A name may be a pattern
            ("runs/**/*.jsonl"), a URI ("https://...", "s3://...", "gs://...", "hf://..."; all but https by the package
            fsspec), or "-" for standard input. Or a data frame, of pandas, polars, pyarrow, DuckDB or whatever else
            hands on an Arrow stream.
        group: columns of which each combination of values becomes one data set; of a log any field of its records.
        format: the name of a format in `FORMATS`, where its content is not to decide.
        scorer: of several verdicts on the same calls (scorers; lm-evaluation-harness: filters), the one to read; by
            default the first, with a `DataWarning`.
        right: which verdicts are right, where they are neither 0 nor 1, true nor false, nor what the tool has a rule
            for: a comparison such as ">= 0.5", or values such as "C,P".
        grade: "text" or "math" to compare answers with the right one (`target`, `gold`) where a call has no verdict.
        columns: for a table with names of its own, which of its columns is which, as in
            `{"problem": "task_id", "passed": "is_correct"}` or "problem=task_id,passed=is_correct"; in JSON names with
            dots are paths.
        errors: "wrong" or "drop" for calls that ended in an error (a column `error` or `errored`, or the tool's own) or
            have no verdict; by default what the tool does, which is to leave out those without a verdict, mostly.

    Returns:
        a dictionary of one `Attempts` per group, keyed by the group's values joined with " / " (or "all"), in order of
        appearance; queries in order of appearance. Its `summary` is a `ReadSummary`.

    Raises:
        DataError: one line that names the file, the line and what was expected.
        ValueError: naming the argument that cannot be used.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,attempts,successes\na,10,3\nb,10,0\n")
    >>> read_attempts(path)["all"].successes
    array([3, 0])
    """
    wanted = replace(asked(_attempts.COLUMNS, group, scorer, right, grade, columns, errors), calls_alone=True)
    table, found = read_table(path, wanted, format)
    said = _say(table, _left_out(table))
    data, notes = _attempts.attempts_of(table, wanted.group, _title(path))
    return _summarised(data, table, found, wanted, "attempts", said + _say(table, notes))


def read_ballots(
    path: Paths,
    group: str | Sequence[str] = (),
    *,
    equivalence: str = "none",
    format: str | None = None,
    scorer: str | None = None,
    right: str | None = None,
    grade: str | None = None,
    columns: Mapping[str, str] | str | None = None,
    errors: str | None = None,
) -> DataSets[Ballots]:
    r"""Read ballots from a CSV, JSON or Parquet file or another tool's log, recognised by its content.

    The columns of a table are `problem, answer, count, correct` [, `kept`: how many of them a filter kept], or, with
    one row a call, `problem, answer, correct` [, `kept`] [, `score`] [, `tokens`]; `prompt_tokens` with either. Answers
    are compared as they are written; an empty or null one is no answer: it is counted as blank and never wins. Where
    there is a column `gold` or `target`, it must be the same for all rows of a problem. Other columns are as for
    `read_attempts`.

    Args:
        path: as for `read_attempts`.
        group: as for `read_attempts`.
        equivalence: which answers are one, right if any of them is marked so. "none": those that are written alike.
            "text": those that differ only in spaces, in case, in how Unicode writes the same character, digit or minus
            sign, in thousands separators, in the brackets of a choice, or as numbers or fractions of equal value.
            "math": those that are equal as formulas, too (LaTeX; by the package math-verify). How many were merged, if
            any, is said in a `DataWarning`.
        format: as for `read_attempts`.
        scorer: as for `read_attempts`.
        right: as for `read_attempts`.
        grade: as for `read_attempts`.
        columns: as for `read_attempts`.
        errors: as for `read_attempts`.

    Returns:
        a dictionary of one `Ballots` per group, keyed by the group's values joined with " / " (or "all"), in order of
        appearance; queries and the answers of a query in order of appearance. Its `summary` is a `ReadSummary`.

    Raises:
        DataError: one line that names the file, the line and what was expected.
        ValueError: naming the argument that cannot be used.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,answer,correct\na,7,1\na,8,0\na,7,1\n")
    >>> read_ballots(path)["all"].counts
    array([[2, 1]])
    """
    checked_equivalence(equivalence, "equivalence")
    wanted = asked(_ballots.COLUMNS, group, scorer, right, grade, columns, errors)
    table, found = read_table(path, wanted, format)
    said = _say(table, _left_out(table))
    data, notes = _ballots.ballots_of(table, wanted.group, _title(path), equivalence)
    return _summarised(data, table, found, wanted, "ballots", said + _say(table, notes))


def read_either(
    path: Paths,
    group: str | Sequence[str] = (),
    *,
    equivalence: str = "none",
    format: str | None = None,
    scorer: str | None = None,
    right: str | None = None,
    grade: str | None = None,
    columns: Mapping[str, str] | str | None = None,
    errors: str | None = None,
) -> DataSets[Attempts] | DataSets[Ballots]:
    r"""Read ballots where the files have answers with a verdict, attempts otherwise.

    Args:
        path: as for `read_attempts`.
        group: as for `read_attempts`.
        equivalence: as for `read_ballots`; without effect on attempts.
        format: as for `read_attempts`.
        scorer: as for `read_attempts`.
        right: as for `read_attempts`.
        grade: as for `read_attempts`.
        columns: as for `read_attempts`.
        errors: as for `read_attempts`.

    Returns:
        what `read_ballots` or `read_attempts` returns.

    Raises:
        DataError: one line that names the file, the line and what was expected.
        ValueError: naming the argument that cannot be used.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,answer,correct\na,7,1\na,8,0\na,7,1\n")
    >>> type(read_either(path)["all"]).__name__
    'Ballots'
    """
    checked_equivalence(equivalence, "equivalence")
    wanted = asked(_attempts.COLUMNS | _ballots.COLUMNS, group, scorer, right, grade, columns, errors)
    table, found = read_table(path, wanted, format)
    said = _say(table, _left_out(table))
    names = set(table.names)
    if "answer" in names and ("correct" in names or not names & {"attempts", "successes", "passed"}):
        try:
            ballots, notes = _ballots.ballots_of(table, wanted.group, _title(path), equivalence)
        except DataError as error:
            if "count" in names or not {"passed", "correct"} & table.columns.keys():
                raise
            said += _say(table, [f"read as attempts, as the votes cannot be read: {error.message}"])
        else:
            return _summarised(ballots, table, found, wanted, "ballots", said + _say(table, notes))
    attempts, notes = _attempts.attempts_of(of_calls(table, graded=True), wanted.group, _title(path))
    return _summarised(attempts, table, found, wanted, "attempts", said + _say(table, notes))


def convert(
    path: Paths,
    output: str | os.PathLike[str],
    group: str | Sequence[str] = (),
    *,
    format: str | None = None,
    source: str | None = None,
    scorer: str | None = None,
    right: str | None = None,
    grade: str | None = None,
    columns: Mapping[str, str] | str | None = None,
    errors: str | None = None,
) -> ReadSummary:
    r"""Write what `read_attempts` and `read_ballots` read as one tidy table, or as the samples of every_eval_ever.

    Parquet and CSV keep every column that has single values; those that jaxscale knows become numbers and truths, the
    others stay text. every_eval_ever (schema 0.3.0) has a record for each call: the problem, the answer, the verdict,
    tokens as whole numbers of the same mean, a column `model` as the model, `gold` or `target` as the reference, and
    any other column as metadata, which the reader of that format leaves aside. Its schema wants the tokens of prompt
    and output or neither; what is known is written.

    Args:
        path: what to read, as for `read_attempts`.
        output: the file to write. It is whole or is not there; one of that name is replaced.
        group: columns of which each combination of values is a data set: a problem may come once in each. They are
            written like any other column. A file of every_eval_ever holds one data set.
        format: "parquet", "csv" or "every-eval-ever"; by default as the name ends (.parquet, .csv, .jsonl). One that
            the name contradicts is written, with a `DataWarning`.
        source: the format of the files to read, as `format` of `read_attempts`.
        scorer: as for `read_attempts`.
        right: as for `read_attempts`.
        grade: as for `read_attempts`.
        columns: as for `read_attempts`.
        errors: as for `read_attempts`.

    Returns:
        what was read.

    Raises:
        DataError: one line that names the file, the line and what was expected; nothing is written then.
        ValueError: naming the argument that cannot be used.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.csv"; _ = path.write_text("problem,answer,correct\na,7,1\na,8,0\na,7,1\n")
    >>> _ = convert(path, path.with_suffix(".jsonl"))
    >>> read_ballots(path.with_suffix(".jsonl"))["all"].counts
    array([[2, 1]])
    """
    target = _write.written_format(output, format)
    known = [each.name for each in FORMATS]
    if source is not None and source not in known:
        raise ArgumentError("source", source, f"one of {', '.join(known)}")
    wanted = asked(_attempts.COLUMNS | _ballots.COLUMNS, group, scorer, right, grade, columns, errors)
    table, found = read_table(path, replace(wanted, apart=False), source)
    _say(table, _left_out(table))
    table = table if "answer" in table.names else of_calls(table)
    wanted = replace(
        wanted, group=tuple(dict.fromkeys((*wanted.group, *several(table))))
    )  # kept apart by their columns
    summary, notes = _checked(table, wanted, _title(path), target, found)
    table, left = _write.whole(table)
    _say(table, notes + left)
    _write.write(table, output, target, _title(path))
    return replace(summary, notes=(*summary.notes, *left))


def write_attempts(
    attempts: Attempts | Mapping[str, Attempts],
    output: str | os.PathLike[str],
    *,
    group: str = "group",
    format: str | None = None,
) -> None:
    r"""Write attempts as a table with the columns `problem, attempts, successes` [, `tokens`] [, `prompt_tokens`].

    Args:
        attempts: a data set, or several by name, as `read_attempts` returns them. A query without a label is called by
            its place, from 0.
        output: the file to write. It is whole or is not there; one of that name is replaced.
        group: the column of the names, where there are several data sets.
        format: "parquet", "csv" or "every-eval-ever" (a record for each call); by default as the name ends
            (.parquet, .csv, .jsonl).

    Raises:
        ValueError: naming the argument, or the row, that cannot be written; nothing is written then.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "runs.parquet"; write_attempts(Attempts([10, 10], [3, 0], query=("a", "b")), path)
    >>> read_attempts(path)["all"].successes
    array([3, 0])
    """
    target = _write.written_format(output, format)
    table = _tables.of_attempts(_several(attempts, Attempts, "attempts", group), group, str(output))
    _write_data(table, output, group, target)


def write_ballots(
    ballots: Ballots | Mapping[str, Ballots],
    output: str | os.PathLike[str],
    *,
    group: str = "group",
    format: str | None = None,
) -> None:
    r"""Write ballots as a table with the columns `problem, answer, count, correct` [, `kept`] [, `prompt_tokens`].

    Where scores or tokens of calls were recorded it has one row a call, with `score` and `tokens` instead of `count`.
    `Ballots` know no answers by name: they are called "answer 1", "answer 2" by their place at each problem, and wrong
    ones that nobody gave are left out. `greedy_correct` has no column. `convert` keeps the answers of a file.

    Args:
        ballots: a data set, or several by name, as `read_ballots` returns them. A query without a label is called by
            its place, from 0.
        output: the file to write. It is whole or is not there; one of that name is replaced.
        group: the column of the names, where there are several data sets.
        format: "parquet", "csv" or "every-eval-ever" (a record for each call); by default as the name ends
            (.parquet, .csv, .jsonl).

    Raises:
        ValueError: naming the argument, or the row, that cannot be written; nothing is written then.

    >>> from pathlib import Path; from tempfile import mkdtemp
    >>> path = Path(mkdtemp()) / "votes.csv"; write_ballots(Ballots([[2, 1]], [[True, False]]), path)
    >>> read_ballots(path)["all"].counts
    array([[2, 1]])
    """
    target = _write.written_format(output, format)
    table = _tables.of_ballots(_several(ballots, Ballots, "ballots", group), group, str(output))
    _write_data(table, output, group, target)


def _several(data: Data | Mapping[str, Data], kind: type, argument: str, group: str) -> Mapping[str, Data]:
    if group in (_attempts.COLUMNS | _ballots.COLUMNS).difference(IDENTITY):
        raise ValueError(f"group = {group!r}: names a column of the table: expected another name")
    sets = data if isinstance(data, Mapping) else {ALL: data}
    if not sets:
        raise ValueError(f"{argument} is empty: expected at least one data set")
    for each in sets.values():
        require(each, kind, argument)
    return sets


def _write_data(table: Table, output: str | os.PathLike[str], group: str, target: str) -> None:
    title = Path(output).stem
    _checked(table, Wanted(group=(group,) if group in table.names else ()), title, target)
    _write.write(table, output, target, title)


def _checked(table: Table, wanted: Wanted, title: str, target: str, found: str = "") -> tuple[ReadSummary, list[str]]:
    """What a table that is to be written holds, and what is to be said of it; refused if it could not be read."""
    if {"attempts", "successes", "passed"} & set(table.names):
        attempts, notes = _attempts.attempts_of(table, wanted.group, title)
        summary = _summarised(attempts, table, found, wanted, "attempts", _left_out(table) + notes).summary
    else:
        ballots, notes = _ballots.ballots_of(table, wanted.group, title)
        summary = _summarised(ballots, table, found, wanted, "ballots", _left_out(table) + notes).summary
    return summary, notes


def _left_out(table: Table) -> list[str]:
    return [*table.notes, *(f"dropped {number_of(count, what)}" for what, count in table.dropped)]


def _say(table: Table, notes: list[str]) -> list[str]:
    """Tell the caller of a public reader what was dropped or decided."""
    for note in notes:
        warnings.warn(f"{table.file}: {note}", DataWarning, stacklevel=3)
    return notes


def _summarised(
    data: dict[str, Data], table: Table, format: str, wanted: Wanted, kind: str, notes: list[str]
) -> DataSets[Data]:
    summary = ReadSummary(
        format=format,
        files=tuple(file for file, _ in table.files) or (table.file,),
        kind=kind,
        scorer=table.scorer,
        scorers=table.scorers,
        further=further(table, wanted),
        dropped=table.dropped,
        notes=tuple(notes),
        groups=group_summaries(data),
    )
    return DataSets(data, summary)


def _title(path: Paths) -> str:
    """What a data set is called that is not one of several groups."""
    if is_frame(path):
        return NAME
    paths = [path] if isinstance(path, str | os.PathLike) else path
    if len(paths) == 1 and os.fspath(paths[0]) == STANDARD_INPUT:
        return "standard input"
    return Path(paths[0]).stem if len(paths) == 1 else f"{len(paths)} files"
