"""The vote curve of a data set with easy and hard queries, two answers each: its shape and its best point."""

import math

import numpy as np

from jaxscale._checks import check


def curve_shape(easy_share: float, p_easy: float, p_hard: float) -> str:
    r"""How the accuracy of a vote changes with the number of calls, where a share of the queries is easy.

    F(K + 2) - F(K) has the sign of alpha (p1 (1 - p1))^h (2 p1 - 1) - (1 - alpha) (p2 (1 - p2))^h (1 - 2 p2),
    h = (K + 1) / 2: it changes sign at most once, and which way depends on whether p1 + p2 exceeds 1.

    Args:
        easy_share: alpha, share of easy queries, in [0, 1].
        p_easy: p1, success probability of one call to an easy query, in (1/2, 1].
        p_hard: p2, the same for a hard query, in [0, 1/2).

    Returns:
        "rises", "falls", "rises then falls", "falls then rises" or "flat".

    Raises:
        ValueError: for arguments outside these ranges.

    Source:
        docs/mathematics.md, "Two answers" (Theorem 2 of [Chen24], corrected).

    Example:
        >>> curve_shape(0.6, 0.85, 0.4), curve_shape(0.4, 0.65, 0.1)
        ('rises then falls', 'falls then rises')
    """
    first, last = _ends(easy_share, p_easy, p_hard)
    if first == last == 0:
        return "flat"
    if first >= 0 and last >= 0:
        return "rises"
    if first <= 0 and last <= 0:
        return "falls"
    return "rises then falls" if first > 0 else "falls then rises"


def best_calls(easy_share: float, p_easy: float, p_hard: float) -> float:
    """The number of calls at which a vote is most accurate, where a share of the queries is easy.

    For a curve that rises and then falls it is the smallest odd K >= K* - 1,
    K* = 2 log[alpha / (1 - alpha) (2 p1 - 1) / (1 - 2 p2)] / log[p2 (1 - p2) / (p1 (1 - p1))].

    Args:
        easy_share: alpha, share of easy queries, in [0, 1].
        p_easy: success probability of one call to an easy query, in (1/2, 1].
        p_hard: the same for a hard query, in [0, 1/2).

    Returns:
        An odd int, or `math.inf` where more calls always help; 1 where they never do. For a curve that falls and then
        rises: inf if its limit, alpha, beats one call, else 1.

    Raises:
        ValueError: for arguments outside these ranges.

    Source:
        docs/mathematics.md, "Two answers"; Theorem 4 of [Chen24].

    Example:
        >>> best_calls(0.6, 0.85, 0.4)
        5
    """
    shape = curve_shape(easy_share, p_easy, p_hard)
    if shape in ("falls", "flat"):
        return 1
    if shape == "rises":
        return math.inf
    if shape == "falls then rises":
        one_call = easy_share * p_easy + (1 - easy_share) * p_hard
        return math.inf if easy_share > one_call else 1
    # The curve rises from K to K + 2 while step(h) > 0, h = (K + 1) / 2, and step changes sign once.
    gain, loss = easy_share * (2 * p_easy - 1), (1 - easy_share) * (1 - 2 * p_hard)
    h = math.log(gain / loss) / math.log(p_hard * (1 - p_hard) / (p_easy * (1 - p_easy)))
    return max(1, 2 * math.ceil(h - 1e-12) - 1)


def _ends(easy_share: float, p_easy: float, p_hard: float) -> tuple[float, float]:
    """The sign of the curve's first step (from 1 to 3 calls) and of its last ones."""
    check("easy_share", easy_share, "a share in [0, 1]", 0 <= easy_share <= 1)
    check("p_easy", p_easy, "a probability in (1/2, 1]", 0.5 < p_easy <= 1)
    check("p_hard", p_hard, "a probability in [0, 1/2)", 0 <= p_hard < 0.5)
    gain, loss = easy_share * (2 * p_easy - 1), (1 - easy_share) * (1 - 2 * p_hard)
    easy, hard = p_easy * (1 - p_easy), p_hard * (1 - p_hard)
    first = np.sign(gain * easy - loss * hard)
    # In the long run the group nearer to 1/2 decides, unless there is none of it or it is certain.
    rising, falling = gain * easy > 0, loss * hard > 0
    if not (rising and falling):
        last = float(rising) - float(falling)
    else:
        last = np.sign(easy - hard) or np.sign(gain - loss)
    return float(first), float(last)
