"""Known answer distributions."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import ArrayLike

from jaxscale._checks import ArgumentError, refuse_masked
from jaxscale._numpy import ReadOnlyCopies, held

_TOLERANCE = 1e-6


class AnswerDistribution(ReadOnlyCopies, eqx.Module):
    """How probable each answer is to each query, for calls drawn with replacement.

    Args:
        probabilities: P(answer), shape (..., queries, answers); every row sums to 1.
        correct: which answers are right, bool, a shape that broadcasts to that of `probabilities`; None: answer 0.
        keep: P(kept by the filter | answer), the shape of `probabilities`; None: there is no filter.

    Arrays keep their kind: NumPy float64 stays so (kernels then compute in float64; a read-only copy is held), jax
    arrays and tracers stay as they are, so that everything computed from the distribution is differentiable in it.
    Values are checked where they are concrete.

    Raises:
        ValueError: naming the argument, its value and what was expected.

    >>> AnswerDistribution([[0.5, 0.3, 0.2]]).right
    array([[ True, False, False]])
    """

    probabilities: Float[Array, "*batch queries answers"]
    correct: Bool[Array, "*batch queries answers"] | None
    keep: Float[Array, "*batch queries answers"] | None

    def __init__(self, probabilities: ArrayLike, correct: ArrayLike | None = None, keep: ArrayLike | None = None):
        self.probabilities = _floats(probabilities, "probabilities")
        self.correct = None if correct is None else _array(correct, "correct")
        self.keep = None if keep is None else _floats(keep, "keep")

    def __check_init__(self) -> None:
        shape = self.probabilities.shape
        if len(shape) < 2 or 0 in shape:
            raise ArgumentError(
                "probabilities", shape, "(..., queries, answers), none of them 0", found=f" has shape {shape}"
            )
        _check_values(self.probabilities, "probabilities")
        if not isinstance(self.probabilities, jax.core.Tracer):
            totals = np.asarray(self.probabilities, np.float64).sum(axis=-1)
            worst = np.unravel_index(np.abs(totals - 1).argmax(), totals.shape)
            if abs(totals[worst] - 1) > _TOLERANCE:
                index = ", ".join(map(str, worst))
                raise ArgumentError(
                    "probabilities", index, "1 within 1e-6", found=f" of row {index} sum to {totals[worst]:.9g}"
                )
        if self.correct is not None:
            if self.correct.dtype != bool:
                raise ArgumentError(
                    "correct", self.correct.dtype, "bool, one per answer", found=f" is of type {self.correct.dtype}"
                )
            try:
                broadcast = np.broadcast_shapes(self.correct.shape, shape)
            except ValueError:
                broadcast = ()
            if broadcast != shape:
                raise ArgumentError(
                    "correct",
                    self.correct.shape,
                    f"one that broadcasts to {shape}",
                    found=f" has shape {self.correct.shape}",
                )
        if self.keep is not None:
            if self.keep.shape != shape:
                raise ArgumentError(
                    "keep", self.keep.shape, f"{shape}, that of probabilities", found=f" has shape {self.keep.shape}"
                )
            _check_values(self.keep, "keep")

    @property
    def right(self) -> np.ndarray | Array:
        """Which answers are right, in the shape of `probabilities` (answer 0 where `correct` was not given)."""
        if self.correct is None:
            correct = np.arange(self.probabilities.shape[-1]) == 0
        else:
            correct = self.correct
        if isinstance(correct, np.ndarray):
            return np.broadcast_to(correct, self.probabilities.shape)
        return jax.numpy.broadcast_to(correct, self.probabilities.shape)


def _array(value: Any, name: str) -> Any:
    refuse_masked(value, name)
    return held(value if isinstance(value, np.ndarray | jax.Array) else np.asarray(value))


def _floats(value: Any, name: str) -> Any:
    array = _array(value, name)
    return array if jax.numpy.issubdtype(array.dtype, jax.numpy.floating) else held(np.asarray(array, np.float64))


def _check_values(array: Any, name: str) -> None:
    if isinstance(array, jax.core.Tracer):
        return
    values = np.asarray(array, np.float64)
    bad = ~((values >= 0) & (values <= 1 + _TOLERANCE))
    if bad.any():
        index = np.unravel_index(int(bad.argmax()), bad.shape)
        raise ArgumentError(
            name, values[index], "numbers in [0, 1]", found=f" = {values[index]} at index {', '.join(map(str, index))}"
        )
