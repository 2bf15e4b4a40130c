"""Recorded attempts boiled down to what a likelihood needs."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractLaw
from jaxscale.estimators import distinct


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
    """Group equal queries and compute what the law's likelihood needs of them.

    Args:
        law: the law whose statistics are wanted.
        data: what was recorded.

    Returns:
        The distinct pairs; their number is a power of two, 128 or more.
    """
    pairs = distinct(data)
    statistics = jax.tree.map(jnp.asarray, law.statistics(pairs.attempts, pairs.successes))
    return Compressed(statistics, jnp.asarray(pairs.queries, jnp.result_type(float)), pairs.pair)
