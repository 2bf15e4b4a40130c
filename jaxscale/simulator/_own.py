"""Systems of one's own: checked before they run, and compared by all that is compiled into their programs."""

import dataclasses
import enum
import functools
import math
import traceback
import types
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from jaxscale.simulator._call import Call

AMOUNT_BITS = 30
"""Amounts are counted in grains: the power of two that is above the bound by less than a factor of 2, times 2^-30."""

_UNTRACEABLE = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
_CONSTANTS = (type(None), bool, int, complex, str, bytes, range, slice, enum.Enum, np.dtype)
_FUNCTIONS = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, np.ufunc, jnp.ufunc)
_FROZEN = "a frozen dataclass (@dataclasses.dataclass(frozen=True)) or an equinox.Module"


class OwnSystem(eqx.Module):
    """A user's system: numbers and arrays of a pytree are traced, all else is compiled in and compared by content.

    Args:
        values: the system's pytree, with only its numbers and arrays.
        rest: all else.
        dtypes: of the state's leaves.
        unit: of the scores; None for the share of right answers.
        bound: the largest absolute score in that unit, or None.
        grain: the part of the unit in which scores are counted, or None.
    """

    values: Any
    rest: "_Rest" = eqx.field(static=True)
    dtypes: tuple[np.dtype, ...] = eqx.field(static=True)
    unit: str | None = eqx.field(static=True)
    bound: np.ndarray | None
    grain: np.ndarray | None

    @property
    def name(self) -> str:
        """What the user calls it."""
        return type(self.rest.whole).__name__

    def start(self, answers: int) -> Any:
        """The user's `start`."""
        return self._strong(self._system.start(answers))

    def step(self, state: Any, call: Call) -> Any:
        """The user's `step`."""
        return self._strong(self._system.step(state, call))

    def score(self, state: Any) -> Array:
        """The user's `score`."""
        return self._system.score(state)

    def calls_used(self, state: Any) -> Array:
        """The user's `calls_used`."""
        return self._system.calls_used(state)

    @property
    def _system(self) -> Any:
        return self.rest.with_values(self.values)

    def _strong(self, state: Any) -> Any:
        leaves, structure = jax.tree.flatten(state)
        pairs = zip(leaves, self.dtypes, strict=True)
        return jax.tree.unflatten(structure, [jnp.asarray(leaf, dtype) for leaf, dtype in pairs])


class _Rest:
    """The parts of a system that are not traced: they are compiled in, and equal where their contents are."""

    def __init__(self, system: Any):
        self.whole = system
        leaves, structure = jax.tree.flatten(system)
        contents = [None if eqx.is_array_like(leaf) else _content(leaf) for leaf in leaves]
        self.key = (structure, *contents, *_static_contents(system))
        try:
            self.hash = hash(self.key)
        except TypeError as error:
            raise ValueError(
                f"system: {type(system).__name__} cannot be told from others ({error}): expected tuples in place of "
                "lists in its static fields"
            ) from None

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Rest) and self.key == other.key

    def with_values(self, values: Any) -> Any:
        """The system with these values in place of its own."""
        return eqx.combine(values, eqx.filter(self.whole, eqx.is_array_like, inverse=True))


def _static_contents(tree: Any) -> list[Any]:
    """What the static fields of a module hold, and of the modules in its other fields."""
    contents = []
    if isinstance(tree, eqx.Module):
        for field in dataclasses.fields(tree):
            value = getattr(tree, field.name)
            contents += [_content(value)] if field.metadata.get("static") else _static_contents(value)
    return contents


def _content(value: Any) -> Any:
    """A key that is equal for equal contents only.

    Raises:
        ValueError: for an object whose contents may change unseen.
    """
    if isinstance(value, float):
        return type(value), value.hex()
    if isinstance(value, (*_CONSTANTS, *_FUNCTIONS, jax.stages.Wrapped)):
        return type(value), value
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        array = np.asarray(value)
        return type(value), array.dtype, array.shape, array.tobytes()
    if isinstance(value, functools.partial):
        return functools.partial, _content((value.func, value.args, value.keywords))
    if isinstance(value, types.MethodType):
        return types.MethodType, value.__func__, _content(value.__self__)
    if isinstance(value, frozenset):
        return type(value), frozenset(_content(item) for item in value)
    leaves, structure = jax.tree.flatten(value)
    if not (len(leaves) == 1 and leaves[0] is value):
        return structure, *(_content(leaf) for leaf in leaves), *_static_contents(value)
    if dataclasses.is_dataclass(value) and value.__dataclass_params__.frozen:  # type: ignore[union-attr]
        own = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return type(value), *(
            (name, _content(each)) for name, each in {**own, **getattr(value, "__dict__", {})}.items()
        )
    raise ValueError(f"system: {type(value).__name__} can be changed between two calls: expected {_FROZEN}")


