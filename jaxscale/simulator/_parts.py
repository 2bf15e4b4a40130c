"""What a sweep has finished, in files that survive being killed: parts, each of consecutive points, then one file.

A part is a Parquet file whose metadata say which sweep it is of and which points it holds, with checksums of its pages;
the file that they become is one as well, of all points. `within-POINT` holds the sums of a long point so far.
"""

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jaxscale._files import sync_directory, write_durably
from jaxscale.simulator._claim import OutputTaken

_METADATA = b"jaxscale"
_MARK = "sweep.json"
_PART = re.compile(r"points-(\d{12})-(\d{12})\.parquet")
_WITHIN = re.compile(r"within-(\d{12})\.parquet")
_ROWS_AT_ONCE = 2**17
_UNREADABLE = (OSError, pa.ArrowException, ValueError, KeyError, TypeError)


class Parts:
    """The parts of one sweep, in `OUT.parts/`, and what becomes of them.

    Args:
        out: the file that they are to become.
        identity: what two runs must have in common for their rows to stand in one file.
        points: how many points the sweep has.
        calls: how many rows each point has.
        schema: the columns.
        say: is told, in a sentence, what is damaged or left behind.
    """

    def __init__(
        self,
        out: Path,
        identity: Mapping[str, str],
        points: int,
        calls: int,
        schema: pa.Schema,
        say: Callable[[str], None],
    ) -> None:
        self.out, self.identity, self.points, self.calls, self.schema = out, dict(identity), points, calls, schema
        self.folder = out.with_name(out.name + ".parts")
        # A folder gets its name with its mark in it, and loses it before anything in it is removed.
        self._new, self._old = (out.with_name(f".{out.name}.parts.{age}") for age in ("new", "old"))
        self._say = say

    def whole(self) -> bool:
        """Whether OUT is there already: of this sweep, and undamaged."""
        return self.out.exists() and self._fault(self.out, 0, self.points) is None

    def begin(self, resume: bool) -> list[range]:
        """Make the folder ready; which points are missing from it.

        Raises:
            OutputTaken: the folder is not one of parts, or (to resume) of another sweep, as is an OUT without a folder.
        """
        if self.folder.exists() or self.folder.is_symlink():
            mark = self._mark()
            if mark is None:
                raise OutputTaken(
                    f"{self.folder} is no folder of parts of a sweep: move it away, or choose another output"
                )
            differ = [name for name, value in self.identity.items() if mark.get(name) != value]
            if resume and differ:
                raise OutputTaken(
                    f"{self.folder} holds parts of another sweep{_made(mark, differ)}: "
                    "expected the one to resume, or run without resume"
                )
            if not resume:
                foreign = [path.name for path in self.folder.iterdir() if not _ours(path.name)]
                if foreign:
                    raise OutputTaken(f"{self.folder} holds {foreign[0]!r}, which is of no sweep: move it away")
                self.remove()
        elif resume and self.out.exists():
            fault = self._fault(self.out, 0, self.points)
            raise OutputTaken(f"{self.out} {fault}: to replace it run without resume")
        if not self.folder.exists():
            self._new.mkdir()
            write_durably(self._new / _MARK, json.dumps(self.identity).encode())
            self._new.rename(self.folder)
            sync_directory(self.folder.parent)
        return self._missing()

    def _mark(self) -> dict[str, Any] | None:
        with contextlib.suppress(*_UNREADABLE):
            mark = json.loads((self.folder / _MARK).read_text())
            if isinstance(mark, dict) and self.identity.keys() <= mark.keys():
                return mark
        return None

    def _missing(self) -> list[range]:
        """Which points no part holds; parts that cannot be used are named and removed."""
        missing, covered = [], 0
        for path in sorted(self.folder.iterdir()):
            match = _PART.fullmatch(path.name)
            if match is None:
                if not _ours(path.name):
                    self._say(f"{path}: no part of this sweep, left alone")
                continue
            first, stop = map(int, match.groups())
            fault = self._fault(path, first, stop)
            if fault is None and first < covered:
                fault = f"holds points that another part holds too, from {first} on"
            if fault is not None:
                self._say(f"{path} {fault}: its points are simulated again")
                path.unlink()
                continue
            if first > covered:
                missing.append(range(covered, first))
            covered = stop
        if covered < self.points:
            missing.append(range(covered, self.points))
        return missing

    def _fault(self, path: Path, first: int, stop: int) -> str | None:
        """Why a file is not the rows of points first, ..., stop - 1 of this sweep; None where it is."""
        try:
            if path.stat().st_size == 0:
                return "is empty"
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                metadata = (file.schema_arrow.metadata or {}).get(_METADATA)
                if metadata is None:
                    return "was not made by a sweep"
                said = json.loads(metadata)
                differ = [name for name, value in self.identity.items() if said.get(name) != value]
                if differ:
                    return f"is of another sweep{_made(said, differ)}"
                if (said["first"], said["stop"]) != (first, stop) or not 0 <= first < stop <= self.points:
                    return f"holds points {said['first']} to {said['stop'] - 1}, which is not what its name says"
                if not file.schema_arrow.equals(self.schema):
                    return "has other columns than this sweep"
                row, rows = first * self.calls, stop * self.calls
                for group in range(file.num_row_groups):
                    numbers = file.read_row_group(group)["point"].to_numpy()
                    expected = np.arange(row, row + len(numbers)) // self.calls
                    if not np.array_equal(numbers, expected):
                        return "has rows missing or out of order"
                    row += len(numbers)
                return None if row == rows else f"has {file.metadata.num_rows:,} rows of {rows - first * self.calls:,}"
        except _UNREADABLE:
            return "is truncated or damaged"

    def write(self, first: int, stop: int, columns: Mapping[str, list[Any]]) -> None:
        """Write the rows of points first, ..., stop - 1 as one part."""
        table = pa.table(dict(columns), self._described(first, stop))
        write_durably(self.folder / f"points-{first:012d}-{stop:012d}.parquet", _as_parquet([table], table.schema))

    def save_within(self, point: int, done: int, seconds: float, sums: list[np.ndarray]) -> None:
        """Keep what a point that runs alone has summed up so far: indices done, seconds, the leaves of its sums."""
        state = {**self.identity, "point": point, "done": done, "seconds": seconds}
        table = pa.table({str(place): leaf for place, leaf in enumerate(sums)})
        table = table.replace_schema_metadata({_METADATA: json.dumps(state)})
        write_durably(self._within(point), _as_parquet([table], table.schema))

    def within(self, point: int) -> tuple[int, float, list[np.ndarray]] | None:
        """What `save_within` kept of a point; None where there is nothing, or (which is said) nothing of use."""
        path = self._within(point)
        if not path.exists():
            return None
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                state = json.loads(file.schema_arrow.metadata[_METADATA])
                if all(state[name] == value for name, value in {**self.identity, "point": point}.items()):
                    return state["done"], state["seconds"], [column.to_numpy() for column in file.read().columns]
        except _UNREADABLE:
            pass
        self._say(f"{path} is truncated, damaged or of another sweep: point {point} is simulated from its start")
        return None

    def _within(self, point: int) -> Path:
        return self.folder / f"within-{point:012d}.parquet"

    def merge(self) -> None:
        """Make all parts one file, OUT, in the order of points.

        Raises:
            OutputTaken: parts went missing, or were changed, while the run went on.
        """
        if missing := self._missing():
            raise OutputTaken(
                f"{self.folder}: points {missing[0].start} to {missing[0].stop - 1} went missing while the sweep ran: "
                "resume to simulate them again"
            )
        paths = [path for path in sorted(self.folder.iterdir()) if _PART.fullmatch(path.name)]
        schema = self._described(0, self.points)
        write_durably(self.out, _as_parquet((pq.read_table(path).cast(schema) for path in paths), schema))

    def tidy(self) -> None:
        """Remove what a run left that was killed as it made or removed its folder."""
        _clear(self._new)
        _clear(self._old)

    def remove(self) -> None:
        """Remove the folder. It is renamed first, so that a killed process leaves no folder with some of the parts.

        Files that are not of a sweep are left alone, and the folder that holds them with them.
        """
        if not self.folder.exists():
            return
        if all(_ours(path.name) for path in self.folder.iterdir()):
            self.folder.rename(self._old)
            sync_directory(self._old.parent)
            _clear(self._old)
        else:
            self._say(f"{self.folder}: kept, as it holds files that are of no sweep")
            _clear(self.folder)

    def _described(self, first: int, stop: int) -> pa.Schema:
        described = {**self.identity, "first": first, "stop": stop, "points": self.points}
        return self.schema.with_metadata({_METADATA: json.dumps(described)})


