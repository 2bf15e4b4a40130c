"""Unbiased pass@k and pass^k from recorded attempts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, float64, promote
from jaxscale.data import Attempts, Ballots, Estimate, require
from jaxscale.estimators._distinct import distinct, padded_size
from jaxscale.estimators._estimate import PerQuery, estimate
from jaxscale.special import log_beta_ratio, numpy_log_beta_ratio
from jaxscale.systems import AllPass, PassAtK, SolveOnce, implements

# Distinct queries handled at a time: bounds the memory that uneven attempts of millions of queries would take.
_BLOCK = 4096
_FEWEST = 16
# Values up to which compiling takes longer than all of them do without.
_FEW = 300_000

_Rule: TypeAlias = Callable[[Any, Any, Any, Any], Any]
"""The value of queries from attempts, successes and calls, in JAX or in NumPy (the last argument)."""


def log_failure_without_replacement(attempts: ArrayLike, successes: ArrayLike, k: ArrayLike) -> Floats:
    """Log probability that k of the recorded attempts, drawn without replacement, all failed.

    It is log C(n-c, k) / C(n, k), written as a ratio of Beta functions: log B(c, x + k) / B(c, x), x = n - c - k + 1.

    Args:
        attempts: n, one or more; any shape.
        successes: c in [0, n]; broadcast with the others.
        k: in [0, n].

    Returns:
        Zero or negative, -inf where more than n - c attempts are drawn; relative error near 1e-14 in float64.

    Source:
        docs/mathematics.md, "Unbiased pass@k"; [Chen21].

    Example:
        >>> print(float(jnp.exp(log_failure_without_replacement(4, 1, 2))))
        0.5
    """
    n, c, k = promote(attempts, successes, k)
    return _log_failure(n, c, k, jnp)


def _log_failure(n: Any, c: Any, k: Any, xp: Any) -> Any:
    """The same for float arrays, in JAX or in NumPy (`xp`)."""
    spare = n - c - k
    possible = (spare >= 0) & (c > 0)
    of_beta = log_beta_ratio if xp is jnp else numpy_log_beta_ratio
    ratio = of_beta(xp.where(possible, c, 1.0), xp.where(possible, spare, 0.0) + 1, k)
    return xp.where(possible, ratio, xp.where(c > 0, -xp.inf, 0.0))


def _any_right(n: Any, c: Any, k: Any, xp: Any) -> Any:
    return -xp.expm1(_log_failure(n, c, k, xp))


def _all_right(n: Any, c: Any, k: Any, xp: Any) -> Any:
    """No failure is drawn where right and wrong change places."""
    return xp.exp(_log_failure(n, n - c, k, xp))


@functools.partial(jax.jit, static_argnames="rule")
def _compiled(rule: _Rule, attempts: Floats, successes: Floats, k: Floats) -> Floats:
    n, c = attempts[:, None], successes[:, None]
    return rule(n, c, jnp.minimum(k, n), jnp)


def pass_at_k_per_query(attempts: np.ndarray, successes: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Unbiased pass@k of each query; k beyond its attempts stands for all of them.

    Args:
        attempts: (queries,) attempts.
        successes: (queries,) successes.
        k: (budgets,) numbers of calls.

    Returns:
        (queries, budgets) float64.

    Source:
        [Chen21].

    Example:
        >>> pass_at_k_per_query(np.array([4]), np.array([1]), np.array([1, 2])).round(12).tolist()
        [[0.25, 0.5]]
    """
    if len(k) and k.min() >= attempts.max(initial=0):
        return np.repeat((successes > 0).astype(np.float64)[:, None], len(k), axis=1)
    return _per_query(_any_right, attempts, successes, k)


def all_pass_per_query(attempts: np.ndarray, successes: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Unbiased pass^k of each query, C(c, k) / C(n, k); k beyond its attempts stands for all of them.

    Args:
        attempts: (queries,) attempts.
        successes: (queries,) successes.
        k: (budgets,) numbers of calls.

    Returns:
        (queries, budgets) float64.

    Source:
        docs/mathematics.md, "All calls right"; [Yao24].

    Example:
        >>> all_pass_per_query(np.array([4]), np.array([3]), np.array([1, 2])).round(12).tolist()
        [[0.75, 0.5]]
    """
    return _per_query(_all_right, attempts, successes, k)


def _per_query(rule: _Rule, attempts: np.ndarray, successes: np.ndarray, k: np.ndarray) -> np.ndarray:
    if len(attempts) * len(k) <= _FEW:
        n, c = (x.astype(np.float64)[:, None] for x in (attempts, successes))
        return np.asarray(rule(n, c, np.minimum(k, n), np))
    with float64():
        blocks = []
        for start in range(0, len(attempts), _BLOCK):
            n, c = attempts[start : start + _BLOCK], successes[start : start + _BLOCK]
            # Padding to sixteen, or an eighth of a power of two, keeps both the compilations and the waste few.
            extra = -len(n) % max(_FEWEST, padded_size(len(n)) // 16)
            n, c = (np.pad(x, (0, extra), mode="edge").astype(np.float64) for x in (n, c))
            blocks.append(np.asarray(_compiled(rule, n, c, k.astype(np.float64)))[: len(n) - extra])
        return np.concatenate(blocks)


@implements("estimate", SolveOnce, Attempts)
@implements("estimate", PassAtK, Attempts)
def _of_attempts(system: PassAtK | SolveOnce, data: Attempts, calls: np.ndarray) -> PerQuery:
    pairs = distinct(data)
    real = pairs.queries > 0
    return PerQuery(pass_at_k_per_query(pairs.attempts[real], pairs.successes[real], calls), pairs.pair)


@implements("estimate", SolveOnce, Ballots)
@implements("estimate", PassAtK, Ballots)
def _of_ballots(system: PassAtK | SolveOnce, data: Ballots, calls: np.ndarray) -> PerQuery:
    return _of_attempts(system, data.as_attempts, calls)


@implements("estimate", AllPass, Attempts)
def _all_of_attempts(system: AllPass, data: Attempts, calls: np.ndarray) -> PerQuery:
    pairs = distinct(data)
    real = pairs.queries > 0
    return PerQuery(all_pass_per_query(pairs.attempts[real], pairs.successes[real], calls), pairs.pair)


@implements("estimate", AllPass, Ballots)
def _all_of_ballots(system: AllPass, data: Ballots, calls: np.ndarray) -> PerQuery:
    return _all_of_attempts(system, data.as_attempts, calls)


def pass_at_k(attempts: Attempts, k: ArrayLike) -> Estimate:
    """Unbiased coverage, the chance that at least one of k calls succeeds: `estimate(PassAtK(), attempts, k)`.

    Each query's value is 1 - C(n-c, k)/C(n, k), the exact average over all ways to pick k of its n recorded attempts.
    Computed in float64 whatever the JAX setting. It assumes that n was fixed in advance.

    Args:
        attempts: what was recorded; attempts may be uneven.
        k: numbers of calls, whole numbers from 1 to the smallest number of attempts; any shape.

    Returns:
        Values with standard errors over queries (NaN for a single query), each of the shape of `k`.

    Raises:
        ValueError: for other k; it names the query that has fewer attempts.

    Source:
        docs/mathematics.md, "Unbiased pass@k"; [Chen21].

    Example:
        >>> pass_at_k(Attempts(attempts=[4, 4], successes=[1, 4]), [1, 2]).value
        array([0.625, 0.75 ])
    """
    require(attempts, Attempts, "attempts")
    return estimate(PassAtK(), attempts, k)
