"""What a caller asks of the readers, checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from jaxscale._checks import ArgumentError
from jaxscale.io import _attempts, _ballots
from jaxscale.io._equivalence import checked_equivalence
from jaxscale.io._errored import CHOICES
from jaxscale.io._table import Wanted
from jaxscale.io._verdicts import Rule


def asked(
    known: frozenset[str],
    group: str | Sequence[str],
    scorer: str | None,
    right: str | None,
    grade: str | None,
    columns: Mapping[str, str] | str | None,
    errors: str | None,
) -> Wanted:
    """What is wanted of a file by the arguments of a reader that uses the `known` columns.

    Raises:
        ValueError: naming the argument that cannot be used.
    """
    names = (group,) if isinstance(group, str) else tuple(group)
    if right is not None:
        Rule.parsed(right)
    if grade is not None:
        checked_equivalence(grade, "grade", ("text", "math"))
    if errors is not None and errors not in CHOICES:
        raise ArgumentError("errors", errors, f"one of {', '.join(CHOICES)}")
    renamed = {} if columns is None else _renamed(columns)
    strange = next((name for name in renamed if name not in known | _attempts.COLUMNS | _ballots.COLUMNS), None)
    if strange is not None:
        expected = ", ".join(sorted(_attempts.COLUMNS | _ballots.COLUMNS))
        raise ArgumentError("columns", strange, expected, found=f": {strange!r} is no column of jaxscale")
    needed = () if grade is None else ("answer",)
    return Wanted(known.union(names, needed), names, scorer, right, grade, errors, renamed)


def _renamed(columns: Any) -> dict[str, str]:
    """The columns of a file by those of jaxscale that they are, from a mapping or from its text form."""
    expected = "names with = between them and commas between several, as in problem=task_id,passed=is_correct"
    if isinstance(columns, str):
        parts = [part.partition("=") for part in columns.split(",")]
        renamed = {ours.strip(): theirs.strip() for ours, _, theirs in parts}
        if len(renamed) < len(parts) or not all((*renamed, *renamed.values())):
            raise ArgumentError("columns", columns, expected)
        return renamed
    if not isinstance(columns, Mapping):
        found = f" is of type {type(columns).__name__}"
        raise ArgumentError("columns", columns, f"a mapping of names to names, or {expected}", found=found)
    for name, other in columns.items():
        if not isinstance(name, str) or not isinstance(other, str):
            raise ArgumentError("columns", columns, "a mapping of names to names", found=f" has {name!r}: {other!r}")
    return dict(columns)
