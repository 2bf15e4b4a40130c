"""What a reader took from files, so that a person can see whether it is what was meant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from jaxscale._words import number_of
from jaxscale.data import Attempts, Ballots
from jaxscale.io._table import shown, shown_list

Data = TypeVar("Data", bound=Attempts | Ballots)


@dataclass(frozen=True)
class GroupSummary:
    """One data set of those that were read.

    Args:
        name: its key among the data sets.
        queries: how many.
        calls: attempts or ballots, blank ones included.
        calls_min: fewest calls of a query.
        calls_median: median number of calls of a query.
        calls_max: most calls of a query.
        right: calls that are right.
        answers: distinct pairs of a query and an answer to it; None for attempts.
        blank: calls without an answer; None for attempts.
        prompt_tokens: mean tokens of a call's prompt; None where the log does not say.
        output_tokens: mean tokens that a call wrote; None where the log does not say.
    """

    name: str
    queries: int
    calls: int
    calls_min: int
    calls_median: float
    calls_max: int
    right: int
    answers: int | None
    blank: int | None
    prompt_tokens: float | None
    output_tokens: float | None


@dataclass(frozen=True)
class ReadSummary:
    """What was read from which files: the counts, the scorer, and what was left out.

    Args:
        format: the format that the files are in.
        files: the files as the caller named them, or as they were found in a directory.
        kind: "attempts" or "ballots".
        scorer: the verdict that was read where the log has several; None if it has one, or if each is a group.
        scorers: every verdict in the files; empty where the format knows none.
        dropped: what was left out, and how many of it.
        notes: everything that was said in a `DataWarning`, a sentence each.
        groups: the data sets, in order.
        further: of how many runs and epochs the calls are, where there are several.

    `str()` makes one line of it.
    """

    format: str
    files: tuple[str, ...]
    kind: str
    scorer: str | None
    scorers: tuple[str, ...]
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    groups: tuple[GroupSummary, ...]
    further: tuple[tuple[str, int], ...] = ()

    @property
    def queries(self) -> int:
        """How many queries there are in all data sets together."""
        return sum(group.queries for group in self.groups)

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain lists and dictionaries, fit for JSON."""
        plain = asdict(self)
        return {**plain, "further": dict(self.further), "dropped": dict(self.dropped), "groups": list(plain["groups"])}

    def __str__(self) -> str:
        groups, files = self.groups, self.files
        where = _printable(files[0]) if len(files) == 1 else f"{len(files):,} files ({_printable(files[0])}, ...)"
        sets = f"{len(groups):,} data sets, " if len(groups) > 1 else ""
        least, most = min(group.calls_min for group in groups), max(group.calls_max for group in groups)
        span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        if least < most and len(groups) == 1:
            span += f" (median {groups[0].calls_median:,.10g})"
        calls = number_of(1, self.kind) if most == 1 else f"{span} {self.kind}"
        from_several = ", ".join(f"{count:,} {name}s" for name, count in self.further)
        parts = [f"{sets}{number_of(self.queries, 'queries')} x {calls}{f' of {from_several}' if from_several else ''}"]
        if self.scorers:
            chosen = f"scorer {shown(self.scorer)}" if self.scorer is not None else "scorers"
            several = "" if len(self.scorers) == 1 else f" of {shown_list(self.scorers, 6)}"
            parts.append(chosen + (several if self.scorer is not None else f" {shown_list(self.scorers, 6)}"))
        if self.kind == "ballots":
            parts.append(number_of(sum(group.answers or 0 for group in groups), "distinct answers to the queries"))
            parts.append(number_of(sum(group.blank or 0 for group in groups), "calls without an answer"))
        for name, values in (
            ("prompt", [group.prompt_tokens for group in groups]),
            ("output", [group.output_tokens for group in groups]),
        ):
            known = [value for value in values if value is not None]
            if known:
                span = f"{min(known):,.1f}" if min(known) == max(known) else f"{min(known):,.1f} to {max(known):,.1f}"
                parts.append(f"{span} {name} tokens a call")
        parts += [f"dropped {number_of(count, what)}" for what, count in self.dropped]
        return f"read {where} as {self.format}: " + "; ".join(parts)


