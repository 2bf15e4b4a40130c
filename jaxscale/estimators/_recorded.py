"""Votes over calls drawn without replacement from recorded ballots: unbiased, exact, in float64."""

import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import float64
from jaxscale.data import Ballots
from jaxscale.estimators._limits import check_recorded
from jaxscale.plurality import Rows, binomial_pmf, drawn_votes


def ballots_vote(ballots: Ballots, calls: np.ndarray) -> np.ndarray:
    """Probability that Vote is right with k of the recorded calls of each query.

    Args:
        ballots: what was recorded; blank calls never win.
        calls: k, whole numbers in [1, fewest recorded calls of a query], shape (budgets,).

    Returns:
        Shape (budgets, queries), float64.

    Raises:
        ValueError: naming the query that has fewer ballots than calls.

    Source:
        docs/mathematics.md, "Many answers": Binomial(n_j, k / n) counts conditioned on their total.

    Example:
        >>> ballots_vote(Ballots([[2, 1]], [[True, False]]), np.array([1, 3])).round(6).tolist()
        [[0.666667], [1.0]]
    """
    check_recorded(ballots, calls)
    return _accuracy(ballots.counts, ballots.worth, _blank(ballots), calls)


def ballots_filter_vote(ballots: Ballots, calls: np.ndarray) -> np.ndarray:
    """The same for Filter-Vote: over the kept calls, or over all of them where none was kept.

    Args:
        ballots: what was recorded, `kept_counts` included; a kept blank call counts as kept.
        calls: numbers of answers, whole numbers in [1, fewest recorded calls of a query], shape (budgets,).

    Returns:
        Shape (budgets, queries), float64.

    Raises:
        ValueError: where nothing says what was kept, or a query has fewer ballots than calls.

    Source:
        docs/mathematics.md, "Filtered votes".

    Example:
        >>> ballots = Ballots([[1, 2]], [[True, False]], kept_counts=[[1, 0]])
        >>> ballots_filter_vote(ballots, np.array([1, 2])).round(6).tolist()
        [[0.333333], [0.666667]]
    """
    if ballots.kept_counts is None or ballots.kept_blank is None:
        raise ValueError("kept_counts = None: FilterVote needs to know which ballots the filter kept")
    check_recorded(ballots, calls)
    recorded, kept = ballots.calls, ballots.kept_counts
    result = _accuracy(kept, ballots.worth, recorded - kept.sum(axis=1), calls)

    dropped, blank = ballots.counts - kept, _blank(ballots) - ballots.kept_blank
    total = dropped.sum(axis=1) + blank
    with float64():
        k, n, d = (jnp.asarray(x, jnp.float64) for x in (calls[:, None], recorded, total))
        rate = k / n
        none = binomial_pmf(k, d, rate) * binomial_pmf(0.0, n - d, rate) / binomial_pmf(k, n, rate)
        none_kept = np.asarray(none)
    fallback = _accuracy(dropped, ballots.worth, blank, calls)
    return result + none_kept * fallback


def ballots_routed_vote(ballots: Ballots, calls: np.ndarray, least: np.ndarray) -> np.ndarray:
    """The same for a vote that falls back to a single call if the majority answer has fewer than `least` votes.

    Args:
        ballots: what was recorded; the single call is the greedy one, or else any recorded call of the query.
        calls: whole numbers in [1, fewest recorded calls of a query], shape (budgets,).
        least: votes needed, shape (budgets,).

    Returns:
        Shape (budgets, queries), float64.

    Raises:
        ValueError: naming the query that has fewer ballots than calls.

    Source:
        docs/mathematics.md, "Weighted, routed and adaptive votes".

    Example:
        >>> ballots_routed_vote(Ballots([[2, 2]], [[True, False]]), np.array([2]), np.array([2])).round(6).tolist()
        [[0.5]]
    """
    check_recorded(ballots, calls)
    if ballots.greedy_correct is None:
        single = ballots.right_calls / ballots.calls
    else:
        single = ballots.greedy_correct.astype(np.float64)

    right_wins = _accuracy(ballots.counts, ballots.worth, _blank(ballots), calls, least)
    any_wins = _accuracy(ballots.counts, np.ones_like(ballots.worth), _blank(ballots), calls, least)
    return right_wins + (1 - any_wins) * single


def _blank(ballots: Ballots) -> np.ndarray:
    return np.zeros(len(ballots), np.int64) if ballots.blank is None else ballots.blank


def _accuracy(
    counts: np.ndarray, worth: np.ndarray, free: np.ndarray, calls: np.ndarray, least: np.ndarray | None = None
) -> np.ndarray:
    """What the answer that wins is worth, (budgets, queries): each right answer against all others, added up.

    Right answers that were given equally often win equally often, and queries whose counts are equal are one.
    """
    # Where each distinct vote occurs: the query, and what its answers that were given so often are worth in all.
    found: dict[tuple[int, int, bytes, bytes], list[tuple[int, float]]] = {}
    for query, (row, value, never) in enumerate(zip(counts, worth, free.tolist(), strict=True)):
        valued = (value > 0) & (row > 0)
        leads, kind = np.unique(row[valued], return_inverse=True)
        sums = np.bincount(kind, value[valued], len(leads))
        values, copies = (array[::-1] for array in np.unique(row[row > 0], return_counts=True))
        for lead, total in zip(leads.tolist(), sums.tolist(), strict=True):
            others = copies - (values == lead)
            vote = lead, never, values[others > 0].tobytes(), others[others > 0].tobytes()
            found.setdefault(vote, []).append((query, total))
    result = np.zeros((len(calls), len(counts)))
    budgets, at, back = np.unique(calls, return_index=True, return_inverse=True)
    needed = None if least is None else least[at]
    by_width: dict[int, list[tuple[int, int, bytes, bytes]]] = {}
    for vote in found:
        by_width.setdefault((len(vote[2]) // 8).bit_length(), []).append(vote)
    for votes in by_width.values():
        lead, never, values_of, copies_of = zip(*votes, strict=True)
        rows = Rows(np.array(lead), _rectangle(values_of), _rectangle(copies_of), np.array(never))
        for vote, wins in zip(votes, drawn_votes(rows, budgets, needed).T, strict=True):
            for query, total in found[vote]:
                result[:, query] += total * wins[back]
    return result


def _rectangle(rows: tuple[bytes, ...]) -> np.ndarray:
    arrays = [np.frombuffer(row, np.int64) for row in rows]
    result = np.zeros((len(arrays), max(map(len, arrays))), np.int64)
    for line, array in zip(result, arrays, strict=True):
        line[: len(array)] = array
    return result
