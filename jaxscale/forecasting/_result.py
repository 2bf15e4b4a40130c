"""What a forecast is."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._result import Result


@dataclass(frozen=True)
class ForecastModel:
    """The model behind a forecast.

    Attributes:
        name: its name; "auto" for an average.
        parameters: parameter values by constructor argument; for an average, those of the model that weighs most.
        weights: share of each averaged model by name; a single entry of 1 where one model was asked for.
    """

    name: str
    parameters: Mapping[str, Any]
    weights: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """The name, with the shares of an average."""
        if len(self.weights) < 2:
            return self.name
        shares = sorted(self.weights.items(), key=lambda item: -item[1])
        return f"{self.name}: " + ", ".join(f"{share:.0%} {name}" for name, share in shares)


class Joint(NamedTuple):
    """Draws of a mean from the posterior of a pool of groups, the same draws for each of them.

    Attributes:
        pool: what was learnt of them; one object for all groups of the pool.
        draws: (draws, *calls.shape) of the mean over the queries of one group.
    """

    pool: object
    draws: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(Result):
    """A curve of values with intervals.

    Attributes:
        calls: numbers of calls, int64, any shape.
        value: the forecast at each, shape of `calls`, float64.
        lower: lower end of the interval.
        upper: upper end of the interval.
        model: what was used beyond the recorded calls.
        kind: "estimate" within the recorded calls of every query, else "forecast"; shape of `calls`.
        level: probability that the interval claims to hold.
        over: what the interval is for: "these" queries on a further run, or the "population" they come from.
        per_query: the forecast of each query, whose mean `value` is; shape (queries, *calls.shape). None for coverage
            of these very queries, which does not keep it.
        posterior_variance: over a population, the variance of the mean beyond that of a sample of queries with those
            forecasts: what is not known of their chances; shape of `calls`.
        joint: draws that other forecasts share, where groups were forecast together.
    """

    calls: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    model: ForecastModel
    kind: np.ndarray
    level: float = 0.9
    over: Literal["these", "population"] = "these"
    per_query: np.ndarray | None = None
    posterior_variance: np.ndarray | None = None
    joint: Joint | None = None

    def curve(self) -> list[dict[str, Any]]:
        """One entry per number of calls, in the order asked: "calls", "value", "lower", "upper" and "kind"."""
        names = ("calls", "value", "lower", "upper", "kind")
        rows = zip(*(np.asarray(getattr(self, name)).reshape(-1).tolist() for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    def probability_at_least(self, target: ArrayLike) -> np.ndarray:
        """The probability that what is forecast comes out at `target` or above.

        The predictive law is rebuilt from the value and the ends of the interval: a normal law of arcsin(sqrt(v)) with
        its median at the value and a spread of its own on either side, so that the ends keep the probabilities that
        they claim; nothing is known between them but that.

        Args:
            target: shares; broadcast with `calls`.

        Returns:
            Probabilities in [0, 1] of the broadcast shape.

        Example:
            >>> curve = Forecast([10], [0.6], [0.5], [0.7], ForecastModel("beta", {}), np.array(["forecast"]))
            >>> curve.probability_at_least([0.5, 0.6, 0.7]).round(3)
            array([0.95, 0.5 , 0.05])
        """
        goal, *law = np.broadcast_arrays(_angle(target), *self._law())
        middle, below, above = law
        gap = goal - middle
        width = np.where(gap <= 0, below, above)
        # A side without width is certain: only what lies on the value's other side happens.
        deviations = np.divide(gap, width, out=np.where(gap > 0, np.inf, -np.inf), where=width > 0)
        return np.vectorize(_upper_tail, otypes=[float])(deviations)

    def quantiles(self, probability: ArrayLike) -> np.ndarray:
        """The inverse of `probability_at_least`: the shares that are undercut with the given probabilities.

        Args:
            probability: in (0, 1), any shape.

        Returns:
            Shares, shape of `calls` behind that of `probability`.

        Example:
            >>> curve = Forecast([10], [0.6], [0.5], [0.7], ForecastModel("beta", {}), np.array(["forecast"]))
            >>> curve.quantiles([0.05, 0.5, 0.95]).round(3).tolist()
            [[0.5], [0.6], [0.7]]
        """
        deviations = np.vectorize(NormalDist().inv_cdf, otypes=[float])(probability)
        middle, below, above = self._law()
        deviations = deviations.reshape(*deviations.shape, *[1] * middle.ndim)
        angle = middle + deviations * np.where(deviations < 0, below, above)
        return np.square(np.sin(np.clip(angle, 0, np.pi / 2)))

    def _law(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Median and the standard deviations below and above it, of arcsin(sqrt(v))."""
        middle, low, high = (_angle(array) for array in (self.value, self.lower, self.upper))
        end = NormalDist().inv_cdf((1 + self.level) / 2)
        return middle, (middle - low) / end, (high - middle) / end

    def to_dict(self) -> dict[str, Any]:
        """The forecast as plain numbers, lists and strings."""
        return {
            "model": {
                "name": self.model.name,
                "parameters": dict(self.model.parameters),
                "weights": dict(self.model.weights),
            },
            "level": self.level,
            "over": self.over,
            "curve": self.curve(),
        }

    def _columns(self) -> dict[str, Sequence[Any]]:
        rows = self.curve()
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _notes(self) -> list[str]:
        return [f"model beyond the data: {self.model}"]


def _angle(share: ArrayLike) -> np.ndarray:
    """Where the noise of a share is nearly normal, and both 0 and 1 are finite."""
    return np.arcsin(np.sqrt(np.clip(np.asarray(share, float), 0, 1)))


def _upper_tail(deviations: float) -> float:
    return math.erfc(deviations / math.sqrt(2)) / 2


def joined(first: Forecast, second: Forecast) -> Forecast:
    """Two forecasts of one thing as one, in order of calls."""
    _, chosen = np.unique(np.concatenate([first.calls, second.calls]), return_index=True)
    return _picked((first, second), chosen)


def select(forecast: Forecast, chosen: np.ndarray) -> Forecast:
    """Some of the points of a forecast."""
    return _picked((forecast,), chosen)


def _picked(forecasts: Sequence[Forecast], chosen: np.ndarray) -> Forecast:
    """Some of the points of forecasts of one thing, one after the other."""

    def points(arrays: Sequence[np.ndarray | None]) -> np.ndarray | None:
        known = [array for array in arrays if array is not None]
        return np.concatenate(known, axis=-1)[..., chosen] if len(known) == len(forecasts) else None

    names = ("calls", "value", "lower", "upper", "kind", "per_query", "posterior_variance")
    arrays: dict[str, Any] = {name: points([getattr(each, name) for each in forecasts]) for name in names}
    joints = [each.joint for each in forecasts]
    draws = points([None if joint is None else joint.draws for joint in joints])
    joint = None if draws is None or joints[0] is None else joints[0]._replace(draws=draws)
    return dataclasses.replace(forecasts[0], **arrays, joint=joint)
