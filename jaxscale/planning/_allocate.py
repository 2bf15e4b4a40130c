"""Where to draw the next samples, and how many are enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import float64, generator
from jaxscale._checks import MAX_CALLS, check_choice, whole_numbers
from jaxscale._result import Column, Result
from jaxscale.data import Attempts, require
from jaxscale.fitting import fit
from jaxscale.forecasting import AUTO, SharedDraws, checked, forecast_coverage, warn_of_prior

Rule: TypeAlias = Literal["online", "optimal", "uniform"]

RULES = ("online", "optimal", "uniform")
"""The ways to spread further calls over queries, the recommended one first."""

_MOST_DRAWN = 10**9  # attempts
_WIDE = 10**6


@overload
def allocate(attempts: Attempts, calls: int, k: int, *, rule: Rule = "online") -> np.ndarray: ...
@overload
def allocate(
    attempts: Mapping[str, Attempts], calls: int, k: int, *, rule: Rule = "online"
) -> dict[str, np.ndarray]: ...
def allocate(
    attempts: Attempts | Mapping[str, Attempts], calls: int, k: int, *, rule: Rule = "online"
) -> np.ndarray | dict[str, np.ndarray]:
    """How many of the next calls each query should get, so that a forecast of pass@k becomes as sure as it can.

    "online": one call after the other to the query with the fewest calls among those with the fewest successes, as if
    the new calls all failed; ask again once their outcomes are known. "optimal": the estimate of a query's failure
    (1-p)^k from n calls has variance k^2 p (1-p)^(2k-1) / n, so that the sum over queries is least where n is
    proportional to the root of p (1-p)^(2k-1). Its expectation given what was recorded stands in for the unknown p,
    under a fitted Beta law; what was drawn already counts. "uniform": to all alike.

    Of several groups the calls are those of all together: every query of every group stands in line, and "optimal"
    makes the sum over groups of the variance of their pass@k least, where a query of a group of m counts for 1/m^2.

    In simulations (`python -m benchmarks plan`) "online" and "optimal" narrow the interval by an eighth to a quarter
    beside "uniform", and batches do as well as single calls. "online" has the lesser error in three populations of
    four; where many queries can never be solved neither beats "uniform". "optimal" is best for each query's own
    estimate, but `forecast` counts a query as solved from its first success on: further calls teach it little there.

    Args:
        attempts: what was recorded; or several groups by name.
        calls: how many calls to spread, in all; a whole number from 1.
        k: the number of calls of which pass@k is to be forecast.
        rule: as above.

    Returns:
        Further calls of each query; int64, shape (queries,), summing to `calls`. Of groups such an array for each name,
        all of them together summing to `calls`.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        docs/mathematics.md, "Allocating attempts"; [Kazdan25] (the optimal budget and the online rule).

    Example:
        >>> allocate(Attempts([20, 30, 20], [0, 0, 15]), 30, 1000).tolist()
        [20, 10, 0]
        >>> extra = allocate({"a": Attempts([20, 20], [0, 5]), "b": Attempts([10], [0])}, 30, 1000)
        >>> {name: each.tolist() for name, each in extra.items()}
        {'a': [10, 0], 'b': [20]}
    """
    several = isinstance(attempts, Mapping) and len(attempts) > 0
    groups: dict[str, Attempts] = dict(attempts) if several else {"": attempts}  # type: ignore
    for name, each in groups.items():
        require(each, Attempts, f"attempts[{name!r}]" if several else "attempts")
    total = int(whole_numbers(calls, "calls"))
    budget = int(whole_numbers(k, "k"))
    check_choice(rule, "rule", RULES)
    n, c = (np.concatenate([getattr(each, field) for each in groups.values()]) for field in ("attempts", "successes"))
    if rule == "uniform":
        extra = _whole(np.full(len(n), total / len(n)), total)
    elif rule == "online":
        extra = _online(n, c, total)
    else:
        log_variance = np.concatenate([_log_variance(each, budget) - 2 * np.log(len(each)) for each in groups.values()])
        # Only their proportions matter; the largest would underflow for large k.
        extra = _whole(_filled(n.astype(float), np.exp((log_variance - log_variance.max()) / 2), float(total)), total)
    if not several:
        return extra
    ends = np.cumsum([len(each) for each in groups.values()])
    return dict(zip(groups, np.split(extra, ends[:-1]), strict=True))


def _log_variance(attempts: Attempts, k: int) -> np.ndarray:
    """log E[p (1-p)^(2k-1)] of each query, given what was recorded."""
    law: Any = fit("beta", attempts, method="map").law
    n, c = attempts.attempts.astype(float), attempts.successes.astype(float)
    with float64():
        return np.asarray(law.log_moment(c + 1, n - c + 2 * k - 1) - law.log_moment(c, n - c))


def _filled(have: np.ndarray, wanted: np.ndarray, more: float) -> np.ndarray:
    """What to add, `more` in all, so that the totals are proportional to `wanted` wherever anything is added."""
    # Those whose share is exceeded already get nothing: the level is that of the others, found from the neediest on.
    order = np.argsort(have / np.maximum(wanted, 1e-300))
    levels = (more + np.cumsum(have[order])) / np.cumsum(wanted[order])
    enough = np.append((have / np.maximum(wanted, 1e-300))[order][1:], np.inf)
    level = levels[int(np.argmax(levels <= enough))]
    return np.maximum(level * wanted - have, 0.0)


def _whole(shares: np.ndarray, total: int) -> np.ndarray:
    """Whole numbers with the same sum: rounded down, the rest to the largest remainders."""
    floor = np.floor(shares).astype(np.int64)
    rest = total - int(floor.sum())
    floor[np.argsort(floor - shares, kind="stable")[: max(rest, 0)]] += 1
    return floor


def _online(attempts: np.ndarray, successes: np.ndarray, total: int) -> np.ndarray:
    """Failures leave the fewest successes as they are: the level of those queries' attempts rises evenly."""
    fewest = np.flatnonzero(successes == successes.min())
    extra = np.zeros(len(attempts), np.int64)
    have = attempts[fewest].astype(float)
    extra[fewest] = _whole(_filled(have, np.ones(len(have)), float(total)), total)
    return extra


