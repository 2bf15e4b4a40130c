"""Best-of-n with an imperfect verifier, beyond what was recorded: posterior draws of each query's three rates."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import check_probability, generator, whole_numbers
from jaxscale.data import Attempts, Ballots
from jaxscale.estimators import verdicts
from jaxscale.fitting import fit, sample_posterior
from jaxscale.forecasting._coverage import DEFAULT_SEED
from jaxscale.forecasting._intervals import interval
from jaxscale.forecasting._result import Forecast, ForecastModel
from jaxscale.systems import BestOfN

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


def verified_draws(
    data: Attempts | Ballots, system: BestOfN | None, threshold: float | None, key: PRNGKeyArray
) -> VerifiedDraws:
    """Draw what calls at each query do, given what was recorded.

    Each rate of a query is Beta over queries, and its posterior a Beta again; the law's parameters are drawn, too.

    Args:
        data: what was recorded.
        system: the verifier's rates, common to all queries; None where each query has its own, by recorded verdicts.
        threshold: the least accepted score, where verdicts are by score.
        key: a typed JAX key.

    Returns:
        400 draws.

    Raises:
        ValueError: naming what was expected.
    """
    keys = jax.random.split(key, 3)
    if system is not None:
        if system.tpr is None or system.fpr is None:
            raise ValueError(f"system = {system!r}: expected tpr and fpr")
        answers = (data.successes, data.attempts) if isinstance(data, Attempts) else _right(data)
        return VerifiedDraws(_draw(answers, keys[0]), np.array(system.tpr), np.array(system.fpr))
    if isinstance(data, Attempts):
        raise ValueError("system = None: expected BestOfN(tpr, fpr), as attempts record no verdicts")
    right, wrong = verdicts(data, threshold)
    return VerifiedDraws(_draw(_right(data), keys[0]), _draw(right.T, keys[1]), _draw(wrong.T, keys[2]))


def forecast_best_of_n(
    data: Attempts | Ballots,
    n: ArrayLike,
    *,
    system: BestOfN | None = None,
    threshold: float | None = None,
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    key: PRNGKeyArray | None = None,
) -> Forecast:
    """The accuracy of an answer drawn from those of n calls that a verifier accepts, or from all if it accepts none.

    With verdicts recorded (system None) the value is unbiased where n is within a query's calls: the verdicts on n of
    them, drawn without replacement. Otherwise, and beyond, it is the mean over posterior draws of the query's rates, so
    there may be a jump where the data end.

    Args:
        data: what was recorded.
        n: numbers of calls, whole numbers from 1 to 10^12; any shape.
        system: a verifier with known rates, alike at all queries; None for the recorded one, each query with its own.
        threshold: the least score that is accepted; None for what a filter kept. Only with system None.
        level: probability that the interval is to hold, in (0, 1).
        over: "these" for the accuracy that a further, equally long or longer run on these very queries would show;
            "population" for the expectation over queries like these.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        The curve.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        docs/mathematics.md, "Best of n"; [Stroebl24] (more calls stop helping where wrong answers are accepted).

    Example:
        >>> data = Attempts(attempts=[20] * 6, successes=[0, 1, 2, 5, 9, 19])
        >>> forecast_best_of_n(data, [1, 10, 1000], system=BestOfN(tpr=0.9, fpr=0.1)).kind.tolist()
        ['forecast', 'forecast', 'forecast']
    """
    budgets = whole_numbers(n, "n")
    check_probability(level, "level")
    if over not in ("these", "population"):
        raise ValueError(f"over = {over!r}: expected 'these' or 'population'")
    if threshold is not None and system is not None:
        raise ValueError(f"threshold = {threshold!r} beside system: expected one of them")
    key_draws, key_interval = jax.random.split(jax.random.key(DEFAULT_SEED) if key is None else key)
    draws = verified_draws(data, system, threshold, key_draws)
    flat = budgets.reshape(-1)
    outcomes = (draws.outcomes(k) for k in flat.tolist())
    chance = np.stack([accepted + fallback for accepted, _, fallback in outcomes], axis=-1)  # (draws, queries, budgets)
    value = chance.mean(axis=0)
    once = (chance * (1 - chance)).mean(axis=0)
    if system is None:
        assert isinstance(data, Ballots)
        recorded = data.calls[:, None]
        within = flat <= recorded
        value = np.where(within, _recorded(data, threshold, flat), value)
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
        doubt, means = means.var(axis=0), np.broadcast_to(mean, means.shape)
    lower, upper = interval(key_interval, mean, means, variance, level)
    shape = budgets.shape
    parameters = {} if system is None else {"tpr": system.tpr, "fpr": system.fpr}
    return Forecast(
        budgets,
        mean.reshape(shape),
        lower.reshape(shape),
        upper.reshape(shape),
        model=ForecastModel("beta", parameters, {"beta": 1.0}),
        kind=np.where(within.all(axis=0), "estimate", "forecast").reshape(shape),
        level=level,
        over=over,
        per_query=None if over == "these" else value.reshape(-1, *shape),
        doubt=None if over == "these" else doubt.reshape(shape),
    )


def _right(ballots: Ballots) -> tuple[np.ndarray, np.ndarray]:
    return np.where(ballots.correct, ballots.counts, 0).sum(axis=1), ballots.calls


def _draw(counts: Any, key: PRNGKeyArray) -> np.ndarray:
    """Posterior draws of a rate at each query from (yes, calls); without calls, from the law of the other queries."""
    yes, calls = counts
    seen = calls > 0
    data = Attempts(calls[seen], yes[seen])
    key_law, key_rates = jax.random.split(key)
    law: Any = sample_posterior(fit("beta", data, method="map"), data, key_law, _DRAWS).model
    a, b = (np.asarray(parameter, float)[:, None] for parameter in (law.a, law.b))
    rng = generator(key_rates)
    return rng.beta(a + yes, b + calls - yes)


def _recorded(ballots: Ballots, threshold: float | None, n: np.ndarray) -> np.ndarray:
    """(queries, budgets) unbiased accuracy: an accepted one of n recorded calls, at random, is one of all accepted."""
    right, wrong = verdicts(ballots, threshold)
    accepted, calls = right[:, 0] + wrong[:, 0], right[:, 1] + wrong[:, 1]
    dropped = calls - accepted
    none = np.ones((len(calls), len(n)))
    for column, k in enumerate(n.tolist()):
        # P(none of k accepted) = prod_j (dropped - j) / (calls - j), j < k: of the fewer factors of its two forms.
        for row in np.flatnonzero(calls >= k):
            j = np.arange(min(k, accepted[row]))
            top = dropped[row] if k <= accepted[row] else calls[row] - k
            none[row, column] = np.prod(np.maximum(top - j, 0) / (calls[row] - j))
    by_verifier = np.divide(right[:, 0], accepted, out=np.zeros(len(calls)), where=accepted > 0)[:, None]
    unaccepted = np.divide(right[:, 1] - right[:, 0], dropped, out=np.zeros(len(calls)), where=dropped > 0)[:, None]
    return (1 - none) * by_verifier + none * unaccepted
