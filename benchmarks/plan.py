"""Plans on simulated populations: probabilities of reaching a target, and where further calls help most."""

import functools
import heapq
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

import jaxscale as js

POPULATIONS = {
    "Beta(0.3, 5)": lambda rng, size: rng.beta(0.3, 5, size),
    "Beta(0.6, 20)": lambda rng, size: rng.beta(0.6, 20, size),
    "Beta(0.4, 3), 15% never": lambda rng, size: rng.beta(0.4, 3, size) * (rng.random(size) < 0.85),
    "log-uniform, 1e-5 to 1": lambda rng, size: 10 ** rng.uniform(-5, 0, size),
}
"""Laws of the success probability; the last two are none that the forecast assumes."""

QUERIES, SEEN, FURTHER, K, BATCHES = 100, 20, 80, 1000, 8
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_BINS = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1)


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of allocation rules, then rows of probabilities against frequencies."""
    rows = [*_allocation(2 if quick else 100), *_calibration(5 if quick else 200)]
    return [*rows, *_real(1 if quick else 25)] if DATA.is_dir() else rows


def tables(rows: list[dict[str, Any]]) -> Iterator[Table]:
    """What a person reads of the rows."""
    spread = Table(
        title=f"pass@{K:,} of {QUERIES} queries, {SEEN} calls each, {FURTHER * QUERIES:,} more: error of the forecast",
        title_justify="left",
    )
    for column in ("population", "rule", "RMSE", "its standard error", "bias", "interval width", "held (90%)"):
        spread.add_column(column, justify="left" if column in ("population", "rule") else "right")
    chances = Table(
        title="probability of reaching a target: claimed, and how often it was reached", title_justify="left"
    )
    for column in ("population", "claimed", "mean claim", "reached", "cases"):
        chances.add_column(column, justify="left" if column == "population" else "right")
    for row in rows:
        if row["kind"] == "allocation":
            figures = [f"{row[name]:.4f}" for name in ("rmse", "rmse_error", "bias")]
            spread.add_row(row["population"], row["rule"], *figures, f"{row['width']:.3f}", f"{row['held']:.2f}")
        else:
            claims = f"{row['low']:g} to {row['high']:g}"
            chances.add_row(
                row["population"], claims, f"{row['claim']:.3f}", f"{row['reached']:.3f}", str(row["cases"])
            )
    yield spread
    yield chances


def draw_online(seen: js.Attempts, chance: np.ndarray, rng: np.random.Generator, calls: int) -> js.Attempts:
    """The online rule call by call: the fewest attempts among the fewest successes."""
    queue = list(zip(seen.successes.tolist(), seen.attempts.tolist(), range(len(seen)), strict=True))
    heapq.heapify(queue)
    for uniform in rng.random(calls).tolist():
        successes, tried, query = queue[0]
        heapq.heapreplace(queue, (successes + (uniform < chance[query]), tried + 1, query))
    ordered = np.array(sorted(queue, key=lambda entry: entry[2]))
    return js.Attempts(ordered[:, 1], ordered[:, 0])


def draw_batches(rule: Any, seen: js.Attempts, chance: np.ndarray, rng: np.random.Generator, calls: int) -> js.Attempts:
    """A rule in batches, asked again after each."""
    for _ in range(BATCHES):
        extra = js.allocate(seen, calls // BATCHES, K, rule=rule)
        seen = js.Attempts(seen.attempts + extra, seen.successes + rng.binomial(extra, chance))
    return seen


def draw_uniform(seen: js.Attempts, chance: np.ndarray, rng: np.random.Generator, calls: int) -> js.Attempts:
    """As many calls at every query."""
    each = calls // len(seen)
    return js.Attempts(seen.attempts + each, seen.successes + rng.binomial(each, chance))


_RULES: dict[str, Callable[..., js.Attempts]] = {
    "uniform": draw_uniform,
    f"optimal, in {BATCHES} batches": functools.partial(draw_batches, "optimal"),
    f"online, in {BATCHES} batches": functools.partial(draw_batches, "online"),
    "online, call by call": draw_online,
}


def _allocation(replicates: int) -> Iterator[dict[str, Any]]:
    for population, draw in POPULATIONS.items():
        found: dict[str, list[tuple[float, float, bool]]] = {rule: [] for rule in _RULES}
        for replicate in range(replicates):
            rng = np.random.default_rng([0, replicate])
            chance = draw(rng, QUERIES)
            truth = float(np.mean(-np.expm1(K * np.log1p(-np.minimum(chance, 1 - 1e-12)))))
            seen = js.Attempts(np.full(QUERIES, SEEN), rng.binomial(SEEN, chance))
            for rule, further in _RULES.items():
                curve = js.forecast(js.PassAtK(), further(seen, chance, rng, FURTHER * QUERIES), [K])
                low, high = float(curve.lower[0]), float(curve.upper[0])
                found[rule].append((float(curve.value[0]) - truth, high - low, low <= truth <= high))
        for rule, results in found.items():
            error, width, held = np.array(results, float).T
            rmse = float(np.sqrt(np.mean(error**2)))
            yield {
                "kind": "allocation",
                "population": population,
                "rule": rule,
                "rmse": rmse,
                "rmse_error": float(np.std(error**2) / np.sqrt(len(error)) / (2 * rmse)),
                "bias": float(error.mean()),
                "width": float(width.mean()),
                "held": float(held.mean()),
                "replicates": replicates,
            }


def _calibration(replicates: int) -> Iterator[dict[str, Any]]:
    k = np.unique(np.rint(np.geomspace(10, 3000, 8)).astype(int))
    for population, draw in POPULATIONS.items():
        claims, outcomes = [], []
        for replicate in range(replicates):
            rng = np.random.default_rng([1, replicate])
            chance = draw(rng, QUERIES)
            curve = js.forecast(js.PassAtK(), js.Attempts(np.full(QUERIES, 50), rng.binomial(50, chance)), k)
            # A further run: within the 50 calls the unbiased estimate, beyond them who was solved by then.
            again = js.Attempts(np.full(QUERIES, 50), rng.binomial(50, chance))
            first = rng.geometric(np.maximum(chance, 1e-12))
            inside = k <= 50
            share = np.where(inside, 0.0, (first[:, None] <= k).mean(axis=0))
            share[inside] = js.pass_at_k(again, k[inside]).value
            pick, target = _goal(curve, rng)
            claims.append(float(curve.probability_at_least(target)[pick]))
            outcomes.append(bool(share[pick] >= target))
        yield from _in_bins(population, claims, outcomes)


def _real(draws: int) -> Iterator[dict[str, Any]]:
    """Plans from a part of real data, against runs from the rest of it."""
    k = np.array([200, 500, 1000, 3000])
    for file in ("pythia_math", "code_contests"):
        claims, outcomes = [], []
        for name, whole in js.read_attempts(DATA / "attempts" / f"{file}.csv", group="model").items():
            for draw in range(draws):
                rng = np.random.default_rng([2, draw, len(name)])
                n, c = whole.attempts, whole.successes
                seen = rng.hypergeometric(c, n - c, 200)
                curve = js.forecast(js.PassAtK(), js.Attempts(np.full(len(n), 200), seen), k)
                column, target = _goal(curve, rng)
                again = rng.hypergeometric(c - seen, n - c - (200 - seen), int(k[column]))
                claims.append(float(curve.probability_at_least(target)[column]))
                outcomes.append(bool(np.mean(again > 0) >= target))
        yield from _in_bins(f"{file}, 200 of 10,000 attempts", claims, outcomes)
    calls = np.array([3, 9, 21, 30])
    for file, systems in (
        ("game24_gpt4_cot", (js.Vote(), js.FilterVote())),
        ("game24_gpt4_io", (js.Vote(), js.FilterVote())),
        ("aiw_o1_mini", (js.Vote(),)),
    ):
        whole = js.read_ballots(DATA / "ballots" / f"{file}.csv")["all"]
        for system in systems:
            claims, outcomes = [], []
            for draw in range(draws):
                rng = np.random.default_rng([3, draw])
                seen, rest = _halves(whole, 15, 30, rng)
                curve = js.forecast(system, seen, calls)
                column, target = _goal(curve, rng)
                claims.append(float(curve.probability_at_least(target)[column]))
                outcomes.append(bool(js.exact(system, rest, int(calls[column])) >= target))
            yield from _in_bins(f"{file}, {type(system).__name__}, 15 ballots", claims, outcomes, bins=(0, 0.5, 1))


def _goal(curve: js.Forecast, rng: np.random.Generator) -> tuple[int, float]:
    """A number of calls and a target all over the predictive law, so that all probabilities are claimed."""
    column = int(rng.integers(len(curve.calls)))
    return column, float(curve.quantiles([rng.uniform(0.02, 0.98)])[0, column])


def _halves(whole: js.Ballots, first: int, second: int, rng: np.random.Generator) -> tuple[js.Ballots, js.Ballots]:
    """Two disjoint draws of ballots without replacement, those that a filter kept told apart."""
    none = np.zeros_like(whole.counts)
    kept = none if whole.kept_counts is None else whole.kept_counts
    kept_blank = np.zeros_like(whole.calls) if whole.kept_blank is None else whole.kept_blank
    cells = np.column_stack([kept, whole.counts - kept, kept_blank, whole.blank - kept_blank])
    parts = []
    for size in (first, second):
        drawn = np.stack([rng.multivariate_hypergeometric(row, size) for row in cells])
        cells = cells - drawn
        options = whole.counts.shape[1]
        held, dropped, held_blank, dropped_blank = np.split(drawn, [options, 2 * options, 2 * options + 1], axis=1)
        filtered = whole.kept_counts is not None
        parts.append(
            js.Ballots(
                held + dropped,
                whole.correct,
                kept_counts=held if filtered else None,
                blank=(held_blank + dropped_blank)[:, 0],
                kept_blank=held_blank[:, 0] if filtered else None,
            )
        )
    return parts[0], parts[1]


def _in_bins(
    population: str, claims: list[float], outcomes: list[bool], bins: tuple[float, ...] = _BINS
) -> Iterator[dict[str, Any]]:
    claim, reached = np.array(claims), np.array(outcomes, float)
    for low, high in itertools.pairwise(bins):
        inside = (claim >= low) & (claim < high)
        if inside.any():
            yield {
                "kind": "calibration",
                "population": population,
                "low": low,
                "high": high,
                "claim": float(claim[inside].mean()),
                "reached": float(reached[inside].mean()),
                "cases": int(inside.sum()),
            }
