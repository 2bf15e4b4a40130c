"""Ballots whose voting accuracy at more calls is known: real files sampled down, and simulated families."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import jaxscale as js
from benchmarks._rivals._votes import won

FOLDER = Path(__file__).parents[2] / "shared" / "data" / "ballots"


@dataclass(frozen=True)
class VoteDesign:
    """How many ballots of each query are drawn, and the numbers of calls of the forecasts."""

    ballots: int
    calls: tuple[int, ...]

    def regimes(self) -> list[str]:
        """What the forecasts are called, one for each number of calls."""
        return [f"{self.ballots} -> {k}" for k in self.calls]


@dataclass(frozen=True)
class VoteCase:
    """One data set to forecast from: cells and right answers as the rivals take them, and what each claim comes to."""

    group: str
    design: VoteDesign
    filtered: bool
    cells: np.ndarray
    right: np.ndarray
    truths: dict[str, np.ndarray]

    def ballots(self) -> js.Ballots:
        """The data as the package takes them."""
        counts = self.cells.sum(axis=1)
        kept = self.cells[:, 0]
        return js.Ballots(
            counts=counts[:, :-1],
            correct=self.right,
            blank=counts[:, -1],
            kept_counts=kept[:, :-1] if self.filtered else None,
            kept_blank=kept[:, -1] if self.filtered else None,
        )


# The truth is an average over subsets of what was recorded, and has little noise of its own up to half of it. Where 8
# ballots are that half or more, fewer are drawn.
FILES = {
    "game24_gpt4_io": VoteDesign(8, (16, 32, 50)),
    "game24_gpt4_cot": VoteDesign(8, (16, 32, 50)),
    "aiw_o1_mini": VoteDesign(8, (16, 30)),
    "aiw_o1_preview": VoteDesign(8, (16, 30)),
    "otis_mock_aime": VoteDesign(4, (8,)),
    "date_gpt35": VoteDesign(3, (5,)),
    "cruxeval_codellama_7b": VoteDesign(3, (5,)),
}
GROUP_BY = {"otis_mock_aime": ("model",)}
VOTE_REGIMES = ["8 -> 16", "8 -> 30", "8 -> 32", "8 -> 50", "4 -> 8", "3 -> 5"]


def real_vote_cases(seeds: int, group: str = "") -> Iterator[VoteCase]:
    """Every data set of every file, sampled down under every seed; none where the files are not at hand.

    Files with a filter come twice, with Vote and with Filter-Vote. The truths: "these", exact, without replacement,
    from all recorded ballots, which has less noise than a single run; "a further run", the votes of as many calls out
    of those ballots that were not drawn, which is what intervals over these queries claim to hold.
    """
    for file, design in FILES.items():
        path = FOLDER / f"{file}.csv"
        if not path.exists():
            continue
        for ballots in js.read_ballots(path, group=GROUP_BY.get(file, ())).values():
            for filtered in (False, True) if ballots.kept_counts is not None else (False,):
                name = f"{file}, Filter-Vote" if filtered else file
                if group.lower() not in name.lower():
                    continue
                system = js.FilterVote() if filtered else js.Vote()
                mean = np.asarray(js.exact(system, ballots, np.array(design.calls)))
                cells = _cells(ballots, filtered)
                for seed in range(seeds):
                    rng = np.random.default_rng([seed, *file.encode()])
                    drawn = _sampled(cells, design.ballots, rng)
                    rest = cells - drawn
                    run = [float(np.mean(won(_sampled(rest, k, rng), ballots.correct))) for k in design.calls]
                    truths = {"these": mean, "a further run": np.array(run)}
                    yield VoteCase(name, design, filtered, *_as_known(drawn, ballots.correct), truths)


def _cells(ballots: js.Ballots, filtered: bool) -> np.ndarray:
    counts = np.column_stack([ballots.counts, ballots.blank])
    kept = np.column_stack([ballots.kept_counts, ballots.kept_blank]) if filtered else counts
    return np.stack([kept, counts - kept], axis=1)


def drawn_ballots(
    cells: np.ndarray, right: np.ndarray, size: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Some ballots of each query, drawn without replacement; answers that did not come up are not known of."""
    return _as_known(_sampled(cells, size, rng), right)


