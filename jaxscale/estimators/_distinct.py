"""The distinct queries of a data set: most logs have far fewer of them than queries."""

from typing import NamedTuple

import numpy as np

from jaxscale.data import Attempts


class Distinct(NamedTuple):
    """Distinct (attempts, successes) pairs, padded to a power of two so that similar data share compilations.

    Attributes:
        attempts: (pairs,) int64.
        successes: (pairs,) int64.
        queries: (pairs,) how many queries have each pair, float64; 0 for padding.
        pair: for each query, the index of its pair.
    """

    attempts: np.ndarray
    successes: np.ndarray
    queries: np.ndarray
    pair: np.ndarray


def padded_size(size: int, least: int = 1) -> int:
    """The smallest power of two that is at least `size` and `least`."""
    return max(least, 1 << max(size - 1, 0).bit_length())


def distinct(data: Attempts) -> Distinct:
    """Group equal queries.

    Args:
        data: what was recorded.

    Returns:
        The distinct pairs, 128 or a larger power of two of them.

    Example:
        >>> distinct(Attempts(attempts=[5, 5, 5], successes=[2, 0, 2])).queries[:3].tolist()
        [1.0, 2.0, 0.0]
    """
    pairs, pair, counts = np.unique(
        np.stack([data.attempts, data.successes]), axis=1, return_inverse=True, return_counts=True
    )
    extra = padded_size(len(counts), 128) - len(counts)
    attempts, successes = np.pad(pairs, ((0, 0), (0, extra)), mode="edge")
    return Distinct(attempts, successes, np.pad(counts, (0, extra)).astype(np.float64), pair.reshape(-1))
