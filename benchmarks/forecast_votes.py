"""Forecasts of voting accuracy against their truth, beside those of others.

`python -m benchmarks forecast_votes` runs all; a part of it runs in seconds:
`python -m benchmarks.forecast_votes --set otis --methods auto,"scaling model" --draws 3`.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

import jaxscale as js
from benchmarks._ballots import (
    SIMULATED_VOTES,
    VOTE_FAMILIES,
    VOTE_REGIMES,
    VoteCase,
    real_vote_cases,
    simulated_vote_cases,
)
from benchmarks._rivals._votes import VOTE_RIVALS
from benchmarks._yardstick import LEVEL, Ledger, report, rows, timed, verdict

OURS = "auto"
METHODS = (OURS, *VOTE_RIVALS)

DRAWS, QUICK_DRAWS = 10, 1
"""How often every real data set is sampled down, each time under a fixed seed."""

SETS, QUICK_SETS = 80, 2
"""Data sets of each simulated family: 4 families x 80 = 320."""


def voting(cases: Iterable[VoteCase], methods: Sequence[str] = METHODS) -> Ledger:
    """Forecast every case by every method and keep the answers beside the truths.

    Args:
        cases: data sets with their truths.
        methods: "auto", what `js.forecast` of a vote calls a model after "js:", or names of rivals.

    Returns:
        The ledger. Its claims are those the cases have a truth for; a rival's one interval is held against each.
    """
    ledger = Ledger()
    for index, case in enumerate(cases):
        calls = np.array(case.design.calls)
        for method in methods:
            answers: dict[str, tuple[Any, float]] = {}
            for claim, truth in case.truths.items():
                over = "population" if claim == "population" and method not in VOTE_RIVALS else "these"
                if over not in answers:
                    answers[over] = timed(lambda: _forecast(method, case, calls, over, index))  # noqa: B023  # called at once
                (value, lower, upper), seconds = answers[over]
                for i, regime in enumerate(case.design.regimes()):
                    ledger.add((claim, regime, case.group, method), truth[i], value[i], lower[i], upper[i], seconds)
    return ledger


def _forecast(
    method: str, case: VoteCase, calls: np.ndarray, over: str, index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if method in VOTE_RIVALS:
        return VOTE_RIVALS[method](case.cells, case.right, calls, LEVEL, np.random.default_rng(index))
    system = js.FilterVote() if case.filtered else js.Vote()
    model, key = method.removeprefix("js:"), jax.random.key(index)
    found = js.forecast(system, case.ballots(), calls, model=model, level=LEVEL, over=over, key=key)
    return found.value, found.lower, found.upper


def measure(
    part: str, *, draws: int = DRAWS, sets: int = SETS, methods: Sequence[str] = METHODS, group: str = ""
) -> Ledger:
    """A part of the yardstick.

    Args:
        part: "real" (empty without the data) or "simulated".
        draws: draws from every real data set.
        sets: simulated data sets of each family.
        methods: as for `voting`.
        group: only files or families in whose name this is.
    """
    if part == "real":
        return voting(real_vote_cases(draws, group), methods)
    chosen = [family for family in VOTE_FAMILIES if group.lower() in family]
    return voting((case for family in chosen for case in simulated_vote_cases(family, sets)), methods)


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of figures by kind, claim, regime, group and method, and one row that sets ours against the best rival."""
    result = []
    for part, regimes in (("real", VOTE_REGIMES), ("simulated", SIMULATED_VOTES.regimes())):
        # Most of the time of a quick run is compiling: two small files.
        group = "aiw" if quick and part == "real" else ""
        ledger = measure(part, draws=QUICK_DRAWS if quick else DRAWS, sets=QUICK_SETS if quick else SETS, group=group)
        result += rows(ledger, part)
        result += verdict(ledger, part, OURS, list(VOTE_RIVALS), regimes)
    return result


def tables(found: list[dict[str, Any]]) -> Iterator[Table | str]:
    """What a person reads of the rows that `run` returns."""
    if not any(row["kind"] == "real" for row in found):
        yield "No real data at ../shared/data/ballots: simulated families only."
    yield from report(found, OURS)


def main() -> None:
    """Measure a part and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast_votes", description=measure.__doc__)
    parser.add_argument("--part", choices=("real", "simulated"), default="real")
    parser.add_argument("--group", "--set", default="", help="part of the name of a file or family")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated; js:MODEL for jaxscale's others")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws from each real data set")
    parser.add_argument("--sets", type=int, default=SETS, help="simulated data sets of each family")
    options = parser.parse_args()
    methods = options.methods.split(",")
    for method in methods:
        if method != OURS and method not in VOTE_RIVALS and not method.startswith("js:"):
            parser.error(f"--methods: {method!r}: expected {', '.join(METHODS)}, or js:MODEL")
    ledger = measure(options.part, draws=options.draws, sets=options.sets, methods=methods, group=options.group)
    if not ledger.records:
        sys.exit(
            "python -m benchmarks.forecast_votes: nothing was run. No data at ../shared/data/ballots, or none that "
            "--set chooses: expected recorded ballots of several data sets. --part simulated needs no data."
        )
    console = Console(width=160)
    for table in report(rows(ledger, options.part), OURS):
        console.print(table)


if __name__ == "__main__":
    main()
