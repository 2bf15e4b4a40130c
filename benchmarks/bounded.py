"""Work that grew without bound before: votes over many ballots and many answers, and groups in the thousands."""

import resource
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxscale import Attempts, Ballots
from jaxscale.estimators import vote_curve
from jaxscale.forecasting._groups import Together


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of processor seconds and of the most memory that the process had held by then."""
    rng = np.random.default_rng(0)
    size = 10 if quick else 1
    rows = [
        _row(
            f"vote_curve, 4 queries x 3 answers, {ballots // size:,} ballots",
            lambda ballots=ballots // size: vote_curve(_ballots(rng.multinomial(ballots, _NEAR_TIES))),
        )
        for ballots in (4_005, 8_005)
    ]
    shares = rng.dirichlet(np.full(300 // size, 0.5), 3)
    counts = np.array([rng.multinomial(1_200 // size, share) for share in shares])
    rows.append(_row(f"vote_curve, 3 queries x {300 // size} answers", lambda: vote_curve(_ballots(counts))))
    calls = np.array([rng.multinomial(1_180 // size, share) for share in rng.dirichlet(np.full(6, 0.8), 30)])
    rows.append(_row(f"vote_curve, 30 queries x {1_180 // size:,} ballots", lambda: vote_curve(_ballots(calls))))
    single = np.ones((1, 10**6 // size), np.int64)
    single[0, :2] = 50, 60
    rows.append(_row(f"vote_curve, one query x {single.shape[1]:,} answers", lambda: vote_curve(_ballots(single))))
    groups = _groups(rng, 1_000 // size)
    rows.append(_row(f"which of {len(groups):,} groups x 20 queries go together", lambda: Together(groups)))
    return rows


_NEAR_TIES = np.array([[0.45, 0.35, 0.2], [0.3, 0.4, 0.3], [0.36, 0.34, 0.3], [0.7, 0.2, 0.1]])


def _ballots(counts: np.ndarray) -> Ballots:
    return Ballots(counts, np.tile(np.arange(counts.shape[1]) == 0, (len(counts), 1)))


def _groups(rng: np.random.Generator, number: int) -> dict[str, Attempts]:
    queries = tuple(f"q{i}" for i in range(20))
    hardness = rng.normal(-1.5, 2, 20)
    strength = rng.normal(0, 1, (number, 1)) + rng.normal(0, 0.7, (number, 20))
    solved = rng.binomial(16, 1 / (1 + np.exp(-hardness - strength)))
    return {f"group {i}": Attempts([16] * 20, row, query=queries) for i, row in enumerate(solved)}


def _row(name: str, function: Callable[[], Any]) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "name": name,
        "seconds": after.ru_utime - before,
        "note": f"user time; {after.ru_maxrss // 1024} MB at most",
    }
