"""Shapes that a law of difficulty may have, each a family of densities of logit p on the grid.

Densities are in float32, whose exponentials and logarithms take a quarter of the time: they are drawn by the ten
thousand, and what rounding changes is no more than a law a hair's breadth away.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxscale.forecasting._grid import POINTS

# The share of queries never solved has a logit of this mean and deviation.
_NEVER = (-4.5, 3.0)
_DENSITIES = 256  # at a time: they fit a processor's cache
_NEAR_ZERO = -0.2  # exponents from where log(1 - exp) is a series

_LOG_P, _LOG_Q, _POINTS, _LOG_LOG = (
    x.astype(np.float32)
    for x in (-np.logaddexp(0.0, -POINTS), -np.logaddexp(0.0, POINTS), POINTS, np.log(np.logaddexp(0.0, -POINTS)))
)


class Shape(NamedTuple):
    """A family of densities of logit p.

    Attributes:
        size: number of parameters, each a standard normal before the data speak.
        log_density: from (draws, size) to (draws, points), up to a constant a draw.
    """

    size: int
    log_density: Callable[[np.ndarray], np.ndarray]

    @property
    def parameters(self) -> int:
        """The number of parameters with that of the share never solved, which comes last."""
        return self.size + 1


def _lognormal(median: float, spread: float, u: np.ndarray) -> np.ndarray:
    return np.exp(math.log(median) + spread * u)[:, None]


def _softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)): `logaddexp` takes four times as long."""
    return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))


def _beta(u: np.ndarray) -> np.ndarray:
    return _lognormal(0.3, 0.9, u[:, 0]) * _LOG_P + _lognormal(4.0, 2.0, u[:, 1]) * _LOG_Q


def _power(u: np.ndarray) -> np.ndarray:
    a, b, bend = _lognormal(0.3, 0.9, u[:, 0]), _lognormal(4.0, 2.0, u[:, 1]), _lognormal(0.5, 0.8, u[:, 2])
    exponent = bend * _LOG_P
    near = exponent > _NEAR_ZERO
    far = np.log(1 - np.exp(np.where(near, np.float32(_NEAR_ZERO), exponent)))
    series = np.log(bend) + _LOG_LOG + exponent / 2 + np.square(exponent) / 24
    return a * _LOG_P + _LOG_Q + (b - 1) * np.where(near, series, far)


def _bent(u: np.ndarray) -> np.ndarray:
    left, right = _lognormal(0.4, 1.0, u[:, 0]), _lognormal(2.0, 1.3, u[:, 1])
    sharp, place = _lognormal(0.5, 0.8, u[:, 2]), -3.5 + 2.5 * u[:, 3:4]
    return left * _POINTS - (left + right) / sharp * _softplus(sharp * (_POINTS - place))


def _two(u: np.ndarray) -> np.ndarray:
    parts = []
    # The hard part may be narrow: queries that are all about as hard, and that no few calls tell from unsolvable ones.
    for shape, spread, place, reach, first in ((2.5, 1.0, -6.0, 2.0, 1), (1.0, 0.8, -1.0, 1.2, 3)):
        a = _lognormal(shape, spread, u[:, first])
        density = a * _LOG_P + a * np.exp(-(place + reach * u[:, first + 1 : first + 2])) * _LOG_Q
        parts.append(density - _log_sum(density))
    hard, easy = parts[0] + u[:, :1], parts[1]  # the hard part's share has the logit u
    return np.maximum(hard, easy) + np.log(1 + np.exp(-np.abs(hard - easy)))


def _normal(u: np.ndarray) -> np.ndarray:
    return -np.square((_POINTS - (-4.0 + 3.0 * u[:, :1])) / _lognormal(2.0, 0.5, u[:, 1])) / 2


SHAPES = {
    "beta": Shape(2, _beta),  # p^(a-1) (1-p)^(b-1)
    "power": Shape(3, _power),  # p^(a-1) (1 - p^bend)^(b-1): Kumaraswamy's law and more
    "bent": Shape(4, _bent),  # two straight slopes of log density in logit p, and a bend of any sharpness between
    "two-beta": Shape(5, _two),  # a mixture of a hard and an easy part
    "logit-normal": Shape(2, _normal),
}


def law(shape: Shape, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(draws, points) probabilities of what is solved at all, and (draws, 1) the share never solved."""
    u = np.asarray(u, np.float32)
    log_density = shape.log_density(u[:, :-1])
    never = 1 / (1 + np.exp(-(_NEVER[0] + _NEVER[1] * u[:, -1:])))
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return density / density.sum(axis=1, keepdims=True), never


def law_weights(shape: Shape, u: np.ndarray) -> np.ndarray:
    """(draws, points + 1) probability of each point of the grid, and last of p = 0; float32."""
    result = np.empty((len(u), len(POINTS) + 1), np.float32)
    for start in range(0, len(u), _DENSITIES):
        part = slice(start, start + _DENSITIES)
        density, never = law(shape, u[part])
        result[part, :-1], result[part, -1:] = density * (1 - never), never
    return result


def _log_sum(x: np.ndarray) -> np.ndarray:
    top = x.max(axis=1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))