def own_system(system: Any, answers: int, call: Call) -> OwnSystem:
    """Check a user's system by tracing it once, and wrap it.

    Args:
        system: anything with `start`, `step` and `score`.
        answers: how many answers a query has.
        call: what a call is: shapes and dtypes of its fields.

    Raises:
        ValueError: naming the method and what was expected of it.
    """
    name = type(system).__name__
    rest, (unit, bound, grain) = _Rest(system), _declared(system)
    values = eqx.filter(system, eqx.is_array_like)

    def method(which: str) -> Callable[..., Any]:
        return lambda values, *arguments: getattr(rest.with_values(values), which)(*arguments)

    start = _trace(f"{name}.start", lambda values: method("start")(values, answers), values)
    step = functools.partial(_trace, f"{name}.step", method("step"), values)
    first = step(start, call)
    _same(name, start, first)
    # A Python number in the state takes the dtype that the first step gives it, as everywhere in JAX.
    state = jax.tree.map(
        lambda old, new: jax.ShapeDtypeStruct(old.shape, new.dtype if old.weak_type else old.dtype), start, first
    )
    _same(name, state, step(state, call), dtypes=True)
    numbers = {"score": "a number, the share right" if unit is None else f"a number in {unit}"}
    if callable(getattr(system, "calls_used", None)):
        numbers["calls_used"] = "a whole number"
    for which, expected in numbers.items():
        found = _trace(f"{name}.{which}", method(which), values, state)
        kinds = "biuf" if which == "score" else "iu"
        if not isinstance(found, jax.ShapeDtypeStruct) or found.shape != () or found.dtype.kind not in kinds:
            raise ValueError(f"{name}.{which} returns {_shown(found)}: expected {expected} of one query, of shape ()")
    dtypes = tuple(leaf.dtype for leaf in jax.tree.leaves(state))
    return OwnSystem(values, rest, dtypes, unit, bound, grain)


def _declared(system: Any) -> tuple[str | None, np.ndarray | None, np.ndarray | None]:
    """The unit of the scores, their bound, and the grain in which they are counted."""
    unit, bound = getattr(system, "unit", None), getattr(system, "bound", None)
    name = type(system).__name__
    if unit is None and bound is None:
        return None, None, None
    if not isinstance(unit, str) or not unit:
        raise ValueError(f"{name}.unit = {unit!r}: expected the unit of `bound`, as in unit = 'tokens'")
    try:
        limit = float(bound)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        limit = math.nan
    if not (math.isfinite(limit) and limit >= 1e-290):
        raise ValueError(f"{name}.bound = {bound!r}: expected the largest score that there can be, in {unit}")
    return unit, np.asarray(limit), np.asarray(math.ldexp(1.0, math.frexp(limit)[1] - AMOUNT_BITS))


def _trace(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Shapes and dtypes of what a method returns."""

    def checked(*arguments: Any) -> Any:
        found = function(*arguments)
        for path, leaf in jax.tree.leaves_with_path(found):
            if not eqx.is_array_like(leaf):
                raise ValueError(f"{name} returns {leaf!r}{_at(path)}: expected arrays and numbers")
        return found

    try:
        return jax.eval_shape(checked, *arguments)
    except _UNTRACEABLE as error:
        method = name.rpartition(".")[2]
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.name == method]
        where = f" (line {lines[-1]})" if lines else ""
        raise ValueError(
            f"{name}{where} asks for the value of a traced array, as `if`, `while`, `and`, int() and NumPy do: use "
            "jax.numpy alone, with jnp.where(condition, a, b) for `if` and & | ~ for `and`, `or`, `not`"
        ) from None


def _same(name: str, old: Any, new: Any, *, dtypes: bool = False) -> None:
    """Refuse a step that turns the state into one of another structure, shape or dtype."""
    structures: list[Any] = [jax.tree.structure(state) for state in (old, new)]
    if structures[0] != structures[1]:
        before, after = (str(structure).removeprefix("PyTreeDef(").removesuffix(")") for structure in structures)
        raise ValueError(f"{name}.step returns a state of the form {after}: expected {before}, as {name}.start returns")
    for (path, before), after in zip(jax.tree.leaves_with_path(old), jax.tree.leaves(new), strict=True):
        if before.shape != after.shape or (dtypes and before.dtype != after.dtype):
            raise ValueError(
                f"{name}.step turns the state{_at(path)} from {_shown(before)} into {_shown(after)}: expected the "
                f"shape and dtype that {name}.start gives it; .astype changes a dtype"
            )


def _at(path: Any) -> str:
    return f" at {jax.tree_util.keystr(path)}" if path else ""


def _shown(found: Any) -> str:
    if isinstance(found, jax.ShapeDtypeStruct):
        return f"{found.dtype} of shape {found.shape}"
    return f"a {type(found).__name__}"