@dataclass(frozen=True, eq=False, repr=False)
class Widths(Result):
    """How wide the interval of a forecast is with so many attempts at every query.

    Attributes:
        attempts: attempts a query; int64, shape (sizes,).
        width: mean width of the interval for pass@k.
        value: mean forecast.
        calls: of which pass@k.
        level: probability of the interval.
    """

    attempts: np.ndarray
    width: np.ndarray
    value: np.ndarray
    calls: int
    level: float

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {name: getattr(self, name).tolist() for name in ("attempts", "value", "width")}

    def _shown(self) -> list[Column]:
        headers = "attempts a query", f"pass@{self.calls:,}", f"width of the {self.level:.0%} interval"
        columns = zip(headers, super()._shown(), strict=True)
        return [column._replace(header=header) for header, column in columns]

    def enough(self, width: float) -> int | None:
        """The fewest attempts looked at, from which on the interval is at most so wide; None if it never stays so.

        Widths are means over a few simulations: one that is narrow by luck does not count where more attempts fail.

        >>> Widths(np.array([1, 2, 4, 8]), np.array([0.3, 0.1, 0.2, 0.1]), np.ones(4), 100, 0.9).enough(0.15)
        8
        """
        narrow = np.logical_and.accumulate(self.width[::-1] <= width)[::-1]
        return int(self.attempts[narrow.argmax()]) if narrow.any() else None


