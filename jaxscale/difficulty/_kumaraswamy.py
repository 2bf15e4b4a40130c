"""Kumaraswamy-distributed success probabilities."""

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.difficulty._base import AbstractDifficulty
from jaxscale.difficulty._parameters import check_parameters, parameter, positive
from jaxscale.special import log1mexp, log_beta_ratio, log_integral

_BISECTIONS = 20
# For small a the density is close to a power of |log p| between log p = -1/a and 0.
_PANEL_ENDS = (-1500.0, -500.0, -170.0, -55.0)


class Kumaraswamy(AbstractDifficulty):
    """Success probability p with P(p <= x) = 1 - (1 - x^a)^b, so that v = p^a is Beta(1, b).

    Close to Beta(a, b), but with a distribution function in closed form: p = (1 - (1-u)^(1/b))^(1/a), u uniform.

    Args:
        a: shape at p = 0, positive: the exponent of the power law. Scalar.
        b: shape at p = 1, positive. Scalar.

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        docs/mathematics.md, "Difficulty laws"; [Kumaraswamy80].

    Example:
        >>> print(round(float(Kumaraswamy(1.0, 1.0).pass_at_k(3)), 5))  # uniform: k / (k + 1)
        0.75
    """

    a: Float[Array, ""] = parameter(positive)
    b: Float[Array, ""] = parameter(positive)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, a: ArrayLike | Array, b: ArrayLike | Array) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_moment(self, successes: ArrayLike | Array, failures: ArrayLike | Array) -> Floats:
        """log E[p^successes (1-p)^failures]; see `AbstractDifficulty.log_moment`."""
        return _log_moment(*promote(successes, failures, self.a, self.b))

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p); see `AbstractDifficulty.sample`."""
        log1m_v = -jax.random.exponential(key, shape, self.b.dtype) / self.b
        log_p = log1mexp(log1m_v) / self.a
        return log_p, log1mexp(log_p)


@jax.jit
def _log_moment(c: Floats, m: Floats, a: Floats, b: Floats) -> Floats:
    landmarks = (jnp.zeros_like(a), -jnp.log1p(m))
    integral = log_integral(_log_integrand, (a, b, c, m), _mode(a, b, c, m), landmarks, _PANEL_ENDS)
    # Without failures E[v^(c/a)] is exact, as is pass@0 = 0.
    value = jnp.where(m == 0, log_beta_ratio(b, jnp.ones_like(a), c / a), integral + jnp.log(a * b))
    return jnp.minimum(value, 0.0)


def _log_integrand(t: Floats, a: Floats, b: Floats, successes: Floats, failures: Floats) -> Floats:
    """p^(a + successes) (1-p)^(1 + failures) (1 - p^a)^(b-1) at t = logit(p), in logs."""
    log1p_u = jnp.log1p(jnp.exp(-jnp.abs(t)))
    log_p, log1m_p = jnp.minimum(t, 0.0) - log1p_u, -jnp.maximum(t, 0.0) - log1p_u
    return (a + successes) * log_p + (1 + failures) * log1m_p + (b - 1) * log1mexp(_capped(a * log_p))


def _capped(log_probability: Floats) -> Floats:
    """`log_probability`, held below 0 by so little that log(1 - probability) and its gradient are finite."""
    return jnp.minimum(log_probability, -(jnp.finfo(log_probability.dtype).tiny ** 0.5))


def _mode(a: Floats, b: Floats, successes: Floats, failures: Floats) -> Floats:
    """Where `_log_integrand` is largest: (1 + failures) p/(1-p) + a (b-1) v/(1-v) = a + successes with v = p^a."""
    a, b, successes, failures = jax.lax.stop_gradient((a, b, successes, failures))
    target = a + successes

    def root_of_second(target: Floats) -> Floats:
        odds = target / (a * jnp.maximum(b - 1, jnp.finfo(a.dtype).tiny))
        log_p = _capped(-jnp.log1p(1 / odds) / a)
        return log_p - log1mexp(log_p)

    def halve(_: Any, bracket: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        low, high = bracket
        t = (low + high) / 2
        log_v = _capped(-a * jnp.logaddexp(0.0, -t))
        beyond = (1 + failures) * jnp.exp(t) + a * (b - 1) * jnp.exp(log_v - log1mexp(log_v)) > target
        return jnp.where(beyond, low, t), jnp.where(beyond, t, high)

    # Each term alone reaches the target above the root, and half the target below it; with b < 1 the second is
    # negative, but not below (b - 1) / (1 - p).
    low = jnp.minimum(jnp.log(target / (1 + failures) / 2), root_of_second(target / 2))
    high = jnp.minimum(jnp.log((target + 1) / (failures + jnp.minimum(b, 1.0))), root_of_second(target))
    return jax.lax.fori_loop(0, _BISECTIONS, halve, (low, high))[0]
