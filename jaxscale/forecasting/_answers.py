"""How answers repeat: the priors under which recorded ballots predict further ones."""

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

from jaxscale._numpy import ReadOnlyArrays
from jaxscale.data import Ballots

# Laws of the right share: Betas of any mean and spread, from almost always 0 or 1 to, the last, almost one for all.
_MEANS = 1 / (1 + np.exp(-np.linspace(-7, 7, 57)))
_STRENGTHS = np.array([0.5, 1.5, 5.0, 15.0, 50.0, 500.0])
# Laws of the favourite's share of the wrong answers: without one (see `wrong_laws`), or Betas.
_FAVOURITE_MEANS = np.array([0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98])
_FAVOURITE_STRENGTHS = np.array([3.0, 20.0, 200.0])
# Laws of the others: without end, from few to nearly all different, with and without a heavy tail ...
_CONCENTRATIONS = np.geomspace(0.1, 100, 7)
_DISCOUNTS = np.array([0.0, 0.5])
# ... or a few of them, of shares from uneven to alike.
_FEW = np.array([1, 2, 3, 5, 9])
_EVENNESS = np.array([0.5, 3.0, 30.0])

_KINDS = 8  # of queries in a data set, at most
_KIND_WEIGHT = 1.0  # queries that a kind is worth before any came
_CHAINS = 10
_WARM_UP, _BETWEEN = 30, 3  # sweeps

_AT_ONCE = 2**14  # kinds of answers
_FLOOR = -500.0  # log likelihood of what a law rules out, against the best law's


@dataclass(frozen=True, eq=False)
class AnswerPrior(ReadOnlyArrays):
    """How often a query's answers are right, and how its wrong ones repeat.

    The right share is Beta(right_a, right_b). Of the wrong calls, one wrong answer, the favourite, has a share of
    Beta(favourite_a, favourite_b). Among the others, after n calls in which answer j came c_j times and s different
    ones came at all, the probabilities are Dirichlet(c_1 - discount, ..., c_s - discount, concentration + s *
    discount), the last for all others yet unseen, and this is broken up in the same way over and over.

    Attributes:
        right_a: first parameter of the law of the right share; a number, or (draws, queries).
        right_b: second parameter of it.
        favourite_a: first parameter of the law of the favourite's share.
        favourite_b: second parameter of it.
        concentration: how readily new wrong answers come, positive.
        discount: how much more readily the more there have been, below 1; negative where there are but
            -concentration / discount of them.
    """

    right_a: np.ndarray | float
    right_b: np.ndarray | float
    favourite_a: np.ndarray | float
    favourite_b: np.ndarray | float
    concentration: np.ndarray | float
    discount: np.ndarray | float


def draw_answer_priors(ballots: Ballots, rng: np.random.Generator, draws: int) -> AnswerPrior:
    """Draws of which prior each query follows, given all ballots of the data set.

    A data set has a few kinds of queries, of unknown sizes. Each kind follows one of 342 laws of the right share and
    one of 638 laws of wrong answers: so easy and hard queries, or hard ones with a favourite wrong answer, keep apart,
    and a kind's laws are uncertain for all its queries at once. A Gibbs sampler draws from the posterior: the laws of
    each kind given its queries, the sizes of the kinds, the kind of each query.

    Args:
        ballots: what was recorded; blank calls count as one more wrong answer.
        rng: the generator.
        draws: how many.

    Returns:
        The priors, each parameter of shape (draws, queries).

    Source:
        docs/mathematics.md, "Posterior of ballots"; [Pitman95] (the two-parameter law of wrong answers, whose
        first piece is the favourite here); [Ishwaran01] (the sampler).

    Example:
        >>> data = Ballots(counts=[[5, 1], [3, 3]], correct=[[True, False], [True, False]])
        >>> draw_answer_priors(data, np.random.default_rng(0), 10).concentration.shape
        (10, 2)
    """
    right = ballots.right_calls
    wrong = -np.sort(
        -np.column_stack([np.where(ballots.correct, 0, ballots.counts), np.asarray(ballots.blank)]), axis=1
    )
    # Bytes of the largest first are in the order of the numbers. `np.unique` of rows takes long for a million columns.
    rows = [row.tobytes() for row in np.column_stack([right, wrong]).astype(">i8")]
    place = {row: index for index, row in enumerate(sorted(set(rows)))}
    alike = np.stack([np.frombuffer(row, ">i8") for row in place]).astype(np.int64)
    of_right, of_wrong = log_likelihood(alike[:, 0], alike[:, 1:])
    first, second = _draw_laws(of_right, of_wrong, np.array([place[row] for row in rows]), rng, draws)
    return AnswerPrior(*(x[first] for x in right_laws()), *(x[second] for x in wrong_laws()))


