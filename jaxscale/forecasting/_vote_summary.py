"""What recorded ballots and a forecast say of a vote: its curve, its best number of calls, whether more calls help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._result import Column, Result
from jaxscale.data import Ballots
from jaxscale.estimators import BestMajority, VoteCurve, vote_curve
from jaxscale.forecasting._best_vote import best_vote
from jaxscale.forecasting._forecast import forecast
from jaxscale.forecasting._result import Forecast, select
from jaxscale.forecasting._votes import MOST_FORECAST_CALLS
from jaxscale.systems import FilterVote, Vote

_AHEAD = 10  # times the recorded calls are looked at for the best number
_POINTS = 12  # beyond the recorded calls


@dataclass(frozen=True, eq=False, repr=False)
class VoteSummary(Result):
    """A vote within and beyond the recorded ballots.

    Attributes:
        forecast: its accuracy at the numbers of calls that were asked for.
        recorded: what the ballots say without a model.
        best: the best number of calls, on the recorded curve or, where it is higher, on the forecast.
    """

    forecast: Forecast
    recorded: VoteCurve
    best: BestMajority

    @property
    def level(self) -> float:
        """Probability that the intervals are to hold."""
        return self.forecast.level

    @property
    def queries(self) -> int:
        """How many queries there are."""
        return len(self.recorded.difficulty.difficulty)

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers, lists and strings."""
        shape, difficulty, counts = self.recorded.shape, self.recorded.difficulty, self.recorded.difficulty.counts
        parts = {}
        for name, part in self.recorded.parts.items():
            rows = zip(part.calls.tolist(), part.value.tolist(), part.standard_error.tolist(), strict=True)
            curve = [dict(zip(("calls", "value", "standard_error"), row, strict=True)) for row in rows]
            parts[name] = {"queries": counts[name], "curve": curve}
        return {
            **self.forecast.to_dict(),
            "shape": shape.kind,
            "shape_in_words": shape.words,
            "shape_beyond_noise": shape.beyond_noise,
            "shape_calls": [shape.first, shape.last],
            "best": _plain(self.best),
            "best_recorded": _plain(self.recorded.best),
            "difficulty": {**difficulty.shares, "level": self.best.level, "limit": float(difficulty.limit.mean())},
            "parts": parts,
        }

    def _columns(self) -> dict[str, Sequence[Any]]:
        columns = self.forecast._columns()
        for name, part in self.recorded.parts.items():
            value = dict(zip(part.calls.tolist(), part.value.tolist(), strict=True))
            columns[name] = [value.get(k) for k in columns["calls"]]
        return columns

    def _shown(self) -> list[Column]:
        counts = self.recorded.difficulty.counts
        names = {"value": "accuracy", **{name: f"{count} {name}" for name, count in counts.items()}}
        return [column._replace(header=names.get(column.header, column.header)) for column in super()._shown()]

    def _notes(self) -> list[str]:
        recorded, best = self.recorded, self.best
        shape, counts, shares = recorded.shape, recorded.difficulty.counts, recorded.difficulty.shares
        level = f"{best.level:.0%}"
        if shape.kind == "unknown":
            lines = ["shape: unknown, from so few ballots a query"]
        else:
            noise = ""
            if shape.moves and not shape.beyond_noise:
                noise = f", though not beyond the noise of {self.queries:,} queries"
            lines = [f"shape: {shape.words}{noise} (as recorded, from {shape.first:,} to {shape.last:,} calls)"]
            number, interval = best.words
            kind = ", a forecast" if best.forecast else ""
            lines.append(f"best: {number} calls{kind} ({level} interval {interval}), {_gain(best)}")
            if best.at_end:
                end = "the forecast" if best.forecast else "the data"
                lines.append(f"still rising at the end of {end}: more than {best.calls:,} calls were not looked at")
            lines.append(f"does voting help at all? {helps(best, recorded.best)}")
        leads = [
            f"{part}: {leader} leads in {counts[part]:,} queries, surely in {round(shares[part] * self.queries):,}"
            for part, leader in (("easy", "the right answer"), ("hard", "a wrong answer"))
        ]
        tied = f"; tied: {counts['tied']:,}" if counts["tied"] else ""
        lines.append(f"{'; '.join(leads)} (at {level} confidence){tied}")
        limit = recorded.difficulty.limit.mean()
        lines.append(f"if the recorded leaders are the true ones, accuracy tends to {limit:.4f} as calls grow")
        if self.forecast.calls.max() > shape.last:
            lines.append(
                f"beyond {shape.last:,} calls, half of the ballots, an estimate decides near ties as this record does; "
                "a forecast lets them come out either way, so the curve may step where it begins"
            )
        return [*lines, *self.forecast._notes()]

    @property
    def warning(self) -> str | None:
        """That more calls hurt, or may hurt within the noise of the queries; None where the curve does not fall."""
        shape, estimate = self.recorded.shape, self.recorded.estimate
        if shape.moves[-1:] != ("falls",):
            return None
        value = dict(zip(estimate.calls.tolist(), estimate.value.tolist(), strict=True))
        top = shape.turns[-1] if shape.turns else shape.first
        hurt, noise = "more calls hurt", ""
        if not shape.beyond_noise:
            hurt, noise = "more calls may hurt", f" (within the noise of {self.queries:,} queries)"
        return (
            f"{hurt}: accuracy falls from {value[top]:.4f} at {top:,} calls to {value[shape.last]:.4f} at "
            f"{shape.last:,}{noise}; {self.best.words[0]} is best"
        )


