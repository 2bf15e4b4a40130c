"""Sample data made by a seeded simulation: no model was called, so what would have happened is known."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._checks import ArgumentError
from jaxscale._numpy import ReadOnlyArrays
from jaxscale.data import Attempts, Ballots

MODELS = {"small": (0.30, 9.0, 0.80), "medium": (0.35, 4.0, 0.92), "large": (0.45, 1.8, 0.97)}
"""The simulated models: the success probability of a query is Beta(a, b), or 0 for a share 1 - ceiling of queries."""


@dataclass(frozen=True, eq=False)
class Sample(ReadOnlyArrays):
    """Simulated attempts of one model, with the probabilities behind them.

    Attributes:
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
        if not k >= 0:
            raise ArgumentError("k", k, "a number of calls, 0 or more")
        with np.errstate(divide="ignore"):
            return float(np.mean(-np.expm1(k * np.log1p(-self.probabilities))))


def sample_attempts(key: PRNGKeyArray | None = None, queries: int = 120, attempts: int = 200) -> dict[str, Sample]:
    """Simulate the attempts of three models at the same number of queries.

    Args:
        key: a typed JAX key; None stands for jax.random.key(0).
        queries: number of queries.
        attempts: attempts at each.

    Returns:
        A sample for each name in `MODELS`.

    >>> sample_attempts()["large"].attempts.successes.shape
    (120,)
    """
    samples = {}
    for model, (a, b, ceiling) in MODELS.items():
        rng = _generator(key, list(MODELS).index(model))
        probabilities = rng.beta(a, b, queries) * (rng.random(queries) < ceiling)
        successes = rng.binomial(attempts, probabilities)
        labels = tuple(f"q{query:03d}" for query in range(queries))
        samples[model] = Sample(Attempts(np.full(queries, attempts), successes, labels, model), probabilities)
    return samples


def sample_ballots(key: PRNGKeyArray | None = None, queries: int = 120, calls: int = 60) -> Ballots:
    """Simulate the answers of one model to easy and hard queries, so that a vote gets better at first and then worse.

    Half of the queries are easy: a right answer comes in 75% to 95% of calls. In the others it comes in 30% to 45%, and
    one wrong answer a little more often. In one call of 50 there is no answer.

    Args:
        key: a typed JAX key; None stands for jax.random.key(0).
        queries: number of queries.
        calls: ballots of each.

    Returns:
        Counts of the right answer, which comes first, and of four wrong ones.

    >>> sample_ballots().counts.shape
    (120, 5)
    """
    rng = _generator(key, len(MODELS))
    easy = np.arange(queries) < queries // 2
    right = np.where(easy, rng.uniform(0.75, 0.95, queries), rng.uniform(0.30, 0.45, queries))
    rival = np.where(easy, (1 - right) / 2, right + rng.uniform(0.03, 0.10, queries))
    others = (1 - right - rival)[:, None] * rng.dirichlet(np.ones(3), queries)
    named = 0.98 * np.column_stack([right, rival, others])
    drawn = rng.multinomial(calls, np.column_stack([named, 1 - named.sum(axis=1)]))
    labels = tuple(f"q{query:03d}" for query in range(queries))
    correct = np.broadcast_to(np.arange(5) == 0, (queries, 5))
    return Ballots(drawn[:, :-1], correct, blank=drawn[:, -1], query=labels, name="simulated")


def sample_checkpoints(key: PRNGKeyArray | None = None, queries: int = 96) -> tuple[dict[str, Attempts], np.ndarray]:
    """Simulate checkpoints of models of several sizes in training, at the same queries.

    What is hard for one checkpoint is hard for the others. A query gets 200 attempts, and 2,000 more if fewer than
    three of those succeed: the numbers of attempts depend on the outcomes, as in a search for rare successes.

    Args:
        key: a typed JAX key; None stands for jax.random.key(0).
        queries: number of queries.

    Returns:
        Attempts by checkpoint, named by size and tokens, and (checkpoints, 2) parameters and training tokens.

    >>> groups, covariates = sample_checkpoints()
    >>> len(groups), covariates[0].tolist()
    (30, [100000000.0, 2000000000.0])
    """
    rng = _generator(key, len(MODELS) + 1)
    common = rng.standard_normal(queries)
    groups, covariates = {}, []
    for size in (1e8, 3e8, 1e9, 3e9, 7e9, 1.2e10):
        for tokens in (2e9, 6e9, 2e10, 6e10, 2e11):
            gaps = 0.9 * (size / 1e9) ** -0.35 + 1.0 * (tokens / 2e10) ** -0.7
            log_odds = -3.0 - 1.6 * gaps + 0.3 * rng.standard_normal()
            a = 0.3 * (size / 1e9) ** 0.06
            # The common part of the ranks makes the same queries hard everywhere.
            order = np.argsort(np.argsort(0.9 * common + np.sqrt(0.19) * rng.standard_normal(queries)))
            p = np.sort(rng.beta(a, a * np.exp(-log_odds), queries))[order]
            successes = rng.binomial(200, p)
            further = np.where(successes < 3, 2000, 0)
            name = f"{size / 1e9:g}B, {tokens / 1e9:g}B tokens"
            labels = tuple(f"q{query:03d}" for query in range(queries))
            groups[name] = Attempts(200 + further, successes + rng.binomial(further, p), labels, name)
            covariates.append((size, tokens))
    return groups, np.array(covariates)


def _generator(key: PRNGKeyArray | None, part: int) -> np.random.Generator:
    """A generator for each part of the samples, so that one's numbers do not depend on how many others there are."""
    *high, low = np.asarray(jax.random.key_data(jax.random.key(0) if key is None else key)).tolist()
    return np.random.default_rng([low, part, *high])
