"""Shapes that a distribution of difficulty may have, and how likely the data make each, by sequential Monte Carlo.

Whatever the shape, a law of p is a vector of weights on one grid of logit p, so that likelihoods and forecasts are
matrix products. NumPy alone: there is nothing to compile, and no gradient to go astray on a likelihood that is flat in
places.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from jaxscale.estimators import Distinct

# Points of logit p, from 10^-14: what is rarer counts among the queries never solved. What a point stands for is
# averaged over a hat as wide as two of its steps.
_STEP = 0.4
_PARTS = 8
POINTS = np.arange(-32.0, 9.0 + _STEP / 2, _STEP)
_FINE = np.arange(POINTS[0], POINTS[-1] + 1e-9, _STEP / _PARTS)
_HATS = np.maximum(0.0, 1 - np.abs(_FINE[:, None] - POINTS) / _STEP)
_HATS /= _HATS.sum(axis=0)
_LOG_P, _LOG_Q = -np.logaddexp(0.0, -POINTS), -np.logaddexp(0.0, POINTS)
_FINE_LOG_P, _FINE_LOG_Q = -np.logaddexp(0.0, -_FINE), -np.logaddexp(0.0, _FINE)
# A likelihood of more information on logit p than this is narrower than the grid: it is flattened to it.
_SHARPEST = 500.0
_ROWS = 4096  # distinct queries at a time

_PARTICLES = 400
# So many draws of the prior, which all data sets of one key share, are weighed first. Where _WORTH of them are
# effective they are worth as much as particles, which moves leave correlated.
_PRIOR_DRAWS, _WORTH = 2**13, 100
_FEW_PAIRS, _HELD_PAIRS = 128, 256
# The likelihood's power grows as fast as this share of the particles stays effective.
EFFICIENCY = 0.5
_MOVES, _LAST_MOVES = 4, 8
_ACCEPTED = 0.25
_SMALL_PRODUCT = 2**18  # multiplications
_DENSITIES = 256  # at a time
# Evidence is raised to this power: every shape is a caricature, and one that fits the bulk best may have a false tail.
TRUST = 0.5
# The share of queries never solved has a logit of this mean and deviation.
_NEVER = (-4.5, 3.0)


class Shape(NamedTuple):
    """A family of densities of logit p.

    Attributes:
        size: number of parameters, each a standard normal before the data speak.
        log_density: from (draws, size) to (draws, points), up to a constant a draw.
    """

    size: int
    log_density: Callable[[np.ndarray], np.ndarray]


def _lognormal(median: float, spread: float, u: np.ndarray) -> np.ndarray:
    return np.exp(math.log(median) + spread * u)[:, None]


def _beta(u: np.ndarray) -> np.ndarray:
    return _lognormal(0.3, 0.9, u[:, 0]) * _LOG_P + _lognormal(4.0, 2.0, u[:, 1]) * _LOG_Q


def _power(u: np.ndarray) -> np.ndarray:
    a, b, bend = _lognormal(0.3, 0.9, u[:, 0]), _lognormal(4.0, 2.0, u[:, 1]), _lognormal(0.5, 0.8, u[:, 2])
    return a * _LOG_P + _LOG_Q + (b - 1) * np.log(-np.expm1(bend * _LOG_P))


def _bent(u: np.ndarray) -> np.ndarray:
    left, right = _lognormal(0.4, 1.0, u[:, 0]), _lognormal(2.0, 1.3, u[:, 1])
    sharp, place = _lognormal(0.5, 0.8, u[:, 2]), -3.5 + 2.5 * u[:, 3:4]
    return left * POINTS - (left + right) / sharp * np.logaddexp(0.0, sharp * (POINTS - place))


def _two(u: np.ndarray) -> np.ndarray:
    parts = []
    # The hard part may be narrow: queries that are all about as hard, and that no few calls tell from unsolvable ones.
    for shape, spread, place, reach, first in ((2.5, 1.0, -6.0, 2.0, 1), (1.0, 0.8, -1.0, 1.2, 3)):
        a = _lognormal(shape, spread, u[:, first])
        density = a * _LOG_P + a * np.exp(-(place + reach * u[:, first + 1 : first + 2])) * _LOG_Q
        parts.append(density - _log_sum(density))
    share = u[:, :1]
    return np.logaddexp(parts[0] - np.logaddexp(0.0, -share), parts[1] - np.logaddexp(0.0, share))


def _normal(u: np.ndarray) -> np.ndarray:
    return -0.5 * np.square((POINTS - (-4.0 + 3.0 * u[:, :1])) / _lognormal(2.0, 0.5, u[:, 1]))


SHAPES = {
    "beta": Shape(2, _beta),  # p^(a-1) (1-p)^(b-1)
    "power": Shape(3, _power),  # p^(a-1) (1 - p^bend)^(b-1): Kumaraswamy's law and more
    "bent": Shape(4, _bent),  # two straight slopes of log density in logit p, and a bend of any sharpness between
    "two-beta": Shape(5, _two),  # a mixture of a hard and an easy part
    "logit-normal": Shape(2, _normal),
}


class Posterior(NamedTuple):
    """Draws of a law of p.

    Attributes:
        weights: (draws, points + 1) probability of each point of the grid, and last of p = 0.
        log_evidence: log of the marginal likelihood, up to a constant that all shapes share.
    """

    weights: np.ndarray
    log_evidence: float


def failure_factors(failures: np.ndarray) -> np.ndarray:
    """(1-p)^m averaged over what each point stands for, and 1 at p = 0; (m, points + 1)."""
    averaged = np.exp(np.asarray(failures, float)[:, None] * _FINE_LOG_Q) @ _HATS
    return np.column_stack([averaged, np.ones(len(averaged))])


def likelihoods(pairs: Distinct) -> np.ndarray:
    """p^c (1-p)^(n-c) of each distinct query over the grid, largest 1; (pairs, points + 1)."""
    rows = []
    for start in range(0, len(pairs.attempts), _ROWS):
        part = slice(start, start + _ROWS)
        n, c = (np.asarray(x[part], float)[:, None] for x in (pairs.attempts, pairs.successes))
        information = c * (n - c) / n
        flatter = np.where(information > _SHARPEST, _SHARPEST / np.maximum(information, 1.0), 1.0)
        log_likelihood = flatter * (c * _FINE_LOG_P + (n - c) * _FINE_LOG_Q)
        top = log_likelihood.max(axis=1, keepdims=True)
        # At p = 0 failures alone have likelihood 1, on the scale of the row.
        never = np.exp(np.where(c == 0, -top, -np.inf))
        rows.append(np.column_stack([np.exp(log_likelihood - top) @ _HATS, never]))
    return np.concatenate(rows)


class Particles(NamedTuple):
    """Laws of a shape: (draws, size + 1) parameters, (draws, points + 1) weights and (draws,) log likelihoods."""

    u: np.ndarray
    weights: np.ndarray
    log_likelihood: np.ndarray


class PriorDraws:
    """Draws of every shape before the data speak, and how likely they make a query: shared by data sets.

    Args:
        rng: what it spawns are the streams; its own state stays as it is.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._laws = []
        for shape, stream in zip(SHAPES.values(), rng.spawn(len(SHAPES)), strict=True):
            u = stream.standard_normal((_PRIOR_DRAWS, shape.size + 1))
            self._laws.append((u, _weights(shape, u)))
        # Of each pair of attempts and successes its likelihood, and the log of that of each draw of each shape.
        self._known: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def weigh(self, pairs: Distinct) -> tuple[np.ndarray, list[Particles]]:
        """(pairs, points + 1) likelihoods, and the draws of each shape: all of them, or some for many pairs."""
        if len(pairs.attempts) > _FEW_PAIRS:
            table = likelihoods(pairs)
            some = [(u[:_PARTICLES], weights[:_PARTICLES]) for u, weights in self._laws]
            return table, [Particles(*law, _log_likelihood(law[1], table, pairs.queries)) for law in some]
        names = list(zip(pairs.attempts.tolist(), pairs.successes.tolist(), strict=True))
        new = [place for place, name in enumerate(names) if name not in self._known]
        if len(self._known) + len(new) > _HELD_PAIRS:
            self._known.clear()
            new = list(range(len(names)))
        if new:
            rows = likelihoods(pairs._replace(attempts=pairs.attempts[new], successes=pairs.successes[new]))
            logs = [np.log(np.maximum(product(weights, rows.T), 1e-300)) for _, weights in self._laws]
            for place, row, log in zip(new, rows, np.stack(logs).transpose(2, 0, 1).copy(), strict=True):
                self._known[names[place]] = row, log
        total = np.zeros((len(self._laws), _PRIOR_DRAWS))
        for name, count in zip(names, pairs.queries.tolist(), strict=True):
            total += count * self._known[name][1]
        table = np.stack([self._known[name][0] for name in names])
        return table, [Particles(*law, log) for law, log in zip(self._laws, total, strict=True)]


