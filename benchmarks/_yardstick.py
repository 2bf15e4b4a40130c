"""How good forecasts are: errors and intervals of many forecasts against their truths, gathered and summed up."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.table import Table

LEVEL = 0.9


@dataclass
class Record:
    """What one method said of one group (a data set, a family) at one budget, forecast by forecast."""

    truth: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, truth: float, value: float, lower: float, upper: float, seconds: float) -> None:
        """One more forecast."""
        for name, x in (("truth", truth), ("value", value), ("lower", lower), ("upper", upper), ("seconds", seconds)):
            getattr(self, name).append(float(x))


@dataclass
class Ledger:
    """Records by (claim, regime, group, method).

    A claim is what the truth is: "these" (a further run on the very queries) or "population" (the expectation).
    """

    records: dict[tuple[str, str, str, str], Record] = field(default_factory=dict)

    def add(self, key: tuple[str, str, str, str], *entry: float) -> None:
        """One more forecast, `entry` as `Record.add` takes it."""
        self.records.setdefault(key, Record()).add(*entry)

    def chosen(self, claim: str, regime: str | None, group: str | None, method: str) -> list[Record]:
        """The records that fit; None stands for any."""
        return [
            record
            for (c, r, g, m), record in self.records.items()
            if (c, m) == (claim, method) and regime in (None, r) and group in (None, g)
        ]

    def names(self, place: int, claim: str | None = None) -> list[str]:
        """Distinct claims (0), regimes (1), groups (2) or methods (3), in order of first use."""
        return list(dict.fromkeys(key[place] for key in self.records if claim in (None, key[0])))


def summary(records: Iterable[Record], level: float = LEVEL) -> dict[str, Any]:
    """Figures over all forecasts of some records.

    Returns:
        forecasts (their number), rmse, bias (forecast minus truth), coverage (share of intervals that hold the truth),
        above (share of truths above their interval), width, interval_score (width plus 2/(1 - level) times the distance
        by which the truth is outside, Gneiting and Raftery 2007; lower is better), all means over forecasts; seconds,
        the median (a mean would count compilation).
    """
    records = list(records)
    truth, value, lower, upper, seconds = (
        np.concatenate([getattr(record, name) for record in records])
        for name in ("truth", "value", "lower", "upper", "seconds")
    )
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return {
        "forecasts": len(truth),
        "rmse": float(np.sqrt(np.mean(np.square(value - truth)))),
        "bias": float(np.mean(value - truth)),
        "coverage": float(np.mean((lower <= truth) & (truth <= upper))),
        "above": float(np.mean(truth > upper)),
        "width": float(np.mean(upper - lower)),
        "interval_score": float(np.mean(upper - lower + 2 / (1 - level) * outside)),
        "seconds": float(np.median(seconds)),
    }


def timed(function: Callable[[], Any]) -> tuple[Any, float]:
    """What a function returns, and how long it took."""
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def rows(ledger: Ledger, kind: str) -> list[dict[str, Any]]:
    """One row for each claim, regime, group and method, and for each regime over all groups ("all").

    Of a kind of pool there is little in one regime: pools have rows over all regimes ("all"), too.
    """
    result = []
    for claim in ledger.names(0):
        for regime in [*ledger.names(1, claim), *(["all"] if kind == "pools" else [])]:
            for group in [*ledger.names(2, claim), "all"]:
                for method in ledger.names(3, claim):
                    chosen = (None if name == "all" else name for name in (regime, group))
                    found = ledger.chosen(claim, *chosen, method)
                    if found:
                        name = f"{kind}: {regime}, {group}, {method}, {claim}"
                        keys = {"claim": claim, "regime": regime, "group": group, "method": method}
                        result.append({"name": name, "kind": kind, **keys, **summary(found)})
    return result


def against_rivals(
    ledger: Ledger, ours: str, rivals: list[str], regimes: list[str], claim: str = "these"
) -> dict[str, Any]:
    """Our error as a multiple of the best rival's, regime by regime, and on single groups.

    Returns:
        ratios: by regime (error over all groups, over that of the best rival in it); best: which rival that was;
        geometric_mean of the ratios; worst_group: by regime, the group on which our error exceeds 1.15 times that of
        the rival that is best over all groups, plus 0.01, by most, and by how much (positive: the goal is missed).
    """
    ratios, best, worst = {}, {}, {}
    for regime in regimes:
        if not ledger.chosen(claim, regime, None, ours):
            continue
        errors = {m: summary(ledger.chosen(claim, regime, None, m))["rmse"] for m in [ours, *rivals]}
        best[regime] = min(rivals, key=errors.__getitem__)
        ratios[regime] = errors[ours] / errors[best[regime]]
        excess = {
            group: summary(ledger.chosen(claim, regime, group, ours))["rmse"]
            - 1.15 * summary(ledger.chosen(claim, regime, group, best[regime]))["rmse"]
            - 0.01
            for group in ledger.names(2, claim)
            if ledger.chosen(claim, regime, group, ours)
        }
        group = max(excess, key=excess.__getitem__)
        worst[regime] = (group, excess[group])
    mean = float(np.exp(np.mean(np.log(list(ratios.values())))))
    return {"ratios": ratios, "best": best, "geometric_mean": mean, "worst_group": worst}


def verdict(ledger: Ledger, kind: str, ours: str, rivals: list[str], regimes: list[str]) -> list[dict[str, Any]]:
    """`against_rivals` as a row of a report; none where nothing was measured of ours, or of any rival."""
    rivals = [rival for rival in rivals if rival in ledger.names(3)]
    if not rivals or not any(ledger.chosen("these", regime, None, ours) for regime in regimes):
        return []
    name = f"{kind}: {ours} against the best rival"
    return [{"name": name, "kind": f"{kind} summary", **against_rivals(ledger, ours, rivals, regimes)}]


FIGURES = ("rmse", "bias", "coverage", "above", "width", "interval_score", "seconds")
_SHARES = ("coverage", "above")
_OF_KINDS = ("rmse", "coverage", "above", "width")


def report(found: list[dict[str, Any]], ours: str) -> Iterator[Table | str]:
    """Tables of the rows of `rows` and `verdict`, part by part ("real", "simulated", "pools")."""
    for part in ("real", "simulated", "pools"):
        here = [row for row in found if row["kind"] == part]
        for claim in dict.fromkeys(row["claim"] for row in here):
            yield from _claim_tables(part, claim, [row for row in here if row["claim"] == claim], ours)
        for row in found:
            if row["kind"] == f"{part} summary":
                yield _words(row)


def _claim_tables(part: str, claim: str, found: list[dict[str, Any]], ours: str) -> Iterator[Table]:
    for regime in dict.fromkeys(row["regime"] for row in found):
        here = [row for row in found if row["regime"] == regime]
        over_all = [row for row in here if row["group"] == "all"]
        yield _figures(f"{part}, {regime}, over {claim}: {over_all[0]['forecasts']} forecasts", over_all)
        for figure in {"real": ("rmse",), "simulated": (), "pools": _OF_KINDS if regime == "all" else ()}[part]:
            yield _by_group(f"{part}, {regime}, over {claim}: {figure}", here, "method", figure)
    mine = [row for row in found if row["method"] == ours]
    if part == "simulated" and mine:
        title = f"{part}, over {claim}: how often {LEVEL:.0%} intervals of {ours} cover"
        yield _by_group(title, mine, "regime", "coverage")


def _words(row: dict[str, Any]) -> str:
    ratios = ", ".join(f"{r}: {x:.2f} ({row['best'][r]})" for r, x in row["ratios"].items())
    worst = ", ".join(f"{r}: {x:+.3f} ({group})" for r, (group, x) in row["worst_group"].items())
    return (
        f"{row['name']}: error ratio {ratios}; geometric mean {row['geometric_mean']:.3f} (wanted: at most 0.95, and "
        f"1.05 in each). Worst group against 1.15 x that rival + 0.01 (wanted: at most 0): {worst}."
    )


def _figures(title: str, found: list[dict[str, Any]]) -> Table:
    """All figures, method by method."""
    table = Table(title=title, title_justify="left")
    table.add_column("method")
    for figure in FIGURES:
        table.add_column(figure.replace("_", " "), justify="right")
    for row in found:
        shown = [f"{row[x]:.1%}" if x in _SHARES else f"{row[x]:.4f}" for x in FIGURES]
        table.add_row(row["method"], *shown)
    return table


def _by_group(title: str, found: list[dict[str, Any]], across: str, figure: str) -> Table:
    """One figure by group (rows) and the field `across` (columns)."""
    columns = list(dict.fromkeys(row[across] for row in found))
    table = Table(title=title, title_justify="left")
    table.add_column("group")
    for column in columns:
        table.add_column(column, justify="right")
    for group in dict.fromkeys(row["group"] for row in found):
        at = {row[across]: row[figure] for row in found if row["group"] == group}
        shown = ((f"{at[x]:.0%}" if figure in _SHARES else f"{at[x]:.3f}") if x in at else "" for x in columns)
        table.add_row(group, *shown)
    return table
