"""Work that grew without bound before: votes over many ballots and many answers, and groups in the thousands."""

import resource
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import jaxscale as js
from jaxscale import Attempts, Ballots
from jaxscale.estimators import vote_curve
from jaxscale.forecasting import Together
from jaxscale.reports import report


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
    rows.append(_row(f"which of {len(groups):,} groups x 20 queries go together", lambda: _quietly(Together, groups)))
    # What is compiled and imported is not counted.
    few = dict(list(groups.items())[:2])
    js.forecast(js.PassAtK(), few, _CALLS, pool=False)
    js.forecast(js.Vote(), _ballots(np.array([[5, 3]])), _CALLS)
    _quietly(report, {"small": _ballots(np.array([[30, 10], [20, 20]]))}, [])
    rows.append(
        _row(
            f"forecast of {len(groups):,} groups x 20 queries x 16 attempts",
            lambda: js.forecast(js.PassAtK(), groups, _CALLS, pool=False),
        )
    )
    pool = dict(list(groups.items())[: 12 // (1 + quick)])
    rows.append(
        _row(f"forecast of a pool of {len(pool)} groups", lambda: _quietly(js.forecast, js.PassAtK(), pool, _CALLS))
    )
    name = f"forecast of a vote, one query x {single.shape[1]:,} answers"
    rows.append(_row(name, lambda: js.forecast(js.Vote(), _ballots(single), [1, 8, 100, 10_000, 100_000])))
    ties = np.array(rng.multinomial(8_005 // size, _NEAR_TIES))
    rows.append(_row(f"report, 4 queries x 3 answers, {8_005 // size:,} ballots", lambda: _page(_ballots(ties))))
    rows.append(_row(f"report, 3 queries x {300 // size} answers", lambda: _page(_ballots(counts))))
    rows.append(_row(f"report, 30 queries x {1_180 // size:,} ballots", lambda: _page(_ballots(calls))))
    models = _groups(rng, 24 // (1 + 5 * quick), 30)
    rows.append(_row(f"report, {len(models)} models x 30 queries x 16 attempts", lambda: _quietly(report, models, [])))
    return rows


def _page(ballots: Ballots) -> None:
    _quietly(report, {"data": ballots}, [])


def _quietly(function: Callable[..., Any], *arguments: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(*arguments)


_CALLS = [1, 4, 16, 64, 256]
_NEAR_TIES = np.array([[0.45, 0.35, 0.2], [0.3, 0.4, 0.3], [0.36, 0.34, 0.3], [0.7, 0.2, 0.1]])


def _ballots(counts: np.ndarray) -> Ballots:
    return Ballots(counts, np.tile(np.arange(counts.shape[1]) == 0, (len(counts), 1)))


def _groups(rng: np.random.Generator, number: int, size: int = 20) -> dict[str, Attempts]:
    queries = tuple(f"q{i}" for i in range(size))
    hardness = rng.normal(-1.5, 2, size)
    strength = rng.normal(0, 1, (number, 1)) + rng.normal(0, 0.7, (number, size))
    solved = rng.binomial(16, 1 / (1 + np.exp(-hardness - strength)))
    return {f"group {i}": Attempts([16] * size, row, query=queries) for i, row in enumerate(solved)}


def _row(name: str, function: Callable[[], Any]) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    function()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "name": name,
        "seconds": after.ru_utime - before,
        "note": f"user time; {after.ru_maxrss // 1024} MB at most",
    }