def _sampled(cells: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    flat = cells.reshape(len(cells), -1)
    return np.stack([rng.multivariate_hypergeometric(row, size) for row in flat]).reshape(cells.shape)


def _as_known(drawn: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cells and right answers, the most frequent answer first, without those that did not come up."""
    counts = drawn.sum(axis=1)[:, :-1]
    order = np.argsort(-counts, axis=1, kind="stable")[:, : max(np.count_nonzero(counts, axis=1).max(), 1)]
    named = np.take_along_axis(drawn[:, :, :-1], order[:, None], axis=2)
    known = np.take_along_axis(right & (counts > 0), order, axis=1)
    return np.concatenate([named, drawn[:, :, -1:]], axis=2), known


Shares = Callable[[np.random.Generator, int], np.ndarray]
"""From a generator and a number of queries to the chances of each answer, the first one right."""


def _dirichlet_answers(rng: np.random.Generator) -> Shares:
    kinds, mean = rng.integers(1, 8), rng.uniform(0.2, 0.8)
    strength = float(np.exp(rng.uniform(np.log(0.5), np.log(10.0))))
    concentration = strength * np.array([mean, *np.full(kinds, (1 - mean) / kinds)])
    return lambda rng, queries: rng.dirichlet(concentration, queries)


def _easy_and_hard(rng: np.random.Generator) -> Shares:
    easy, p_easy, p_hard, first = (rng.uniform(*ends) for ends in ((0.3, 0.8), (0.5, 0.95), (0.05, 0.4), (0.4, 0.9)))

    def shares(rng: np.random.Generator, queries: int) -> np.ndarray:
        p = np.where(rng.random(queries) < easy, p_easy, p_hard)
        return np.column_stack([p, *np.outer([first, *np.full(3, (1 - first) / 3)], 1 - p)])

    return shares


def _zipf_tail(rng: np.random.Generator) -> Shares:
    exponent, mean, strength = rng.uniform(0.7, 1.5), rng.uniform(0.1, 0.6), rng.uniform(0.5, 4.0)
    wrong = np.arange(1, 61) ** -exponent
    wrong /= wrong.sum()

    def shares(rng: np.random.Generator, queries: int) -> np.ndarray:
        p = rng.beta(strength * mean, strength * (1 - mean), queries)
        return np.column_stack([p, np.outer(1 - p, wrong)])

    return shares


def _some_never_right(rng: np.random.Generator) -> Shares:
    inner, never = _dirichlet_answers(rng), rng.uniform(0.1, 0.5)

    def shares(rng: np.random.Generator, queries: int) -> np.ndarray:
        found = inner(rng, queries)
        found[rng.random(queries) < never, 0] = 0
        found[found.sum(axis=1) <= 0, 1] = 1
        return found / found.sum(axis=1, keepdims=True)

    return shares


VOTE_FAMILIES: dict[str, Callable[[np.random.Generator], Shares]] = {
    "dirichlet": _dirichlet_answers,
    "easy and hard": _easy_and_hard,
    "zipf tail": _zipf_tail,
    "never right": _some_never_right,
}
SIMULATED_VOTES = VoteDesign(8, (16, 32, 100))
_QUERIES = (40, 120)
_MANY = 10_000


def simulated_vote_cases(family: str, count: int) -> Iterator[VoteCase]:
    """Data sets of one family, each with its own parameters.

    The truths: "these", the votes of a further run of as many calls on the same queries; "population", the mean of
    10,000 votes on queries of their own (standard error at most 0.005).
    """
    design = SIMULATED_VOTES
    for index in range(count):
        rng = np.random.default_rng([index, *family.encode()])
        law = VOTE_FAMILIES[family](rng)
        queries = law(rng, _QUERIES[index % len(_QUERIES)])
        cells, right = _cast(queries, design.ballots, rng)
        everything = (cells, right, cells.sum(axis=(1, 2))[0], rng)
        these = [float(np.mean(won(*_cast(queries, k, rng)))) for k in design.calls]
        many = law(rng, _MANY)
        population = [float(np.mean(won(*_cast(many, k, rng)))) for k in design.calls]
        truths = {"these": np.array(these), "population": np.array(population)}
        yield VoteCase(family, design, False, *drawn_ballots(*everything), truths)


def _cast(shares: np.ndarray, calls: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Counts of calls as cells, none of them blank or dropped, and which answers are right."""
    counts = np.column_stack([rng.multinomial(calls, shares), np.zeros(len(shares), int)])
    return np.stack([counts, np.zeros_like(counts)], axis=1), np.arange(shares.shape[1])[None] == np.zeros(
        (len(shares), 1)
    )
