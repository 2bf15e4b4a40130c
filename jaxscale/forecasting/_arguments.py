"""What every forecast checks of its arguments."""

import jax
import numpy as np
from jaxtyping import Int, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._checks import check_choice, check_probability, whole_numbers

DEFAULT_SEED = 0


def checked(
    calls: ArrayLike, level: float, over: str, key: PRNGKeyArray | None
) -> tuple[Int[np.ndarray, "..."], PRNGKeyArray]:
    """The numbers of calls and the key, or a ValueError that names the argument."""
    budgets = whole_numbers(calls, "calls")
    check_probability(level, "level")
    check_choice(over, "over", ("these", "population"))
    return budgets, jax.random.key(DEFAULT_SEED) if key is None else key
