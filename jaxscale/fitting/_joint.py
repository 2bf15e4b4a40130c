"""One law for many groups: difficulty as a function of covariates, all groups in one likelihood."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxscale._arrays import float64
from jaxscale._checks import ArgumentError
from jaxscale._result import Result
from jaxscale.data import Attempts, DataWarning, require
from jaxscale.difficulty import FORMS, JointLaw, coefficient_names
from jaxscale.fitting._code import FitCode, code_of
from jaxscale.fitting._joint_likelihood import (
    MOST_STEPS,
    Cells,
    Space,
    adjust,
    cells_of,
    evaluate,
    find_start,
    law_of,
    log_likelihoods,
    maximise,
    posterior_of,
    space_of,
)
from jaxscale.fitting._optimise import MAX_CURVED

_NODES = 21
_MOST_NODES = 321
_DIFFERENCE = 0.2  # in log-likelihood, that twice as many nodes may make; a parameter is worth about 1


@dataclass(frozen=True, eq=False, repr=False)
class JointFit(Result):
    """A joint law fitted to groups.

    Attributes:
        law: the fitted `JointLaw`, float64.
        names: of the covariates.
        groups: names of the groups, in the order of their covariates.
        result: whether the optimiser reached a maximum, or what else it ended at.
        log_likelihood: of all groups, natural log, their offsets integrated out; the prior is not in it.
        offsets: (groups,) how far each group's log-odds lie above the law: posterior means.
        gradient_norm: largest absolute derivative of the log posterior per query at the end point.
        steps: evaluations of the likelihood.
        nodes: of the quadrature over offsets.
    """

    law: JointLaw
    names: tuple[str, ...]
    groups: tuple[str, ...]
    result: FitCode
    log_likelihood: float
    offsets: np.ndarray
    gradient_norm: float
    steps: int
    nodes: int
    cells: Cells = field(repr=False)
    space: Space = field(repr=False)
    vector: np.ndarray = field(repr=False)
    hessian: np.ndarray = field(repr=False)
    # For each query of each group: its group, its pair of counts, and which query it is among those of all groups.
    queries: np.ndarray = field(repr=False)

    @property
    def converged(self) -> bool:
        """Whether `result` is that it converged."""
        return self.result is FitCode.CONVERGED

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters, in the order of `values`."""
        exponent = ("log a", *(f"log a: {name}" for name in self.names))
        return (*coefficient_names(self.law.form, self.names), *exponent, "scatter")

    @property
    def values(self) -> dict[str, float]:
        """The parameters by name, slopes and decays per factor of e in the covariate."""
        return dict(zip(self.parameters, flat_values(self.law).tolist(), strict=True))

    def log_likelihoods(self, groups: Mapping[str, Attempts], covariates: ArrayLike) -> np.ndarray:
        """Log-likelihood of other groups under this law, their offsets integrated out.

        Args:
            groups: what was recorded.
            covariates: (groups, covariates) positive.

        Returns:
            (groups,) natural logs.

        Raises:
            ValueError: as `fit_joint`.
        """
        values = check_groups(groups, covariates, len(self.names))
        with float64():
            cells, _ = cells_of(groups)
            z = np.log(values) - np.log(self.space.centre)
            return np.asarray(log_likelihoods(self.law.form, _MOST_NODES, self.vector, cells, self.space._replace(z=z)))

    def to_dict(self) -> dict[str, Any]:
        """The result as plain numbers, lists and strings."""
        return {
            "form": self.law.form,
            "covariates": list(self.names),
            "centre": np.asarray(self.law.centre).tolist(),
            "parameters": self.values,
            "converged": self.converged,
            "result": self.result.value,
            "message": self.result.said(self.gradient_norm),
            "log_likelihood": self.log_likelihood,
            "offsets": dict(zip(self.groups, self.offsets.tolist(), strict=True)),
            "gradient_norm": self.gradient_norm,
            "steps": self.steps,
            "nodes": self.nodes,
        }

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {"parameter": list(self.values), "value": list(self.values.values())}

    def _heading(self) -> str:
        return f"joint law, {self.law.form}"

    def _notes(self) -> list[str]:
        centre = ", ".join(f"{name} = {x:.3g}" for name, x in zip(self.names, self.law.centre.tolist(), strict=True))
        return [
            f"at {centre}",
            f"log-likelihood {self.log_likelihood:.2f}, {len(self.groups)} groups",
            self.result.said(self.gradient_norm),
        ]


