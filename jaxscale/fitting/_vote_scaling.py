"""The scaling model of Chen et al.: each query's voting accuracy as a curve in the number of calls."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError
from jaxscale._result import Result
from jaxscale.fitting._optimise import lbfgs

_SMALLEST = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class VoteScaling(Result):
    """Fitted curves of voting accuracy.

    Easy queries follow 1 - exp(-a K - b sqrt(K) - c), hard ones exp(-a K - b sqrt(K) - c), with a, b, c >= 0; queries
    whose best right and best wrong answers tie stay where they are.

    Attributes:
        easy: (queries,) whether a query is easy, bool.
        level: (queries,) constant accuracy of tied queries; nan for the others.
        coefficients: (queries, 3) a, b and c.
    """

    easy: np.ndarray
    level: np.ndarray
    coefficients: np.ndarray

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {
            "query": list(range(len(self.easy))),
            "easy": self.easy.tolist(),
            "level": self.level.tolist(),
            **dict(zip("abc", self.coefficients.T.tolist(), strict=True)),
        }

    def accuracy(self, calls: np.ndarray) -> np.ndarray:
        """Accuracy of each query.

        Args:
            calls: (budgets,) numbers of calls.

        Returns:
            (queries, budgets) in [0, 1].
        """
        features = np.stack([calls, np.sqrt(calls), np.ones(len(calls))])
        failing = np.exp(-self.coefficients @ features)
        curve = np.where(self.easy[:, None], 1 - failing, failing)
        return np.where(np.isnan(self.level)[:, None], curve, self.level[:, None])


def fit_vote_scaling(calls: np.ndarray, accuracy: np.ndarray, difficulty: np.ndarray) -> VoteScaling:
    """Fit one curve per query by least squares, all queries in one vmapped call of optax's L-BFGS.

    Args:
        calls: (budgets,) a few small numbers of calls.
        accuracy: (queries, budgets) voting accuracy measured at them.
        difficulty: (queries,) d(x), the share of the most frequent wrong answer less that of the right one: negative
            for easy queries, positive for hard ones.

    Returns:
        The fitted curves.

    Raises:
        ValueError: if the shapes do not fit each other.

    Source:
        docs/mathematics.md, "Scaling of votes"; [Chen24] section 4.

    Example:
        >>> calls = np.array([1, 3, 5])
        >>> curve = 1 - np.exp(-0.4 * calls)[None]
        >>> fit_vote_scaling(calls, curve, np.array([-0.3])).accuracy(np.array([9])).round(2).tolist()
        [[0.97]]
    """
    calls, accuracy, difficulty = (np.asarray(x, np.float64) for x in (calls, accuracy, difficulty))
    if accuracy.shape != (len(difficulty), len(calls)):
        expected = (len(difficulty), len(calls))
        raise ArgumentError(
            "accuracy", accuracy.shape, f"(queries, budgets) = {expected}", found=f" has shape {accuracy.shape}"
        )
    easy, tied = difficulty < 0, difficulty == 0
    with float64():
        coefficients = np.asarray(_fit(*(jnp.asarray(x) for x in (calls, accuracy, easy))))
    return VoteScaling(easy, np.where(tied, accuracy.mean(axis=1), np.nan), coefficients)


@jax.jit
def _fit(
    calls: Float[Array, " budgets"], accuracy: Float[Array, "queries budgets"], easy: Array
) -> Float[Array, "queries 3"]:
    # Features of size about 1 leave the optimiser without a preferred direction.
    features = jnp.stack([calls / calls.max(), jnp.sqrt(calls / calls.max()), jnp.ones_like(calls)])

    def loss(target: Array, is_easy: Array, vector: Array) -> Array:
        falling = jnp.exp(-jnp.square(vector) @ features)
        return jnp.mean(jnp.square(jnp.where(is_easy, 1 - falling, falling) - target))

    def one(target: Array, is_easy: Array) -> Array:
        # Squares keep the coefficients at or above 0 and let the optimum lie on the boundary.
        first = jnp.clip(jnp.where(is_easy, 1 - target[0], target[0]), 0.05, 0.95)
        start = jnp.sqrt(jnp.maximum(-jnp.log(first) * jnp.array([0.3, 0.3, 0.4]), _SMALLEST))
        return lbfgs(jax.value_and_grad(functools.partial(loss, target, is_easy)), start, 100).vector

    scale = jnp.stack([calls.max(), jnp.sqrt(calls.max()), jnp.ones_like(calls[0])])
    return jnp.square(jax.vmap(one)(accuracy, easy)) / scale