def sample_shape(
    shape: Shape, likelihood: np.ndarray, queries: np.ndarray, rng: np.random.Generator, first: Particles | None = None
) -> Posterior:
    """Draw from the posterior of a shape's parameters and of the share of queries never solved.

    Particles drawn from the prior follow a power of the likelihood that grows to 1: at each step they are resampled
    and moved by Metropolis steps, half of them as wide as the particles' covariance, half along the difference of two
    others, which crosses from one mode to the next. Where enough of many draws of the prior stay effective under all
    of the likelihood, as for a few tens of queries, that is one step, and nothing has to move.

    Args:
        shape: the family.
        likelihood: (pairs, points + 1), as `likelihoods` gives it.
        queries: (pairs,) how many queries have each.
        rng: draws.
        first: draws of the prior; None for new ones.

    Returns:
        Equally weighted draws.

    Source:
        docs/mathematics.md, "Forecasts by several laws"; [DelMoral06] (the sampler); [terBraak06] (moves along
        the difference of two particles).
    """
    size = shape.size + 1

    def evaluated(u: np.ndarray) -> Particles:
        weights = _weights(shape, u)
        return Particles(u, weights, _log_likelihood(weights, likelihood, queries))

    u, weights, log_likelihood = evaluated(rng.standard_normal((_PARTICLES, size))) if first is None else first
    power, log_evidence, reach = 0.0, 0.0, 1.0
    while power < 1:
        many = len(u) > _PARTICLES
        before, power = power, next_power(log_likelihood, power, enough=_WORTH if many else EFFICIENCY * _PARTICLES)
        gain = (power - before) * log_likelihood
        top = gain.max()
        share = np.exp(gain - top)
        log_evidence += float(top + np.log(share.mean()))
        share /= share.sum()
        kept = resampled(share, rng, _PARTICLES)
        if many and power == 1:
            return Posterior(weights[kept], log_evidence)
        centred = u - share @ u
        root = np.linalg.cholesky((share[:, None] * centred).T @ centred + 1e-6 * np.eye(size))
        u, weights, log_likelihood = u[kept], weights[kept], log_likelihood[kept]
        for move in range(_LAST_MOVES if power == 1 else _MOVES):
            there = evaluated(u + reach * step(u, root if move % 2 == 0 else None, rng))
            log_prior_ratio = (np.square(u).sum(axis=1) - np.square(there.u).sum(axis=1)) / 2
            ratio = power * (there.log_likelihood - log_likelihood) + log_prior_ratio
            accepted = np.log(rng.uniform(size=_PARTICLES)) < ratio
            u[accepted], weights[accepted] = there.u[accepted], there.weights[accepted]
            log_likelihood[accepted] = there.log_likelihood[accepted]
            reach = float(np.clip(reach * np.exp((accepted.mean() - _ACCEPTED) / 2), 0.05, 2.0))
    return Posterior(weights, log_evidence)


