"""Everything that is to be known of a device, in one run.

    python -m benchmarks accelerator [--minutes 6] [--quick] [--json FILE]

Rows come in order of their value: whether the device computes the right thing, how fast it simulates and samples
(beside its own floor and its rivals), and whether it helps an analysis. Each is printed and stored as soon as it is
done, one that would not fit into the minutes that are left is skipped, and one that fails holds its error. `--quick`
runs every row at a small size: to see that none fails.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

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
    (
        "vote, 200 queries x 1e6 replicates: 100 times two CPU cores",
        "vote at",
        "1,000,000 replicates",
        "times_cpu",
        100,
    ),
)
"""What is wanted of one H100: words, part of the row's kind, its name, the figure, and its value."""

_MORE_IS_BETTER = ("rate", "times_cpu")


class Sizes(NamedTuple):
    """How large the problems are.

    Attributes:
        draws: of a sampler that is held against its law.
        queries: of pass@k in chunks.
        replicates: of each system that is held against its exact value.
        coverage: queries of pass@k curves, from few to many.
        votes: replicates of votes, likewise.
        kernels: (queries, answers, calls) of exact votes.
        fits: queries of fits.
        refits: of a bootstrap.
        tiled: queries of pass@k by size of tile.
        tiles: those sizes, in blocks.
        most: the most values that a sampler is timed with.
    """

    draws: int
    queries: int
    replicates: int
    coverage: tuple[int, ...] = (10**6, 10**7, 10**8, 10**9, 10**10)
    votes: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    kernels: tuple[tuple[int, int, int], ...] = _analysis.KERNELS
    fits: tuple[int, ...] = (100, 1_000, 10_000)
    refits: int = 1_000
    tiled: int = 2**29
    tiles: tuple[int, ...] = (1024, 4096, 16384, 65536)
    most: int = 2**27


LARGE = Sizes(2**22, 10_000_000, 200_000)
SHORT = LARGE._replace(draws=2**17, queries=500_000, replicates=20_000, tiled=10**6)
"""Where there is a minute, or only a CPU."""
QUICK = Sizes(
    draws=2**14,
    queries=200_000,
    replicates=2_000,
    coverage=(10**3, 10**4, 10**5, 10**6, 2 * 10**6),
    votes=(10, 20, 50, 100),
    kernels=tuple((-(-queries // 50), answers, -(-calls // 10)) for queries, answers, calls in _analysis.KERNELS),
    fits=(10, 20, 50),
    refits=10,
    tiled=10**5,
    tiles=(4, 16, 64),
    most=2**16,
)


def run_within(minutes: float, quick: bool, path: Path | None, machine: dict[str, Any], console: Console) -> int:
    """Measure this process's default device.

    Args:
        minutes: how long the run may take.
        quick: whether all sizes are small: to see that every row runs.
        path: the JSON file; None: `benchmarks/results-DEVICE.json`, but nothing on a CPU or of small sizes.
        machine: versions and what else is known of the machine.
        console: where rows are printed.

    Returns:
        The exit code: 0, 1 if a row failed or is wrong, or 130 if interrupted.
    """
    device = jax.devices()[0]
    on_cpu = device.platform == "cpu"
    if path is None and not on_cpu and not quick:
        path = (
            Path(__file__).parent / f"results-{re.sub('[^a-z0-9]+', '-', device.device_kind.lower()).strip('-')}.json"
        )
    memory = int((device.memory_stats() or {}).get("bytes_limit", 2 * 2**30))
    sizes = QUICK if quick else SHORT if on_cpu or minutes < 1 else LARGE
    if on_cpu and not quick:
        sizes = sizes._replace(tiles=(16, 64, 256))
    session = Session(machine | {"memory": memory, "quick": quick}, minutes, path, console)
    with session.running():
        _rows(session, device.device_kind, memory, sizes)
    _goals(session, console)
    skipped = sum("skipped" in row for row in session.rows)
    words = f"{session.ended}: {len(session.rows) - skipped} rows measured, {skipped} skipped for want of time"
    console.print(f"\n{words}" + (f"; stored in {path}" if path else ""), markup=False, soft_wrap=True)
    wrong = [row for row in session.rows if "error" in row or row.get("ok") is False]
    return 130 if session.ended == "interrupted" else int(bool(wrong))


def _rows(session: Session, kind: str, memory: int, sizes: Sizes) -> None:
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
    _correct.samplers(session, sizes.draws, single)
    _correct.chunks(session, sizes.queries)
    _correct.systems(session, sizes.replicates)
    session.row("device", "operations and bytes a second", 3.0, limits)
    card = cards[0] if cards else Card(*[float("nan")] * 4, "not measured")
    _speed.coverage(session, card, single, sizes.coverage)
    _speed.votes(session, sizes.votes)
    _analysis.kernels(session, single, sizes.kernels)
    _analysis.fits(session, sizes.fits, sizes.refits)
    _speed.samplers(session, card, single, memory, sizes.most)
    _speed.tiles(session, sizes.tiled, sizes.tiles)
    _correct.samplers(session, sizes.draws, double)
    _speed.samplers(session, card, double, memory, sizes.most)
    _speed.coverage(session, card, double, sizes.coverage[:4])
    _analysis.kernels(session, double, sizes.kernels)


def _goals(session: Session, console: Console) -> None:
    """What was wanted of an H100, and what was found."""
    console.print("\nwanted of one H100", style="bold")
    for words, kind, name, figure, wanted in GOALS:
        rows = [row for row in session.rows if kind in row["kind"] and row["name"] == name and figure in row]
        found = f"{rows[0][figure]:.3g}" if rows else "not measured"
        reached = rows and (rows[0][figure] >= wanted if figure in _MORE_IS_BETTER else rows[0][figure] <= wanted)
        console.print(f"  {words:<66} {found}{' (reached)' if reached else ''}", markup=False, highlight=False)
    compiled = [(row["compile_seconds"], row["name"]) for row in session.rows if "compile_seconds" in row]
    if compiled:
        slowest, name = max(compiled)
        console.print(f"  {'no system compiles longer than 10 s':<66} {slowest:.3g} s at most ({name})", markup=False)
