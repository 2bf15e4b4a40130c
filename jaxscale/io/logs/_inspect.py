"""inspect_ai logs: one JSON document, or the `.eval` zip with the same fields in its `summaries.json`."""

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa

from jaxscale.data import DataError
from jaxscale.io._document import pieces, whole
from jaxscale.io._records import Record, Row, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown

_ZSTD = 93
_MOST_COMPRESSED = 2**28
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def recognises_json(source: Source) -> bool:
    """Whether the document begins as inspect_ai writes it."""
    return source.start[:1] == b"{" and b'"eval"' in source.head and b'"eval_id"' in source.head


def recognises_eval(source: Source) -> bool:
    """Whether this is a zip archive."""
    return source.head.startswith(b"PK\x03\x04")


def read_json(source: Source, wanted: Wanted) -> Table:
    """Read an inspect_ai JSON log: `id` is the problem, each epoch an attempt.

    Right is a value of C or 1; P (partly right) counts as wrong, and a value that is not a number as not scored. Where
    a value is an object, each of its keys is a scorer of its own.
    """
    return table_of(source, _rows_of_json(source), wanted, choice="scorer", complete=True)


def read_eval(source: Source, wanted: Wanted) -> Table:
    """Read an inspect_ai `.eval` log, as `read_json` reads the document.

    The summaries of the samples are read. They cut answers of more than 1,024 characters; the samples have those whole.
    """
    with _archive(source) as archive:
        with _member(source, archive, "header.json") as file:
            model = Record(source, whole(source, file), None).get("eval", "model")
        with _member(source, archive, "summaries.json") as file:
            samples = _samples(source, file, ())
            if "answer" in wanted:
                samples = (_with_whole_answers(source, archive, sample) for sample in samples)
            return table_of(source, _rows(source, samples, model), wanted, choice="scorer", complete=True)


def _rows_of_json(source: Source) -> Iterator[Row]:
    model = None
    with source.open() as file:  # the model stands before the samples, in logs as they are written
        for path, value in pieces(source, file, ("samples",)):
            if path == ("eval",):
                model = Record(source, value, None).get("model")
                break
    with source.open() as file:
        yield from _rows(source, _samples(source, file, ("samples",)), model)


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
        raise source.error("no samples: expected a list of samples")


def _with_whole_answers(source: Source, archive: zipfile.ZipFile, summary: Any) -> Any:
    sample = Record(source, summary, None)
    if not any(isinstance(answer, str) and answer.endswith("...") for _, answer in _scores(sample).values()):
        return summary
    name = f"samples/{sample.get('id')}_epoch_{sample.get('epoch')}.json"
    if name not in archive.NameToInfo:
        raise source.error(
            f"an answer is cut to '...', and there is no {shown(name)}: expected every sample in the log"
        )
    with _member(source, archive, name) as file:
        return {**summary, "scores": Record(source, whole(source, file), None).get("scores")}


def _rows(source: Source, samples: Iterable[Any], model: object) -> Iterator[Row]:
    for index, data in enumerate(samples):
        sample = Record(source, data, None)
        if sample.get("id") is None:
            raise source.error(f"sample {index + 1} has no id: expected one")
        row = {
            "problem": sample.get("id"),
            "target": sample.get("target"),
            "model": model,
            "tokens": _all_tokens(sample, "output_tokens"),
            "prompt_tokens": _all_tokens(sample, "input_tokens"),
        }
        scores = _scores(sample)
        for name, (value, answer) in scores.items():
            verdict = None if str(value).upper() == "N" else truth(value)
            yield sample, {**row, "scorer": name, "answer": answer, "passed": verdict}
        if not scores:  # it ended in an error
            yield sample, {**row, "passed": None}


def _scores(sample: Record) -> dict[str, tuple[Any, Any]]:
    """The value and the answer by each scorer; a value that is an object has several, named "scorer.key"."""
    found = {}
    scores = sample.get("scores")
    for scorer, score in scores.items() if isinstance(scores, dict) else ():
        value = score.get("value") if isinstance(score, dict) else score
        answer = score.get("answer") if isinstance(score, dict) else None
        values = (
            {f"{scorer}.{key}": each for key, each in value.items()} if isinstance(value, dict) else {scorer: value}
        )
        found.update({name: (each, answer) for name, each in values.items()})
    return found


def _all_tokens(sample: Record, kind: str) -> str | None:
    """The tokens of a kind that all models together used, or None where one of them is not said."""
    usage = sample.get("model_usage")
    counts = [sample.get("model_usage", model, kind) for model in usage] if isinstance(usage, dict) else []
    if counts and all(isinstance(count, str) and count.isdecimal() and len(count) <= 15 for count in counts):
        return str(sum(map(int, counts)))
    return None


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
