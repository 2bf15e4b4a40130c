"""The formats that can be read, and how one is recognised."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from jaxscale.data import DataError
from jaxscale.io import _csv, _jsonl, _parquet
from jaxscale.io._several import PLACES, files_below, together
from jaxscale.io._source import Source, open_source
from jaxscale.io._table import Table, Wanted, shown
from jaxscale.io.logs import (
    _chen,
    _evalplus,
    _evalscope,
    _every_eval_ever,
    _humaneval,
    _inspect,
    _lm_eval,
    _monkeys,
    _nemo,
    _verl,
)


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Args:
        name: what `format=` and `--format` call it.
        recognises: whether a file is (meant to be) of this kind, from its first bytes.
        read: what is wanted of the file.
    """

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Wanted], Table]


FORMATS = (
    Format("parquet", _parquet.recognises, _parquet.read),
    Format("inspect-eval", _inspect.recognises_eval, _inspect.read_eval),
    Format("inspect-json", _inspect.recognises_json, _inspect.read_json),
    Format("evalplus", _evalplus.recognises, _evalplus.read),
    Format("lm-eval", _lm_eval.recognises, _lm_eval.read),
    Format("evalscope", _evalscope.recognises, _evalscope.read),
    Format("every-eval-ever", _every_eval_ever.recognises, _every_eval_ever.read),
    Format("nemo-skills", _nemo.recognises, _nemo.read),
    Format("verl", _verl.recognises, _verl.read),
    Format("humaneval", _humaneval.recognises, _humaneval.read),
    Format("monkeys", _monkeys.recognises, _monkeys.read),
    Format("chen", _chen.recognises, _chen.read),
    Format("jsonl", _jsonl.recognises, _jsonl.read),
    Format("csv", _csv.recognises, _csv.read),
)
"""Every format, the most specific first: the first that recognises a file reads it."""


TIDY = ("csv", "jsonl")
"""The formats that any text may be taken for; in a directory only files that begin with a column `problem` are."""

Paths: TypeAlias = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


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
        raise ValueError(f"format = {format!r}: expected one of {', '.join(names)}")
    paths = _paths(path)
    if not paths:
        raise DataError("no files: expected at least one")
    if len(paths) == 1 and not _is_directory(paths[0]):
        source = open_source(paths[0])
        known = _format_of(source, format)
        return _checked(known.read(source, wanted), wanted), known.name

    sources: list[tuple[Source, Format]] = []
    skipped = 0
    for each in paths:
        if not _is_directory(each):
            source = open_source(each)
            sources.append((source, _format_of(source, format)))
            continue
        for file in files_below(each):
            found = _in_directory(file, format)
            sources += [found] if found else []
            skipped += found is None
    title = str(paths[0]) if len(paths) == 1 else f"{len(paths)} files"
    if not sources:
        raise DataError("no file in a known format: expected attempts, ballots or a log", str(paths[0]))
    formats = {known.name: source.name for source, known in reversed(sources)}
    if len(formats) > 1:
        firsts = ", ".join(f"{name}: {file}" for name, file in reversed(formats.items()))
        way = (
            "--format reads those of one"
            if any(map(_is_directory, paths))
            else "jaxscale convert FILE -o FILE.csv makes a table of each"
        )
        raise DataError(f"files in several formats ({firsts}): expected one; {way}", title)
    notes = [f"skipped {skipped} files that hold no attempts or ballots"] if skipped else []
    folders = {source.path.parent for source, _ in sources}
    if len(folders) > 1 and not any(place in wanted for place in PLACES):
        notes.append(f"put the files of {len(folders)} folders together: --group folder reads each")
    inside = replace(wanted, columns=(wanted.columns or frozenset()).difference(PLACES))
    tables = [known.read(source, inside) for source, known in sources]
    _check_kinds(tables, title)
    return _checked(together(tables, title, notes), wanted), next(iter(formats))


def _paths(path: Paths) -> list[Path]:
    """The files that a caller names; an object with columns would be taken for a list of their names."""
    if isinstance(path, str | os.PathLike):
        return [Path(path)]
    kind = f"{type(path).__module__.partition('.')[0]} {type(path).__name__}"
    if hasattr(type(path), "columns"):
        raise ValueError(
            f"path is a data frame ({kind}): expected the name of a file; write the frame to Parquet, and read that"
        )
    if not isinstance(path, Sequence):
        raise ValueError(f"path is of type {type(path).__name__}: expected the name of a file, or a list of them")
    for index, each in enumerate(path):
        if not isinstance(each, str | os.PathLike):
            raise ValueError(f"path[{index}] is of type {type(each).__name__}: expected the name of a file")
    return [Path(each) for each in path]


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


def _checked(table: Table, wanted: Wanted) -> Table:
    if wanted.scorer is not None and not table.scorers:
        raise table.error(f"no scorer {shown(wanted.scorer)}: files of this format name none")
    return table


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False  # said by `open_source`


def _format_of(source: Source, format: str | None) -> Format:
    for known in FORMATS:
        if known.name == format or (format is None and known.recognises(source)):
            return known
    before, nul, _ = source.head.partition(b"\0")
    raise source.error(
        f"{'holds a NUL byte, and is ' if nul else ''}in no known format: "
        f"expected one of {', '.join(known.name for known in FORMATS)}",
        before.count(b"\n") + 1 if nul else None,
    )


def _in_directory(file: Path, format: str | None) -> tuple[Source, Format] | None:
    """A file of a directory with its format, or None if it holds something else."""
    try:
        source = open_source(file)
        known = _format_of(source, None)
    except DataError:
        return None
    if known.name in TIDY and b"problem" not in source.head.partition(b"\n")[0]:
        return None
    return (source, known) if format in (None, known.name) else None
