"""Who wins a vote over some of the recorded ballots, drawn without replacement: exact to 1e-11, in NumPy.

The counts of the answers are independent binomials conditioned on their total, as in `_kernel`. Recorded counts are
whole numbers, which leaves less to do than there:

- Answers that were given equally often have the same generating function, which is raised to a power. n ballots hold
  fewer than sqrt(2 n) different counts, however many answers there are.
- Answers that do not come to as many votes as win (but with a probability that adds up to 1e-13) never stand in
  the way: they join the calls that never win. Where one answer is surely ahead or behind nothing is left to do: at many
  calls most queries are so.

There is nothing to compile: shapes follow the data, and work is done in parts of bounded memory.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jaxscale._checks import MAX_CALLS
from jaxscale.plurality._plan import half_width, near, tie_rule

# log of the probability of what is left out: of a count outside its window, a total taken for another.
_LEFT_OUT = 30.0
# Complex numbers in an array that is worked on, which should fit a processor's cache, and in one that is kept.
_AT_ONCE, _KEPT = 2**15, 2**19
# A transform of one number of calls is first looked at in every so many of its points.
_COARSE = 8
# Fewer calls than this are worth a transform each: only then may most of its points be left out.
_WORTH_SHARING = 4
# So few nodes are worked on at once at least.
_FEWEST = 16
# Ties of so many answers are allowed for at every number of votes, where points may be left out.
_FEW_TIES = 8
# The modulus of a transform, at most 2, that counts for nothing.
_NOTHING = 1e-15


class Rows(NamedTuple):
    """Votes to evaluate, each for an answer of its own.

    Attributes:
        lead: (rows,) recorded calls with the answer that is to win.
        rivals: (rows, counts) the different counts of the other answers, falling, padded with 0.
        copies: (rows, counts) how many answers have each.
        free: (rows,) calls that never win: dropped and blank ones.
    """

    lead: np.ndarray
    rivals: np.ndarray
    copies: np.ndarray
    free: np.ndarray

    @property
    def recorded(self) -> np.ndarray:
        """(rows,) all calls."""
        return self.lead + (self.rivals * self.copies).sum(axis=1) + self.free

    def take(self, which: np.ndarray) -> "Rows":
        """Some of the rows."""
        return Rows(*(array[which] for array in self))


def drawn_votes(rows: Rows, calls: np.ndarray, least: np.ndarray | None = None) -> np.ndarray:
    """Probability that the lead wins a vote over some of the recorded calls, ties split.

    Args:
        rows: the votes.
        calls: (budgets,) whole numbers >= 1, increasing.
        least: (budgets,) votes without which nobody wins; None for 1.

    Returns:
        (budgets, rows) float64; 0 where there are fewer recorded calls than are asked for.

    Source:
        docs/mathematics.md, "Many answers": Binomial(n_j, k / n) counts conditioned on their total.
    """
    result = np.zeros((len(calls), len(rows.lead)))
    recorded = rows.recorded
    for begin, end in _groups(calls, recorded, least is None):
        enough = recorded >= calls[begin]
        if enough.any():
            needed = 1 if least is None else int(least[begin])
            result[begin:end, enough] = _of_group(rows.take(enough), recorded[enough], calls[begin:end], needed)
    # Rounding may leave the range of probabilities by 1e-16.
    return result.clip(0, 1)


def _groups(calls: np.ndarray, recorded: np.ndarray, shared: bool) -> Iterator[tuple[int, int]]:
    """Where the numbers of calls begin and end that have a transform in common."""
    begin = 0
    for end in range(1, len(calls) + 1):
        fewest = int(recorded[recorded >= calls[begin]].min(initial=MAX_CALLS))
        if shared and end < len(calls) and calls[end] <= fewest and near(int(calls[begin]), int(calls[end]), fewest):
            continue
        if end - begin >= _WORTH_SHARING:
            yield begin, end
        else:
            yield from ((each, each + 1) for each in range(begin, end))
        begin = end


def _of_group(rows: Rows, recorded: np.ndarray, calls: np.ndarray, least: int) -> np.ndarray:
    """(calls, rows) probabilities at numbers of calls that are near enough to share a transform."""
    few, many = int(calls[0]), int(calls[-1])
    left_out = _LEFT_OUT + np.log(1 + rows.copies.sum(axis=1))
    low, high = _window(rows.lead, recorded, few, many, left_out)
    present = rows.copies > 0
    lowest, highest = _window(rows.rivals, recorded[:, None], few, many, left_out[:, None])
    lowest, highest = np.where(present, lowest, 0), np.where(present, highest, 0)
    # Of fewer recorded calls there are never more votes, whatever the widths of windows.
    highest = np.maximum.accumulate(highest[:, ::-1], axis=1)[:, ::-1]

    surely = (low > highest.max(axis=1, initial=0)) & (low >= least)
    result = np.tile(surely.astype(float), (len(calls), 1))
    # A majority wins whatever the others have.
    open_ = np.flatnonzero(~surely & (high > many // 2))
    if len(open_):
        result[:, open_] = _at_least(rows.lead[open_], recorded[open_], calls, max(many // 2 + 1, least))
    first = np.maximum(np.maximum(low, lowest.max(axis=1, initial=0)), least)
    last = np.minimum(high, many // 2)
    open_ = np.flatnonzero(~surely & (first <= last))
    if few == many:
        # All of the calls leave nothing to chance, and binomial counts of rate 1 have no ratios.
        full = open_[recorded[open_] == few]
        top, ties = rows.rivals[full, :1].max(axis=1, initial=0), rows.copies[full, :1].sum(axis=1)
        result[:, full] += (rows.lead[full] > top) + (rows.lead[full] == top) / (1 + ties)
        open_ = open_[recorded[open_] > few]
    # Rows of like sizes go into one part.
    size = np.maximum((highest >= first[:, None]).sum(axis=1), 1) * (last - first + 1)
    open_ = open_[np.argsort(size[open_], kind="stable")]
    centre = (few + many) / 2
    points = _length(few, many, float((centre * (1 - centre / recorded)).max()), int(recorded.max())) // 2 + 1
    while len(open_):
        fit = np.arange(1, len(open_) + 1) * size[open_] * points <= _AT_ONCE
        fit &= size[open_] <= 2 * size[open_[0]]
        part, open_ = np.split(open_, [max(int(fit.sum()), 1)])
        result[:, part] += _contested(rows.take(part), highest[part], recorded[part], first[part], last[part], calls)
    return result


def _window(
    counts: np.ndarray, recorded: np.ndarray, few: int, many: int, left_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The votes that an answer comes to: more with a probability of exp(-left_out), fewer with one of exp(-30)."""
    share = counts / recorded
    widest = np.clip(recorded / 2, few, many)
    variance = widest * share * (1 - share) * (recorded - widest) / np.maximum(recorded - 1, 1)
    width = half_width(variance, left_out)
    # What cannot be negative falls below its mean by less than it may exceed it.
    down = np.minimum(width, np.sqrt(2 * _LEFT_OUT * many * share))
    low = np.maximum(np.floor(few * share - down), np.maximum(few - (recorded - counts), 0))
    high = np.minimum(np.ceil(many * share + width), np.minimum(counts, many))
    return low.astype(np.int64), high.astype(np.int64)


