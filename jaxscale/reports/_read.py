"""The section on what was read: files, and how much each data set holds."""

from collections.abc import Sequence

import numpy as np

from jaxscale.io import ReadSummary
from jaxscale.reports._analysis import Group
from jaxscale.reports._format import listed, number
from jaxscale.reports._parts import Table, head


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
