"""Maximum likelihood (or a posterior mode) for any law, with its uncertainty."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError, check_choice
from jaxscale._result import Column, Result
from jaxscale.data import Attempts, require
from jaxscale.difficulty import AbstractLaw
from jaxscale.fitting._code import FitCode, code_of
from jaxscale.fitting._models import NAMED_MODELS, named_model
from jaxscale.fitting._optimise import MAX_CURVED, Objective, Optimum, minimise
from jaxscale.fitting._parameters import Layout, Vector, layout_of
from jaxscale.fitting._statistics import compress

# Relative to a query, curvature below this means that the data do not say where along a direction the maximum is.
_FLAT = 1e-5
# Where to start, in unconstrained coordinates around the start point: there, both ways, and twisted.
_SPREAD = 1.5


@dataclass(frozen=True, eq=False, repr=False)
class Fit(Result):
    """A fitted law and how far to trust it.

    Attributes:
        law: the fitted law, its parameters float64.
        name: the law's name.
        method: "mle" (maximum likelihood) or "map" (posterior mode under wide priors).
        result: whether the optimiser reached a maximum that the data determine, or what else it ended at.
        message: the same in words, with the parameter and the reason.
        log_likelihood: at the fitted parameters, summed over queries, natural log; composite for laws of the curve.
        aic: Akaike's criterion. That of a composite likelihood (a law of the curve; `law.composite`), with Takeuchi's
            penalty, compares such laws with each other, not with difficulty models.
        parameters: names of the free parameters.
        covariance: (parameters, parameters) of the fitted values, from the curvature of the log-likelihood (a sandwich
            for composite likelihoods); None where the data do not determine it, or for models with many parameters.
        gradient_norm: largest absolute derivative of the mean log-likelihood per query at the end point.
        steps: evaluations of the likelihood.
        queries: number of queries.
    """

    law: AbstractLaw
    name: str
    method: str
    result: FitCode
    message: str
    log_likelihood: float
    aic: float
    parameters: tuple[str, ...]
    covariance: np.ndarray | None
    gradient_norm: float
    steps: int
    queries: int
    optimum: Optimum = field(repr=False)
    layout: Layout = field(repr=False)

    def __getstate__(self) -> dict[str, Any]:
        # The functions in a constraint need not be such as can be pickled; the law's class declares them anyway.
        return {**vars(self), "layout": self.layout.free}

    def __setstate__(self, state: dict[str, Any]) -> None:
        leaves = layout_of(state["law"]).leaves
        super().__setstate__({**state, "layout": Layout(leaves, state["layout"])})

    @property
    def converged(self) -> bool:
        """Whether `result` is that it converged."""
        return self.result is FitCode.CONVERGED

    @property
    def values(self) -> dict[str, Any]:
        """Every parameter of the law by its constructor's argument name, fixed ones included."""
        leaves = zip(self.layout.leaves, jax.tree.leaves(self.law), strict=True)
        return {leaf.name: np.asarray(value).tolist() for leaf, value in leaves}

    @property
    def standard_errors(self) -> dict[str, float] | None:
        """Standard error of each free parameter, or None where the covariance is."""
        if self.covariance is None:
            return None
        return dict(zip(self.parameters, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers, lists and strings."""
        return {
            "model": {"name": self.name, "parameters": self.values},
            "method": self.method,
            "converged": self.converged,
            "result": self.result.value,
            "message": self.message,
            "composite": self.law.composite,
            "log_likelihood": self.log_likelihood,
            "aic": self.aic if np.isfinite(self.aic) else None,
            "standard_errors": self.standard_errors,
            "covariance": None if self.covariance is None else self.covariance.tolist(),
            "gradient_norm": self.gradient_norm,
            "steps": self.steps,
            "queries": self.queries,
        }

    def _columns(self) -> dict[str, Sequence[Any]]:
        values = {name: value for name, value in self.values.items() if not isinstance(value, list)}
        errors = self.standard_errors or {}
        return {
            "parameter": list(values),
            "value": list(values.values()),
            "standard_error": [errors.get(name) for name in values],
        }

    def _shown(self) -> list[Column]:
        parameters, values, errors = self._columns().values()
        fixed = [
            "fixed" if name not in self.parameters else "-" if error is None else f"{error:.3g}"
            for name, error in zip(parameters, errors, strict=True)
        ]
        numbers = Column("value", [f"{value:.6g}" for value in values])
        return [Column("parameter", parameters, words=True), numbers, Column("standard error", fixed)]

    def _heading(self) -> str:
        return self.name

    def _notes(self) -> list[str]:
        kind = "composite " if self.law.composite else ""
        return [f"{kind}log-likelihood {self.log_likelihood:.4f}", f"{kind}AIC {self.aic:.2f}", self.message]


def fit(
    model: str | AbstractLaw,
    data: Attempts,
    *,
    method: Literal["mle", "map"] = "mle",
    free: Sequence[str] | None = None,
    key: PRNGKeyArray | None = None,
) -> Fit:
    """Fit a law of coverage to recorded attempts by gradient descent.

    L-BFGS (optax) runs from several starts in one vmap, in coordinates in which every parameter is free to take any
    real value; Newton steps finish the best one. All in float64, whatever the caller's JAX setting.

    Args:
        model: a name ("beta", "beta-ceiling", "scaled-beta", "kumaraswamy", "two-point", "grid", "power-law",
            "exponentiated-power-law", "correlated-trials"), or an instance, which is the start point; of a law of your
            own, too: see `jaxscale.difficulty`.
        data: what was recorded. Attempts may be uneven, and sampling may have stopped at a success.
        method: "mle" for maximum likelihood; "map" for the posterior mode under wide priors, which exists for every
            data set.
        free: names of the parameters to fit; by default all but a ceiling (and an offset).
        key: draws the starts at random instead of from a fixed pattern.

    Returns:
        The fit. A likelihood without an interior maximum (all attempts failed, one attempt a query, ...) is not an
        error: `result` says so, and `message` why.

    Raises:
        ValueError: for an unknown model, method or parameter name.

    Source:
        docs/mathematics.md, "Likelihoods of counts" and "Uncertainty of fits".

    Example:
        >>> result = fit("beta", Attempts(attempts=[10, 10, 10, 10], successes=[0, 1, 3, 9]))
        >>> result.result, round(result.log_likelihood, 3)
        (FitCode.CONVERGED, ...)
    """
    require(data, Attempts, "data")
    check_choice(method, "method", ("mle", "map"))
    if not isinstance(model, str | AbstractLaw):
        known = ", ".join(NAMED_MODELS)
        raise ArgumentError("model", model, f"one of {known}, or an instance of a law such as Beta(0.3, 4.0)")
    with float64():
        if isinstance(model, str):
            named = named_model(model)
            start, free, name = named.start(data), named.free if free is None else free, model
        else:
            start, name = model, type(model).__name__
        start = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), start)
        layout = layout_of(start, free)
        compressed = compress(start, data)
        found = _minimise(layout, method == "map", start, compressed.statistics, compressed.weights, key)
        optimum, fitted, log_likelihood, slope, spread = jax.tree.map(np.asarray, found)
    covariance, penalty, flat = None, float(len(layout.names)), None
    if len(layout.names) <= MAX_CURVED:
        covariance, penalty, flat = _uncertainty(optimum, slope, spread, len(data))
    log_likelihood = float(log_likelihood)
    gradient_norm = float(np.max(np.abs(optimum.gradient)))
    result = code_of(log_likelihood, gradient_norm, int(optimum.steps), _most_steps(layout), flat=flat is not None)
    return Fit(
        law=fitted,
        name=name,
        method=method,
        result=result,
        message=_message(layout, fitted, data, flat, result, gradient_norm),
        log_likelihood=log_likelihood,
        aic=2 * penalty - 2 * log_likelihood,
        parameters=layout.names,
        covariance=covariance if result is FitCode.CONVERGED else None,
        gradient_norm=gradient_norm,
        steps=int(optimum.steps),
        queries=len(data),
        optimum=optimum,
        layout=layout,
    )


def objective_of(
    layout: Layout, with_prior: bool, model: AbstractLaw, statistics: Any, weights: Float[Array, " pairs"]
) -> Objective:
    """The mean negative log-likelihood per query (less the log prior, where wanted) as a function of the vector."""
    total = jnp.sum(weights)

    def objective(vector: Vector) -> Float[Array, ""]:
        terms = layout.from_vector(vector, model).log_likelihood_terms(statistics)
        log_density = jnp.sum(jnp.where(weights > 0, weights * terms, 0.0))
        if with_prior:
            log_density = log_density + layout.log_prior(vector)
        return -log_density / total

    return objective


class _Found(NamedTuple):
    optimum: Optimum
    model: AbstractLaw
    log_likelihood: Float[Array, ""]
    # Derivative of the parameters in the vector, and for composite likelihoods the sum of squared scores.
    slope: Float[Array, "free free"]
    spread: Float[Array, "free free"] | None


@functools.partial(jax.jit, static_argnums=(0, 1))
def _minimise(
    layout: Layout,
    with_prior: bool,
    model: AbstractLaw,
    statistics: Any,
    weights: Float[Array, " pairs"],
    key: PRNGKeyArray | None,
) -> _Found:
    def terms_of(vector: Vector) -> Float[Array, " pairs"]:
        return layout.from_vector(vector, model).log_likelihood_terms(statistics)

    objective = objective_of(layout, with_prior, model, statistics, weights)
    optimum = minimise(objective, _starts(layout, model, key), _most_steps(layout))
    vector = optimum.vector
    log_likelihood = -optimum.value * jnp.sum(weights) - (layout.log_prior(vector) if with_prior else 0.0)
    slope = jax.jacfwd(lambda v: layout.to_values(layout.from_vector(v, model)))(vector)
    spread = None
    if model.composite:
        scores = jax.jacfwd(terms_of)(vector)
        spread = (scores * weights[:, None]).T @ scores
    return _Found(optimum, layout.from_vector(vector, model), log_likelihood, slope, spread)


def _most_steps(layout: Layout) -> int:
    """The nonparametric grid, the one model with many parameters, needs many more steps."""
    return 200 if len(layout.names) <= MAX_CURVED else 3000


def _starts(layout: Layout, start: AbstractLaw, key: PRNGKeyArray | None) -> Float[Array, "starts free"]:
    centre = layout.to_vector(start)
    size = centre.shape[0]
    if size > MAX_CURVED:
        # That likelihood is concave: one start will do.
        return centre[None]
    if key is not None:
        return centre + _SPREAD * jax.random.normal(key, (4, size)).at[0].set(0.0)
    twisted = jnp.where(jnp.arange(size) % 2 == 0, 1.0, -1.0)
    return centre + _SPREAD * jnp.stack([jnp.zeros(size), jnp.ones(size), -jnp.ones(size), twisted])


def _uncertainty(
    optimum: Optimum, slope: np.ndarray, spread: np.ndarray | None, queries: int
) -> tuple[np.ndarray, float, np.ndarray | None]:
    """Covariance of the fitted values, penalty of the information criterion, and the flat direction if there is one."""
    eigenvalues, basis = np.linalg.eigh(optimum.hessian)
    flat = None if eigenvalues[0] > _FLAT else basis[:, 0]
    inverse = (basis / np.maximum(eigenvalues, _FLAT)) @ basis.T / queries
    penalty = float(len(optimum.vector))
    if spread is not None:
        penalty = float(np.trace(spread @ inverse))
        inverse = inverse @ spread @ inverse
    return slope @ inverse @ slope.T, penalty, flat


def _message(
    layout: Layout, model: AbstractLaw, data: Attempts, flat: np.ndarray | None, result: FitCode, gradient_norm: float
) -> str:
    if flat is None or result is not FitCode.NO_MAXIMUM:
        return result.said(gradient_norm)
    leading = int(np.argmax(np.abs(flat)))
    ended = np.concatenate([np.ravel(v) for v, free in zip(jax.tree.leaves(model), layout.free, strict=True) if free])
    reason = "the data hardly change the likelihood along it"
    if not data.successes.any():
        reason = "every attempt failed"
    elif (data.successes == data.attempts).all():
        reason = "every attempt succeeded"
    elif len(data) == 1:
        reason = "one query says nothing about how queries differ"
    elif data.attempts.max() == 1:
        reason = "one attempt a query says nothing about how queries differ"
    return f"{result.words}: {layout.names[leading]} ended at {ended[leading]:.3g} ({reason})"