def flat_values(law: JointLaw) -> np.ndarray:
    """The parameters of a law, or of a batch of laws on the leading axis, in the order of `JointFit.parameters`."""
    scatter = np.asarray(law.scatter)[..., None]
    return np.concatenate([np.asarray(law.log_odds), np.asarray(law.log_a), scatter], axis=-1)


def fit_joint(
    groups: Mapping[str, Attempts],
    covariates: ArrayLike,
    *,
    form: str = "power",
    names: Sequence[str] | None = None,
) -> JointFit:
    """Fit one law of difficulty in covariates (a model's size, its training tokens, ...) to all groups at once.

    Each group's queries follow a Beta whose parameters are functions of its covariates (`JointLaw`), up to an offset of
    the group's own, which is integrated out. A group without a single success counts in full: it says that coverage is
    low there. Attempts may be uneven and may have depended on outcomes; the likelihood is the same.

    The fit is a posterior mode under wide priors, so that it exists for every data set with a success: per standard
    deviation of the log covariates, the log-odds and their slopes are normal with standard deviation 10, other
    coefficients with 3, and the scatter is log-normal around 0.37 within a factor of e. So the units of the covariates
    do not matter, nor does raising one to a power. Where there are no more groups than coefficients of the log-odds,
    the groups say nothing of the scatter about the law and little of groups unseen, and a `DataWarning` says so.

    Queries that recur in several groups are treated as if they were drawn anew for each. The estimate remains
    consistent, but its errors do not follow from the curvature of this likelihood: `bootstrap_joint` gives them.

    Args:
        groups: what was recorded, by group; the same query label in two groups means the same query.
        covariates: (groups, covariates) positive numbers, in the order of `groups`; (groups,) for one covariate.
        form: how the log-odds depend on the covariates: "linear", "quadratic", "power" or "power-cross", as `JointLaw`
            has them; `compare_joint` says which predicts groups left out best.
        names: of the covariates, for tables and messages.

    Returns:
        The fit.

    Raises:
        ValueError: for fewer than two groups, covariates that do not fit them, are not positive, or are the same
            everywhere, an unknown form, or groups without a success among them all.

    Source:
        docs/mathematics.md, "Joint laws" and "Likelihoods of counts".

    Example:
        >>> solved = {"small": [0, 0, 1, 2], "medium": [0, 1, 3, 8], "large": [0, 3, 8, 15]}
        >>> groups = {name: Attempts([20] * 4, successes) for name, successes in solved.items()}
        >>> result = fit_joint(groups, [1e8, 1e9, 1e10], form="linear", names=["parameters"])
        >>> print(result.result, round(result.values["log-odds: parameters"], 1))
        FitCode.CONVERGED ...
    """
    values = check_groups(groups, covariates, None if names is None else len(names))
    names = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(values.shape[1]))
    free = len(coefficient_names(form, names)) + len(names) + 2
    if free > MAX_CURVED:
        raise ArgumentError(
            "form",
            form,
            f"{MAX_CURVED} or fewer",
            found=f" = {form!r} in {len(names)} covariates has {free} parameters",
        )
    _check_informative(groups, values, names)
    coefficients = coefficient_names(form, names)
    if len(groups) <= len(coefficients):
        warnings.warn(
            f"groups: {len(groups)} groups for {len(coefficients)} coefficients of form {form!r} "
            f"({', '.join(coefficients)}): they determine little beyond themselves, and priors decide the rest; "
            f"expected {len(coefficients) + 1} groups or more",
            DataWarning,
            stacklevel=2,
        )
    with float64():
        cells, pairs = cells_of(groups)
        space = space_of(values)
        nodes, steps = _NODES, 0
        start = find_start(form, cells, space)
        while True:
            optimum = maximise(form, nodes, cells, space, start)
            steps += int(optimum.steps)
            finer = float(evaluate(form, 2 * nodes - 1, cells, space, optimum.vector)) - float(optimum.value)
            if abs(finer) * float(cells.weights.sum()) <= _DIFFERENCE or nodes >= _MOST_NODES:
                break
            nodes, start = 2 * nodes - 1, optimum.vector
        each, offsets = map(np.asarray, posterior_of(form, nodes, optimum.vector, cells, space))
        law = jax.tree.map(np.asarray, law_of(form, optimum.vector, space))
        optimum = jax.tree.map(np.asarray, optimum)
    norm = float(np.max(np.abs(optimum.gradient)))
    return JointFit(
        law=law,
        names=names,
        groups=tuple(groups),
        result=code_of(float(optimum.value), norm, int(optimum.steps), MOST_STEPS),
        log_likelihood=float(each.sum()),
        offsets=offsets,
        gradient_norm=norm,
        steps=steps,
        nodes=nodes,
        cells=cells,
        space=space,
        vector=optimum.vector,
        hessian=optimum.hessian,
        queries=_queries(groups, pairs),
    )


