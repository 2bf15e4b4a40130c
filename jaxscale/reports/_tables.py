"""The numbers of a report as tables: what was read, what it says, and what every chart shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from jaxscale.forecasting import Forecast
from jaxscale.io import ReadSummary
from jaxscale.reports._analysis import Budgets, Group, at
from jaxscale.reports._charts import SIDES, lead_counts, leads, solved_shares
from jaxscale.reports._format import between, listed, number, percent, points, span
from jaxscale.reports._words import verdict

Columns: TypeAlias = list[tuple[str, str | None]]

MOST_QUERIES = 500


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of each names it.

    Attributes:
        caption: what it shows.
        head: the names of the columns, each with the key of the explanation of its numbers, or None.
        rows: the cells.
    """

    caption: str
    head: Columns
    rows: Sequence[Sequence[str]]


def overview(groups: Sequence[Group], budgets: Budgets, noun: str) -> Table:
    """One line for each data set, in the order of `groups`."""
    if len(groups) == 1:
        return _by_calls(groups[0], budgets)
    if all(group.votes for group in groups):
        columns: Columns = [
            (noun, None),
            ("queries", None),
            ("calls each", None),
            ("one call", "vote"),
            ("best vote", "vote"),
            ("of calls", "best"),
            ("gain", "best"),
            ("does a vote help?", "best"),
            (f"any right in {number(budgets.common)}", "coverage"),
        ]
        rows = []
        for group in groups:
            vote = group.votes[0]
            best = vote.best
            rows.append(
                [
                    group.name,
                    number(len(group.attempts)),
                    _calls(group),
                    percent(vote.single),
                    percent(vote.top),
                    best.words[0] + (", a forecast" if best.foretold else ""),
                    points(best.gain),
                    verdict(vote),
                    percent(at(group.coverage, budgets.common).value),
                ]
            )
        return Table("Sorted by the best vote", columns, rows)
    common, last = budgets.common, budgets.last
    columns = [
        (noun, None),
        ("queries", None),
        ("calls each", None),
        ("one call", "coverage"),
        (f"any right in {number(common)}", "coverage"),
        (f"in {number(last)}", "coverage-forecast"),
        (f"{groups[0].coverage.level:.0%} interval", "interval"),
        ("never solved", "spread"),
    ]
    rows = []
    for group in groups:
        ahead = at(group.coverage, last)
        rows.append(
            [
                group.name,
                number(len(group.attempts)),
                _calls(group),
                percent(at(group.coverage, 1).value),
                percent(at(group.coverage, common).value),
                percent(ahead.value),
                between(ahead.lower, ahead.upper),
                percent(group.never),
            ]
        )
    return Table(f"Sorted by coverage at {number(common)} calls", columns, rows)


def _by_calls(group: Group, budgets: Budgets) -> Table:
    """What several numbers of calls give: one line for each."""
    curves = [
        *((f"right by {vote.system.title}", vote.curve, "filter" if vote.filtered else "vote") for vote in group.votes)
    ]
    curves.append(("at least one right", group.coverage, "coverage"))
    best = [vote.best.calls for vote in group.votes]
    level = f"{group.coverage.level:.0%} interval"
    columns: Columns = [("calls", None)]
    for label, _, key in curves:
        columns += [(label, key), (level, "interval")]
    rows = []
    for k in sorted({*budgets.table, *best}):
        row = [number(k) + (" (best vote)" if k in best else "")]
        forecast = False
        for _, curve, _ in curves:
            if k in curve.calls:
                entry = at(curve, k)
                forecast |= entry.beyond
                row += [percent(entry.value), between(entry.lower, entry.upper)]
            else:
                row += ["not foretold", ""]
        rows.append([*row, "forecast" if forecast else "measured"])
    return Table("What a number of calls gives", [*columns, ("measured or forecast", "coverage-forecast")], rows)


def source_facts(summary: ReadSummary) -> list[tuple[str, str]]:
    """What a reader says of the files, beyond the counts of `what_was_read`."""
    facts = [("Read from", listed(list(summary.files), 6)), ("As", f"{summary.format}, {summary.kind}")]
    if summary.scorers:
        several = f", of {listed(list(summary.scorers), 6)}" if len(summary.scorers) > 1 else ""
        facts.append(("Judged by", summary.scorer + several if summary.scorer else listed(list(summary.scorers), 6)))
    facts.append(("Left out", "; ".join(f"{number(count)} {what}" for what, count in summary.dropped) or "nothing"))
    return facts


