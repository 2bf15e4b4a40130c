"""Difficulty that groups share: what others solve of the same queries tells how hard they are.

A query that strong models solve often is likely to be within reach of a weak one that has not solved it yet; one that
nobody solves is not. And what a strong model shows at few calls, a weak one comes to at many.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jaxscale.data import Attempts
from jaxscale.estimators import distinct
from jaxscale.forecasting._grid import POINTS, failure_factors, likelihoods, product
from jaxscale.forecasting._posterior import QueryPosterior
from jaxscale.forecasting._shapes import SHAPES, Shape, law
from jaxscale.particles import Settings, initial, sample, weigh

# Laws of common difficulty that differ in their tails; the groups' own errors make up for what they lack.
_LAWS = ("beta", "bent", "logit-normal")
# The likelihood counts to this power where the pool's parameters are drawn: the model is a caricature of the law of
# difficulty and of how groups depart from it, and all of a pool's queries soon make it sure of both.
_SETTINGS = Settings(particles=100, power=0.25, sweeps=2, last_sweeps=6, keep=2, accepted=0.3)
DRAWS = _SETTINGS.keep * _SETTINGS.particles
_AT_ONCE = 25  # draws
_SMALLEST = 1e-30
# Difficulty lives on every other point of logit p. While sampling, points where a query is all but certain to fail all
# its attempts are one, and so are difficulties that lead there.
_COARSE = 2
_CERTAIN, _LEADING = 6.0, 8.0
# A group's own parameters: the rate of errors below (its logarithm's median and deviation) and the shift. A model fails
# at what is easy for others more than it shines at what is hard: errors above have a fixed, higher rate.
_BELOW, _ABOVE = (0.8, 1.0), 2.5
_SHIFT = 2.0
_OWN = 2


class Member(NamedTuple):
    """A group of a pool.

    Attributes:
        attempts: what was recorded.
        at: for each query of the group, its index among all queries of the pool.
    """

    attempts: Attempts
    at: np.ndarray


class _Records(NamedTuple):
    """What was recorded of one group: (pairs + 1, points + 1) likelihoods, and (queries,) rows of them."""

    likelihood: np.ndarray  # The last row is of queries that the group was not given, the last column of p = 0.
    pair: np.ndarray


class _Grid(NamedTuple):
    first: int  # of the points of logit p
    difficulty: np.ndarray
    skipped: int  # of the points of difficulty
    edges: np.ndarray  # between the cells of logit p


class Pool(NamedTuple):
    """What was learnt of groups that share queries.

    Attributes:
        members: the groups.
        records: of each.
        first: the group that solves most; the others' shifts are taken from it.
        draws: by law, (draws, parameters) standard normal before the data speak.
        joint: by law, (draws, queries, difficulty) log likelihoods of what all groups did with a query.
        shares: share of each law by name.
    """

    members: Sequence[Member]
    records: Sequence[_Records]
    first: int
    draws: dict[str, np.ndarray]
    joint: dict[str, np.ndarray]
    shares: dict[str, float]

    def query_posterior(self, index: int, k: np.ndarray) -> QueryPosterior:
        """The posterior of the queries of one group at (budgets,) numbers of calls; a row for each query."""
        parts = [_under_law(self, name, index, k) for name in self.draws]
        by = [len(draws) for _, _, draws in parts]
        density, solved_later = (np.average([part[j] for part in parts], axis=0, weights=by) for j in (0, 1))
        draws = np.concatenate([draws for _, _, draws in parts])
        n, c = self.members[index].attempts.attempts, self.members[index].attempts.successes
        counts, rows = np.ones(len(n)), np.arange(len(n))
        return QueryPosterior(n, c, counts, density, solved_later, draws, self.shares, self._reach(index), rows)

    def _reach(self, index: int) -> float:
        """Where a group's curve comes to what the one that solves most shows: later by its shift of log odds."""
        n = self.members[index].attempts.attempts.min()
        if index == self.first:
            return float(n)
        column = _OWN * (index - len(self.members)) + 1
        shift = _SHIFT * np.mean(np.concatenate([u[:, column] for u in self.draws.values()]))
        return float(n * np.exp(np.maximum(-shift, 0.0)))


