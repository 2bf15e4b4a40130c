"""Static sizes of the vote kernel: windows, length of the transform, nodes for ties, and which calls share a transform.

Sizes are rounded up to a coarse grid, so that neighbouring budgets reuse one compilation.
"""

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

# log of the probability of a count outside its window, and of an aliased total relative to the one asked for.
_LEFT_OUT = 28.0
# Calls share a transform if their totals' probabilities differ by at most exp(7): rounding errors grow by as much.
_SHARED = 7.0
# Ties up to which a Gauss-Legendre rule has fewer nodes than one that serves any number.
_GAUSS = 2000
# Values that a carried array may have before it falls out of a processor's cache.
_CACHED = 16_384


class Span(NamedTuple):
    """Array lengths of one compilation.

    Attributes:
        transform: length of the discrete Fourier transform, odd.
        below: how many counts lie below the window of winning counts.
        window: how many winning counts m are contested.
        tail: how many winning counts are majorities.
        free: how many values the free count has.
    """

    transform: int
    below: int
    window: int
    tail: int
    free: int

    @property
    def points(self) -> int:
        """Points of the transform in the upper half of the unit circle."""
        return (self.transform + 1) // 2


class Pairs(NamedTuple):
    """The (m, u) pairs of the sum over winning counts m and of the Gauss-Legendre rule in u, ordered by m.

    Attributes:
        shift: m less the first m of the window.
        node: u.
        weight: the weight of u.
        advance: 1 on the last pair of an m.
    """

    shift: np.ndarray
    node: np.ndarray
    weight: np.ndarray
    advance: np.ndarray


class Plan(NamedTuple):
    """One compilation, and the groups of calls that it serves.

    Attributes:
        span: array lengths.
        pairs: winning counts and nodes.
        groups: (groups, calls of a group) numbers of calls.
        chunk: how many queries are computed at a time.
    """

    span: Span
    pairs: Pairs
    groups: np.ndarray
    chunk: int


class Setup(NamedTuple):
    """What the sizes depend on beside the calls.

    Attributes:
        answers: how many answers each query has, padding included.
        free: whether there is a free count (dropped and blank calls).
        windowed: whether counts keep to windows of a few standard deviations (not so for the Dirichlet-multinomial).
        shared: whether several calls may share a transform, which costs three digits: float64 only.
    """

    answers: int
    free: bool
    windowed: bool
    shared: bool


def plans(calls: np.ndarray, setup: Setup) -> Iterator[Plan]:
    """Plans that serve every one of `calls` (sorted, unique) between them: one up to 256, one up to 4096, and so on."""
    buckets: dict[int, list[np.ndarray]] = {}
    for group in _groups(calls, setup):
        buckets.setdefault(max(2, math.ceil(math.log(int(group[-1]), 16))), []).append(group)
    for groups in buckets.values():
        longest = max(map(len, groups))
        padded = np.stack([np.pad(group, (0, longest - len(group)), mode="edge") for group in groups])
        yield _plan(padded, setup)


def _groups(calls: np.ndarray, setup: Setup) -> Iterator[np.ndarray]:
    if not setup.shared:
        yield from calls[:, None]
        return
    begin = 0
    for end in range(1, len(calls) + 1):
        if end == len(calls) or not near(int(calls[begin]), int(calls[end])):
            yield calls[begin:end]
            begin = end


def near(few: int, many: int, recorded: float = math.inf) -> bool:
    """Whether two numbers of calls, of so many recorded ones, may share a transform."""
    if many == few:
        return True
    centre = (few + many) / 2
    variance = centre * (1 - centre / recorded)
    return (many - few) ** 2 / 4 <= 2 * variance * _SHARED / 2


