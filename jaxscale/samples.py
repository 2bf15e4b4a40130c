"""Sample data made by a seeded simulation: no model was called, so what would have happened is known."""

from dataclasses import dataclass

import numpy as np

from jaxscale.data import Attempts

MODELS = {"small": (0.30, 9.0, 0.80), "medium": (0.35, 4.0, 0.92), "large": (0.45, 1.8, 0.97)}
"""The simulated models: the success probability of a query is Beta(a, b), or 0 for a share 1 - ceiling of queries."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Simulated attempts of one model, with the probabilities behind them.

    Args:
        attempts: what a person would have recorded.
        probabilities: success probability of each query, shape (queries,).
    """

    attempts: Attempts
    probabilities: np.ndarray

    def pass_at_k(self, k: int) -> float:
        """The true pass@k of these queries.

        >>> Sample(Attempts([2], [1]), np.array([0.5])).pass_at_k(2)
        0.75
        """
        with np.errstate(divide="ignore"):
            return float(np.mean(-np.expm1(k * np.log1p(-self.probabilities))))


def sample_attempts(seed: int = 0, queries: int = 120, attempts: int = 200) -> dict[str, Sample]:
    """Simulate the attempts of three models at the same number of queries.

    Args:
        seed: of NumPy's generator; the same seed gives the same numbers.
        queries: number of queries.
        attempts: attempts at each.

    Returns:
        A sample for each name in `MODELS`.

    >>> sample_attempts()["large"].attempts.successes.shape
    (120,)
    """
    samples = {}
    for model, (a, b, ceiling) in MODELS.items():
        # A generator per model, so that one model's numbers do not depend on how many others there are.
        rng = np.random.default_rng([seed, list(MODELS).index(model)])
        probabilities = rng.beta(a, b, queries) * (rng.random(queries) < ceiling)
        successes = rng.binomial(attempts, probabilities)
        labels = tuple(f"q{query:03d}" for query in range(queries))
        samples[model] = Sample(Attempts(np.full(queries, attempts), successes, labels, model), probabilities)
    return samples
