"""Results on stdout, progress on stderr, files all at once or not at all."""

import contextlib
import json
import math
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxscale import __version__, _files
from jaxscale.cli._errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from jaxscale.data import Attempts

PICTURES = (".png", ".svg", ".pdf")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WIDTH = 100  # of tables that go to a file or a pipe
_PATIENCE = 1.0  # seconds before progress is shown


def console() -> "Console":
    """Where tables are printed; control characters in names become a mark, so that no log steers a terminal."""
    from rich.console import Console
    from rich.segment import Segment

    class Harmless(Console):
        def render(self, renderable: Any, options: Any = None) -> Iterator[Segment]:
            for segment in super().render(renderable, options):
                yield (
                    segment
                    if segment.control
                    else segment._replace(text=_CONTROL.sub("\N{REPLACEMENT CHARACTER}", segment.text))
                )

    return Harmless(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)


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


def described(name: str, data: "Attempts") -> dict[str, Any]:
    """What the JSON of every command says of a data set."""
    least, most = int(data.attempts.min()), int(data.attempts.max())
    return {"name": name, "queries": len(data), "attempts_min": least, "attempts_max": most}


def title(name: str, data: "Attempts") -> str:
    """A data set in words."""
    least, most = int(data.attempts.min()), int(data.attempts.max())
    span = f"{least:,}" if least == most else f"{least:,} to {most:,}"
    solved = int((data.successes > 0).sum())
    return f"{name}: {len(data):,} queries x {span} attempts, {solved / len(data):.1%} solved at least once"


@contextlib.contextmanager
def progress(total: int) -> Iterator[Any]:
    """A bar on stderr for work that takes longer than a second, where a person sees it.

    Args:
        total: number of data sets.

    Yields:
        A function to call with the name of the data set that is begun next.
    """
    if not sys.stderr.isatty():
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


def check_output(path: Path, option: str, suffixes: tuple[str, ...]) -> None:
    """Refuse a file that cannot be written, before anything is computed."""
    problem = None
    if path.suffix.lower() not in suffixes:
        problem = f"expected a name that ends in {', '.join(suffixes)}"
    elif path.is_dir():
        problem = "is a directory: expected a file"
    elif not path.parent.is_dir():
        problem = "no such directory: expected one that exists"
    if problem is not None:
        raise BadInput(f"{option} = {str(path)!r}: {problem}")


@contextlib.contextmanager
def replacing(path: Path, option: str) -> Iterator[Path]:
    """A file to write that takes the place of `path` once it is whole; nothing is left behind if it never is."""
    try:
        with _files.replacing(path) as part:
            yield part
    except OSError as error:
        raise BadInput(f"{option} = {str(path)!r}: cannot be written: {_files.reason(error)}") from None
