"""Coverage of several groups at once: what was recorded of one tells something of the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import generator
from jaxscale.data import Attempts, require
from jaxscale.forecast._auto import believe
from jaxscale.forecast._coverage import DEFAULT_SEED, average, checked
from jaxscale.forecast._pool import Member, Pool, learn_together
from jaxscale.forecast._result import Forecast

# Groups go together where the ranks of their success rates correlate by more than chance has in one of 700 pairs.
_DEVIATIONS = 3.0
# A pool of more queries would take long, and so many say enough of themselves.
_MOST_QUERIES = 2_000


def forecast_groups(
    groups: Mapping[str, Attempts],
    k: ArrayLike,
    *,
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    key: PRNGKeyArray | None = None,
) -> dict[str, Forecast]:
    """Pass@k of several groups (models, say), those at the same queries informing each other.

    As `forecast` with model "auto", but for groups whose success rates go together at the queries that they share: how
    hard a query is, is then learned from all of them, and so is the curve that each of them follows; intervals give the
    same weight to what a group says alone, should it be unlike the others. Groups with other
    queries, without labels of queries, or at more than 2,000 queries are forecast each by itself.

    Args:
        groups: what was recorded, by name; queries are the same where their labels are.
        k: numbers of calls, whole numbers from 1 to 10^12; any shape.
        level: probability that each interval is to hold, in (0, 1).
        over: as for `forecast`.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        A curve for each group, in their order. `model.weights` names "pooled ..." laws where others had a say.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        docs/mathematics.md, "Pooled groups"; [Rasch60].

    Example:
        >>> groups = {name: Attempts([30] * 4, c, query=tuple("abcd")) for name, c in {"x": [0, 1, 9, 3]}.items()}
        >>> forecast_groups(groups, [30, 300])["x"].kind.tolist()
        ['estimate', 'forecast']
    """
    together = Together(groups, key)
    return {name: together.forecast(name, k, level=level, over=over) for name in groups}


class Together:
    """Groups whose coverage is forecast together; what they share is learnt once, when it is first asked for.

    Args:
        groups: as for `forecast_groups`.
        key: a typed JAX key; None stands for jax.random.key(0).
    """

    def __init__(self, groups: Mapping[str, Attempts], key: PRNGKeyArray | None = None) -> None:
        if not isinstance(groups, Mapping):
            raise ValueError(f"groups is a {type(groups).__name__}: expected a mapping of names to Attempts")
        for name, attempts in groups.items():
            require(attempts, Attempts, f"groups[{name!r}]")
        self._groups = groups
        self._key = jax.random.key(DEFAULT_SEED) if key is None else key
        self._names = _pools(groups)
        self._pools: dict[int, Pool] = {}

    def forecast(self, name: str, k: ArrayLike, *, level: float, over: Literal["these", "population"]) -> Forecast:
        """The forecast of one group, as `forecast_groups` returns it."""
        budgets, key = checked(k, level, over, self._key)
        attempts = self._groups[name]
        belief = None
        for number, names in enumerate(self._names):
            if name in names and budgets.max(initial=0) > attempts.attempts.min():
                if number not in self._pools:
                    key_pool = jax.random.fold_in(key, 1)
                    members = _members([self._groups[each] for each in names])
                    self._pools[number] = learn_together(members, generator(key_pool))
                belief = self._pools[number].belief(names.index(name), budgets.reshape(-1))
                # Pooling may mislead, and does so where a group departs from the others in a way of its own: half of
                # the draws behind the interval are those of the group alone.
                key_alone, _ = jax.random.split(key)
                alone = believe(attempts, budgets.reshape(-1), generator(key_alone)).draws
                chosen = np.arange(len(belief.draws)) * len(alone) // len(belief.draws)
                belief = belief._replace(draws=np.concatenate([belief.draws, alone[chosen]]))
        return average(attempts, budgets, level, over, key, belief)


def _pools(groups: Mapping[str, Attempts]) -> list[list[str]]:
    """Names of groups that go together, directly or by way of others; two or more to a pool."""
    rates = {
        name: dict(zip(each.query, (each.successes / each.attempts).tolist(), strict=True))
        for name, each in groups.items()
        # A label that stands for two queries tells nothing of either.
        if each.query is not None and len(set(each.query)) == len(each.query)
    }
    pools: list[list[str]] = []
    for name in rates:
        akin = [pool for pool in pools if any(_go_together(rates[name], rates[other]) for other in pool)]
        merged = [*(other for pool in akin for other in pool), name]
        pools = [*(pool for pool in pools if pool not in akin), merged]
    # In order of names, so that the same key gives the same numbers in whatever order the groups come.
    return [
        sorted(pool)
        for pool in pools
        if len(pool) > 1 and len({query for name in pool for query in rates[name]}) <= _MOST_QUERIES
    ]


def _go_together(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether rank correlation at common queries is too high for chance; its deviation is 1 / sqrt(queries - 1)."""
    common = [query for query in one if query in other]
    if len(common) < 2:
        return False
    ranks = np.array([_ranks(np.array([rates[query] for query in common])) for rates in (one, other)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    size = np.sqrt(np.prod(np.sum(np.square(ranks), axis=1)))
    return bool(ranks[0] @ ranks[1] > _DEVIATIONS / np.sqrt(len(common) - 1) * size)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, those of equal values averaged."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def _members(groups: list[Attempts]) -> list[Member]:
    place: dict[str, int] = {}
    for each in groups:
        for query in each.query or ():
            place.setdefault(query, len(place))
    return [Member(each, np.array([place[query] for query in each.query or ()])) for each in groups]