class DataSets(dict[str, Data]):
    """Data sets by the name of their group, with a summary of what was read.

    Args:
        data: the data sets.
        summary: what was read.
    """

    def __init__(self, data: Mapping[str, Data], summary: ReadSummary) -> None:
        super().__init__(data)
        self.summary = summary


def group_summaries(data: Mapping[str, Data]) -> tuple[GroupSummary, ...]:
    """The counts of each data set: of all of them together, as they may be a hundred thousand."""
    sets = list(data.values())
    queries = np.array([len(each) for each in sets])
    if isinstance(sets[0], Attempts):
        return _summaries(data, queries, *_of_attempts([each for each in sets if isinstance(each, Attempts)], queries))
    return _summaries(data, queries, *_of_ballots([each for each in sets if isinstance(each, Ballots)], queries))


def _of_attempts(sets: Sequence[Attempts], queries: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The calls of each query, and what is known of each data set."""
    calls = np.concatenate([each.attempts for each in sets])
    return calls, {
        "right": _totals(np.concatenate([each.successes for each in sets]), queries),
        "prompt_tokens": _means([each.prompt_tokens for each in sets], calls, queries),
        "output_tokens": _means([each.tokens for each in sets], calls, queries),
    }


def _of_ballots(sets: Sequence[Ballots], queries: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """As `_of_attempts`."""
    widths = np.repeat([each.counts.shape[1] for each in sets], queries)
    counts = np.concatenate([each.counts.ravel() for each in sets])
    worth = np.concatenate([(each.correct if each.verdicts is None else each.verdicts).ravel() for each in sets])
    blank = np.concatenate([np.zeros(len(each), np.int64) if each.blank is None else each.blank for each in sets])
    calls = _totals(counts, widths) + blank
    found = {
        "right": _totals(np.rint(_totals(worth * counts, widths)).astype(np.int64), queries),
        "answers": _totals(_totals((counts > 0).astype(np.int64), widths), queries),
        "blank": _totals(blank, queries),
        "prompt_tokens": _means([each.prompt_tokens for each in sets], calls, queries),
    }
    tokens = [np.full(1, np.nan) if each.tokens is None else each.tokens.ravel() for each in sets]
    sizes = np.array([len(each) for each in tokens])
    return calls, {**found, "output_tokens": _means(tokens, np.ones(sizes.sum()), sizes)}


def _summaries(
    names: Iterable[str], queries: np.ndarray, calls: np.ndarray, found: dict[str, np.ndarray]
) -> tuple[GroupSummary, ...]:
    start = np.cumsum(queries) - queries
    ordered = calls[np.lexsort((calls, np.repeat(np.arange(len(queries)), queries)))]
    columns = {
        "queries": queries,
        "calls": _totals(calls, queries),
        "calls_min": ordered[start],
        "calls_median": (ordered[start + (queries - 1) // 2] + ordered[start + queries // 2]) / 2,
        "calls_max": ordered[start + queries - 1],
        "answers": np.full(len(queries), None),
        "blank": np.full(len(queries), None),
        **found,
    }
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return tuple(
        GroupSummary(name=name, **dict(zip(columns, row, strict=True))) for name, row in zip(names, rows, strict=True)
    )


def _totals(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The sums of so many values each, which are at least one."""
    return np.add.reduceat(values, np.cumsum(sizes) - sizes)


def _means(tokens: Sequence[np.ndarray | None], calls: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The mean over the calls of each data set of what is known, None where nothing is."""
    if all(each is None for each in tokens):
        return np.full(len(sizes), None)
    values = [np.full(size, np.nan) if each is None else each for each, size in zip(tokens, sizes, strict=True)]
    flat = np.concatenate(values)
    weight = np.where(np.isfinite(flat), calls, 0.0)
    total, known = _totals(np.where(weight > 0, flat, 0.0) * weight, sizes), _totals(weight, sizes)
    means = np.full(len(sizes), None)
    means[known > 0] = total[known > 0] / known[known > 0]
    return means


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
