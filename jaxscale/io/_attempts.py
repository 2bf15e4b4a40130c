"""From a table to attempts."""

from collections.abc import Sequence

import numpy as np

from jaxscale.data import Attempts, BallotsFound
from jaxscale.io._errored import ERRORS
from jaxscale.io._groups import (
    TOKENS,
    Queries,
    of_groups,
    only_some_files,
    queries_of,
    token_means,
    told_apart,
    unchecked,
)
from jaxscale.io._identity import IDENTITY
from jaxscale.io._table import Table
from jaxscale.io._verdicts import GOLD

COUNTED = ("problem", "attempts", "successes")
PER_CALL = ("problem", "passed")
COLUMNS = frozenset((*COUNTED, *PER_CALL, "correct", *TOKENS, *GOLD, *IDENTITY, *ERRORS))


def attempts_of(table: Table, group: Sequence[str], name: str) -> tuple[dict[str, Attempts], list[str]]:
    """The attempts of each group of a table, and what is to be said about them.

    Args:
        table: what was read.
        group: the columns of which each combination of values makes one data set.
        name: what the data set of a table that is not grouped is called.
    """
    counted = _is_counted(table)
    queries = queries_of(table, group)
    if counted:
        attempts, successes = _counted(table, queries)
    else:
        passed = table.truths("passed")
        attempts = np.bincount(queries.of_row)
        successes = np.bincount(queries.of_row[passed], minlength=len(attempts))

    # A row is a query with the means of its calls, or a call.
    means = {name: token_means(table, queries, name) for name in TOKENS}
    order, parts = queries.by_group()
    whole = Attempts(
        attempts[order],
        successes[order],
        tuple(queries.label[query] for query in order.tolist()),
        **{name: values if values is None else values[order] for name, values in means.items()},
    )
    result = {}
    stopped = []
    for title, key, part in zip(queries.titles(name), queries.groups, parts, strict=True):
        result[key] = data = unchecked(
            Attempts,
            attempts=whole.attempts[part],
            successes=whole.successes[part],
            query=whole.query[part] if whole.query else None,
            name=title,
            tokens=None if whole.tokens is None else whole.tokens[part],
            prompt_tokens=None if whole.prompt_tokens is None else whole.prompt_tokens[part],
        )
        if len(data) > 1 and data.stopped_at_success:
            stopped.append(title)
    said = (
        "sampling looks as if it stopped at the first success (no problem has two, attempts are uneven): "
        "unbiased pass@k does not hold for such counts, fits do"
    )
    return result, of_groups(stopped, said) + only_some_files(table, queries)


def _is_counted(table: Table) -> bool:
    names = set(table.names)
    if "passed" in names and names & {"attempts", "successes"}:
        both = ", ".join(name for name in table.names if name in ("attempts", "successes", "passed"))
        raise table.error(
            f"columns of two layouts together ({both}): expected {', '.join(COUNTED)} (counted) or "
            f"{', '.join(PER_CALL)} (one row a call)"
        )
    if {"answer", "correct"} <= names and not names & {"attempts", "successes", "passed"}:
        columns = ",".join(f"{name}={other}" for name, other in {**table.renamed, "passed": "correct"}.items())
        way = "" if "count" in names else f"; --columns {columns} counts the calls alone"
        error = table.error(
            f"holds ballots, not attempts: expected columns {', '.join(COUNTED)} or {', '.join(PER_CALL)} "
            f"(ballots are for `jaxscale vote` and read_ballots{way})"
        )
        raise BallotsFound(error.message, error.file, error.line)
    counted = "passed" not in names
    table.layout(
        (COUNTED, PER_CALL),
        None if not names & {"attempts", "successes", "passed"} else COUNTED if counted else PER_CALL,
    )
    return counted


def _counted(table: Table, queries: Queries) -> tuple[np.ndarray, np.ndarray]:
    attempts, successes = table.whole_numbers("attempts", least=1), table.whole_numbers("successes")
    over = successes > attempts
    if over.any():
        row = int(over.argmax())
        raise table.error(
            f"successes = {successes[row]} of attempts = {attempts[row]}: expected at most as many successes", row
        )
    again = np.ones(len(table), bool)
    again[queries.first_row] = False
    if again.any():
        row = int(again.argmax())
        query = int(queries.of_row[row])
        first = int(queries.first_row[query])
        raise table.error(
            f"{queries.name(query)} appears again (first on {table.where(first)}): expected one row per problem"
            f"{' and group' if queries.grouped else ''}{told_apart(table, row, first)}",
            row,
        )
    return attempts, successes
