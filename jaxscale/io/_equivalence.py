"""Answers that mean the same: as written, as text, or as mathematics, which a person asks for."""

import functools
import importlib.util
import logging
import re
import threading
import unicodedata
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from jaxscale._checks import ArgumentError

EQUIVALENCE = ("none", "text", "math")
"""What equal answers are: those written alike, of the same text, or of the same value."""

_GROUPED = re.compile(r"[+-]?\d{1,3}([, ]\d{3})+(\.\d*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII)
_FRACTION = re.compile(r"([+-]?\d+)\s*/\s*([+-]?\d+)", re.ASCII)
_LETTER = re.compile(r"\(([a-z])\)")
_LONGEST_NUMBER = 100
_LONGEST_FORMULA = 1000
_MINUS = "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d"


def checked_equivalence(value: str, argument: str, names: tuple[str, ...] = EQUIVALENCE) -> str:
    """One of the names of an equivalence.

    Raises:
        ValueError: naming the argument and what was expected; or the package that `math` needs.
    """
    if value not in names:
        raise ArgumentError(argument, value, f"one of {', '.join(names)}")
    if value == "math":
        try:
            import math_verify  # noqa: F401
        except ImportError:
            found = " = 'math': needs the package math-verify"
            expected = "it to be installed, as by pip install 'jaxscale[math]'"
            raise ArgumentError(argument, value, expected, found=found) from None
    return value


def grading() -> str:
    """The option by which answers can be graded here, for a message that proposes it."""
    if importlib.util.find_spec("math_verify") is not None:
        return "--grade math (or text)"
    return "--grade text (or math, after pip install 'jaxscale[math]')"


def same_text(answer: str) -> str:
    """Write an answer in one way: trimmed, in small letters, and a number or fraction of integers as its exact value.

    Characters are composed (NFC), digits of any script, letters of full width, minus signs and spaces of any kind are
    those of ASCII. Separators of thousands are dropped ("1,234" and "1 234" are 1234, "1,23" stays as it is), and so
    are the brackets of a choice ("(B)").

    Args:
        answer: the answer as recorded.

    Returns:
        the same string for all spellings of one answer; the empty string for an answer of blanks.

    >>> [same_text(answer) for answer in (" Yes", "1,000.50", "2/4", ".5", "\u22125", "\uff15", "(B)")]
    ['yes', '2001/2', '1/2', '1/2', '-5', '5', 'b']
    """
    if not answer.isascii():
        answer = "".join(map(_plain, unicodedata.normalize("NFC", answer)))
    answer = " ".join(answer.split()).casefold()
    if len(answer) > _LONGEST_NUMBER:
        return answer
    number = answer.replace(",", "").replace(" ", "") if _GROUPED.fullmatch(answer) else answer
    if _NUMBER.fullmatch(number):
        return str(Fraction(number))
    fraction = _FRACTION.fullmatch(number)
    if fraction and int(fraction[2]) != 0:
        return str(Fraction(int(fraction[1]), int(fraction[2])))
    letter = _LETTER.fullmatch(answer)
    return letter[1] if letter else answer


def spelling(equivalence: str) -> Callable[[str], str]:
    """What writes answers that mean the same alike, where that can be told from each alone."""
    spellings: dict[str, Callable[[str], str]] = {"none": str, "text": same_text, "math": _value}
    return spellings[equivalence]


def equal(equivalence: str) -> Callable[[str, str], bool]:
    """Whether the second answer is the first, which is the right one."""
    if equivalence == "math":
        return _same_value
    return lambda gold, answer: same_text(gold) == same_text(answer)


def _plain(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if "\uff01" <= character <= "\uff5e":
        character = chr(ord(character) - 0xFEE0)
    return "-" if character in _MINUS else " " if character.isspace() else character


def _patience() -> int | None:
    """Seconds for one formula, such as 9^9^9^9; signals, which stop it, come to the main thread alone."""
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    return 3 if threading.current_thread() is threading.main_thread() else None


@functools.lru_cache(maxsize=2**16)
def _formula(answer: str) -> Any:
    """What math-verify makes of an answer; empty where it is no mathematics."""
    import math_verify

    if len(answer) > _LONGEST_FORMULA or (answer.strip().isalpha() and len(answer.strip()) > 1):
        return []  # a word is no product of its letters
    plain = "".join(map(_plain, unicodedata.normalize("NFC", answer)))
    written = plain if "$" in plain or "\\boxed" in plain else f"${plain}$"
    try:
        return math_verify.parse(written, parsing_timeout=_patience()) or math_verify.parse(
            plain, parsing_timeout=_patience()
        )
    except Exception:  # whatever a text that is no formula raises in it
        return []


@functools.lru_cache(maxsize=2**16)
def _value(answer: str) -> str:
    """The exact value of an answer that is a number; else its text."""
    text = same_text(answer)
    if _FRACTION.fullmatch(text) or _NUMBER.fullmatch(text):
        return text
    found = _formula(answer)
    number = found[0] if found else None
    if getattr(number, "is_Rational", False):
        return str(number)
    if getattr(number, "is_Float", False):
        return str(Fraction(str(number)))
    return text


@functools.lru_cache(maxsize=2**16)
def _same_value(gold: str, answer: str) -> bool:
    if _value(gold) == _value(answer):
        return True
    left, right = _formula(gold), _formula(answer)
    if not left or not right:
        return False
    import math_verify

    try:
        return bool(math_verify.verify(left, right, timeout_seconds=_patience()))
    except Exception:  # as above
        return False
