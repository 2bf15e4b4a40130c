"""What a posterior predicts of coverage: values, draws of them, and how far a further run may differ."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np

from jaxscale.estimators import Distinct, pass_at_k_per_query
from jaxscale.forecasting._grid import failure_factors
from jaxscale.forecasting._noise import rerun_variance_within
from jaxscale.forecasting._posterior import QueryPosterior, solved_between
from jaxscale.forecasting._result import ForecastModel
from jaxscale.forecasting._rivals import loglog_line

Over = Literal["these", "population"]

_STEPS = 4  # a decade, at which a curve is looked at so that it does not fall


class Prediction(NamedTuple):
    """What is predicted at (budgets,) numbers of calls.

    Attributes:
        value: (budgets,) mean over queries.
        draws: (draws, budgets) posterior draws of it; one row where nothing is uncertain but the noise.
        variance: (budgets,) of what is to be measured about each draw, or (draws, budgets).
        step: (budgets,) spacing of the values that what is to be measured can take.
        model: what was used.
        per_query: (queries, budgets) prediction of each query; None for these very queries.
        posterior_variance: (budgets,) as `Forecast` has it.
    """

    value: np.ndarray
    draws: np.ndarray
    variance: np.ndarray
    step: np.ndarray
    model: ForecastModel
    per_query: np.ndarray | None = None
    posterior_variance: np.ndarray | None = None


def predict_recorded(pairs: Distinct, posterior: QueryPosterior, k: np.ndarray, over: Over) -> Prediction:
    """Predict coverage for k up to the fewest attempts: the unbiased estimate, and how far a further run differs.

    Args:
        pairs: the distinct queries, without padding: values are the same to the last bit, pooled or not.
        posterior: of the same queries.
        k: (budgets,) numbers of calls.
        over: as for `forecast`.
    """
    queries = int(pairs.queries.sum())
    per_pair = pass_at_k_per_query(pairs.attempts, pairs.successes, k)
    value = pairs.queries @ per_pair / queries
    model = ForecastModel("auto", {}, posterior.shares)
    if over == "population":
        variance = variance_over_queries(value, pairs.queries @ np.square(per_pair) / queries, queries)
        none = np.zeros(len(k))
        return Prediction(value, value[None], variance, none, model, per_pair[pairs.pair], none)
    variance = posterior.queries @ rerun_variance_within(posterior.density, posterior.attempts, k) / queries**2
    mean_attempts = pairs.queries @ pairs.attempts / queries
    return Prediction(value, value[None], variance, k / mean_attempts / queries, model)


def looked_at(attempts: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Numbers of calls at which a posterior is needed to predict coverage at some: these, and steps up to beyond them.

    Args:
        attempts: (queries,) that were recorded.
        k: numbers of calls.

    Returns:
        Increasing whole numbers.
    """
    return np.union1d(k, _steps(attempts, k))


def _steps(attempts: np.ndarray, k: np.ndarray) -> np.ndarray:
    """Numbers of calls from the fewest attempts to beyond the most calls, whichever these are."""
    fewest, most = int(attempts.min()), int(k.max())
    number = 1 + max(math.ceil(_STEPS * math.log10(most / fewest)), 0)
    return np.unique(np.ceil(fewest * 10 ** (np.arange(number + 1) / _STEPS)).astype(np.int64))


