"""The posterior of one data set: of the law of difficulty, and of each query under it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._arrays import seed_of
from jaxscale.data import Attempts
from jaxscale.estimators import Distinct, distinct
from jaxscale.forecasting._grid import POINTS, failure_factors, likelihoods, product
from jaxscale.forecasting._shapes import SHAPES, Shape, law_weights
from jaxscale.particles import Settings, initial, sample, systematic, weigh

DRAWS = 400
_SETTINGS = Settings(particles=DRAWS)
# So many draws of the prior, which all data sets of one key share, are weighed first. Where _WORTH of them are
# effective they are worth as much as particles, which moves leave correlated.
_PRIOR_DRAWS, _WORTH = 2**13, 100
_FEW_PAIRS, _KNOWN_PAIRS = 128, 256
# Evidence is raised to this power: every shape is a caricature, and one that fits the bulk best may have a false tail.
TRUST = 0.5
_ROWS = 4096  # distinct queries at a time
_SMALLEST = 1e-37


class LawPosterior(NamedTuple):
    """Draws of the law of difficulty.

    Attributes:
        pairs: the distinct queries, without padding.
        likelihood: (pairs, points + 1) of each distinct query over the grid, largest 1.
        laws: (draws, points + 1) probability of each point of the grid of logit p, and last of p = 0.
        shares: share of each shape by name.
    """

    pairs: Distinct
    likelihood: np.ndarray
    laws: np.ndarray
    shares: dict[str, float]


class QueryPosterior(NamedTuple):
    """The posterior of the queries of a data set, and of how many of them further calls solve.

    Attributes:
        attempts: (rows,) of each query, or of all that are equal.
        successes: (rows,).
        queries: (rows,) how many there are of each.
        density: (rows, points + 1) posterior probability of each point of the grid of logit p, and last of p = 0.
        solved_later: (rows, budgets) chance that k calls solve a query that failed; 0 within its attempts.
        draws: (draws, budgets) the share of all queries that failed and are solved later.
        shares: share of each law by name.
        reach: number of calls up to which the data show the curve.
        row: for each query, its row.
    """

    attempts: np.ndarray
    successes: np.ndarray
    queries: np.ndarray
    density: np.ndarray
    solved_later: np.ndarray
    draws: np.ndarray
    shares: dict[str, float]
    reach: float
    row: np.ndarray


class SharedDraws:
    """What all data sets of one key share: draws of every shape before the data speak, and random numbers.

    Args:
        key: a typed JAX key.

    Attributes:
        interval_seed: of the random numbers of intervals, for NumPy's generator.
    """

    def __init__(self, key: PRNGKeyArray) -> None:
        words, self.interval_seed = (seed_of(each) for each in jax.random.split(key))
        rng = np.random.default_rng(words)
        self._laws = []
        for shape, stream in zip(SHAPES.values(), rng.spawn(len(SHAPES)), strict=True):
            u = stream.standard_normal((_PRIOR_DRAWS, shape.parameters))
            self._laws.append((u, law_weights(shape, u)))
        # Every data set resamples with the same random numbers, and its particles move with the same.
        self._offsets = rng.uniform(size=len(SHAPES)).tolist()
        self._seeds = [[*words, number] for number in range(1, len(SHAPES) + 1)]
        # Of each pair of attempts and successes its likelihood, and the log of that of each draw of each shape.
        self._known: dict[tuple[int, int], tuple[np.ndarray, np.ndarray]] = {}

    def posteriors(self, recorded: Sequence[Attempts]) -> list[LawPosterior]:
        """The posterior of the law of difficulty of every data set: the shapes, weighted by tempered evidence.

        The draws of the prior are resampled where enough of them stay effective under the likelihood, as for a few tens
        of queries; else particles follow a growing power of the likelihood, those of several data sets side by side.

        Args:
            recorded: data sets.

        Returns:
            Draws for each, whichever others there are.

        Source:
            docs/mathematics.md, "Forecasts by several laws".
        """
        data = [_pairs_of(attempts) for attempts in recorded]
        evidence = np.empty((len(data), len(SHAPES)))
        drawn = np.empty((len(data), len(SHAPES), DRAWS, len(POINTS) + 1), np.float32)
        tables, logs = zip(*map(self._weighed, data), strict=True)
        for number, (shape, (_, laws)) in enumerate(zip(SHAPES.values(), self._laws, strict=True)):
            moved = []
            for place, log in enumerate(logs):
                weights = weigh(log[number])
                if len(log[number]) == _PRIOR_DRAWS and weights.effective >= _WORTH:
                    kept = systematic(weights.normalised, self._offsets[number], DRAWS)
                    drawn[place, number], evidence[place, number] = laws[kept], weights.log_mean
                else:
                    moved.append(place)
            for place, u, log_evidence in self._sampled(number, shape, data, tables, logs, moved):
                drawn[place, number], evidence[place, number] = law_weights(shape, u), log_evidence
        share = np.exp(TRUST * (evidence - evidence.max(axis=1, keepdims=True)))
        share /= share.sum(axis=1, keepdims=True)
        # Evenly spaced draws of each shape, as many as it has weight.
        numbers = np.rint(DRAWS * share).astype(int).tolist()
        even = [[np.arange(size) * DRAWS // max(size, 1) for size in sizes] for sizes in numbers]
        return [
            LawPosterior(
                pairs,
                table,
                np.concatenate([draws[rows] for draws, rows in zip(of_shape, places, strict=True)]).astype(float),
                dict(zip(SHAPES, shares.tolist(), strict=True)),
            )
            for pairs, table, of_shape, places, shares in zip(data, tables, drawn, even, share, strict=True)
        ]

    def _weighed(self, pairs: Distinct) -> tuple[np.ndarray, np.ndarray]:
        """(pairs, points + 1) likelihoods, and (shapes, draws) of them; of many pairs some of the draws' alone."""
        if len(pairs.attempts) > _FEW_PAIRS:
            table = likelihoods(pairs)
            logs = [_log_likelihood(weights[:DRAWS], table, pairs.queries) for _, weights in self._laws]
            return table, np.stack(logs)
        names = list(zip(pairs.attempts.tolist(), pairs.successes.tolist(), strict=True))
        new = [name for name in names if name not in self._known]
        if len(self._known) + len(new) > _KNOWN_PAIRS:
            self._known.clear()
            new = names
        # One by one: how products round depends on their shape, and other data sets are not to change the numbers.
        for n, c in new:
            row = likelihoods(pairs._replace(attempts=np.array([n]), successes=np.array([c])))
            each = np.concatenate([_log_of(weights, row) for _, weights in self._laws], axis=1)
            self._known[n, c] = row[0], np.ascontiguousarray(each.T)
        total = np.zeros((len(self._laws), _PRIOR_DRAWS))
        for name, count in zip(names, pairs.queries.tolist(), strict=True):
            total += count * self._known[name][1]
        return np.stack([self._known[name][0] for name in names]), total

    def _sampled(
        self,
        number: int,
        shape: Shape,
        data: Sequence[Distinct],
        tables: Sequence[np.ndarray],
        logs: Sequence[np.ndarray],
        moved: Sequence[int],
    ) -> Iterator[tuple[int, np.ndarray, float]]:
        """Which data set, (draws, parameters) from its posterior of a shape, and the log evidence."""
        # Those that start from as many draws of the prior are sampled side by side.
        for size in sorted({logs[place].shape[1] for place in moved}):
            places = [place for place in moved if logs[place].shape[1] == size]
            target = _Target(shape, [tables[place] for place in places], [data[place].queries for place in places])
            first = self._laws[number][0][:size]
            state = initial(target, len(places), first, np.stack([logs[place][number] for place in places]))
            rng = np.random.default_rng(self._seeds[number])
            yield from zip(places, *sample(rng, state, target, _SETTINGS), strict=True)


