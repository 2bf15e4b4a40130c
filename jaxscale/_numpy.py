"""What NumPy does in silence: it forgets in a copy that an array was read-only."""

from collections.abc import Mapping
from typing import Any

import numpy as np


class ReadOnlyCopies:
    """A base of immutable classes: the arrays of a copy, and of what was unpickled, are read-only."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        close(state)


class ReadOnlyArrays(ReadOnlyCopies):
    """A base of frozen dataclasses that hold arrays: no array can be written to through them.

    >>> import copy, dataclasses
    >>> @dataclasses.dataclass(frozen=True)
    ... class Result(ReadOnlyArrays):
    ...     value: np.ndarray
    >>> copy.deepcopy(Result(np.zeros(2))).value.flags.writeable
    False
    """

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray) and value.flags.writeable:
                # A view: whoever passed the array may go on writing to their own.
                view = value.view()
                view.setflags(write=False)
                object.__setattr__(self, name, view)


def held(value: Any) -> Any:
    """What an immutable class keeps of a value: a read-only copy of an array that its owner may write to."""
    if isinstance(value, np.ndarray) and value.flags.writeable:
        value = value.copy()
        value.setflags(write=False)
    return value


def close(value: Any) -> None:
    """Make every array in `value`, and in the mappings, lists and tuples in it, read-only."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    elif isinstance(value, Mapping):
        for item in value.values():
            close(item)
    elif isinstance(value, list | tuple):
        for item in value:
            close(item)