def interval_widths(
    attempts: Attempts,
    k: int,
    sizes: ArrayLike | None = None,
    *,
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    replicates: int = 4,
    key: PRNGKeyArray | None = None,
) -> Widths:
    """How wide the interval for pass@k would be with fewer or more attempts: how many samples are enough.

    Fewer attempts are drawn from the recorded ones without replacement; further ones are simulated, from draws of each
    query's success probability given what was recorded, under a fitted Beta law. Each replicate is forecast anew. A
    replicate has the same success probabilities and random numbers at every size, so that sizes differ by little else,
    and the same key gives the same numbers at a size whichever others are looked at.

    Args:
        attempts: what was recorded, equally many or not.
        k: number of calls.
        sizes: attempts a query; None for quarters, halves and multiples of the fewest recorded ones, up to 16 times
            (10^12 at most).
        level: probability of the interval.
        over: as in `forecast`.
        replicates: simulations for each size.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        Mean widths, by increasing number of attempts.

    Raises:
        ValueError: naming the argument and what was expected.

    Example:
        >>> seen = Attempts([20] * 12, [0, 0, 0, 0, 0, 1, 1, 2, 3, 6, 9, 16])
        >>> widths = interval_widths(seen, 1000, [20, 2000], replicates=1)
        >>> bool(widths.width[1] < widths.width[0])
        True
    """
    require(attempts, Attempts, "attempts")
    fewest = int(attempts.attempts.min())
    usual = np.unique([min(max(1, round(fewest * share)), MAX_CALLS) for share in (0.25, 0.5, 1, 2, 4, 8, 16)])
    wanted = np.unique(whole_numbers(usual if sizes is None else sizes, "sizes"))
    count = int(whole_numbers(replicates, "replicates"))
    budgets, key = checked(int(whole_numbers(k, "k")), level, over, key)
    warn_of_prior(attempts, AUTO)
    law: Any = fit("beta", attempts, method="map").law
    rng, shared = generator(key), SharedDraws(key)
    found = np.zeros((2, len(wanted)))
    for replicate in rng.spawn(count):
        chance = replicate.beta(law.a + attempts.successes, law.b + attempts.attempts - attempts.successes)
        start = replicate.bit_generator.state
        for column, size in enumerate(wanted.tolist()):
            replicate.bit_generator.state = start
            curve = forecast_coverage(_resized(attempts, size, chance, replicate), budgets, level, over, shared)
            found[:, column] += np.array([curve.upper - curve.lower, curve.value]) / count
    return Widths(wanted, found[0], found[1], int(budgets), level)


def _resized(attempts: Attempts, size: int, chance: np.ndarray, rng: np.random.Generator) -> Attempts:
    n, c = attempts.attempts, attempts.successes
    fewer = np.minimum(n, size)
    kept = _kept(c, n, fewer, rng)
    return Attempts(np.full(len(n), size), kept + rng.binomial(size - fewer, chance), attempts.query, attempts.name)


def _kept(successes: np.ndarray, attempts: np.ndarray, drawn: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Successes among so many attempts drawn without replacement.

    NumPy's hypergeometric draws end at 10^9 attempts. Beyond, a law has its mean and variance where it is wide enough
    to be normal; else successes (or failures) are so rare that each is drawn as if alone.
    """
    small = attempts < _MOST_DRAWN
    if small.all():
        return rng.hypergeometric(successes, attempts - successes, drawn)
    result = rng.hypergeometric(*(np.where(small, x, 1) for x in (successes, attempts - successes, drawn)))
    share, rare = drawn / attempts, np.minimum(successes, attempts - successes)
    variance = rare * share * (1 - share) * (1 - rare / attempts)
    spread = rng.standard_normal(len(attempts)) * np.sqrt(variance)
    wide = np.clip(np.rint(rare * share + spread), 0, np.minimum(rare, drawn))
    chosen = np.where(variance > _WIDE, wide, rng.binomial(rare, share)).astype(np.int64)
    chosen = np.where(drawn == attempts, rare, np.minimum(chosen, drawn))
    return np.where(small, result, np.where(rare == successes, chosen, drawn - chosen))
