"""Answer distributions drawn from a Dirichlet law."""

from typing import TYPE_CHECKING

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats
from jaxscale.difficulty._beta import Beta
from jaxscale.difficulty._parameters import FollowsDtype, check_parameters, parameter, positive
from jaxscale.sampling import log_gamma_variate


class DirichletAnswers(FollowsDtype, eqx.Module):
    """Each query has its own answer distribution, drawn from Dirichlet(concentration); answer 0 is right.

    The probability of the right answer is Beta(concentration[0], sum of the others), so coverage needs no more.

    Args:
        concentration: one positive number per answer, two answers or more; shape (answers,).

    Raises:
        ValueError: if a concentration is not positive, or there are fewer than two.

    Source:
        docs/mathematics.md, "Many answers".

    Example:
        >>> model = DirichletAnswers([1.0, 0.5, 0.5])  # the right answer's probability is uniform
        >>> print(round(float(model.pass_at_k(3)), 5))
        0.75
    """

    concentration: Float[Array, " answers"] = parameter(positive)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, concentration: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)
        shape = jnp.shape(self.concentration)
        if not shape or shape[-1] < 2:
            raise ValueError(f"DirichletAnswers: concentration has shape {shape}: expected (answers,), 2 or more")

    @property
    def difficulty(self) -> Beta:
        """The law of the right answer's probability."""
        return Beta(self.concentration[..., 0], self.concentration[..., 1:].sum(axis=-1))

    def log_failure(self, k: ArrayLike | Array) -> Floats:
        """Log of the probability that k calls at a random query are all wrong; shape of `k`."""
        return self.difficulty.log_failure(k)

    def pass_at_k(self, k: ArrayLike | Array) -> Floats:
        """The probability that at least one of k calls at a random query is right; shape of `k`."""
        return self.difficulty.pass_at_k(k)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> Floats:
        """Draw answer distributions, in log space so that rare answers are not rounded to 0.

        Args:
            key: a typed JAX key.
            shape: shape of the draw.

        Returns:
            Log probabilities, shape (*shape, answers).

        Example:
            >>> log_p = DirichletAnswers([0.01, 0.01]).sample(jax.random.key(0), (1000,))
            >>> bool((log_p < -200).any()), bool(jnp.allclose(jnp.exp(log_p).sum(-1), 1))
            (True, True)
        """
        log_gammas = log_gamma_variate(key, self.concentration, (*shape, *self.concentration.shape))
        return jax.nn.log_softmax(log_gammas, axis=-1)
