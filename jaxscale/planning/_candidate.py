"""What a plan chooses between: a data set under a system at a cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._numpy import ReadOnlyArrays
from jaxscale.data import Attempts, Ballots
from jaxscale.forecasting import Forecast, GroupForecasts, forecast, select
from jaxscale.planning._cost import Cost
from jaxscale.planning._solve_once import expected_calls
from jaxscale.systems import AbstractSystem, Measure

Unit: TypeAlias = Literal["money", "flops", "seconds"]
Over: TypeAlias = Literal["these", "population"]

MOST_CALLS = {"coverage": (10**6, 10**12), "accuracy": (10**4, 10**5)}
"""The most calls a query that are looked at, usually and at all, by what is measured: accuracy soon settles."""

_FIRST = 10  # numbers of calls up to this are all looked at,
_POINTS = 29  # and so many more, evenly spaced in their logarithm
_REFINED = 20  # further points between two of those where a goal is reached
_SIZE = 40


@dataclass(frozen=True, eq=False)
class Candidate:
    """A data set under a system at a cost.

    Attributes:
        name: of the data set.
        data: what was recorded.
        system: how calls become an answer.
        cost: what calls cost.
        unit: what they are counted in.
    """

    name: str
    data: Attempts | Ballots
    system: AbstractSystem
    cost: Cost
    unit: Unit

    @property
    def label(self) -> str:
        """The data set and the system."""
        return f"{self.name}, {self.system_name}"

    @property
    def system_name(self) -> str:
        """The system as the command line names it."""
        return self.system.command

    @property
    def measures(self) -> Measure:
        """What comes out: coverage takes a perfect verifier for granted, accuracy nothing."""
        return self.system.measures

    def spend(self, calls: np.ndarray) -> np.ndarray:
        """The cost of one query, in `unit`, with as many checks as the system makes."""
        calls = np.asarray(calls, float)
        return np.asarray(getattr(self.cost, self.unit)(calls, self.system.checks(calls)), float)

    def seconds(self, calls: int) -> float:
        """The time of one query."""
        return float(self.cost.seconds(float(calls), self.system.checks(float(calls))))

    def affordable(self, budget: float, most: int) -> int:
        """The most calls, up to `most`, that cost at most `budget` a query; 0 if not even one does."""
        low, high = 0, most + 1
        while high - low > 1:
            middle = (low + high) // 2
            # Prices are no binary fractions: a budget of 3 is to pay for 3 calls at 0.1 times 10.
            if self.spend(np.asarray(middle)) <= budget * (1 + 1e-12):
                low = middle
            else:
                high = middle
        return low


@dataclass(frozen=True, eq=False)
class Curve(ReadOnlyArrays):
    """The forecast of a candidate at increasing numbers of calls, and what they cost.

    Attributes:
        candidate: what it is of.
        forecast: accuracy or coverage.
        spend: cost of one query, shape of `forecast.calls`.
    """

    candidate: Candidate
    forecast: Forecast
    spend: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        calls = self.forecast.calls
        if self.candidate.system.stops_when_solved:
            calls = expected_calls(self.candidate.data.as_attempts, self.forecast)
        object.__setattr__(self, "spend", self.candidate.spend(calls))
        super().__post_init__()

    def spend_at(self, calls: np.ndarray) -> np.ndarray:
        """The cost of one query with numbers of calls in the range of the curve."""
        if self.candidate.system.stops_when_solved:
            k = np.log(self.forecast.calls)
            return np.exp(np.interp(np.log(calls), k, np.log(self.spend)))
        return self.candidate.spend(calls)

    def within(self, budget: float) -> "Curve":
        """The part that costs at most so much a query; the first point at least."""
        chosen = self.spend <= max(budget * (1 + 1e-12), self.spend[0])
        return Curve(self.candidate, select(self.forecast, chosen))


def forecast_candidate(
    candidate: Candidate,
    calls: Sequence[int],
    forecasts: GroupForecasts,
    *,
    level: float,
    over: Over,
    key: PRNGKeyArray | None,
) -> Forecast:
    """The forecast of a candidate at numbers of calls, each once and in order; that of coverage by all data sets."""
    data, system = candidate.data, candidate.system
    # Always as many, some of them twice, so that nothing is compiled anew for another data set.
    ordered = np.sort(np.resize(calls, _SIZE))
    if system.measures == "coverage":
        result = forecasts.forecast(candidate.name, ordered, level=level, over=over)
    else:
        result = forecast(system, data, ordered, level=level, over=over, key=key)
    return select(result, np.diff(ordered, prepend=0) > 0)


def grid(most: int) -> list[int]:
    """Numbers of calls to look at, up to `most`."""
    first = np.arange(1, min(most, _FIRST) + 1)
    beyond = np.rint(np.geomspace(_FIRST, most, _POINTS)).astype(int) if most > _FIRST else first
    return np.union1d(first, beyond).tolist()


def between(low: int, high: int) -> list[int]:
    """Numbers of calls between two, ends included: all of them, or some."""
    return np.unique(np.rint(np.linspace(low, high, _REFINED)).astype(int)).tolist()