def _log_likelihood(weights: np.ndarray, likelihood: np.ndarray, queries: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(product(weights, likelihood.T), 1e-300)) @ queries


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`a @ b`, in blocks of rows that BLAS keeps to one thread: several wait for each other longer than they work."""
    rows = _SMALL_PRODUCT // b.size
    if not rows:
        return a @ b
    return np.concatenate([a[start : start + rows] @ b for start in range(0, len(a), rows)])


def _weights(shape: Shape, u: np.ndarray) -> np.ndarray:
    result = np.empty((len(u), len(POINTS) + 1))
    # In parts that fit a processor's cache.
    for start in range(0, len(u), _DENSITIES):
        part = slice(start, start + _DENSITIES)
        density, never = law(shape, u[part])
        result[part, :-1], result[part, -1:] = density * (1 - never), never
    return result


def law(shape: Shape, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(draws, points) probabilities of what is solved at all, and (draws, 1) the share never solved."""
    log_density = shape.log_density(u[:, :-1])
    never = 1 / (1 + np.exp(-(_NEVER[0] + _NEVER[1] * u[:, -1:])))
    density = np.exp(log_density - log_density.max(axis=1, keepdims=True))
    return density / density.sum(axis=1, keepdims=True), never


def _log_sum(x: np.ndarray) -> np.ndarray:
    top = x.max(axis=1, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis=1, keepdims=True))


def step(u: np.ndarray, root: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """A Metropolis step for each particle: normal with this root of a covariance, or along the difference of two."""
    if root is None:
        one, other = rng.permutation(len(u)), rng.permutation(len(u))
        way = (u[one] - u[other]) / math.sqrt(2) + 1e-3 * rng.standard_normal(u.shape)
    else:
        way = rng.standard_normal(u.shape) @ root.T
    # 2.38 / sqrt(size) is the best width for a normal posterior (Roberts, Gelman and Gilks, 1997).
    return 2.38 / math.sqrt(u.shape[1]) * way


def resampled(share: np.ndarray, rng: np.random.Generator, number: int) -> np.ndarray:
    """So many indices of particles, each as often as its share says, to within one."""
    positions = (np.arange(number) + rng.uniform()) / number
    return np.minimum(np.searchsorted(np.cumsum(share), positions), len(share) - 1)


def normalised(log_weights: np.ndarray) -> np.ndarray:
    share = np.exp(log_weights - log_weights.max())
    return share / share.sum()


def next_power(log_likelihood: np.ndarray, power: float, last: float = 1.0, *, enough: float) -> float:
    """The largest power of the likelihood, to 2^-30 of the way to the last, at which enough particles are effective."""

    def effective(further: float) -> bool:
        share = normalised((further - power) * log_likelihood)
        return 1 / np.sum(np.square(share)) >= enough

    if effective(last):
        return last
    low, high = power, last
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if effective(middle) else (low, middle)
    return max(low, power + 1e-9)