def _plan(groups: np.ndarray, setup: Setup) -> Plan:
    few, many = groups.min(axis=1), groups.max(axis=1)
    half = many // 2
    lowest = np.ones_like(few) if setup.free else -(-few // setup.answers)
    full = int(max((half - lowest + 1).max(), 0))
    below = int(max((half + 1).max(), 1))
    tail = int((many - np.maximum(half, lowest - 1)).max())
    free = int(many.max()) + 1
    if setup.windowed:
        window = max(_widest(int(a), int(b), int(c), setup) for a, b, c in zip(few, many, lowest, strict=True))
        width = int((many - few + 2 * _half_width(many)).max()) + 2
        below, tail, free = min(below, width), min(tail, width), min(free, width)
        window = min(full, window)
    else:
        window = full
    window = min(_rounded(window), full)
    # Where the window is longer than the range of m it begins lower; fewer votes than `lowest` never win.
    begin = np.maximum(np.minimum(lowest, half - window + 1), 1)
    below = min(below, int(np.maximum(half - window, begin - 1).max()) + 1)
    m = np.maximum(begin[:, None] + np.arange(window), lowest[:, None])
    ties = np.minimum(many[:, None] // m, setup.answers) - 1
    profile = tuple(ties.max(axis=0, initial=0).tolist())
    span = Span(
        transform=_transform(few, many, setup),
        below=_rounded(below),
        window=window,
        tail=_rounded(tail),
        free=_rounded(free) if setup.free else 0,
    )
    chunk = max(1, _CACHED // (setup.answers * span.points))
    return Plan(span, _pairs(profile), groups, chunk)


def half_width(variance: Any, left_out: Any = _LEFT_OUT) -> Any:
    """Half the width of a window around the mean of a (hyper)binomial count, from Bernstein's inequality.

    The log of the probability on either side of it is at most -left_out.

    A bare multiple of the standard deviation would miss the skewed counts of rare answers.
    """
    return left_out / 3 + (left_out**2 / 9 + 2 * left_out * variance) ** 0.5


def _half_width(calls: Any) -> Any:
    return half_width(calls / 4)


def _widest(few: int, many: int, lowest: int, setup: Setup) -> int:
    """The longest stretch of contested m in the window of a leading answer, whatever its share."""
    share = np.linspace(0 if setup.free else 1 / setup.answers, 1, 513)
    width = half_width(many * share * (1 - share))
    first = np.maximum(np.floor(few * share - width), lowest)
    last = np.minimum(np.ceil(many * share + width), many // 2)
    return max(int((last - first).max()) + 3, 0)


def _transform(few: np.ndarray, many: np.ndarray, setup: Setup) -> int:
    """An odd length at which no other total of positive probability is taken for one of the calls."""
    if not setup.windowed:
        length = 4 * int(many.max()) + 32
    else:
        length = max(_reach(int(a), int(b)) for a, b in zip(few, many, strict=True))
    return _rounded(length) | 1


def _reach(few: int, many: int) -> int:
    """How far from `few` or `many` a total has no probability, under a Poisson law: the widest of those windowed."""
    centre = (few + many) / 2

    def log_pmf(x: int) -> float:
        return x * math.log(centre) - math.lgamma(x + 1)

    goal = min(log_pmf(few), log_pmf(many)) - _LEFT_OUT
    low, high = many, 2 * many + 8
    while log_pmf(high) > goal:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_pmf(middle) <= goal else (middle, high)
    return high - few


@functools.cache
def _pairs(ties: tuple[int, ...]) -> Pairs:
    shift, node, weight, advance = [], [], [], []
    for s, most in enumerate(ties):
        rule = tie_rule(most)
        shift += [s] * len(rule.node)
        node += rule.node.tolist()
        weight += rule.weight.tolist()
        advance += [0.0] * (len(rule.node) - 1) + [1.0]
    filler = _rounded(len(shift)) - len(shift) if shift else 0
    return Pairs(
        np.array(shift + shift[-1:] * filler, np.int32),
        np.array(node + [0.0] * filler),
        np.array(weight + [0.0] * filler),
        np.array(advance + [0.0] * filler),
    )


class TieRule(NamedTuple):
    """A quadrature rule for the integral of u^t over (0, 1): 1 / (1 + t), the winner's share of a tie with t others.

    Attributes:
        node: u.
        weight: the weight of u.
    """

    node: np.ndarray
    weight: np.ndarray


@functools.lru_cache(maxsize=4096)
def tie_rule(ties: int) -> TieRule:
    """A rule that is right to 1e-14 for every whole t up to `ties`."""
    if ties <= _GAUSS:
        nodes, weights = np.polynomial.legendre.leggauss(_nodes(ties))
        return TieRule((1 + nodes) / 2, weights / 2)
    # Double exponential in -log u: as many nodes do for any number of ties.
    a = np.arange(-8.0, 3.7, 0.04)
    v = np.exp(a - np.exp(-a))
    weight = 0.04 * v * (1 + np.exp(-a)) * np.exp(-v)
    kept = weight > 1e-18
    return TieRule(np.exp(-v[kept]), weight[kept])


def _nodes(ties: int) -> int:
    """How many nodes integrate u^t over (0, 1) to 1e-14 for every t up to `ties`; ceil((ties + 1) / 2) are exact."""
    exact = ties // 2 + 1
    power = np.arange(ties + 1)
    for count in range(max(1, math.isqrt(16 * ties)), exact):
        nodes, weights = np.polynomial.legendre.leggauss(count)
        if np.abs(((1 + nodes) / 2) ** power[:, None] @ (weights / 2) - 1 / (power + 1)).max() < 1e-14:
            return count
    return exact


def _rounded(length: int) -> int:
    """`length` rounded up to a multiple of an eighth of a power of two (at least of 4)."""
    step = max(4, 1 << max(length.bit_length() - 3, 0))
    return -(-length // step) * step
