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
    # `np.unique` of columns takes ten times as long for a few tens of queries.
    order = np.lexsort((data.successes, data.attempts))
    both = np.stack([data.attempts, data.successes])[:, order]
    first = np.append(True, (both[:, 1:] != both[:, :-1]).any(axis=0))
    pair = np.empty(len(order), np.int64)
    pair[order] = np.cumsum(first) - 1
    counts = np.diff(np.flatnonzero(np.append(first, True))).astype(np.float64)
    extra = padded_size(len(counts), 128) - len(counts)
    attempts, successes = (np.append(x, np.full(extra, x[-1])) for x in both[:, first])
    return Distinct(attempts, successes, np.append(counts, np.zeros(extra)), pair)
