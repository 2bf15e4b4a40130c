"""The grid of logit p on which every law of difficulty is a vector of weights, and what calls are worth on it.

Likelihoods and forecasts are then matrix products, whatever the law. A row of weights has one entry more than the grid
has points, the last for p = 0: what is never solved.
"""

import functools

import numpy as np

from jaxscale.estimators import Distinct

# From 10^-14: what is rarer counts among the queries never solved. What a point stands for is averaged over a hat as
# wide as two of its steps.
_STEP = 0.4
_PARTS = 8
POINTS = np.arange(-32.0, 9.0 + _STEP / 2, _STEP)
_FINE = np.arange(POINTS[0], POINTS[-1] + 1e-9, _STEP / _PARTS)
HATS = np.maximum(0.0, 1 - np.abs(_FINE[:, None] - POINTS) / _STEP)
HATS /= HATS.sum(axis=0)
# Between the points: log p and log(1 - p), and the weights of averages over what each point stands for.
FINE_LOG_P, FINE_LOG_Q = -np.logaddexp(0.0, -_FINE), -np.logaddexp(0.0, _FINE)
# A likelihood of more information on logit p than this is narrower than the grid: it is flattened to it.
_SHARPEST = 500.0
_ROWS = 4096  # distinct queries at a time
_SMALL_PRODUCT = 2**18  # multiplications


def failure_factors(failures: np.ndarray) -> np.ndarray:
    """(1-p)^m averaged over what each point stands for, and 1 at p = 0; (m, points + 1), not to be written to."""
    return _failure_factors(np.asarray(failures, float).tobytes())


# Groups at the same numbers of calls ask for the same ones.
@functools.lru_cache(maxsize=16)
def _failure_factors(failures: bytes) -> np.ndarray:
    averaged = product(np.exp(np.frombuffer(failures)[:, None] * FINE_LOG_Q), HATS)
    factors = np.column_stack([averaged, np.ones(len(averaged))])
    factors.flags.writeable = False
    return factors


def likelihoods(pairs: Distinct) -> np.ndarray:
    """p^c (1-p)^(n-c) of each distinct query over the grid, largest 1; (pairs, points + 1)."""
    rows = []
    for start in range(0, len(pairs.attempts), _ROWS):
        part = slice(start, start + _ROWS)
        n, c = (np.asarray(x[part], float)[:, None] for x in (pairs.attempts, pairs.successes))
        information = c * (n - c) / n
        flatter = np.where(information > _SHARPEST, _SHARPEST / np.maximum(information, 1.0), 1.0)
        log_likelihood = flatter * (c * FINE_LOG_P + (n - c) * FINE_LOG_Q)
        top = log_likelihood.max(axis=1, keepdims=True)
        # At p = 0 failures alone have likelihood 1, on the scale of the row.
        never = np.exp(np.where(c == 0, -top, -np.inf))
        rows.append(np.column_stack([product(np.exp(log_likelihood - top), HATS), never]))
    return np.concatenate(rows)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a @ b`, in blocks of rows that BLAS keeps to one thread: several wait for each other longer than they work."""
    rows = _SMALL_PRODUCT // max(b.size, 1)
    if not rows:
        return np.matmul(a, b)
    return np.concatenate([a[start : start + rows] @ b for start in range(0, max(len(a), 1), rows)])
