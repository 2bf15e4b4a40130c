"""Groups at the same queries, drawn or simulated together: the files of recorded attempts, and kinds of kinship."""

from collections.abc import Callable, Iterator

import numpy as np

import jaxscale as js
from benchmarks._attempts import (
    FAMILIES,
    FILES,
    FOLDER,
    QUERIES,
    Case,
    Design,
    drawn,
    further,
)
from benchmarks._rivals._common import unbiased

Law = Callable[[np.random.Generator, int], np.ndarray]
"""Success probabilities of all groups at so many queries of a kind, (groups, queries)."""

_MANY = 100_000


def recorded() -> dict[str, dict[str, js.Attempts]]:
    """The real data sets by file and model; empty where they are not at hand."""
    paths = [FOLDER / file for file in FILES]
    if not all(path.exists() for path in paths):
        return {}
    return {path.name: dict(js.read_attempts(path, group=("model",)).items()) for path in paths}


def real_pools(files: dict[str, dict[str, js.Attempts]], design: Design, seeds: int) -> Iterator[list[Case]]:
    """The models of each file, each sampled down under every seed; the truth is unbiased pass@k from all attempts."""
    k = np.array(design.k)
    for groups in files.values():
        truths = {name: unbiased(each.attempts, each.successes, k).mean(axis=0) for name, each in groups.items()}
        for seed in range(seeds):
            pool = []
            for place, (name, every) in enumerate(groups.items()):
                rng = np.random.default_rng([seed, place, *design.attempts])
                sizes = design.sizes(len(every), rng)
                pool.append(Case(name, sizes, drawn(every, sizes, rng), {"these": truths[name]}, every.query))
            yield pool


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _difficulty(rng: np.random.Generator) -> Callable[[np.random.Generator, int], np.ndarray]:
    """Logits of a law of difficulty: of a Beta, or normal."""
    if rng.random() < 0.5:
        a, b = np.exp(rng.uniform(np.log([0.1, 1.0]), np.log([1.0, 30.0])))

        def draw(rng: np.random.Generator, size: int) -> np.ndarray:
            p = np.clip(rng.beta(a, b, size), 1e-300, 1 - 1e-12)
            return np.log(p) - np.log1p(-p)

        return draw
    mean, spread = rng.uniform(-5.0, -1.0), rng.uniform(1.0, 3.0)
    return lambda rng, size: mean + spread * rng.standard_normal(size)


def _shifts(rng: np.random.Generator, groups: int, most: float = 4.0) -> np.ndarray:
    return -np.sort(rng.uniform(0.0, most, groups))[:, None]


def _shifted(rng: np.random.Generator, groups: int) -> Law:
    """A common difficulty, a shift of each group and normal errors."""
    law, shifts, error = _difficulty(rng), _shifts(rng, groups), rng.uniform(0.2, 1.5)
    return lambda rng, size: _logistic(law(rng, size) + shifts + error * rng.standard_normal((groups, size)))


def _sloped(rng: np.random.Generator, groups: int) -> Law:
    """As shifted, but what is hard for one is harder yet for another."""
    law, shifts, error = _difficulty(rng), _shifts(rng, groups), rng.uniform(0.2, 1.0)
    slopes = rng.uniform(0.5, 1.5, (groups, 1))
    return lambda rng, size: _logistic(
        slopes * (law(rng, size) + 3) - 3 + shifts + error * rng.standard_normal((groups, size))
    )


def _unsolvable(rng: np.random.Generator, groups: int) -> Law:
    """As shifted, but some queries are never solved by anyone, and others by one group alone."""
    shifted = _shifted(rng, groups)
    never, own = rng.uniform(0.0, 0.5), rng.uniform(0.0, 0.4, (groups, 1))
    return lambda rng, size: shifted(rng, size) * (rng.random(size) >= never) * (rng.random((groups, size)) >= own)


def _factors(rng: np.random.Generator, groups: int) -> Law:
    """Each group has a random share of the success of the one before."""
    law, shapes = _difficulty(rng), np.exp(rng.uniform(np.log(0.3), np.log(3.0), (groups - 1, 2)))

    def draw(rng: np.random.Generator, size: int) -> np.ndarray:
        rows = [_logistic(law(rng, size))]
        for a, b in shapes:
            rows.append(rows[-1] * rng.beta(a, b, size))
        return np.array(rows)

    return draw


def _apart(rng: np.random.Generator, groups: int) -> Law:
    """Groups that have nothing to do with each other."""
    chosen = rng.choice(list(FAMILIES), groups)
    quantiles = [FAMILIES[name](rng) for name in chosen]
    return lambda rng, size: np.array([quantile(rng.random(size)) for quantile in quantiles])


def _alike(rng: np.random.Generator, groups: int) -> Law:
    """Groups that hardly differ, as checkpoints of one model do."""
    law, shifts, error = _difficulty(rng), _shifts(rng, groups, 0.3), rng.uniform(0.05, 0.2)
    return lambda rng, size: _logistic(law(rng, size) + shifts + error * rng.standard_normal((groups, size)))


POOLS: dict[str, Callable[[np.random.Generator, int], Law]] = {
    "shifted": _shifted,
    "sloped": _sloped,
    "unsolvable": _unsolvable,
    "factors": _factors,
    "apart": _apart,
    "alike": _alike,
    "halves": _shifted,  # and each group lacks half of the queries
}


def simulated_pools(kind: str, design: Design, count: int, first: int = 0) -> Iterator[list[Case]]:
    """Pools of two to five groups, each pool with its own parameters and number of queries.

    The truths are those of `simulated_cases`; the population's by 100,000 queries.

    Args:
        kind: a name of `POOLS`.
        design: attempts and budgets.
        count: of pools.
        first: seed of the first.
    """
    k = np.array(design.k)
    for index in range(first, first + count):
        rng = np.random.default_rng([index, *kind.encode(), *design.attempts])
        groups, queries = int(rng.integers(2, 6)), QUERIES[index % len(QUERIES)]
        law = POOLS[kind](rng, groups)
        p = np.minimum(law(rng, queries), 1 - 1e-12)
        log_fail = np.log1p(-np.minimum(law(rng, _MANY), 1 - 1e-12))
        pool = []
        for row, many in zip(p, log_fail, strict=True):
            kept = np.sort(rng.permutation(queries)[: queries // 2]) if kind == "halves" else np.arange(queries)
            sizes = design.sizes(len(kept), rng)
            truths = {
                "these": np.array([further(row[kept], sizes, int(x), rng) for x in k]),
                "population": np.array([np.mean(-np.expm1(x * many)) for x in k]),
            }
            successes = rng.binomial(sizes, row[kept])
            pool.append(Case(kind, sizes, successes, truths, tuple(str(query) for query in kept.tolist())))
        yield pool