def _at_least(counts: np.ndarray, recorded: np.ndarray, calls: np.ndarray, votes: int) -> np.ndarray:
    """(calls, rows) probability that an answer has so many votes or more: a hypergeometric tail."""
    few, many = int(calls[0]), int(calls[-1])
    low, high = _window(counts, recorded, few, many, np.full(len(counts), _LEFT_OUT))
    m = low[:, None] + np.arange(int((high - low).max()) + 1)
    k, c, n = calls[:, None, None], counts[:, None], recorded[:, None]
    possible = np.maximum(k - (n - c), 0), np.minimum(c, k)
    up, down = (c - m) * (k - m).astype(float), (m + 1) * (n - c - k + m + 1.0)
    pmf = _by_ratios(up, down, (m >= possible[0]) & (m <= possible[1]) & (m <= high[:, None]))
    return (pmf * (m >= votes)).sum(axis=-1)


def _by_ratios(up: np.ndarray, down: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Probabilities whose ratio to the one before along the last axis is up / down of that; 0 outside, 1 in all."""
    step = inside[..., 1:] & inside[..., :-1]
    ratio = np.where(step, up[..., :-1], 1.0) / np.where(step, down[..., :-1], 1.0)
    log = np.concatenate([np.zeros((*inside.shape[:-1], 1)), np.cumsum(np.log(ratio), axis=-1)], axis=-1)
    pmf = np.where(inside, np.exp(log - np.where(inside, log, -np.inf).max(axis=-1, keepdims=True)), 0.0)
    return pmf / pmf.sum(axis=-1, keepdims=True)


def _contested(
    rows: Rows, highest: np.ndarray, recorded: np.ndarray, first: np.ndarray, last: np.ndarray, calls: np.ndarray
) -> np.ndarray:
    """(calls, rows) probability of winning with `first` to `last` votes.

    Args:
        rows: the votes.
        highest: (rows, counts) the most votes of each rival, 0 where there is none.
        recorded: (rows,).
        first: (rows,).
        last: (rows,) at most half of the most calls.
        calls: numbers of calls that share a transform.
    """
    few, many = int(calls[0]), int(calls[-1])
    # Rivals with fewer recorded calls have fewer votes at most: those that can stand in the way come first.
    active = highest >= first[:, None]
    width = max(int(active.sum(axis=1).max()), 1)
    free = rows.free + np.where(active, 0, rows.rivals * rows.copies).sum(axis=1)
    counts = np.concatenate([rows.lead[:, None], np.where(active, rows.rivals, 0)[:, :width]], axis=1)
    copies = np.where(active, rows.copies, 0)[:, :width]
    ballots = recorded.astype(float)
    rate = (few + many) / 2 / ballots

    # Binomial probabilities of all counts, over i = base, base + 1, ...
    mean, spread = counts * rate[:, None], half_width(counts * (rate * (1 - rate))[:, None], _LEFT_OUT)
    low = np.maximum(np.floor(mean - spread), 0).astype(np.int64)
    high = np.minimum(np.ceil(mean + spread), counts).astype(np.int64)
    real = np.concatenate([np.ones((len(copies), 1), bool), copies > 0], axis=1)
    base = np.minimum(np.where(real, low, first[:, None]).min(axis=1), first)
    low, high = (np.where(real, end, base[:, None]) for end in (low, high))
    i = base[:, None] + np.arange(int((np.maximum(high.max(axis=1), last) - base).max()) + 1)
    inside = (i[:, None] >= low[:, :, None]) & (i[:, None] <= high[:, :, None])
    up = (counts[:, :, None] - i[:, None]) * (rate / (1 - rate))[:, None, None]
    pmf = _by_ratios(up, i[:, None] + 1.0, inside) * real[:, :, None]

    m = first[:, None] + np.arange(int((last - first).max()) + 1)
    at = np.minimum(m - base[:, None], i.shape[1] - 1)
    chosen = np.where(m <= last[:, None], 1.0, 0.0)
    winner = np.take_along_axis(pmf[:, 0], at, axis=1) * chosen
    tie = np.take_along_axis(pmf[:, 1:], at[:, None], axis=2) * chosen[:, None]
    reach = np.cumsum(pmf[:, 1:, ::-1], axis=2)[:, :, ::-1]  # P(as many votes or more)
    reach = np.take_along_axis(reach, at[:, None], axis=2)
    before = int((first - base).max())
    below = np.where(i[:, :before] < first[:, None], 1.0, 0.0)[:, None] * pmf[:, 1:, :before]
    able = (copies[:, :, None] * (highest[:, :width, None] >= m[:, None])).sum(axis=1)
    # More ties than the calls allow have no part in the result, but a rule that ignores them is a step in m, and a step
    # gives a transform that must be looked at everywhere.
    sparse = few == many and able.max() <= _FEW_TIES
    most = able if sparse else np.minimum(many // m - 1, able)
    rules = [tie_rule(int(ties)) for ties in most.max(axis=0)]

    length = _length(few, many, float((ballots * rate * (1 - rate)).max()), int(recorded.max()))
    table = _circle(length)
    contest = _Contest(
        table=table,
        calls=i[:, :before],
        below=below,
        votes=m,
        winner=winner,
        tie=tie,
        reach=reach,
        copies=copies,
        place=np.repeat(np.arange(len(rules)), [len(rule.node) for rule in rules]),
        node=np.concatenate([rule.node for rule in rules]),
        weight=np.concatenate([rule.weight for rule in rules]),
    )
    # The transform's variable runs over the upper half of the unit circle.
    k = np.arange(length // 2 + 1)
    one = _log1p(rate[:, None] * table[k])
    found = _where_it_matters(contest, k) if few == many else contest.transform(k)
    found = found * _polar(*(free[:, None] * x for x in one))
    turn = np.where(k == 0, 1.0, 2.0) * (1 + table[-calls[:, None] * k % length])
    total = _polar(*(ballots[:, None] * x for x in one))
    return np.einsum("rk,ck->cr", found, turn).real / np.einsum("rk,ck->cr", total, turn).real


class _Contest(NamedTuple):
    """Answers whose counts are independent, and what is summed over the votes m with which one of them wins.

    Attributes:
        table: (length,) z - 1 at the points of the unit circle.
        calls: (rows, below) i, the counts below the fewest m.
        below: (rows, rivals, below) each rival's probability of i.
        votes: (rows, votes) m.
        winner: (rows, votes) probability that the lead has m.
        tie: (rows, rivals, votes) that a rival has m.
        reach: (rows, rivals, votes) that it has m or more.
        copies: (rows, rivals) how many rivals are alike.
        place: (nodes,) which m a node of the rules for ties belongs to, increasing.
        node: (nodes,) the node.
        weight: (nodes,) and its weight.
    """

    table: np.ndarray
    calls: np.ndarray
    below: np.ndarray
    votes: np.ndarray
    winner: np.ndarray
    tie: np.ndarray
    reach: np.ndarray
    copies: np.ndarray
    place: np.ndarray
    node: np.ndarray
    weight: np.ndarray

    def transform(self, k: np.ndarray) -> np.ndarray:
        """(rows, points) generating function of the contested calls where the lead wins, at points k of the circle."""
        rows, rivals, votes = self.tie.shape
        kept = max(rivals * votes, self.calls.shape[1])
        step = max(1, int(min(_KEPT / kept, _AT_ONCE / max(1, rivals * min(votes, _FEWEST))) / rows))
        parts = [self._at(k[start : start + step]) for start in range(0, len(k), step)]
        return np.concatenate([np.empty((rows, 0), complex), *parts], axis=1)

    def _at(self, k: np.ndarray) -> np.ndarray:
        rows, rivals, _ = self.tie.shape
        z = self.table[self.votes[:, :, None] * k % len(self.table)]
        # sum over i < m of f(i) z^i, less 1, is accurate where nearly all of a count's probability is on 0. Real and
        # imaginary parts side by side spare products with zero.
        powers = self.table[self.calls[:, :, None] * k % len(self.table)].view(float)
        begun = np.matmul(self.below, powers).view(complex)
        more = self.tie[:, :, :, None] * z[:, None]
        under = np.cumsum(more, axis=2)
        under -= more
        under += begun[:, :, None] - self.reach[:, :, :, None]
        more += self.tie[:, :, :, None]
        lead = self.winner[:, :, None] * (1 + z)
        alone = (self.copies <= 1).all(axis=0)
        times = self.copies[:, ~alone, None, None]
        result = np.zeros((rows, len(k)), complex)
        step = max(1, _AT_ONCE // (rows * max(1, rivals) * len(k)))
        for start in range(0, len(self.node), step):
            part = slice(start, start + step)
            nodes = self.place[part]
            once = len(nodes) == nodes[-1] - nodes[0] + 1  # one node for each m: nothing to copy
            place = slice(nodes[0], nodes[-1] + 1) if once else nodes
            factor = more[:, :, place] * self.node[part, None]
            factor += under[:, :, place]
            product = (1 + factor[:, alone]).prod(axis=1)
            if not alone.all():
                product *= _polar(*((times * x).sum(axis=1) for x in _log1p(factor[:, ~alone])))
            product *= self.weight[part, None]
            product *= lead[:, place]
            result += product.sum(axis=1)
        return result


def _where_it_matters(contest: _Contest, k: np.ndarray) -> np.ndarray:
    """The transform at increasing points k, for one number of calls: 0 where it is next to nothing.

    The total of the contested calls has a law of normal shape, and the lead's chances vary smoothly with it, but for
    rhythms of a few calls. So the transform has bumps at few points, each as wide as that of the total, ten points or
    more to either side: none hides between points that are looked at.
    """
    if len(k) < 4 * _COARSE:
        return contest.transform(k)
    found = np.zeros((len(contest.votes), len(k)), complex)
    looked_at = k % _COARSE == 0
    looked_at[-1] = True
    found[:, looked_at] = contest.transform(k[looked_at])
    counts = (np.abs(found) > _NOTHING).any(axis=0)
    around = (np.convolve(counts, np.ones(2 * _COARSE - 1), "same") > 0) & ~looked_at
    found[:, around] = contest.transform(k[around])
    return found


def _length(few: int, many: int, variance: float, most: int) -> int:
    """An odd length of the transform at which no other total of positive probability is taken for one of the calls."""
    # The totals asked for may be less likely than the most likely one by exp(7) and the root of the variance.
    reach = half_width(variance, _LEFT_OUT + 7 + np.log(1 + variance) / 2) + (many - few) / 2
    return min(int(np.ceil(reach)) + 1, most + 1) | 1


@functools.lru_cache(maxsize=8)
def _circle(length: int) -> np.ndarray:
    """z - 1 at the points of the unit circle."""
    angle = np.pi * np.arange(length) / length
    table = -2 * np.sin(angle) ** 2 + 1j * np.sin(2 * angle)
    table.setflags(write=False)
    return table


def _log1p(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log of the modulus, and angle, of 1 + x for complex x near 0; -inf at -1."""
    with np.errstate(divide="ignore"):
        return np.log1p(x.real * (2 + x.real) + x.imag**2) / 2, np.arctan2(x.imag, 1 + x.real)


def _polar(log_modulus: np.ndarray, angle: np.ndarray) -> np.ndarray:
    return np.exp(log_modulus) * (np.cos(angle) + 1j * np.sin(angle))