def check_groups(groups: Mapping[str, Attempts], covariates: ArrayLike, number: int | None) -> np.ndarray:
    """Refuse groups and covariates that do not fit each other.

    Args:
        groups: what was recorded.
        covariates: (groups, covariates), or (groups,).
        number: of covariates that are expected, or None.

    Returns:
        (groups, covariates) float64.

    Raises:
        ValueError: naming the argument, what was found and what was expected.
    """
    if not isinstance(groups, Mapping):
        raise ArgumentError(
            "groups",
            type(groups).__name__,
            "a dictionary of Attempts, as readers return",
            found=f" is a {type(groups).__name__}",
        )
    for name, data in groups.items():
        require(data, Attempts, f"groups[{name!r}]")
    try:
        values = np.asarray(covariates, np.float64)
    except (TypeError, ValueError):
        raise ArgumentError("covariates", None, "numbers of shape (groups, covariates)", found="") from None
    values = values[:, None] if values.ndim == 1 else values
    if values.ndim != 2 or values.shape[0] != len(groups) or values.shape[1] < 1:
        raise ArgumentError(
            "covariates",
            np.shape(covariates),
            f"({len(groups)}, covariates), a row a group",
            found=f" has shape {np.shape(covariates)}",
        )
    if number is not None and values.shape[1] != number:
        raise ArgumentError("covariates", values.shape[1], f"{number}", found=f" has {values.shape[1]} columns")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        name = list(groups)[row]
        raise ArgumentError(
            "covariates", name, "a finite number above 0", found=f" of {name!r}: {values[row, column]:g}"
        )
    return values


def _check_informative(groups: Mapping[str, Attempts], values: np.ndarray, names: Sequence[str]) -> None:
    if len(groups) < 2:
        raise ArgumentError("groups", len(groups), "two or more", found=f" has {len(groups)} groups")
    for name, column in zip(names, values.T, strict=True):
        if column.min() == column.max():
            raise ValueError(f"covariate {name!r} is {column[0]:g} in every group: expected two values or more")
    if not any(data.successes.any() for data in groups.values()):
        raise ArgumentError("groups", None, "at least one success", found=": every attempt of every group failed")


