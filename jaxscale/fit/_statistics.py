"""Recorded attempts boiled down to what a likelihood needs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractLaw


class Compressed(NamedTuple):
    """The distinct (attempts, successes) pairs of a data set; likelihoods are weighted sums over them.

    Attributes:
        statistics: what the law's likelihood needs, first axis over distinct pairs.
        weights: how many queries have each pair; 0 for padding.
        pair: for each query, the index of its pair.
    """

    statistics: Any
    weights: Float[Array, " pairs"]
    pair: np.ndarray


def compress(law: AbstractLaw, data: Attempts) -> Compressed:
    """Group equal queries, and pad to a power of two so that data sets of similar size share one compilation.

    Args:
        law: the law whose statistics are wanted.
        data: what was recorded.

    Returns:
        The distinct pairs; their number is a power of two, 16 or more.
    """
    pairs, pair, counts = np.unique(
        np.stack([data.attempts, data.successes], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    size = max(16, 1 << (len(pairs) - 1).bit_length())
    pairs = np.concatenate([pairs, np.repeat(pairs[:1], size - len(pairs), axis=0)])
    weights = np.concatenate([counts, np.zeros(size - len(counts))])
    statistics = jax.tree.map(jnp.asarray, law.statistics(pairs[:, 0], pairs[:, 1]))
    return Compressed(statistics, jnp.asarray(weights, jnp.result_type(float)), pair.reshape(-1))
