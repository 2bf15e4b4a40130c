"""From what a tool or a person wrote as a verdict to right, wrong, or no verdict: once, for every format."""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jaxscale._checks import ArgumentError
from jaxscale._words import number_of
from jaxscale.data import DataError
from jaxscale.io._equivalence import equal
from jaxscale.io._errored import settled
from jaxscale.io._table import Table, Wanted, coded_as, shown, shown_list

VERDICTS = ("passed", "correct")
"""Columns that say whether a call, or an answer, is right."""

GOLD = ("gold", "target")
"""Columns that say what the right answer to a problem is."""

MOST_DIFFERENT = 0.05
"""The share of recorded verdicts that grading may come out otherwise than."""

UNSCORED = "attempts that have no score"

_PLAIN = {"true": 1.0, "false": 0.0}
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_RULE = re.compile(r"(>=|<=|==|>|<|=)\s*(\S+)")
_SHOWN = 6
# Proposed where a message has to name a value that may mean right; what is read as right, a person says.
_LIKELY = {"yes", "y", "correct", "right", "pass", "passed", "ok", "success", "solved", "accepted", "good", "c", "true"}
_RIGHT, _WRONG, _NONE, _UNKNOWN = 1, 0, -1, -2
_TEXTS = ("false", "true")  # of _WRONG and _RIGHT


class NoVerdicts(DataError):
    """A file without a single verdict: beside others that have some it is left out."""


@dataclass(frozen=True)
class Scale:
    """What the values of a tool's verdict count, in its own conversion.

    Args:
        values: what texts in small letters count, beside true, false and numbers, which count themselves.
        other: what any other value counts, or a number that is neither 1 nor 0; None where it is not for a reader to
            say.
        no_answer: answers in small letters by which the tool says that there is none.
        errors: what the tool does with a call that ended in an error and has no verdict: "drop" or "wrong".
    """

    values: Mapping[str, float] = field(default_factory=dict)
    other: float | None = None
    no_answer: frozenset[str] = frozenset()
    errors: str = "drop"

    def number(self, text: str) -> float | None:
        """What a value counts; None for no verdict, NaN for an unknown one."""
        text = text.strip().lower()
        if text in ("", "nan", "null", "none"):
            return None
        known = self.values.get(text, _PLAIN.get(text))
        if known is None:
            try:
                known = float(text)
            except ValueError:
                known = math.nan if self.other is None else self.other
        return known if known in (0.0, 1.0) or self.other is None else self.other


@dataclass(frozen=True)
class Rule:
    """Which verdicts are right, as a person says: a comparison such as `>= 0.5`, or values such as `C,P`."""

    text: str
    values: tuple[str, ...] = ()
    compare: str = ""
    bound: float = math.nan

    @classmethod
    def parsed(cls, text: str) -> "Rule":
        """The rule that a text means.

        Raises:
            ValueError: naming `right`, and what was expected.
        """
        expected = "a comparison such as '>= 0.5', or values with commas between them, as in 'C,P'"
        if (found := _RULE.fullmatch(text.strip())) is not None:
            try:
                return cls(text, compare=found[1], bound=float(found[2]))
            except ValueError:
                said = f" = {text!r}: {found[2]!r} is no number"
                raise ArgumentError("right", text, expected, found=said) from None
        values = tuple(each.strip().lower() for each in text.split(","))
        if not all(values) or text.strip()[:1] in "<>=!":
            raise ArgumentError("right", text, expected)
        return cls(text, values=values)

    def says(self, text: str, scale: Scale) -> int:
        """What a value means by this rule."""
        number = scale.number(text)
        if number is None:
            return _NONE
        if self.compare:
            return _UNKNOWN if math.isnan(number) else int(_COMPARED[self.compare](number, self.bound))
        return int(any(_names(value, text, number) for value in self.values))

    def unseen(self, texts: Sequence[str], scale: Scale) -> list[str]:
        """Those of its values that none of the texts is; a comparison has none."""
        numbers = [scale.number(text) for text in texts]
        seen = [(text, number) for text, number in zip(texts, numbers, strict=True) if number is not None]
        return [value for value in self.values if not any(_names(value, text, number) for text, number in seen)]


