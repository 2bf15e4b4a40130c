"""Beta-distributed success probabilities, with an optional ceiling."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote, strong_float
from jaxscale.difficulty._base import AbstractDifficulty
from jaxscale.difficulty._parameters import check_parameters, parameter, positive, unit_interval
from jaxscale.sampling import log_beta
from jaxscale.special import log_beta_ratio, log_mix_with_one


class Beta(AbstractDifficulty):
    """Success probability p ~ Beta(a, b), for a share `ceiling` of the queries; the others are never solved.

    pass@k = ceiling * (1 - B(a, b+k) / B(a, b)); for large k the failure of the solvable ones is
    Gamma(a+b) / Gamma(b) * k^(-a), a power law.

    Args:
        a: shape at p = 0, positive: the exponent of the power law. Scalar.
        b: shape at p = 1, positive. Scalar.
        ceiling: pass@k in the limit of many calls, in [0, 1]; held fixed by `fit` unless freed by name.

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        [Levi24] Eq. 7, where Beta(alpha, beta) is the law of the FAILURE probability (see `from_failure`).

    Example:
        >>> print(round(float(Beta(1.0, 1.0).pass_at_k(3)), 5))  # k / (k + 1)
        0.75
    """

    a: Float[Array, ""] = parameter(positive)
    b: Float[Array, ""] = parameter(positive)
    ceiling: Float[Array, ""] = parameter(unit_interval, fitted=False, default=1.0)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, a: ArrayLike | Array, b: ArrayLike | Array, ceiling: ArrayLike | Array = 1.0) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    @classmethod
    def from_failure(
        cls, alpha: ArrayLike | Array, beta: ArrayLike | Array, ceiling: ArrayLike | Array = 1.0
    ) -> "Beta":
        """The model in [Levi24]'s convention, Beta(alpha, beta) for the failure probability.

        Args:
            alpha: first parameter of the failure probability's law; our `b`.
            beta: second parameter of it; our `a`.
            ceiling: as in the class.

        Returns:
            Beta(a=beta, b=alpha).

        Example:
            >>> print(float(Beta.from_failure(alpha=5.0, beta=0.5).a))
            0.5
        """
        return cls(a=strong_float(beta), b=strong_float(alpha), ceiling=strong_float(ceiling))

    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log E[p^successes (1-p)^failures]; see `AbstractDifficulty.log_moment`."""
        c, m, a, b = promote(successes, failures, self.a, self.b)
        # First the failures, then the successes given them: two negative terms, so nothing cancels. They are stacked
        # only to be compiled once.
        stacked = log_beta_ratio(jnp.stack([a, b + m]), jnp.stack([b, a]), jnp.stack([m, c]))
        solvable = stacked[0] + stacked[1]
        never = c == 0
        mixed = log_mix_with_one(self.ceiling, jnp.where(never, solvable, 0.0))
        return jnp.where(never, mixed, jnp.log(jnp.where(never, 1.0, self.ceiling)) + solvable)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p); see `AbstractDifficulty.sample`. Unsolvable queries have log p = -inf."""
        key_p, key_ceiling = jax.random.split(key)

        def capped(log_p: Floats, log1m_p: Floats) -> tuple[Floats, Floats]:
            solvable = jax.random.uniform(key_ceiling, shape, dtype=log_p.dtype) < self.ceiling
            return jnp.where(solvable, log_p, -jnp.inf), jnp.where(solvable, log1m_p, 0.0)

        # One threefry call in six would find all queries solvable where there is no ceiling.
        unlimited = jnp.all(self.ceiling >= 1)
        return lax.cond(unlimited, lambda *both: both, capped, *log_beta(key_p, self.a, self.b, shape))
