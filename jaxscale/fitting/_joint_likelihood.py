"""The likelihood of many groups under one joint law, each group's offset from the law integrated out."""

import functools
from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxscale.data import Attempts
from jaxscale.difficulty import Beta, JointLaw
from jaxscale.estimators import distinct, padded_size
from jaxscale.fitting._optimise import Objective, Optimum, lbfgs, newton
from jaxscale.fitting._parameters import Vector
from jaxscale.special import log_binomial

_REACH = 4.5  # standard deviations of the offset that the quadrature spans
_COARSE = 9  # its nodes while starts are tried
_WIDE = (10.0, 3.0)  # standard deviations of the priors of the log-odds and their slopes, and of what bends them
_LIKELY_SCATTER = 0.37  # the prior of the scatter is log-normal around this, with a standard deviation of 1

MOST_STEPS = 400
"""Evaluations of the likelihood by which a joint fit has to come near a maximum."""


class Cells(NamedTuple):
    """The distinct counts of every group, one after the other, padded to a power of two.

    Attributes:
        successes: (pairs,).
        failures: (pairs,).
        weights: (pairs,) how many queries of the group have these counts; 0 for padding.
        group: (pairs,) index of the group.
        log_choices: (groups,) sum of the log binomial coefficients.
        copies: (groups,) how often each group counts.
    """

    successes: Float[Array, " pairs"]
    failures: Float[Array, " pairs"]
    weights: Float[Array, " pairs"]
    group: Int[Array, " pairs"]
    log_choices: Float[Array, " groups"]
    copies: Float[Array, " groups"]


class Space(NamedTuple):
    """Coordinates for the optimiser: log covariates with mean 0 and standard deviation 1.

    Attributes:
        z: (groups, covariates) log covariates less those of the centre.
        centre: (covariates,) geometric mean of the covariates.
        spread: (covariates,) standard deviation of their logs.
    """

    z: Float[Array, "groups covariates"]
    centre: Float[Array, " covariates"]
    spread: Float[Array, " covariates"]


def cells_of(groups: Mapping[str, Attempts]) -> tuple[Cells, list[np.ndarray]]:
    """Group equal queries of each group.

    Args:
        groups: what was recorded.

    Returns:
        The cells, and for each group the index of each query's pair.
    """
    parts, pairs, start = [], [], 0
    for index, data in enumerate(groups.values()):
        found = distinct(data)
        kept = np.flatnonzero(found.queries)
        counts = np.stack([found.successes, found.attempts - found.successes, found.queries])[:, kept]
        parts.append(np.vstack([counts, np.full(len(kept), index)]))
        pairs.append(start + found.pair)
        start += len(kept)
    extra = padded_size(start, 128) - start
    successes, failures, weights, group = np.pad(np.hstack(parts), ((0, 0), (0, extra)))
    choices = np.asarray(log_binomial(successes + failures, successes)) * weights
    sums = np.bincount(group.astype(int), choices, minlength=len(groups))
    of_pairs = (jnp.asarray(successes), jnp.asarray(failures), jnp.asarray(weights), jnp.asarray(group, int))
    return Cells(*of_pairs, jnp.asarray(sums), jnp.ones(len(groups))), pairs


def space_of(covariates: np.ndarray) -> Space:
    """Coordinates in which the log covariates of the groups have mean 0 and standard deviation 1."""
    logs = np.log(covariates)
    middle, spread = logs.mean(axis=0), logs.std(axis=0)
    return Space(*(jnp.asarray(x) for x in (logs - middle, np.exp(middle), spread)))


def nodes_of(number: int) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Nodes and log weights of the trapezoid rule for a standard normal."""
    nodes = jnp.linspace(-_REACH, _REACH, number)
    return nodes, jax.nn.log_softmax(-jnp.square(nodes) / 2)


def law_of(form: str, vector: Vector, space: Space) -> JointLaw:
    """The law that the optimiser's vector stands for: coefficients per standard deviation become those per e-fold."""
    per_fold = vector / _units(form, space.spread)
    size = len(vector) - len(space.spread) - 2
    return JointLaw(per_fold[:size], per_fold[size:-1], jnp.exp(vector[-1]), space.centre, form)


def _units(form: str, spread: Float[Array, " covariates"]) -> Vector:
    """What one unit of each entry of the vector is worth per e-fold of the covariates."""
    one, size = jnp.ones(1, spread.dtype), spread.shape[0]
    i, j = np.triu_indices(size)
    by_form = {
        "linear": [one, spread],
        "quadratic": [one, spread, spread[i] * spread[j]],
        "power": [one, spread, spread],
        "power-cross": [one, spread, spread, one, spread],
    }
    return jnp.concatenate([*by_form[form], one, spread, one])


def group_terms(form: str, vector: Vector, cells: Cells, space: Space, number: int) -> Float[Array, "nodes groups"]:
    """Log-likelihood of each group at each node of its offset, with the node's weight; `log_choices` is left out."""
    law = law_of(form, vector, space)
    nodes, log_weights = nodes_of(number)
    model = law.difficulty(space.centre * jnp.exp(space.z), law.scatter * nodes[:, None])
    a, b = model.a[:, cells.group], model.b[:, cells.group]
    each = cells.weights * Beta(a, b).log_moment(cells.successes, cells.failures)
    sums = jax.ops.segment_sum(each.T, cells.group, len(cells.copies)).T
    return sums + log_weights[:, None]


