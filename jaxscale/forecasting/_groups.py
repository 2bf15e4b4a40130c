"""Coverage of several groups at once: what was recorded of one tells something of the others."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike
from scipy.special import ndtri

from jaxscale._arrays import generator
from jaxscale.common import DIFFERENT, common_queries
from jaxscale.data import Attempts, Ballots, DataWarning
from jaxscale.forecasting._arguments import DEFAULT_SEED, checked
from jaxscale.forecasting._coverage import forecast_coverage
from jaxscale.forecasting._pooled import Member, Pool, pool_posterior
from jaxscale.forecasting._posterior import LawPosterior, SharedDraws, query_posterior
from jaxscale.forecasting._prediction import looked_at
from jaxscale.forecasting._prior import AUTO, warn_of_prior
from jaxscale.forecasting._result import Forecast, Joint

# Groups go together where the ranks of their success rates correlate by more than chance has in one of 700 pairs, and
# by more than it has in any pair at all of one in 20 files of as many groups.
_DEVIATIONS, _FALSELY = 3.0, 0.05
# A pool of more queries would take long, and so many say enough of themselves; one of more groups would take minutes.
_MOST_QUERIES, _MOST_GROUPS = 2_000, 32
_AT_ONCE = 256  # groups that are compared with all others
_LAWS_AT_ONCE = 32  # groups whose posteriors are kept: 10 MB


def warn_of_other_queries(groups: Mapping[str, Attempts | Ballots]) -> None:
    """Warn where groups that are forecast side by side, each at all its queries, do not have the same ones."""
    differs = common_queries(groups).words
    if differs:
        warnings.warn(f"{differs}; {DIFFERENT}", DataWarning, stacklevel=3)


class GroupForecasts:
    """Forecasts of coverage of groups, pooled where they go together; what they share is computed once, when asked for.

    Args:
        groups: what was recorded, by name; of ballots, which calls were right.
        key: a typed JAX key; None stands for jax.random.key(0).

    Source:
        docs/mathematics.md, "Pooled groups"; [Rasch60].
    """

    def __init__(self, groups: Mapping[str, Attempts | Ballots], key: PRNGKeyArray | None = None) -> None:
        self._groups: dict[str, Attempts] = {name: each.as_attempts for name, each in groups.items()}
        self._key = jax.random.key(DEFAULT_SEED) if key is None else key
        self._pool_of = {name: names for names in _pools(self._groups) for name in names}
        self._pools: dict[str, Pool] = {}
        self._laws: dict[str, LawPosterior] = {}

    @functools.cached_property
    def _shared(self) -> SharedDraws:
        """One key, and so the same draws of the prior for every group, whichever others there are."""
        return SharedDraws(self._key)

    def forecast(self, name: str, k: ArrayLike, *, level: float, over: Literal["these", "population"]) -> Forecast:
        """The forecast of one group, as `forecast` of all of them returns it."""
        budgets, _ = checked(k, level, over, self._key)
        attempts, flat = self._groups[name], budgets.reshape(-1)
        warn_of_prior(attempts, AUTO, name if len(self._groups) > 1 else attempts.name)
        laws = self._law_posterior(name)
        posterior, joint = None, None
        if name in self._pool_of and budgets.max(initial=0) > attempts.attempts.min():
            pool = self._pool(self._pool_of[name])
            calls = looked_at(attempts.attempts, flat)
            pooled = pool.query_posterior(self._pool_of[name].index(name), calls)
            joint = Joint(pool, pooled.draws[:, np.searchsorted(calls, flat)].reshape(-1, *budgets.shape))
            # Pooling may mislead, and does so where a group departs from the others in a way of its own: half of the
            # draws behind the interval are those of the group alone.
            alone = query_posterior(laws, calls).draws
            chosen = np.arange(len(pooled.draws)) * len(alone) // len(pooled.draws)
            posterior = pooled._replace(draws=np.concatenate([pooled.draws, alone[chosen]]))
        curve = forecast_coverage(attempts, budgets, level, over, self._shared, laws, posterior)
        return dataclasses.replace(curve, joint=joint)

    def _pool(self, names: Sequence[str]) -> Pool:
        if names[0] not in self._pools:
            rng = generator(jax.random.fold_in(self._key, 1))
            self._pools[names[0]] = pool_posterior(_members([self._groups[name] for name in names]), rng)
        return self._pools[names[0]]

    def _law_posterior(self, name: str) -> LawPosterior:
        """That of one group, computed with those of the groups that follow: they are likely to be asked for next."""
        if name not in self._laws:
            names = list(self._groups)
            start = names.index(name)
            some = names[start : start + _LAWS_AT_ONCE]
            found = self._shared.posteriors([self._groups[each] for each in some])
            self._laws = dict(zip(some, found, strict=True))
        return self._laws[name]


def _pools(groups: Mapping[str, Attempts]) -> list[list[str]]:
    """Names of groups that go together, directly or by way of others; two or more to a pool."""
    # Groups at the same queries are compared all at once.
    sets: dict[tuple[str, ...], list[str]] = {}
    for name, each in groups.items():
        # A label that stands for two queries tells nothing of either.
        if each.query is not None and len(set(each.query)) == len(each.query):
            sets.setdefault(tuple(sorted(each.query)), []).append(name)
    rates = {}
    for names in sets.values():
        for name in names:
            order = np.argsort(np.array(groups[name].query))
            rates[name] = (groups[name].successes / groups[name].attempts)[order]
    pool_of = {name: name for name in rates}
    pairs = max(len(rates) * (len(rates) - 1) / 2, 1)
    deviations = max(_DEVIATIONS, -float(ndtri(_FALSELY / pairs)))

    def root(name: str) -> str:
        while pool_of[name] != name:
            pool_of[name] = name = pool_of[pool_of[name]]
        return name

    at = [{query: place for place, query in enumerate(queries)} for queries in sets]
    sharing: dict[str, list[int]] = {}
    for number, queries in enumerate(sets):
        for query in queries:
            sharing.setdefault(query, []).append(number)
    names_of = list(sets.values())
    for number, (queries, names) in enumerate(sets.items()):
        for other in sorted({other for query in queries for other in sharing[query] if other >= number}):
            common = [query for query in queries if query in at[other]]
            if len(common) < 2:
                continue
            mine, theirs = ([at[which][query] for query in common] for which in (number, other))
            there = np.array([rates[name][theirs] for name in names_of[other]])
            for start in range(0, len(names), _AT_ONCE):
                block = names[start : start + _AT_ONCE]
                akin = _go_together(np.array([rates[name][mine] for name in block]), there, deviations)
                for name, row in zip(block, akin, strict=True):
                    for fellow in np.flatnonzero(row).tolist():
                        pool_of[root(names_of[other][fellow])] = root(name)
    pools: dict[str, list[str]] = {}
    for name in rates:
        pools.setdefault(root(name), []).append(name)
    # In order of names, so that the same key gives the same numbers in whatever order the groups come.
    found = [sorted(pool) for pool in pools.values() if len(pool) > 1]
    small = [pool for pool in found if len(pool) <= _MOST_GROUPS and _queries_of(pool, groups) <= _MOST_QUERIES]
    for pool in found:
        if pool not in small:
            warnings.warn(
                f"{len(pool):,} groups at {_queries_of(pool, groups):,} queries go together ({pool[0]}, {pool[1]}, "
                f"...), more than {_MOST_GROUPS} or at more than {_MOST_QUERIES:,} queries: each is forecast from its "
                "own record alone; give fewer of them to let them inform each other",
                DataWarning,
                stacklevel=3,
            )
    return small


def _queries_of(pool: list[str], groups: Mapping[str, Attempts]) -> int:
    return len({query for name in pool for query in groups[name].query or ()})


def _go_together(some: np.ndarray, others: np.ndarray, deviations: float) -> np.ndarray:
    """Whether rank correlation at common queries is too high for chance; its deviation is 1 / sqrt(queries - 1).

    Args:
        some: (groups, queries) rates.
        others: (other groups, queries).
        deviations: how many of them chance does not reach.

    Returns:
        (groups, other groups) bool.
    """
    if some.shape[1] < 2:
        return np.zeros((len(some), len(others)), bool)
    one, other = (_centred_ranks(rates) for rates in (some, others))
    size = np.sqrt(np.square(one).sum(axis=1)[:, None] * np.square(other).sum(axis=1))
    return one @ other.T > deviations / np.sqrt(some.shape[1] - 1) * size


def _centred_ranks(rates: np.ndarray) -> np.ndarray:
    """Ranks in each row less their mean, those of equal values averaged."""
    ranks = np.empty(rates.shape)
    for row, values in zip(ranks, rates, strict=True):
        _, place, count = np.unique(values, return_inverse=True, return_counts=True)
        row[:] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks - ranks.mean(axis=1, keepdims=True)


def _members(groups: list[Attempts]) -> list[Member]:
    place: dict[str, int] = {}
    for each in groups:
        for query in each.query or ():
            place.setdefault(query, len(place))
    return [Member(each, np.array([place[query] for query in each.query or ()])) for each in groups]
