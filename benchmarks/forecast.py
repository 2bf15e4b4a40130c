"""Forecasts against their truth, beside those of others.

`python -m benchmarks forecast` runs all; a part of it runs in seconds:
`python -m benchmarks.forecast --regime "30 -> 1,000" --set "Pythia 160M" --methods auto,loglog --draws 10`.
"""

import argparse
import functools
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from rich.console import Console
from rich.table import Table

import jaxscale as js
from benchmarks._attempts import DESIGNS, REGIMES, Case, Design, families, simulated_cases
from benchmarks._pools import POOLS, real_pools, recorded, simulated_pools
from benchmarks._rivals import COVERAGE_RIVALS, Rival
from benchmarks._yardstick import LEVEL, Ledger, report, rows, timed, verdict

OURS = "auto"
TOGETHER = "pooled"
"""`forecast` of all that share queries, together; its seconds are those of the whole pool."""

METHODS = (TOGETHER, OURS, *COVERAGE_RIVALS)

DRAWS, QUICK_DRAWS = 50, 1
"""How often every real data set is sampled down, each time under a fixed seed."""

SETS, QUICK_SETS = 15, 1
"""Data sets of each simulated family and design: 10 families x 4 designs x 15 = 600."""

POOLS_OF_A_KIND = 5
"""Simulated pools of each kind and design: 7 kinds x 4 designs x 5 = 140, of 3 or 4 groups each."""


def coverage(
    pools: Iterable[Sequence[Case]], design: Design, methods: Sequence[str] = METHODS, ledger: Ledger | None = None
) -> Ledger:
    """Forecast every case by every method and keep the answers beside the truths.

    Args:
        pools: data sets with their truths, those together that share queries.
        design: the k to forecast.
        methods: "auto", "pooled" (left out where a pool is of one), or anything else that `js.forecast` calls a model
            after "js:", or names of rivals.
        ledger: to be added to; None for a new one.

    Returns:
        The ledger. Its claims are those the cases have a truth for; a rival's one interval is held against each.
    """
    ledger = Ledger() if ledger is None else ledger
    k = np.array(design.k)
    for index, pool in enumerate(pools):
        for method in methods:
            if method == TOGETHER and len(pool) < 2:
                continue
            answers: dict[str, list[Any]] = {}
            for claim in pool[0].truths:
                if method in COVERAGE_RIVALS and answers:
                    answers[claim] = next(iter(answers.values()))
                elif method == TOGETHER:
                    found, seconds = timed(functools.partial(_together, pool, k, claim, index))
                    answers[claim] = [(each, seconds) for each in found]
                else:
                    answers[claim] = [
                        timed(functools.partial(_forecast, method, case, k, claim, index)) for case in pool
                    ]
            for claim, each in answers.items():
                for case, ((value, lower, upper), seconds) in zip(pool, each, strict=True):
                    for i, regime in enumerate(design.regimes()):
                        entry = (case.truths[claim][i], value[i], lower[i], upper[i], seconds)
                        ledger.add((claim, regime, case.group, method), *entry)
    return ledger


