"""Voting accuracy beyond the recorded ballots."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._arrays import generator
from jaxscale._checks import ArgumentError
from jaxscale.data import Ballots
from jaxscale.estimators import ballots_filter_vote, ballots_vote, vote_difficulty
from jaxscale.fitting import fit_vote_scaling
from jaxscale.forecasting._alike import Alike, Leaders, apart, leaders
from jaxscale.forecasting._answers import AnswerPrior, draw_answer_priors, log_favourite
from jaxscale.forecasting._interval import interval
from jaxscale.forecasting._prior import ANSWERS, warn_of_prior
from jaxscale.forecasting._result import Forecast, ForecastModel
from jaxscale.systems import FilterVote, Vote, implements

METHODS = ("dirichlet", "scaling")
"""The ways to forecast votes: a posterior predictive of answers, and the per-query curves of Chen et al."""

MOST_FORECAST_CALLS = 10**5

DRAWS = 150
_NEW_ANSWERS = 16
_TINY = 1e-12

Curves = np.ndarray  # (queries, budgets) accuracy


@implements("forecast", FilterVote, Ballots)
@implements("forecast", Vote, Ballots)
def _of_ballots(
    system: Vote | FilterVote,
    data: Ballots,
    budgets: np.ndarray,
    *,
    model: str,
    level: float,
    over: Literal["these", "population"],
    key: PRNGKeyArray,
) -> Forecast:
    """Query by query the exact unbiased value within its ballots, else the mean of the posterior and of the curve.

    The posterior ("dirichlet") comes with two further runs under each draw, which spread as the interval over these
    queries does. It and the curve ("scaling") err for different reasons; half of what they differ by counts as
    uncertainty. The same key gives the same numbers at some calls, whichever others are asked for.
    """
    ballots = data
    if budgets.max() > MOST_FORECAST_CALLS:
        raise ArgumentError("calls", budgets.max(), f"whole numbers from 1 to {MOST_FORECAST_CALLS}")
    if not isinstance(model, str) or model not in ("auto", *METHODS):
        raise ArgumentError("model", model, f"auto, {', '.join(METHODS)}")
    warn_of_prior(ballots, ANSWERS)
    flat = budgets.reshape(-1)
    answers = np.array([system.answers(k) for k in flat.tolist()])
    key_model, key_interval = jax.random.split(key)
    rng = generator(key_model)

    recorded = ballots.calls[:, None]
    within = answers <= recorded
    fewest = int(ballots.calls.min())
    curves = model in ("auto", "scaling") and not within.all()
    few = _few(fewest) if curves else np.empty(0, int)
    # One evaluation for all that is wanted of the recorded ballots: compiling it takes longer than running it.
    exact, measured = np.split(_recorded(ballots, np.concatenate([answers, few]), system), [len(answers)], axis=1)
    prior = draw_answer_priors(ballots, rng, DRAWS)
    votes = _dirichlet(ballots, answers, system, prior, rng)
    chance, square = votes.mean, votes.square
    weights = {"dirichlet": 0.5, "scaling": 0.5} if curves and model == "auto" else {"dirichlet": 1.0}
    if model == "scaling":
        weights = {"scaling": 1.0}
    value = chance
    if curves:
        # Rounded, as the last bits depend on the other calls asked for, and the fit makes more of them.
        curve = _scaling(ballots, few, measured.round(12), answers, system)
        value = chance + weights["scaling"] * (curve - chance)
    # A further run of as many calls is one of the votes under a posterior draw, whichever model predicted its mean.
    # Within n recorded ballots both values are noisy averages over subsets, whose variance is at most k/n of a single
    # vote's (Hoeffding).
    noise = np.where(within, 2 * np.minimum(answers / recorded, 1) * np.maximum(chance - square, 0), 0.0)
    gap = np.where(within, 0, value - chance).mean(axis=0)
    value = np.where(within, exact, value)
    queries = len(ballots)
    mean = value.mean(axis=0)
    expected, between, single = _runs(votes.won, within)
    if over == "these":
        # The mean of two runs has half the noise of one.
        variance = (noise.sum(axis=0) + single / 2) / queries**2 + gap**2
        means = mean + expected / queries
    else:
        # Predicted chances vary less than the true ones, by their posterior variance.
        squares = np.square(value - mean) + np.where(within, 0, square - chance**2)
        variance = (
            (squares.sum(axis=0) + mean**2 + (1 - mean) ** 2) / (queries + 1) ** 2 + between / queries**2 + gap**2
        )
        means = mean[None]
        unknown = np.where(within, 0, np.maximum(square - chance**2, 0)).sum(axis=0)
        unknown_variance = (unknown + between) / queries**2 + gap**2
    lower, upper = interval(generator(key_interval), mean, means, variance, level)
    if over == "these":
        # A run wins whole queries: what lies within half a one of none or all stands for none or all.
        lower, upper = np.where(lower < 0.5 / queries, 0, lower), np.where(upper > 1 - 0.5 / queries, 1, upper)
    shape = budgets.shape
    return Forecast(
        budgets,
        mean.reshape(shape),
        lower.reshape(shape),
        upper.reshape(shape),
        model=ForecastModel("auto" if len(weights) > 1 else next(iter(weights)), _parameters(prior, weights), weights),
        kind=np.where(within.all(axis=0), "estimate", "forecast").reshape(shape),
        level=level,
        over=over,
        per_query=value.reshape(-1, *shape),
        posterior_variance=None if over == "these" else unknown_variance.reshape(shape),
    )


def _recorded(ballots: Ballots, answers: np.ndarray, system: Vote | FilterVote) -> Curves:
    """Exact values where a query has as many ballots, nan elsewhere."""
    result = np.full((len(ballots), len(answers)), np.nan)
    vote = ballots_filter_vote if isinstance(system, FilterVote) else ballots_vote
    enough = ballots.calls[:, None] >= answers
    # Queries with enough ballots for one number of calls have enough for a smaller one: equally many are the same.
    sizes = enough.sum(axis=0)
    for size in np.unique(sizes[sizes > 0]):
        columns = sizes == size
        rows = enough[:, columns.argmax()]
        result[np.ix_(rows, columns)] = vote(_subset(ballots, rows), answers[columns]).T
    return result


def _subset(ballots: Ballots, rows: np.ndarray) -> Ballots:
    def part(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else array[rows]

    return Ballots(
        counts=ballots.counts[rows],
        correct=ballots.correct[rows],
        kept_counts=part(ballots.kept_counts),
        blank=part(ballots.blank),
        kept_blank=part(ballots.kept_blank),
        verdicts=part(ballots.verdicts),
    )


def _few(fewest: int) -> np.ndarray:
    """Numbers of calls to fit the scaling model to.

    Values near all recorded ballots jump as near-ties resolve; the half below is averaged over many subsets.
    """
    few = np.unique(np.rint(np.geomspace(1, max(3, fewest // 2), 6)).astype(int))
    return few[few <= fewest]


def _scaling(
    ballots: Ballots, few: np.ndarray, measured: Curves, answers: np.ndarray, system: Vote | FilterVote
) -> Curves:
    # Easy or hard among the kept ballots; the dropped ones lead nothing.
    return fit_vote_scaling(few, measured, vote_difficulty(system.counted(ballots)).difficulty).accuracy(answers)


class _Votes(NamedTuple):
    """Votes under posterior draws of each query's answers."""

    won: np.ndarray  # (2, draws, queries, budgets): two votes under each draw, 1 where a right answer won, ties split

    @property
    def mean(self) -> Curves:
        return self.won.mean(axis=(0, 1))

    @property
    def square(self) -> Curves:
        """Mean square of the accuracy: the product of two independent outcomes has the square for its mean."""
        return np.mean(self.won[0] * self.won[1], axis=0)


