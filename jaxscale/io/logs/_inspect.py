"""inspect_ai logs: one JSON document, or the `.eval` zip with the same fields in its `summaries.json`."""

import contextlib
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterable, Iterator
from typing import IO, Any

import pyarrow as pa

from jaxscale.data import DataError
from jaxscale.io._document import pieces, whole
from jaxscale.io._records import Record, Row, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown
from jaxscale.io._verdicts import NoVerdicts, Scale

SCALE = Scale({"c": 1.0, "i": 0.0, "p": 0.5, "n": 0.0, "yes": 1.0, "no": 0.0})
"""What inspect_ai makes of the value of a score (`value_to_float`)."""

_PROMPT = ("input_tokens", "input_tokens_cache_read", "input_tokens_cache_write")
_FIRST_KEY = re.compile(rb'\{\s*"[a-z_]+"\s*:')
_EVAL = re.compile(rb'"eval"\s*:\s*\{')
_JOURNAL = re.compile(r"_journal/summaries/([0-9]+)\.json")
_MISSING = object()
_ZSTD = 93
_MOST_COMPRESSED = 2**28
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def recognises_json(source: Source) -> bool:
    """Whether the document begins as inspect_ai writes it; the index of a folder of logs is an object of such."""
    return (
        source.start[:1] == b"{"
        and _FIRST_KEY.match(source.start) is not None
        and _EVAL.search(source.head) is not None
        and any(key in source.head for key in (b'"eval_id"', b'"run_id"', b'"task_id"'))
        and not re.search(rb'"eval"\s*:\s*\{\s*"[^"]*"\s*:\s*\[', source.head)
    )


def recognises_eval(source: Source) -> bool:
    """Whether this is a zip archive."""
    return source.head.startswith(b"PK\x03\x04")


def read_json(source: Source, wanted: Wanted) -> Table:
    """Read an inspect_ai JSON log: `id` is the problem, each epoch an attempt.

    What a value counts, inspect_ai's own conversion says: C, yes, true and 1 are right; I, no, false, N and 0 wrong.
    Where a value is an object, each of its keys is a scorer of its own.
    """
    return table_of(source, _rows_of_json(source), wanted, choice="scorer", complete=True)


def read_eval(source: Source, wanted: Wanted) -> Table:
    """Read an inspect_ai `.eval` log, as `read_json` reads the document.

    The summaries of the samples are read, those of the journal where the run was killed. They cut answers, or leave
    them out, and those of old versions leave out tokens: the samples have these whole.
    """
    with _archive(source) as archive:
        header = "header.json" if "header.json" in archive.NameToInfo else "_journal/start.json"
        with _member(source, archive, header) as file:
            log = Record(source, whole(source, file), None)
        answers, tokens = "answer" in wanted or wanted.grade is not None, "tokens" in wanted
        with contextlib.closing(_summaries(source, archive)) as found:
            samples = (_completed(source, archive, each, answers=answers, tokens=tokens) for each in found)
            return table_of(source, _rows(source, samples, log.get("eval")), wanted, choice="scorer", complete=True)


def _summaries(source: Source, archive: zipfile.ZipFile) -> Generator[Any]:
    names = ["summaries.json"]
    if names[0] not in archive.NameToInfo:
        found = {int(part[1]): name for name in archive.NameToInfo if (part := _JOURNAL.fullmatch(name)) is not None}
        names = [found[number] for number in sorted(found)]
        if not names:
            raise source.error("a zip archive without summaries.json: expected an inspect_ai log")
        source.note("the run was killed: read what its journal has")
    for name in names:
        with _member(source, archive, name) as file:
            yield from _samples(source, file, ())


def _rows_of_json(source: Source) -> Iterator[Row]:
    about = None
    with source.open() as file:  # what the log is of stands before the samples, in logs as they are written
        for path, value in pieces(source, file, ("samples",)):
            if path == ("eval",):
                about = value
                break
    with source.open() as file:
        yield from _rows(source, _samples(source, file, ("samples",)), about)


def _samples(source: Source, file: IO[bytes], inside: tuple[str, ...]) -> Iterator[Any]:
    """The items of the list at a path."""
    found = False
    for path, value in pieces(source, file, inside):
        if path == inside:
            found = True
            if not isinstance(value, list):
                raise source.error("samples is no list: expected a list of samples")
        elif path[:-1] == inside:
            yield value
    if not found:
        raise NoVerdicts("no samples: expected a list of samples", source.name)


