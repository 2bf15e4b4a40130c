"""Populations whose calls at one query are not independent given its difficulty."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import Floats, promote, strong_float
from jaxscale._checks import ArgumentError
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.sampling import exponential, log_beta, random_words


class Exchangeable(eqx.Module):
    """Calls that share one draw: a query draws p once for all its calls, around its own success probability m.

    p ~ Beta(m (1 - rho) / rho, (1 - m) (1 - rho) / rho), so any two of its calls have correlation rho. Counts alone
    cannot tell this from difficulty.

    Args:
        difficulty: the law of m over queries.
        correlation: intraclass correlation rho, in (0, 1). Scalar.

    Raises:
        ValueError: for a correlation outside (0, 1).

    Source:
        docs/mathematics.md, "Correlated trials".

    Example:
        >>> import jaxscale as js
        >>> log_p, _ = Exchangeable(js.PointMass(0.5), 1 / 3).sample(jax.random.key(0), (10_000,))
        >>> print(round(float(jnp.exp(log_p).var()), 2))  # uniform: 1/12
        0.08
    """

    difficulty: AbstractDifficulty
    correlation: Float[Array, ""] = eqx.field(converter=strong_float)

    def __check_init__(self) -> None:
        _check_correlation(self.correlation, least_allowed=False)

    def sample(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> tuple[Floats, Floats]:
        """Draw log p and log(1 - p) of the queries' runs, each of shape `shape`."""
        key_query, key_run = jax.random.split(key)
        log_p, log1m_p = self.difficulty.sample(key_query, shape)
        both, log_p, log1m_p = promote((1 - self.correlation) / self.correlation, log_p, log1m_p)
        a, b = both * jnp.exp(log_p), both * jnp.exp(log1m_p)
        certain = (a <= 0) | (b <= 0)
        drawn = log_beta(key_run, jnp.where(certain, 1.0, a), jnp.where(certain, 1.0, b), shape)
        return jnp.where(certain, log_p, drawn[0]), jnp.where(certain, log1m_p, drawn[1])


class Sticky(eqx.Module):
    """Calls that repeat: with probability rho a call has the outcome of the call before, else it is fresh.

    P(k calls fail) = q (rho + (1 - rho) q)^(k - 1), q the failure probability of a query.

    Args:
        difficulty: the law of the success probability over queries.
        correlation: rho, in [0, 1). Scalar.

    Raises:
        ValueError: for a correlation outside [0, 1).

    Source:
        docs/mathematics.md, "Correlated trials".

    Example:
        >>> import jaxscale as js
        >>> first = Sticky(js.PointMass(0.5), 0.5).sample_first_success(jax.random.key(0), (100_000,))
        >>> print(round(float((first > 1).mean()), 1))
        0.5
    """

    difficulty: AbstractDifficulty
    correlation: Float[Array, ""] = eqx.field(converter=strong_float)

    def __check_init__(self) -> None:
        _check_correlation(self.correlation, least_allowed=True)

    def sample_first_success(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> Floats:
        """Draw the index of a query's first successful call, inf where there is none, of shape `shape`."""
        key_query, key_time = jax.random.split(key)
        log_p, log1m_p = self.difficulty.sample(key_query, shape)
        high, low = random_words(key_time, 2, log_p.size)
        time = exponential(high, low, log_p.dtype).reshape(log_p.shape)
        change = jnp.exp(log_p) * (1 - self.correlation.astype(log_p.dtype))
        later = 1 + jnp.ceil((time + log1m_p) / jnp.abs(jnp.log1p(-change)))
        return jnp.where(time <= -log1m_p, 1.0, later)


def _check_correlation(correlation: Array, *, least_allowed: bool) -> None:
    if isinstance(correlation, jax.core.Tracer):
        return
    value = float(correlation)
    if not ((value >= 0 if least_allowed else value > 0) and value < 1):
        expected = "a number in [0, 1)" if least_allowed else "a number strictly between 0 and 1"
        raise ArgumentError("correlation", value, expected)
