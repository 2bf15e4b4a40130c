"""From attempts and ballots back to a table, as a reader would have returned it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from jaxscale.data import Attempts, Ballots
from jaxscale.io._groups import ALL, TOKENS
from jaxscale.io._table import Table, coded_text


def of_attempts(data: Mapping[str, Attempts], group: str, file: str) -> Table:
    """The table of attempts: a row a query.

    Args:
        data: the data sets by name.
        group: the column of the names, where there are several.
        file: where the table goes, for error messages.
    """
    sets = list(data.values())
    columns = {
        **_labels(data, group, [np.arange(len(each)) for each in sets]),
        "attempts": _joined([each.attempts for each in sets]),
        "successes": _joined([each.successes for each in sets]),
    }
    for name in TOKENS:
        means = [getattr(each, name) for each in sets]
        if any(each is not None for each in means):
            columns[name] = _joined([_known(mean, len(each)) for mean, each in zip(means, sets, strict=True)])
    return _table(columns, file)


def of_ballots(data: Mapping[str, Ballots], group: str, file: str) -> Table:
    """The table of ballots: a row an answer of a query, or a row a call where there are scores or tokens of calls.

    Args:
        data: as for `of_attempts`.
        group: as for `of_attempts`.
        file: as for `of_attempts`.
    """
    sets = list(data.values())
    for name in ("kept_counts", "scores", "tokens"):
        if len({getattr(each, name) is None for each in sets}) > 1:
            raise ValueError(f"ballots: some data sets have {name} and others have none: expected a file for each kind")
    per_call = sets[0].scores is not None or sets[0].tokens is not None
    parts = [(_per_call if per_call else _counted)(each) for each in sets]
    columns = _labels(data, group, [part["query"] for part in parts])
    answers = np.concatenate([part["answer"] for part in parts])
    columns["answer"] = pa.array([f"answer {code + 1}" if code >= 0 else "" for code in answers.tolist()])
    for name in [name for name in parts[0] if name not in ("query", "answer")]:
        columns[name] = _joined([part[name] for part in parts])
    if any(each.prompt_tokens is not None for each in sets):
        means = [_known(each.prompt_tokens, len(each))[part["query"]] for each, part in zip(sets, parts, strict=True)]
        columns["prompt_tokens"] = _joined(means)
    return _table(columns, file)


def _counted(ballots: Ballots) -> dict[str, np.ndarray]:
    """A row for each answer that was given or is right, and for the blank calls of a query."""
    shape = (len(ballots), 1)
    counts = np.hstack([ballots.counts, np.asarray(ballots.blank).reshape(shape)])
    correct = np.hstack([ballots.correct, np.zeros(shape, bool)])
    query, answer = np.nonzero((counts > 0) | correct)
    part = {
        "query": query,
        "answer": np.where(answer == ballots.counts.shape[1], -1, answer),
        "count": counts[query, answer],
        "correct": correct[query, answer],
    }
    if ballots.kept_counts is not None:
        kept = np.hstack([ballots.kept_counts, np.asarray(ballots.kept_blank).reshape(shape)])
        part["kept"] = kept[query, answer]
    return part


def _per_call(ballots: Ballots) -> dict[str, np.ndarray]:
    """A row for each call, in the order of scores and tokens."""
    counted = _counted(ballots)
    row = np.repeat(np.arange(len(counted["count"])), counted["count"])
    # The place of a call among those of its answer, and among those of its query.
    among = np.arange(len(row)) - np.repeat(np.cumsum(counted["count"]) - counted["count"], counted["count"])
    query = counted["query"][row]
    place = np.arange(len(row)) - np.searchsorted(query, query)
    part = {"query": query, "answer": counted["answer"][row], "correct": counted["correct"][row]}
    if "kept" in counted:
        part["kept"] = among < counted["kept"][row]
    for name, values in (("score", ballots.scores), ("tokens", ballots.tokens)):
        if values is not None:
            part[name] = values[query, place]
    return part


def _labels(data: Mapping[str, Attempts | Ballots], group: str, queries: Sequence[np.ndarray]) -> dict[str, pa.Array]:
    """The columns that say whose a row is."""
    problems: list[str] = []
    groups: list[str] = []
    for (name, each), query in zip(data.items(), queries, strict=True):
        labels = each.query or tuple(map(str, range(len(each))))
        problems += [labels[index] for index in query.tolist()]
        groups += [name] * len(query)
    columns = {} if list(data) == [ALL] else {group: pa.array(groups)}
    return {**columns, "problem": pa.array(problems)}


def _known(means: np.ndarray | None, size: int) -> np.ndarray:
    return np.full(size, np.nan) if means is None else means


def _joined(parts: Sequence[np.ndarray]) -> pa.Array:
    values = np.concatenate(parts)
    return pa.array(values, mask=np.isnan(values) if values.dtype.kind == "f" else None)


def _table(columns: dict[str, pa.Array], file: str) -> Table:
    texts = {name: coded_text(column) for name, column in columns.items()}
    table = Table(file, tuple(texts), texts, place=lambda row: None, reread=lambda: table)
    return table
