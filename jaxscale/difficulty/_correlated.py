"""Trials whose correlation decays as a power law."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote
from jaxscale.difficulty._curves import AbstractCurve
from jaxscale.difficulty._parameters import check_parameters, nonnegative, parameter, unit_interval
from jaxscale.special import harmonic_number, log_mix_with_one

# Up to here first-success times are counted call by call; beyond, the sum is smooth enough for Newton's method.
_COUNTED = 16
_NEWTON_STEPS = 3
_LARGEST_LOG_RATIO = 80.0


class CorrelatedTrials(AbstractCurve):
    """One failure probability for all queries, and correlated trials: trial j is worth j^(-kappa) independent ones.

    pass@k = ceiling * (1 - failure^H), H = sum_{j=1}^{k} j^(-kappa): trial j fails, after j - 1 failures, with
    probability failure^(j^(-kappa)). kappa = 0: independent trials. kappa = 1: close to a power law of exponent
    -log(failure), which is why this law and `Beta` both fit.

    [Levi24] names a second form with these two parameters. Its equation was not available, so the one above is an
    assumption. The law says when a query is first solved, not how often.

    Args:
        failure: probability that the first trial fails, in [0, 1]. Scalar.
        kappa: exponent of the decay, zero or more. Scalar.
        ceiling: share of the queries that can be solved, in [0, 1]; held fixed by `fit` unless freed by name.

    Raises:
        ValueError: if a parameter is outside its range.

    Source:
        docs/mathematics.md, "Correlated trials", after [Levi24].

    Example:
        >>> print(round(float(CorrelatedTrials(0.5, 0.0).pass_at_k(3)), 5))  # independent: 1 - 0.5^3
        0.875
    """

    failure: Float[Array, ""] = parameter(unit_interval)
    kappa: Float[Array, ""] = parameter(nonnegative)
    ceiling: Float[Array, ""] = parameter(unit_interval, fitted=False, default=1.0)

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(
            self, failure: ArrayLike | Array, kappa: ArrayLike | Array, ceiling: ArrayLike | Array = 1.0
        ) -> None: ...

    def __check_init__(self) -> None:
        check_parameters(self)

    def log_failure(self, k: ArrayLike | Array) -> Floats:
        """log(1 - ceiling + ceiling * failure^H); see `AbstractLaw.log_failure`."""
        (k,) = promote(k)
        effective = harmonic_number(k, self.kappa)
        solvable = jnp.where(k > 0, jnp.log(self.failure) * jnp.where(k > 0, effective, 1.0), 0.0)
        return log_mix_with_one(self.ceiling, solvable)

    def sample_first_success(self, key: PRNGKeyArray, shape: tuple[int, ...] = ()) -> Floats:
        """Draw the index of a query's first successful call, by inversion of the law, exact to the call.

        The smallest k with H(k) >= E / -log(failure), E a standard exponential.

        Args:
            key: a typed JAX key.
            shape: shape of the draw.

        Returns:
            Whole numbers from 1, inf where the query is never solved (or not in 10^35 calls), in the dtype of the
            parameters (which cannot tell neighbouring calls apart beyond 2^24 in float32 and 2^53 in float64).

        Example:
            >>> CorrelatedTrials(0.0, 1.0).sample_first_success(jax.random.key(0), (3,)).tolist()
            [1.0, 1.0, 1.0]
        """
        key_time, key_ceiling = jax.random.split(key)
        dtype = self.failure.dtype
        solvable = jax.random.uniform(key_ceiling, shape, dtype) < self.ceiling
        needed = jax.random.exponential(key_time, shape, dtype) / jnp.abs(jnp.log(self.failure))
        return jnp.where(solvable, _smallest_k_with(needed, self.kappa.astype(dtype)), jnp.inf)


def _smallest_k_with(needed: Floats, kappa: Floats) -> Floats:
    """The smallest whole k of 1 or more with harmonic_number(k, kappa) >= needed; inf where there is none."""
    steps = jnp.arange(1, _COUNTED + 1, dtype=needed.dtype)
    sums = jnp.cumsum(jnp.exp(-kappa * jnp.log(steps)))
    counted = 1.0 + jnp.sum(needed[..., None] > sums[:-1], axis=-1, dtype=needed.dtype)

    # H(k) is close to H(16) plus the integral of t^(-kappa) from 16 + 1/2 to k + 1/2; solved for k ...
    start = _COUNTED + 0.5
    correction = kappa / 24 * start ** (-kappa - 1)
    excess = jnp.maximum(needed - sums[-1] + correction, 0.0) * start ** (kappa - 1)
    growth = (1 - kappa) * excess
    reached = growth > -1
    safe = jnp.where(reached, growth, 0.0)
    small = jnp.abs(safe) < 1e-5
    log_ratio = excess * jnp.where(small, 1 - safe / 2, jnp.log1p(safe) / jnp.where(small, 1.0, safe))
    reached = reached & (log_ratio < _LARGEST_LOG_RATIO)
    guess = start * jnp.exp(jnp.where(reached, log_ratio, 0.0)) - 0.5
    # ... made exact by Newton's method, and whole by looking at the neighbours.
    for _ in range(_NEWTON_STEPS):
        change = (needed - harmonic_number(guess, kappa)) * jnp.exp((kappa - 1) * jnp.log(guess))
        guess = jnp.maximum(guess * (1 + jnp.clip(change, -0.5, 1.0)), _COUNTED)
    guess = jnp.ceil(guess)
    guess = guess - (harmonic_number(guess - 1, kappa) >= needed)
    guess = guess + (harmonic_number(guess, kappa) < needed)
    beyond = jnp.where(reached, guess, jnp.inf)
    return jnp.where(needed > sums[-1], beyond, counted)