def judged(table: Table, scale: Scale, wanted: Wanted) -> Table:
    """The table with verdicts that are true or false, and without the calls that have none, which it says.

    Raises:
        DataError: a value that is neither right nor wrong, or a rule that does not fit the values.
        NoVerdicts: there is no verdict at all.
    """
    table = _without_empty_answers(table, scale)
    if wanted.calls_alone:
        table = of_calls(table, graded=wanted.grade is not None)
    table, wanted = _ruled(table, scale, wanted)
    if wanted.grade is not None:
        table = graded(table, scale, wanted)
    require_verdicts(table, scale)
    names = _verdict_columns(table)
    keep = np.ones(len(table), bool)
    for name in names:
        table, scored = _judged(table, name, scale)
        if "count" not in table.names:
            table, scored = settled(table, name, scored, scale.errors, wanted.errors)
        keep &= scored
    table = table.keeping(keep).leaving_out(UNSCORED, int((~keep).sum()))
    if "passed" in names and "correct" not in table.names and "answer" in table.columns:
        # A judge may accept a call without an answer; such a call never wins a vote.
        right = table.says("passed", "true") & ~table.says("answer", "")
        table = table.with_column("correct", coded_as(right, _TEXTS))
    return table


def of_calls(table: Table, *, graded: bool = False) -> Table:
    """The table with `passed` as the only verdict, which a column `correct` is where it can be nothing else.

    Args:
        table: what was read.
        graded: whether answers are there to be graded, not to be counted.
    """
    if "correct" not in table.columns or "correct" in table.repeated:
        return table
    others = {"passed", "attempts", "successes", "count", *(() if graded else ("answer",))}
    if not others & set(table.names) and table.known_as("attempts") is None:
        table = table.with_column("passed", table.columns["correct"])
    if len(table.columns) == 1:
        return table
    return replace(table, columns={name: column for name, column in table.columns.items() if name != "correct"})


def graded(table: Table, scale: Scale, wanted: Wanted) -> Table:
    """The table with a verdict where none was recorded: whether the answer is the right one.

    Where there are both, the two are compared.

    Raises:
        DataError: there is nothing to compare, or more than `MOST_DIFFERENT` of the recorded verdicts are otherwise.
    """
    gold = next((name for name in GOLD if table.has(name)), None)
    name = "correct" if "correct" in table.columns else "passed"
    if gold is None or not table.has("answer"):
        raise table.error("--grade needs answers and right ones: expected columns answer and target (or gold)")
    same = equal(wanted.grade or "text")
    pairs = zip(table.texts(gold), table.texts("answer"), strict=True)
    found = np.array([right and answer and same(right, answer) for right, answer in pairs], bool)
    if name not in table.columns:
        table = table.with_column(name, coded_as(np.full(len(table), _NONE), _TEXTS))
    codes, values = table.coded(name)
    recorded = np.array([_by_scale(value, scale) for value in values])[codes]
    both, without = recorded >= 0, recorded == _NONE
    differ = int((found[both] != recorded[both].astype(bool)).sum())
    if differ > MOST_DIFFERENT * both.sum():
        raise table.error(
            f"--grade {wanted.grade} differs from {differ:,} of {both.sum():,} recorded verdicts: expected at most "
            f"{MOST_DIFFERENT:.0%}, so it is no stand-in for them"
        )
    if not without.any():
        return table.saying(f"--grade {wanted.grade} changes nothing: each of the {len(table):,} answers has a verdict")
    held = f"; it differs from {differ:,} of {both.sum():,} recorded verdicts" if both.any() else ""
    texts = list(dict.fromkeys((*_TEXTS, *values)))
    before = np.array([texts.index(value) for value in values])[codes]
    table = table.with_column(name, coded_as(np.where(without, found, before), texts))
    return table.saying(
        f"graded {number_of(int(without.sum()), 'answers that have')} no verdict by comparison with the right one{held}"
    )


