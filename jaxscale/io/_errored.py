"""Calls that ended in an error, or have no verdict: left out or counted as wrong, once for every format."""

import numpy as np

from jaxscale._words import number_of
from jaxscale.io._table import Table, coded_as

ERRORS = ("error", "errored")
"""Columns that say that a call ended in an error: true, or the error."""

CHOICES = ("wrong", "drop")
"""What may become of such calls."""

_NONE = ("", "false", "0", "0.0", "none", "null", "nan")


def settled(table: Table, name: str, scored: np.ndarray, default: str, asked: str | None) -> tuple[Table, np.ndarray]:
    """The table with a verdict for the calls that ended in an error or have none, and which rows are to be kept.

    Where the other choice gives another pass@1, by more than its standard error, a note says which.

    Args:
        table: what was read, its verdicts true, false or null.
        name: the column of verdicts.
        scored: which rows have a verdict, shape (rows,).
        default: what the tool does with calls without a verdict.
        asked: what a person wants of these, and of calls that ended in an error; None for what the tool does.
    """
    if scored.all() and not any(table.has(name) for name in ERRORS):
        return table, scored
    broken = _errored(table)
    lost = ~scored if asked is None else ~scored | broken
    choice = asked or default
    keep = ~lost if choice == "drop" else np.ones(len(table), bool)
    missing = broken | ~scored
    right = table.says(name, "true") & ~lost
    if missing.any() and not missing.all() and "problem" in table.columns:
        table = table.saying(*_difference(table, right, missing, keep))
    if choice == "wrong" and lost.any():
        table = table.with_column(name, coded_as(right, ("false", "true")))
        table = table.saying(
            f"{number_of(int(lost.sum()), 'calls')} that ended in an error or without a verdict counted as wrong"
        )
    return table, keep


def _errored(table: Table) -> np.ndarray:
    """Which rows say that their call ended in an error."""
    result = np.zeros(len(table), bool)
    for name in ERRORS:
        if table.has(name):
            codes, values = table.coded(name)
            result |= np.array([value.strip().lower() not in _NONE for value in values])[codes]
    return result


def _difference(table: Table, right: np.ndarray, missing: np.ndarray, keep: np.ndarray) -> list[str]:
    """What the other choice would give, where it matters."""
    codes, _ = table.coded("problem")
    now, error = _mean(codes[keep], right[keep])
    other = "drop" if (keep & missing).any() else "wrong"
    than, _ = _mean(codes[~missing], right[~missing]) if other == "drop" else _mean(codes, right & ~missing)
    if not abs(now - than) > error:
        return []
    way = "left out" if other == "drop" else "counted as wrong"
    return [
        f"{missing.sum():,} of {len(table):,} calls ended in an error or have no verdict: with these {way} "
        f"(--errors {other}) pass@1 is {than:.4f}, not {now:.4f}"
    ]


def _mean(codes: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """The mean over problems of the share of right calls, and its standard error."""
    calls = np.bincount(codes)
    shares = np.bincount(codes, right, len(calls))[calls > 0] / calls[calls > 0]
    return float(shares.mean()), float(shares.std(ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else np.inf
