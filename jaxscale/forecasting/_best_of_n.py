"""Best-of-n with an imperfect verifier, beyond what was recorded: posterior draws of each query's three rates."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._arrays import generator
from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.estimators import by_recorded_verdicts, verdicts
from jaxscale.fitting import fit, sample_posterior
from jaxscale.forecasting._interval import interval
from jaxscale.forecasting._result import Forecast, ForecastModel
from jaxscale.systems import BestOfN, RecordedBestOfN, implements

_DRAWS = 400


class VerifiedDraws(NamedTuple):
    """Draws of what calls at each query do, from their posterior.

    Attributes:
        right: probability of a right answer, shape (draws, queries).
        tpr: that the verifier accepts a right one; broadcasts with `right`.
        fpr: that it accepts a wrong one.
    """

    right: np.ndarray
    tpr: np.ndarray
    fpr: np.ndarray

    def outcomes(self, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Probabilities that n calls end in a right accepted answer, a wrong accepted one, or a right unaccepted one.

        With A = p tpr + (1-p) fpr: (1-(1-A)^n) p tpr/A, (1-(1-A)^n) (1-p) fpr/A and (1-A)^(n-1) p (1-tpr).

        Source:
            docs/mathematics.md, "Best of n".
        """
        good, bad = self.right * self.tpr, (1 - self.right) * self.fpr
        accepted = np.minimum(good + bad, 1.0)
        with np.errstate(divide="ignore"):
            log_none = np.log1p(-accepted)
        some = -np.expm1(n * log_none)
        share = np.divide(some, accepted, out=np.full_like(some, n), where=accepted > 0)
        none_but_last = np.exp((n - 1) * log_none) if n > 1 else np.ones_like(some)
        return share * good, share * bad, none_but_last * self.right * (1 - self.tpr)

    def ceiling(self) -> np.ndarray:
        """What accuracy tends to as calls grow: p tpr/A, or p where nothing is ever accepted; (draws, queries)."""
        good, bad = self.right * self.tpr, (1 - self.right) * self.fpr
        return np.divide(good, good + bad, out=np.array(self.right, copy=True), where=good + bad > 0)


def verified_draws(data: Attempts | Ballots, system: BestOfN | RecordedBestOfN, key: PRNGKeyArray) -> VerifiedDraws:
    """Draw what calls at each query do, given what was recorded.

    Each rate of a query is Beta over queries, and its posterior a Beta again; the law's parameters are drawn, too.

    Args:
        data: what was recorded.
        system: the verifier's rates, common to all queries, or that verdicts were recorded, so that each has its own.
        key: a typed JAX key.

    Returns:
        400 draws.

    Raises:
        ValueError: naming what was expected.
    """
    keys = jax.random.split(key, 3)
    if isinstance(system, BestOfN):
        if system.tpr is None or system.fpr is None:
            raise ArgumentError("system", system, "tpr and fpr")
        counted = data.as_attempts
        right = _draw(counted.successes, counted.attempts, keys[0])
        return VerifiedDraws(right, np.array(system.tpr), np.array(system.fpr))
    if isinstance(data, Attempts):
        raise ArgumentError("system", system, "BestOfN(tpr, fpr), as attempts record no verdicts")
    (accepted_right, right), (accepted_wrong, wrong) = (counts.T for counts in verdicts(data, system.threshold))
    return VerifiedDraws(
        right=_draw(data.right_calls, data.calls, keys[0]),
        tpr=_draw(accepted_right, right, keys[1]),
        fpr=_draw(accepted_wrong, wrong, keys[2]),
    )


@implements("forecast", RecordedBestOfN, Ballots)
@implements("forecast", BestOfN, Ballots)
@implements("forecast", BestOfN, Attempts)
def _of_data(
    system: BestOfN | RecordedBestOfN,
    data: Attempts | Ballots,
    budgets: np.ndarray,
    *,
    model: str | AbstractDifficulty,
    level: float,
    over: Literal["these", "population"],
    key: PRNGKeyArray,
) -> Forecast:
    """With recorded verdicts the value is unbiased where the calls are within a query's: the verdicts on some of them.

    Otherwise, and beyond, it is the mean over posterior draws of the query's rates, so there may be a jump where the
    data end.
    """
    if not isinstance(model, str) or model not in ("auto", "beta"):
        raise ArgumentError("model", model, f"'auto' or 'beta' for {type(system).__name__}")
    key_draws, key_interval = jax.random.split(key)
    draws = verified_draws(data, system, key_draws)
    flat = budgets.reshape(-1)
    outcomes = (draws.outcomes(k) for k in flat.tolist())
    chance = np.stack([accepted + fallback for accepted, _, fallback in outcomes], axis=-1)  # (draws, queries, budgets)
    value = chance.mean(axis=0)
    once = (chance * (1 - chance)).mean(axis=0)
    if isinstance(system, RecordedBestOfN):
        assert isinstance(data, Ballots)
        recorded = data.calls[:, None]
        within = flat <= recorded
        value = np.where(within, by_recorded_verdicts(data, system.threshold, flat), value)
        # Both runs are averages over subsets, whose variance is at most n/N of a single outcome's (Hoeffding).
        noise = np.where(within, 2 * np.minimum(flat / recorded, 1) * once, once)
    else:
        within = np.zeros(value.shape, bool)
        noise = once
    queries = len(data)
    mean = value.mean(axis=0)
    # What is unbiased has no posterior: its noise is all in the variance.
    means = mean + np.where(within, 0, chance - chance.mean(axis=0)).mean(axis=1)
    if over == "these":
        variance = noise.sum(axis=0) / queries**2
    else:
        squares = np.square(chance).mean(axis=0).sum(axis=0) - 2 * mean * value.sum(axis=0) + queries * mean**2
        variance = (np.maximum(squares, 0) + mean**2 + (1 - mean) ** 2) / (queries + 1) ** 2
        unknown_variance, means = means.var(axis=0), np.broadcast_to(mean, means.shape)
    lower, upper = interval(generator(key_interval), mean, means, variance, level)
    shape = budgets.shape
    parameters = {"tpr": system.tpr, "fpr": system.fpr} if isinstance(system, BestOfN) else {}
    return Forecast(
        budgets,
        mean.reshape(shape),
        lower.reshape(shape),
        upper.reshape(shape),
        model=ForecastModel("beta", parameters, {"beta": 1.0}),
        kind=np.where(within.all(axis=0), "estimate", "forecast").reshape(shape),
        level=level,
        over=over,
        per_query=value.reshape(-1, *shape),
        posterior_variance=None if over == "these" else unknown_variance.reshape(shape),
    )


def _draw(yes: np.ndarray, calls: np.ndarray, key: PRNGKeyArray) -> np.ndarray:
    """Posterior draws of a rate at each query from (yes, calls); without calls, from the law of the other queries."""
    seen = calls > 0
    data = Attempts(calls[seen], yes[seen])
    key_law, key_rates = jax.random.split(key)
    law: Any = sample_posterior(fit("beta", data, method="map"), data, key_law, _DRAWS).law
    a, b = (np.asarray(parameter, float)[:, None] for parameter in (law.a, law.b))
    rng = generator(key_rates)
    return rng.beta(a + yes, b + calls - yes)
