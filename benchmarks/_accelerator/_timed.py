"""Rates: a function of a size is timed at a small one, then at the largest that pays."""

import statistics
from collections.abc import Callable
from typing import Any

from benchmarks._accelerator._session import Session, Unaffordable
from benchmarks._timing import seconds

_LONG_ENOUGH = 0.1
"""Seconds: a longer run tells no more of a rate."""


def rate_of(
    session: Session, make: Callable[[int], Callable[[], Any]], *, small: int, most: int, rounds: int = 5
) -> dict[str, Any]:
    """How many values a second a function makes.

    Args:
        session: whose minutes may be spent.
        make: from a size to a function that makes as many values.
        small: the size tried first.
        most: the largest size that memory allows.
        rounds: how often it is timed; the median is reported.

    Returns:
        `size`, `seconds`, `rate` (values a second) and `compile_seconds` (of the first call).
    """
    run = make(small)
    first = seconds(run)
    warm = min(seconds(run) for _ in range(3 if first < 1 else 1))
    size = small
    while 2 * size <= most and warm * (2 * size / small) <= _LONG_ENOUGH:
        size *= 2
    if size > small:
        try:
            # Calls are sent faster than a small one tells: what the time of a large one will be is at most this.
            session.afford(1.5 * first + (rounds + 1) * warm * (size / small))
            run = make(size)
            seconds(run)
        except Unaffordable:
            size, run = small, make(small)
    times = [seconds(run) for _ in range(rounds if warm < 1 else 1)]
    median = statistics.median(times)
    return {
        "size": size,
        "seconds": median,
        "rate": size / median,
        "compile_seconds": max(first - warm, 0.0),
        "fastest": min(times),
        "slowest": max(times),
    }


def rival_rate(session: Session, make: Callable[[int], Callable[[], Any]], *, small: int, most: int) -> float | str:
    """The same of a rival: its rate, or why there is none."""
    try:
        session.afford(5.0)
        return rate_of(session, make, small=small, most=most, rounds=3)["rate"]
    except Unaffordable:
        return "skipped"
    except Exception as error:
        return f"failed ({type(error).__name__})"


def once(session: Session, run: Callable[[], Any], *, expected: float, rounds: int = 3) -> dict[str, Any]:
    """Seconds of a function of a fixed size, which is expected to take so many."""
    session.afford(2 * expected)
    first = seconds(run)
    if first < 1 or 2 * first < session.left:
        times = [seconds(run) for _ in range(rounds if rounds * first < min(session.left / 4, 20) else 1)]
        warm = statistics.median(times)
        return {"seconds": warm, "compile_seconds": max(first - warm, 0.0)}
    return {"seconds": first, "note": "one run, compilation included: a second one would not fit"}
