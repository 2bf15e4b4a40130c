"""Votes over calls drawn without replacement from recorded ballots: unbiased, exact, in float64."""

import jax.numpy as jnp
import numpy as np

from jaxscale._arrays import float64
from jaxscale.data import Ballots
from jaxscale.plurality._count_laws import HYPERGEOMETRIC, binomial_pmf
from jaxscale.plurality._vote import winning_votes


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
    return _accuracy(ballots.counts, ballots.correct, _blank(ballots), ballots.calls, calls)


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
    result = _accuracy(kept, ballots.correct, recorded - kept.sum(axis=1), recorded, calls)

    dropped, blank = ballots.counts - kept, _blank(ballots) - ballots.kept_blank
    total = dropped.sum(axis=1) + blank
    with float64():
        k, n, d = (jnp.asarray(x, jnp.float64) for x in (calls[:, None], recorded, total))
        rate = k / n
        none = binomial_pmf(k, d, rate) * binomial_pmf(0.0, n - d, rate) / binomial_pmf(k, n, rate)
        none_kept = np.asarray(none)
    fallback = _accuracy(dropped, ballots.correct, blank, recorded, calls)
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
    right = ballots.correct & (ballots.counts > 0)
    if ballots.greedy_correct is None:
        single = np.where(right, ballots.counts, 0).sum(axis=1) / ballots.calls
    else:
        single = ballots.greedy_correct.astype(np.float64)

    right_wins = _accuracy(ballots.counts, right, _blank(ballots), ballots.calls, calls, least)
    none = np.zeros(len(ballots), np.int64)
    any_wins = _votes(none, ballots.counts, _blank(ballots), ballots.calls, calls, least, every=True)
    return right_wins + (1 - any_wins) * single


def check_recorded(ballots: Ballots, calls: np.ndarray) -> None:
    """Refuse more calls than some query has ballots.

    Raises:
        ValueError: naming the query.
    """
    recorded = ballots.calls
    fewest = int(recorded.argmin())
    if (calls > recorded[fewest]).any():
        label = f"{ballots.query[fewest]!r}" if ballots.query is not None else f"at index {fewest}"
        raise ValueError(
            f"calls = {int(calls.max())}: query {label} has {recorded[fewest]} ballots; "
            "forecast_votes goes beyond what was recorded"
        )


def _blank(ballots: Ballots) -> np.ndarray:
    return np.zeros(len(ballots), np.int64) if ballots.blank is None else ballots.blank


def _accuracy(
    counts: np.ndarray, right: np.ndarray, free: np.ndarray, recorded: np.ndarray, calls: np.ndarray, least=None
) -> np.ndarray:
    """Probability that a right answer wins, (budgets, queries): each right answer against all others, added up."""
    query, answer = np.nonzero(right & (counts > 0))
    result = np.zeros((len(calls), len(counts)))
    if len(query):
        lead = counts[query, answer]
        rivals = counts[query]
        rivals[np.arange(len(query)), answer] = 0
        wins = _votes(lead, rivals, free[query], recorded[query], calls, least, every=False)
        for column, values in zip(query, wins.T, strict=True):
            result[:, column] += values
    return result


def _votes(
    lead: np.ndarray,
    rivals: np.ndarray,
    free: np.ndarray,
    recorded: np.ndarray,
    calls: np.ndarray,
    least: np.ndarray | None,
    *,
    every: bool,
) -> np.ndarray:
    """Probability that the lead wins, or any answer if `every`: distinct rows only, by number of rivals."""
    rivals = -np.sort(-rivals, axis=1)
    rows, back = np.unique(np.column_stack([lead, free, recorded, rivals]), axis=0, return_inverse=True)
    lead, free, recorded, rivals = rows[:, 0], rows[:, 1], rows[:, 2], rows[:, 3:]
    # Few shapes, because each is compiled: eight rivals or 64, or 512, ..., rows by the power of two, and always a
    # free count, needed or not.
    width = np.maximum((rivals > 0).sum(axis=1), 1)
    level = np.ceil(np.log(width) / np.log(8) - 1e-9).astype(int)
    result = np.zeros((len(calls), len(rows)))
    for size in np.unique(np.maximum(level, 1)):
        chosen = np.flatnonzero(np.maximum(level, 1) == size)
        filled = np.pad(chosen, (0, max(64, 1 << (len(chosen) - 1).bit_length()) - len(chosen)), mode="edge")
        sizes = np.zeros((len(filled), 1 + 8 ** int(size)))
        sizes[:, 0] = lead[filled]
        present = rivals[filled, : 8 ** int(size)]
        sizes[:, 1 : 1 + present.shape[1]] = present
        with float64():
            values = winning_votes(
                HYPERGEOMETRIC,
                jnp.asarray(sizes),
                calls,
                free=jnp.asarray(free[filled], jnp.float64),
                least=least,
                recorded=recorded[filled],
                every=every,
            )
            result[:, chosen] = np.asarray(values.sum(axis=-1) if every else values)[:, : len(chosen)]
    # Rounding may leave the range of probabilities by 1e-16.
    return result[:, back.reshape(-1)].clip(0, 1)