def predict_beyond(
    pairs: Distinct, posterior: QueryPosterior, calls: np.ndarray, k: np.ndarray, over: Over
) -> Prediction:
    """Predict coverage beyond the fewest attempts of a query.

    The posterior is averaged with the line of log(-log pass@k) on log k, which takes a half of the weight one decade
    beyond what the data reach, and more the farther, as what the bulk of the queries says of the tail is worth less.
    Where the line is below the posterior that average may fall, which coverage cannot: what it came to at fewer calls,
    looked at in steps, is kept.

    Args:
        pairs: the distinct queries, without padding.
        posterior: of the same queries, at `calls`.
        calls: what `looked_at` returned.
        k: (budgets,) numbers of calls among these, above the fewest attempts.
        over: as for `forecast`.

    Source:
        docs/mathematics.md, "Forecasts by several laws"; [Schaeffer25] on why curves of many queries are power laws.
    """
    n, counts, total = posterior.attempts, posterior.queries, posterior.queries.sum()
    failed = posterior.successes == 0
    line = loglog_line(pairs)
    # The line's share at each number of calls.
    decades = np.maximum(np.log10(calls / posterior.reach), 0.0)
    followed = (
        np.zeros(len(calls)) if line is None else np.where(decades < 1, decades / 2, 1 - 0.5 / np.maximum(decades, 1.0))
    )

    # Query by query: the unbiased estimate where k is within its attempts, else 1, or the chance of a later success.
    at = np.searchsorted(calls, k)
    recorded = pass_at_k_per_query(n, posterior.successes, k)
    later = posterior.solved_later[:, at]
    if line is not None:
        along = solved_between(
            *(-np.expm1(-line[0] * x ** -line[1]) for x in (calls.astype(float), n[failed].astype(float)))
        )
        mixed = posterior.solved_later[failed]
        mixed = mixed + followed * np.where(calls > n[failed, None], along.T - mixed, 0.0)
        later[failed] = _rising(mixed, calls, _steps(n, k), k)
    per_row = recorded + later
    value = counts @ per_row / total
    draws = counts @ recorded / total + posterior.draws[:, at]

    last = float(followed[at].max())
    weights = {name: each * (1 - last) for name, each in posterior.shares.items()}
    if line is not None:
        weights = {"loglog": last, **weights}
    model = ForecastModel("auto", {} if line is None else {"coefficient": line[0], "exponent": line[1]}, weights)

    # A further run of k calls at a query fails with probability f given what was recorded of it.
    f, twice = (posterior.density @ failure_factors(further).T for further in (k, 2 * k))
    # Values are counts of queries, and so many queries do not tell a coverage of 1 from one a little below.
    step = np.full(len(k), 1 / total)
    if over == "these":
        return Prediction(value, draws, _rerun_variance(posterior, k, f, per_row, draws), step, model)

    # A failed query is solved nearly always or hardly ever, which the average predicted of its like does not show: the
    # ratio of the second moment of 1 - (1-p)^k to the first is that of the laws.
    apart = np.where(failed[:, None] & (k > n[:, None]), (1 - 2 * f + twice) / np.maximum(1 - f, 1e-12), per_row)
    squares = counts @ (per_row * apart) / total
    variance = variance_over_queries(value, squares, int(total))
    # What is predicted of a query varies less than its true chance; and laws and line may disagree.
    within = np.maximum(squares - counts @ np.square(per_row) / total, 0.0) / total
    posterior_variance = within + draws.var(axis=0) + np.square(value - draws.mean(axis=0))
    step *= 1 - n.min() / k
    return Prediction(value, draws, variance, step, model, per_row[posterior.row], posterior_variance)


def _rising(values: np.ndarray, calls: np.ndarray, steps: np.ndarray, k: np.ndarray) -> np.ndarray:
    """(rows, budgets) values at k, neither below what a step before came to nor above what steps up to the next do."""
    reached = np.maximum.accumulate(values[:, np.searchsorted(calls, steps)], axis=1)
    before, after = np.searchsorted(steps, k, side="right") - 1, np.searchsorted(steps, k)
    found: np.ndarray = np.clip(values[:, np.searchsorted(calls, k)], reached[:, before], reached[:, after])
    return found


def variance_over_queries(value: np.ndarray, squares: np.ndarray, queries: int) -> np.ndarray:
    """Variance of a mean over sampled queries, from the mean and the mean square of the chance of each.

    One pseudo-query is solved and one failed in a half each: equal queries do not make a sample certain.
    """
    spread = queries * np.maximum(squares - value**2, 0.0) + value**2 + (1 - value) ** 2
    return spread / (queries + 1) ** 2


def _rerun_variance(
    posterior: QueryPosterior, k: np.ndarray, failing: np.ndarray, per_row: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    """(draws, budgets) variance of the mean of a further run, whose calls at a row all fail with chance `failing`."""
    n, failed = posterior.attempts[:, None], posterior.successes == 0
    # Within n attempts both values average over subsets, with at most k/n of one run's variance (Hoeffding).
    once = (1 - failing) * np.square(1 - per_row) + failing * np.square(per_row)
    noise = np.where(k > n, once, 2 * np.minimum(k / n, 1.0) * failing * (1 - failing))
    of_solved, of_failed = (
        (posterior.queries * rows) @ noise / posterior.queries.sum() ** 2 for rows in (~failed, failed)
    )
    # Of queries that failed, a draw that leaves fewer of them has less of it.
    left = 1 - draws
    variance: np.ndarray = of_solved + of_failed * left / np.maximum(left.mean(axis=0), 1e-12)
    return variance