def _queries(groups: Mapping[str, Attempts], pairs: Sequence[np.ndarray]) -> np.ndarray:
    """Group, pair and identity of every query of every group; shape (3, queries of all groups)."""
    number: dict[Any, int] = {}
    rows: list[np.ndarray] = []
    for group, (data, pair) in enumerate(zip(groups.values(), pairs, strict=True)):
        # Without labels nothing says that a query recurs: each is its own.
        labels: Sequence[Any] = data.query or [(group, position) for position in range(len(data))]
        identity = [number.setdefault(label, len(number)) for label in labels]
        rows.append(np.stack([np.full(len(data), group), pair, identity]))
    return np.concatenate(rows, axis=1)


@dataclass(frozen=True, eq=False, repr=False)
class JointComparison(Result):
    """How well forms of a joint law predict groups that were left out.

    Attributes:
        forms: names of the forms.
        folds: labels of the folds.
        log_likelihood: (forms, folds) of the groups left out, natural log.
    """

    forms: tuple[str, ...]
    folds: tuple[Any, ...]
    log_likelihood: np.ndarray

    @property
    def best(self) -> str:
        """The form with the largest sum over folds."""
        return self.forms[int(np.argmax(self.log_likelihood.sum(axis=1)))]

    def _columns(self) -> dict[str, Sequence[Any]]:
        total = self.log_likelihood.sum(axis=1)
        return {"form": self.forms, "total": (total - total.max()).tolist()}

    def _heading(self) -> str:
        return "log-likelihood of what was left out, less the best form's"


def compare_joint(
    groups: Mapping[str, Attempts],
    covariates: ArrayLike,
    folds: Sequence[Any],
    *,
    forms: Sequence[str] = FORMS,
) -> JointComparison:
    """Compare forms of a joint law by the likelihood of groups left out, fold by fold.

    Args:
        groups: what was recorded.
        covariates: (groups, covariates) positive numbers.
        folds: a label for each group; equal labels (all groups of a model's size, say) are left out together.
        forms: what to compare.

    Returns:
        The log-likelihoods.

    Raises:
        ValueError: as `fit_joint`; for fewer than two folds, or one without which no success is left.

    Example:
        >>> some, more = Attempts([20] * 4, [0, 0, 1, 2]), Attempts([20] * 4, [0, 3, 8, 15])
        >>> groups = {"1": some, "2": some, "3": more, "4": more}
        >>> compare_joint(groups, [1e8, 2e8, 3e8, 4e8], [1, 2, 3, 4], forms=["linear"]).log_likelihood.shape
        (1, 4)
    """
    if len(folds) != len(groups):
        raise ArgumentError("folds", len(folds), f"{len(groups)}, one per group", found=f" has {len(folds)} labels")
    labels = tuple(dict.fromkeys(folds))
    if len(labels) < 2:
        raise ArgumentError(
            "folds", labels[0], "two different labels or more", found=f" = {labels[0]!r} for every group"
        )
    out = {label: np.array([fold == label for fold in folds]) for label in labels}
    check_groups(groups, covariates, None)
    solved = np.array([data.successes.any() for data in groups.values()])
    for label in labels:
        if not (solved & ~out[label]).any():
            raise ValueError(f"folds: without {label!r} no group has a success")
    result = np.empty((len(forms), len(labels)))
    for row, form in enumerate(forms):
        whole = fit_joint(groups, covariates, form=form)
        for column, label in enumerate(labels):
            with float64():
                # A group that counts 0 times keeps its place, so that all folds share a compilation.
                copies = jnp.asarray(1.0 - out[label])
                weights = whole.cells.weights * copies[whole.cells.group]
                kept = whole.cells._replace(copies=copies, weights=weights)
                end = adjust(form, whole.nodes, kept, whole.space, whole.vector)
                each = np.asarray(log_likelihoods(form, whole.nodes, end, whole.cells, whole.space))
            result[row, column] = each[out[label]].sum()
    return JointComparison(tuple(forms), labels, result)
