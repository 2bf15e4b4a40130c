"""Where data are: files, folders, patterns of names, standard input, and URIs, which are fetched to be read."""

import glob
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxscale.data import DataError

STANDARD_INPUT = "-"
"""What a person calls standard input."""

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_WILD = re.compile(r"[*?\[]")
_PATIENCE = 60  # seconds without a byte
_HINTS = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub", "az": "adlfs", "abfs": "adlfs"}
_read: list["Place"] = []  # standard input, which can be read once


class _Folder:
    """A folder that is there for as long as this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="jaxscale-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True)
class Place:
    """A file or folder, and what the person called it.

    Attributes:
        path: where it is on this machine.
        name: what it is called in messages.
        keep: what must be there for as long as the file.
    """

    path: Path
    name: str
    keep: object = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, path: "str | os.PathLike[str] | Place") -> "Place":
        """The place that a path names, on this machine."""
        return path if isinstance(path, Place) else cls(Path(path), str(Path(path)))

    @property
    def is_directory(self) -> bool:
        """Whether it is a folder; what cannot be one is said where it is opened."""
        try:
            return self.path.is_dir()
        except (OSError, ValueError):
            return False

    def below(self, file: Path) -> "Place":
        """A file in this folder."""
        if self.keep is None:
            return Place(file, str(file))
        return Place(file, f"{self.name.rstrip('/')}/{file.relative_to(self.path).as_posix()}", self.keep)


def places_of(paths: Sequence[str | os.PathLike[str]]) -> list[Place]:
    """The places that a person names, in order, those of a pattern by name.

    Raises:
        DataError: nothing is there, it cannot be fetched, or a package is missing that fetches it.
    """
    return [place for path in paths for place in _places(path)]


def _places(path: str | os.PathLike[str]) -> list[Place]:
    text = os.fspath(path)
    if text == STANDARD_INPUT:
        return [_standard_input()]
    if _URI.match(text):
        return _downloaded(text) if text.lower().startswith(("http://", "https://")) else _fetched(text)
    if _WILD.search(text) and not os.path.lexists(text):
        found = [] if "\0" in text else sorted(glob.glob(text, recursive=True))
        if not found:
            raise DataError("no file has a name of this pattern", text)
        return [Place.of(each) for each in found]
    return [Place.of(path)]


def _standard_input() -> Place:
    """What is piped in, in a file, as it is read more than once."""
    if not _read:
        if sys.stdin is None or sys.stdin.isatty():
            raise DataError("is a terminal, or closed: expected data that are piped in", "standard input")
        folder = _Folder()
        path = folder.path / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        _read.append(Place(path, "standard input", folder))
    return _read[0]


def _downloaded(uri: str) -> list[Place]:
    folder = _Folder()
    path = _inside(folder, uri)
    try:
        with urllib.request.urlopen(uri, timeout=_PATIENCE) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise DataError(f"cannot be fetched: {_reason(error)}", uri) from None
    return [Place(path, uri, folder)]


def _fetched(uri: str) -> list[Place]:
    """A file, a folder, or the files of a pattern, of any file system that fsspec knows."""
    scheme = uri.partition("://")[0].lower()
    try:
        import fsspec
    except ImportError:
        raise DataError(
            "needs the package fsspec: expected it to be installed, as by pip install 'jaxscale[remote]'", uri
        ) from None
    try:
        system, root = fsspec.core.url_to_fs(uri)
        if _WILD.search(root):
            return [_copied(system, each, system.unstrip_protocol(each)) for each in sorted(_files(system, root, uri))]
        return [_copied(system, root, uri)]
    except DataError:
        raise
    except ImportError as error:
        further = _HINTS.get(scheme)
        way = f"pip install {further}" if further else _reason(error)
        raise DataError(f"needs a further package for {scheme}://: expected it to be installed ({way})", uri) from None
    except Exception as error:  # whatever the client of a store raises
        raise DataError(f"cannot be fetched: {_reason(error)}", uri) from None


def _files(system: Any, pattern: str, uri: str) -> list[str]:
    found = [str(each) for each in system.glob(pattern)]
    if not found:
        raise DataError("no file has a name of this pattern", uri)
    return found


def _copied(system: Any, root: str, uri: str) -> Place:
    """A copy of a file or folder, for as long as it is read."""
    folder = _Folder()
    path = _inside(folder, uri)
    if not system.exists(root):
        raise DataError("no such file", uri)
    if not system.isdir(root):
        system.get_file(root, str(path))
        return Place(path, uri, folder)
    for each in system.find(root):
        within = each[len(root) :].strip("/") if each.startswith(root) else Path(each).name
        to = path.joinpath(*[part for part in within.split("/") if part not in ("", ".", "..")])
        to.parent.mkdir(parents=True, exist_ok=True)
        system.get_file(each, str(to))
    return Place(path, uri, folder)


def _inside(folder: _Folder, uri: str) -> Path:
    """Where the copy goes: tools name model and task in the folders of a file."""
    parts = [part for part in uri.partition("://")[2].partition("?")[0].split("/") if part not in ("", ".", "..")]
    path = folder.path.joinpath(*[re.sub(r"[^\w.@+=-]", "_", part) for part in parts[-5:] or ["file"]])
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return (str(reason).splitlines() or [type(error).__name__])[0][:120] or type(error).__name__