def what_was_read(groups: Sequence[Group], noun: str) -> Table:
    """How much each data set holds."""
    ballots = any(group.ballots for group in groups)
    labels = ["queries", "fewest calls", "median", "most", "calls in all", "of them right"]
    rows = []
    for group in groups:
        attempts, right = group.attempts.attempts, group.attempts.successes.sum()
        row = [
            group.name,
            number(len(attempts)),
            number(int(attempts.min())),
            f"{np.median(attempts):,.0f}",
            number(int(attempts.max())),
            number(int(attempts.sum())),
            number(int(right)),
        ]
        if ballots:
            each = group.ballots
            row += (
                ["", ""]
                if each is None
                else [number(int((each.counts > 0).sum())), number(int(np.asarray(each.blank).sum()))]
            )
        rows.append(row)
    return Table(
        "What each data set holds", head(noun, labels + ["different answers", "without answer"] * ballots), rows
    )


def _calls(group: Group) -> str:
    return span(int(group.attempts.attempts.min()), int(group.attempts.attempts.max()))


def head(noun: str, labels: Sequence[str]) -> Columns:
    """Columns without explanations, after one that names the rows."""
    return [(noun, None), *((label, None) for label in labels)]


def curve_table(caption: str, curves: Mapping[str, Forecast], budgets: Sequence[int], noun: str) -> Table:
    rows = []
    for name, curve in curves.items():
        cells = [at(curve, k) for k in budgets]
        rows.append(
            [
                name,
                *(
                    f"{percent(c.value)} ({between(c.lower, c.upper)})" + (", forecast" if c.beyond else "")
                    for c in cells
                ),
            ]
        )
    labels = ["1 call", *(f"{k:,} calls" for k in budgets[1:])]
    return Table(f"{caption}, with intervals", head(noun, labels), rows)


def parts_table(groups: Sequence[Group], noun: str) -> Table:
    rows = []
    for group in groups:
        recorded = group.votes[0].recorded
        for part, estimate in recorded.parts.items():
            best = estimate.calls == recorded.best.calls
            difficulty = recorded.difficulty.difficulty
            size = {"easy": difficulty < 0, "hard": difficulty > 0, "tied": difficulty == 0}[part].sum()
            rows.append(
                [
                    f"{group.name}: {part}",
                    number(int(size)),
                    percent(float(estimate.value[0])),
                    f"{percent(float(estimate.value[best][0]))} ({number(recorded.best.calls)})",
                    f"{percent(float(estimate.value[-1]))} ({number(int(estimate.calls[-1]))})",
                ]
            )
    labels = ["queries", "one call", "best recorded number of calls", "most calls looked at"]
    return Table("Accuracy of a vote over easy and over hard queries", head(noun, labels), rows)


def margins_table(groups: Sequence[Group], noun: str) -> Table:
    rows = []
    for group in groups:
        counts = dict.fromkeys(SIDES, 0)
        for (_, _, side), count in lead_counts(group).items():
            counts[side] += count
        lead = -group.votes[0].recorded.difficulty.difficulty
        quartiles = np.quantile(lead, (0.25, 0.5, 0.75))
        rows.append([group.name, *(number(counts[side]) for side in SIDES), *(points(float(q)) for q in quartiles)])
    labels = [*SIDES, "lead: lower quartile", "median", "upper quartile"]
    return Table("Queries by the lead of the right answer", head(noun, labels), rows)


def solved_table(groups: Sequence[Group], noun: str) -> Table:
    """What `_charts.solved` shows."""
    counts = {group.name: solved_shares(group) for group in groups}
    labels = list(dict.fromkeys(label for shares in counts.values() for label in shares))
    rows = [
        [name, *(number(shares[label]) if label in shares else "" for label in labels)]
        for name, shares in counts.items()
    ]
    return Table("Queries by the share of their calls that were right", head(noun, labels), rows)


def queries_table(group: Group) -> Table:
    """Each query of a data set, the hardest first; the first ones of very many."""
    attempts, successes = group.attempts.attempts, group.attempts.successes
    labels = group.attempts.query or tuple(f"number {index + 1}" for index in range(len(attempts)))
    share = successes / attempts
    columns = head("query", ["calls", "right", "share"])
    lead, sides = share, None
    if group.votes:
        lead, sides = leads(group)
        columns += [("lead in a vote", "easy"), ("for a vote", "easy")]
    order = np.lexsort((share, lead))[:MOST_QUERIES]
    rows = []
    for index in order:
        row = [labels[index], number(int(attempts[index])), number(int(successes[index])), percent(float(share[index]))]
        if sides is not None:
            row += [points(float(lead[index])), str(sides[index])]
        rows.append(row)
    many = f", the first {number(MOST_QUERIES)} of {number(len(attempts))}" if len(attempts) > MOST_QUERIES else ""
    return Table(f"Query by query, the hardest first{many}", columns, rows)
