"""What a report says of each data set, as numbers: curves, best numbers of calls, and how queries spread."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._checks import MAX_CALLS
from jaxscale.data import Attempts, Ballots
from jaxscale.estimators import BestMajority, VoteCurve, vote_curve
from jaxscale.forecasting import MOST_FORECAST_CALLS, Forecast, GroupForecasts, best_vote, forecast, select
from jaxscale.systems import FilterVote, Vote

_AHEAD = 10  # how many times the recorded calls a report looks ahead
_POINTS = {Attempts: 50, Ballots: 24}  # of a curve: a forecast of votes takes time for each of them
_FEW = 8  # data sets; each of more is drawn with half of the points


@dataclass(frozen=True, eq=False)
class Voted:
    """A vote over the ballots of one data set.

    Attributes:
        system: how the ballots become an answer.
        curve: accuracy at many increasing numbers of calls, up to half of the ballots and beyond all of them.
        recorded: what the ballots say without a model.
        best: the best number of calls, on the recorded curve or, where it is higher, on the forecast.
    """

    system: Vote | FilterVote
    curve: Forecast
    recorded: VoteCurve
    best: BestMajority

    @property
    def filtered(self) -> bool:
        """Whether a filter checks the answers."""
        return bool(self.system.checks(1))

    @property
    def single(self) -> float:
        """Accuracy of one answer."""
        return float(self.recorded.estimate.value[0])

    @property
    def top(self) -> float:
        """Accuracy at the best number of calls."""
        if self.best.forecast:
            return at(self.curve, self.best.calls).value
        estimate = self.recorded.estimate
        return float(estimate.value[estimate.calls == self.best.calls][0])

    @property
    def drawn(self) -> Forecast:
        """The curve without what lies between half of the ballots and all: draws overlap so much that it jumps."""
        return select(self.curve, (self.curve.calls <= self.recorded.shape.last) | (self.curve.kind == "forecast"))

    @property
    def helps(self) -> bool:
        """Whether a vote beats one call beyond the noise, as recorded or as forecast."""
        return self.best.helps or self.recorded.best.helps

    @property
    def judged(self) -> bool:
        """Whether enough calls were recorded to judge a vote: one over two of them is as good as one call."""
        return self.recorded.shape.last > 2

    @property
    def falls(self) -> bool:
        """Whether the last move of the recorded curve is down."""
        return self.recorded.shape.moves[-1:] == ("falls",)


@dataclass(frozen=True, eq=False)
class Group:
    """One data set of a report.

    Attributes:
        name: what it is called.
        attempts: what was recorded, as right or wrong.
        ballots: the answers, where there are any.
        coverage: pass@k at many increasing k, within the attempts and beyond them.
        votes: what a vote over the ballots gives: none without ballots, one with Filter-Vote more with a filter.
        place: its place among the data sets as they were given, which decides its colour.
    """

    name: str
    attempts: Attempts
    ballots: Ballots | None
    coverage: Forecast
    votes: tuple[Voted, ...]
    place: int = 0

    @property
    def recorded(self) -> int:
        """The most calls that every query was given."""
        return int(self.attempts.attempts.min())

    @property
    def never(self) -> float:
        """The share of queries that no recorded call solved."""
        return float((self.attempts.successes == 0).mean())


class Point(NamedTuple):
    """A curve at one number of calls.

    Attributes:
        calls: how many.
        value: the share of queries.
        lower: lower end of its interval.
        upper: upper end.
        beyond: whether it is a forecast.
    """

    calls: int
    value: float
    lower: float
    upper: float
    beyond: bool


def at(curve: Forecast, k: int) -> Point:
    """A curve at one of its numbers of calls."""
    row = curve.curve()[int(np.flatnonzero(curve.calls == k)[0])]
    return Point(k, row["value"], row["lower"], row["upper"], row["kind"] == "forecast")


def calls_for(curve: Forecast, value: float) -> int:
    """The fewest calls at which a rising curve reaches a value that it has somewhere, between its points in log k."""
    above = int(np.argmax(curve.value >= value))
    if above == 0:
        return int(curve.calls[0])
    low, high = curve.value[above - 1 : above + 1]
    start, end = np.log(curve.calls[above - 1 : above + 1])
    return int(np.ceil(np.exp(start + (end - start) * (value - low) / (high - low)) - 1e-9))


@dataclass(frozen=True)
class Budgets:
    """The numbers of calls that all data sets of a report share, so that they can be compared.

    Attributes:
        common: the most calls that every query of every data set was given.
        table: those of the tables, increasing.
    """

    common: int
    table: tuple[int, ...]

    @property
    def last(self) -> int:
        """The most calls that are looked at."""
        return self.table[-1]


def budgets_of(data: Iterable[Attempts], wanted: Sequence[int]) -> Budgets:
    """One call, powers of ten, what was recorded, and ten times as many; and any others that are wanted."""
    fewest = [int(attempts.attempts.min()) for attempts in data]
    last = min(max(_AHEAD * max(fewest), *wanted, 10), MAX_CALLS)
    tens = (10**power for power in range(13))
    return Budgets(min(fewest), tuple(sorted({k for k in tens if k <= last} | {min(fewest), last, *wanted})))


def analyse(
    data: Mapping[str, Attempts | Ballots],
    budgets: Budgets,
    *,
    level: float,
    key: PRNGKeyArray,
    progress: Callable[[str], None],
) -> list[Group]:
    """Estimate and forecast each data set.

    Args:
        data: what was recorded, by name.
        budgets: the numbers of calls of the tables; those of the curves fill the gaps.
        level: probability that the intervals are to hold.
        key: a typed JAX key, of all random draws.
        progress: called with the name of each data set before it is begun.

    Returns:
        One group for each data set, in the order of `data`.
    """
    result = []
    counted = {name: each.as_attempts for name, each in data.items()}
    forecasts = GroupForecasts(counted, key)
    for place, (name, each) in enumerate(data.items()):
        progress(name)
        attempts = counted[name]
        k = _curve(budgets, _POINTS[Attempts] // (1 + (len(data) > _FEW)), [int(attempts.attempts.min())])
        coverage = forecasts.forecast(name, k, level=level, over="these")
        ballots = each if isinstance(each, Ballots) else None
        votes = () if ballots is None else _votes(ballots, budgets, level, key)
        title = each.name if len(data) == 1 and each.name else name
        result.append(Group(title, attempts, ballots, coverage, votes, place))
    return result


def _votes(ballots: Ballots, budgets: Budgets, level: float, key: PRNGKeyArray) -> tuple[Voted, ...]:
    systems = (Vote(), FilterVote()) if ballots.kept_counts is not None else (Vote(),)
    return tuple(_voted(ballots, system, budgets, level, key) for system in systems)


def _voted(ballots: Ballots, system: Vote | FilterVote, budgets: Budgets, level: float, key: PRNGKeyArray) -> Voted:
    recorded = vote_curve(ballots, system, level=level, key=key)
    k = _curve(budgets, _POINTS[Ballots], [recorded.best.calls, recorded.shape.last, *recorded.shape.turns])
    shown = (k <= recorded.shape.last) | (k > ballots.calls.min()) | np.isin(k, budgets.table)
    k = k[shown & (k <= MOST_FORECAST_CALLS)]
    curve = forecast(system, ballots, k, level=level, key=key)
    best = best_vote(recorded, curve, key=key)
    return Voted(system, curve, recorded, best)


def _curve(budgets: Budgets, points: int, marks: Sequence[int]) -> np.ndarray:
    spread = np.minimum(np.rint(np.geomspace(1, budgets.last, points)).astype(np.int64), budgets.last)
    return np.unique(np.concatenate([spread, budgets.table, marks]))
