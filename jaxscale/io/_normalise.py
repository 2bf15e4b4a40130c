"""Answers that mean the same, written alike: an optional step that a person asks for."""

import re
from fractions import Fraction

_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII)
_FRACTION = re.compile(r"([+-]?\d+)\s*/\s*([+-]?\d+)", re.ASCII)
_LONGEST_NUMBER = 100


def normalise(answer: str) -> str:
    """Write an answer in one way: trimmed, lower case, and a number or fraction of integers as its exact value.

    Thousands separators are dropped ("1,234" is 1234, "1,23" stays as it is).

    Args:
        answer: the answer as recorded.

    Returns:
        the same string for all spellings of one answer; the empty string for an answer of blanks.

    >>> [normalise(answer) for answer in (" Yes", "1,000.50", "2/4", ".5", "5e-1")]
    ['yes', '2001/2', '1/2', '1/2', '1/2']
    """
    answer = answer.strip().casefold()
    if len(answer) > _LONGEST_NUMBER:
        return answer
    number = answer.replace(",", "") if _GROUPED.fullmatch(answer) else answer
    if _NUMBER.fullmatch(number):
        return str(Fraction(number))
    fraction = _FRACTION.fullmatch(number)
    if fraction and int(fraction[2]) != 0:
        return str(Fraction(int(fraction[1]), int(fraction[2])))
    return answer
