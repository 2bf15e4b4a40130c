"""Files that are either whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def obstacle(path: Path) -> str | None:
    """Why there can be no file of that name, as a message says it; None if there can be.

    >>> obstacle(Path("/dev/null"))
    'is not a regular file: expected the name of one'
    """
    if path.is_dir():
        return "is a directory: expected a file"
    # A device or a pipe must not be replaced by a file.
    if path.exists() and not path.is_file():
        return "is not a regular file: expected the name of one"
    if not path.parent.is_dir():
        return "no such directory: expected one that exists"
    return None


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
    if (problem := obstacle(path)) is not None:
        raise OSError(problem)
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