def pool_posterior(members: Sequence[Member], rng: np.random.Generator) -> Pool:
    """The posterior of how hard the queries are, and of how each group departs from that, given what all groups did.

    A group has logit p = difficulty + shift + error: a difficulty of the query that all groups share, whose law is one
    of `_LAWS`; a shift of the group, 0 for the one that solves most; and an error of query and group with exponential
    tails. Laws are averaged by their evidence under a power of the likelihood. Cost and memory grow with queries times
    groups.

    Args:
        members: two groups or more.
        rng: draws.

    Returns:
        Draws from the posterior.

    Source:
        docs/mathematics.md, "Pooled groups"; [Rasch60] for difficulty plus shift.
    """
    size = 1 + max(int(member.at.max()) for member in members)
    records = [_records(member, size) for member in members]
    rates = [(m.attempts.successes + 0.3) / (m.attempts.attempts + 0.6) for m in members]
    first = int(np.argmax([np.mean(np.log(rate) - np.log1p(-rate)) for rate in rates]))
    most = max(int(member.attempts.attempts.max()) for member in members)
    sampled = {name: _sampled(SHAPES[name], records, first, most, rng) for name in _LAWS}
    share = weigh(np.array([log_evidence for _, log_evidence in sampled.values()])).normalised
    # Evenly spaced draws of each law, as many as it has weight.
    draws = {
        name: u[np.arange(number) * len(u) // number]
        for (name, (u, _)), number in zip(sampled.items(), np.rint(DRAWS * share).astype(int).tolist(), strict=True)
        if number
    }
    grid = _grid(None)
    joint = {
        name: np.sum(
            [
                _log_likelihoods(u[:, _own(SHAPES[name], i)], each, grid, i == first)[:, each.pair]
                for i, each in enumerate(records)
            ],
            axis=0,
        )
        for name, u in draws.items()
    }
    shares = {f"pooled {name}": float(each) for name, each in zip(_LAWS, share, strict=True)}
    return Pool(members, records, first, draws, joint, shares)


def _records(member: Member, queries: int) -> _Records:
    pairs = distinct(member.attempts)
    real = int(np.sum(pairs.queries > 0))
    likelihood = likelihoods(pairs._replace(attempts=pairs.attempts[:real], successes=pairs.successes[:real]))
    pair = np.full(queries, real)
    pair[member.at] = pairs.pair
    return _Records(np.concatenate([likelihood, np.ones((1, likelihood.shape[1]))]), pair)


def _grid(most_attempts: int | None) -> _Grid:
    """The grid for sampling under so many attempts at most; None for all of it."""
    difficulty = POINTS[::_COARSE]
    if most_attempts is None:
        first, skipped = 0, 0
    else:
        first = int(np.searchsorted(POINTS, -math.log(most_attempts) - _CERTAIN))
        skipped = int(np.searchsorted(difficulty, POINTS[first] - _LEADING))
    return _Grid(first, difficulty[skipped:], skipped, (POINTS[first:-1] + POINTS[first + 1 :]) / 2)


def _laws(shape: Shape, u: np.ndarray, grid: _Grid) -> tuple[np.ndarray, np.ndarray]:
    """(draws, difficulty) probabilities of what is solved at all, and (draws,) the share that no group ever solves."""
    density, never = law(shape, u)
    coarse = density[:, ::_COARSE] / density[:, ::_COARSE].sum(axis=1, keepdims=True)
    weights = coarse[:, grid.skipped :].copy()
    weights[:, 0] += coarse[:, : grid.skipped].sum(axis=1)
    return weights, never[:, 0]


def _own(shape: Shape, index: int) -> slice:
    """The parameters of one group, behind those of the law and the share never solved."""
    start = shape.parameters + _OWN * index
    return slice(start, start + _OWN)


def _kernels(u: np.ndarray, grid: _Grid, first: bool) -> np.ndarray:
    """(draws, difficulty, cells) probabilities of logit p in a group at each difficulty."""
    below = (_BELOW[0] * np.exp(_BELOW[1] * u[:, 0])).astype(np.float32)[:, None, None]
    centre = (grid.difficulty + (0.0 if first else _SHIFT) * u[:, 1:]).astype(np.float32)
    z = grid.edges.astype(np.float32) - centre[:, :, None]
    high = (z >= 0).astype(np.float32)
    # Below the centre lower exp(below z), above it 1 - (1 - lower) exp(-above z).
    z *= below - high * (below + np.float32(_ABOVE))
    cumulative = np.exp(z, out=z)
    cumulative *= _ABOVE / (below + np.float32(_ABOVE)) - high
    cumulative += high
    result = np.empty((*cumulative.shape[:2], cumulative.shape[2] + 1), np.float32)
    result[:, :, :-1] = cumulative
    result[:, :, -1] = 1
    result[:, :, 1:] -= cumulative
    return result


def _log_likelihoods(u: np.ndarray, records: _Records, grid: _Grid, first: bool) -> np.ndarray:
    """(draws, pairs + 1, difficulty) of what a group did with a query of each difficulty."""
    kernel = _kernels(u, grid, first)
    table = records.likelihood[:, grid.first : -1].astype(np.float32)
    flat = product(kernel.reshape(-1, kernel.shape[2]), table.T).reshape(*kernel.shape[:2], -1)
    return np.log(np.maximum(np.moveaxis(flat, 2, 1), _SMALLEST))


def _sampled(
    shape: Shape, records: Sequence[_Records], first: int, most_attempts: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """(draws, parameters) of a pool, standard normal before the data speak, and the log evidence, both tempered."""
    target = _Target.of(shape, records, first, most_attempts)
    position = rng.standard_normal((_SETTINGS.particles, target.blocks[-1].stop))
    draws, log_evidence = sample(rng, initial(target, 1, position), target, _SETTINGS)
    return draws[0], float(log_evidence[0])


class _Target(NamedTuple):
    """What is sampled: the parameters of the law, then those of each group.

    A move in one group leaves the likelihoods of others as they are, so what is kept of each particle is the law, the
    share never solved, the log likelihoods of all groups by difficulty, and those of each group.
    """

    shape: Shape
    records: Sequence[_Records]
    first: int
    grid: _Grid
    rows: Sequence[np.ndarray]  # of each group, the rows of its likelihoods that queries have
    counts: np.ndarray  # (rows,) queries that are equal in all groups
    never_solved: np.ndarray  # (rows,) likelihood of queries that no group ever solves

    @classmethod
    def of(cls, shape: Shape, records: Sequence[_Records], first: int, most_attempts: int) -> "_Target":
        rows, counts = np.unique(np.stack([each.pair for each in records]), axis=1, return_counts=True)
        never = np.prod([each.likelihood[row, -1] for each, row in zip(records, rows, strict=True)], axis=0)
        return cls(shape, records, first, _grid(most_attempts), list(rows), counts, never)

    @property
    def blocks(self) -> list[slice]:
        return [slice(0, self.shape.parameters), *(_own(self.shape, i) for i in range(len(self.records)))]

    def evaluate(
        self, position: np.ndarray, sets: np.ndarray, block: int | None, kept: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        (u,) = position  # one pool at a time
        if block is None:
            weights, never = self._law(u)
            parts = [self._of_group(u, i) for i in range(len(self.records))]
            joint = np.sum([part[0][:, row] for part, row in zip(parts, self.rows, strict=True)], axis=0)[None]
        else:
            weights, never, joint, *parts = kept
            if block == 0:
                weights, never = self._law(u)
            else:
                own = self._of_group(u, block - 1)
                joint = joint + (own - parts[block - 1])[:, :, self.rows[block - 1]]
                parts[block - 1] = own
        return self._total(weights[0], never[0], joint[0])[None], (weights, never, joint, *parts)

    def _law(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights, never = _laws(self.shape, u[:, : self.shape.parameters], self.grid)
        return weights[None], never[None]

    def _of_group(self, u: np.ndarray, index: int) -> np.ndarray:
        own = u[:, _own(self.shape, index)]
        return _log_likelihoods(own, self.records[index], self.grid, index == self.first)[None]

    def _total(self, weights: np.ndarray, never: np.ndarray, joint: np.ndarray) -> np.ndarray:
        """(particles,) log likelihoods of all queries."""
        top = joint.max(axis=2)
        solved = (np.exp(joint - top[:, :, None]) @ weights.astype(np.float32)[:, :, None])[:, :, 0]
        mixed = solved * (1 - never[:, None]) + never[:, None] * self.never_solved * np.exp(-top.astype(float))
        total: np.ndarray = (np.log(np.maximum(mixed, 1e-300)) + top) @ self.counts
        return total


def _under_law(pool: Pool, name: str, index: int, k: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a law's draws say of one group: density, solved_later and draws as `QueryPosterior` has them."""
    grid = _grid(None)
    shape, u, member = SHAPES[name], pool.draws[name], pool.members[index]
    n, c = member.attempts.attempts, member.attempts.successes
    ahead = (c == 0)[:, None] & (k > n[:, None])
    rows = [each.pair[member.at] for each in pool.records]
    likelihood = pool.records[index].likelihood[rows[index]]
    never_solved = np.prod([each.likelihood[row, -1] for each, row in zip(pool.records, rows, strict=True)], axis=0)
    at_k = failure_factors(k)[:, :-1].astype(np.float32)
    density, solved_later, draws = np.zeros(likelihood.shape), np.zeros((len(n), len(k))), []
    for start in range(0, len(u), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        weights, never = _laws(shape, u[part, : shape.parameters], grid)
        own = u[part, _own(shape, index)]
        kernel = _kernels(own, grid, index == pool.first)
        mine = _log_likelihoods(own, pool.records[index], grid, index == pool.first)[:, rows[index]]
        others = pool.joint[name][part][:, member.at] - mine
        top = others.max(axis=2, keepdims=True)
        before = np.exp(others - top) * (weights * (1 - never[:, None])).astype(np.float32)[:, None]
        lost = never[:, None] * never_solved * np.exp(-top[:, :, 0].astype(float))
        likely = np.maximum((before * np.exp(mine)).sum(axis=2) + lost, 1e-300)
        before, lost = (before / likely[:, :, None]).astype(np.float32), lost / likely
        # Draw by draw, in products that BLAS keeps to one thread.
        density[:, :-1] += (before @ kernel).sum(axis=0) * likelihood[:, :-1]
        density[:, -1] += lost.sum(axis=0)
        # Of a query that failed, n of the k calls are those that failed.
        later = np.where(ahead, np.clip(1 - (before @ (kernel @ at_k.T) + lost[:, :, None]), 0.0, 1.0), 0.0)
        solved_later += later.sum(axis=0)
        draws.append(later.mean(axis=1))
    return density / density.sum(axis=1, keepdims=True), solved_later / len(u), np.concatenate(draws)
