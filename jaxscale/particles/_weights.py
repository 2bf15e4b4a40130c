"""Weights of particles, and resampling by them; particles lie along the last axis."""

import numpy as np
from jaxtyping import Float, Int


def normalised(log_weights: Float[np.ndarray, "*sets particles"]) -> Float[np.ndarray, "*sets particles"]:
    """Weights that sum to 1 over the particles."""
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def log_mean_exp(log_weights: Float[np.ndarray, "*sets particles"]) -> Float[np.ndarray, "*sets"]:
    """Logarithm of the mean weight, which estimates a ratio of evidences."""
    top = log_weights.max(axis=-1)
    mean: np.ndarray = np.exp(log_weights - top[..., None]).mean(axis=-1)
    return top + np.log(mean)


def effective_number(log_weights: Float[np.ndarray, "*sets particles"]) -> Float[np.ndarray, "*sets"]:
    """How many equally weighted particles are worth as much: (sum w)^2 / sum w^2.

    Example:
        >>> effective_number(np.log([[1.0, 1.0, 1.0], [1.0, 1e-9, 1e-9]])).round(6).tolist()
        [3.0, 1.0]
    """
    weights = np.exp(log_weights - log_weights.max(axis=-1, keepdims=True))
    total: np.ndarray = weights.sum(axis=-1)
    return np.square(total) / np.square(weights).sum(axis=-1)


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
