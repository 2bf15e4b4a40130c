"""Forecasts against their truth, beside those of others.

`python -m benchmarks forecast` runs all; a part of it runs in seconds:
`python -m benchmarks.forecast --regime "30 -> 1,000" --set "Pythia 160M" --methods auto,loglog --draws 10`.
"""

import argparse
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

import jaxscale as js
from benchmarks._attempts import DESIGNS, REGIMES, Case, Design, families, real_cases, recorded, simulated_cases
from benchmarks._rivals import COVERAGE_RIVALS, Rival
from benchmarks._yardstick import LEVEL, Ledger, report, rows, timed, verdict

OURS = "auto"
METHODS = (OURS, *COVERAGE_RIVALS)

DRAWS, QUICK_DRAWS = 50, 1
"""How often every real data set is sampled down, each time under a fixed seed."""

SETS, QUICK_SETS = 15, 1
"""Data sets of each simulated family and design: 10 families x 4 designs x 15 = 600."""


def coverage(
    cases: Iterable[Case], design: Design, methods: Sequence[str] = METHODS, ledger: Ledger | None = None
) -> Ledger:
    """Forecast every case by every method and keep the answers beside the truths.

    Args:
        cases: data sets with their truths.
        design: the k to foretell.
        methods: "auto", or anything else that `js.forecast` calls a model after "js:", or names of rivals.
        ledger: to be added to; None for a new one.

    Returns:
        The ledger. Its claims are those the cases have a truth for; a rival's one interval is held against each.
    """
    ledger = Ledger() if ledger is None else ledger
    k = np.array(design.k)
    for index, case in enumerate(cases):
        for method in methods:
            answers: dict[str, Any] = {}
            for claim in case.truths:
                if method in COVERAGE_RIVALS and answers:
                    answers[claim] = next(iter(answers.values()))
                    continue
                answers[claim] = timed(functools.partial(_forecast, method, case, k, claim, index))
            for claim, ((value, lower, upper), seconds) in answers.items():
                for i, regime in enumerate(design.regimes()):
                    entry = (case.truths[claim][i], value[i], lower[i], upper[i], seconds)
                    ledger.add((claim, regime, case.group, method), *entry)
    return ledger


def _forecast(
    method: str, case: Case, k: np.ndarray, claim: str, index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if method in COVERAGE_RIVALS:
        rival: Rival = COVERAGE_RIVALS[method]
        return rival(case.attempts, case.successes, k, LEVEL, np.random.default_rng(index))
    attempts = js.Attempts(case.attempts, case.successes)
    model = method.removeprefix("js:")
    found = js.forecast(attempts, k, model=model, level=LEVEL, over=claim, key=jax.random.key(index))
    return found.value, found.lower, found.upper


def measure(
    part: str,
    *,
    draws: int = DRAWS,
    sets: int = SETS,
    methods: Sequence[str] = METHODS,
    regime: str = "",
    group: str = "",
) -> Ledger:
    """A part of the yardstick.

    Args:
        part: "real" (empty without the data) or "simulated".
        draws: draws from every real data set.
        sets: simulated data sets of each family and design.
        methods: as for `coverage`.
        regime: only designs with a regime in whose name this is.
        group: only data sets or families in whose name this is.
    """
    data = {name: attempts for name, attempts in recorded().items() if group.lower() in name.lower()}
    ledger = Ledger()
    for design in DESIGNS:
        if not any(regime in name for name in design.regimes()):
            continue
        if part == "real":
            coverage(real_cases(data, design, draws), design, methods, ledger)
        else:
            for family in families():
                if group.lower() in family:
                    coverage(simulated_cases(family, design, sets), design, methods, ledger)
    return ledger


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of figures by kind, claim, regime, group and method, and one row that sets ours against the best rival."""
    result = []
    for part in ("real", "simulated"):
        ledger = measure(part, draws=QUICK_DRAWS if quick else DRAWS, sets=QUICK_SETS if quick else SETS)
        result += rows(ledger, part)
        result += verdict(ledger, part, OURS, list(COVERAGE_RIVALS), REGIMES)
    return result


def tables(found: list[dict[str, Any]]) -> Iterator[Table | str]:
    """What a person reads of the rows that `run` returns."""
    if not any(row["kind"] == "real" for row in found):
        yield "No real data at ../shared/data/attempts: simulated families only."
    yield from report(found, OURS)


def main() -> None:
    """Measure a part and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=measure.__doc__)
    parser.add_argument("--part", choices=("real", "simulated"), default="real")
    parser.add_argument(
        "--regime", default="", help=f"part of the name of one of: {'; '.join(REGIMES)}; uneven -> 1,000"
    )
    parser.add_argument("--group", "--set", default="", help="part of the name of a data set or family")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated; js:MODEL for jaxscale's others")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws from each real data set")
    parser.add_argument("--sets", type=int, default=SETS, help="simulated data sets of each family and design")
    options = parser.parse_args()
    methods = options.methods.split(",")
    for method in methods:
        if method != OURS and method not in COVERAGE_RIVALS and not method.startswith("js:"):
            parser.error(f"--methods: {method!r}: expected {', '.join(METHODS)}, or js:MODEL")
    ledger = measure(
        options.part,
        draws=options.draws,
        sets=options.sets,
        methods=methods,
        regime=options.regime,
        group=options.group,
    )
    console = Console(width=160)
    for table in report(rows(ledger, options.part), OURS):
        console.print(table)


if __name__ == "__main__":
    main()
