"""Stopping rules: their speed against the published procedures, and what they save and lose beside fixed calls."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy import integrate, stats

import jaxscale as js
from benchmarks._timing import compared, seconds
from jaxscale import stopping

BALLOTS = Path(__file__).resolve().parents[2] / "shared" / "data" / "ballots"
CONFIDENCE = 0.95
MOST = 40


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of speed, then rows of calls saved and accuracy lost."""
    return [*_speed(quick), *_savings(quick)]


def published_beta(votes: np.ndarray) -> float:
    """The chance that the leader of two leads, by quadrature of its density up to 1/2, one state at a time."""
    first, second = sorted(votes.tolist(), reverse=True)[:2]
    return 1 - integrate.quad(lambda p: stats.beta.pdf(p, first + 1, second + 1), 0, 0.5)[0]


def published_dirichlet(votes: np.ndarray) -> float:
    """The chance that the leader's share is the largest, by quadrature over one gamma variable, a state at a time."""
    leader, *rivals = sorted(votes[votes > 0].tolist(), reverse=True)
    shapes = np.array([*rivals, 0]) + 1
    spread = 12 * np.sqrt(leader + 1) + 30

    def density(x: float) -> float:
        return stats.gamma.pdf(x, leader + 1) * np.prod(stats.gamma.cdf(x, shapes))

    return integrate.quad(density, 0, leader + 1)[0] + integrate.quad(density, leader + 1, leader + 1 + spread)[0]


def _speed(quick: bool) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(5), 200)
    answers = (rng.random((200, MOST, 1)) >= chances.cumsum(axis=1)[:, None, :-1]).sum(axis=2)
    votes = np.cumsum(answers[:, :, None] == np.arange(5), axis=1)
    # The rivals' cost is in proportion to the number of states: a part of them is timed.
    part = votes[:: 100 if quick else 10].reshape(-1, 5)
    rows = []
    for rule, rival in (("beta", published_beta), ("dirichlet", published_dirichlet)):
        row = compared(
            f"{rule} confidence, {len(part):,} of the states of 200 queries x {MOST} calls",
            lambda rule=rule: stopping.leader_confidence(part, rule),
            "scipy.integrate.quad, state by state",
            lambda rival=rival: np.array([rival(state) for state in part]),
            rounds=3,
            tolerance=1e-6,
        )
        whole = float(np.median([seconds(lambda rule=rule: stopping.leader_confidence(votes, rule)) for _ in range(9)]))
        rows.append(row | {"note": f"all {200 * MOST:,} states: {1000 * whole:.1f} ms"})
    whole = float(np.median([seconds(lambda: stopping.leader_stays(votes, MOST)) for _ in range(3)]))
    rows.append({"name": f"leader_stays to {MOST} calls, all {200 * MOST:,} states", "seconds": whole})
    return rows


def _rules(most: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    ahead = np.array([1, 2, 5, 10, 20])
    return {
        f"beta {CONFIDENCE}": lambda votes: stopping.leader_confidence(votes) > CONFIDENCE,
        f"dirichlet {CONFIDENCE}": lambda votes: stopping.leader_confidence(votes, "dirichlet") > CONFIDENCE,
        f"stays {CONFIDENCE}": lambda votes: (
            stopping.leader_stays(votes, np.maximum(most, votes.sum(axis=-1))) > CONFIDENCE
        ),
        "gain, price 0.005": lambda votes: (
            ~stopping.worth_calling(stopping.expected_vote_gain(votes, ahead), ahead, price=0.005)
        ),
    }


def _savings(quick: bool) -> list[dict[str, Any]]:
    rows = []
    for name, population, most in _populations(quick):
        for rule, stops in _rules(most).items():
            found = stopping.replay(jax.random.key(0), stops, population, most, 3 if quick else 40)
            note = (
                f"calls {found.calls:.1f} of {most} (saved {found.saved:.0%}); accuracy {found.value:.4f}, lost "
                f"{found.lost:+.4f} ± {found.lost_standard_error:.4f}; as many fixed calls {found.same_calls_value:.4f}"
            )
            rows.append({"name": f"{name}: {rule}", "note": note, **found.to_dict()})
    return rows


def _populations(quick: bool) -> list[tuple[str, Any, int]]:
    rng = np.random.default_rng(1)
    chances = rng.dirichlet([1.5, 0.7, 0.7, 0.7, 0.7], 50 if quick else 200)
    simulated = js.AnswerDistribution(chances)
    found: list[tuple[str, Any, int]] = [("simulated, Dirichlet(1.5, 0.7 x 4)", simulated, 20 if quick else MOST)]
    for file in sorted(BALLOTS.glob("*.csv"))[: 1 if quick else None]:
        with file.open() as lines:
            group = "model" if "model" in next(csv.reader(lines)) else ()
        groups = js.read_ballots(file, group=group)
        # Of the file with 24 models, the one with the most ballots to settle: middling accuracy.
        name = sorted(groups, key=lambda each: float(js.majority_at_k(groups[each], 1).value))[len(groups) // 2]
        ballots = groups[name]
        found.append((f"{file.stem} {name}", ballots, min(int(ballots.calls.min()), 20 if quick else MOST)))
    return found