def _completed(source: Source, archive: zipfile.ZipFile, summary: Any, *, answers: bool, tokens: bool) -> Any:
    """A summary with the scores of the whole sample, where an answer of it is cut or left out, and its tokens."""
    sample = Record(source, summary, None)
    given = [answer for _, answer in _scores(sample).values()] if answers else []
    cut = any(isinstance(answer, str) and answer.endswith("...") for answer in given)
    missing = ["scores"] if cut or any(answer is _MISSING for answer in given) else []
    if tokens and isinstance(summary, dict) and "model_usage" not in summary:
        missing.append("model_usage")
    if not missing:
        return summary
    name = f"samples/{sample.get('id')}_epoch_{sample.get('epoch')}.json"
    if name not in archive.NameToInfo:
        if not cut:
            return summary
        raise source.error(
            f"an answer is cut to '...', and there is no {shown(name)}: expected every sample in the log"
        )
    with _member(source, archive, name) as file:
        for path, value in pieces(source, file, ()):
            if len(path) == 1 and path[0] in missing:
                summary = {**summary, path[0]: value}
                missing.remove(str(path[0]))
            if not missing:
                break
    return summary


def _rows(source: Source, samples: Iterable[Any], about: Any) -> Iterator[Row]:
    log = Record(source, about, None)
    of_log = {"model": log.get("model"), "task": log.get("task"), "run": log.get("run_id")}
    for index, data in enumerate(samples):
        sample = Record(source, data, None)
        if sample.get("id") is None:
            raise source.error(f"sample {index + 1} has no id: expected one")
        row = {
            "problem": sample.get("id"),
            "target": sample.get("target"),
            **of_log,
            "epoch": sample.get("epoch"),
            "uuid": sample.get("uuid"),
            "tokens": _all_tokens(sample, ("output_tokens",)),
            "prompt_tokens": _all_tokens(sample, _PROMPT),
            "error": sample.get("error"),
        }
        scores = {} if sample.get("invalidation") is not None else _scores(sample)
        for name, (value, answer) in scores.items():
            given = {} if answer is _MISSING else {"answer": answer}
            yield sample, {**row, "scorer": name, **given, "passed": value}
        if not scores:  # it ended in an error, or is not to count
            yield sample, {**row, "passed": None}


def _scores(sample: Record) -> dict[str, tuple[Any, Any]]:
    """The value and the answer by each scorer; a value that is an object has several, named "scorer.key"."""
    scores: dict[str, tuple[Any, Any]] = {}
    found = sample.get("scores")
    for name, score in found.items() if isinstance(found, dict) else ():
        value = score.get("value") if isinstance(score, dict) else None
        answer = score.get("answer", _MISSING) if isinstance(score, dict) else _MISSING
        if isinstance(value, dict):
            scores.update({f"{name}.{key}": (each, answer) for key, each in value.items()})
        else:
            scores[name] = (value, answer)
    return scores


def _all_tokens(sample: Record, kinds: tuple[str, ...]) -> str | None:
    """The tokens of some kinds that all models together used, or None where one does not say the first of them."""
    usage = sample.get("model_usage")
    total = 0
    for model in usage if isinstance(usage, dict) else ():
        counts = [sample.get("model_usage", model, kind) for kind in kinds]
        if not _is_count(counts[0]):
            return None
        total += sum(int(count) for count in counts if _is_count(count))
    return str(total) if isinstance(usage, dict) and usage else None


def _is_count(count: Any) -> bool:
    return isinstance(count, str) and count.isdecimal() and len(count) <= 15


@contextlib.contextmanager
def _archive(source: Source) -> Iterator[zipfile.ZipFile]:
    """The archive, open; whatever is wrong with it is a `DataError`."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            yield archive
    except DataError:
        raise
    except (
        zipfile.BadZipFile,
        pa.ArrowException,
        OSError,
        EOFError,
        struct.error,
        zlib.error,
        ValueError,
        RuntimeError,
    ) as error:
        raise source.error(f"a damaged archive ({(str(error).splitlines() or [''])[0][:80]}): expected a zip") from None


@contextlib.contextmanager
def _member(source: Source, archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """A file in the archive, to be inflated as it is read."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise source.error(f"a zip archive without {name}: expected an inspect_ai log") from None
    if info.compress_type != _ZSTD:
        with archive.open(info) as member:
            yield member
        return
    with source.open() as file:
        # The standard library reads zstd members from Python 3.14 on.
        file.seek(info.header_offset)
        *_, name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        file.seek(name_length + extra_length, io.SEEK_CUR)
        compressed = file.read(min(info.compress_size, _MOST_COMPRESSED))
    with pa.CompressedInputStream(pa.BufferReader(compressed), "zstd") as stream:
        yield stream
