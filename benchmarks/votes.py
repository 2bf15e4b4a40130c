"""The vote kernel against the procedures that it replaces, in plain NumPy and the standard library."""

import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from benchmarks._timing import compared, seconds, spread
from jaxscale import AnswerDistribution, Ballots, Vote, exact, majority_at_k
from jaxscale._arrays import float64
from jaxscale.fitting import fit_vote_scaling


def published_monte_carlo(rng: np.random.Generator, probabilities: np.ndarray, calls: int, trials: int) -> np.ndarray:
    """Accuracy of each query by simulation: draw the calls, count them, take the most common answer."""
    answers = np.arange(probabilities.shape[1])
    return np.array(
        [
            np.mean(
                [Counter(rng.choice(answers, calls, p=q).tolist()).most_common(1)[0][0] == 0 for _ in range(trials)]
            )
            for q in probabilities
        ]
    )


def bootstrapped_majority(rng: np.random.Generator, ballots: np.ndarray, k: int, trials: int) -> float:
    """Maj@k as it is usually estimated: `trials` random subsets of k ballots a query, ties to a random leader."""
    hits = 0.0
    for row in ballots:
        for _ in range(trials):
            votes = Counter(rng.choice(row, k, replace=False).tolist())
            top = max(votes.values())
            leaders = [answer for answer, count in votes.items() if count == top]
            hits += leaders[rng.integers(len(leaders))] == 0
    return hits / (trials * len(ballots))


def scipy_scaling(calls: np.ndarray, accuracy: np.ndarray, easy: np.ndarray) -> np.ndarray:
    """The scaling model of Chen et al. by one bounded `scipy.optimize.minimize` a query; fitted accuracy."""
    features = np.stack([calls / calls.max(), np.sqrt(calls / calls.max()), np.ones(len(calls))])

    def curve(coefficients: np.ndarray, is_easy: bool) -> np.ndarray:
        falling = np.exp(-coefficients @ features)
        return 1 - falling if is_easy else falling

    found = [
        curve(
            minimize(
                lambda x, y=y, e=e: np.mean((curve(x, e) - y) ** 2),
                np.full(3, 0.3),
                bounds=[(0, None)] * 3,
                options={"ftol": 1e-12},
            ).x,
            e,
        )
        for y, e in zip(accuracy, easy, strict=True)
    ]
    return np.array(found)


def _scaling_model(rng: np.random.Generator, quick: bool) -> dict[str, Any]:
    queries = 10 if quick else 200
    calls = np.array([1.0, 3.0, 5.0, 9.0, 17.0])
    easy = rng.random(queries) < 0.6
    falling = np.exp(-rng.gamma(1.0, 0.1, (queries, 3)) @ np.stack([calls, np.sqrt(calls), np.ones(5)]))
    accuracy = np.where(easy[:, None], 1 - falling, falling)
    return compared(
        f"scaling model, {queries} queries",
        lambda: fit_vote_scaling(calls, accuracy, np.where(easy, -0.5, 0.5)).accuracy(calls),
        "one scipy.optimize.minimize a query",
        lambda: scipy_scaling(calls, accuracy, easy),
        rounds=1 if quick else 5,
        tolerance=1e-2,
        note="wanted: ratio 50; both fit least squares with coefficients >= 0",
    )


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of seconds (ours: median, warm), of the rival's seconds, their ratio, and the largest difference."""
    rng = np.random.default_rng(0)
    rows = []
    row = partial(_row, rounds=3 if quick else 9)
    probabilities = rng.dirichlet(np.ones(5), 200)
    population = AnswerDistribution(probabilities)

    mc, subsets = "1,000 Counter trials a query (extrapolated)", "1,000 random subsets a budget (extrapolated)"
    # The rival's cost is in proportion to its trials and queries: a part of them is timed.
    trials, queries = (100, 20) if quick else (1_000, 40)
    started = time.perf_counter()
    rival = published_monte_carlo(rng, probabilities[:queries], 100, trials)
    took = (time.perf_counter() - started) * (1_000 / trials) * (200 / queries)
    rows.append(row("vote, 200 queries x 5 answers, 100 calls", lambda: exact(Vote(), population, 100), took, mc))
    per_query = [float(exact(Vote(), AnswerDistribution(q[None]), 100)) for q in probabilities[:queries]]
    rows[-1]["max_abs_difference"] = float(np.abs(per_query - rival).max())

    counts = np.stack([rng.multinomial(64, q) for q in rng.dirichlet(np.ones(8), 200)])
    ballots = Ballots(counts, np.tile(np.arange(8) == 0, (200, 1)))
    budgets = np.arange(1, 65)
    timed, trials, queries = (budgets[31::32], 20, 20) if quick else (budgets[15::16], 200, 50)
    drawn = np.stack([np.repeat(np.arange(8), row) for row in counts[:queries]])
    started = time.perf_counter()
    rival_curve = [bootstrapped_majority(rng, drawn, int(k), trials) for k in timed]
    took = (time.perf_counter() - started) * (1_000 / trials) * (200 / queries) * (len(budgets) / len(timed))
    rows.append(
        row("maj@k, every k <= 64, 200 queries x 64 ballots", lambda: majority_at_k(ballots, budgets), took, subsets)
    )
    part = majority_at_k(Ballots(counts[:queries], ballots.correct[:queries]), timed).value
    rows[-1]["max_abs_difference"] = float(np.abs(part - rival_curve).max())

    with float64():
        q = jnp.asarray(probabilities)
        value = jax.jit(lambda q: exact(Vote(), AnswerDistribution(q), 100))
        gradient = jax.jit(jax.grad(value))
        rows.append(
            row(
                "gradient in 1,000 probabilities against the value, 100 calls",
                lambda: gradient(q),
                lambda: value(q),
                "the value alone",
            )
        )
    hundred, thousand = (lambda: exact(Vote(), population, 100)), (lambda: exact(Vote(), population, 1_000))
    rows.append(row("vote at 1,000 calls against 100", thousand, hundred, "100 calls"))
    one = AnswerDistribution(probabilities[:1])
    rows.append(row("vote, one query x 5 answers, 100,000 calls", lambda: exact(Vote(), one, 100_000), None))
    many = AnswerDistribution(rng.dirichlet(np.ones(200), 1))
    rows.append(row("vote, one query x 200 answers, 1,000 calls", lambda: exact(Vote(), many, 1_000), None))
    rows.append(_scaling_model(rng, quick))
    return rows


def _row(
    name: str,
    function: Callable[[], Any],
    rival: float | Callable[[], Any] | None,
    what: str | None = None,
    *,
    rounds: int,
) -> dict[str, Any]:
    """One row; a rival that is a function too is timed in turn with ours."""
    first = seconds(function)
    if callable(rival):
        seconds(rival)
    pairs = [(seconds(function), seconds(rival) if callable(rival) else rival) for _ in range(rounds)]
    ours = float(np.median([mine for mine, _ in pairs]))
    theirs = None if rival is None else float(np.median([other for _, other in pairs]))
    return {
        "name": name,
        "seconds": ours,
        "spread": spread([mine for mine, _ in pairs]),
        "rival": what,
        "rival_seconds": theirs,
        "ratio": None if theirs is None else theirs / ours,
        "compile_seconds": first - ours,
        "max_abs_difference": None,
        "note": None,
    }