def vote_summary(
    system: Vote | FilterVote,
    ballots: Ballots,
    calls: Sequence[int],
    *,
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    key: PRNGKeyArray | None = None,
) -> VoteSummary:
    """All that `jaxscale vote` says of a data set: the forecast, the recorded curve, and the best number of calls.

    The best number is looked for up to ten times the recorded calls, or the most that are asked for.

    Args:
        system: Vote() or FilterVote(...).
        ballots: what was recorded.
        calls: numbers of calls.
        level: probability that the intervals hold.
        over: as for `forecast`.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        The summary; it prints as the command line does.

    Raises:
        ValueError: naming the argument and what was expected.

    Example:
        >>> summary = vote_summary(Vote(), Ballots([[8, 4]] * 9 + [[5, 7]], [[True, False]] * 10), [1, 3, 24])
        >>> summary.forecast.kind.tolist(), summary.best.forecast
        (['estimate', 'estimate', 'forecast'], True)
    """
    end = recorded_calls(system, ballots)
    last = min(max(_AHEAD * end, *calls), MOST_FORECAST_CALLS)
    beyond = np.unique(np.rint(np.geomspace(end + 1, last, _POINTS)).astype(int)).tolist() if last > end else []
    ahead = forecast(system, ballots, [*calls, *beyond], level=level, over=over, key=key)
    curve = vote_curve(ballots, system, also=[k for k in calls if k <= end], level=level, key=key)
    return VoteSummary(select(ahead, np.arange(len(calls))), curve, best_vote(curve, ahead, key=key))


def recorded_calls(system: Vote | FilterVote, ballots: Ballots) -> int:
    """The most calls that the ballots of every query make.

    Args:
        system: how many answers a number of calls gives.
        ballots: what was recorded.

    Returns:
        The number of calls.
    """
    return int(system.calls_for(int(ballots.calls.min()) + 1)) - 1


def helps(best: BestMajority, within: BestMajority) -> str:
    """Whether voting is better than one call, by the best number of calls, or else by the best within the data.

    Args:
        best: the best number of calls, which may be a forecast.
        within: the best that was recorded.

    Returns:
        The answer in words.
    """
    if best.helps:
        return "yes"
    if within.helps:
        return f"yes, within the data: {within.words[0]} calls, {_gain(within)}"
    return "no" if best.gain <= 0 else "not beyond the noise of these queries"


def _gain(best: BestMajority) -> str:
    interval = f"{best.level:.0%} interval {best.gain_lower:+.4f} to {best.gain_upper:+.4f}"
    return f"{best.gain:+.4f} over one call, {interval}"


def _plain(best: BestMajority) -> dict[str, Any]:
    return {
        "calls": best.calls,
        "at_end": best.at_end,
        "kind": "forecast" if best.forecast else "estimate",
        "lower": best.lower,
        "upper": best.upper,
        "looked_up_to": best.last,
        "gain": best.gain,
        "gain_lower": best.gain_lower,
        "gain_upper": best.gain_upper,
        "helps": best.helps,
    }
