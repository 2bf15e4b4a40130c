"""How far to trust a joint law: refits of resampled groups and queries, and intervals for groups yet unseen."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import float64, generator
from jaxscale._checks import check_choice, check_probability, whole_numbers
from jaxscale._result import Result
from jaxscale.difficulty import JointLaw
from jaxscale.fitting._bootstrap import inverse_of, refit
from jaxscale.fitting._joint import JointFit, flat_values
from jaxscale.fitting._joint_likelihood import Cells, Space, law_of, objective_of
from jaxscale.fitting._parameters import Vector

_OFFSETS = 50  # offsets drawn for each refit
_MOST_STEPS = 150  # evaluations of a refit; laws with more coefficients than the data determine need many


@dataclass(frozen=True, eq=False, repr=False)
class JointPrediction(Result):
    """Coverage of groups that were not part of a fit.

    Attributes:
        value: coverage of a group that lies on the fitted law.
        lower: lower end of the interval, which holds the group's own offset and the uncertainty of the law.
        upper: upper end of it.
        level: share of groups that the intervals are to hold.
    """

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {name: getattr(self, name).reshape(-1).tolist() for name in ("value", "lower", "upper")}


@dataclass(frozen=True, eq=False, repr=False)
class JointBootstrap(Result):
    """Refits of a joint law to resampled data.

    Attributes:
        parameters: names of the parameters.
        values: (resamples, parameters) refitted values, float64.
        failed: (resamples,) whether a refit did not reach a maximum; its values are where it ended.
        laws: the refitted laws, a leading axis of resamples on each parameter.
    """

    parameters: tuple[str, ...]
    values: np.ndarray
    failed: np.ndarray
    laws: JointLaw = field(repr=False)
    fitted: JointLaw = field(repr=False)

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {"parameter": self.parameters, "standard_error": list(self.standard_errors.values())}

    def _notes(self) -> list[str]:
        return [f"{len(self.failed):,} resamples, {self.failed.sum():,} of which did not converge"]

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard deviation of each parameter over the refits that did not fail."""
        return dict(zip(self.parameters, self.values[~self.failed].std(axis=0, ddof=1).tolist(), strict=True))

    def predict(
        self, covariates: ArrayLike, calls: ArrayLike, *, level: float = 0.9, key: PRNGKeyArray | None = None
    ) -> JointPrediction:
        """Coverage of groups yet unseen, each with an offset of its own.

        Args:
            covariates: positive; shape (..., covariates).
            calls: numbers of calls; broadcast with the leading axes.
            level: share of groups that the intervals are to hold, between 0 and 1.
            key: a typed JAX key, of the offsets; None stands for jax.random.key(0).

        Returns:
            Values and ends of equal-tailed intervals, of the broadcast shape.

        Raises:
            ValueError: for a level outside (0, 1), or covariates that do not fit the law.
        """
        check_probability(level, "level")
        values, budgets = np.asarray(covariates, np.float64), np.asarray(calls, np.float64)
        kept = ~self.failed
        standard = generator(key).standard_normal((_OFFSETS, int(kept.sum()), *values.shape[:-1]))
        with float64():
            laws = jax.tree.map(lambda leaf: jnp.asarray(leaf[kept]), self.laws)
            coverage = np.asarray(_coverage(laws, values, budgets, standard))
            value = np.asarray(self.fitted.pass_at_k(values, budgets))
        tail = (1 - level) / 2
        lower, upper = np.quantile(coverage, [tail, 1 - tail], axis=(0, 1))
        return JointPrediction(value, lower, upper, level)


