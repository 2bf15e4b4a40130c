"""Any model as a vector of unconstrained numbers, from what its fields declare."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale._checks import ArgumentError
from jaxscale.difficulty import AbstractLaw, Constraint

Vector = Float[Array, " free"]


class Leaf(NamedTuple):
    """One array of parameters inside a model."""

    name: str
    constraint: Constraint
    fitted: bool
    shape: tuple[int, ...]


class Layout(NamedTuple):
    """Which leaves of a model are free; hashable, so that it can be static under jit."""

    leaves: tuple[Leaf, ...]
    free: tuple[bool, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each entry of the vector: "a", or "weights[1]" for an entry of an array."""
        return tuple(
            leaf.name + "".join(f"[{i}]" for i in index)
            for leaf, free in zip(self.leaves, self.free, strict=True)
            if free
            for index in np.ndindex(leaf.shape)
        )

    def to_vector(self, model: AbstractLaw) -> Vector:
        """The free parameters of `model` in unconstrained coordinates."""
        return self._concatenate(model, lambda leaf, value: leaf.constraint.to_free(value))

    def to_values(self, model: AbstractLaw) -> Vector:
        """The free parameters of `model` as they are, in the order of `names`."""
        return self._concatenate(model, lambda leaf, value: value)

    def from_vector(self, vector: Vector, model: AbstractLaw) -> AbstractLaw:
        """`model` with its free parameters replaced by those of `vector`."""
        values, structure = jax.tree.flatten(model)
        start = 0
        for i, (leaf, free) in enumerate(zip(self.leaves, self.free, strict=True)):
            if free:
                size = int(np.prod(leaf.shape, dtype=int))
                values[i] = leaf.constraint.from_free(vector[start : start + size].reshape(leaf.shape))
                start += size
        return jax.tree.unflatten(structure, values)

    def log_prior(self, vector: Vector) -> Float[Array, ""]:
        """Log density, up to a constant, of the wide priors that the constraints imply."""
        start, total = 0, jnp.zeros((), vector.dtype)
        for leaf, free in zip(self.leaves, self.free, strict=True):
            if free:
                size = int(np.prod(leaf.shape, dtype=int))
                total = total + jnp.sum(leaf.constraint.log_prior(vector[start : start + size].reshape(leaf.shape)))
                start += size
        return total

    def _concatenate(self, model: AbstractLaw, value_of: Any) -> Vector:
        pairs = zip(self.leaves, self.free, jax.tree.leaves(model), strict=True)
        return jnp.concatenate([jnp.ravel(value_of(leaf, value)) for leaf, free, value in pairs if free])


def layout_of(model: AbstractLaw, free: Sequence[str] | None = None) -> Layout:
    """The layout of a model's parameters.

    Args:
        model: any law whose fields are declared with `parameter`.
        free: names of the parameters to fit; by default those declared as fitted.

    Returns:
        The layout.

    Raises:
        ValueError: if `free` is empty or names something that is no parameter of the model (the message lists them), or
            a field is not declared with `parameter`.
    """
    leaves = tuple(_leaf(model, path, value) for path, value in jax.tree_util.tree_flatten_with_path(model)[0])
    names = [leaf.name for leaf in leaves]
    if free is None:
        mask = tuple(leaf.fitted for leaf in leaves)
    else:
        for name in free:
            if name not in names:
                raise ArgumentError("free", name, f"parameters of {type(model).__name__}: {', '.join(names)}")
        mask = tuple(name in free for name in names)
    if not any(mask):
        raise ArgumentError("free", free, f"at least one parameter to fit, of {', '.join(names)}")
    return Layout(leaves, mask)


def _leaf(model: Any, path: tuple[Any, ...], value: Any) -> Leaf:
    owner: Any = model
    for step in path[:-1]:
        owner = getattr(owner, step.name) if hasattr(step, "name") else owner[step.idx]
    name = jax.tree_util.keystr(path).lstrip(".")
    metadata: Mapping[str, Any] = {}
    if dataclasses.is_dataclass(owner):
        metadata = {field.name: field.metadata for field in dataclasses.fields(owner)}[path[-1].name]
    if "constraint" not in metadata:
        raise ValueError(
            f"{type(model).__name__}: {name} is declared without the values that it may take: expected a field such as "
            f"{name}: jax.Array = jaxscale.difficulty.parameter(positive)"
        )
    return Leaf(name, metadata["constraint"], metadata["fitted"], tuple(np.shape(value)))
