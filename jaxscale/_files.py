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


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, in the system's words: some libraries put the name of the file in theirs.

    >>> reason(FileNotFoundError(2, "Failed to open '/tmp/.1.part.csv'"))
    'no such file or directory'
    """
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
