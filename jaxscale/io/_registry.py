"""The formats that can be read, and how one is recognised."""

import contextlib
import filecmp
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale._words import number_of
from jaxscale.data import DataError
from jaxscale.io import _csv, _frames, _jsonl, _parquet
from jaxscale.io._identity import copies, identified
from jaxscale.io._json import fault, first_object, lists_inside
from jaxscale.io._places import Place, places_of
from jaxscale.io._schema import Schema
from jaxscale.io._several import PLACES, files_below, together
from jaxscale.io._source import Source, open_source
from jaxscale.io._table import Table, Wanted, shown
from jaxscale.io._verdicts import NoVerdicts, Scale, judged, of_calls, require_verdicts
from jaxscale.io.logs import (
    _chen,
    _evalplus,
    _evalscope,
    _every_eval_ever,
    _inspect,
    _lighteval,
    _lm_eval,
    _monkeys,
    _swe_bench,
)
from jaxscale.io.logs._schemas import SCHEMAS

_SMALL = 500  # bytes

TABLE = "table"
"""The kind of formats whose columns a person names."""


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Args:
        name: what `format=` and `--format` call it.
        recognises: whether a file is (meant to be) of this kind, from its first bytes.
        read: what is wanted of the file.
        tool: what formats have in common whose files may be put together.
        scale: what the values of a verdict count.
        surely: what a file of a directory is recognised by, where that is not enough.
    """

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Wanted], Table]
    tool: str
    scale: Scale = field(default_factory=Scale)
    surely: Callable[[Source], bool] | None = None

    @classmethod
    def of(cls, schema: Schema) -> "Format":
        """The format of a schema."""
        return cls(schema.name, schema.recognises, schema.read, schema.tool or schema.name, schema.scale)


def _has_problems(source: Source) -> bool:
    """Whether a table of text has a column for the problem."""
    if source.start[:1] in (b"{", b"["):
        return "problem" in first_object(source) or (
            b'"problem"' in source.head and any("problem" in names for names in lists_inside(source)[0].values())
        )
    return b"problem" in source.head.partition(b"\n")[0]


_INVALID = Scale(no_answer=frozenset(("[invalid]",)))

FORMATS = (
    Format("lighteval", _lighteval.recognises, _lighteval.read, "lighteval"),
    Format("parquet", _parquet.recognises, _parquet.read, TABLE),
    Format("inspect-eval", _inspect.recognises_eval, _inspect.read_eval, "inspect", _inspect.SCALE),
    Format("inspect-json", _inspect.recognises_json, _inspect.read_json, "inspect", _inspect.SCALE),
    Format("evalplus", _evalplus.recognises, _evalplus.read, "evalplus", _evalplus.BASE.scale),
    Format("lm-eval", _lm_eval.recognises, _lm_eval.read, "lm-eval", _INVALID),
    Format("evalscope", _evalscope.recognises, _evalscope.read, "evalscope"),
    Format("every-eval-ever", _every_eval_ever.recognises, _every_eval_ever.read, "every-eval-ever"),
    Format("swe-bench", _swe_bench.recognises, _swe_bench.read, "swe-bench", _swe_bench.SCALE),
    *map(Format.of, SCHEMAS),
    Format("monkeys", _monkeys.recognises, _monkeys.read, "monkeys", surely=_monkeys.surely),
    Format("chen", _chen.recognises, _chen.read, "chen"),
    Format("jsonl", _jsonl.recognises, _jsonl.read, TABLE, surely=_has_problems),
    Format("csv", _csv.recognises, _csv.read, TABLE, surely=_has_problems),
)
"""Every format, the most specific first: the first that recognises a file reads it."""

Paths: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | Any
"""A file, several, or a data frame."""


def read_table(path: Paths, wanted: Wanted, format: str | None = None) -> tuple[Table, str]:
    """Read what is wanted of a file in the format that it is in, or in the named one; or of several files.

    Returns:
        the table, and the name of the format.

    Raises:
        DataError: a file cannot be read, is in no known format, or the files are in several, or of two kinds.
        ValueError: there is no format of that name, or `path` is something else than names of files.
    """
    names = [known.name for known in FORMATS]
    if format is not None and format not in names:
        raise ArgumentError("format", format, f"one of {', '.join(names)}")
    if _frames.is_frame(path):
        known = next(known for known in FORMATS if known.name == "parquet")
        return _finished(_frames.read(path, wanted), known, wanted), _frames.NAME
    places = places_of(_paths(path))
    if not places:
        raise DataError("no files: expected at least one")
    places, again = _each_once(places)
    if len(places) == 1 and not places[0].is_directory:
        source = open_source(places[0])
        known = _format_of(source, format, wanted)
        table = known.read(source, wanted).saying(*again)
        return _finished(table, known, wanted), known.name

    title = places[0].name if len(places) == 1 else f"{len(places)} files"
    sources, skipped, damaged = _sources(places, format, wanted)
    if not sources:
        reason = f" ({_reasons(damaged)})" if damaged else ""
        raise DataError(f"no file in a known format{reason}: expected attempts, ballots or a log", places[0].name)
    found = _one_tool(sources, title, any(place.is_directory for place in places))
    notes = [*again, *_skipped(skipped)]
    folders = {os.path.dirname(source.name) for source, _ in sources}
    if len(folders) > 1 and not any(place in wanted for place in PLACES):
        notes.append(f"put the files of {len(folders)} folders together: --group folder reads each")
    inside = replace(wanted, columns=(wanted.columns or frozenset()).difference(PLACES))
    tables, without = _tables(sources, inside, whole=not any(place.is_directory for place in places))
    without = [*damaged, *without]
    if without:
        notes.append(
            f"skipped {number_of(len(without), 'files that are')} damaged or without a verdict ({_reasons(without)})"
        )
    _check_columns(tables, graded=wanted.grade is not None)
    _check_kinds(tables, title)
    twice = copies(tables)
    if twice:
        first = ", ".join(tables[index].file for index in twice[:3])
        notes.append(
            f"left out {number_of(len(twice), 'files that hold')} the same calls as another ({first}): they count once"
        )
    notes += _alike([source for source, _ in sources])
    table = together([table for index, table in enumerate(tables) if index not in twice], title, notes)
    return _finished(table, sources[0][1], wanted), found


def _finished(table: Table, known: Format, wanted: Wanted) -> Table:
    """A table with sound verdicts and each call once."""
    if wanted.scorer is not None and not table.scorers:
        raise table.error(f"no scorer {shown(wanted.scorer)}: files of this format name none")
    for ours, theirs in wanted.renamed.items():
        if ours not in table.names:
            near = table.near(theirs)
            meant = f" (is {near!r} meant?)" if near else ""
            raise table.error(f"no column {theirs!r} for {ours}{meant}: found {table.found()}")
    table = replace(table, renamed=wanted.renamed)
    if table.cut_short:
        whole = np.ones(len(table), bool)
        whole[list(table.cut_short)] = False
        if not whole.any():
            raise table.error("the last line is cut off, and its problem is the only one: expected a whole file")
        table = table.keeping(whole)
    return identified(judged(table, known.scale, wanted), wanted, log=known.tool != TABLE)


def _each_once(places: Sequence[Place]) -> tuple[list[Place], list[str]]:
    """The files without those that are named twice, and what is to be said of these."""
    once: dict[Path | str, Place] = {}
    twice = 0
    for place in places:
        whole: Path | str = place.name
        if place.keep is None:
            with contextlib.suppress(OSError, ValueError):  # said by `open_source`
                whole = place.path.resolve()
        twice += whole in once
        once.setdefault(whole, place)
    return list(once.values()), [f"{number_of(twice, 'files are')} named twice: each is read once"] if twice else []


def _sources(
    places: Sequence[Place], format: str | None, wanted: Wanted
) -> tuple[list[tuple[Source, Format]], list[str], list[DataError]]:
    """The files with their formats; of directories, those that hold something else, and what is wrong with others."""
    sources: dict[Path, tuple[Source, Format]] = {}
    skipped: list[str] = []
    damaged: list[DataError] = []
    for each in places:
        if not each.is_directory:
            source = open_source(each)
            sources[each.path] = (source, _format_of(source, format, wanted))
            continue
        for file in files_below(each.path):
            found = _in_directory(each.below(file), format, wanted)
            if found is None:
                skipped.append(each.below(file).name)
            elif isinstance(found, DataError):
                damaged.append(found)
            else:
                sources[file] = found
    return list(sources.values()), skipped, damaged


def _alike(sources: Sequence[Source]) -> list[str]:
    """What is to be said of files that are copies of one another; very small ones are often alike by chance."""
    first: dict[tuple[int, bytes], Source] = {}
    copied = []
    for source in sources:
        size = source.path.stat().st_size
        before = first.setdefault((size, source.head), source)
        if size > _SMALL and before is not source and filecmp.cmp(before.path, source.path, shallow=False):
            copied.append(f"{source.name} and {before.name}")
    more = f" and {len(copied) - 2} more" if len(copied) > 2 else ""
    return [f"files with the same content ({'; '.join(copied[:2])}{more}): are they one run?"] if copied else []


def _skipped(files: Sequence[str]) -> list[str]:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return (
        [f"skipped {number_of(len(files), 'files that hold')} no attempts or ballots ({', '.join(files[:3])}{more})"]
        if files
        else []
    )


def _one_tool(sources: Sequence[tuple[Source, Format]], title: str, directory: bool) -> str:
    """The name of the format, or of the tool that has several, of all files."""
    tools: dict[str, tuple[str, str]] = {}
    for source, known in sources:
        tools.setdefault(known.tool, (known.name, source.name))
    if len(tools) > 1:
        firsts = ", ".join(f"{name}: {file}" for name, file in tools.values())
        way = "--format reads those of one" if directory else "jaxscale convert FILE -o FILE.csv makes a table of each"
        raise DataError(f"files in several formats ({firsts}): expected one; {way}", title)
    names = {known.name for _, known in sources}
    return names.pop() if len(names) == 1 else next(iter(tools))


def _tables(
    sources: Sequence[tuple[Source, Format]], wanted: Wanted, *, whole: bool
) -> tuple[list[Table], list[DataError]]:
    """What each file holds; those without a verdict are left out, and of directories those that cannot be read.

    Raises:
        DataError: none of them can be read.
    """
    tables: list[Table] = []
    left: list[DataError] = []
    for source, known in sources:
        try:
            table = known.read(source, wanted)
            if wanted.grade is None:
                require_verdicts(table, known.scale)
            tables.append(of_calls(table, graded=wanted.grade is not None) if wanted.calls_alone else table)
        except DataError as error:
            if whole and not isinstance(error, NoVerdicts):
                raise
            left.append(error)
    if left and not tables:
        raise left[0]
    return tables, left


def _reasons(errors: Sequence[DataError]) -> str:
    """The first errors, with file and line, and how many more there are."""
    return "; ".join(map(str, errors[:3])) + (f" and {len(errors) - 3} more" if len(errors) > 3 else "")


def _paths(path: Paths) -> list[str | os.PathLike[str]]:
    """The files that a caller names; an object with columns would be taken for a list of their names."""
    if isinstance(path, str | os.PathLike):
        return [path]
    kind = f"{type(path).__module__.partition('.')[0]} {type(path).__name__}"
    if hasattr(type(path), "columns"):
        raise ValueError(
            f"path is a data frame ({kind}) that hands on no Arrow stream: expected one that does, as those of pandas "
            "(2.2 or newer), polars, pyarrow and DuckDB, the package narwhals for others, or the name of a file"
        )
    if not isinstance(path, Sequence):
        expected = (
            "the name of a file, a list of them, or a data frame: one of pandas (2.2 or newer), polars, pyarrow or "
            "DuckDB, or what else hands on an Arrow stream or narwhals knows; pyarrow.table makes one of lists by name"
        )
        raise ArgumentError("path", path, expected, found=f" is of type {type(path).__name__}")
    for index, each in enumerate(path):
        if not isinstance(each, str | os.PathLike):
            raise ValueError(f"path[{index}] is of type {type(each).__name__}: expected the name of a file")
    return list(path)


def _check_columns(tables: Sequence[Table], *, graded: bool) -> None:
    """Refuse a table without problems or verdicts beside others that have them: its rows would seem to have none."""
    for table in tables:
        if "problem" not in table.names:
            table.layout((("problem", "passed"), ("problem", "attempts", "successes")))
        if not graded and not {"passed", "correct", "attempts", "successes"} & set(table.names):
            table.layout(
                (("problem", "passed"), ("problem", "attempts", "successes"), ("problem", "answer", "correct"))
            )


def _check_kinds(tables: Sequence[Table], title: str) -> None:
    """Refuse attempts beside ballots: rows of one kind lack the columns of the other."""
    firsts: dict[str, str] = {}
    for table in tables:
        attempts = bool({"attempts", "successes", "passed"} & set(table.names))
        if attempts != ("answer" in table.names):  # a table with neither is refused later, one with both is either
            firsts.setdefault("attempts" if attempts else "ballots", table.file)
    if len(firsts) > 1:
        found = ", ".join(f"{kind}: {file}" for kind, file in firsts.items())
        raise DataError(f"files of two kinds ({found}): expected one; name the files of one kind", title)


def _format_of(source: Source, format: str | None, wanted: Wanted) -> Format:
    for known in FORMATS:
        if known.name == format:
            return known
        # Who names columns has a table.
        if format is None and (known.tool == TABLE or not wanted.renamed) and known.recognises(source):
            return known
    before, nul, _ = source.head.partition(b"\0")
    raise source.error(
        f"{'holds a NUL byte, and is ' if nul else ''}in no known format: "
        f"expected one of csv, jsonl, parquet or the log of a tool ({len(FORMATS) - 3} are known: see --format)",
        before.count(b"\n") + 1 if nul else None,
    )


def _in_directory(file: Place, format: str | None, wanted: Wanted) -> tuple[Source, Format] | DataError | None:
    """A file of a directory with its format, what is wrong with it, or None if it holds something else."""
    try:
        source = open_source(file)
    except DataError as error:
        return error
    try:
        known = _format_of(source, None, wanted)
    except DataError:
        return None
    if known.surely is not None and not wanted.renamed and not known.surely(source):
        return fault(source)
    return (source, known) if format in (None, known.name) else None
