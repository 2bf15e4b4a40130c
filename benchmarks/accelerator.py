"""Everything that is to be known of a device, in one run.

    python -m benchmarks accelerator [--minutes 6] [--json FILE]

Rows come in order of their value: whether the device computes the right thing, how fast it simulates and samples
(beside its own floor and its rivals), and whether it helps an analysis. Each is printed and stored as soon as it is
done, one that would not fit into the minutes that are left is skipped, and one that fails holds its error.
"""

import re
from pathlib import Path
from typing import Any

import jax
import numpy as np
from rich.console import Console

from benchmarks._accelerator import _analysis, _correct, _speed
from benchmarks._accelerator._cards import Card, known_card, measured_card
from benchmarks._accelerator._session import Session

GOALS = (
    ("pass@k of 1e9 Beta queries, float32: 0.5 s", "Beta(0.35, 5), float32", "1,000,000,000 queries", "seconds", 0.5),
    ("1e10 queries x 10,000 calls: 10 s", "Beta(0.35, 5), float32", "10,000,000,000 queries", "seconds", 10.0),
    ("binomials of mixed n and p: 9 G/s", "samplers, float32", "Binomial, mixed n and p", "rate", 9e9),
)
"""What is wanted of one H100: words, part of the row's kind, its name, the figure, and its value."""


def run_within(minutes: float, path: Path | None, machine: dict[str, Any], console: Console) -> int:
    """Measure this process's default device.

    Args:
        minutes: how long the run may take.
        path: the JSON file; None: `benchmarks/results-DEVICE.json`, but nothing on a CPU.
        machine: versions and what else is known of the machine.
        console: where rows are printed.

    Returns:
        The exit code: 0, 1 if a row failed or is wrong, or 130 if interrupted.
    """
    device = jax.devices()[0]
    on_cpu = device.platform == "cpu"
    if path is None and not on_cpu:
        path = (
            Path(__file__).parent / f"results-{re.sub('[^a-z0-9]+', '-', device.device_kind.lower()).strip('-')}.json"
        )
    memory = int((device.memory_stats() or {}).get("bytes_limit", 2 * 2**30))
    session = Session(machine | {"memory": memory}, minutes, path, console)
    with session.running():
        _rows(session, device.device_kind, memory, on_cpu)
    _goals(session, console)
    skipped = sum("skipped" in row for row in session.rows)
    words = f"{session.ended}: {len(session.rows) - skipped} rows measured, {skipped} skipped for want of time"
    console.print(f"\n{words}" + (f"; stored in {path}" if path else ""), markup=False, soft_wrap=True)
    wrong = [row for row in session.rows if "error" in row or row.get("ok") is False]
    return 130 if session.ended == "interrupted" else int(bool(wrong))


def _rows(session: Session, kind: str, memory: int, on_cpu: bool) -> None:
    small = on_cpu or session.left < 60
    cards: list[Card] = []

    def limits() -> dict[str, Any]:
        measured = measured_card()
        known = known_card(kind)
        cards.append(known or measured)
        return {
            "note": f"floors by {cards[-1].source}",
            "measured": measured._asdict(),
            "known": None if known is None else known._asdict(),
        }

    single, double = np.float32, np.float64
    _correct.samplers(session, 2**17 if small else 2**22, single)
    _correct.chunks(session, 500_000 if small else 10_000_000)
    _correct.systems(session, 20_000 if small else 200_000)
    session.row("device", "operations and bytes a second", 3.0, limits)
    card = cards[0] if cards else Card(*[float("nan")] * 4, "not measured")
    _speed.coverage(session, card, single, (10**6, 10**7, 10**8, 10**9, 10**10))
    _speed.samplers(session, card, single, memory)
    _speed.votes(session, (1_000, 10_000, 100_000, 1_000_000))
    _analysis.kernels(session, single)
    _analysis.fits(session, (100, 1_000, 10_000))
    _speed.tiles(session, 10**6 if small else 2**28, (16, 64, 256) if on_cpu else (256, 1024, 4096, 16384))
    _correct.samplers(session, 2**17 if small else 2**22, double)
    _speed.samplers(session, card, double, memory)
    _speed.coverage(session, card, double, (10**6, 10**7, 10**8, 10**9))
    _analysis.kernels(session, double)


def _goals(session: Session, console: Console) -> None:
    """What was wanted of an H100, and what was found."""
    console.print("\nwanted of one H100", style="bold")
    for words, kind, name, figure, wanted in GOALS:
        rows = [row for row in session.rows if kind in row["kind"] and row["name"] == name and figure in row]
        found = f"{rows[0][figure]:.3g}" if rows else "not measured"
        reached = rows and (rows[0][figure] >= wanted if figure == "rate" else rows[0][figure] <= wanted)
        console.print(f"  {words:<66} {found}{' (reached)' if reached else ''}", markup=False, highlight=False)
    compiled = [(row["compile_seconds"], row["name"]) for row in session.rows if "compile_seconds" in row]
    if compiled:
        slowest, name = max(compiled)
        console.print(f"  {'no system compiles longer than 10 s':<66} {slowest:.3g} s at most ({name})", markup=False)
