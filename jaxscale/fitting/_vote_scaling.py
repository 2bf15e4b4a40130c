"""The scaling model of Chen et al.: each query's voting accuracy as a curve in the number of calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale._result import Result

_SMALLEST = 1e-6
# As in `_optimise`.
_GRADIENT_TOLERANCE, _SHORTEST_STEP = 1e-6, 1e-10
_MEMORY, _MOST_STEPS = 4, 100


@dataclass(frozen=True, eq=False, repr=False)
class VoteScaling(Result):
    """Fitted curves of voting accuracy.

    Easy queries follow 1 - exp(-a K - b sqrt(K) - c), hard ones exp(-a K - b sqrt(K) - c), with a, b, c >= 0; queries
    whose best right and best wrong answers tie stay where they are.

    Attributes:
        easy: (queries,) whether a query is easy, bool.
        level: (queries,) constant accuracy of tied queries; nan for the others.
        coefficients: (queries, 3) a, b and c.
    """

    easy: np.ndarray
    level: np.ndarray
    coefficients: np.ndarray

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {
            "query": list(range(len(self.easy))),
            "easy": self.easy.tolist(),
            "level": self.level.tolist(),
            **dict(zip("abc", self.coefficients.T.tolist(), strict=True)),
        }

    def accuracy(self, calls: np.ndarray) -> np.ndarray:
        """Accuracy of each query.

        Args:
            calls: (budgets,) numbers of calls.

        Returns:
            (queries, budgets) in [0, 1].
        """
        features = np.stack([calls, np.sqrt(calls), np.ones(len(calls))])
        failing = np.exp(-self.coefficients @ features)
        curve = np.where(self.easy[:, None], 1 - failing, failing)
        return np.where(np.isnan(self.level)[:, None], curve, self.level[:, None])


def fit_vote_scaling(calls: np.ndarray, accuracy: np.ndarray, difficulty: np.ndarray) -> VoteScaling:
    """Fit one curve per query by least squares, all queries at once, by L-BFGS.

    Args:
        calls: (budgets,) a few small numbers of calls.
        accuracy: (queries, budgets) voting accuracy measured at them.
        difficulty: (queries,) d(x), the share of the most frequent wrong answer less that of the right one: negative
            for easy queries, positive for hard ones.

    Returns:
        The fitted curves.

    Raises:
        ValueError: if the shapes do not fit each other.

    Source:
        docs/mathematics.md, "Scaling of votes"; [Chen24] section 4.

    Example:
        >>> calls = np.array([1, 3, 5])
        >>> curve = 1 - np.exp(-0.4 * calls)[None]
        >>> fit_vote_scaling(calls, curve, np.array([-0.3])).accuracy(np.array([9])).round(2).tolist()
        [[0.97]]
    """
    calls, accuracy, difficulty = (np.asarray(x, np.float64) for x in (calls, accuracy, difficulty))
    if accuracy.shape != (len(difficulty), len(calls)):
        expected = (len(difficulty), len(calls))
        raise ArgumentError(
            "accuracy", accuracy.shape, f"(queries, budgets) = {expected}", found=f" has shape {accuracy.shape}"
        )
    easy, tied = difficulty < 0, difficulty == 0
    return VoteScaling(easy, np.where(tied, accuracy.mean(axis=1), np.nan), _fit(calls, accuracy, easy))


def _fit(calls: np.ndarray, accuracy: np.ndarray, easy: np.ndarray) -> np.ndarray:
    """(queries, 3) a, b and c."""
    # Features of size about 1 leave the optimiser without a preferred direction.
    features = np.stack([calls / calls.max(), np.sqrt(calls / calls.max()), np.ones_like(calls)])
    failing = np.where(easy[:, None], 1 - accuracy, accuracy)
    # Squares keep the coefficients at or above 0 and let the optimum lie on the boundary.
    first = np.clip(failing[:, :1], 0.05, 0.95)
    start = np.sqrt(np.maximum(-np.log(first) * np.array([0.3, 0.3, 0.4]), _SMALLEST))
    scale = np.array([calls.max(), np.sqrt(calls.max()), 1.0])
    return np.square(_least_squares(features, failing, start)) / scale


def _least_squares(features: np.ndarray, target: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Minimise the mean square of exp(-v^2 . features) - target in each row's v: L-BFGS with Armijo backtracking.

    It takes the steps that `_optimise.lbfgs` takes; three coefficients are not worth two seconds of compiling.

    Args:
        features: (3, budgets).
        target: (queries, budgets).
        start: (queries, 3) where to start.

    Returns:
        (queries, 3) where it ended.
    """

    def value_and_gradient(rows: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        falling = np.exp(-np.square(v) @ features)
        error = falling - target[rows]
        return np.square(error).mean(axis=1), -4 * v * ((error * falling) @ features.T) / features.shape[1]

    v = start.copy()
    value, gradient = value_and_gradient(np.arange(len(v)), v)
    direction = -gradient * np.minimum(1, 1 / np.maximum(_norm(gradient), 1e-300))
    step = np.ones((len(v), 1))
    moved, turned = np.zeros((2, _MEMORY, *v.shape))  # the last differences of points and gradients, the newest last
    for _ in range(_MOST_STEPS - 1):
        going = np.flatnonzero((step[:, 0] > _SHORTEST_STEP) & (np.abs(gradient).max(axis=1) > _GRADIENT_TOLERANCE))
        if not len(going):
            break
        trial = v[going] + step[going] * direction[going]
        new_value, new_gradient = value_and_gradient(going, trial)
        enough = value[going] + 1e-4 * step[going, 0] * (gradient[going] * direction[going]).sum(axis=1)
        accepted = new_value <= enough
        step[going[~accepted]] /= 2
        here, trial, new_value, new_gradient = (
            going[accepted],
            trial[accepted],
            new_value[accepted],
            new_gradient[accepted],
        )
        moved[:, here] = np.concatenate([moved[1:, here], (trial - v[here])[None]])
        turned[:, here] = np.concatenate([turned[1:, here], (new_gradient - gradient[here])[None]])
        v[here], value[here], gradient[here], step[here] = trial, new_value, new_gradient, 1
        scaled = _preconditioned(new_gradient, moved[:, here], turned[:, here])
        downhill = (scaled * new_gradient).sum(axis=1, keepdims=True) > 0
        direction[here] = -np.where(downhill, scaled, new_gradient / np.maximum(_norm(new_gradient), 1))
    return v


def _preconditioned(gradient: np.ndarray, moved: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Each row's gradient times the inverse Hessian that its last steps suggest: the two loops of L-BFGS."""
    dots = (moved * turned).sum(axis=2, keepdims=True)
    weight = np.divide(1, dots, out=np.zeros_like(dots), where=dots != 0)
    alphas = []
    for i in reversed(range(len(moved))):
        alphas.append(weight[i] * (moved[i] * gradient).sum(axis=1, keepdims=True))
        gradient = gradient - alphas[-1] * turned[i]
    square = np.square(turned[-1]).sum(axis=1, keepdims=True)
    gradient = gradient * np.where(square > 0, dots[-1] / np.where(square > 0, square, 1), 1)
    for i in range(len(moved)):
        beta = weight[i] * (turned[i] * gradient).sum(axis=1, keepdims=True)
        gradient = gradient + (alphas[-1 - i] - beta) * moved[i]
    return gradient


def _norm(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x, axis=1, keepdims=True)