def _runs(won: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries won in a run; those within their ballots are left out.

    Returns:
        (draws, budgets) the mean of each posterior draw's two runs, less that of all; and (budgets,) the variance that
        all runs of a draw share, and that of a single run around it.
    """
    runs = np.where(within, 0.0, won).sum(axis=2)
    runs -= runs.mean(axis=(0, 1))
    return (
        runs.mean(axis=0),
        np.maximum(np.mean(runs[0] * runs[1], axis=0), 0.0),
        np.square(runs[0] - runs[1]).mean(axis=0) / 2,
    )


def _parameters(prior: AnswerPrior, weights: Mapping[str, float]) -> dict[str, float]:
    if "dirichlet" not in weights:
        return {}
    return {
        "right_share": float(np.mean(prior.right_a / (prior.right_a + prior.right_b))),
        "favourite_share": float(np.mean(prior.favourite_a / (prior.favourite_a + prior.favourite_b))),
    }


def _dirichlet(
    ballots: Ballots, answers: np.ndarray, system: Vote | FilterVote, prior: AnswerPrior, rng: np.random.Generator
) -> _Votes:
    order = np.argsort(answers, kind="stable")
    result = np.empty((2, DRAWS, len(ballots), len(answers)))
    keeps = _keep_rates(ballots) if isinstance(system, FilterVote) else None
    shape = (DRAWS, len(ballots))
    parameters = [np.broadcast_to(getattr(prior, field.name), shape) for field in dataclasses.fields(prior)]
    for i, stream in enumerate(rng.spawn(len(ballots))):
        own = AnswerPrior(*(x[:, i : i + 1] for x in parameters))
        share, right, alike = _draw_answers(ballots, i, own, stream, together=keeps is None)
        if keeps is not None:
            share = _split_by_filter(share, ballots, i, keeps, stream)
        level = [stream.random((2, 2, DRAWS)) for _ in alike]
        for column, counts in zip(order, _cast(share, answers[order], stream), strict=True):
            kinds, counts = np.split(counts, [len(alike)], axis=-1)
            best = [leaders(each, kinds[..., j], level[j]) for j, each in enumerate(alike)]
            result[:, :, i, column] = _won(counts, right, best, filtered=keeps is not None)
    return _Votes(result)


def _cast(share: np.ndarray, budgets: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Counts of two votes under each draw after each of increasing budgets, whichever others are asked for.

    A vote grows by doubling, and from the last power of two to a budget by a stream that starts anew for each budget:
    so neighbouring budgets share most of their calls, and the curve is smooth.
    """
    (rest,) = rng.spawn(1)
    start = rest.bit_generator.state
    size = (2, len(share))
    counts, doubled = rng.multinomial(1, share, size), 1
    for budget in budgets.tolist():
        while 2 * doubled <= budget:
            counts, doubled = counts + rng.multinomial(doubled, share, size), 2 * doubled
        rest.bit_generator.state = start
        yield counts + rest.multinomial(budget - doubled, share, size)


def _draw_answers(
    ballots: Ballots, i: int, prior: AnswerPrior, rng: np.random.Generator, *, together: bool = True
) -> tuple[np.ndarray, np.ndarray, list[Alike]]:
    """Posterior draws of one query's answer probabilities, and which of the answers are right.

    The columns: answers that are not told apart, if `together`, kind by kind; then, as the second array has them, right
    answers (one that was not seen yet, if none was), wrong ones seen, new wrong ones, a favourite not seen yet, all
    other wrong ones together, and blank calls.
    """
    counts, correct, blank = ballots.counts[i], ballots.correct[i], np.asarray(ballots.blank)[i]
    right, wrong = counts[correct & (counts > 0)], counts[~correct & (counts > 0)]
    p = rng.beta(prior.right_a + right.sum(), prior.right_b + wrong.sum() + blank)
    none = np.empty(0, np.int64)
    right, rights, times_right = apart(right) if together else (right, none, none)
    wrong, wrongs, times_wrong = apart(wrong) if together else (wrong, none, none)
    many = np.append(right, rights * times_right)
    among_right = rng.dirichlet(many, DRAWS) if len(many) > 1 else np.ones((DRAWS, 1))
    seen, times = np.concatenate([wrongs, wrong, [blank]]), np.ones(len(wrongs) + len(wrong) + 1, np.int64)
    times[: len(wrongs)] = times_wrong
    among_wrong, left = _draw_wrong(seen, times, len(wrongs), prior, rng)
    single_right, alike_right = np.split(among_right, [among_right.shape[1] - len(rights)], axis=1)
    alike_wrong, single_wrong = np.split(among_wrong, [len(wrongs)], axis=1)
    share = np.concatenate([p * alike_right, (1 - p) * alike_wrong, p * single_right, (1 - p) * single_wrong], axis=1)
    alike = [
        *(Alike(np.full(DRAWS, n), np.full(DRAWS, c), True) for c, n in zip(rights, times_right, strict=True)),
        *(Alike(n, c - np.asarray(prior.discount)[:, 0], False) for c, n in zip(wrongs, left.T, strict=True)),
    ]
    places = single_right.shape[1] + single_wrong.shape[1]
    return share / share.sum(axis=1, keepdims=True), np.arange(places) < single_right.shape[1], alike


def _draw_wrong(
    seen: np.ndarray, times: np.ndarray, alike: int, prior: AnswerPrior, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior draws of the shares among wrong answers, in the order of `_draw_answers`, and how many are alike.

    Args:
        seen: (answers + 1,) how often each came, and last how many calls were blank.
        times: (answers + 1,) how many answers each stands for.
        alike: how many, the first, stand for several.
        prior: each parameter of shape (draws, 1).
        rng: the generator.

    Returns:
        (draws, columns) shares, and (draws, alike) how many answers are left in the first columns: a favourite among
        them has a column of its own, after the answers seen.
    """
    weight = np.exp(log_favourite(seen, prior, times))
    up = np.cumsum(weight, axis=1)
    which = (up[:, :-1] <= rng.random((len(up), 1)) * up[:, -1:]).sum(axis=1)
    is_favourite = which[:, None] == np.arange(len(seen) + 1)
    own = (np.append(seen, 0) * is_favourite).sum(axis=1, keepdims=True)
    favourite = rng.beta(prior.favourite_a + own, prior.favourite_b + np.sum(seen * times) - own)
    left = times - is_favourite[:, :-1]
    others = left * (seen > 0)
    kinds = others.sum(axis=1)[:, None]
    each = rng.standard_gamma(np.where(others > 0, others * (seen - prior.discount), 0.0))
    rest = rng.standard_gamma(np.maximum(prior.concentration + prior.discount * kinds, 0))
    total = each.sum(axis=1, keepdims=True) + rest
    each, rest = (x / total * (1 - favourite) for x in (each, rest))
    # The unseen mass is broken up as Pitman's law has it; where no answer is left to come, the first piece is all.
    later = kinds + np.arange(1, _NEW_ANSWERS + 1)
    broken = rng.beta(1 - prior.discount, np.maximum(prior.concentration + later * prior.discount, _TINY))
    unbroken = np.cumprod(1 - broken, axis=1)
    new = rest * broken * np.column_stack([np.ones(len(unbroken)), unbroken[:, :-1]])
    placed = favourite * is_favourite
    each[:, alike:] += placed[:, alike:-1]
    own_column = placed[:, :alike].sum(axis=1, keepdims=True)[:, : min(alike, 1)]
    columns = [each[:, :-1], own_column, new, placed[:, -1], rest * unbroken[:, -1:], each[:, -1]]
    return np.column_stack(columns), left[:, :alike]


def _won(counts: np.ndarray, right: np.ndarray, best: Sequence[Leaders] = (), *, filtered: bool) -> np.ndarray:
    """Probability that a right answer wins each vote, ties split.

    The last column but one stands for answers so many that no two calls agree on one of them: each is a leader where
    none came twice. The last column never wins. Filtered counts hold the kept ones first, then the dropped ones; a vote
    over these where nothing was kept.
    """
    if filtered:
        kept, dropped = np.split(counts, 2, axis=-1)
        counts = np.where(kept.any(axis=-1, keepdims=True), kept, dropped)
    named, single = counts[..., :-2], counts[..., -2]
    most = named.max(axis=-1)
    for kind in best:
        most = np.maximum(most, kind.votes)
    leads = (named == most[..., None]) & (named > 0)
    leading, winning = leads.sum(axis=-1), (leads & right[:-2]).sum(axis=-1)
    for kind in best:
        answers = np.where((kind.votes == most) & (most > 0), kind.answers, 0)
        leading, winning = leading + answers, winning + answers * kind.right
    leading = leading + np.where(most <= 1, single, 0)
    return winning / np.maximum(leading, 1)


class _KeepRates(NamedTuple):
    """How often the filter keeps right and wrong answers of a data set."""

    right: float
    wrong: float


def _keep_rates(ballots: Ballots) -> _KeepRates:
    kept, counts = np.asarray(ballots.kept_counts), ballots.counts
    rates = ((kept[which].sum() + 0.5) / (counts[which].sum() + 1.0) for which in (ballots.correct, ~ballots.correct))
    return _KeepRates(*(float(rate) for rate in rates))


def _split_by_filter(
    share: np.ndarray, ballots: Ballots, i: int, rates: _KeepRates, rng: np.random.Generator
) -> np.ndarray:
    """Shares of kept and of dropped answers, with draws of how often each answer is kept.

    Most answers are always or never kept: the prior weighs as much as one ballot, split as the data set's are. Of the
    many wrong answers of the last column but one, that part is kept.
    """
    counts, correct, kept = ballots.counts[i], ballots.correct[i], np.asarray(ballots.kept_counts)[i]
    right, wrong = correct & (counts > 0), ~correct & (counts > 0)
    seen = right.any()
    unseen = np.zeros(_NEW_ANSWERS + 2)
    yes = np.concatenate([kept[right] if seen else [0], kept[wrong], unseen, [np.asarray(ballots.kept_blank)[i]]])
    total = np.concatenate([counts[right] if seen else [0], counts[wrong], unseen, [np.asarray(ballots.blank)[i]]])
    rate = np.full(len(yes), rates.wrong)
    rate[: max(int(right.sum()), 1)] = rates.right
    keep = rng.beta(yes + rate, total - yes + 1 - rate, share.shape)
    keep[:, -2] = rates.wrong
    return np.concatenate([share * keep, share * (1 - keep)], axis=1)
