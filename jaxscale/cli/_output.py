"""Results on stdout, progress on stderr, files all at once or not at all."""

import contextlib
import json
import math
import re
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jaxscale import __version__, _files
from jaxscale._words import number_of
from jaxscale.cli._errors import BELOW, BadInput, on_one_line

if TYPE_CHECKING:
    from rich.console import Console

    from jaxscale.data import Attempts
    from jaxscale.forecasting import Forecast

PICTURES = (".png", ".svg", ".pdf")

# What steers a terminal or turns the direction of a line, and bytes of a name that are no text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether a person wants neither progress nor what was read."""

_WIDTH = 100  # of tables that go to a file or a pipe
_PATIENCE = 1.0  # seconds before progress is shown


def console() -> "Console":
    """Where tables are printed: control characters are shown as escapes, and columns that have no room are named."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.protocol import rich_cast
    from rich.table import Table
    from rich.text import Text

    class Harmless(Console):
        def print(self, *objects: Any, **settings: Any) -> None:
            for each in map(rich_cast, objects):
                left: list[str] = []
                if isinstance(each, Table):
                    for column in each.columns:
                        column.header, *column._cells = (
                            escaped(cell) if isinstance(cell, str) else cell for cell in (column.header, *column._cells)
                        )
                    # rich cuts off numbers that have no room.
                    roomy = self.options.update(max_width=1_000)
                    while len(each.columns) > 1 and Measurement.get(self, roomy, each).maximum > self.width:
                        left.insert(0, str(each.columns.pop().header))
                elif isinstance(each, Text):
                    each = Text(escaped(each.plain), style=each.style)
                super().print(escaped(each) if isinstance(each, str) else each, **settings)
                if left:
                    super().print(Text(f"no room in {self.width} columns for: {', '.join(left)}"), soft_wrap=True)

    return Harmless(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


def escaped(text: str) -> str:
    """`text` with what would steer a terminal, or is no text, shown as escapes."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def print_json(command: str, groups: Iterable[Mapping[str, Any]], **more: Any) -> None:
    """Print one JSON object; numbers that are not finite become null."""
    whole = {"jaxscale": __version__, "command": command, **more, "groups": list(groups)}
    print(json.dumps(_plain(whole), allow_nan=False, indent=2))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def check_gate(fail_under: float | None) -> None:
    """Refuse a `--fail-under` that no share can be compared with."""
    if fail_under is not None and not 0 < fail_under <= 1:
        raise BadInput(f"--fail-under = {fail_under!r}: expected a number above 0, at most 1")


def hold_against(fail_under: float | None, results: "Mapping[str, Forecast]", words: str) -> None:
    """End with exit code 3, and say why, where the value at the most calls is below a number.

    Args:
        fail_under: the number; None for no gate.
        results: a forecast for each data set.
        words: what the value is, with the calls to be put in, as "pass@{:,}".
    """
    if fail_under is None:
        return
    below = False
    for name, result in results.items():
        last = max(result.curve(), key=lambda row: row["calls"])
        if last["value"] < fail_under:
            below = True
            said = f"{name}: {words.format(last['calls'])} = {last['value']:.4f} is below {fail_under:g}"
            print(f"jaxscale: {on_one_line(said)} (--fail-under)", file=sys.stderr)
    if below:
        import typer

        raise typer.Exit(BELOW)


@contextlib.contextmanager
def warned() -> Iterator[list[str]]:
    """What is warned of meanwhile, a sentence once each: said on stderr as it comes, and kept for JSON."""
    from jaxscale.data import DataWarning

    kept: list[str] = []
    show = warnings.showwarning

    def keep(message: Warning | str, *rest: Any) -> None:
        if str(message) not in kept:
            kept.append(str(message))
            show(message, *rest)

    with warnings.catch_warnings():
        warnings.simplefilter("always", DataWarning)
        warnings.showwarning = cast(Any, keep)
        yield kept


def described(name: str, data: "Attempts") -> dict[str, Any]:
    """What the JSON of every command says of a data set."""
    least, most = int(data.attempts.min()), int(data.attempts.max())
    return {"name": name, "queries": len(data), "attempts_min": least, "attempts_max": most}


def title(name: str, data: "Attempts") -> str:
    """A data set in words."""
    least, most = int(data.attempts.min()), int(data.attempts.max())
    span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    solved = int((data.successes > 0).sum())
    attempts = number_of(1, "attempts") if most == 1 else f"{span} attempts"
    return f"{name}: {number_of(len(data), 'queries')} x {attempts}, {solved / len(data):.1%} solved at least once"


@contextlib.contextmanager
def progress(total: int) -> Iterator[Any]:
    """A bar on stderr for work that takes longer than a second, where a person sees it.

    Args:
        total: number of data sets.

    Yields:
        A function to call with the name of the data set that is begun next.
    """
    if quiet.get() or not sys.stderr.isatty():
        yield lambda name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=total)
    begun = 0

    def begin(name: str) -> None:
        nonlocal begun
        bar.update(task, description=name, completed=begun)
        begun += 1

    timer = threading.Timer(_PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield begin
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


def check_picture(path: Path | None) -> None:
    """Refuse a `--plot` that cannot be written, before anything is computed."""
    if path is not None:
        check_output(path, "--plot", PICTURES)


def check_output(path: Path, option: str, suffixes: tuple[str, ...] = ()) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    if suffixes and path.suffix.lower() not in suffixes:
        raise BadInput(f"{option} = {str(path)!r}: expected a name that ends in {', '.join(suffixes)}")
    fault = _files.obstacle(path)
    if fault is not None:
        raise BadInput(f"{option} = {str(path)!r}: {': expected '.join(fault)}")


@contextlib.contextmanager
def replacing(path: Path, option: str) -> Iterator[Path]:
    """A file to write that takes the place of `path` once it is whole; nothing is left behind if it never is."""
    try:
        with _files.replacing(path) as part:
            yield part
    except OSError as error:
        raise BadInput(f"{option} = {str(path)!r}: cannot be written: {_files.reason(error)}") from None
