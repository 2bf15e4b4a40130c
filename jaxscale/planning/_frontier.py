"""The most accuracy for every amount spent, and where one choice overtakes another."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxscale.forecasting import MARGIN
from jaxscale.planning._ahead import standard_error
from jaxscale.planning._candidate import Candidate, Curve

# A choice takes the lead where it is ahead by the margin, and with probability 0.9: so many standard errors.
_SURE = 1.2816
_DENSE = 400
_MOST_COSTS = 4096


@dataclass(frozen=True, eq=False)
class Stretch:
    """A range of spending in which one choice is the most accurate.

    Attributes:
        candidate: the choice.
        costs: from the cost of one query at which it leads to that at which another does, or the highest looked at.
        calls: the calls that it makes at either end.
        values: the accuracy there.
    """

    candidate: Candidate
    costs: tuple[float, float]
    calls: tuple[int, int]
    values: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """The stretch as plain numbers and strings."""
        ends = {"costs": self.costs, "calls": self.calls, "values": self.values}
        return {
            "name": self.candidate.name,
            "system": self.candidate.system_name,
            **{name: list(pair) for name, pair in ends.items()},
        }


def frontier(curves: Sequence[Curve], recommended: tuple[Curve, float] | None = None) -> tuple[Stretch, ...]:
    """Which choice is the most accurate at each cost, from the cheapest call to the costliest point of a curve.

    A curve is interpolated linearly in the logarithm of the number of calls. Costs that fall between two whole numbers
    of calls are reached by one more call at some of the queries; a choice takes the lead with a whole number at all of
    them. No budget has to be spent: at any cost a choice counts with the best accuracy that it has for that cost or
    less.

    The search starts at the recommended choice and goes to lower and to higher costs. The leader changes only where
    another choice is ahead by more than noise (by `MARGIN`, and with probability 0.9): the best one takes the lead. At
    costs below the leader's first call, the cheapest choice that is behind by no more than noise takes it. So there are
    few stretches, and the recommended choice lies on one of its own. Each change is then moved to the cost at which the
    two curves cross.

    Args:
        curves: of all candidates, in one unit of cost.
        recommended: one of them and what it costs a query; None for the most accurate at the highest cost.

    Returns:
        Stretches in order of cost, each beginning where the one before it ends.

    Example:
        >>> from jaxscale.data import Attempts
        >>> from jaxscale.forecasting import Forecast, ForecastModel
        >>> from jaxscale.planning._cost import Cost
        >>> from jaxscale.systems import PassAtK
        >>> def curve(name, price, value):
        ...     model, kind = ForecastModel("beta", {}), np.array(["estimate"] * 2)
        ...     forecast = Forecast(np.array([1, 2]), *np.array([value] * 3), model, kind)
        ...     return Curve(Candidate(name, Attempts([2], [1]), PassAtK(), Cost(price), "money"), forecast)
        >>> [s.candidate.name for s in frontier([curve("small", 1.0, [0.2, 0.4]), curve("large", 2.0, [0.5, 0.7])])]
        ['small', 'large']
    """
    bests = [_best_so_far(curve) for curve in curves]
    costs = np.unique(np.concatenate([best.costs for best in bests]))
    if len(costs) > _MOST_COSTS:
        costs = costs[np.unique(np.rint(np.linspace(0, len(costs) - 1, _MOST_COSTS)).astype(int))]
    values = np.stack([np.interp(costs, best.costs, best.values, left=-np.inf) for best in bests])
    leader = values.argmax(axis=0)
    known = [best.costs.tolist() for best in bests]
    errors: dict[tuple[int, int, int, int], float] = {}

    def at(index: int, point: int) -> int:
        """The place of the most calls that a curve makes at a cost."""
        return bisect.bisect_right(known[index], costs[point]) - 1

    def holds(index: int, point: int) -> bool:
        """Whether a curve is behind the leader at a cost by no more than noise."""
        ahead = int(leader[point])
        behind = values[ahead, point] - values[index, point]
        if behind <= MARGIN or not np.isfinite(behind):
            return bool(behind <= MARGIN)
        places = index, int(bests[index].nearest[at(index, point)]), ahead, int(bests[ahead].nearest[at(ahead, point)])
        if places not in errors:
            errors[places] = standard_error(curves[index], places[1], curves[ahead], places[3])
        return bool(behind <= _SURE * errors[places])

    def next_leader(before: int, point: int) -> int:
        if holds(before, point):
            return before
        if np.isfinite(values[before, point]):
            return int(leader[point])
        alike = [index for index in range(len(curves)) if holds(index, point)]
        return min(alike, key=lambda index: (known[index][0], -values[index, point]))

    if recommended is None:
        start, chosen = len(costs) - 1, int(leader[-1])
    else:
        chosen = next(index for index, curve in enumerate(curves) if curve is recommended[0])
        start = max(int(np.searchsorted(costs, recommended[1] * (1 + 1e-12), side="right")) - 1, 0)
    led = np.empty(len(costs), int)
    led[start] = chosen
    for points, neighbour in ((range(start - 1, -1, -1), 1), (range(start + 1, len(costs)), -1)):
        for point in points:
            led[point] = next_leader(int(led[point + neighbour]), point)
    _move_to_crossings(led, values, start)

    changes = np.flatnonzero(np.diff(led, prepend=-1)).tolist()
    starts: list[tuple[int, float]] = []
    for first, last in zip(changes, [*(change - 1 for change in changes[1:]), len(costs) - 1], strict=True):
        index, cost = int(led[first]), float(costs[first])
        place = at(index, first)
        if starts and known[index][place] < cost and place < at(index, last):
            cost = known[index][place + 1]  # the fewest calls at all queries that are no worse than what led before
        starts.append((index, cost))
    ends = [*(cost for _, cost in starts[1:]), max(float(curve.spend[-1]) for curve in curves)]
    stretches = []
    for number, ((index, cost), end) in enumerate(zip(starts, ends, strict=True), 1):
        low = bisect.bisect_right(known[index], cost) - 1
        high = len(known[index]) if number == len(starts) else bisect.bisect_left(known[index], end)
        best, places = bests[index], [low, max(low, high - 1)]
        calls, found = best.calls[places].tolist(), best.values[places].tolist()
        stretches.append(Stretch(curves[index].candidate, (cost, end), (calls[0], calls[1]), (found[0], found[1])))
    return tuple(stretches)


def _move_to_crossings(led: np.ndarray, values: np.ndarray, kept: int) -> None:
    """Move each change of the leader to where the curves cross, within the range where they differ by noise only.

    Args:
        led: (costs,) who leads; changed in place.
        values: (curves, costs) accuracy, -inf where a curve has no call.
        kept: the cost whose leader stays.
    """
    changes = [0, *(np.flatnonzero(np.diff(led)) + 1).tolist(), len(led)]
    for place in range(1, len(changes) - 1):
        first, change, end = changes[place - 1 : place + 2]
        before, after = int(led[first]), int(led[change])
        lead = values[before, first:end] - values[after, first:end]
        # The place of the change at which what lies on either side adds up to the most.
        total = np.concatenate([[0.0], np.cumsum(np.where(np.isfinite(lead), lead, 1.0))])
        low, high = (
            (kept + 1, end) if first <= kept < change else (first, kept) if change <= kept < end else (first, end)
        )
        low, high = max(low, first + 1), min(high, end - 1)
        crossing = low + int(np.argmax(total[low - first : high - first + 1])) if low <= high else change
        led[first:crossing], led[crossing:end] = before, after
        changes[place] = crossing


class _Best(NamedTuple):
    """The numbers of calls at which a curve is better than at any fewer.

    Attributes:
        costs: what each costs.
        calls: the numbers of calls.
        values: the curve there.
        nearest: the place of the nearest point of the forecast.
    """

    costs: np.ndarray
    calls: np.ndarray
    values: np.ndarray
    nearest: np.ndarray


def _best_so_far(curve: Curve) -> _Best:
    k = curve.forecast.calls
    dense = np.union1d(k, np.rint(np.geomspace(k[0], k[-1], _DENSE)).astype(int))
    values = np.interp(np.log(dense), np.log(k), curve.forecast.value)
    rises = values > np.maximum.accumulate(np.concatenate([[-1.0], values[:-1]]))
    calls = dense[rises]
    # Costs of equally many rounds are equal: of these the last counts.
    costs = curve.spend_at(calls)
    last = np.append(costs[1:] > costs[:-1], True)
    nearest = np.rint(np.interp(np.log(calls), np.log(k), np.arange(len(k)))).astype(int)
    return _Best(costs[last], calls[last], values[rises][last], nearest[last])
