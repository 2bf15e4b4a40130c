"""Voting accuracy beyond the recorded ballots."""

import dataclasses
from typing import Literal, NamedTuple

import jax
import numpy as np
from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import whole_numbers
from jaxscale.data import Ballots, draw_ballots, require
from jaxscale.estimate import kept_ballots, vote_difficulty
from jaxscale.fit._answers import AnswerPrior, fit_answer_prior
from jaxscale.fit._vote_scaling import fit_vote_scaling
from jaxscale.forecast._coverage import DEFAULT_SEED
from jaxscale.forecast._intervals import interval
from jaxscale.forecast._result import Forecast, ForecastModel
from jaxscale.plurality import ballots_filter_vote, ballots_vote
from jaxscale.systems import FilterVote, Vote

METHODS = ("dirichlet", "scaling")
"""The ways to forecast votes: a posterior predictive of answers, and the per-query curves of Chen et al."""

MOST_FORECAST_CALLS = 10**5

_DRAWS = 200
_SPLITS = 4

Curves = np.ndarray  # (queries, budgets) accuracy


def forecast_votes(
    ballots: Ballots,
    calls: ArrayLike,
    *,
    system: Vote | FilterVote | None = None,
    model: Literal["auto", "dirichlet", "scaling"] = "auto",
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    key: PRNGKeyArray | None = None,
) -> Forecast:
    """Voting accuracy within and beyond the recorded ballots, with intervals.

    Query by query: the exact unbiased value where the calls are within its ballots, else what a model foretells.
    "dirichlet" draws answer probabilities from their posterior (under a prior that the whole data set determines, with
    room for wrong answers not seen yet and for a right one that never came) and two votes under each of 200 draws;
    "scaling" fits Chen et al.'s curve to each query's accuracy at few calls. "auto" takes the one that better foretells
    held-out ballots.

    Args:
        ballots: what was recorded; numbers of ballots may be uneven.
        calls: numbers of calls, whole numbers from 1 to 10^5; any shape.
        system: Vote() (the default) or FilterVote(...), which needs `ballots.kept_counts`.
        model: "auto", "dirichlet" or "scaling".
        level: probability that the interval is to hold, in (0, 1).
        over: "these" for the accuracy that a further, equally long or longer run on these very queries would show;
            "population" for the expectation over queries like these.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        The curve; its `model` names the method, the fitted prior and the held-out errors of both methods.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        MATH 3.3 to 3.5; [Chen24] section 4.

    Example:
        >>> ballots = Ballots(counts=[[5, 3], [2, 6]], correct=[[True, False], [True, False]])
        >>> forecast_votes(ballots, [1, 8, 32]).kind.tolist()
        ['estimate', 'estimate', 'forecast']
    """
    require(ballots, Ballots, "ballots")
    system = Vote() if system is None else system
    budgets = whole_numbers(calls, "calls", most=MOST_FORECAST_CALLS)
    if not 0 < level < 1:
        raise ValueError(f"level = {level!r}: expected a number between 0 and 1")
    if over not in ("these", "population"):
        raise ValueError(f"over = {over!r}: expected 'these' or 'population'")
    if model not in ("auto", *METHODS):
        raise ValueError(f"model = {model!r}: expected auto, {', '.join(METHODS)}")
    flat = budgets.reshape(-1)
    answers = np.array([_answers(system, k) for k in flat.tolist()])
    key_model, key_interval = jax.random.split(jax.random.key(DEFAULT_SEED) if key is None else key)
    rng = np.random.default_rng(np.asarray(jax.random.key_data(key_model)).reshape(-1).tolist())

    recorded = ballots.calls[:, None]
    within = answers <= recorded
    fewest = int(ballots.calls.min())
    beyond = not within.all()
    held_out = _held_out_budgets(fewest) if beyond and model == "auto" else np.empty(0, int)
    few = _few(fewest) if beyond else np.empty(0, int)
    # One evaluation for all that is wanted of the recorded ballots: compiling it takes longer than running it.
    exact, truth, measured = np.split(
        _recorded(ballots, np.concatenate([answers, held_out, few]), system),
        [len(answers), len(answers) + len(held_out)],
        axis=1,
    )
    errors = _held_out_errors(ballots, held_out, truth, system, rng) if len(held_out) else {}
    method = min(errors, key=lambda name: errors[name]) if errors else "dirichlet" if model == "auto" else model
    parameters: dict[str, object] = {"held_out_error": errors} if errors else {}
    prior = fit_answer_prior(ballots)
    chance, square = _dirichlet(ballots, answers, system, prior, rng)
    if method == "dirichlet":
        parameters |= dataclasses.asdict(prior)
    value = _scaling(ballots, few, measured, answers, system) if method == "scaling" and beyond else chance
    # A further run of as many calls: right or wrong with the posterior chance, whichever model foretold it. Within n
    # recorded ballots both values are noisy averages over subsets, whose variance is at most k/n of a single vote's
    # (Hoeffding).
    noise = np.where(
        within, 2 * np.minimum(answers / recorded, 1) * np.maximum(chance - square, 0), chance * (1 - chance)
    )
    gap = np.where(within, 0, value - chance).mean(axis=0)
    value = np.where(within, exact, value)
    queries = len(ballots)
    mean = value.mean(axis=0)
    if over == "these":
        variance = noise.sum(axis=0) / queries**2
    else:
        # Foretold chances vary less than the true ones, by their posterior variance.
        squares = np.square(value - mean) + np.where(within, 0, square - chance**2)
        variance = (squares.sum(axis=0) + mean**2 + (1 - mean) ** 2) / (queries + 1) ** 2
    variance = np.maximum(variance, 0) + gap**2
    lower, upper = interval(key_interval, mean, np.broadcast_to(mean, (256, len(mean))), variance, level)
    shape = budgets.shape
    return Forecast(
        budgets,
        mean.reshape(shape),
        lower.reshape(shape),
        upper.reshape(shape),
        model=ForecastModel(method, parameters, {method: 1.0}),
        kind=np.where(within.all(axis=0), "estimate", "forecast").reshape(shape),
        level=level,
        over=over,
    )