def _together(
    pool: Sequence[Case], k: np.ndarray, claim: str, index: int
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    groups = {str(i): js.Attempts(case.attempts, case.successes, query=case.query) for i, case in enumerate(pool)}
    found = js.forecast(js.PassAtK(), groups, k, level=LEVEL, over=claim, key=jax.random.key(index))
    return [(curve.value, curve.lower, curve.upper) for curve in found.values()]


def _forecast(
    method: str, case: Case, k: np.ndarray, claim: str, index: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if method in COVERAGE_RIVALS:
        rival: Rival = COVERAGE_RIVALS[method]
        return rival(case.attempts, case.successes, k, LEVEL, np.random.default_rng(index))
    attempts = js.Attempts(case.attempts, case.successes)
    model = method.removeprefix("js:")
    found = js.forecast(js.PassAtK(), attempts, k, model=model, level=LEVEL, over=claim, key=jax.random.key(index))
    return found.value, found.lower, found.upper


def measure(
    part: str,
    *,
    draws: int = DRAWS,
    sets: int = SETS,
    methods: Sequence[str] = METHODS,
    regime: str = "",
    group: str = "",
    first: int = 0,
) -> Ledger:
    """A part of the yardstick.

    Args:
        part: "real" (empty without the data), "simulated" (one data set at a time) or "pools" (several).
        draws: draws from every real data set.
        sets: simulated data sets of each family and design.
        methods: as for `coverage`.
        regime: only designs with a regime in whose name this is.
        group: only data sets, families or kinds of pools in whose name this is.
        first: seed of the first simulated data set or pool.
    """
    chosen = {
        file: {name: each for name, each in groups.items() if group.lower() in name.lower()}
        for file, groups in recorded().items()
    }
    ledger = Ledger()
    for design in DESIGNS:
        if not any(regime in name for name in design.regimes()):
            continue
        if part == "real":
            coverage(real_pools({f: g for f, g in chosen.items() if g}, design, draws), design, methods, ledger)
        elif part == "pools":
            for kind in POOLS:
                if group.lower() in kind:
                    coverage(simulated_pools(kind, design, sets, first), design, methods, ledger)
        else:
            for family in families():
                if group.lower() in family:
                    cases = ([case] for case in simulated_cases(family, design, sets, first))
                    coverage(cases, design, methods, ledger)
    return ledger


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of figures by kind, claim, regime, group and method, and rows that set ours against the best rival."""
    result = []
    for part in ("real", "simulated", "pools"):
        sets = QUICK_SETS if quick else SETS
        if part == "pools":
            methods, sets, regime = (TOGETHER, OURS, "loglog"), min(sets, POOLS_OF_A_KIND), "30 ->" if quick else ""
        else:
            methods, regime = METHODS, ""
        draws = QUICK_DRAWS if quick else DRAWS
        result += _found(measure(part, draws=draws, sets=sets, methods=methods, regime=regime), part)
    return result


def _found(ledger: Ledger, part: str) -> list[dict[str, Any]]:
    result = rows(ledger, part)
    for ours in (TOGETHER, OURS):
        result += verdict(ledger, part, ours, list(COVERAGE_RIVALS), REGIMES)
    return result


def tables(found: list[dict[str, Any]]) -> Iterator[Table | str]:
    """What a person reads of the rows that `run` returns."""
    if not any(row["kind"] == "real" for row in found):
        yield "No real data at ../shared/data/attempts: simulated families only."
    yield f"Seconds of {TOGETHER!r} are those of a whole pool, those of other methods of one data set."
    yield from report(found, OURS)


def main() -> None:
    """Measure a part and print its tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=measure.__doc__)
    parser.add_argument("--part", choices=("real", "simulated", "pools"), default="real")
    parser.add_argument(
        "--regime", default="", help=f"part of the name of one of: {'; '.join(REGIMES)}; uneven -> 1,000"
    )
    parser.add_argument("--group", "--set", default="", help="part of the name of a data set or family")
    parser.add_argument("--methods", default=",".join(METHODS), help="comma-separated; js:MODEL for jaxscale's others")
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws from each real data set")
    parser.add_argument(
        "--sets", type=int, default=SETS, help="simulated data sets (or pools) of each family (or kind) and design"
    )
    parser.add_argument("--first", type=int, default=0, help="seed of the first simulated set or pool")
    options = parser.parse_args()
    methods = options.methods.split(",")
    for method in methods:
        if method not in (OURS, TOGETHER) and method not in COVERAGE_RIVALS and not method.startswith("js:"):
            parser.error(f"--methods: {method!r}: expected {', '.join(METHODS)}, or js:MODEL")
    ledger = measure(
        options.part,
        draws=options.draws,
        sets=options.sets,
        methods=methods,
        regime=options.regime,
        group=options.group,
        first=options.first,
    )
    if not ledger.records:
        sys.exit(
            "python -m benchmarks.forecast: nothing was run. No data at ../shared/data/attempts, or none that --regime "
            "and --set choose: expected the attempts of Large Language Monkeys (arXiv 2407.21787), 10,000 a query. "
            "--part simulated and --part pools need no data."
        )
    console = Console(width=160)
    for table in report(_found(ledger, options.part), OURS):
        console.print(table)


if __name__ == "__main__":
    main()
