"""Beta difficulty whose parameters are functions of covariates, such as a model's size and its training tokens."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, promote, strong_float
from jaxscale._checks import MAX_CALLS, ArgumentError, check_calls
from jaxscale._numpy import ReadOnlyCopies
from jaxscale.difficulty._beta import Beta

Form = Literal["linear", "quadratic", "power", "power-cross"]
FORMS: tuple[str, ...] = get_args(Form)


def coefficient_names(form: str, names: Sequence[str]) -> tuple[str, ...]:
    """What the coefficients of a form are called, in the order of `JointLaw.log_odds`.

    Args:
        form: one of `FORMS`.
        names: of the covariates.

    Returns:
        A name for each coefficient.

    Raises:
        ValueError: for an unknown form, or "power-cross" with a single covariate.

    Example:
        >>> coefficient_names("power", ["tokens"])
        ('log-odds', 'log-odds: tokens', 'log-odds: decay, tokens')
    """
    if form not in FORMS:
        raise ArgumentError("form", form, f"one of {', '.join(FORMS)}")
    if form == "power-cross" and len(names) < 2:
        raise ArgumentError("form", "power-cross", "two covariates or more, as it is about how they interact")
    parts = ["log-odds", *(f"log-odds: {name}" for name in names)]
    if form == "quadratic":
        parts += [f"log-odds: {names[i]} x {names[j]}" for i, j in _products(len(names))]
    elif form != "linear":
        parts += [f"log-odds: decay, {name}" for name in names]
    if form == "power-cross":
        parts += ["log-odds: cross gap", *(f"log-odds: cross decay, {name}" for name in names)]
    return tuple(parts)


def _products(covariates: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(covariates) for j in range(i, covariates)]


class JointLaw(ReadOnlyCopies, eqx.Module):
    """Beta(a, b) difficulty with a and b smooth functions of covariates x, and groups that scatter around them.

    With z = log(x / centre), the log-odds of the mean success, eta = log(a / b), have one of the forms

    - "linear": c + sum_i s_i z_i, so that the odds are a product of powers of the covariates;
    - "quadratic": the same and all products z_i z_j, i <= j, with a coefficient each;
    - "power": c + sum_i s_i (1 - exp(-r_i z_i)) / r_i. For r_i > 0 each covariate closes a gap, (s_i / r_i)
      (x_i / centre_i)^-r_i, to a limit; r_i = 0 is the linear form;
    - "power-cross": the same less exp(g - sum_i t_i z_i), a gap that the covariates share: small models that are
      trained for long may get worse again.

    The exponent is log a = d_0 + sum_i d_i z_i. A group lies `offset` away from this eta; offsets are normal with
    standard deviation `scatter`.

    Args:
        log_odds: coefficients of eta in the order of `coefficient_names`; shape (coefficients,).
        log_a: d_0, d_1, ...; shape (1 + covariates,).
        scatter: zero or more; scalar.
        centre: positive values of the covariates at which z = 0; shape (covariates,).
        form: the form of eta.

    Raises:
        ValueError: for an unknown form, or arrays whose shapes do not fit it.

    Source:
        The power form with r_i > 0 is that of [Hoffmann22], Eq. 2, for the loss in parameters and
        tokens, here for the log-odds of a success; the rest is ours (an ansatz).

    Example:
        >>> law = JointLaw([-3.0, 0.5], [-1.0, 0.0], 0.2, [1e9], "linear")
        >>> print(law.pass_at_k([[1e8], [1e9]], 100).round(3))
        [0.46  0.632]
    """

    log_odds: Float[Array, " coefficients"] = eqx.field(converter=lambda x: strong_float(jnp.asarray(x)))
    log_a: Float[Array, " terms"] = eqx.field(converter=lambda x: strong_float(jnp.asarray(x)))
    scatter: Float[Array, ""] = eqx.field(converter=strong_float)
    centre: Float[Array, " covariates"] = eqx.field(converter=lambda x: strong_float(jnp.asarray(x)))
    form: str = eqx.field(static=True)

    def __check_init__(self) -> None:
        covariates = [str(index) for index in range(len(self.centre))]
        expected = {"log_odds": (len(coefficient_names(self.form, covariates)),), "log_a": (1 + len(covariates),)}
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                found = getattr(self, name).shape
                raise ArgumentError(
                    name, found, f"{shape} for {self.form!r} in {len(covariates)}", found=f" has shape {found}"
                )

    def difficulty(self, covariates: ArrayLike | Array, offset: ArrayLike | Array = 0.0) -> Beta:
        """The difficulty of groups.

        Args:
            covariates: positive; shape (..., covariates).
            offset: how far the groups' log-odds lie above the law; broadcast with the leading axes.

        Returns:
            A `Beta` whose a and b have the shape of the leading axes.

        Raises:
            ValueError: if the last axis is not as long as there are covariates.
        """
        (values,) = promote(covariates)
        if values.shape[-1:] != self.centre.shape:
            found, wanted = values.shape, len(self.centre)
            raise ArgumentError("covariates", found, f"a last axis of length {wanted}", found=f" has shape {found}")
        z = jnp.log(values) - jnp.log(self.centre)
        return _beta(*promote(self._log_odds(z) + jnp.asarray(offset), self.log_a[0] + z @ self.log_a[1:]))

    def _log_odds(self, z: Floats) -> Floats:
        size, c = z.shape[-1], self.log_odds
        if self.form in ("linear", "quadratic"):
            eta = c[0] + z @ c[1 : 1 + size]
            if self.form == "linear":
                return eta
            i, j = np.array(_products(size)).T
            return eta + (z[..., i] * z[..., j]) @ c[1 + size :]
        eta = c[0] + jnp.sum(c[1 : 1 + size] * z * _mean_decay(c[1 + size : 1 + 2 * size] * z), axis=-1)
        if self.form == "power-cross":
            eta = eta - jnp.exp(c[1 + 2 * size] - z @ c[2 + 2 * size :])
        return eta

    def log_failure(
        self, covariates: ArrayLike | Array, k: ArrayLike | Array, offset: ArrayLike | Array = 0.0
    ) -> Floats:
        """Log of the probability that k calls at a random query all fail, in groups with these covariates.

        Args:
            covariates: positive; shape (..., covariates).
            k: number of calls, zero or more; broadcast with the leading axes.
            offset: as in `difficulty`.

        Returns:
            Zero or negative values of the broadcast shape.
        """
        return self.difficulty(covariates, offset).log_failure(k)

    def pass_at_k(self, covariates: ArrayLike | Array, k: ArrayLike | Array, offset: ArrayLike | Array = 0.0) -> Floats:
        """Coverage of groups with these covariates; arguments and returns as in `log_failure`."""
        check_calls(k)
        return -jnp.expm1(self.log_failure(covariates, k, offset))

    def calls_for(self, covariates: ArrayLike | Array, target: ArrayLike | Array) -> Floats:
        """The number of calls at which coverage reaches a target, by bisection in log k.

        Args:
            covariates: positive; shape (..., covariates).
            target: coverage wanted, above 0 and below 1; broadcast with the leading axes.

        Returns:
            Calls, from 1, not rounded; infinite beyond the most calls that jaxscale accepts, 10^12.

        Example:
            >>> law = JointLaw([0.0, 0.0], [0.0, 0.0], 0.0, [1.0], "linear")  # Beta(1, 1): k / (k + 1)
            >>> print(round(float(law.calls_for([1.0], 0.75)), 3))
            3.0
        """
        model = self.difficulty(covariates)
        wanted = jnp.log1p(-promote(target, model.a)[0])
        shape = wanted.shape
        most = jnp.log(jnp.asarray(MAX_CALLS, model.a.dtype))

        def halve(_: Any, ends: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
            low, high = ends
            middle = (low + high) / 2
            short = model.log_failure(jnp.exp(middle)) > wanted
            return jnp.where(short, middle, low), jnp.where(short, high, middle)

        high = jax.lax.fori_loop(0, 60, halve, (jnp.zeros(shape, most.dtype), jnp.full(shape, most)))[1]
        calls = jnp.where(model.log_failure(jnp.ones(shape, most.dtype)) <= wanted, 1.0, jnp.exp(high))
        return jnp.where(model.log_failure(jnp.full(shape, jnp.exp(most))) > wanted, jnp.inf, calls)


def _mean_decay(x: Floats) -> Floats:
    """(1 - exp(-x)) / x, by its series where that would cancel."""
    near = jnp.abs(x) < 1e-2
    far = jnp.where(near, 1.0, x)
    series = 1 - x / 2 * (1 - x / 3 * (1 - x / 4 * (1 - x / 5 * (1 - x / 6))))
    return jnp.where(near, series, -jnp.expm1(-far) / far)


def _beta(log_odds: Floats, log_a: Floats) -> Beta:
    """Beta(a, b) with log(a / b) = log_odds; b is kept where its square is finite."""
    most = 0.45 * jnp.log(jnp.finfo(log_odds.dtype).max)
    log_b = jnp.minimum(log_a - log_odds, most)
    return Beta(jnp.exp(log_a), jnp.exp(log_b))