def _answers(system: Vote | FilterVote, calls: int) -> int:
    return system.answers(calls) if isinstance(system, FilterVote) else calls


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
    counted = kept_ballots(ballots) if isinstance(system, FilterVote) else ballots
    return fit_vote_scaling(few, measured, vote_difficulty(counted).difficulty).accuracy(answers)


def _dirichlet(
    ballots: Ballots, answers: np.ndarray, system: Vote | FilterVote, prior: AnswerPrior, rng: np.random.Generator
) -> tuple[Curves, Curves]:
    """Mean and mean square of each query's accuracy.

    Under each posterior draw two votes are held at every number of calls: the product of two independent outcomes has
    the squared accuracy for its mean.
    """
    order = np.argsort(answers, kind="stable")
    steps = np.diff(answers[order], prepend=0)
    mean, square = np.zeros((2, len(ballots), len(answers)))
    keeps = _keep_rates(ballots) if isinstance(system, FilterVote) else None
    for i in range(len(ballots)):
        share, right = _draw_answers(ballots, i, prior, rng)
        if keeps is not None:
            share = _split_by_filter(share, ballots, i, keeps, rng)
        counts = np.zeros((2, *share.shape), np.int64)
        for step, column in zip(steps, order, strict=True):
            counts += rng.multinomial(step, share, (2, len(share)))
            won = _won(counts, right, filtered=keeps is not None)
            mean[i, column], square[i, column] = won.mean(), np.mean(won[0] * won[1])
    return mean, square


