"""What was recorded: attempts, ballots, and the estimates made of them. NumPy only, no file access."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from jaxscale._checks import MAX_CALLS, ArgumentError as ArgumentError, refuse_masked
from jaxscale._numpy import ReadOnlyArrays
from jaxscale._result import Result

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray


class DataError(ValueError):
    """A file that cannot be read as data: one line that names the file, the line, and what was expected.

    Args:
        message: what is wrong and what was expected.
        file: the file as the caller named it.
        line: the line of the file, counted from 1, where one line is to blame.

    >>> str(DataError("successes = 'x': expected a whole number", "runs.csv", 7))
    "runs.csv, line 7: successes = 'x': expected a whole number"
    """

    def __init__(self, message: str, file: str | None = None, line: int | None = None):
        where = "" if file is None else f"{file}: " if line is None else f"{file}, line {line}: "
        super().__init__(where + message)
        self.message = message
        self.file = file
        self.line = line


class BallotsFound(DataError):
    """A file of ballots where attempts are read; who can use either reads it again as these."""


class DataWarning(UserWarning):
    """Data that can be used, though not for everything, or that a reader had to change or drop a part of."""


def require(value: Any, kind: type, argument: str) -> None:
    """Refuse anything but one data set; the readers' dictionary of them is what people pass by mistake.

    Args:
        value: what was passed.
        kind: `Attempts` or `Ballots`.
        argument: its name in the message.

    Raises:
        ValueError: naming the argument, what was found and what was expected.

    >>> require({}, Attempts, "attempts")
    Traceback (most recent call last):
    jaxscale._checks.ArgumentError: attempts is a dict: expected Attempts, one value of ...
    """
    if not isinstance(value, kind):
        found, wanted = type(value).__name__, kind.__name__
        raise ArgumentError(
            argument, found, f"{wanted}, one value of the dictionary that the readers return", found=f" is a {found}"
        )


@dataclass(frozen=True, eq=False)
class Attempts(ReadOnlyArrays):
    """How many calls each query was given, and how many of them were right.

    Attributes:
        attempts: calls per query; whole numbers in [1, 10^12], shape (queries,).
        successes: right calls per query; whole numbers in [0, attempts], shape (queries,).
        query: labels of the queries, or None.
        name: what the data set is called, or None.
        tokens: mean output tokens per call of each query, >= 0, NaN where unknown; shape (queries,), or None.
        prompt_tokens: mean prompt tokens per call of each query, as `tokens`.

    Raises:
        ValueError: naming the argument, the query, the value and what was expected.

    The arrays are kept as read-only copies: counts int64, tokens float64.

    >>> Attempts(attempts=[10, 10], successes=[0, 3]).successes
    array([0, 3])
    """

    attempts: np.ndarray
    successes: np.ndarray
    query: tuple[str, ...] | None = None
    name: str | None = None
    tokens: np.ndarray | None = None
    prompt_tokens: np.ndarray | None = None

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(
            self,
            attempts: ArrayLike,
            successes: ArrayLike,
            query: Sequence[Any] | None = None,
            name: str | None = None,
            tokens: ArrayLike | None = None,
            prompt_tokens: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        attempts = _whole(self.attempts, "attempts", ndim=1, least=1)
        successes = _whole(self.successes, "successes", shape=attempts.shape)
        _refuse(successes > attempts, successes, "successes", "at most the number of attempts", self.query)
        _set(
            self,
            attempts=attempts,
            successes=successes,
            query=_labels(self.query, len(attempts)),
            tokens=_token_means(self.tokens, "tokens", attempts.shape),
            prompt_tokens=_token_means(self.prompt_tokens, "prompt_tokens", attempts.shape),
        )

    def __len__(self) -> int:
        """The number of queries."""
        return len(self.attempts)

    @classmethod
    def from_frame(cls, frame: Any, columns: Mapping[str, str] | str | None = None, **options: Any) -> "Attempts":
        """The attempts in a data frame, as `read_attempts` reads them where there is one group.

        Args:
            frame: of pandas, polars, pyarrow, DuckDB, or whatever hands on an Arrow stream or narwhals knows. A row is
                a problem with its counts, a call, or a problem with lists of verdicts.
            columns: which of its columns is which, as in `{"problem": "task_id", "passed": "is_correct"}` or
                "problem=task_id,passed=is_correct".
            options: further arguments of `read_attempts`, but not `group`.

        Raises:
            DataError: what cannot be read, and what was expected.

        >>> import pyarrow
        >>> Attempts.from_frame(pyarrow.table({"problem": ["a", "a", "b"], "passed": [1, 1, 0]})).successes
        array([2, 0])
        """
        return _of_frame("read_attempts", frame, columns=columns, **options)

    @property
    def as_attempts(self) -> "Attempts":
        """These attempts, as `Ballots.as_attempts` gives those of ballots."""
        return self

    @property
    def stopped_at_success(self) -> bool:
        """Whether sampling looks as if it stopped at the first success: no query has two, and attempts are uneven.

        Unbiased pass@k does not hold for such counts (the number of attempts depends on their outcomes); likelihoods
        do. Source: docs/mathematics.md, "Unbiased pass@k"; [Chen21].

        >>> Attempts([3, 7, 10], [1, 1, 0]).stopped_at_success
        True
        """
        uneven = self.attempts.min() < self.attempts.max()
        return bool(uneven and self.successes.max() == 1)


@dataclass(frozen=True, eq=False)
class Ballots(ReadOnlyArrays):
    """How often each query was given each answer, and which answers are right.

    Attributes:
        counts: calls per answer; whole numbers >= 0, shape (queries, answers), padded with 0 where a query has fewer
            answers. Every query has at least one call, blank ones included.
        correct: which answers count as right (several spellings may); bool, shape (queries, answers).
        kept_counts: how many of `counts` a filter kept, or None without a filter; shape (queries, answers).
        blank: calls with no extractable answer, which never win; shape (queries,); None means none.
        scores: a score per call, shape (queries, calls), NaN beyond the calls of a query, or None. Calls are ordered
            by answer as `call_answers` says: the counts[i, 0] calls with answer 0, then those with answer 1, ..., then
            the blank ones; within an answer those that were kept come first.
        tokens: output tokens per call, >= 0; the shape, order and padding of `scores`, or None.
        greedy_correct: whether one greedy call was right; bool, shape (queries,), or None.
        query: labels of the queries, or None.
        name: what the data set is called, or None.
        kept_blank: how many of `blank` the filter kept (a kept ballot without an answer counts as kept); shape
            (queries,); only with `kept_counts`, where None means none.
        prompt_tokens: mean prompt tokens per call of each query, >= 0, NaN where they are not known; shape (queries,),
            or None.
        verdicts: where calls with one answer were judged differently, the share of the calls with each answer that was
            judged right, in [0, 1]; shape (queries, answers). A vote for the answer is worth as much; `correct` says
            what most of its verdicts do. None where each answer is always right or always wrong.

    Raises:
        ValueError: naming the argument, the query, the value and what was expected.

    The arrays are kept as read-only copies: counts int64, scores and tokens float64.

    >>> Ballots(counts=[[3, 1], [2, 0]], correct=[[True, False], [False, False]], blank=[0, 2]).calls
    array([4, 4])
    """

    counts: np.ndarray
    correct: np.ndarray
    kept_counts: np.ndarray | None = None
    blank: np.ndarray | None = None
    scores: np.ndarray | None = None
    tokens: np.ndarray | None = None
    greedy_correct: np.ndarray | None = None
    query: tuple[str, ...] | None = None
    name: str | None = None
    kept_blank: np.ndarray | None = None
    prompt_tokens: np.ndarray | None = None
    verdicts: np.ndarray | None = None

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(
            self,
            counts: ArrayLike,
            correct: ArrayLike,
            kept_counts: ArrayLike | None = None,
            blank: ArrayLike | None = None,
            scores: ArrayLike | None = None,
            tokens: ArrayLike | None = None,
            greedy_correct: ArrayLike | None = None,
            query: Sequence[Any] | None = None,
            name: str | None = None,
            kept_blank: ArrayLike | None = None,
            prompt_tokens: ArrayLike | None = None,
            verdicts: ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        counts = _whole(self.counts, "counts", ndim=2)
        queries = counts.shape[:1]
        none = np.zeros(queries, np.int64)
        blank = _whole(none if self.blank is None else self.blank, "blank", shape=queries)
        calls = counts.sum(axis=1) + blank
        _refuse(calls < 1, calls, "calls of a query", "at least one ballot", self.query)
        _refuse(calls > MAX_CALLS, calls, "calls of a query", "at most 10^12 ballots", self.query)

        kept_counts, kept_blank = self.kept_counts, self.kept_blank
        if kept_counts is not None:
            kept_counts = _whole(kept_counts, "kept_counts", shape=counts.shape)
            _refuse(kept_counts > counts, kept_counts, "kept_counts", "at most the count of the answer", self.query)
            kept_blank = _whole(none if kept_blank is None else kept_blank, "kept_blank", shape=queries)
            _refuse(kept_blank > blank, kept_blank, "kept_blank", "at most the number of blank calls", self.query)
        elif kept_blank is not None:
            raise ValueError("kept_blank without kept_counts: expected both or neither")

        scores, tokens, greedy_correct = self.scores, self.tokens, self.greedy_correct
        if scores is not None:
            scores = _per_call(scores, "scores", calls)
        if tokens is not None:
            tokens = _per_call(tokens, "tokens", calls)
            _refuse(tokens < 0, tokens, "tokens", "numbers >= 0", self.query)
        if greedy_correct is not None:
            greedy_correct = _booleans(greedy_correct, "greedy_correct", queries)

        _set(
            self,
            counts=counts,
            correct=_booleans(self.correct, "correct", counts.shape),
            kept_counts=kept_counts,
            blank=blank,
            scores=scores,
            tokens=tokens,
            greedy_correct=greedy_correct,
            query=_labels(self.query, len(counts)),
            kept_blank=kept_blank,
            prompt_tokens=_token_means(self.prompt_tokens, "prompt_tokens", queries),
            verdicts=None if self.verdicts is None else _shares(self.verdicts, "verdicts", counts.shape),
        )

    def __len__(self) -> int:
        """The number of queries."""
        return len(self.counts)

    @classmethod
    def from_frame(cls, frame: Any, columns: Mapping[str, str] | str | None = None, **options: Any) -> Ballots:
        """The ballots in a data frame, as `read_ballots` reads them where there is one group.

        Args:
            frame: as for `Attempts.from_frame`; a row is a call, an answer with its count, or a problem with lists of
                answers and verdicts.
            columns: as for `Attempts.from_frame`.
            options: further arguments of `read_ballots`, but not `group`.

        Raises:
            DataError: what cannot be read, and what was expected.

        >>> import pyarrow
        >>> frame = pyarrow.table({"problem": ["a", "a"], "answer": ["7", "8"], "right": [True, False]})
        >>> Ballots.from_frame(frame, {"correct": "right"}).counts
        array([[1, 1]])
        """
        return _of_frame("read_ballots", frame, columns=columns, **options)

    @property
    def worth(self) -> np.ndarray:
        """What a vote for each answer is worth: 1 if it is right, else 0, or its mean verdict; (queries, answers)."""
        return self.correct.astype(np.float64) if self.verdicts is None else self.verdicts

    @property
    def calls(self) -> np.ndarray:
        """Recorded calls per query, blank ones included; int64, shape (queries,)."""
        return self.counts.sum(axis=1) + self.blank

    @property
    def right_calls(self) -> np.ndarray:
        """Recorded calls per query that are right; int64, shape (queries,).

        >>> Ballots([[2, 1], [0, 1]], [[True, False], [True, False]]).right_calls
        array([2, 0])
        """
        if self.verdicts is not None:
            return np.rint((self.verdicts * self.counts).sum(axis=1)).astype(np.int64)
        return np.where(self.correct, self.counts, 0).sum(axis=1)

    @property
    def as_attempts(self) -> Attempts:
        """The same calls, right or wrong, whatever their answers."""
        return Attempts(self.calls, self.right_calls, query=self.query, name=self.name)

    @property
    def call_answers(self) -> np.ndarray:
        """The answer of each call in the order of `scores` and `tokens`; -1 for a blank call and for the padding.

        Returns:
            int64 array of shape (queries, calls), calls being the largest number of calls of any query.

        >>> Ballots([[2, 1], [0, 1]], [[True, False], [True, False]], blank=[0, 1]).call_answers
        array([[ 0,  0,  1],
               [ 1, -1, -1]])
        """
        calls = self.calls
        answers = np.full((len(self), int(calls.max())), -1, np.int64)
        for row, counts in zip(answers, self.counts, strict=True):
            row[: counts.sum()] = np.repeat(np.arange(len(counts)), counts)
        return answers


def _of_frame(reader: str, frame: Any, **options: Any) -> Any:
    """What a public reader makes of a frame that is not grouped; readers are a layer above, and none is imported."""
    try:
        (data,) = getattr(sys.modules["jaxscale"], reader)(frame, **options).values()
    except ArgumentError as error:
        if error.argument != "path":
            raise
        raise ArgumentError("frame", error.value, error.expected, found=error.found) from None
    return data


def draw_ballots(key: PRNGKeyArray, ballots: Ballots, calls: ArrayLike) -> Ballots:
    """Draw some of the recorded ballots of each query, without replacement: what a shorter run would have recorded.

    Args:
        key: a typed JAX key.
        ballots: what was recorded.
        calls: how many to draw; a whole number from 1 to the recorded calls of a query, or one for each query.

    Returns:
        Ballots of the same queries and answers, kept ones among them where a filter was recorded. Scores and tokens,
        which belong to single calls, are left out.

    Raises:
        ValueError: where a query has fewer ballots.

    Example:
        >>> import jax
        >>> draw_ballots(jax.random.key(0), Ballots([[30, 10], [5, 35]], [[True, False]] * 2), 8).calls
        array([8, 8])
    """
    from jaxscale._arrays import generator  # brings jax with it, which what was recorded needs not

    wanted = _whole(np.broadcast_to(calls, len(ballots)), "calls", shape=(len(ballots),), least=1)
    _refuse(wanted > ballots.calls, wanted, "calls", "at most the recorded ballots of the query", ballots.query)
    rng = generator(key)
    none = np.zeros(len(ballots), np.int64)
    kept = np.zeros_like(ballots.counts) if ballots.kept_counts is None else ballots.kept_counts
    kept_blank = none if ballots.kept_blank is None else ballots.kept_blank
    blank = none if ballots.blank is None else ballots.blank
    cells = np.column_stack([kept, ballots.counts - kept, kept_blank, blank - kept_blank])
    drawn = np.stack(
        [
            rng.multivariate_hypergeometric(row, count, method="count" if row.sum() < 10**6 else "marginals")
            for row, count in zip(cells, wanted, strict=True)
        ]
    )
    options = ballots.counts.shape[1]
    first, second = drawn[:, :options], drawn[:, options : 2 * options]
    filtered = ballots.kept_counts is not None
    return Ballots(
        counts=first + second,
        correct=ballots.correct,
        kept_counts=first if filtered else None,
        blank=drawn[:, -2] + drawn[:, -1],
        greedy_correct=ballots.greedy_correct,
        query=ballots.query,
        name=ballots.name,
        kept_blank=drawn[:, -2] if filtered else None,
        verdicts=ballots.verdicts,
    )


@dataclass(frozen=True, eq=False, repr=False)
class Estimate(Result):
    """Values at several numbers of calls, with standard errors over queries.

    Attributes:
        calls: numbers of calls; int64, any shape.
        value: the estimates; float64, the shape of `calls`.
        standard_error: their standard errors; float64, the shape of `calls`; NaN where there is none (a single query).

    >>> Estimate(calls=[1, 10], value=[0.2, 0.5], standard_error=[0.01, 0.03]).to_dict()["value"]
    [0.2, 0.5]
    """

    calls: np.ndarray
    value: np.ndarray
    standard_error: np.ndarray

    if TYPE_CHECKING:  # what is taken is converted

        def __init__(self, calls: ArrayLike, value: ArrayLike, standard_error: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        calls = _read_only(np.array(self.calls, np.int64))
        value, error = (_read_only(np.array(array, np.float64)) for array in (self.value, self.standard_error))
        if not calls.shape == value.shape == error.shape:
            shapes = f"{calls.shape}, {value.shape}, {error.shape}"
            raise ValueError(f"shapes of calls, value and standard_error differ: {shapes}")
        _set(self, calls=calls, value=value, standard_error=error)

    def _columns(self) -> dict[str, Sequence[Any]]:
        return {name: values.reshape(-1).tolist() for name, values in vars(self).items()}


def _set(instance: Any, **fields: Any) -> None:
    for name, value in fields.items():
        object.__setattr__(instance, name, value)


def _read_only(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array


def _refuse(bad: np.ndarray, values: np.ndarray, name: str, expected: str, query: Sequence[str] | None = None) -> None:
    """Raise a ValueError that names the first bad value."""
    if bad.any():
        at = tuple(int(index) for index in np.unravel_index(int(bad.argmax()), bad.shape))
        label = f" (query {query[at[0]]!r})" if query is not None and at and at[0] < len(query) else ""
        where = f" at index {', '.join(map(str, at))}" if at else ""
        raise ArgumentError(name, values[at].item(), expected, found=f" = {values[at].item()!r}{where}{label}")


def _whole(
    values: ArrayLike, name: str, *, ndim: int | None = None, shape: tuple[int, ...] | None = None, least: int = 0
) -> np.ndarray:
    """`values` as a read-only int64 copy of the given rank or shape, every one a whole number in [least, 10^12]."""
    refuse_masked(values, name)
    array = np.array(values)
    _check_shape(array, name, ndim, shape)
    if array.dtype.kind not in "iuf":
        raise ArgumentError(name, array.dtype, "whole numbers", found=f" is of type {array.dtype}")
    expected = f"a whole number from {least} to 10^12"
    with np.errstate(invalid="ignore"):
        good = (array >= least) & (array <= MAX_CALLS) & (array == np.floor(array))
    _refuse(~good, array, name, expected)
    return _read_only(array.astype(np.int64))


def _booleans(values: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    refuse_masked(values, name)
    array = np.array(values)
    _check_shape(array, name, None, shape)
    if array.dtype != bool:
        _refuse((array != 0) & (array != 1), array, name, "true or false")
    return _read_only(array.astype(bool))


def _shares(values: ArrayLike, name: str, shape: tuple[int, ...]) -> np.ndarray:
    refuse_masked(values, name)
    array = np.array(values, np.float64)
    _check_shape(array, name, None, shape)
    _refuse(~((array >= 0) & (array <= 1)), array, name, "shares in [0, 1]")
    return _read_only(array)


def _per_call(values: ArrayLike, name: str, calls: np.ndarray) -> np.ndarray:
    """`values` as float64, shape (queries, calls): finite for the calls of a query, NaN beyond them."""
    refuse_masked(values, name)
    array = np.array(values, np.float64)
    _check_shape(array, name, None, (len(calls), int(calls.max())))
    recorded = np.arange(array.shape[1]) < calls[:, None]
    _refuse(recorded & ~np.isfinite(array), array, name, "a finite number for every call")
    _refuse(~recorded & ~np.isnan(array), array, name, "NaN beyond the calls of a query")
    return _read_only(array)


def _token_means(values: ArrayLike | None, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """`values` as a read-only float64 copy, each >= 0 or NaN."""
    if values is None:
        return None
    refuse_masked(values, name)
    array = np.array(values, np.float64)
    _check_shape(array, name, None, shape)
    _refuse((array < 0) | np.isinf(array), array, name, "a finite number >= 0, or NaN")
    return _read_only(array)


def _check_shape(array: np.ndarray, name: str, ndim: int | None, shape: tuple[int, ...] | None) -> None:
    if shape is not None and array.shape != shape:
        raise ArgumentError(name, array.shape, f"{shape}", found=f" has shape {array.shape}")
    if ndim is not None and (array.ndim != ndim or array.size == 0):
        expected = "(queries,)" if ndim == 1 else "(queries, answers)"
        raise ArgumentError(name, array.shape, f"{expected} with at least one query", found=f" has shape {array.shape}")


def _labels(query: Sequence[Any] | None, queries: int) -> tuple[str, ...] | None:
    if query is None:
        return None
    if len(query) != queries:
        raise ArgumentError("query", len(query), f"{queries}, one per query", found=f" has {len(query)} labels")
    return tuple(str(label) for label in query)
