"""The theorems on easy and hard queries against curves that know nothing of them."""

import itertools
import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale.closed_forms import best_calls, curve_shape, exact
from jaxscale.difficulty import TwoPoint
from jaxscale.simulator import simulate
from jaxscale.systems import Vote

_ROUNDING = 1e-13
_SIMULATED = np.array([1, 3, 5, 9, 17, 33, 65, 101])


@dataclass(frozen=True)
class TwoPointCheck:
    """One data set D(alpha, p1, p2): what the theorems say of its vote curve, and what the curve says.

    Args:
        easy_share: alpha.
        p_easy: p1.
        p_hard: p2.
        shape: by Theorem 2.
        shape_found: of the exact curve, from its steps.
        best: the best number of calls by Theorem 3, `math.inf` where more always help.
        best_found: where the exact curve is highest; `math.inf` where its limit is as high and higher than one call.
        deviation: the largest distance of a simulation from the exact curve, in standard errors.

    >>> TwoPointCheck(0.6, 0.85, 0.4, "rises", "rises", math.inf, math.inf, 2.5).agrees
    True
    """

    easy_share: float
    p_easy: float
    p_hard: float
    shape: str
    shape_found: str
    best: float
    best_found: float
    deviation: float

    @property
    def agrees(self) -> bool:
        """Whether theorem and curve say the same, and the simulation is within five standard errors."""
        return self.shape == self.shape_found and self.best == self.best_found and self.deviation < 5


def check_two_point(
    easy_share: float, p_easy: float, p_hard: float, *, key: PRNGKeyArray, calls: int = 801, replicates: int = 100_000
) -> TwoPointCheck:
    """Compare the shape and the best number of calls by theorem with the exact curve, and that with a simulation.

    Args:
        easy_share: share of easy queries, in [0, 1].
        p_easy: success probability of one call to an easy query, in (1/2, 1].
        p_hard: the same for a hard query, in [0, 1/2).
        key: a typed JAX key.
        calls: the most calls of the exact curve; odd numbers up to it are looked at, and a turn beyond is not found.
        replicates: of the simulation, at numbers of calls up to 101.

    Returns:
        What was found.

    Raises:
        ValueError: for probabilities outside these ranges.

    Source:
        docs/mathematics.md, "Two answers" (Theorems 2 and 4 of [Chen24], corrected).

    Example:
        >>> import jax
        >>> check = check_two_point(0.6, 0.85, 0.4, key=jax.random.key(0), calls=41, replicates=1000)
        >>> check.shape_found, check.best_found, check.agrees
        ('rises then falls', 5, True)
    """
    odd = np.arange(1, calls + 1, 2)
    with jax.enable_x64(True):  # steps are differences of nearly equal numbers
        data = TwoPoint(*jnp.asarray([easy_share, p_easy, p_hard]))
        values = np.asarray(exact(Vote(), data, odd))
        expected = np.asarray(exact(Vote(), data, _SIMULATED))
        run = simulate(key, Vote(), data, _SIMULATED, replicates)
    top = int(np.argmax(values.round(13)))
    # Beyond the calls looked at lies the limit, which is the share of easy queries.
    endless = easy_share > values[0] + _ROUNDING and easy_share >= values[top] - _ROUNDING
    return TwoPointCheck(
        easy_share,
        p_easy,
        p_hard,
        curve_shape(easy_share, p_easy, p_hard),
        shape_of(values),
        best_calls(easy_share, p_easy, p_hard),
        math.inf if endless else int(odd[top]),
        float(np.max(np.abs(run.value - expected) / run.standard_error)),
    )


def shape_of(values: np.ndarray) -> str:
    """The moves of a curve, one after the other, in the terms of `curve_shape`; steps below rounding are none.

    >>> shape_of(np.array([0.5, 0.6, 0.7, 0.65]))
    'rises then falls'
    """
    steps = np.diff(values)
    moves = ["rises" if step > 0 else "falls" for step in steps[np.abs(steps) > _ROUNDING]]
    return " then ".join(move for move, _ in itertools.groupby(moves)) or "flat"
