"""Array aliases and dtype rules that every layer shares."""

import contextlib
from collections.abc import Iterator
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Float, Num, PRNGKeyArray

Floats: TypeAlias = Float[Array, "..."]
"""A floating-point array of any shape."""

Numbers: TypeAlias = Num[ArrayLike, "..."]
"""A number, or an array of any shape, that is promoted to a floating dtype."""


@contextlib.contextmanager
def promoting() -> Iterator[None]:
    """Promote dtypes and ranks as JAX does by default, however strict the caller's settings are."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Compute in float64 inside the block, whatever the caller's JAX settings, which are restored afterwards."""
    with jax.enable_x64(True), promoting():
        yield


def generator(key: PRNGKeyArray | None) -> np.random.Generator:
    """NumPy's generator of random numbers that a typed JAX key stands for; None stands for jax.random.key(0)."""
    return np.random.default_rng(seed_of(jax.random.key(0) if key is None else key))


def seed_of(key: PRNGKeyArray) -> list[int]:
    """The words of a typed JAX key, as a seed of NumPy's generator."""
    words: list[int] = np.asarray(jax.random.key_data(key)).reshape(-1).tolist()
    return words


def wants_float64(tree: Any) -> bool:
    """Whether any concrete leaf of `tree` is a float64 array, which a kernel must then not round to float32."""
    return any(getattr(leaf, "dtype", None) == np.float64 for leaf in jax.tree.leaves(tree))


def following_dtype(tree: Any) -> contextlib.AbstractContextManager[None]:
    """The context in which a computation on `tree` keeps the dtype of its leaves.

    JAX rounds NumPy float64 input to float32 unless x64 is on; a person who passes float64 arrays to a kernel means
    float64, so it is switched on for that call alone.
    """
    return float64() if wants_float64(tree) else promoting()


def tracing(*trees: Any) -> bool:
    """Whether jax traces any leaf of `trees`, or, as under `jit`, all that is computed here."""
    leaves = jax.tree.leaves(trees)
    return any(isinstance(leaf, jax.core.Tracer) for leaf in (*leaves, jnp.zeros(())))


def strong_float(value: Any) -> Floats:
    """`value` as a floating-point array with a strong dtype (a weak one would compile everything twice)."""
    with promoting():
        return jnp.asarray(value, dtype=jnp.result_type(value, float))


def promote(*values: Any) -> list[Floats]:
    """Broadcast `values` to one shape and one floating dtype: theirs, or JAX's default for Python and whole numbers."""
    arrays = [np.asarray(value) if isinstance(value, (list, tuple)) else value for value in values]
    with promoting():
        dtype = jnp.result_type(*arrays, float)
        return jnp.broadcast_arrays(*(jnp.asarray(array, dtype) for array in arrays))
