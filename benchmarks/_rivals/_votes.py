"""Forecasts of voting accuracy as others make them, in plain NumPy.

Each is `VoteRival(cells, right, calls, level, rng) -> (value, lower, upper)`. Cells are counts, (queries, 2, columns):
what a filter kept and what it dropped (without a filter all is kept), by answer, the last column calls without one.
Right is (queries, columns - 1), bool.
"""

from collections.abc import Callable

import numpy as np

from benchmarks._rivals._common import maximise, resampled, with_interval

_RESAMPLES = 200
_DRAWS = 200

Result = tuple[np.ndarray, np.ndarray, np.ndarray]
VoteRival = Callable[[np.ndarray, np.ndarray, np.ndarray, float, np.random.Generator], Result]


def won(cells: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Chance that a right answer wins each vote, ties split: over the kept calls, or over all if none was kept.

    Args:
        cells: (..., queries, 2, columns) counts; calls in the last column name no answer and never win.
        right: (queries, columns - 1) which answers are right.

    Returns:
        (..., queries).
    """
    kept, dropped = cells[..., 0, :], cells[..., 1, :]
    counts = np.where(kept.any(axis=-1, keepdims=True), kept, dropped)[..., :-1]
    leads = (counts == counts.max(axis=-1, keepdims=True)) & (counts > 0)
    return (leads & right).sum(axis=-1) / np.maximum(leads.sum(axis=-1), 1)


def _votes(shares: np.ndarray, right: np.ndarray, calls: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Votes of `calls` calls at given chances of each cell, (size, queries, budgets); more calls go on from fewer."""
    order = np.argsort(calls, kind="stable")
    result = np.empty((size, len(right), len(calls)))
    flat = shares.reshape(*shares.shape[:-2], -1)
    counts = np.zeros((size, *flat.shape[-2:]), int)
    for step, column in zip(np.diff(calls[order], prepend=0), order, strict=True):
        counts += rng.multinomial(step, flat, (size, len(right)))
        result[..., column] = won(counts.reshape(size, *shares.shape[-3:]), right)
    return result


def resampling(
    cells: np.ndarray, right: np.ndarray, calls: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Plug-in: votes of calls drawn with replacement from the recorded ones, 200 a query; query bootstrap."""
    shares = cells / cells.sum(axis=(1, 2), keepdims=True)
    each = _votes(shares, right, calls, _RESAMPLES, rng).mean(axis=0)
    return with_interval(resampled(len(cells), rng) @ each, level)


def _support(cells: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cells and right answers with a kept column for a right answer where none was seen; which cells are possible."""
    seen = cells.sum(axis=1)[:, :-1] > 0
    missing = ~(seen & right).any(axis=1)
    new = np.zeros((len(cells), 2, 1), cells.dtype)
    possible = np.concatenate([new > 0, cells > 0], axis=2)
    possible[:, 0, 0] = missing
    return np.concatenate([new, cells], axis=2), np.column_stack([missing, right]), possible


def _dirichlet(
    cells: np.ndarray,
    right: np.ndarray,
    possible: np.ndarray,
    prior: np.ndarray | float,
    calls: np.ndarray,
    level: float,
    rng: np.random.Generator,
) -> Result:
    concentration = np.where(possible, cells + prior, 0.0)
    draws = rng.standard_gamma(concentration, (_DRAWS, *cells.shape))
    shares = draws / draws.sum(axis=(2, 3), keepdims=True)
    # One further run of the calls under each posterior draw: its mean over queries is the forecast.
    runs = _votes(shares, right, calls, _DRAWS, rng).mean(axis=1)
    return with_interval(np.vstack([runs.mean(axis=0), runs]), level)


def dirichlet(
    cells: np.ndarray, right: np.ndarray, calls: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Posterior predictive under Dirichlet(1, ..., 1) on the answers seen and a right one where none was.

    With a filter the cells are answers kept and answers dropped. The interval is predictive: a further run's votes.
    """
    cells, right, possible = _support(cells, right)
    return _dirichlet(cells, right, possible, 1.0, calls, level, rng)


def weak_dirichlet(
    cells: np.ndarray, right: np.ndarray, calls: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """The same under a prior that weighs as much as one call, split evenly (Perks)."""
    cells, right, possible = _support(cells, right)
    prior = 1 / possible.sum(axis=(1, 2), keepdims=True)
    return _dirichlet(cells, right, possible, prior, calls, level, rng)


def scaling(cells: np.ndarray, right: np.ndarray, calls: np.ndarray, level: float, rng: np.random.Generator) -> Result:
    """The scaling model of arXiv 2403.02419 (Chen et al., section 4): a curve for each query, fitted at few calls.

    Easy queries (the right answer more frequent than any wrong one, among the kept ones if there are any) rise as
    1 - exp(-a K - b sqrt(K) - c), hard ones fall as exp(-a K - b sqrt(K) - c), a, b, c >= 0, by least squares; tied
    ones stay. Which K to fit at is not said: 1 to half of the recorded calls here, at least 3, where subsets of them
    still average (200 random ones a query). No interval is published: query bootstrap.
    """
    fewest = int(cells.sum(axis=(1, 2)).min())
    few = np.arange(1, max(3, fewest // 2) + 1)
    few = few[few <= fewest]
    measured = _subsets(cells, right, few, rng)
    kept = cells[:, 0, :-1]
    counted = np.where(kept.any(axis=1, keepdims=True), kept, cells[:, 1, :-1])
    lead = np.max(np.where(right, counted, 0), axis=1) - np.max(np.where(right, 0, counted), axis=1)
    target = np.where((lead > 0)[:, None], 1 - measured, measured)
    features = np.stack([few, np.sqrt(few), np.ones(len(few))])

    def objective(x: np.ndarray, which: np.ndarray) -> np.ndarray:
        return -np.sum(np.square(np.exp(-x @ features) - target[which]), axis=1)

    start = -np.log(np.clip(target[:, :1], 0.05, 0.95)) * [0.3, 0.3, 0.4]
    fitted = maximise(objective, start, np.zeros(3), np.full(3, 30.0))
    falling = np.exp(-fitted @ np.stack([calls, np.sqrt(calls), np.ones(len(calls))]))
    curve = np.where((lead > 0)[:, None], 1 - falling, falling)
    each = np.where((lead == 0)[:, None], measured.mean(axis=1, keepdims=True), curve)
    return with_interval(resampled(len(cells), rng) @ each, level)


def _subsets(cells: np.ndarray, right: np.ndarray, few: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Accuracy of the first few of the recorded calls in random order, (queries, budgets)."""
    queries, shape = len(cells), cells.shape[1:]
    total = cells.sum(axis=(1, 2))
    # Every query's calls one by one, by cell, in an order of their own; beyond a query's calls there are none.
    listed = np.full((queries, total.max()), -1)
    for i, row in enumerate(cells.reshape(queries, -1)):
        listed[i, : total[i]] = np.repeat(np.arange(row.size), row)
    keys = np.where(listed >= 0, rng.random((_RESAMPLES, *listed.shape)), 2.0)
    ordered = np.take_along_axis(np.broadcast_to(listed, keys.shape), np.argsort(keys, axis=2), axis=2)
    result = np.empty((queries, len(few)))
    for column, k in enumerate(few):
        counts = (ordered[..., :k, None] == np.arange(shape[0] * shape[1])).sum(axis=2)
        result[:, column] = won(counts.reshape(_RESAMPLES, queries, *shape), right).mean(axis=0)
    return result


VOTE_RIVALS: dict[str, VoteRival] = {
    "plug-in resampling": resampling,
    "scaling model": scaling,
    "Dirichlet(1)": dirichlet,
    "Dirichlet(1/answers)": weak_dirichlet,
}