def _draw_answers(
    ballots: Ballots, i: int, prior: AnswerPrior, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Posterior draws of one query's answer probabilities, and which of the answers are right.

    The columns: right answers (one that was not seen yet, if none was), wrong ones, and last what never wins: blank
    calls and wrong answers yet unseen.
    """
    counts, correct, blank = ballots.counts[i], ballots.correct[i], np.asarray(ballots.blank)[i]
    right, wrong = counts[correct & (counts > 0)], counts[~correct & (counts > 0)]
    p = rng.beta(prior.right_a + right.sum(), prior.right_b + wrong.sum() + blank, (_DRAWS, 1))
    among_right = rng.dirichlet(right, _DRAWS) if len(right) > 1 else np.ones((_DRAWS, 1))
    kinds = len(wrong) + (blank > 0)
    weights = np.concatenate([wrong, [blank] if blank else []]) - prior.discount
    among_wrong = rng.dirichlet([*weights, prior.concentration + prior.discount * kinds], _DRAWS)
    # Blank and unseen answers end up in one column that never wins.
    silent = among_wrong[:, len(wrong) :].sum(axis=1, keepdims=True)
    share = np.concatenate([p * among_right, (1 - p) * among_wrong[:, : len(wrong)], (1 - p) * silent], axis=1)
    return share / share.sum(axis=1, keepdims=True), np.arange(share.shape[1]) < among_right.shape[1]


def _won(counts: np.ndarray, right: np.ndarray, *, filtered: bool) -> np.ndarray:
    """Probability that a right answer wins each vote, ties split; the last answer never wins.

    Filtered counts hold the kept ones first, then the dropped ones; a vote over these where nothing was kept.
    """
    if filtered:
        kept, dropped = np.split(counts, 2, axis=-1)
        counts = np.where(kept.any(axis=-1, keepdims=True), kept, dropped)
    named = counts[..., :-1]
    leads = (named == named.max(axis=-1, keepdims=True)) & (named > 0)
    return (leads & right[:-1]).sum(axis=-1) / np.maximum(leads.sum(axis=-1), 1)


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

    Most answers are always or never kept: the prior weighs as much as one ballot, split as the data set's are.
    """
    counts, correct = ballots.counts[i], ballots.correct[i]
    rows = [np.flatnonzero(correct & (counts > 0)), np.flatnonzero(~correct & (counts > 0))]
    kept, cast = np.asarray(ballots.kept_counts)[i], counts
    silent = (np.asarray(ballots.kept_blank)[i], np.asarray(ballots.blank)[i])
    if len(rows[0]):
        seen = [(kept[j], cast[j], rates.right) for j in rows[0]]
    else:
        seen = [(0, 0, rates.right)]
    seen += [(kept[j], cast[j], rates.wrong) for j in rows[1]] + [(*silent, rates.wrong)]
    yes, total, rate = (np.array(column, float) for column in zip(*seen, strict=True))
    keep = rng.beta(yes + rate, total - yes + 1 - rate, share.shape)
    return np.concatenate([share * keep, share * (1 - keep)], axis=1)


def _held_out_budgets(fewest: int) -> np.ndarray:
    """Numbers of calls that half of the ballots are to foretell; none where a query has fewer than six."""
    if fewest < 6:
        return np.empty(0, int)
    return np.unique(np.rint(np.geomspace(fewest // 2 + 1, fewest, 4)).astype(int))


def _held_out_errors(
    ballots: Ballots, budgets: np.ndarray, truth: Curves, system: Vote | FilterVote, rng: np.random.Generator
) -> dict[str, float]:
    """Root mean squared error of each method's curve, foretold from halves of the ballots at more calls than those."""
    halves = _halves(ballots, rng)
    few = _few(int(halves.calls.min()))
    scaling = _scaling(halves, few, _recorded(halves, few, system), budgets, system)
    curves: dict[str, list[np.ndarray]] = {"dirichlet": [], "scaling": [*scaling.reshape(_SPLITS, len(ballots), -1)]}
    for rows in np.arange(len(halves)).reshape(_SPLITS, -1):
        half = _subset(halves, rows)
        curves["dirichlet"].append(_dirichlet(half, budgets, system, fit_answer_prior(half), rng)[0])
    foretold = {name: np.mean(curve, axis=1) for name, curve in curves.items()}
    return {name: float(np.sqrt(np.mean(np.square(foretold[name] - truth.mean(axis=0))))) for name in METHODS}


def _halves(ballots: Ballots, rng: np.random.Generator) -> Ballots:
    """Half of each query's ballots, drawn without replacement; all of it 4 times."""
    tiled = _subset(ballots, np.tile(np.arange(len(ballots)), _SPLITS))
    return draw_ballots(tiled, tiled.calls // 2, rng)
