"""Who wins a vote over some of the recorded ballots, drawn without replacement: exact to 1e-11, in NumPy.

The counts of the answers are independent binomials conditioned on their total, as in `_kernel`. Recorded counts are
whole numbers, which leaves less to do than there:

- Answers that were given equally often have the same generating function, which is raised to a power. n ballots hold
  fewer than sqrt(2 n) different counts, however many answers there are.
- Answers that do not come to as many votes as win (but with probability 1e-13, of all of them together) never stand in
  the way: they join the calls that never win. Where one answer is surely ahead or behind nothing is left to do: at many
  calls most queries are so.

There is nothing to compile: shapes follow the data, and work is done in parts of bounded memory.
"""

import functools
from typing import NamedTuple

import numpy as np

from jaxscale._checks import MAX_CALLS
from jaxscale.plurality._plan import half_width, near, tie_rule

# log of the probability of what is left out: of a count outside its window, a total taken for another.
_LEFT_OUT = 30.0
# Complex numbers in an array that is worked on, which should fit a processor's cache, and in one that is kept.
_AT_ONCE, _HELD = 2**15, 2**19


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
    begin = 0
    for end in range(1, len(calls) + 1):
        enough = recorded >= calls[begin]
        fewest = int(recorded[enough].min(initial=MAX_CALLS))
        together = end < len(calls) and least is None and calls[end] <= fewest
        if not together or not near(int(calls[begin]), int(calls[end]), fewest):
            needed = 1 if least is None else int(least[begin])
            if enough.any():
                result[begin:end, enough] = _together(rows.take(enough), recorded[enough], calls[begin:end], needed)
            begin = end
    # Rounding may leave the range of probabilities by 1e-16.
    return result.clip(0, 1)


def _together(rows: Rows, recorded: np.ndarray, calls: np.ndarray, least: int) -> np.ndarray:
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
    # Rows of like sizes together.
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
    """Probabilities along the last axis whose ratio to the one before is up / down of that; 0 outside, 1 together."""
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
    below = np.where(i < first[:, None], 1.0, 0.0)[:, None] * pmf[:, 1:]
    able = (copies[:, :, None] * (highest[:, :width, None] >= m[:, None])).sum(axis=1)
    most = np.minimum(many // m - 1, able)
    rules = [tie_rule(int(ties)) for ties in most.max(axis=0)]
    nodes = np.array([len(rule.node) for rule in rules])
    node, weight = np.zeros((2, len(rules), nodes.max()))
    for c, rule in enumerate(rules):
        node[c, : nodes[c]], weight[c, : nodes[c]] = rule

    length = _length(few, many, float((ballots * rate * (1 - rate)).max()), int(recorded.max()))
    found, total = np.zeros((2, len(calls), len(counts)))
    alone = (copies <= 1).all(axis=0)
    # Most nodes are of the fewest votes.
    held, worked_on = max(width * m.shape[1], i.shape[1]), width * nodes.mean() * m.shape[1] / nodes.max()
    step = max(1, int(min(_HELD / held, _AT_ONCE / worked_on) / len(counts)))
    for start in range(0, length // 2 + 1, step):
        k = np.arange(start, min(start + step, length // 2 + 1))
        # sum over i < m of f(i) z^i, less 1, is accurate where nearly all of a count's probability is on 0.
        table = _circle(length)
        begun = np.matmul(below, table[i[:, :, None] * k % length])
        z = table[m[:, :, None] * k % length]
        more = tie[:, :, :, None] * z[:, None]
        under = np.cumsum(more, axis=2)
        under -= more
        under += begun[:, :, None] - reach[:, :, :, None]
        lead = winner[:, :, None] * (1 + z)
        product = np.zeros((len(counts), len(k)), complex)
        for j in range(node.shape[1]):
            # The fewer votes, the more can have as many.
            part = slice(0, 1 + int(np.flatnonzero(nodes > j)[-1]))
            factor = node[part, j, None] * more[:, :, part]
            factor += under[:, :, part]
            factor += (node[part, j] * tie[:, :, part])[:, :, :, None]
            powers = (1 + factor[:, alone]).prod(axis=1)
            if not alone.all():
                times = copies[:, ~alone, None, None]
                powers = powers * _polar(*((times * x).sum(axis=1) for x in _log1p(factor[:, ~alone])))
            product += (weight[part, j, None] * lead[:, part] * powers).sum(axis=1)
        one = _log1p(rate[:, None] * table[k])
        # The transform's variable runs over the upper half of the unit circle.
        turn = np.where(k == 0, 1.0, 2.0) * (1 + table[-calls[:, None] * k % length])
        found += np.einsum("rk,ck->cr", product * _polar(*(free[:, None] * x for x in one)), turn).real
        total += np.einsum("rk,ck->cr", _polar(*(ballots[:, None] * x for x in one)), turn).real
    return found / total


def _length(few: int, many: int, variance: float, most: int) -> int:
    """An odd length of the transform at which no other total of positive probability is taken for one of the calls."""
    # The totals asked for may be exp(7) and the root of the variance less likely than all together.
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
