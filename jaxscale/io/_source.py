"""A file that was named by a person: its first bytes, its lines, and errors that say where they are."""

import codecs
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jaxscale.data import DataError

MAX_LINE = 2**24
"""Bytes in the longest line (or CSV row) that is read; a longer one is refused before it fills the memory."""

HEAD = 2**16
"""Bytes from which a format is recognised."""


@dataclass(frozen=True)
class Source:
    """A readable regular file.

    Args:
        path: where it is.
        head: its first bytes.
    """

    path: Path
    head: bytes

    @property
    def name(self) -> str:
        """The file as the caller named it."""
        return str(self.path)

    @property
    def start(self) -> bytes:
        """The head without a byte order mark and blanks before the text."""
        return self.head.removeprefix(codecs.BOM_UTF8).lstrip()

    def error(self, message: str, line: int | None = None) -> DataError:
        """A `DataError` about this file."""
        return DataError(message, self.name, line)

    def open(self) -> BinaryIO:
        """The file, open for reading bytes."""
        return self.path.open("rb")

    def lines(self, file: BinaryIO) -> Iterator[bytes]:
        """The lines that are left in `file`, none of them longer than `MAX_LINE`."""
        number = 0
        while line := file.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise self.error(f"longer than {MAX_LINE:,} bytes: expected shorter lines", number)
            if number == 1 and not line.endswith(b"\n") and b"\r" in line.rstrip():
                raise self.error("lines end with a carriage return alone: expected a line feed at their ends", 1)
            yield line

    def text(self, line: bytes, number: int) -> str:
        """`line` as text, without a byte order mark at the start of the file."""
        try:
            return line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise self.error(f"not UTF-8 text (byte {error.start + 1} of the line): expected UTF-8", number) from None


def open_source(path: str | os.PathLike[str]) -> Source:
    """Check that `path` names a regular file with something in it, and read its head.

    Raises:
        DataError: there is no such file, it cannot be read, or it is empty.
    """
    path = Path(path)
    name = str(path)
    try:
        if path.is_dir():
            raise DataError("is a directory: expected a file", name)
        if path.exists() and not path.is_file():
            raise DataError("is not a regular file: expected one", name)
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise DataError("no such file", name) from None
    except OSError as error:
        raise DataError(f"cannot be read: {(error.strerror or str(error)).lower()}", name) from None
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"not a file name: {error}", ascii(name)) from None
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError("is UTF-16 or UTF-32 text: expected UTF-8", name)
    if not head:
        raise DataError("is empty: expected a table of attempts or ballots", name)
    return Source(path, head)
