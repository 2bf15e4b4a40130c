"""The most accuracy for every amount spent, and where one choice overtakes another."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxscale.plan._candidate import Candidate, Curve

MARGIN = 0.005
"""By how much a choice must be ahead to take the lead: less is nothing that a forecast could tell apart."""

_DENSE = 400

_Step = tuple[float, int, int, float]  # cost, curve, calls, accuracy


@dataclass(frozen=True, eq=False)
class Stretch:
    """A range of spending in which one choice is the most accurate.

    Args:
        candidate: the choice.
        costs: from the cost of one query at which it leads to the highest looked at before another does.
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


def frontier(curves: Sequence[Curve]) -> tuple[Stretch, ...]:
    """Who leads at which cost, from the cheapest call to the costliest looked at.

    Between the numbers of calls of a curve its accuracy is interpolated in their logarithm. Nobody has to spend all: at
    any cost a choice counts with its best accuracy so far. The lead changes where another is ahead by `MARGIN`.

    Args:
        curves: of all candidates, in one unit of cost.

    Returns:
        Stretches in order of cost, each beginning where the one before it ends.

    Example:
        >>> from jaxscale.data import Attempts
        >>> from jaxscale.forecast import Forecast, ForecastModel
        >>> from jaxscale.plan._cost import Cost
        >>> from jaxscale.systems import PassAtK
        >>> def curve(name, price, value):
        ...     model, kind = ForecastModel("beta", {}), np.array(["estimate"] * 2)
        ...     forecast = Forecast(np.array([1, 2]), *np.array([value] * 3), model, kind)
        ...     return Curve(Candidate(name, Attempts([2], [1]), PassAtK(), Cost(price), "money"), forecast)
        >>> [s.candidate.name for s in frontier([curve("small", 1.0, [0.2, 0.4]), curve("large", 2.0, [0.5, 0.7])])]
        ['small', 'large']
    """
    steps: list[_Step] = []
    for index, curve in enumerate(curves):
        k = curve.forecast.k
        dense = np.union1d(k, np.rint(np.geomspace(k[0], k[-1], _DENSE)).astype(int))
        values = np.interp(np.log(dense), np.log(k), curve.forecast.value)
        rises = values > np.maximum.accumulate(np.concatenate([[-1.0], values[:-1]]))
        costs = curve.spend_at(dense[rises])
        steps.extend(
            zip(costs.tolist(), [index] * len(costs), dense[rises].tolist(), values[rises].tolist(), strict=True)
        )
    steps.sort(key=lambda step: (step[0], step[3]))

    stretches: list[Stretch] = []
    best: dict[int, _Step] = {}
    begun: _Step | None = None
    for cost, at_once in itertools.groupby(steps, key=lambda step: step[0]):
        for step in at_once:
            best[step[1]] = step
        top = step  # the last is the most accurate
        if begun is None:
            begun = top
        elif top[3] > best[begun[1]][3] + MARGIN:
            stretches.append(_stretch(curves, begun, best[begun[1]], cost))
            begun = top
    assert begun is not None
    last = max(float(curve.spend[-1]) for curve in curves)
    return (*stretches, _stretch(curves, begun, best[begun[1]], last))


def _stretch(curves: Sequence[Curve], begun: _Step, best: _Step, end: float) -> Stretch:
    return Stretch(curves[begun[1]].candidate, (begun[0], end), (begun[2], best[2]), (begun[3], best[3]))
