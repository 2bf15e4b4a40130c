"""A file that was named by a person: its first bytes, its lines, and errors that say where they are."""

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import pyarrow as pa

from jaxscale.data import DataError
from jaxscale.io._places import Place

MAX_LINE = 2**26
"""Bytes in the longest line that is read; a longer one is refused before it fills the memory."""

MAX_UNPACKED = 2**30
"""Bytes that a compressed file may unpack to."""

HEAD = 2**16
"""Bytes from which a format is recognised."""

PACKED: dict[str, tuple[bytes, Callable[[str], BinaryIO]]] = {
    ".gz": (b"\x1f\x8b", lambda name: cast(BinaryIO, gzip.GzipFile(name))),
    ".bz2": (b"BZh", lambda name: cast(BinaryIO, bz2.BZ2File(name))),
    ".xz": (b"\xfd7zXZ\0", lambda name: cast(BinaryIO, lzma.LZMAFile(name))),  # noqa: SIM115
    ".zst": (b"\x28\xb5\x2f\xfd", lambda name: cast(BinaryIO, pa.CompressedInputStream(name, "zstd"))),
}
"""How files are compressed, by the ending of their names: the bytes they begin with, and what unpacks them."""

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True)
class Source:
    """A readable regular file.

    Args:
        path: where it is.
        head: its first bytes, unpacked where it is compressed.
        unpack: what opens it where it is compressed.
        title: what the caller called it, where it was fetched.
        keep: what must be there for as long as the file.
        notes: what was noticed while it was read, a sentence each.
        cut: what is whole of a last record that is cut off, if there is one.
    """

    path: Path
    head: bytes
    unpack: Callable[[str], BinaryIO] | None = None
    title: str = ""
    keep: object = field(default=None, compare=False, repr=False)
    notes: list[str] = field(default_factory=list, compare=False)
    cut: list[dict[str, Any]] = field(default_factory=list, compare=False)

    @property
    def name(self) -> str:
        """The file as the caller named it."""
        return self.title or str(self.path)

    @property
    def start(self) -> bytes:
        """The head without a byte order mark and blanks before the text."""
        return self.head.removeprefix(codecs.BOM_UTF8).lstrip()

    def error(self, message: str, line: int | None = None) -> DataError:
        """A `DataError` about this file."""
        return DataError(message, self.name, line)

    @property
    def suffix(self) -> str:
        """What the name ends in, that of a compressed file left out; in small letters."""
        path = self.path.with_suffix("") if self.path.suffix.lower() in PACKED else self.path
        return path.suffix.lower()

    @property
    def stem(self) -> str:
        """The name without what it ends in."""
        path = self.path.with_suffix("") if self.path.suffix.lower() in PACKED else self.path
        return path.stem

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file, open for reading bytes, unpacked where it is compressed."""
        if self.unpack is None:
            with self.path.open("rb") as file:
                yield file
            return
        try:
            with self.unpack(str(self.path)) as stream:
                yield io.BufferedReader(_Unpacked(self, stream), 2**18)
        except DataError:
            raise
        except (OSError, EOFError, lzma.LZMAError, zlib.error, pa.ArrowException) as error:
            raise self.error(
                f"damaged ({(str(error).splitlines() or [''])[0][:80]}): expected a compressed file"
            ) from None

    def note(self, said: str) -> None:
        """Keep what was noticed, once."""
        if said not in self.notes:
            self.notes.append(said)

    def lines(self, file: IO[bytes], longest: int = MAX_LINE) -> Iterator[bytes]:
        """The lines that are left in `file`, none of them longer than `longest`."""
        number = 0
        while line := file.readline(longest + 1):
            number += 1
            if len(line) > longest:
                raise self.error(f"longer than {longest:,} bytes: expected shorter lines", number)
            if number == 1 and not line.endswith(b"\n") and b"\r" in line.rstrip():
                raise self.error("lines end with a carriage return alone: expected a line feed at their ends", 1)
            yield line

    def text(self, line: bytes, number: int) -> str:
        """`line` as text, without a byte order mark at the start of the file."""
        try:
            return line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise self.error(f"not UTF-8 text (byte {error.start + 1} of the line): expected UTF-8", number) from None


class _Unpacked(io.RawIOBase):
    """A stream that unpacks a file, up to so many bytes."""

    def __init__(self, source: Source, stream: BinaryIO) -> None:
        self.source = source
        self.stream = stream
        self.room = MAX_UNPACKED

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        piece = self.stream.read(len(buffer))
        self.room -= len(piece)
        if self.room < 0:
            raise self.source.error(f"unpacks to more than {MAX_UNPACKED:,} bytes: unpack it, or make several files")
        buffer[: len(piece)] = piece
        return len(piece)


def open_source(place: str | os.PathLike[str] | Place) -> Source:
    """Check that `place` is a regular file with something in it, and read its head.

    Raises:
        DataError: there is no such file, it cannot be read, or it is empty.
    """
    place = Place.of(place)
    path, name = place.path, place.name
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
    if head.startswith(_LFS_POINTER):
        raise DataError("is a pointer of Git LFS: expected the file itself, which `git lfs pull` fetches", name)
    unpack = next((unpack for begin, unpack in PACKED.values() if head.startswith(begin)), None)
    if unpack is not None:
        with Source(path, head, unpack, name).open() as file:
            head = file.read(HEAD)
        if not head:
            raise DataError("is empty: expected a table of attempts or ballots", name)
    return Source(path, head, unpack, name, place.keep)
