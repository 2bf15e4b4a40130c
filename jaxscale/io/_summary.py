"""What a reader took from files, so that a person can see whether it is what was meant."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

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
        plural = "y" if self.queries == 1 else "ies"
        from_several = ", ".join(f"{count:,} {name}s" for name, count in self.further)
        parts = [
            f"{sets}{self.queries:,} quer{plural} x {span} {self.kind}{f' of {from_several}' if from_several else ''}"
        ]
        if self.scorers:
            chosen = f"scorer {shown(self.scorer)}" if self.scorer is not None else "scorers"
            several = "" if len(self.scorers) == 1 else f" of {shown_list(self.scorers, 6)}"
            parts.append(chosen + (several if self.scorer is not None else f" {shown_list(self.scorers, 6)}"))
        if self.kind == "ballots":
            parts.append(f"{sum(group.answers or 0 for group in groups):,} distinct answers to the queries")
            parts.append(f"{sum(group.blank or 0 for group in groups):,} calls without an answer")
        for name, values in (
            ("prompt", [group.prompt_tokens for group in groups]),
            ("output", [group.output_tokens for group in groups]),
        ):
            known = [value for value in values if value is not None]
            if known:
                span = f"{min(known):,.1f}" if min(known) == max(known) else f"{min(known):,.1f} to {max(known):,.1f}"
                parts.append(f"{span} {name} tokens a call")
        parts += [f"dropped {count:,} {what}" for what, count in self.dropped]
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
    """The counts of each data set."""
    return tuple(_of_attempts(k, v) if isinstance(v, Attempts) else _of_ballots(k, v) for k, v in data.items())


def _of_attempts(name: str, data: Attempts) -> GroupSummary:
    return _group(
        name,
        data.attempts,
        right=int(data.successes.sum()),
        prompt_tokens=_mean(data.prompt_tokens, data.attempts),
        output_tokens=_mean(data.tokens, data.attempts),
    )


def _of_ballots(name: str, data: Ballots) -> GroupSummary:
    calls = data.calls
    blank = 0 if data.blank is None else int(data.blank.sum())
    return _group(
        name,
        calls,
        right=int(data.right_calls.sum()),
        answers=int(np.count_nonzero(data.counts)),
        blank=blank,
        prompt_tokens=_mean(data.prompt_tokens, calls),
        output_tokens=None if data.tokens is None else float(np.nanmean(data.tokens)),
    )


def _group(
    name: str,
    calls: np.ndarray,
    *,
    right: int,
    answers: int | None = None,
    blank: int | None = None,
    prompt_tokens: float | None,
    output_tokens: float | None,
) -> GroupSummary:
    ordered = np.sort(calls)  # a tenth of the time of np.median, which counts where groups are many
    return GroupSummary(
        name=name,
        queries=len(calls),
        calls=int(calls.sum()),
        calls_min=int(ordered[0]),
        calls_median=float(ordered[(len(calls) - 1) // 2] + ordered[len(calls) // 2]) / 2,
        calls_max=int(ordered[-1]),
        right=right,
        answers=answers,
        blank=blank,
        prompt_tokens=prompt_tokens,
        output_tokens=output_tokens,
    )


def _mean(tokens: np.ndarray | None, calls: np.ndarray) -> float | None:
    """The mean over calls of what is known per query."""
    if tokens is None:
        return None
    known = np.isfinite(tokens)
    return float(np.average(tokens[known], weights=calls[known])) if known.any() else None


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
