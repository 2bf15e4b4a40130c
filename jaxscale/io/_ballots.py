"""From a table to ballots."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from jaxscale._checks import MAX_CALLS
from jaxscale._words import number_of
from jaxscale.data import Ballots
from jaxscale.io._equivalence import equal, spelling
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
from jaxscale.io._table import Table, first_seen, shown
from jaxscale.io._verdicts import GOLD

COUNTED = ("problem", "answer", "count", "correct")
PER_CALL = ("problem", "answer", "correct")
COLUMNS = frozenset(COUNTED) | {"passed", "kept", "score", *TOKENS, *GOLD, *IDENTITY, *ERRORS}

_MOST_CELLS = 2 * 10**8


@dataclass(frozen=True)
class _Rows:
    """The rows of a table, or its distinct answers: whose they are, and how many calls each stands for.

    Args:
        query: shape (rows,), as all of them.
        answer: codes; -1 for no answer.
        count: calls.
        kept: calls that a filter kept, or None.
        correct: whether the answer is right.
        worth: the share of the calls with the answer that was judged right, where calls differ; else None.
    """

    query: np.ndarray
    answer: np.ndarray
    count: np.ndarray
    kept: np.ndarray | None
    correct: np.ndarray
    worth: np.ndarray | None = None


@dataclass(frozen=True)
class _Votes:
    """Where everything goes in the rectangles of `Ballots`.

    Args:
        rows: the rows of the table.
        answers: the distinct answers of each query.
        slot: the column of each of `answers` among those of its query.
        per_call: `scores` and `tokens`, where there are any, one per row.
        place: the column of each row among the calls of its query; 0 where there is no `per_call`.
    """

    rows: _Rows
    answers: _Rows
    slot: np.ndarray
    per_call: dict[str, np.ndarray]
    place: np.ndarray


def ballots_of(
    table: Table, group: Sequence[str], name: str, equivalence: str = "none"
) -> tuple[dict[str, Ballots], list[str]]:
    """The ballots of each group of a table, and what is to be said about them.

    Args:
        table: what was read.
        group: the columns of which each combination of values makes one data set.
        name: what the data set of a table that is not grouped is called.
        equivalence: which answers are one: "none", "text" or "math".
    """
    counted = _is_counted(table)
    queries = queries_of(table, group)
    rows, values = _rows(table, queries, counted)
    notes: list[str] = []
    if counted:
        _check_counted(table, queries, rows, values)
    else:
        rows = _mean_verdicts(table, queries, rows, values, notes)
    per_call = {} if counted else {"scores": table.numbers("score"), "tokens": _tokens(table, notes)}
    prompt_tokens = token_means(table, queries, "prompt_tokens", rows.count)
    if equivalence != "none":
        rows = _merged(rows, values, equivalence, notes)
    _check_blank(table, rows)

    votes = _votes(rows, {name: numbers for name, numbers in per_call.items() if numbers is not None})
    result = _ballots(table, queries, votes, prompt_tokens, queries.titles(name))
    ever = np.zeros(len(queries.groups), bool)
    ever[queries.group[votes.answers.query[votes.answers.correct]]] = True
    titles = queries.titles(name)
    never = [titles[group] for group in np.flatnonzero(~ever).tolist()]
    return result, notes + only_some_files(table, queries) + of_groups(
        never, "no answer is marked correct: accuracy is 0 by construction"
    )


def _tokens(table: Table, notes: list[str]) -> np.ndarray | None:
    """The tokens of every call; None, and a note, where some calls have none."""
    tokens = table.numbers("tokens", least=0, gaps=True)
    if tokens is not None and np.isnan(tokens).any():
        notes.append(f"left out tokens: {np.isnan(tokens).sum():,} of {len(tokens):,} calls have none")
        return None
    return tokens


def _is_counted(table: Table) -> bool:
    names = set(table.names)
    counted = "count" in names
    if counted and "score" in names:
        raise table.error(
            f"columns of two layouts together (count, score): expected {', '.join(COUNTED)} [, kept] (counted) or "
            f"{', '.join(PER_CALL)} [, kept] [, score] (one row a call)"
        )
    answers = table.known_as("answer")
    if "answer" not in names and (names & {"attempts", "successes", "passed"} or (not answers and "correct" in names)):
        columns = ",".join(f"{name}={other}" for name, other in {**table.renamed, "answer": answers}.items())
        way = f"; --columns {columns} takes {answers!r} for the answers" if answers and "passed" in names else ""
        raise table.error(
            f"holds attempts, not ballots: it has no answers; expected columns {', '.join(COUNTED)} or "
            f"{', '.join(PER_CALL)} (attempts are for `jaxscale forecast` and read_attempts){way}"
        )
    near = table.near("count")
    if not counted and near and near not in COLUMNS:
        raise table.error(f"no column 'count' (is {near!r} meant?): found {table.found()}")
    table.layout((COUNTED, PER_CALL), COUNTED if counted else PER_CALL)
    return counted


def _rows(table: Table, queries: Queries, counted: bool) -> tuple[_Rows, list[str]]:
    codes, values = table.coded("answer")
    correct = table.truths("correct")
    count = table.whole_numbers("count") if counted else np.ones(len(table), np.int64)
    kept = None
    if "kept" in table.names:
        kept = table.whole_numbers("kept") if counted else table.truths("kept").astype(np.int64)
        if (kept > count).any():
            row = int((kept > count).argmax())
            raise table.error(f"kept = {kept[row]} of count = {count[row]}: expected at most as many", row)
    totals = np.bincount(queries.of_row, weights=count)
    for bad, expected in ((totals < 1, "at least one"), (totals > MAX_CALLS, "at most 10^12")):
        if bad.any():
            query = int(bad.argmax())
            message = f"{queries.name(query)} has {totals[query]:.0f} ballots: expected {expected}"
            raise table.error(message, int(queries.first_row[query]))
    none = values.index("") if "" in values else -1
    return _Rows(queries.of_row, np.where(codes == none, -1, codes), count, kept, correct), values


def _check_counted(table: Table, queries: Queries, rows: _Rows, values: list[str]) -> None:
    """An answer to a problem has one row in a counted file."""
    of_row, first_row = first_seen(_pair(rows))
    again = np.ones(len(of_row), bool)
    again[first_row] = False
    if again.any():
        row = int(again.argmax())
        first = int(first_row[of_row[row]])
        message = (
            f"{_named(queries, rows, values, row)} appears again (first on {table.where(first)}): expected one row each"
        )
        raise table.error(message + told_apart(table, row, first), row)


def _mean_verdicts(table: Table, queries: Queries, rows: _Rows, values: list[str], notes: list[str]) -> _Rows:
    """The rows with one verdict for each answer to a problem: the mean of its calls, where a judge changed its mind."""
    of_row, first_row = first_seen(_pair(rows))
    size = len(first_row)
    share = np.bincount(of_row, rows.correct, size) / np.bincount(of_row, minlength=size)
    mixed = (share > 0) & (share < 1) & (rows.answer[first_row] >= 0)
    if not mixed.any():
        return rows
    kind = int(mixed.argmax())
    first = int(first_row[kind])
    other = int(((of_row == kind) & (rows.correct != rows.correct[first])).argmax())
    notes.append(
        f"{number_of(int(mixed.sum()), 'answers are right')} on some calls, wrong on others "
        f"({_named(queries, rows, values, first)}: {table.where(first)} and "
        f"{table.where(other)}): a vote for one is worth the mean verdict of its calls, "
        f"and in a forecast beyond them what most verdicts say{told_apart(table, other, first)}"
    )
    worth = share[of_row]
    return replace(rows, correct=np.where(rows.answer < 0, rows.correct, worth > 0.5), worth=worth)


def _named(queries: Queries, rows: _Rows, values: list[str], row: int) -> str:
    answer = "no answer" if rows.answer[row] < 0 else f"answer {shown(values[rows.answer[row]])}"
    return f"{answer} to {queries.name(int(rows.query[row]))}"


def _check_blank(table: Table, rows: _Rows) -> None:
    bad = (rows.answer < 0) & rows.correct & (rows.count > 0)
    if bad.any():
        message = "an empty answer is marked correct: expected 0, since no answer never wins a vote"
        raise table.error(message, int(bad.argmax()))


def _merged(rows: _Rows, values: list[str], equivalence: str, notes: list[str]) -> _Rows:
    """The rows with answers that mean the same made one; right if any spelling of it was marked so."""
    spelt = spelling(equivalence)
    codes: dict[str, int] = {"": -1}
    new = np.array([codes.setdefault(spelt(value), len(codes)) for value in values], np.int64)
    merged = replace(rows, answer=np.where(rows.answer < 0, -1, new[rows.answer]))
    if equivalence == "math":
        merged = _same_values(rows, merged, values)
    before, after = (len(np.unique(_pair(each)[each.answer >= 0])) for each in (rows, merged))
    if after < before:
        notes.append(f"--equivalence {equivalence} merged {before - after} of {before} answers with another spelling")
    return merged


def _same_values(rows: _Rows, merged: _Rows, values: list[str]) -> _Rows:
    """The rows with those answers of a query made one that are equal as formulas."""
    same = equal("math")
    answer = merged.answer.copy()
    named = np.flatnonzero(answer >= 0)
    order = named[np.argsort(rows.query[named], kind="stable")]
    for part in np.split(order, np.flatnonzero(np.diff(rows.query[order])) + 1):
        kinds, first = np.unique(answer[part], return_index=True)
        texts = [values[rows.answer[part[index]]] for index in first]
        alike: list[int] = []  # the first of each kind of equal answers
        for place, text in enumerate(texts):
            found = next((other for other in alike if same(texts[other], text)), None)
            if found is None:
                alike.append(place)
            else:
                answer[part[answer[part] == kinds[place]]] = kinds[found]
    return replace(merged, answer=answer)


def _pair(rows: _Rows) -> np.ndarray:
    """One key per pair of query and answer."""
    return rows.query.astype(np.int64) * (int(rows.answer.max()) + 2) + rows.answer + 1


def _distinct(rows: _Rows) -> _Rows:
    """The answers that each query was given, in order of first appearance, blank ones left out."""
    named = np.flatnonzero(rows.answer >= 0)
    of_row, first = first_seen(_pair(rows)[named])
    size = len(first)
    correct = np.zeros(size, bool)
    correct[of_row[rows.correct[named]]] = True
    worth = None
    if rows.worth is not None:
        worth = np.zeros(size)
        np.maximum.at(worth, of_row, rows.worth[named])  # of several spellings the one that is right more often
    return _Rows(
        rows.query[named][first],
        rows.answer[named][first],
        _totals(of_row, rows.count[named], size),
        None if rows.kept is None else _totals(of_row, rows.kept[named], size),
        correct,
        worth,
    )


def _totals(of_row: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    # Sums stay below 2^53, so that float64 weights lose nothing.
    return np.bincount(of_row, weights=values, minlength=size).astype(np.int64)


def _position(query: np.ndarray) -> np.ndarray:
    """How many earlier entries have the same query."""
    order = np.argsort(query, kind="stable")
    ordered = query[order]
    position = np.empty_like(order)
    position[order] = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return position


def _call_order(rows: _Rows, answers: _Rows, slot: np.ndarray) -> np.ndarray:
    """The place of each row among the calls of its query: by answer, blank ones last, kept ones first."""
    slot_of = np.full(len(rows.query), np.iinfo(np.int64).max)
    named = rows.answer >= 0
    slot_of[named] = slot[first_seen(_pair(rows)[named])[0]]
    dropped = np.zeros(len(slot_of), np.int64) if rows.kept is None else 1 - rows.kept
    order = np.lexsort((dropped, slot_of, rows.query))
    place = np.empty_like(order)
    place[order] = _position(rows.query[order])
    return place


def _votes(rows: _Rows, per_call: dict[str, np.ndarray]) -> _Votes:
    answers = _distinct(rows)
    slot = _position(answers.query)
    place = _call_order(rows, answers, slot) if per_call else np.zeros(len(rows.query), np.int64)
    return _Votes(rows, answers, slot, per_call, place)


def _ballots(
    table: Table, queries: Queries, votes: _Votes, prompt_tokens: np.ndarray | None, titles: Sequence[str]
) -> dict[str, Ballots]:
    """The ballots of each group: its rows and answers spread over rectangles."""
    rows, answers = votes.rows, votes.answers
    local = _position(queries.group)
    members, parts = queries.by_group()
    sizes = np.bincount(queries.group)
    of_answer, of_call = ((queries.group[each.query], local[each.query]) for each in (answers, rows))
    widths, calls = (
        _widths(group, place, len(sizes)) for (group, _), place in ((of_answer, votes.slot), (of_call, votes.place))
    )
    if (sizes * np.maximum(widths, calls) > _MOST_CELLS).any():
        code = int((sizes * np.maximum(widths, calls)).argmax())
        widest = f"{widths[code]:,} answers" if widths[code] >= calls[code] else f"{calls[code]:,} calls"
        raise table.error(
            f"{titles[code]}: {sizes[code]:,} problems, one of them with {widest}: expected a smaller table"
        )

    def blanks(values: np.ndarray | None) -> Iterator[np.ndarray | None]:
        if values is None:
            return itertools.repeat(None)
        blank = rows.answer < 0
        total = _read_only(_totals(rows.query[blank], values[blank], len(local))[members])
        return (total[part] for part in parts)

    def by_answer(values: np.ndarray | None) -> Iterator[np.ndarray | None]:
        return itertools.repeat(None) if values is None else _spread(values, *of_answer, votes.slot, sizes, widths, 0)

    labels = tuple(queries.label[query] for query in members.tolist())
    prompt = None if prompt_tokens is None else _read_only(prompt_tokens[members])
    columns: dict[str, Iterator] = {
        "counts": by_answer(answers.count),
        "correct": by_answer(answers.correct),
        "verdicts": by_answer(answers.worth),
        "kept_counts": by_answer(answers.kept),
        "blank": blanks(rows.count),
        "kept_blank": blanks(rows.kept),
        "query": (labels[part] for part in parts),
        "name": iter(titles),
        "prompt_tokens": (None if prompt is None else prompt[part] for part in parts),
        **{
            name: _spread(values, *of_call, votes.place, sizes, calls, np.nan)
            for name, values in votes.per_call.items()
        },
    }
    each = zip(*columns.values(), strict=False)
    return {
        key: unchecked(Ballots, **dict(zip(columns, values, strict=True)))
        for key, values in zip(queries.groups, each, strict=False)
    }


def _widths(group: np.ndarray, place: np.ndarray, groups: int) -> np.ndarray:
    """How wide the rectangle of each group is that has these places."""
    most = np.zeros(groups, np.int64)
    np.maximum.at(most, group, place)
    return most + 1


def _spread(
    values: np.ndarray,
    group: np.ndarray,
    row: np.ndarray,
    column: np.ndarray,
    sizes: np.ndarray,
    widths: np.ndarray,
    fill: float,
) -> Iterator[np.ndarray]:
    """The rectangle of each group, filled where nothing is; all of them are parts of one array."""
    ends = np.cumsum(sizes * widths)
    flat = np.full(int(ends[-1]), fill, values.dtype)
    flat[(ends - sizes * widths)[group] + row * widths[group] + column] = values
    _read_only(flat)
    for end, size, width in zip(ends.tolist(), sizes.tolist(), widths.tolist(), strict=True):
        yield flat[end - size * width : end].reshape(size, width)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
