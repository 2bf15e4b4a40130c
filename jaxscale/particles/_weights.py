"""Weights of particles, and resampling by them; particles lie along the last axis."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int


class Weights(NamedTuple):
    """What weights of particles are worth.

    Attributes:
        normalised: (*sets, particles) weights that sum to 1.
        log_mean: (*sets,) logarithm of the mean weight, which estimates a ratio of evidences.
        effective: (*sets,) how many equally weighted particles are worth as much: (sum w)^2 / sum w^2.
    """

    normalised: np.ndarray
    log_mean: np.ndarray
    effective: np.ndarray


def weigh(log_weights: Float[np.ndarray, "*sets particles"]) -> Weights:
    """Weights from their logarithms, none of which overflows.

    Example:
        >>> weigh(np.log([[1.0, 1.0, 1.0], [1.0, 1e-9, 1e-9]])).effective.round(6).tolist()
        [3.0, 1.0]
    """
    top = log_weights.max(axis=-1)
    weights = np.exp(log_weights - top[..., None])
    total: np.ndarray = weights.sum(axis=-1)
    weights /= total[..., None]
    effective = 1 / np.einsum("...p,...p->...", weights, weights)
    return Weights(weights, top + np.log(total / weights.shape[-1]), effective)


def systematic(
    weights: Float[np.ndarray, "*sets particles"], offset: float, number: int
) -> Int[np.ndarray, "*sets number"]:
    """Systematic resampling: each particle as often as its weight says, to within one.

    Args:
        weights: normalised.
        offset: a uniform number in [0, 1).
        number: how many to choose.

    Returns:
        Indices of particles, in order.

    Example:
        >>> systematic(np.array([0.5, 0.25, 0.25]), 0.5, 4).tolist()
        [0, 0, 1, 2]
    """
    places = (np.arange(number) + offset) / number
    cumulative = np.cumsum(weights, axis=-1)
    rows = [np.searchsorted(row, places) for row in cumulative.reshape(-1, weights.shape[-1])]
    chosen = np.minimum(np.stack(rows), weights.shape[-1] - 1)
    return chosen.reshape(*weights.shape[:-1], number)
