"""Checks of arguments, and the one error that says which argument cannot be meant."""

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

MAX_CALLS = 10**12
"""The largest number of calls any function accepts; beyond it float64 log-ratios lose their promised accuracy."""


class ArgumentError(ValueError):
    """An argument that a function cannot use: one line that names it, what was found, and what was expected.

    Args:
        argument: its name.
        value: what was passed, or the part of it that is to blame.
        expected: what would have been right; empty where `found` says so.
        found: what was found, as it follows the name; by default that it is `value`.

    >>> str(ArgumentError("level", 2, "a number between 0 and 1"))
    'level = 2: expected a number between 0 and 1'
    >>> ArgumentError("counts", (3,), "two axes", found=" has shape (3,)").about("--counts")
    '--counts has shape (3,): expected two axes'
    """

    def __init__(self, argument: str, value: Any, expected: str, *, found: str | None = None):
        self.argument = argument
        self.value = value.item() if isinstance(value, np.generic) else value
        self.expected = expected
        self.found = f" = {self.value!r}" if found is None else found
        super().__init__(self.about(argument))

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.argument, self.value, self.expected, self.found)

    def about(self, name: str) -> str:
        """The message, with another name for the argument: that of an option of the command line, say."""
        return f"{name}{self.found}: expected {self.expected}" if self.expected else f"{name}{self.found}"


def _again(kind: type[ArgumentError], argument: str, value: Any, expected: str, found: str) -> ArgumentError:
    return kind(argument, value, expected, found=found)


def check(argument: str, value: Any, expected: str, good: Any) -> None:
    """Refuse an argument by name unless it is `good`.

    Raises:
        ArgumentError: naming the argument, the value and what was expected.
    """
    if not good:
        raise ArgumentError(argument, value, expected)


def is_number(value: Any) -> bool:
    """Whether a value is one number, not an array of them, a text or a truth."""
    scalar = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return scalar or (getattr(value, "ndim", None) == 0 and hasattr(value, "dtype"))


def check_probability(value: Any, argument: str) -> None:
    """Check that `value` is one number between 0 and 1, ends excluded.

    >>> check_probability(1.0, "level")
    Traceback (most recent call last):
    jaxscale._checks.ArgumentError: level = 1.0: expected a number between 0 and 1
    """
    check(argument, value, "a number between 0 and 1", is_number(value) and 0 < value < 1)


def check_amount(value: Any, argument: str, *, positive: bool = False) -> None:
    """Check that `value` is one finite number of 0 or more, or above 0."""
    good = is_number(value) and math.isfinite(value) and (value > 0 if positive else value >= 0)
    check(argument, value, f"a finite number {'above 0' if positive else 'of 0 or more'}", good)


def check_choice(value: Any, argument: str, choices: Iterable[str]) -> None:
    """Check that `value` is one of a few words.

    >>> check_choice("all", "over", ("these", "population"))
    Traceback (most recent call last):
    jaxscale._checks.ArgumentError: over = 'all': expected 'these' or 'population'
    """
    words = tuple(choices)
    *first, last = map(repr, words)
    expected = f"{', '.join(first)} or {last}" if first else last
    check(argument, value, expected, isinstance(value, str) and value in words)


def check_calls(k: Any) -> None:
    """Check that numbers of calls, fractions of one included, are 0 or more; those that jax traces are not checked.

    Raises:
        ArgumentError: naming the value and what was expected.
    """
    import jax

    if isinstance(k, jax.core.Tracer):
        return
    refuse_masked(k, "k")
    array = np.asarray(k)
    bad = ~(array >= 0)
    if bad.any():
        raise ArgumentError("k", array[bad][0], "numbers of calls, 0 or more")


def refuse_masked(values: Any, argument: str) -> None:
    """Refuse a masked array, whose mask NumPy's functions drop.

    >>> refuse_masked(np.ma.array([1, 2], mask=[True, False]), "attempts")
    Traceback (most recent call last):
    jaxscale._checks.ArgumentError: attempts is a masked array: expected a plain one, without what is masked
    """
    if isinstance(values, np.ma.MaskedArray):
        raise ArgumentError(argument, values, "a plain one, without what is masked", found=" is a masked array")


def whole_numbers(
    values: ArrayLike | Iterable[int], argument: str, *, least: int = 1, most: int = MAX_CALLS
) -> np.ndarray:
    """Check that `values` are whole numbers in [least, most] and return them as an int64 array of the same shape.

    Raises:
        ArgumentError: naming the argument, the offending value and what was expected.
    """
    refuse_masked(values, argument)
    expected = f"whole numbers from {least} to {most}"
    array = np.asarray(values)
    if array.size == 0:
        raise ArgumentError(argument, values, expected, found=" is empty")
    for value in array.reshape(-1).tolist():
        try:
            number = operator.index(value)
        except TypeError:
            if not (isinstance(value, float) and math.isfinite(value) and value.is_integer()):
                raise ArgumentError(argument, value, expected) from None
            number = int(value)
        check(argument, value, expected, not isinstance(value, bool) and least <= number <= most)
    return array.astype(np.int64)
