"""Mixtures of difficulty models."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote, promoting
from jaxscale.difficulty._base import AbstractDifficulty
from jaxscale.difficulty._parameters import check_parameters, parameter, simplex
from jaxscale.sampling import categorical
from jaxscale.special import log_mixture


class Mixture(AbstractDifficulty):
    """Each query follows one of several difficulty models, chosen at random.

    Atoms are written as components: `PointMass(0.0)` for queries that are never solved, `PointMass(1.0)` for those that
    always are.

    Args:
        components: difficulty models.
        weights: probability of each, summing to 1; shape (components,).

    Raises:
        ValueError: if the weights do not fit the components, or a component is no difficulty model.

    Source:
        docs/mathematics.md, "Difficulty laws".

    Example:
        >>> from jaxscale.difficulty import Beta, PointMass
        >>> never = PointMass(0.0)
        >>> print(round(float(Mixture((Beta(1.0, 1.0), never), [0.6, 0.4]).pass_at_k(2)), 5))
        0.4
    """

    components: tuple[AbstractDifficulty, ...] = eqx.field(converter=tuple)
    weights: Float[Array, " components"] = parameter(simplex)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, components: Iterable[AbstractDifficulty], weights: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)
        for component in self.components:
            if not isinstance(component, AbstractDifficulty):
                raise ValueError(f"Mixture: components hold {component!r}: expected difficulty models")
        if jnp.shape(self.weights)[-1:] != (len(self.components),):
            shape = jnp.shape(self.weights)
            raise ValueError(f"Mixture: weights has shape {shape}: expected ({len(self.components)},), one a component")

    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log E[p^successes (1-p)^failures]; see `AbstractDifficulty.log_moment`."""
        values = promote(*(component.log_moment(successes, failures) for component in self.components))
        return log_mixture(jnp.stack(values, axis=-1), self.weights)

    @promoting()
    def pass_at_k(self, k: ArrayLike | Array) -> Floats:
        """Coverage; see `AbstractLaw.pass_at_k`."""
        values = promote(*(component.pass_at_k(k) for component in self.components))
        return jnp.sum(jnp.stack(values, axis=-1) * self.weights, axis=-1)

    @promoting()
    def count_probability(self, right: ArrayLike | Array, calls: ArrayLike | Array) -> Floats:
        """The weighted mean of the components'; see `AbstractDifficulty.count_probability`."""
        values = promote(*(component.count_probability(right, calls) for component in self.components))
        return jnp.sum(jnp.stack(values, axis=-1) * self.weights, axis=-1)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p); see `AbstractDifficulty.sample`."""
        key_choice, key_values = jax.random.split(key)
        keys = jax.random.split(key_values, len(self.components))
        draws = [component.sample(key, shape) for component, key in zip(self.components, keys, strict=True)]
        choice = categorical(key_choice, self.weights, shape)
        log_p, log1m_p = (jnp.stack(promote(*values)) for values in zip(*draws, strict=True))
        return jnp.choose(choice, log_p, mode="clip"), jnp.choose(choice, log1m_p, mode="clip")
