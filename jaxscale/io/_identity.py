"""Whose a call is: model, task, training step, run, epoch and uuid, once for every format."""

from collections.abc import Sequence

import numpy as np

from jaxscale.io._table import Table, Wanted, first_seen, shown_list

APART = ("model", "task", "step")
"""Columns that tell apart what is never put together unasked."""

FURTHER = ("run", "epoch")
"""Columns that tell apart further calls of the same data."""

IDENTITY = (*APART, *FURTHER, "uuid")
"""Columns that say whose a call is."""

REPEATED = "attempts that are there twice"

_SURELY = 20  # calls: so many equal answers in a row are no chance


def identified(table: Table, wanted: Wanted, *, log: bool) -> Table:
    """The table with each call once; refused where it mixes what is to be told apart.

    Args:
        table: what was read, judged.
        wanted: the groups that a person asked for.
        log: whether a tool wrote it, so that a uuid is one of a call.
    """
    for name in wanted.group:
        if name not in table.names:
            near = table.near(name)
            meant = f" (did you mean {near!r}?)" if near else ""
            raise table.error(f"no column {name!r} to group by{meant}: found {table.found()}")
        if name in table.columns and len(table) and not any(table.coded(name)[1]):
            raise table.error(f"no value of {name!r} to group by in any row: expected one in each")
    table = _once(table, log=log)
    if wanted.apart:
        _refuse_mixed(table, wanted)
    return table


def several(table: Table) -> dict[str, list[str]]:
    """The columns that tell apart what is never put together unasked, with their values, where these are several."""
    values = {name: [value for value in table.coded(name)[1] if value] for name in APART if table.has(name)}
    return {name: each for name, each in values.items() if len(each) > 1}


def _refuse_mixed(table: Table, wanted: Wanted) -> None:
    mixed = {name: values for name, values in several(table).items() if _mixes(table, wanted.group, name)}
    if mixed:
        found = " and ".join(f"{len(values):,} {name}s ({shown_list(values, 3)})" for name, values in mixed.items())
        options = " ".join(f"--group {name}" for name in mixed)
        raise table.error(f"holds calls of {found}, which are not to be put together: {options} reads each apart")


def _mixes(table: Table, group: Sequence[str], name: str) -> bool:
    """Whether a group holds several values of a column."""
    whose = np.zeros(len(table), np.int64)
    for column in group:
        codes, values = table.coded(column)
        whose = first_seen(whose * len(values) + codes)[0].astype(np.int64)
    codes, values = table.coded(name)
    known = np.ones(len(values), bool)
    known[[index for index, value in enumerate(values) if not value]] = False
    pairs = np.unique((whose * len(values) + codes)[known[codes]])
    return len(pairs) > len(np.unique(pairs // len(values)))


def further(table: Table, wanted: Wanted) -> tuple[tuple[str, int], ...]:
    """How many runs and epochs the calls are from, where they are from several."""
    counts = ((name, sum(map(bool, table.coded(name)[1]))) for name in FURTHER if table.has(name))
    return tuple((name, count) for name, count in counts if count > 1 and name not in wanted.group)


def copies(tables: Sequence[Table]) -> list[int]:
    """The tables that hold the calls of an earlier one, as another form of the same log does, by position.

    They are the same where as many as 20 calls agree in problem, epoch, answer and verdict, and none differs.
    """
    seen: set[int] = set()
    found = []
    for index, table in enumerate(tables):
        names = ("problem", "epoch", "answer", "passed")
        if len(table) < _SURELY or not all(table.has(name) for name in names):
            continue
        calls = tuple(sorted(zip(*(table.texts(name) for name in names), strict=True), key=str))
        if hash(calls) in seen:
            found.append(index)
        seen.add(hash(calls))
    return found


def _once(table: Table, *, log: bool) -> Table:
    """Each uuid once, or once for each scorer."""
    if not table.has("uuid") or "problem" not in table.columns:
        return table
    codes, values = table.coded("uuid")
    if not log:
        # A column of that name may be one of the problem: then no problem has two.
        problem, _ = table.coded("problem")
        pairs = len(np.unique(problem.astype(np.int64) * len(values) + codes))
        if pairs == len(np.unique(problem)):
            return table
    if table.has("scorer"):
        scorer, names = table.coded("scorer")
        codes = codes.astype(np.int64) * len(names) + scorer
        nameless = np.zeros(len(table), bool) if "" not in values else table.coded("uuid")[0] == values.index("")
    else:
        nameless = np.zeros(len(table), bool) if "" not in values else codes == values.index("")
    _, first = first_seen(codes)
    keep = nameless.copy()
    keep[first] = True
    return table.keeping(keep).leaving_out(f"{REPEATED} (the same uuid)", int((~keep).sum()))
