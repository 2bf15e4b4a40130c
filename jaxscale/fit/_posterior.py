"""Draws from the posterior of a fitted model, and its evidence, by importance sampling around the mode."""

import functools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import float64
from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractLaw
from jaxscale.fit._fit import FitResult, objective_of
from jaxscale.fit._parameters import Layout
from jaxscale.fit._statistics import compress

# Proposals are Student t with few degrees of freedom: their tails are heavier than a posterior's.
_FREEDOM = 4
_PROPOSALS = 2048


@dataclass(frozen=True, eq=False)
class Posterior:
    """Draws of a model's parameters given data.

    Attributes:
        draws: (draws, free) unconstrained vectors, each equally likely.
        log_evidence: log of the likelihood averaged over the prior, up to a constant shared by all models.
        efficiency: effective share of the proposals, between 0 and 1; below about 0.05 the draws are few in effect.
    """

    draws: Float[Array, "draws free"]
    log_evidence: float
    efficiency: float


def sample_posterior(result: FitResult, data: Attempts, key: PRNGKeyArray, draws: int = 400) -> Posterior:
    """Draw from the posterior under the wide priors of method="map".

    Args:
        result: a fit by method="map".
        data: the data it was fitted to.
        key: a typed JAX key.
        draws: number of draws.

    Returns:
        Equally weighted draws and the evidence.

    Raises:
        ValueError: if the fit was not by method="map", whose mode the proposals need.

    Source:
        MATH section 2 (posterior sampling).

    Example:
        >>> data = Attempts(attempts=[10] * 6, successes=[0, 0, 1, 3, 5, 9])
        >>> sample_posterior(fit("beta", data, method="map"), data, jax.random.key(0)).draws.shape
        (400, 2)
    """
    if result.method != "map":
        raise ValueError(f"result.method = {result.method!r}: expected a fit by method='map'")
    with float64():
        compressed = compress(result.model, data)
        optimum = jax.tree.map(jnp.asarray, result.optimum)
        problem = (result.layout, result.model, compressed.statistics, compressed.weights)
        drawn, log_evidence, efficiency = _sample(draws, *problem, optimum.vector, optimum.hessian, key)
        return Posterior(drawn, float(log_evidence), float(efficiency))


@functools.partial(jax.jit, static_argnums=(0, 1))
def _sample(
    draws: int,
    layout: Layout,
    model: AbstractLaw,
    statistics: Any,
    weights: Float[Array, " pairs"],
    mode: Array,
    hessian: Array,
    key: PRNGKeyArray,
) -> tuple[Array, Array, Array]:
    key_direction, key_radius, key_resample = jax.random.split(key, 3)
    size = mode.shape[0]
    eigenvalues, basis = jnp.linalg.eigh(hessian * jnp.sum(weights))
    # Curvature of the prior (1/9) is the least there can be; the flat tails of a likelihood may show less or none.
    scale = 1.0 / jnp.sqrt(jnp.maximum(eigenvalues, 1 / 9))
    normal = jax.random.normal(key_direction, (_PROPOSALS, size))
    # Chi-square with four degrees of freedom: the sum of two exponentials.
    chi2 = 2 * jnp.sum(jax.random.exponential(key_radius, (_PROPOSALS, 2)), axis=1, keepdims=True)
    standard = normal * jnp.sqrt(_FREEDOM / chi2)
    proposals = mode + (standard * scale) @ basis.T
    objective = objective_of(layout, True, model, statistics, weights)
    log_target = -jnp.sum(weights) * jax.lax.map(objective, proposals, batch_size=256)
    log_proposal = -(_FREEDOM + size) / 2 * jnp.log1p(jnp.sum(standard**2, axis=1) / _FREEDOM) - jnp.sum(jnp.log(scale))
    constant = math.lgamma((_FREEDOM + size) / 2) - math.lgamma(_FREEDOM / 2) - size / 2 * math.log(_FREEDOM * math.pi)
    log_weights = jnp.where(jnp.isfinite(log_target), log_target, -jnp.inf) - log_proposal - constant
    log_sum = jax.nn.logsumexp(log_weights)
    normalised = jnp.exp(log_weights - log_sum)
    # Systematic resampling: one random offset, evenly spaced quantiles of the weights.
    positions = (jnp.arange(draws) + jax.random.uniform(key_resample)) / draws
    chosen = jnp.clip(jnp.searchsorted(jnp.cumsum(normalised), positions), 0, _PROPOSALS - 1)
    efficiency = 1 / jnp.sum(normalised**2) / _PROPOSALS
    return proposals[chosen], log_sum - jnp.log(_PROPOSALS), efficiency
