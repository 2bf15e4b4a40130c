"""How sure it is that one choice comes out ahead of another: query by query where both are at the same queries."""

import math

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from jaxscale.forecasting import Forecast, select
from jaxscale.planning._candidate import Curve

_QUANTILES = (np.arange(200) + 0.5) / 200
# Of the draws behind the interval of a pooled forecast half are the pool's, which its groups share.
_POOLED = 0.5
_MOST_CORRELATED = 0.99


def standard_error(one: Curve, index: int, other: Curve, place: int) -> float:
    """The standard error of the difference of two curves, each at one of its numbers of calls.

    Over a population of queries that both were asked: of the mean of the differences query by query, and of what is
    predicted of them beyond what was recorded. For these queries: as if the noise of further runs were independent. In
    both, what groups learn from one another counts once.

    Args:
        one: a curve.
        index: the place of its number of calls.
        other: another curve.
        place: the place of its number of calls.

    Source:
        docs/mathematics.md, "Comparing on the same queries"; [Miller24].
    """
    shared = _shared_variance(one.forecast, index, other.forecast, place)
    if not _paired(one, other):
        noise = _deviation(one.forecast)[index] ** 2 + _deviation(other.forecast)[place] ** 2
        return math.sqrt(max(noise - 2 * shared, 0.0))
    differences = one.forecast.per_query[:, index] - other.forecast.per_query[:, place]  # type: ignore[index]
    queries, mean = len(differences), differences.mean()
    # One query more at which both are alike: a few that all differ by as much do not make the difference certain.
    squares = np.square(differences - mean).sum() + mean**2 * queries / (queries + 1)
    sampled = squares / (max(queries - 1, 1) * queries)
    unknown = float(one.forecast.posterior_variance[index] + other.forecast.posterior_variance[place])  # type: ignore
    return math.sqrt(max(sampled + unknown - 2 * shared, 0.0))


def probability_ahead(one: Curve, index: int, other: Curve, place: int) -> float:
    """The probability that the first curve comes out ahead of the other; arguments as in `standard_error`.

    Returns:
        Over a population of queries that both were asked, by Student's law of the mean difference; otherwise by the
        laws of both as their intervals have them, correlated where the groups learnt from one another.
    """
    first, second = (select(curve.forecast, np.array([at])) for curve, at in ((one, index), (other, place)))
    if _paired(one, other):
        difference, error = float(first.value[0] - second.value[0]), standard_error(one, index, other, place)
        if error == 0:
            return 0.5 if difference == 0 else float(difference > 0)
        return float(stdtr(max(len(one.candidate.data) - 1, 1), difference / error))
    beaten = first.probability_at_least(second.quantiles(_QUANTILES)).reshape(-1)
    product = float(_deviation(first)[0] * _deviation(second)[0])
    shared = _shared_variance(first, 0, second, 0)
    if shared == 0 or product == 0:
        return float(beaten.mean())
    correlation = min(shared / product, _MOST_CORRELATED)
    needed = ndtri(1 - np.clip(beaten, 1e-15, 1 - 1e-15))
    return float(ndtr((correlation * ndtri(_QUANTILES) - needed) / math.sqrt(1 - correlation**2)).mean())


def _paired(one: Curve, other: Curve) -> bool:
    """Whether both are forecasts over a population, of which they were asked the same queries in the same order."""
    if {one.forecast.over, other.forecast.over} != {"population"}:
        return False
    data, others = one.candidate.data, other.candidate.data
    return data is others or (data.query is not None and data.query == others.query)


def _deviation(forecast: Forecast) -> np.ndarray:
    """The standard deviations that intervals stand for."""
    return (forecast.upper - forecast.lower) / (2 * ndtri((1 + forecast.level) / 2))


def _shared_variance(first: Forecast, index: int, second: Forecast, place: int) -> float:
    """The covariance of two forecasts that rest on draws from one posterior, 0 where they do not."""
    if first.joint is None or second.joint is None or first.joint.pool is not second.joint.pool:
        return 0.0
    draws = first.joint.draws[:, index], second.joint.draws[:, place]
    return max(_POOLED * float(np.cov(*draws)[0, 1]), 0.0)
