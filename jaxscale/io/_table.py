"""A table of text, as every reader returns it: columns are codes into their distinct values, errors name the line."""

import collections
import difflib
import functools
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale._checks import MAX_CALLS
from jaxscale.data import DataError
from jaxscale.io._lists import SPREAD

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_TRUTH = {"1": 1, "true": 1, "1.0": 1, "0": 0, "false": 0, "0.0": 0}
_SHOWN = 60
_ALSO = {
    "problem": (
        "problem_id", "task_id", "question_id", "instance_id", "example_id", "sample_id", "query_id", "prompt_id",
        "item_id", "doc_id", "qid", "pid", "id", "idx", "index", "query", "question", "task", "prompt", "input", "item",
    ),
    "passed": (
        "is_correct", "correct", "is_right", "right", "success", "is_success", "resolved", "is_resolved", "solved",
        "verdict", "reward", "acc", "accuracy", "exact_match", "score", "pass", "result", "outcome", "ok", "label",
        "status",
    ),
    "correct": (
        "is_correct", "passed", "is_right", "right", "success", "verdict", "reward", "acc", "accuracy", "exact_match",
        "score", "ok", "label", "judgement", "judgment",
    ),
    "answer": (
        "predicted_answer", "extracted_answer", "final_answer", "parsed_answer", "prediction", "predicted", "pred",
        "choice", "generation", "response", "output", "completion",
    ),
    "attempts": ("n", "samples", "num_samples", "total", "trials", "calls", "num_attempts"),
    "successes": ("c", "correct", "num_correct", "passed", "passes", "right", "solved", "num_passed"),
    "count": ("n", "votes", "times", "frequency"),
}  # fmt: skip
"""What others call the columns of a table."""
_BLOCK = 2**20  # rows
_NEAR = 1000  # columns that are compared with a misspelt name, which takes long

Number = TypeVar("Number", int, float)

CODED = pa.dictionary(pa.int32(), pa.large_string())
"""The type of a column: a code a row into its distinct values, which takes little room where these repeat."""


def coded_text(text: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """Text, or parts of it that are coded each by itself, as a column.

    >>> coded_text(pa.array(["a", None, "a"])).indices.to_pylist()
    [0, None, 0]
    """
    if text.type != CODED:
        text = (text if pa.types.is_large_string(text.type) else text.cast(pa.large_string())).dictionary_encode()
    if isinstance(text, pa.Array):
        return text
    if not text.num_chunks:
        return pa.array([], CODED)
    return text.chunk(0) if text.num_chunks == 1 else text.unify_dictionaries().combine_chunks()


def coded_as(codes: np.ndarray, values: Sequence[str] | pa.Array) -> pa.DictionaryArray:
    """A column of codes into values that differ; no value where a code is negative."""
    gap = codes < 0
    indices = pa.array(codes.astype(np.int32, copy=False), mask=gap if gap.any() else None)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.large_string()))


@dataclass(frozen=True)
class Wanted:
    """What a reader is asked for.

    Args:
        columns: the columns that will be used; None for all.
        group: those of which each combination of values is a data set.
        scorer: of several verdicts on the same attempts, the one to read; None for the first.
        right: which verdicts are right, as `Rule` reads it; None for what the tool says.
        grade: "text" or "math" to compare answers with the right one where a log has no verdict; None not to.
        errors: "wrong" or "drop" for calls that ended in an error; None for what the tool does.
        renamed: the columns of the file that are meant by those of jaxscale.
        default: the verdict that a format reads where no `scorer` is named; None for the first.
        apart: whether several models, tasks or training steps are refused unless they are grouped by.
        calls_alone: whether calls are counted, and not what they answered.
    """

    columns: frozenset[str] | None = None
    group: tuple[str, ...] = ()
    scorer: str | None = None
    right: str | None = None
    grade: str | None = None
    errors: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    apart: bool = True
    calls_alone: bool = False

    def __contains__(self, name: str) -> bool:
        return self.columns is None or name in self.columns

    def ours(self, name: str) -> str:
        """What a column of the file is called here; one of another meaning gives way to a renamed one."""
        for ours, theirs in self.renamed.items():
            if name == theirs:
                return ours
        return f"{name} (as recorded)" if name in self.renamed else name

    def by(self, scorer: str) -> "Wanted":
        """The same, read by one of several verdicts unless another is named; the others are said."""
        return replace(self, default=scorer)

    @property
    def everything(self) -> "Wanted":
        """The same with every column, for an error message that needs them."""
        return replace(self, columns=None)