class _Target(NamedTuple):
    """What is sampled: the parameters of a shape and the share never solved, all moved at once."""

    shape: Shape
    tables: Sequence[np.ndarray]  # (pairs, points + 1) likelihoods of each data set
    queries: Sequence[np.ndarray]  # (pairs,) how many queries have each

    @property
    def blocks(self) -> tuple[slice, ...]:
        return (slice(0, self.shape.parameters),)

    def evaluate(
        self, position: np.ndarray, sets: np.ndarray, block: int | None, kept: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        # One data set after the other: what its particles need stays in a processor's cache.
        rows = [
            _log_likelihood(law_weights(self.shape, u), self.tables[place], self.queries[place])
            for u, place in zip(position, sets.tolist(), strict=True)
        ]
        return np.stack(rows), ()


def _log_of(weights: np.ndarray, likelihood: np.ndarray) -> np.ndarray:
    """(draws, pairs) log likelihoods."""
    return np.log(np.maximum(product(weights, likelihood.T.astype(weights.dtype)), _SMALLEST))


def _log_likelihood(weights: np.ndarray, likelihood: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """(draws,) log likelihoods of a data set."""
    log_likelihood: np.ndarray = _log_of(weights, likelihood) @ queries
    return log_likelihood


def _pairs_of(attempts: Attempts) -> Distinct:
    """The distinct queries of a data set, without padding."""
    pairs = distinct(attempts)
    size = int(np.count_nonzero(pairs.queries))
    return Distinct(pairs.attempts[:size], pairs.successes[:size], pairs.queries[:size], pairs.pair)


def query_posterior(laws: LawPosterior, k: np.ndarray) -> QueryPosterior:
    """The posterior of the queries of a data set under its own laws.

    A law of difficulty with failure curve S solves a query that failed n times within k calls with probability
    1 - S(k) / S(n).

    Args:
        laws: draws of the law of difficulty.
        k: (budgets,) numbers of calls.

    Returns:
        The posterior; its rows are the distinct queries.

    Source:
        docs/mathematics.md, "Posterior prediction".
    """
    pairs, drawn = laws.pairs, laws.laws
    n, counts = pairs.attempts, pairs.queries
    blocks = np.array_split(laws.likelihood, 1 + len(n) // _ROWS)
    density = np.concatenate([_averaged(block, drawn) for block in blocks])
    failed = pairs.successes == 0
    sizes, size = np.unique(n[failed], return_inverse=True)
    own = np.bincount(size, counts[failed], minlength=len(sizes)) / counts.sum()
    at_k, drawn_n = failure_factors(k), drawn @ failure_factors(sizes).T
    draws, solved_later = np.empty((len(drawn), len(k))), np.zeros((len(n), len(k)))
    for column in range(len(k)):
        later = solved_between(drawn @ at_k[column], drawn_n) * (k[column] > sizes)
        draws[:, column] = later @ own
        solved_later[failed, column] = later.mean(axis=0)[size]
    return QueryPosterior(
        n, pairs.successes, counts, density, solved_later, draws, laws.shares, float(n.min()), pairs.pair
    )


def solved_between(at_k: np.ndarray, at_n: np.ndarray) -> np.ndarray:
    """1 - S(k) / S(n) for every draw of a law (or every k of one) and every n."""
    return np.clip(1 - at_k[:, None] / np.maximum(at_n, 1e-300), 0.0, 1.0)


def _averaged(likelihood: np.ndarray, laws: np.ndarray) -> np.ndarray:
    """Each query's posterior under each law, averaged over laws."""
    density = likelihood * product(1 / np.maximum(product(likelihood, laws.T), 1e-300), laws)
    normalised_density: np.ndarray = density / density.sum(axis=1, keepdims=True)
    return normalised_density
