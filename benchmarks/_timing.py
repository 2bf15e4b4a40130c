"""Timing of two ways to one answer: compiled first, compared, then run by turns."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np


def seconds(function: Callable[[], Any]) -> float:
    """How long one call takes, its result waited for."""
    start = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - start


def spread(times: list[float]) -> str | None:
    """The quartiles of several times, in seconds."""
    if len(times) < 2:
        return None
    low, _, high = statistics.quantiles(times, n=4, method="inclusive")
    return f"{low:.3g} to {high:.3g}"


def compared(
    name: str,
    ours: Callable[[], Any],
    rival: str,
    theirs: Callable[[], Any],
    *,
    rounds: int = 5,
    answer: Callable[[Any], Any] = np.asarray,
    tolerance: float = 1e-9,
    note: str | None = None,
) -> dict[str, Any]:
    """Compare the answers of two functions, then time them by turns.

    Args:
        name: of what is computed.
        ours: this package's way.
        rival: what the other way is.
        theirs: the other way.
        rounds: how often each is timed; the medians are reported.
        answer: from a result to the numbers that must agree.
        tolerance: the largest difference that counts as the same answer.
        note: what a reader of the table should know.

    Raises:
        ValueError: the answers differ, so that times mean nothing.
    """
    first = seconds(ours)
    difference = float(np.max(np.abs(answer(ours()) - answer(theirs()))))
    if not difference <= tolerance:
        raise ValueError(f"{name}: the answers differ by {difference:.1e}: expected at most {tolerance:.1e}")
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    warm, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    return {
        "name": name,
        "seconds": warm,
        "spread": spread([mine for mine, _ in pairs]),
        "rival": rival,
        "rival_seconds": other,
        "ratio": other / warm,
        "compile_seconds": max(first - warm, 0.0),
        "max_abs_difference": difference,
        "note": note,
    }


def alone(name: str, ours: Callable[[], Any], *, rounds: int = 5, note: str | None = None) -> dict[str, Any]:
    """Time a function that has no rival here."""
    first = seconds(ours)
    times = [seconds(ours) for _ in range(rounds)]
    warm = statistics.median(times)
    return {
        "name": name,
        "seconds": warm,
        "spread": spread(times),
        "compile_seconds": max(first - warm, 0.0),
        "note": note,
    }
