"""Refits of resampled data sets, all in one vmapped call."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from jaxscale._arrays import float64
from jaxscale._checks import check_choice, check_probability, whole_numbers
from jaxscale._result import Result
from jaxscale.data import Attempts
from jaxscale.difficulty import AbstractDifficulty, AbstractLaw
from jaxscale.fitting._fit import Fit, objective_of
from jaxscale.fitting._optimise import GRADIENT_TOLERANCE, Objective
from jaxscale.fitting._parameters import Layout, Vector
from jaxscale.fitting._statistics import compress
from jaxscale.sampling import binomial


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapResult(Result):
    """Refits of resampled data.

    Attributes:
        parameters: names of the free parameters.
        values: (resamples, parameters) fitted values, float64.
        failed: (resamples,) whether a refit did not reach a maximum; its values are where it ended.
    """

    parameters: tuple[str, ...]
    values: np.ndarray
    failed: np.ndarray

    def _columns(self) -> dict[str, Sequence[Any]]:
        kept, (lower, upper) = self.values[~self.failed], self.interval().T
        ends = {"lower": lower.tolist(), "upper": upper.tolist()}
        return {"parameter": self.parameters, "median": np.median(kept, axis=0).tolist(), **ends}

    def _notes(self) -> list[str]:
        return [f"90% intervals; {len(self.failed):,} resamples, {self.failed.sum():,} of which did not converge"]

    def interval(self, level: float = 0.9) -> np.ndarray:
        """Percentile intervals from the refits that did not fail.

        Args:
            level: share of refits inside, between 0 and 1.

        Returns:
            (parameters, 2) lower and upper ends.

        Raises:
            ValueError: for a level outside (0, 1).
        """
        check_probability(level, "level")
        tail = (1 - level) / 2
        return np.quantile(self.values[~self.failed], [tail, 1 - tail], axis=0).T


def bootstrap(
    result: Fit,
    data: Attempts,
    key: PRNGKeyArray,
    *,
    resamples: int = 1000,
    kind: Literal["query", "parametric"] = "query",
) -> BootstrapResult:
    """Refit a model to resampled data, every refit starting at the optimum, as one vmapped call.

    Args:
        result: the fit to start from.
        data: the data it was fitted to.
        key: a typed JAX key.
        resamples: number of refits.
        kind: "query" draws queries with replacement; "parametric" draws new queries and outcomes from the fitted
            difficulty model, with the attempts of the data.

    Returns:
        The refits, with those marked that did not converge.

    Raises:
        ValueError: for an unknown kind, fewer than one resample, or a parametric bootstrap of a law of the curve.

    Source:
        docs/mathematics.md, "Uncertainty of fits".

    Example:
        >>> from jaxscale.fitting import fit
        >>> data = Attempts(attempts=[10] * 6, successes=[0, 0, 1, 3, 5, 9])
        >>> bootstrap(fit("beta", data), data, jax.random.key(0), resamples=20).values.shape
        (20, 2)
    """
    check_choice(kind, "kind", ("query", "parametric"))
    resamples = int(whole_numbers(resamples, "resamples"))
    model, layout = result.law, result.layout
    with float64():
        vector = jnp.asarray(result.optimum.vector)
        with_prior = result.method == "map"
        if kind == "query":
            compressed = compress(model, data)
            # Resampling queries is reweighting the distinct pairs, whose likelihood terms all refits share.
            chosen = jax.random.randint(key, (resamples, len(data)), 0, len(data))
            weights = _weights(chosen, jnp.asarray(compressed.pair), len(compressed.weights))
            refits = _refit_weighted(layout, with_prior, model, compressed.statistics, weights, vector)
        else:
            if not isinstance(model, AbstractDifficulty):
                raise ValueError(f"kind = 'parametric': {result.name} is a law of the curve, which draws no outcomes")
            successes = _draw(model, key, jnp.asarray(data.attempts), resamples)
            statistics = _batched_statistics(model, data.attempts, np.asarray(successes))
            hessian = jnp.asarray(result.optimum.hessian)
            refits = _refit_redrawn(layout, with_prior, model, statistics, jnp.ones(len(data)), vector, hessian)
        values = jax.vmap(lambda v: layout.to_values(layout.from_vector(v, model)))(refits.vector)
        return BootstrapResult(layout.names, np.asarray(values), np.asarray(~refits.converged))


class _Refit(NamedTuple):
    vector: Vector
    converged: Bool[Array, ""]


def refit(objective: Objective, start: Vector, inverse: Float[Array, "free free"], max_steps: int = 30) -> _Refit:
    """BFGS from an inverse Hessian that is already good, with steps halved until the gradient shrinks.

    Near an optimum the norm of the gradient in the metric of the inverse Hessian is a merit function that needs no
    further evaluation.
    """

    class Carry(NamedTuple):
        vector: Vector
        gradient: Vector
        inverse: Float[Array, "free free"]
        step: Float[Array, ""]
        count: Any

    gradient_of = jax.grad(objective)

    def unfinished(carry: Carry) -> Array:
        small = jnp.max(jnp.abs(carry.gradient)) <= 0.1 * GRADIENT_TOLERANCE
        return ~small & (carry.step > 1e-6) & (carry.count < max_steps)

    def turn(carry: Carry) -> Carry:
        move = -carry.step * (carry.inverse @ carry.gradient)
        move = move * jnp.minimum(1.0, 2.0 / jnp.maximum(jnp.linalg.norm(move), 1e-30))
        gradient = gradient_of(carry.vector + move)
        change = gradient - carry.gradient
        curved = jnp.vdot(move, change)
        # jnp.inf as the first gradient makes the first turn, which only evaluates the start, always accepted.
        accepted = jnp.vdot(gradient, carry.inverse @ gradient) < jnp.vdot(
            carry.gradient, carry.inverse @ carry.gradient
        )
        accepted = accepted & jnp.all(jnp.isfinite(gradient))
        scale = jnp.where(curved > 0, 1 / jnp.where(curved > 0, curved, 1.0), 0.0)
        shift = jnp.eye(len(move)) - scale * jnp.outer(move, change)
        updated = shift @ carry.inverse @ shift.T + scale * jnp.outer(move, move)
        moved = Carry(carry.vector + move, gradient, updated, jnp.ones_like(carry.step), carry.count)
        new = jax.tree.map(lambda yes, no: jnp.where(accepted, yes, no), moved, carry._replace(step=carry.step / 2))
        return new._replace(count=carry.count + 1)

    first = Carry(start, gradient_of(start), inverse, jnp.ones_like(start[0]), 0)
    last = jax.lax.while_loop(unfinished, turn, first)
    return _Refit(last.vector, jnp.max(jnp.abs(last.gradient)) <= GRADIENT_TOLERANCE)


def inverse_of(hessian: Float[Array, "free free"]) -> Float[Array, "free free"]:
    eigenvalues, basis = jnp.linalg.eigh(hessian)
    return (basis / jnp.maximum(jnp.abs(eigenvalues), 1e-6)) @ basis.T


@partial(jax.jit, static_argnums=(0, 1))
def _refit_weighted(
    layout: Layout, with_prior: bool, model: AbstractLaw, statistics: Any, weights: Array, vector: Vector
) -> _Refit:
    def terms(v: Vector) -> Float[Array, " pairs"]:
        return layout.from_vector(v, model).log_likelihood_terms(statistics)

    # The Hessian of each distinct pair at the optimum, by central differences, gives that of every replicate.
    steps = 1e-4 * jnp.eye(vector.shape[0])
    slopes = jax.vmap(jax.jacfwd(terms))(jnp.concatenate([vector + steps, vector - steps]))
    up, down = jnp.split(slopes, 2)
    curvatures = -jnp.moveaxis(up - down, 0, 1) / 2e-4

    def one(replicate_weights: Float[Array, " pairs"]) -> _Refit:
        hessian = jnp.einsum("p,pij->ij", replicate_weights, curvatures) / jnp.sum(replicate_weights)
        objective = objective_of(layout, with_prior, model, statistics, replicate_weights)
        return refit(objective, vector, inverse_of((hessian + hessian.T) / 2))

    return jax.vmap(one)(weights)


@partial(jax.jit, static_argnums=(0, 1))
def _refit_redrawn(
    layout: Layout,
    with_prior: bool,
    model: AbstractLaw,
    statistics: Any,
    weights: Array,
    vector: Vector,
    hessian: Float[Array, "free free"],
) -> _Refit:
    inverse = inverse_of(hessian)
    return jax.vmap(
        lambda replicate: refit(objective_of(layout, with_prior, model, replicate, weights), vector, inverse)
    )(statistics)


@partial(jax.jit, static_argnums=2)
def _weights(chosen: Array, pair: Array, pairs: int) -> Float[Array, "resamples pairs"]:
    return jax.vmap(lambda row: jnp.zeros(pairs).at[pair[row]].add(1.0))(chosen)


@partial(jax.jit, static_argnums=3)
def _draw(model: AbstractDifficulty, key: PRNGKeyArray, attempts: Array, resamples: int) -> Array:
    key_difficulty, key_outcome = jax.random.split(key)
    log_p, _ = model.sample(key_difficulty, (resamples, len(attempts)))
    return binomial(key_outcome, attempts, jnp.exp(log_p))


def _batched_statistics(model: AbstractLaw, attempts: np.ndarray, successes: np.ndarray) -> Any:
    flat = model.statistics(np.broadcast_to(attempts, successes.shape).reshape(-1), successes.reshape(-1))
    return jax.tree.map(lambda leaf: jnp.reshape(leaf, (*successes.shape, *leaf.shape[1:])), flat)