def _draw_laws(
    of_right: np.ndarray, of_wrong: np.ndarray, which: np.ndarray, rng: np.random.Generator, draws: int
) -> np.ndarray:
    """Posterior draws of each query's laws.

    Args:
        of_right: (rows, laws) log likelihood of different counts under the laws of the right share.
        of_wrong: the same under the laws of wrong answers.
        which: (queries,) the row of each query.
        rng: the generator.
        draws: how many.

    Returns:
        (2, draws, queries): the law of the right share, and that of wrong answers.
    """
    rows, queries = len(of_right), len(which)
    chains = min(_CHAINS, draws)
    kept = -(-draws // chains)
    found = np.empty((2, kept, chains, queries), int)
    prior_right, prior_wrong = _log_prior_of_right_laws(), _log_prior_of_wrong_laws()
    # Every chain starts from kinds of its own.
    kind = rng.integers(0, _KINDS, (chains, queries))
    chain = np.arange(chains)[:, None]
    for sweep in range(_WARM_UP + kept * _BETWEEN):
        cell = (chain * _KINDS + kind) * rows + which
        members = np.bincount(cell.reshape(-1), minlength=chains * _KINDS * rows).reshape(chains, _KINDS, rows) * 1.0
        right = _categorical(np.cumsum(_relative(members @ of_right + prior_right), axis=2), rng)
        wrong = _categorical(np.cumsum(_relative(members @ of_wrong + prior_wrong), axis=2), rng)
        size = rng.standard_gamma(members.sum(axis=2) + _KIND_WEIGHT)
        likelihood = _relative((of_right[:, right] + of_wrong[:, wrong]).transpose(1, 0, 2))
        kind = _categorical(np.cumsum(likelihood * size[:, None], axis=2)[:, which], rng)
        draw, rest = divmod(sweep - _WARM_UP, _BETWEEN)
        if draw >= 0 and rest == _BETWEEN - 1:
            found[:, draw] = np.take_along_axis(right, kind, axis=1), np.take_along_axis(wrong, kind, axis=1)
    return found.reshape(2, -1, queries)[:, :draws]


def _relative(logs: np.ndarray) -> np.ndarray:
    """Exponentials against the largest of the last axis."""
    return np.exp(logs - logs.max(axis=-1, keepdims=True))


def _categorical(cumulative: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw by the weights whose sums up to each are along the last axis."""
    level = rng.random(cumulative.shape[:-1]) * cumulative[..., -1]
    return (cumulative[..., :-1] <= level[..., None]).sum(axis=-1)


def right_laws() -> tuple[np.ndarray, np.ndarray]:
    """Beta parameters of the laws of the right share."""
    mean, strength = (x.reshape(-1) for x in np.meshgrid(_MEANS, _STRENGTHS))
    return mean * strength, (1 - mean) * strength


def _log_prior_of_right_laws() -> np.ndarray:
    """As likely that queries of a kind are right equally often as that they differ, up to a constant."""
    strength = np.repeat(_STRENGTHS, len(_MEANS))
    return np.where(strength == _STRENGTHS[-1], np.log(len(_STRENGTHS) - 1), 0.0)


def wrong_laws() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Beta parameters of the favourite's share, concentration and discount of the others, for every law."""
    a, b, concentration, discount = _wrong_parts()
    favourites, others = len(a), len(concentration)
    # A favourite of this share is no favourite: the next piece that Pitman's law breaks off.
    return (
        np.concatenate([1 - discount, np.repeat(a, others)]),
        np.concatenate([concentration, np.repeat(b, others)]),
        np.tile(concentration, 1 + favourites),
        np.tile(discount, 1 + favourites),
    )


def _wrong_parts() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    mean, strength = (x.reshape(-1) for x in np.meshgrid(_FAVOURITE_MEANS, _FAVOURITE_STRENGTHS))
    concentration, discount = (x.reshape(-1) for x in np.meshgrid(_CONCENTRATIONS, _DISCOUNTS))
    few, evenness = (x.reshape(-1) for x in np.meshgrid(_FEW, _EVENNESS))
    return (
        mean * strength,
        (1 - mean) * strength,
        np.concatenate([concentration, few * evenness]),
        np.concatenate([discount, -evenness]),
    )


def _log_prior_of_wrong_laws() -> np.ndarray:
    """As likely with a favourite as without, up to a constant."""
    a, _, concentration, _ = _wrong_parts()
    return -np.log(np.repeat([1.0, len(a)], [len(concentration), len(a) * len(concentration)]))


def log_likelihood(right: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log probability of a query's calls one by one, whatever wrong answers are called.

    Args:
        right: (queries,) right calls.
        wrong: (queries, answers) calls of each wrong answer, in any order.

    Returns:
        Of which calls are right, (queries, laws of the right share), and of which wrong ones agree, (queries, laws of
        wrong answers).
    """
    a, b = right_laws()
    calls = wrong.sum(axis=1)
    of_right = _rising(a, right) + _rising(b, calls) - _rising(a + b, right + calls)
    # Any of the answers may be the favourite, or one that did not come; those that came equally often are alike.
    answers = [np.unique(row[row > 0], return_counts=True) for row in wrong]
    sizes = np.array([len(values) + 1 for values, _ in answers])
    starts, row = np.cumsum(sizes) - sizes, np.repeat(np.arange(len(wrong)), sizes)
    own = np.concatenate([[0, *values] for values, _ in answers]).astype(int)
    times = np.concatenate([[1, *times] for _, times in answers])
    others = calls[row] - own
    a, b, concentration, discount = _wrong_parts()
    kinds = np.count_nonzero(wrong, axis=1)[row] - (own > 0)
    new = _log_new(kinds, concentration, discount)
    repeats = np.add.reduceat(times[:, None] * _rising(1 - discount, np.maximum(own - 1, 0)), starts, axis=0)
    other = new - _rising(concentration + 1, np.maximum(others - 1, 0)) + repeats[row]
    other -= _rising(1 - discount, np.maximum(own - 1, 0))

    def favourite(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return _rising(a, own) + _rising(b, others) - _rising(a + b, calls[row]) + np.log(times)[:, None]

    of_none = np.logaddexp.reduceat(favourite(1 - discount, concentration) + other, starts, axis=0)
    pairs = zip(np.split(favourite(a, b), starts[1:]), np.split(other, starts[1:]), strict=True)
    of_one = [np.logaddexp.reduce(x[:, :, None] + y[:, None], axis=0).reshape(-1) for x, y in pairs]
    of_wrong = np.concatenate([of_none, np.stack(of_one)], axis=1)
    return of_right, np.maximum(of_wrong, of_wrong.max(axis=1, keepdims=True) + _FLOOR)


def _log_new(kinds: np.ndarray, concentration: np.ndarray, discount: np.ndarray) -> np.ndarray:
    """Log of the product of concentration + i discount over 0 < i < n, for each n of the kinds; (kinds, laws)."""
    values, which = np.unique(kinds, return_inverse=True)
    result, total, done = np.zeros((len(values), len(discount))), np.zeros(len(discount)), 1
    for place, value in enumerate(values.tolist()):
        for start in range(done, value, _AT_ONCE):
            i = np.arange(start, min(start + _AT_ONCE, value))
            with np.errstate(divide="ignore"):
                total = total + np.log(np.maximum(concentration + np.outer(i, discount), 0)).sum(axis=0)
        result[place], done = total, max(done, value)
    return result[which.reshape(-1)]


def _rising(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Logarithm of x (x + 1) ... (x + n - 1) for each n of the counts, (counts, len(x))."""
    values, which = np.unique(counts, return_inverse=True)
    return (gammaln(x + values[:, None]) - gammaln(x))[which.reshape(-1)]


def log_favourite(seen: np.ndarray, prior: AnswerPrior, times: np.ndarray | int = 1) -> np.ndarray:
    """Log posterior weight of each of a query's wrong answers as its favourite.

    Args:
        seen: (answers,) how often each came.
        prior: each parameter of shape (draws, 1).
        times: (answers,) how many answers came as often, which then have the weight of all of them.

    Returns:
        (draws, answers + 1), the largest of each row 0; the last is for an answer that did not come.
    """
    own = np.append(seen, 0)
    others, kinds = np.sum(seen * times) - own, np.sum((seen > 0) * times)
    a, b, concentration, discount = prior.favourite_a, prior.favourite_b, prior.concentration, prior.discount
    logs = gammaln(a + own) + gammaln(b + others) - gammaln(concentration + np.maximum(others, 1))
    logs = logs - gammaln(np.maximum(own, 1) - discount) + gammaln(1 - discount)
    logs[:, :-1] = np.where(seen > 0, logs[:, :-1] + np.log(times), -np.inf)
    if kinds > 1:
        with np.errstate(divide="ignore"):
            logs[:, -1:] += np.log(np.maximum(concentration + (kinds - 1) * discount, 0))
    return logs - logs.max(axis=1, keepdims=True)