def _ours(name: str) -> bool:
    name = name.removeprefix(".").removesuffix(".part")
    return name == _MARK or bool(_PART.fullmatch(name) or _WITHIN.fullmatch(name))


def _clear(folder: Path) -> None:
    """Remove what a sweep wrote into a folder, its mark last, and the folder where that leaves it empty."""
    if not folder.is_dir() or folder.is_symlink():
        return
    names = [path for path in folder.iterdir() if _ours(path.name)]
    for path in sorted(names, key=lambda path: path.name == _MARK):
        path.unlink()
    with contextlib.suppress(OSError):
        folder.rmdir()


def _made(said: Mapping[str, Any], differ: list[str]) -> str:
    """The versions and settings behind a file, where it differs from this sweep in nothing else."""
    if "sweep" in differ:
        return ""
    return " (of " + ", ".join(f"{name} {said.get(name)}" for name in differ) + ")"


def _as_parquet(tables: Any, schema: pa.Schema) -> pa.Buffer:
    """Tables, one after the other, as the bytes of one Parquet file; small ones share a row group."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, write_page_checksum=True) as writer:
        waiting: list[pa.Table] = []
        rows = 0
        for table in tables:
            waiting.append(table)
            rows += len(table)
            if rows >= _ROWS_AT_ONCE:
                writer.write_table(pa.concat_tables(waiting))
                waiting, rows = [], 0
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    return sink.getvalue()