def require_verdicts(table: Table, scale: Scale) -> None:
    """Refuse a table that has verdicts for none of its calls.

    Raises:
        NoVerdicts: there is none.
    """
    names = _verdict_columns(table)
    values = [value for name in names for value in table.coded(name)[1]]
    if names and all(scale.number(value) is None for value in values):
        raise NoVerdicts(f"no scored attempts ({len(table):,} without a score): expected at least one", table.file)


def _verdict_columns(table: Table) -> list[str]:
    return [name for name in VERDICTS if name in table.columns and name not in table.repeated]


def _ruled(table: Table, scale: Scale, wanted: Wanted) -> tuple[Table, Wanted]:
    """The table with verdicts by the rule that a person gave, which is then no longer wanted.

    Raises:
        DataError: a value of the rule is no verdict of the table: all would be wrong by it.
    """
    names = _verdict_columns(table)
    if wanted.right is None or not names:
        return table, wanted
    rule = Rule.parsed(wanted.right)
    values = list(dict.fromkeys(text for name in names for text in table.coded(name)[1] if text))
    if values and (unseen := rule.unseen(values, scale)):
        found = shown_list(values, _SHOWN)
        raise table.error(f"--right {rule.text}: no verdict is {shown_list(unseen, _SHOWN)} (found {found})")
    for name in names:
        table, _ = _judged(table, name, scale, rule)
    return table, replace(wanted, right=None)


def _judged(table: Table, name: str, scale: Scale, rule: Rule | None = None) -> tuple[Table, np.ndarray]:
    """A column of verdicts as true, false and null, and which rows have one."""
    codes, values = table.coded(name)
    meaning = [_by_scale(text, scale) if rule is None else rule.says(text, scale) for text in values]
    unknown = [text for text, what in zip(values, meaning, strict=True) if what == _UNKNOWN]
    if unknown:
        found = ", ".join(shown(text) for text in unknown[:_SHOWN]) + (
            f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
        )
        row = int((codes == values.index(unknown[0])).argmax())
        raise table.error(f"{name} = {found}: {_expected(values, scale, rule)}", row)
    judged_codes = np.array(meaning, np.int8)[codes]
    return table.with_column(name, coded_as(judged_codes, _TEXTS)), judged_codes >= 0


def _by_scale(text: str, scale: Scale) -> int:
    number = scale.number(text)
    if number is None:
        return _NONE
    return {1.0: _RIGHT, 0.0: _WRONG}.get(number, _UNKNOWN)


def _expected(values: Sequence[str], scale: Scale, rule: Rule | None) -> str:
    """What is said of values that are neither right nor wrong."""
    if rule is not None:
        return f"--right {rule.text!r} compares numbers: expected values with commas between them, as in --right C,P"
    graded = [text for text in values if _by_scale(text, scale) == _UNKNOWN and not math.isnan(scale.number(text) or 0)]
    words = [text for text in graded if text.strip().lower() in scale.values]
    right = [text for text in values if _by_scale(text, scale) == _RIGHT] or ["C"] if words else []
    likely = [shown(text)[1:-1] for text in values if text.strip().lower() in _LIKELY]
    named = ",".join([*right, *words] or likely) or "VALUE"
    way = "--right '>= 0.5'" if graded and not words else f"--right {named}"
    found = shown_list(values, _SHOWN)
    return f"expected 0 or 1, true or false; which count as right is to be said, as in {way} (found {found})"


def _without_empty_answers(table: Table, scale: Scale) -> Table:
    """The table with nothing where an answer says that there is none."""
    if not scale.no_answer or "answer" not in table.columns:
        return table
    answers = table.columns["answer"]
    known = pa.array(sorted(scale.no_answer), pa.large_string())
    empty = pc.is_in(pc.utf8_lower(pc.utf8_trim_whitespace(answers.dictionary)), known)
    if not pc.any(empty).as_py():
        return table
    codes = pc.fill_null(answers.indices, -1).to_numpy()
    none = np.append(empty.to_numpy(zero_copy_only=False), True)[codes]  # the last is for those without a value
    return table.with_column("answer", coded_as(np.where(none, -1, codes), answers.dictionary))


def _names(value: str, text: str, number: float) -> bool:
    """Whether a value of a rule is a verdict: by its text, or by the number that it counts."""
    return value == text.strip().lower() or _number(value) == number


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
