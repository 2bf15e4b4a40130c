"""The run itself: a clock, and rows that are printed and stored as soon as they are done."""

import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
from rich.console import Console


class Unaffordable(Exception):
    """What is left to do would take longer than the minutes that are left."""


class Session:
    """Rows within a time budget; each is stored the moment it is done, so that an interrupted run keeps what it has.

    Args:
        machine: what is measured.
        minutes: how long the run may take.
        path: the JSON file, or None to store nothing.
        console: where rows are printed.
    """

    def __init__(self, machine: dict[str, Any], minutes: float, path: Path | None, console: Console):
        self.rows: list[dict[str, Any]] = []
        self.ended = "unfinished"
        self._machine, self._minutes, self._path, self._console = machine, minutes, path, console
        self._start = time.monotonic()
        self._expected, self._taken = 0.0, 0.0
        self._kind = ""
        self.store()

    @property
    def left(self) -> float:
        """Seconds until the run has to end."""
        return 60 * self._minutes - (time.monotonic() - self._start)

    def afford(self, seconds: float) -> None:
        """Give the row up if it needs longer than there is left.

        Raises:
            Unaffordable: it does; the row then says so.
        """
        if seconds > self.left:
            raise Unaffordable(f"would take about {seconds:.2g} s more, {max(self.left, 0):.2g} s are left")

    def row(self, kind: str, name: str, expected: float, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Measure one row, print and store it.

        Args:
            kind: of row: the heading that it is printed under.
            name: what is measured.
            expected: seconds that it takes on two cores of a CPU, compilation included. The rows before it tell how
                much faster or slower this machine is.
            measure: returns the row's figures. If it raises, the row holds the error, and the run goes on.
        """
        row = self._measured(name, expected, measure)
        if "skipped" not in row:
            self._expected, self._taken = self._expected + expected, self._taken + row["row_seconds"]
        return self._keep(kind, row)

    def together(self, kind: str, rows: Sequence[tuple[str, float, Callable[[], dict[str, Any]]]]) -> None:
        """Measure rows that are not timed, one for each two cores at once: most of each is compilation.

        Args:
            kind: as in `row`.
            rows: name, expected seconds and function of each, as in `row`.
        """
        with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // 2)) as pool:
            waiting = [pool.submit(self._measured, *row) for row in rows]
            try:
                for done in as_completed(waiting):
                    self._keep(kind, done.result())
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _measured(self, name: str, expected: float, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        pace = min(max(self._taken / self._expected, 0.2), 5.0) if self._expected else 1.0
        started = time.monotonic()
        try:
            self.afford(expected * pace)
            found = measure()
        except Unaffordable as why:
            found = {"skipped": str(why)}
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"[:2000], "traceback": traceback.format_exc()[-4000:]}
        return {"name": name, **found, "row_seconds": time.monotonic() - started}

    def _keep(self, kind: str, row: dict[str, Any]) -> dict[str, Any]:
        row = {"kind": kind, **row}
        peak = (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")
        if peak is not None:
            row["peak_bytes_so_far"] = peak
        self.rows.append(row)
        self.store()
        self._show(row)
        return row

    def store(self) -> None:
        """Write everything so far; the file is always whole."""
        if self._path is None:
            return
        document = {
            "machine": self._machine,
            "minutes": self._minutes,
            "seconds": time.monotonic() - self._start,
            "ended": self.ended,
            "rows": self.rows,
        }
        unfinished = self._path.with_name(self._path.name + ".unfinished")
        unfinished.write_text(json.dumps(document, indent=1, default=float))
        os.replace(unfinished, self._path)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Rows are measured inside; an interruption (SIGINT, SIGTERM) ends the block, and the file says so."""

        def stop(*_: Any) -> None:
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, stop)
        try:
            yield
            self.ended = "finished"
        except KeyboardInterrupt:
            self.ended = "interrupted"
        finally:
            signal.signal(signal.SIGTERM, before)
            self.store()

    def _show(self, row: dict[str, Any]) -> None:
        if "skipped" in row and self.left <= 0:  # the last line of the run counts them
            return
        if row["kind"] != self._kind:
            self._kind = row["kind"]
            self._console.print(f"\n{self._kind}", style="bold", markup=False)
        self._console.print(f"  {row['name']:<66} {summary(row)}", markup=False, highlight=False, soft_wrap=True)


def summary(row: dict[str, Any]) -> str:
    """What is to be read first of a row."""
    if "skipped" in row:
        return f"skipped: {row['skipped']}"
    if "error" in row:
        return f"FAILED: {row['error'].splitlines()[0][:120]}"
    parts = []
    if "ok" in row:
        parts.append("ok" if row["ok"] else "WRONG")
    if row.get("worst_standard_errors") is not None:
        parts.append(f"at most {row['worst_standard_errors']:.2g} standard errors off")
    if "rate" in row:
        parts.append(f"{row['rate'] / 1e9:.4g} G/s")
    if "seconds" in row:
        parts.append(f"{row['seconds']:.4g} s")
    if row.get("share_of_floor") is not None:
        parts.append(
            f"{row['share_of_floor']:.1%} of the floor ({row['operations_share']:.1%} of operations, "
            f"{row['bytes_share']:.1%} of bandwidth)"
        )
    if "times_cpu" in row:
        parts.append(f"{row['times_cpu']:.3g} times the stored two-core CPU")
    for rival, rate in row.get("rivals", {}).items():
        parts.append(f"{rival} {rate}" if isinstance(rate, str) else f"{rival} {rate / 1e9:.3g} G/s")
    for rival, seconds in row.get("rival_seconds", {}).items():
        parts.append(f"{rival} {seconds:.3g} s")
    if "compile_seconds" in row:
        parts.append(f"compiles {row['compile_seconds']:.2g} s")
    if "note" in row:
        parts.append(row["note"])
    return ", ".join(parts)