def bootstrap_joint(
    result: JointFit,
    key: PRNGKeyArray,
    *,
    resamples: int = 100,
    over: Literal["population", "these"] = "population",
) -> JointBootstrap:
    """Refit a joint law to resampled groups and queries, every refit starting at the optimum.

    The same queries recur in many groups, and a query that is hard for one model is hard for the next: groups are not
    independent, and errors that take them for that are too small. So a resample draws groups with replacement and,
    apart from that, queries with replacement; a query drawn twice counts twice in every group that it is in. It draws
    groups whole, so a group's misfit is part of the errors too. Where both vary this errs to the safe side: the noise
    within a group and query is counted three times.

    Args:
        result: the fit to start from.
        key: a typed JAX key.
        resamples: number of refits, 2 or more; about as many likelihoods as `result.steps` each.
        over: "population" draws groups and queries: the law for queries like these. "these" draws groups alone: what
            the law says of further groups' coverage of these very queries.

    Returns:
        The refits, with those marked that did not converge.

    Raises:
        ValueError: for an unknown `over`, or fewer than two resamples.

    Source:
        docs/mathematics.md, "Uncertainty of fits"; [Owen07].

    Example:
        >>> from jaxscale.data import Attempts
        >>> from jaxscale.fitting import fit_joint
        >>> some, more = Attempts([20] * 4, [0, 0, 1, 2], "abcd"), Attempts([20] * 4, [0, 3, 8, 15], "abcd")
        >>> result = fit_joint({"1": some, "2": some, "3": more, "4": more}, [1e8, 2e8, 3e8, 4e8], form="linear")
        >>> refits = bootstrap_joint(result, jax.random.key(0), resamples=10)
        >>> refits.predict([[8e8]], 100).upper.shape
        (1,)
    """
    check_choice(over, "over", ("these", "population"))
    count = int(whole_numbers(resamples, "resamples", least=2))
    _, pair, query = result.queries
    key_groups, key_queries = (int(jax.random.bits(part)) for part in jax.random.split(key))
    groups, queries = len(result.groups), int(query.max()) + 1
    copies = _multiplicities(key_groups, count, groups)
    times = _multiplicities(key_queries, count, queries) if over == "population" else np.ones((count, queries))
    weights = np.zeros((count, len(result.cells.weights)))
    for row, drawn in zip(weights, times, strict=True):
        row[:] = np.bincount(pair, drawn[query], minlength=len(row))
    with float64():
        inverse = inverse_of(jnp.asarray(result.hessian))
        vectors, converged = _refits(
            result.law.form, result.nodes, result.cells, result.space, result.vector, inverse, weights, copies
        )
        laws = jax.tree.map(np.asarray, _laws(result.law.form, vectors, result.space))
    return JointBootstrap(result.parameters, flat_values(laws), ~np.asarray(converged), laws, result.law)


def _multiplicities(seed: int, resamples: int, size: int) -> np.ndarray:
    """How often each of `size` things is drawn in as many draws with replacement; shape (resamples, size)."""
    return np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), resamples).astype(np.float64)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _refits(
    form: str,
    number: int,
    cells: Cells,
    space: Space,
    vector: Vector,
    inverse: Float[Array, "free free"],
    weights: Float[Array, "resamples pairs"],
    copies: Float[Array, "resamples groups"],
) -> Any:
    def one(drawn: tuple[Array, Array]) -> Any:
        replicate = cells._replace(weights=drawn[0], copies=drawn[1])
        return refit(objective_of(form, number, replicate, space), vector, inverse, _MOST_STEPS)

    return jax.lax.map(one, (weights, copies))


@functools.partial(jax.jit, static_argnums=0)
def _laws(form: str, vectors: Float[Array, "resamples free"], space: Space) -> JointLaw:
    return jax.vmap(lambda vector: law_of(form, vector, space))(vectors)


@jax.jit
def _coverage(laws: JointLaw, covariates: Array, k: Array, standard: Array) -> Array:
    """Coverage for each drawn offset of each law; (offsets, laws, ...)."""

    def one(law: JointLaw, row: Array) -> Array:
        return law.pass_at_k(covariates, k, row * law.scatter)

    return jax.lax.map(lambda rows: jax.vmap(one)(laws, rows), standard)
