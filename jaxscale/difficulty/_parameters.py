"""How a model's fields declare what values they may take, so that fitting needs no knowledge of any model."""

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import Floats, float64, promoting, strong_float, tracing, wants_float64
from jaxscale._numpy import held


@dataclasses.dataclass(frozen=True)
class Constraint:
    """A set of allowed values and a smooth map onto it from the whole real line (or space).

    Attributes:
        wording: what is expected, as an error message says it.
        holds: whether a concrete NumPy array satisfies it.
        to_free: from an allowed value to unconstrained coordinates.
        from_free: the inverse of `to_free`.
        log_prior: log density of a wide prior on the unconstrained coordinates: log-normal with a
            standard deviation of 3 (a factor of 20) for positive numbers, uniform for shares.
    """

    wording: str
    holds: Callable[[np.ndarray], bool]
    to_free: Callable[[Floats], Floats]
    from_free: Callable[[Floats], Floats]
    log_prior: Callable[[Floats], Floats]


def _wide_normal(x: Floats) -> Floats:
    return -jnp.square(x / 3) / 2 - jnp.log(3 * jnp.sqrt(2 * jnp.pi))


def _logit(p: Floats) -> Floats:
    return jnp.log(p) - jnp.log1p(-p)


positive = Constraint(
    "a finite number above 0", lambda x: bool(np.all((x > 0) & np.isfinite(x))), jnp.log, jnp.exp, _wide_normal
)
nonnegative = Constraint(
    "a finite number of 0 or more",
    lambda x: bool(np.all((x >= 0) & np.isfinite(x))),
    # A start at exactly 0 would never move: the smallest useful value stands in for it.
    lambda x: jnp.log(jnp.maximum(x, 1e-12)),
    jnp.exp,
    _wide_normal,
)
unit_interval = Constraint(
    "a number in [0, 1]",
    lambda x: bool(np.all((x >= 0) & (x <= 1))),
    lambda x: _logit(jnp.clip(x, 1e-12, 1 - 1e-6)),
    jax.nn.sigmoid,
    lambda x: jax.nn.log_sigmoid(x) + jax.nn.log_sigmoid(-x),
)
simplex = Constraint(
    "numbers of 0 or more that sum to 1",
    lambda x: bool(np.all(x >= 0) and np.allclose(np.sum(x, axis=-1), 1, rtol=0, atol=1e-5)),
    lambda x: jnp.log(jnp.maximum(x, 1e-30)),
    lambda x: jax.nn.softmax(x, axis=-1),
    # Uniform on the simplex; the wide term only pins the direction that softmax does not see.
    lambda x: jax.nn.log_softmax(x, axis=-1) + _wide_normal(jnp.mean(x, axis=-1, keepdims=True)),
)


def parameter(constraint: Constraint, *, fitted: bool = True, **kwargs: Any) -> Any:
    """Declare a model field that holds a parameter.

    Args:
        constraint: the values it may take.
        fitted: whether `fit` moves it unless told otherwise with `free=`.
        **kwargs: passed on to `equinox.field`, for instance `default`.

    Returns:
        The field; values are converted to arrays with a strong floating dtype. NumPy float64 stays as it is, and the
        methods of a `FollowsDtype` then compute in it.
    """
    return eqx.field(converter=_as_parameter, metadata={"constraint": constraint, "fitted": fitted}, **kwargs)


def _as_parameter(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype == np.float64:
        return held(np.asarray(value))
    return strong_float(jnp.asarray(value) if isinstance(value, list | tuple) else value)


def check_parameters(model: eqx.Module) -> None:
    """Refuse a model whose concrete parameters break their constraints (traced ones pass unseen).

    Raises:
        ValueError: naming the model, the parameter, its value and what was expected.
    """
    for field in dataclasses.fields(model):
        constraint = field.metadata.get("constraint")
        value = getattr(model, field.name)
        if constraint is None or not isinstance(value, (jax.Array, np.ndarray)) or isinstance(value, jax.core.Tracer):
            continue
        if not constraint.holds(np.asarray(value)):
            shown = np.array2string(np.asarray(value), threshold=6, separator=", ")
            raise ValueError(f"{type(model).__name__}: {field.name} = {shown}: expected {constraint.wording}")


class FollowsDtype:
    """A base of models whose public methods compute in the dtype of the parameters.

    JAX rounds NumPy float64 to float32 unless x64 is on; whoever passes float64 parameters means float64, so it is on
    for each call. Where jax traces the parameters, the arguments or everything, the caller's settings hold.

    >>> from jaxscale.difficulty import PointMass
    >>> print(PointMass(np.float64(1e-9)).pass_at_k(1).dtype, PointMass(1e-9).pass_at_k(1).dtype)
    float64 float32
    """

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name, method in list(vars(cls).items()):
            abstract = getattr(method, "__isabstractmethod__", False)
            if isinstance(method, types.FunctionType) and not (name.startswith("_") or abstract):
                setattr(cls, name, _following(method))


def _following(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def followed(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not wants_float64(self):
            return method(self, *args, **kwargs)
        traced = tracing(self, args, kwargs)
        with promoting() if traced else float64():
            # All of one dtype, as a law's own logarithms would else be float32; and no NumPy arrays, which cannot be
            # indexed by a tracer.
            dtype = None if traced else np.float64
            whole = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype) if eqx.is_inexact_array(leaf) else leaf, self)
            return method(whole, *args, **kwargs)

    return followed
