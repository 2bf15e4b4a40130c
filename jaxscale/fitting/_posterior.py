"""Draws from the posterior of a fitted model, and its evidence, by importance sampling around the mode."""

import functools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import float64, generator
from jaxscale._numpy import ReadOnlyArrays
from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractLaw
from jaxscale.fitting._fit import Fit, objective_of
from jaxscale.fitting._parameters import Layout
from jaxscale.fitting._statistics import compress
from jaxscale.particles import systematic, weigh

# Proposals are Student t with few degrees of freedom: their tails are heavier than a posterior's.
_FREEDOM = 4
_PROPOSALS = 1024


@dataclass(frozen=True, eq=False)
class Posterior(ReadOnlyArrays):
    """Draws of a model's parameters given data.

    Attributes:
        law: the law with every parameter carrying a leading axis of draws, each equally likely.
        log_evidence: log of the likelihood averaged over the prior, up to a constant shared by all models.
        efficiency: effective share of the proposals, between 0 and 1; below about 0.05 the draws are few in effect.
    """

    law: AbstractLaw
    log_evidence: float
    efficiency: float


def sample_posterior(result: Fit, data: Attempts, key: PRNGKeyArray, draws: int = 400) -> Posterior:
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
        docs/mathematics.md, "Uncertainty of fits".

    Example:
        >>> from jaxscale.fitting import fit
        >>> data = Attempts(attempts=[10] * 6, successes=[0, 0, 1, 3, 5, 9])
        >>> sample_posterior(fit("beta", data, method="map"), data, jax.random.key(0)).law.a.shape
        (400,)
    """
    if result.method != "map":
        raise ValueError(f"result.method = {result.method!r}: expected a fit by method='map'")
    # NumPy draws the proposals: few numbers, and no compilation for each model.
    rng = generator(key)
    mode, size = result.optimum.vector, len(result.optimum.vector)
    eigenvalues, basis = np.linalg.eigh(result.optimum.hessian * result.queries)
    # Curvature of the prior (1/9) is the least there can be; the flat tails of a likelihood may show less or none.
    scale = 1.0 / np.sqrt(np.maximum(eigenvalues, 1 / 9))
    standard = rng.standard_normal((_PROPOSALS, size)) * np.sqrt(_FREEDOM / rng.chisquare(_FREEDOM, (_PROPOSALS, 1)))
    proposals = mode + (standard * scale) @ basis.T
    with float64():
        compressed = compress(result.law, data)
        log_target = np.asarray(
            _log_targets(result.layout, result.law, compressed.statistics, compressed.weights, proposals)
        )
        constant = (
            math.lgamma((_FREEDOM + size) / 2) - math.lgamma(_FREEDOM / 2) - size / 2 * math.log(_FREEDOM * math.pi)
        )
        log_proposal = constant - np.log(scale).sum()
        log_proposal = log_proposal - (_FREEDOM + size) / 2 * np.log1p((standard**2).sum(axis=1) / _FREEDOM)
        log_weights = np.where(np.isfinite(log_target), log_target, -np.inf) - log_proposal
        weights = weigh(log_weights)
        chosen = systematic(weights.normalised, rng.uniform(), draws)
        drawn = _models(result.layout, result.law, proposals[chosen])
    return Posterior(
        law=drawn,
        log_evidence=float(weights.log_mean),
        efficiency=float(weights.effective / _PROPOSALS),
    )


@functools.partial(jax.jit, static_argnums=0)
def _log_targets(
    layout: Layout,
    model: AbstractLaw,
    statistics: Any,
    weights: Float[Array, " pairs"],
    proposals: Float[Array, "proposals free"],
) -> Float[Array, " proposals"]:
    objective = objective_of(layout, True, model, statistics, weights)
    return -jnp.sum(weights) * jax.lax.map(objective, proposals, batch_size=256)


@functools.partial(jax.jit, static_argnums=0)
def _models(layout: Layout, model: AbstractLaw, vectors: Float[Array, "draws free"]) -> AbstractLaw:
    return jax.vmap(lambda vector: layout.from_vector(vector, model))(vectors)
