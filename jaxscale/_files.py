"""Files that are either whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of `path` once it is whole; nothing is left behind if it never is.

    Raises:
        OSError: it cannot be written.

    >>> from tempfile import mkdtemp; path = Path(mkdtemp()) / "notes.txt"
    >>> with replacing(path) as part: _ = part.write_text("whole")
    >>> path.read_text()
    'whole'
    """
    part = path.with_name(f".{os.getpid()}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