@dataclass(frozen=True)
class Table:
    """What a reader took from a file, before it becomes attempts or ballots.

    Args:
        file: the file as the caller named it.
        names: the names of all columns of the file, wanted or not.
        columns: the wanted ones, of the type `CODED`; null where there is no value.
        place: line of the file at which a row begins, or None where the format has no lines.
        files: where the table is several files: each of them, and the row at which it begins; else empty.
        reread: reads the same file again with every column (for an error message that needs them).
        notes: what the reader had to decide, a sentence each.
        dropped: what the reader left out, and how many of it.
        scorer: the verdict that was read of several, or the only one; None if each is read, or the format knows none.
        scorers: every verdict that the file has.
        rows: where rows were left out, those of the file that are there; None where all are.
        unended: rows of which the line has no end, so that they may be cut off.
        cut_short: rows of a problem of which a further row is cut off: they are to be left out.
        paths: names of what lies inside of the objects of a record, with dots, for proposals.
        nested: columns that hold objects or lists, and whether these are lists of single values.
        renamed: the columns of the file that a person said are meant by those of jaxscale.
    """

    file: str
    names: tuple[str, ...]
    columns: dict[str, pa.DictionaryArray]
    place: Callable[[int], int | None]
    reread: Callable[[], "Table"]
    notes: tuple[str, ...] = ()
    dropped: tuple[tuple[str, int], ...] = ()
    scorer: str | None = None
    scorers: tuple[str, ...] = ()
    files: tuple[tuple[str, int], ...] = ()
    rows: np.ndarray | None = None
    unended: tuple[int, ...] = ()
    cut_short: tuple[int, ...] = ()
    paths: tuple[str, ...] = ()
    nested: Mapping[str, bool] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of rows."""
        return len(next(iter(self.columns.values())))

    @functools.cached_property
    def repeated(self) -> dict[str, int]:
        """The names of more than one column, and how many columns have each."""
        return repeated(self.names)

    def error(self, message: str, row: int | None = None) -> DataError:
        """A `DataError` about the file, or about one row of it."""
        if row is None:
            return DataError(message, self.file)
        row = self.original(row)
        file, start = self._file(row)
        line = self.place(row)
        if row in self.unended:
            message += " (the last line, which has no line end: if it is cut off, delete it)"
        return DataError(message if line is not None else f"row {row - start + 1}: {message}", file, line)

    def where(self, row: int) -> str:
        """The place of a row, for the middle of a message."""
        row = self.original(row)
        file, start = self._file(row)
        line = self.place(row)
        found = f"row {row - start + 1}" if line is None else f"line {line}"
        return f"{found} of {file}" if self.files else found

    def original(self, row: int) -> int:
        """The row of the file that is a row of the table."""
        return row if self.rows is None else int(self.rows[row])

    def keeping(self, keep: np.ndarray) -> "Table":
        """The table with the rows that are to be kept, bool of shape (rows,)."""
        if keep.all():
            return self
        mask = pa.array(keep)
        columns = {name: column.filter(mask) for name, column in self.columns.items()}
        rows = np.flatnonzero(keep) if self.rows is None else self.rows[keep]
        return replace(self, columns=columns, rows=rows)

    def with_column(self, name: str, values: pa.DictionaryArray) -> "Table":
        """The table with a further column, or another one in its place."""
        names = self.names if name in self.names else (*self.names, name)
        return replace(self, names=names, columns={**self.columns, name: values})

    def leaving_out(self, what: str, count: int) -> "Table":
        """The table with a count of what was left out of it."""
        if not count:
            return self
        dropped = dict(self.dropped)
        return replace(self, dropped=tuple({**dropped, what: dropped.get(what, 0) + count}.items()))

    def saying(self, *notes: str) -> "Table":
        """The table with further notes."""
        return replace(self, notes=(*self.notes, *notes))

    def _file(self, row: int) -> tuple[str, int]:
        """The file that a row is in, and the row at which that file begins."""
        return max((each for each in self.files if each[1] <= row), key=lambda each: each[1], default=(self.file, 0))

    def coded(self, name: str) -> tuple[np.ndarray, list[str]]:
        """A column as codes into its distinct values, in order of first appearance; no value is the empty string.

        Returns:
            int32 codes of shape (rows,), and the values.
        """
        codes, values = self._codes(name)
        return codes, values.to_pylist()

    def _codes(self, name: str) -> tuple[np.ndarray, pa.Array]:
        column = self._text(name)
        codes, values = column.indices, column.dictionary
        if codes.null_count:
            empty = pc.index(values, pa.scalar("", pa.large_string())).as_py()
            if empty < 0:
                empty = len(values)
                values = pa.concat_arrays([values, pa.array([""], pa.large_string())])
            codes = pc.fill_null(codes, pa.scalar(empty, pa.int32()))
        seen = codes.dictionary_encode()  # of the values those that are there, in order of first appearance
        return seen.indices.to_numpy(), values.take(seen.dictionary)

    def texts(self, name: str) -> list[str | None]:
        """The values of a column, row by row."""
        column = self._text(name)
        values = [*column.dictionary.to_pylist(), None]
        return [values[code] for code in pc.fill_null(column.indices, -1).to_pylist()]

    def says(self, name: str, text: str) -> np.ndarray:
        """Which rows have that value in a column, bool of shape (rows,)."""
        codes, values = self.coded(name)
        return np.array([value == text for value in values], bool)[codes]

    def whole_numbers(self, name: str, least: int = 0) -> np.ndarray:
        """A column of whole numbers from `least` to 10^12 as int64, shape (rows,)."""
        return self._parsed(name, lambda text: _whole(text, least), f"a whole number from {least} to 10^12", np.int64)

    def truths(self, name: str) -> np.ndarray:
        """A column of 0/1 or true/false (any case) as bool, shape (rows,)."""
        return self._parsed(name, lambda text: _TRUTH.get(text.strip().lower()), "0 or 1, true or false", np.bool_)

    def has(self, name: str) -> bool:
        """Whether there is a column that was read, with a value in some row."""
        column = self.columns.get(name)
        return column is not None and column.null_count < len(column)

    def numbers(self, name: str, least: float = -math.inf, gaps: bool = False) -> np.ndarray | None:
        """A column of finite numbers >= `least` as float64, shape (rows,); None if there is none, or it is empty.

        Args:
            name: the column.
            least: the smallest number.
            gaps: whether a row may have none, which becomes NaN.
        """
        if name not in self.names:
            return None
        codes, values = self._codes(name)
        there = pc.not_equal(values, "")
        if not pc.any(there).as_py():
            return None
        try:
            texts = pc.if_else(there, values, pa.scalar(None, pa.large_string())) if gaps else values
            fast = pc.cast(texts, pa.float64()).to_numpy(zero_copy_only=False)
            known = there.to_numpy(zero_copy_only=False)
            if (np.isfinite(fast[known]) & (fast[known] >= least)).all():
                return fast[codes]
        except pa.ArrowInvalid:
            pass  # the slow way finds the row, or reads a number that has spaces around it
        expected = "a finite number" if least == -math.inf else f"a finite number >= {least:g}"
        if not gaps:
            expected += " in every row, or in none"

        def parse(text: str) -> float | None:
            return math.nan if gaps and not text.strip() else _finite(text, least)

        return self._parsed(name, parse, expected, np.float64)

    def _text(self, name: str) -> pa.DictionaryArray:
        if name in self.repeated:
            raise self.error(f"column {name!r} appears {self.repeated[name]} times: expected it once")
        return self.columns[name]

    def _parsed(self, name: str, parse: Callable[[str], Number | None], expected: str, dtype: type) -> np.ndarray:
        codes, values = self.coded(name)
        parsed = [parse(text) for text in values]
        for code, (text, number) in enumerate(zip(values, parsed, strict=True)):
            if number is None:
                found = f"{name} is empty" if not text.strip() else f"{name} = {shown(text)}"
                raise self.error(f"{found}: expected {expected}", int((codes == code).argmax()))
        return np.array(parsed, dtype)[codes]

    def layout(self, layouts: Sequence[tuple[str, ...]], chosen: tuple[str, ...] | None = None) -> None:
        """Check that the file has every column of the `chosen` layout, by default of the one that it comes closest to.

        Raises:
            DataError: naming the missing column, and the column that may have been meant.
        """
        if chosen is None:
            chosen = max(layouts, key=self._closeness)
        missing = [name for name in chosen if name not in self.names]
        if missing:
            near = self.near(missing[0])
            meant = f" (is {near!r} meant?)" if near else ""
            expected = " or ".join(", ".join(layout) for layout in layouts)
            proposed = self._proposed(layouts)
            way = f"; --columns {proposed} names them" if proposed else ""
            raise self.error(f"no column {missing[0]!r}{meant}: expected columns {expected}; found {self.found()}{way}")

    def _closeness(self, layout: tuple[str, ...]) -> float:
        """How much of a layout there is, under its own names or others."""
        return sum(2 * (name in self.names) + (self._meant(name, set(layout)) is not None) for name in layout)

    def _proposed(self, layouts: Sequence[tuple[str, ...]]) -> str:
        """Columns of other names that may be those of a layout, as `--columns` takes them."""
        best: dict[str, str] = {}
        for layout in reversed(layouts):
            missing = [name for name in layout if name not in self.names]
            found = {name: other for name in missing if (other := self._meant(name, set(layout))) is not None}
            if len(found) == len(missing):
                best = found
            elif found and not best:
                best = {name: found.get(name, "...") for name in missing}
        return ",".join(f"{name}={other}" for name, other in {**self.renamed, **best}.items()) if best else ""

    def _meant(self, name: str, taken: set[str]) -> str | None:
        """The column that may be meant by a name: by what others call it, or by its spelling."""
        return self.known_as(name, taken) or self.near(name)

    def known_as(self, name: str, taken: Collection[str] = ()) -> str | None:
        """The column, or what lies inside of one, that has another common name of what `name` means."""
        paths = self.paths[:_NEAR]
        parents = [path.rpartition(".")[0].rpartition(".")[2].lower() for path in paths]
        alone = {parent: path for parent, path in zip(parents, paths, strict=True) if parents.count(parent) == 1}
        inside = {path.rpartition(".")[2].lower(): path for path in reversed(paths)}
        beside = {other.lower(): other for other in reversed(self._single(name)) if other not in taken}
        both = {**alone, **inside, **beside}
        return next((both[other] for other in _ALSO.get(name, ()) if other in both), None)

    def near(self, name: str) -> str | None:
        """The column whose name is close to `name`, if there is one."""
        names = [*self._single(name), *(self.paths[:_NEAR] if "." in name else ())]
        lowered = {other.lower(): other for other in names}
        matches = difflib.get_close_matches(name.lower(), list(lowered), n=1, cutoff=0.7)
        return lowered[matches[0]] if matches and lowered[matches[0]] != name else None

    def _single(self, name: str) -> list[str]:
        """The columns that may be read as `name`: not those of objects, nor lists where it has none."""
        return [
            other for other in self.names[:_NEAR] if other not in self.nested or (self.nested[other] and name in SPREAD)
        ]

    def found(self) -> str:
        """The names of the columns, for a message."""
        inside = {path.partition(".")[0] for path in self.paths}
        names = [name for name in self.names if name not in inside]
        return shown_list([*names, *self.paths]) or "none"


def looks_like_calls(names: Collection[str]) -> tuple[int, int]:
    """How much names are those of a table of calls: how many are its own, and how many others are common."""
    lowered = {name.lower() for name in names}
    verdicts = ("passed", "correct", "attempts", "answer")
    own = ("problem" in lowered) + bool(lowered.intersection(verdicts))
    common = sum(bool(lowered.intersection((name, *_ALSO[name]))) for name in ("problem", "passed"))
    return own, common


def shown(text: str) -> str:
    """`text` quoted on one line, shortened where it is long."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def shown_list(names: Sequence[str], most: int = 12) -> str:
    """The first `most` names, quoted, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(shown(name) for name in names[:most]) + more


def repeated(names: Iterable[str]) -> dict[str, int]:
    """Those of `names` that come more than once, in order of first appearance, with how often they do."""
    return {name: count for name, count in collections.Counter(names).items() if count > 1}


def first_seen(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number equal keys alike, in order of first appearance.

    Returns:
        the number of each key, int32, and the index at which each number appears first.
    """
    number = pa.array(keys).dictionary_encode().indices.to_numpy()
    return number, first_rows(number)


def first_rows(codes: np.ndarray) -> np.ndarray:
    """The index at which each code appears first, where codes are numbered by that."""
    found = []
    most = -1
    for start in range(0, len(codes), _BLOCK):
        highest = np.maximum(np.maximum.accumulate(codes[start : start + _BLOCK]), most)
        found.append(start + np.flatnonzero(np.diff(highest, prepend=most)))
        most = int(highest[-1])
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _whole(text: str, least: int) -> int | None:
    text = text.strip()
    if _WHOLE.fullmatch(text):
        number = int(text)
    else:
        value = _finite(text, -math.inf)
        if value is None or not value.is_integer():
            return None
        number = int(value)
    return number if least <= number <= MAX_CALLS else None


def _finite(text: str, least: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= least and "_" not in text else None
