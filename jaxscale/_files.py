"""Files that are either whole or not there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def obstacle(path: Path) -> tuple[str, str] | None:
    """Why there can be no file of that name, and what was expected; None if there can be.

    >>> obstacle(Path("/dev/null"))
    ('is not a regular file', 'the name of one')
    """
    if path.is_dir():
        return "is a directory", "a file"
    # A device or a pipe must not be replaced by a file.
    if path.exists() and not path.is_file():
        return "is not a regular file", "the name of one"
    if not path.parent.is_dir():
        return "no such directory", "one that exists"
    return None


def cache_folder() -> Path | None:
    """Where what takes time to make is kept between runs, made or not yet; None for who has no home directory."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "jaxscale")
    except RuntimeError:
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
    if (fault := obstacle(path)) is not None:
        raise OSError(": expected ".join(fault))
    part = path.with_name(f".{os.getpid()}.part{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_durably(path: Path, data: bytes | memoryview) -> None:
    """Put a file of these bytes in the place of `path`; a kill or a power cut leaves the old one or the new one.

    A kill may leave `.NAME.part` beside it, which the next one that writes the same file replaces.

    Raises:
        OSError: it cannot be written.

    >>> from tempfile import mkdtemp; path = Path(mkdtemp()) / "notes.txt"
    >>> write_durably(path, b"whole"); path.read_text()
    'whole'
    """
    part = path.with_name(f".{path.name}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    part.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Have the names in a directory outlive a power cut, where its file system can promise that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, in the system's words: some libraries put the name of the file in theirs.

    >>> reason(FileNotFoundError(2, "Failed to open '/tmp/.1.part.csv'"))
    'no such file or directory'
    """
    return (os.strerror(error.errno) if error.errno else str(error)).lower()
