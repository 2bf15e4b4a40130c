"""The queries that several data sets have in common: what can be compared, and what each has beyond that."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from jaxscale.data import Attempts, Ballots

Data = TypeVar("Data", bound=Attempts | Ballots)

_EXAMPLES = 3
DIFFERENT = "values of different queries do not compare"
"""What is to be said where groups stand side by side, each at all its queries."""

_CALLS = ("scores", "tokens")  # of ballots, with a column for each call


@dataclass(frozen=True, eq=False)
class Common(Generic[Data]):
    """Data sets side by side, at the queries that all of them have.

    Attributes:
        groups: the data sets by name, each at the common queries in one order; as they came where none are known.
        queries: labels of the common queries; empty if there are none, None where they cannot be told.
        alone: of each data set the queries that not every other one has, if any.
        unlabelled: names of data sets whose queries have no labels of their own.
        sizes: how many queries each data set came with.
    """

    groups: dict[str, Data]
    queries: tuple[str, ...] | None
    alone: Mapping[str, tuple[str, ...]]
    unlabelled: tuple[str, ...]
    sizes: Mapping[str, int]

    @property
    def words(self) -> str:
        """What differs and by how much, in a sentence; empty where all data sets have the same queries."""
        if self.unlabelled:
            return (
                f"queries of {_listed(list(self.unlabelled))} have no labels of their own: whether the groups have the "
                "same queries cannot be told"
            )
        if not self.alone:
            return ""
        count = len(self.queries or ())
        beyond = [
            f"{name!r} has {len(labels):,}{' more' if count else ''} ({_listed(labels)})"
            for name, labels in self.alone.items()
        ]
        more = f" and {len(beyond) - _EXAMPLES:,} groups have others, too" if len(beyond) > _EXAMPLES else ""
        shared = f"{count:,} queries are" if count > 1 else "one query is" if count else "no query is"
        return f"{shared} in all {len(self.groups):,} groups: {', '.join(beyond[:_EXAMPLES])}{more}"


def common_queries(groups: Mapping[str, Data]) -> Common[Data]:
    """Data sets at the queries that all of them have, and what each has beyond these.

    Queries are the same where their labels are. A data set without labels, or with one label for two queries, cannot
    be matched; then nothing is left out, and `words` says so.

    Args:
        groups: data sets by name.

    Returns:
        The data sets side by side.

    Example:
        >>> a, b = Attempts([9, 9], [1, 2], query=("x", "y")), Attempts([9, 9], [3, 4], query=("y", "z"))
        >>> common = common_queries({"a": a, "b": b})
        >>> common.queries, common.groups["a"].successes.tolist(), common.groups["b"].successes.tolist()
        (('y',), [2], [3])
        >>> common.words
        "one query is in all 2 groups: 'a' has 1 more (x), 'b' has 1 more (z)"
    """
    sizes = {name: len(data) for name, data in groups.items()}
    if len(groups) < 2:
        return Common(dict(groups), next((data.query for data in groups.values()), None), {}, (), sizes)
    labels = {name: data.query or () for name, data in groups.items()}
    unlabelled = tuple(name for name, each in labels.items() if not each or len(set(each)) < len(each))
    if unlabelled:
        return Common(dict(groups), None, {}, unlabelled, sizes)
    in_all = set.intersection(*map(set, labels.values()))
    queries = tuple(label for label in next(iter(labels.values())) if label in in_all)
    alone = {
        name: tuple(label for label in each if label not in in_all)
        for name, each in labels.items()
        if len(each) > len(in_all)
    }
    if not queries:
        return Common(dict(groups), (), alone, (), sizes)
    place = {label: row for row, label in enumerate(queries)}
    chosen = {}
    for name, data in groups.items():
        if labels[name] == queries:
            chosen[name] = data
        else:
            rows = [(place[label], row) for row, label in enumerate(labels[name]) if label in place]
            chosen[name] = take(data, np.array([row for _, row in sorted(rows)]))
    return Common(chosen, queries, alone, (), sizes)


def take(data: Data, rows: np.ndarray) -> Data:
    """Some queries of a data set, in the order given.

    >>> take(Attempts([9, 8, 7], [1, 2, 3], query=("x", "y", "z")), np.array([2, 0])).attempts
    array([7, 9])
    """
    fields = {}
    for field in dataclasses.fields(data):
        value = getattr(data, field.name)
        if isinstance(value, np.ndarray):
            value = value[rows]
            if isinstance(data, Ballots) and field.name in _CALLS:
                value = value[:, : int(data.calls[rows].max())]
        elif field.name == "query" and value is not None:
            value = tuple(value[row] for row in rows.tolist())
        fields[field.name] = value
    return type(data)(**fields)


def _listed(labels: "tuple[str, ...] | list[str]") -> str:
    shown = ", ".join(labels[:_EXAMPLES])
    return shown if len(labels) <= _EXAMPLES else f"{shown}, ..."
