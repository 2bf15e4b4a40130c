"""Rows of a table by group and by problem."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxscale.data import DataError
from jaxscale.io._summary import Data
from jaxscale.io._table import Table, first_rows, first_seen, repeated, shown
from jaxscale.io._verdicts import GOLD

TOKENS = ("tokens", "prompt_tokens")
"""Columns of the tokens that a call wrote, and of those in its prompt."""

_WHOLE_LABEL = re.compile(r"([+-]?\d+)\.0+")

_OUTCOMES = ("answer", "count", "correct", "attempts", "successes", "passed", "kept", "score", *TOKENS)

ALL = "all"
"""The name of the one data set of a file that is not grouped."""


@dataclass(frozen=True)
class Queries:
    """The queries of a table: the distinct pairs of group and problem, in order of first appearance.

    Args:
        groups: the names of the groups.
        group: the group of each query, shape (queries,).
        label: the problem of each query.
        of_row: the query of each row, int32 of shape (rows,).
        first_row: the row in which each query appears first, shape (queries,).
    """

    groups: list[str]
    group: np.ndarray
    label: list[str]
    of_row: np.ndarray
    first_row: np.ndarray

    @property
    def grouped(self) -> bool:
        """Whether the groups have names of their own."""
        return self.groups != [ALL]

    def titles(self, name: str) -> list[str]:
        """What the data set of each group is called; `name` where the table is not grouped."""
        return self.groups if self.grouped else [name]

    def by_group(self) -> tuple[np.ndarray, list[slice]]:
        """The queries ordered by group, else as they are; and where each group is among them."""
        return np.argsort(self.group, kind="stable"), slices(self.group, len(self.groups))

    def name(self, query: int) -> str:
        """A query for the middle of a message."""
        inside = f" of group {shown(self.groups[self.group[query]])}" if self.grouped else ""
        return f"problem {shown(self.label[query])}{inside}"


def slices(codes: np.ndarray, size: int) -> list[slice]:
    """Where the entries of each code from 0 to `size` - 1 are once `codes` are sorted."""
    ends = np.cumsum(np.bincount(codes, minlength=size)).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def of_groups(titles: Sequence[str], said: str) -> list[str]:
    """What is to be said of some groups, as one note that names the first of them; none where there are none."""
    more = f" and {len(titles) - 3:,} more" if len(titles) > 3 else ""
    return [f"{', '.join(titles[:3])}{more}: {said}"] if titles else []


def unchecked(kind: type[Data], **fields: Any) -> Data:
    """A data set of fields that were checked together with those of others: the constructor would check each again.

    Args:
        kind: `Attempts` or `Ballots`.
        fields: all that differ from their defaults; read-only arrays of the dtype and shape that the constructor keeps.
            They are not copied.
    """
    data = object.__new__(kind)
    data.__dict__.update(fields)  # both are frozen
    return data


def queries_of(table: Table, group: Sequence[str]) -> Queries:
    """Find the queries of a table whose `group` columns make one data set of each combination of their values.

    Raises:
        DataError: a row has no problem, or a problem has two right answers.
    """
    row_group, groups = _groups(table, group)
    problem, labels = _whole_labels(*table.coded("problem"))
    if "" in labels:
        row = int((problem == labels.index("")).argmax())
        raise table.error("problem is empty: expected a label", row)
    if groups == [ALL]:
        of_row, first_row = problem, first_rows(problem)
    else:
        of_row, first_row = first_seen(row_group * len(labels) + problem)
    label = [labels[code] for code in problem[first_row]]
    queries = Queries(groups, row_group[first_row], label, of_row, first_row)
    for gold in GOLD:
        _check_gold(table, queries, gold)
    return queries


def _whole_labels(codes: np.ndarray, labels: list[str]) -> tuple[np.ndarray, list[str]]:
    """Codes and labels in which 1.0, as a spreadsheet or a data frame writes it, is 1."""
    if not any(label.endswith("0") and "." in label for label in labels):
        return codes, labels
    plain: dict[str, int] = {}
    new = [plain.setdefault(_whole(label), len(plain)) for label in labels]
    return np.array(new, np.int32)[codes], list(plain)


def _whole(label: str) -> str:
    found = _WHOLE_LABEL.fullmatch(label)
    return found[1] if found else label


def only_some_files(table: Table, queries: Queries) -> list[str]:
    """What is to be said of problems that not every file of a group has, of the files that have several problems."""
    if len(table.files) < 2:
        return []
    starts = np.array([start for _, start in table.files])
    rows = np.arange(len(table)) if table.rows is None else table.rows
    file = np.searchsorted(starts, rows, side="right") - 1
    pairs = np.unique(queries.of_row.astype(np.int64) * len(starts) + file)
    query, file = pairs // len(starts), pairs % len(starts)
    group = queries.group[query]
    owner = group * len(starts) + file
    _, inverse, problems = np.unique(owner, return_inverse=True, return_counts=True)
    large = problems[inverse] > 1  # a file of one problem, or of one call, is a part of a run
    of_group = np.bincount(np.unique(owner[large]) // len(starts), minlength=len(queries.groups))
    has = np.bincount(query[large], minlength=len(queries.label))
    some = np.flatnonzero((has > 0) & (has < of_group[queries.group]))
    if not len(some):
        return []
    examples = ", ".join(shown(queries.label[each]) for each in some[:3].tolist())
    return [f"{len(some):,} of {len(queries.label):,} problems are only in some of the files ({examples})"]


def token_means(table: Table, queries: Queries, name: str, weights: np.ndarray | None = None) -> np.ndarray | None:
    """The mean of a column of tokens over the rows of each query that have one, NaN for none; None without a column.

    Args:
        table: what was read.
        queries: its queries.
        name: the column.
        weights: how many calls each row stands for, shape (rows,); by default as many as any other.
    """
    tokens = table.numbers(name, least=0, gaps=True)
    if tokens is None:
        return None
    weight = np.where(np.isnan(tokens), 0, 1.0 if weights is None else weights)
    total, known = (
        np.bincount(queries.of_row, weights=values, minlength=len(queries.label))
        for values in (np.nan_to_num(tokens) * weight, weight)
    )
    return np.divide(total, known, out=np.full(len(total), np.nan), where=known > 0)


def _check_gold(table: Table, queries: Queries, gold: str) -> None:
    """One problem has one right answer, where the file says which it is: else two problems share a label."""
    if gold not in table.names:
        return
    codes, values = table.coded(gold)
    differs = codes != codes[queries.first_row][queries.of_row]
    if differs.any():
        row = int(differs.argmax())
        query = int(queries.of_row[row])
        first = int(queries.first_row[query])
        message = (
            f"{queries.name(query)} has {gold} {shown(values[codes[row]])}, but {shown(values[codes[first]])} on "
            f"{table.where(first)}: expected one {gold} per problem"
        )
        raise table.error(message + told_apart(table, row, first), row)


def _groups(table: Table, group: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    if not group:
        return np.broadcast_to(np.int64(0), len(table)), [ALL]
    row_group = np.zeros(len(table), np.int64)
    labels: list[tuple[str, ...]] = [()]
    for column in group:
        codes, values = table.coded(column)
        finer, first = first_seen(row_group * len(values) + codes)
        labels = [(*labels[row_group[row]], values[codes[row]]) for row in first]
        row_group = finer.astype(np.int64)
    names = [" / ".join(label) for label in labels]
    if twice := repeated(names):
        raise table.error(f"two groups are both called {shown(next(iter(twice)))}: expected values without ' / '")
    return row_group, names


def told_apart(table: Table, row: int, other: int) -> str:
    """What may tell two rows of the same problem apart: advice for an error message."""
    try:
        whole = table.reread()
    except DataError:
        return ""  # too much, now that every column is read
    differing = [
        name
        for name, column in whole.columns.items()
        if name not in ("problem", *GOLD, *_OUTCOMES)
        and name not in whole.repeated
        and column[table.original(row)].as_py() != column[table.original(other)].as_py()
    ]
    if not differing:
        return ""
    options = " or ".join(f"--group {name}" for name in differing[:4])
    return f"; the rows differ in other columns: perhaps {options} is needed"
