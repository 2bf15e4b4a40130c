"""The models that can be named, and where a fit of each starts."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts
from jaxscale.difficulty import (
    AbstractLaw,
    Beta,
    CorrelatedTrials,
    ExponentiatedPowerLaw,
    Grid,
    Kumaraswamy,
    PowerLaw,
    ScaledBeta,
    TwoPoint,
)


class NamedModel(NamedTuple):
    """A model that `fit` knows by name.

    Attributes:
        law: its class.
        start: the start point for a data set.
        free: the parameters to fit; None for those the model declares.
    """

    law: type[AbstractLaw]
    start: Callable[[Attempts], AbstractLaw]
    free: tuple[str, ...] | None = None


def _rates(data: Attempts) -> np.ndarray:
    """Success rates kept off 0 and 1 by half a success."""
    return (data.successes + 0.5) / (data.attempts + 1.0)


def _shape(data: Attempts) -> tuple[float, float]:
    """A Beta with the mean rate of the data and an exponent in the range that language models show."""
    mean = float(np.mean(_rates(data)))
    return 0.4, 0.4 * (1 - mean) / mean


def _solved(data: Attempts) -> float:
    """The share of solved queries, kept off 0 and 1."""
    return (np.count_nonzero(data.successes) + 0.5) / (len(data) + 1.0)


def _two_point(data: Attempts) -> TwoPoint:
    rates = np.sort(_rates(data))
    low, high = np.quantile(rates, [0.25, 0.75])
    return TwoPoint(0.5, min(1.5 * high, 0.5 + high / 2), low / 2)


def _scaled_beta(data: Attempts) -> ScaledBeta:
    largest = min(0.99, 1.3 * float(_rates(data).max()))
    mean = float(np.mean(_rates(data))) / largest
    return ScaledBeta(0.4, 0.4 * (1 - mean) / mean, largest)


NAMED_MODELS: dict[str, NamedModel] = {
    "beta": NamedModel(Beta, lambda data: Beta(*_shape(data))),
    "beta-ceiling": NamedModel(
        Beta, lambda data: Beta(*_shape(data), ceiling=(1 + _solved(data)) / 2), ("a", "b", "ceiling")
    ),
    "scaled-beta": NamedModel(ScaledBeta, _scaled_beta),
    "kumaraswamy": NamedModel(Kumaraswamy, lambda data: Kumaraswamy(*_shape(data))),
    "two-point": NamedModel(TwoPoint, _two_point),
    "grid": NamedModel(Grid, lambda data: Grid.spanning(int(data.attempts.max()))),
    "power-law": NamedModel(PowerLaw, lambda data: PowerLaw(1 - 0.9 * float(np.mean(_rates(data))), 0.3)),
    "exponentiated-power-law": NamedModel(
        ExponentiatedPowerLaw, lambda data: ExponentiatedPowerLaw(-np.log(np.mean(_rates(data))), 0.3)
    ),
    "correlated-trials": NamedModel(
        CorrelatedTrials, lambda data: CorrelatedTrials(1 - float(np.mean(_rates(data))), 0.7)
    ),
}


def named_model(name: str) -> NamedModel:
    """Look a model up by name.

    Args:
        name: for instance "beta".

    Returns:
        Its start point and free parameters.

    Raises:
        ValueError: for an unknown name; the message lists the known ones.
    """
    if name not in NAMED_MODELS:
        raise ArgumentError("model", name, f"one of {', '.join(NAMED_MODELS)}")
    return NAMED_MODELS[name]
