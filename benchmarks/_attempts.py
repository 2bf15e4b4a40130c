"""Data sets of attempts whose truth is known: real ones sampled down, and simulated families."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtri
from scipy.stats import beta

import jaxscale as js
from benchmarks._rivals._common import unbiased

FILES = ("pythia_math.csv", "code_contests.csv")
FOLDER = Path(__file__).parents[2] / "shared" / "data" / "attempts"

UNEVEN = (30, 100, 300)


@dataclass(frozen=True)
class Design:
    """How many attempts each query gets and which k are forecast."""

    attempts: tuple[int, ...]
    k: tuple[int, ...]

    def regimes(self) -> list[str]:
        """What the forecasts are called, one for each k."""
        size = "uneven" if len(self.attempts) > 1 else f"{self.attempts[0]:,}"
        return [f"{size} -> {k:,}" for k in self.k]

    def sizes(self, queries: int, rng: np.random.Generator) -> np.ndarray:
        """The attempts of each query; where they are uneven, chosen by chance, whatever their outcome."""
        return rng.choice(np.array(self.attempts), queries)


DESIGNS = (
    Design((30,), (1_000,)),
    Design((100,), (1_000, 10_000)),
    Design((1_000,), (10_000,)),
    Design(UNEVEN, (1_000,)),
)
REGIMES = [regime for design in DESIGNS[:3] for regime in design.regimes()]
"""The four whose errors are compared; the uneven one is reported beside them."""


@dataclass(frozen=True)
class Case:
    """One data set to forecast from, and what each claim comes to."""

    group: str
    attempts: np.ndarray
    successes: np.ndarray
    truths: dict[str, np.ndarray]
    query: tuple[str, ...] | None = None


def drawn(data: js.Attempts, sizes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Successes among some of each query's attempts, drawn without replacement."""
    return rng.hypergeometric(data.successes, data.attempts - data.successes, sizes)


Quantile = Callable[[np.ndarray], np.ndarray]
"""From uniform numbers to success probabilities that follow a law."""


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _beta(rng: np.random.Generator) -> Quantile:
    a, b = _log_uniform(rng, 0.05, 1.0), _log_uniform(rng, 1.0, 30.0)
    return lambda u: beta.ppf(u, a, b)


def _logit_normal(rng: np.random.Generator) -> Quantile:
    mean, spread = rng.uniform(-7.0, -1.0), rng.uniform(1.0, 3.5)
    return lambda u: 1 / (1 + np.exp(-(mean + spread * ndtri(u))))


def _mixture(rng: np.random.Generator) -> Quantile:
    """A share of easy queries and the rest hard ones, each its own Beta: their quantiles, one law after the other."""
    easy, share = _beta_between(rng, 0.1, 0.9), rng.uniform(0.1, 0.6)
    hard = _beta_between(rng, 1e-4, 1e-2)
    return lambda u: np.where(
        u > 1 - share, easy(np.clip((u - 1 + share) / share, 0, 1)), hard(np.minimum(u / (1 - share), 1))
    )


def _beta_between(rng: np.random.Generator, low: float, high: float) -> Quantile:
    mean, size = _log_uniform(rng, low, high), rng.uniform(1.0, 10.0)
    a = size if mean < 0.05 else size * mean
    return lambda u: beta.ppf(u, a, a / mean - a)


def _scaled_beta(rng: np.random.Generator) -> Quantile:
    inner, scale = _beta(rng), _log_uniform(rng, 0.02, 0.5)
    return lambda u: scale * inner(u)


def _kumaraswamy(rng: np.random.Generator) -> Quantile:
    a, b = _log_uniform(rng, 0.15, 1.0), _log_uniform(rng, 1.0, 10.0)
    return lambda u: (-np.expm1(np.log1p(-u) / b)) ** (1 / a)


FAMILIES: dict[str, Callable[[np.random.Generator], Quantile]] = {
    "beta": _beta,
    "logit-normal": _logit_normal,
    "mixture": _mixture,
    "scaled beta": _scaled_beta,
    "kumaraswamy": _kumaraswamy,
}

QUERIES = (60, 150, 400)
_STRATA = 4_000


def families() -> list[str]:
    """Each law of difficulty, and each again with queries that are never solved."""
    return [name + zeros for name in FAMILIES for zeros in ("", " + unsolvable")]


def simulated_cases(family: str, design: Design, count: int, first: int = 0) -> Iterator[Case]:
    """Data sets of one family, each with its own parameters and number of queries.

    The truths: "these", unbiased pass@k of a further run on the same queries, of max(n, k) attempts each; "population",
    the expectation of pass@k over the law, to within 1/4,000 (midpoints of equal strata, monotone within a component).
    """
    law = FAMILIES[family.removesuffix(" + unsolvable")]
    middle = (np.arange(_STRATA) + 0.5) / _STRATA
    k = np.array(design.k)
    for index in range(first, first + count):
        rng = np.random.default_rng([index, *family.encode(), *design.attempts])
        quantile = law(rng)
        never = rng.uniform(0.05, 0.6) if family.endswith("unsolvable") else 0.0
        queries = QUERIES[index % len(QUERIES)]
        p = np.where(rng.random(queries) < never, 0.0, quantile(rng.random(queries)))
        sizes = design.sizes(queries, rng)
        successes = rng.binomial(sizes, p)
        strata = np.minimum(quantile(middle), 1 - 1e-16)
        expected = (1 - never) * np.mean(-np.expm1(np.log1p(-strata)[:, None] * k), axis=0)
        again = [further(p, sizes, int(x), rng) for x in k]
        yield Case(family, sizes, successes, {"these": np.array(again), "population": expected})


def further(p: np.ndarray, sizes: np.ndarray, k: int, rng: np.random.Generator) -> float:
    """Pass@k of a further run of max(n, k) attempts at queries with probabilities p."""
    longer = np.maximum(sizes, k)
    return float(unbiased(longer, rng.binomial(longer, p), np.array([k])).mean())
