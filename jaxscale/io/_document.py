"""A file that is one JSON value, read piece by piece: as large as it is, no more than an item of it is in memory."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import IO, Any

from jaxscale.data import DataError
from jaxscale.io._source import Source

MAX_DOCUMENT = 2**30
"""Bytes in the largest document; a longer one is refused, which an archive of a few kB may hold."""

MAX_PIECE = 2**26
"""Characters in the longest value that is read as one."""

MAX_NODES = 2**22
"""Values in such a value: they take up to a hundred times the room that they have in the file."""

MAX_ITEMS = 2**20
"""Items that come one by one."""

# Numbers stay text: an answer is taken as it is written, and 1e400 is not silently infinite.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)

_BLOCK = 2**18
_BLANKS = re.compile(r"[ \t\n\r]*")

Piece = tuple[tuple[str | int, ...], Any]
"""A path of keys and positions, and the value there; of a list or an object that is gone into an empty one."""


def pieces(source: Source, file: IO[bytes], inside: tuple[str, ...] | None = None) -> Iterator[Piece]:
    """The values of a document, in order.

    Args:
        source: the file, for error messages.
        file: the bytes, from their beginning.
        inside: the path of the list or object whose items come one by one, as do those of all around it; "*" is any
            key. By default the document comes as one value.

    Raises:
        DataError: it is no JSON, or larger than it may be.

    >>> import io, pathlib
    >>> file = io.BytesIO(b'{"a": {"b": 1}, "c": [true, {"d": 2}]}')
    >>> list(pieces(Source(pathlib.Path("log.json"), b""), file, ("c",)))
    [((), {}), (('a',), {'b': '1'}), (('c',), []), (('c', 0), True), (('c', 1), {'d': '2'})]
    """
    reader = _Reader(source, file)
    yield from _pieces(reader, (), inside)
    if reader.next():
        raise reader.error("Extra data")


def whole(source: Source, file: IO[bytes]) -> Any:
    """A document as one value, as `pieces` reads it."""
    ((_, value),) = pieces(source, file)
    return value


def listed(source: Source, file: IO[bytes]) -> Iterator[Any]:
    """The items of a document that is a list, or the values of several documents one after the other."""
    reader = _Reader(source, file)
    if reader.next() == "[":
        for path, value in _pieces(reader, (), ()):
            if path:
                yield value
        if reader.next():
            raise reader.error("Extra data")
        return
    while reader.next():
        yield reader.value()


def _pieces(reader: "_Reader", path: tuple[str | int, ...], inside: tuple[str, ...] | None) -> Iterator[Piece]:
    begin = reader.next()
    if begin not in ("{", "[") or not _leads(path, inside):
        yield path, reader.value()
        return
    named = begin == "{"
    yield path, {} if named else []
    reader.at += 1
    end = "}" if named else "]"
    if reader.next() == end:
        reader.at += 1
        return
    position = 0
    while True:
        if position >= MAX_ITEMS:
            raise reader.source.error(f"a list of more than {MAX_ITEMS:,} items: expected a smaller log, or several")
        key: str | int = position
        if named:
            if reader.next() != '"':
                raise reader.error("Expecting property name enclosed in double quotes")
            key = reader.value()
            if reader.next() != ":":
                raise reader.error("Expecting ':' delimiter")
            reader.at += 1
        yield from _pieces(reader, (*path, key), inside)
        position += 1
        after = reader.next()
        if after not in (",", end):
            raise reader.error("Expecting ',' delimiter")
        reader.at += 1
        if after == end:
            return


def _leads(path: tuple[str | int, ...], inside: tuple[str, ...] | None) -> bool:
    """Whether a path is one to what comes item by item, or leads there."""
    return (
        inside is not None
        and len(path) <= len(inside)
        and all(name in (key, "*") for key, name in zip(path, inside, strict=False))
    )


class _Reader:
    """The part of a document that is in memory, and the place in it."""

    def __init__(self, source: Source, file: IO[bytes]) -> None:
        self.source = source
        self.file = file
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self.text = ""
        self.at = 0
        self.line = 1
        self.size = 0
        self.ended = False

    def next(self) -> str:
        """The next character that is not blank, empty at the end."""
        while True:
            blanks = _BLANKS.match(self.text, self.at)
            self.at = blanks.end() if blanks else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if self.ended:
                return ""
            self._read(_BLOCK)

    def value(self) -> Any:
        """The value that begins here."""
        size = _BLOCK
        while True:
            length = len(self.text) - self.at
            nodes = sum(self.text.count(each, self.at) for each in ",:[{") if length > MAX_NODES else 0
            if length > MAX_PIECE or nodes > MAX_NODES:
                raise self.source.error(
                    f"a value of more than {MAX_PIECE:,} characters, or of {MAX_NODES:,} values: expected smaller ones",
                    self.line + self.text.count("\n", 0, self.at),
                )
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                if self.ended:
                    raise self.error(error.msg, error.pos) from None
            except RecursionError:
                raise self.source.error("JSON nested too deeply: expected a log") from None
            else:
                # "1.", "1e" and "1e+" may be the beginnings of numbers.
                if end + 2 < len(self.text) or self.ended:
                    self.at = end
                    return value
            # What is in memory may end within the value: as much again is read until it is whole.
            self._read(size)
            size *= 2

    def error(self, message: str, at: int | None = None) -> DataError:
        """A `DataError` about the place in the text."""
        line = self.line + self.text.count("\n", 0, self.at if at is None else at)
        return self.source.error(f"not JSON ({message.removesuffix(' at')}): expected a document", line)

    def _read(self, size: int) -> None:
        piece = self.file.read(size)
        self.size += len(piece)
        self.ended = not piece
        if self.size > MAX_DOCUMENT:
            raise self.source.error(f"longer than {MAX_DOCUMENT:,} bytes: expected a smaller JSON document")
        try:
            text = self.decoder.decode(piece, final=self.ended)
        except UnicodeDecodeError:
            raise self.source.error("not UTF-8 text: expected a JSON document") from None
        self.line += self.text.count("\n", 0, self.at)
        self.text = self.text[self.at :] + text
        self.at = 0
