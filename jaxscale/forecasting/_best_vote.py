"""The best number of calls for a vote, within what was recorded and beyond it."""

import dataclasses

import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale.estimators import RESAMPLES, BestMajority, VoteCurve, bootstrap_weights
from jaxscale.forecasting._result import Forecast

MARGIN = 0.005
"""By how much a forecast must be ahead to count: less is nothing that it could tell apart."""


def best_vote(
    recorded: VoteCurve, forecast: Forecast, *, resamples: int = RESAMPLES, key: PRNGKeyArray | None = None
) -> BestMajority:
    """The best number of calls on the recorded curve and, where it is ahead by more than 0.005, on the forecast.

    On the forecast it is the fewest calls within 0.005 of the highest value; or the last one, where accuracy still
    rises by more than that from half as many calls to there. The interval comes from a bootstrap over queries, in which
    each resample looks for its own best; the gain of a forecast carries the forecast's interval too.

    Args:
        recorded: what `vote_curve` returned.
        forecast: what `forecast` returned for the same ballots and system, at calls beyond the recorded ones.
        resamples: bootstrap resamples of the queries.
        key: a typed JAX key, of the resampling; None stands for jax.random.key(0).

    Returns:
        The best number of calls; its `last` is the most that was looked at.

    Example:
        >>> from jaxscale.estimators import vote_curve
        >>> from jaxscale.forecasting import forecast
        >>> from jaxscale.data import Ballots
        >>> from jaxscale.systems import Vote
        >>> ballots = Ballots([[8, 4]] * 9 + [[5, 7]], [[True, False]] * 10)
        >>> best_vote(vote_curve(ballots), forecast(Vote(), ballots, [20, 40, 80])).forecast
        True
    """
    beyond = forecast.kind == "forecast"
    if not beyond.any() or forecast.per_query is None:
        return recorded.best
    inside = recorded.estimate.calls <= recorded.shape.last
    ahead, chosen = np.unique(forecast.calls[beyond], return_index=True)
    k = np.concatenate([recorded.estimate.calls[inside], ahead])
    queries = np.concatenate([recorded.per_query[:, inside], forecast.per_query[:, beyond][:, chosen]], axis=1)
    curves = queries.T @ np.column_stack(
        [np.full(len(queries), 1 / len(queries)), bootstrap_weights(len(queries), resamples, key)]
    )
    first = int(inside.sum())
    places = _best_places(k, curves, first)
    best, level = int(places[0]), recorded.best.level
    tails = (1 - level) / 2, (1 + level) / 2
    lower, upper = np.quantile(k[places[1:]], tails, method="nearest").tolist()
    found = dataclasses.replace(
        recorded.best, lower=min(int(lower), int(k[best])), upper=max(int(upper), int(k[best])), last=int(k[-1])
    )
    if best < first:
        return found
    gains = curves[best] - curves[0]
    low, high = np.quantile(gains[1:], tails)
    at = np.flatnonzero(forecast.calls == k[best])[0]
    below, above = forecast.value[at] - forecast.lower[at], forecast.upper[at] - forecast.value[at]
    return dataclasses.replace(
        found,
        calls=int(k[best]),
        gain=float(gains[0]),
        gain_lower=float(gains[0] - np.hypot(gains[0] - low, below)),
        gain_upper=float(gains[0] + np.hypot(high - gains[0], above)),
        forecast=True,
    )


def _best_places(k: np.ndarray, curves: np.ndarray, first: int) -> np.ndarray:
    """The place of the best of increasing `k` in each column of `curves`, forecast from `first` on."""
    measured, predicted = curves[:first].round(12), curves[first:]
    top = predicted.max(axis=0)
    half = int(np.searchsorted(k, k[-1] / 2, side="right")) - 1
    rising = curves[-1] > np.maximum(curves[half] + MARGIN, top - MARGIN)
    enough = first + np.argmax(predicted >= top - MARGIN, axis=0)
    beyond = np.where(rising, len(k) - 1, enough)
    return np.where(top > measured.max(axis=0) + MARGIN, beyond, np.argmax(measured, axis=0))