def log_prior(vector: Vector, covariates: int) -> Float[Array, ""]:
    """Log density, up to a constant, of wide independent normal priors: they matter where the data say nothing.

    Per standard deviation of the log covariates, the log-odds and their slopes have a standard deviation of 10,
    all other coefficients one of 3; the log scatter has one of 1 around log 0.37.
    """
    width = jnp.full(vector.shape, _WIDE[1]).at[: 1 + covariates].set(_WIDE[0]).at[-1].set(1.0)
    mean = jnp.zeros(vector.shape).at[-1].set(jnp.log(_LIKELY_SCATTER))
    return -jnp.sum(jnp.square((vector - mean) / width)) / 2


@functools.partial(jax.jit, static_argnums=(0, 1))
def log_likelihoods(form: str, number: int, vector: Vector, cells: Cells, space: Space) -> Float[Array, " groups"]:
    """Log-likelihood of each group, its offset integrated out."""
    return jax.nn.logsumexp(group_terms(form, vector, cells, space, number), axis=0) + cells.log_choices


@functools.partial(jax.jit, static_argnums=(0, 1))
def posterior_of(
    form: str, number: int, vector: Vector, cells: Cells, space: Space
) -> tuple[Float[Array, " groups"], Float[Array, " groups"]]:
    """The log-likelihood of each group and the posterior mean of its offset."""
    terms = group_terms(form, vector, cells, space, number)
    means = jnp.exp(vector[-1]) * (nodes_of(number)[0] @ jax.nn.softmax(terms, axis=0))
    return jax.nn.logsumexp(terms, axis=0) + cells.log_choices, means


@functools.partial(jax.jit, static_argnums=(0, 1))
def evaluate(form: str, number: int, cells: Cells, space: Space, vector: Vector) -> Float[Array, ""]:
    """The objective at one point."""
    return objective_of(form, number, cells, space)(vector)


@functools.partial(jax.jit, static_argnums=0)
def find_start(form: str, cells: Cells, space: Space) -> Vector:
    """The best of several starts after some steps with a coarse quadrature."""
    objective = objective_of(form, _COARSE, cells, space)
    value_and_grad = jax.jit(jax.value_and_grad(objective))
    ends = jax.vmap(lambda start: lbfgs(value_and_grad, start, 150))(_starts(form, cells, space))
    return ends.vector[jnp.argmin(ends.value)]


@functools.partial(jax.jit, static_argnums=(0, 1))
def adjust(form: str, number: int, cells: Cells, space: Space, start: Vector) -> Vector:
    """The posterior mode near a start, for data that differ little from those of the start."""
    return lbfgs(jax.value_and_grad(objective_of(form, number, cells, space)), start, 200).vector


@functools.partial(jax.jit, static_argnums=(0, 1))
def maximise(form: str, number: int, cells: Cells, space: Space, start: Vector) -> Optimum:
    """The posterior mode that is reached from a start; the objective is per query."""

    # Newton's differences would hold the likelihood of all shifted points in memory at once: one after the other.
    @jax.custom_batching.sequential_vmap
    def slope(vector: Vector, cells: Cells, space: Space) -> tuple[Array, Vector]:
        return jax.value_and_grad(objective_of(form, number, cells, space))(vector)

    def value_and_grad(vector: Vector) -> tuple[Array, Vector]:
        return slope(vector, cells, space)

    near = lbfgs(value_and_grad, start, MOST_STEPS)
    refined = newton(value_and_grad, near.vector, 30)
    return refined._replace(steps=near.steps + refined.steps)


def objective_of(form: str, number: int, cells: Cells, space: Space) -> Objective:
    """The negative log posterior per query as a function of the optimiser's vector."""

    def objective(vector: Vector) -> Float[Array, ""]:
        each = jax.nn.logsumexp(group_terms(form, vector, cells, space, number), axis=0)
        log_density = jnp.vdot(cells.copies, each) + log_prior(vector, len(space.spread))
        return -log_density / jnp.sum(cells.weights)

    return objective


def _starts(form: str, cells: Cells, space: Space) -> Float[Array, "starts free"]:
    """Log-odds of the pooled successes, a near 0.3, and slopes that are none, both ways, or one each."""
    size = space.spread.shape[0]
    rate = jnp.sum(cells.weights * cells.successes) + 0.5
    rate = rate / (jnp.sum(cells.weights * (cells.successes + cells.failures)) + 1.0)
    level = jnp.log(rate) - jnp.log1p(-rate)
    rest = jnp.concatenate([jnp.full(1, -1.2), jnp.zeros(size), jnp.full(1, -1.0)])
    rows = []
    for sign in (jnp.ones(size), -jnp.ones(size), jnp.zeros(size).at[0].set(1.0), jnp.zeros(size).at[-1].set(1.0)):
        own = jnp.concatenate([level[None], sign])
        if form == "quadratic":
            own = jnp.concatenate([own, jnp.zeros(size * (size + 1) // 2)])
        elif form != "linear":
            own = jnp.concatenate([own, jnp.full(size, 0.5)])
        if form == "power-cross":
            own = jnp.concatenate([own, jnp.full(1, -1.0), jnp.roll(sign, 1) - sign])
        rows.append(jnp.concatenate([own, rest]))
    return jnp.stack(rows)
