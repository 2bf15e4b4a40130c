"""Difficulty with finitely many values: a point, two points, a grid."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote, promoting
from jaxscale._checks import check_calls
from jaxscale.difficulty._base import AbstractDifficulty
from jaxscale.difficulty._parameters import check_parameters, parameter, simplex, unit_interval
from jaxscale.special import binomial_probability, log_mixture, log_power


def _solved(p: Floats, k: ArrayLike | Array) -> Floats:
    """1 - (1-p)^k, whose derivative at p = 1 its logarithm does not have: 1 for a single call, 0 for more."""
    check_calls(k)
    p, k = promote(p, k)
    certain = p == 1
    sure = jnp.where(k == 0, 0.0, 1 - jnp.power(1 - p, jnp.where(k == 0, 1.0, k)))
    return jnp.where(certain, sure, -jnp.expm1(k * jnp.log1p(-jnp.where(certain, 0.5, p))))


class PointMass(AbstractDifficulty):
    """Every query has the same success probability p: pass@k = 1 - (1-p)^k.

    Args:
        p: the success probability, in [0, 1]; 0 is never solved, 1 always. Scalar.

    Raises:
        ValueError: if p is outside its range.

    Source:
        docs/mathematics.md, "Difficulty laws".

    Example:
        >>> print(round(float(PointMass(0.5).pass_at_k(2)), 5))
        0.75
    """

    p: Float[Array, ""] = parameter(unit_interval)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, p: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log p^successes (1-p)^failures, with 0^0 = 1; see `AbstractDifficulty.log_moment`."""
        return log_power(self.p, successes, failures)

    def pass_at_k(self, k: ArrayLike | Array) -> Floats:
        """Coverage, differentiable in p from 0 to 1; see `AbstractLaw.pass_at_k`."""
        return _solved(self.p, k)

    def count_probability(self, right: ArrayLike | Array, calls: ArrayLike | Array) -> Floats:
        """Differentiable in p from 0 to 1; see `AbstractDifficulty.count_probability`."""
        return binomial_probability(self.p, right, calls)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """log p and log(1 - p), repeated; see `AbstractDifficulty.sample`."""
        return jnp.full(shape, jnp.log(self.p)), jnp.full(shape, jnp.log1p(-self.p))


class TwoPoint(AbstractDifficulty):
    """A share of easy queries with one success probability, and hard ones with another.

    pass@k = easy_share * (1 - (1-p_easy)^k) + (1-easy_share) * (1 - (1-p_hard)^k).

    Args:
        easy_share: share of the easy queries, in [0, 1]. Scalar.
        p_easy: success probability of the easy ones, in [0, 1].
        p_hard: success probability of the hard ones, in [0, 1].

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        [Chen24], the data sets D(alpha, p1, p2) of Theorem 2 (there p_hard < 1/2 < p_easy, which voting needs).

    Example:
        >>> print(round(float(TwoPoint(0.5, 0.9, 0.1).pass_at_k(1)), 5))
        0.5
    """

    easy_share: Float[Array, ""] = parameter(unit_interval)
    p_easy: Float[Array, ""] = parameter(unit_interval)
    p_hard: Float[Array, ""] = parameter(unit_interval)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(
            self, easy_share: ArrayLike | Array, p_easy: ArrayLike | Array, p_hard: ArrayLike | Array
        ) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log E[p^successes (1-p)^failures]; see `AbstractDifficulty.log_moment`."""
        values = [log_power(p, successes, failures) for p in (self.p_easy, self.p_hard)]
        return log_mixture(jnp.stack(values, axis=-1), jnp.stack([self.easy_share, 1 - self.easy_share], axis=-1))

    def pass_at_k(self, k: ArrayLike | Array) -> Floats:
        """Coverage, differentiable in p from 0 to 1; see `AbstractLaw.pass_at_k`."""
        easy, hard = (_solved(p, k) for p in (self.p_easy, self.p_hard))
        return self.easy_share * easy + (1 - self.easy_share) * hard

    def count_probability(self, right: ArrayLike | Array, calls: ArrayLike | Array) -> Floats:
        """Differentiable in p from 0 to 1; see `AbstractDifficulty.count_probability`."""
        easy, hard = (binomial_probability(p, right, calls) for p in (self.p_easy, self.p_hard))
        return self.easy_share * easy + (1 - self.easy_share) * hard

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p); see `AbstractDifficulty.sample`."""
        easy = jax.random.uniform(key, shape, self.easy_share.dtype) < self.easy_share
        p = jnp.where(easy, self.p_easy, self.p_hard)
        return jnp.log(p), jnp.log1p(-p)


class Grid(AbstractDifficulty):
    """A distribution of p on fixed points: with fitted weights, the nonparametric maximum-likelihood law.

    Args:
        p: the points, in [0, 1], 0 and 1 included; held fixed by `fit`. Shape (points,).
        weights: their probabilities, summing to 1. Shape (points,).

    Raises:
        ValueError: if a parameter is outside its range, or the shapes differ.

    Source:
        docs/mathematics.md, "Difficulty laws" and "Likelihoods of counts".

    Example:
        >>> print(round(float(Grid(p=[0.0, 0.5, 1.0], weights=[0.25, 0.5, 0.25]).pass_at_k(2)), 5))
        0.625
    """

    p: Float[Array, " points"] = parameter(unit_interval, fitted=False)
    weights: Float[Array, " points"] = parameter(simplex)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, p: ArrayLike | Array, weights: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)
        shape, weights = jnp.shape(self.p), jnp.shape(self.weights)
        if shape != weights or not shape:
            raise ValueError(f"Grid: p has shape {shape}, weights has {weights}: expected (points,) for both")

    @classmethod
    def spanning(cls, attempts: int, points: int = 200) -> "Grid":
        """Equal weights on points that resolve what `attempts` attempts per query can tell apart.

        Args:
            attempts: the largest number of attempts of a query.
            points: how many points, the atoms at 0 and 1 included.

        Returns:
            A grid with 0, 1 and, between them, points equally spaced in logit(p) from 0.01/attempts to one minus that.

        Example:
            >>> Grid.spanning(1000).p.shape
            (200,)
        """
        ends = np.log(0.01 / attempts)
        inner = 1 / (1 + np.exp(-np.linspace(ends, -ends, points - 2)))
        return cls(jnp.asarray(np.concatenate([[0.0], inner, [1.0]])), jnp.full(points, 1 / points))

    @promoting()
    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log sum_g weights_g p_g^successes (1-p_g)^failures; see `AbstractDifficulty.log_moment`."""
        successes, failures = promote(successes, failures)
        return log_mixture(log_power(self.p, successes[..., None], failures[..., None]), self.weights)

    @promoting()
    def pass_at_k(self, k: ArrayLike | Array) -> Floats:
        """Coverage, differentiable in p from 0 to 1; see `AbstractLaw.pass_at_k`."""
        (k,) = promote(k)
        return jnp.sum(self.weights * _solved(self.p, k[..., None]), axis=-1)

    @promoting()
    def count_probability(self, right: ArrayLike | Array, calls: ArrayLike | Array) -> Floats:
        """Differentiable in p from 0 to 1; see `AbstractDifficulty.count_probability`."""
        right, calls = promote(right, calls)
        return jnp.sum(self.weights * binomial_probability(self.p, right[..., None], calls[..., None]), axis=-1)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p); see `AbstractDifficulty.sample`."""
        below = jnp.cumsum(self.weights)
        chance = jax.random.uniform(key, shape, below.dtype) * below[-1]
        p = self.p[jnp.searchsorted(below, chance, side="right")]
        return jnp.log(p), jnp.log1p(-p)
