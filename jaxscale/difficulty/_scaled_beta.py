"""Beta-distributed success probabilities that stop short of 1."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.difficulty._base import AbstractDifficulty
from jaxscale.difficulty._parameters import check_parameters, parameter, positive, unit_interval
from jaxscale.sampling import log_beta
from jaxscale.special import log_beta_function, log_beta_ratio, log_integral, log_power


class ScaledBeta(AbstractDifficulty):
    """Success probability p = scale * x with x ~ Beta(a, b): no query is easier than `scale`.

    1 - pass@k = E[(1 - scale * x)^k] = 2F1(-k, a; a + b; scale).

    Args:
        a: shape at p = 0, positive: the exponent of the power law. Scalar.
        b: shape at p = scale, positive. Scalar.
        scale: the largest success probability, in [0, 1]; 1 gives `Beta(a, b)`.

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        docs/mathematics.md, "Difficulty laws" and "Quadrature"; [Schaeffer25] for why p stays far below 1.

    Example:
        >>> print(round(float(ScaledBeta(1.0, 1.0, 0.5).pass_at_k(1)), 5))  # the mean of a uniform on [0, 1/2]
        0.25
    """

    a: Float[Array, ""] = parameter(positive)
    b: Float[Array, ""] = parameter(positive)
    scale: Float[Array, ""] = parameter(unit_interval)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, a: ArrayLike | Array, b: ArrayLike | Array, scale: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log E[p^successes (1-p)^failures]; see `AbstractDifficulty.log_moment`."""
        return _log_moment(*promote(successes, failures, self.a, self.b, self.scale))

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p); see `AbstractDifficulty.sample`."""
        log_x, log1m_x = log_beta(key, self.a, self.b, shape)
        return jnp.log(self.scale) + log_x, _log1m_scaled(self.scale, jnp.exp(log_x), jnp.exp(log1m_x))


@jax.jit
def _log_moment(c: Floats, m: Floats, a: Floats, b: Floats, s: Floats) -> Floats:
    integral = log_integral(_log_integrand, (a + c, b, m, s), _mode(a + c, b, m, s), (jnp.zeros_like(a), _bend(s)))
    # Without failures E[x^c] is exact, as is pass@0 = 0.
    unscaled = jnp.where(m == 0, log_beta_ratio(b, a, c), jnp.minimum(integral - log_beta_function(a, b), 0.0))
    return log_power(s, c, jnp.zeros_like(c)) + unscaled


def _log1m_scaled(s: Floats, x: Floats, y: Floats) -> Floats:
    """log(1 - s x), given y = 1 - x as well: accurate where s x is tiny and where it is next to 1."""
    near_zero = s * x < 0.5
    rest = jnp.maximum((1 - s) + s * y, jnp.finfo(x.dtype).tiny)
    return jnp.where(near_zero, jnp.log1p(-jnp.where(near_zero, s * x, 0.0)), jnp.log(jnp.where(near_zero, 1.0, rest)))


def _log_integrand(t: Floats, a: Floats, b: Floats, failures: Floats, s: Floats) -> Floats:
    """x^a (1-x)^b (1 - s x)^failures at t = logit(x), in logs."""
    u = jnp.exp(-jnp.abs(t))
    log1p_u = jnp.log1p(u)
    near, far = 1 / (1 + u), u / (1 + u)
    log1m_p = _log1m_scaled(s, jnp.where(t > 0, near, far), jnp.where(t > 0, far, near))
    return a * jnp.minimum(t, 0) - b * jnp.maximum(t, 0) - (a + b) * log1p_u + failures * log1m_p


def _mode(a: Floats, b: Floats, failures: Floats, s: Floats) -> Floats:
    """Where `_log_integrand` is largest: the only one of two roots in (0, 1), for x and for y = 1 - x, is stable."""
    square = (a + b + failures) * s
    linear_x = a * (1 + s) + b + failures * s
    x = 2 * a / (linear_x + jnp.sqrt(jnp.maximum(linear_x**2 - 4 * square * a, 0.0)))
    linear_y = a * (1 - s) + b * (1 - 2 * s) - failures * s
    root = jnp.sqrt(linear_y**2 + 4 * square * b * (1 - s))
    positive_case = linear_y > 0
    y = jnp.where(positive_case, 2 * b * (1 - s) / jnp.where(positive_case, linear_y + root, 1.0), 0.0)
    y = jnp.where(positive_case, y, (root - linear_y) / (2 * jnp.where(positive_case, 1.0, square)))
    return jnp.log(x) - jnp.log(y)


def _bend(s: Floats) -> Floats:
    """The logit beyond which 1 - s x no longer falls, where it is in reach."""
    return jnp.minimum(-jnp.log1p(-jnp.minimum(s, 1 - jnp.finfo(s.dtype).eps / 2)), 40.0)
