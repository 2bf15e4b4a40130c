"""Winning probabilities of a plurality vote: independent counts conditioned on their total ([Levin81]).

For answer 0 to win with m votes its rivals must each have at most m. With independent counts that is a coefficient of a
product of truncated generating functions, which a discrete Fourier transform over the total picks out:

    P(0 wins with m) = f_0(m) int_0^1 [z^(K-m)] prod_{j>0} (sum_{i<m} f_j(i) z^i + u f_j(m) z^m) du / P(total = K).

Three things keep the cost at O(K x answers). Where m exceeds K / 2 the win is certain, and f_0 alone says how likely.
Below, m runs over the window of the leading answer's count. The transform needs only tell totals apart that have a
probability, a few times sqrt(K) of them. The sum over m is one scan that carries the prefix sums of all answers.
"""

import functools
import itertools
import operator
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale._arrays import Floats
from jaxscale.plurality._count_laws import CountLaw
from jaxscale.plurality._plan import Pairs, Span, half_width

Complex: TypeAlias = jax.Array

RADIX = 8
"""Answers, or rivals of answer 0 where it alone is asked for, number at most this or a multiple of it."""


class _Setting(NamedTuple):
    """What one scan needs beside the sizes: constants of the derivative.

    Attributes:
        rate: the rate of the counts.
        lowest: the first m of the window.
        starts: the first count of each answer's own window.
        free_start: the first count of the free count's window.
        least: wins with fewer votes than this do not count.
        calls: numbers of calls.
        shift: (pairs,) m - lowest.
        node: (pairs,) u.
        weight: (pairs,) the weight of the Gauss-Legendre rule.
        advance: (pairs,) 1 where the next pair has the next m.
    """

    rate: Float[Array, " queries"]
    lowest: Float[Array, " queries"]
    starts: Float[Array, "answers queries"]
    free_start: Float[Array, " queries"]
    least: Float[Array, " queries"]
    calls: Float[Array, "queries group"]
    shift: Array
    node: Floats
    weight: Floats
    advance: Floats


@functools.partial(jax.jit, static_argnums=(0, 1, 2), static_argnames=("chunk", "every"))
def winning(
    law: CountLaw,
    span: Span,
    has_free: bool,
    pairs: Pairs,
    sizes: Float[Array, "queries answers"],
    free: Float[Array, " queries"],
    calls: Float[Array, "queries group"],
    least: Float[Array, " queries"],
    *,
    chunk: int,
    every: bool,
) -> Floats:
    """Probability of winning a plurality vote, ties split, with at least `least` votes.

    Args:
        law: the law of the counts.
        span: array lengths, planned for these numbers of calls.
        has_free: whether `free` is anything but 0.
        pairs: winning counts and nodes, planned with `span`.
        sizes: sizes of the answers' counts; an answer of size 0 never wins.
        free: size of one more count that never wins (dropped and blank calls).
        calls: numbers of calls; those of one query share a transform.
        least: whole numbers >= 1.
        chunk: how many queries to compute at a time.
        every: whether to return the probabilities of all answers or of answer 0 alone.

    Returns:
        Shape (queries, group), or (queries, group, answers) if `every`; the dtype of `sizes`. 0 where there are
        fewer ballots than calls.
    """
    run = functools.partial(_winning, law, span, has_free, every, pairs)
    queries = len(sizes)
    if queries <= chunk:
        return run(sizes, free, calls, least)
    blocks = -(-queries // chunk)
    # The last block repeats the last query: any valid filler will do.
    index = np.minimum(np.arange(blocks * chunk), queries - 1).reshape(blocks, chunk)
    out = jax.lax.map(lambda block: run(*block), tuple(array[index] for array in (sizes, free, calls, least)))
    return out.reshape(-1, *out.shape[2:])[:queries]


def _winning(
    law: CountLaw,
    span: Span,
    has_free: bool,
    every: bool,
    pairs: Pairs,
    sizes: Floats,
    free: Floats,
    calls: Floats,
    least: Floats,
) -> Floats:
    sizes = sizes.T
    total = sizes.sum(axis=0) + free
    fixed = jax.lax.stop_gradient(jnp.where(total > 0, total, 1.0))
    few, many = calls.min(axis=1), calls.max(axis=1)
    rate = law.rate(fixed, few, many, span.transform)
    share = jax.lax.stop_gradient(sizes) / fixed

    def first(part: Floats) -> Floats:
        """The first count of a window that leaves out less than 1e-13."""
        variance = jnp.maximum(law.variance(part, fixed, few), law.variance(part, fixed, many))
        return jnp.maximum(jnp.floor(few * part - half_width(variance)), 0)

    ceiling = jnp.floor(many / 2)
    lowest = jnp.clip(first(share.max(axis=0)), 1 if has_free else jnp.ceil(few / len(sizes)), ceiling + 1)
    lowest = jnp.maximum(jnp.minimum(lowest, ceiling - span.window + 1), 1)
    starts = first(share)
    setting = _Setting(
        rate=rate,
        lowest=lowest,
        starts=jnp.minimum(starts, jnp.maximum(lowest - 1, 0)),
        free_start=first(jax.lax.stop_gradient(free) / fixed),
        least=least,
        calls=calls,
        shift=jnp.asarray(pairs.shift),
        node=jnp.asarray(pairs.node, sizes.dtype),
        weight=jnp.asarray(pairs.weight, sizes.dtype),
        advance=jnp.asarray(pairs.advance, sizes.dtype),
    )

    # Beyond the window a majority is certain: the law of the winner's count, given the total, is all there is.
    winner = sizes if every else sizes[:1]
    rest = jnp.maximum(total - sizes, 0) if every else (sizes[1:].sum(axis=0) + free)[None]
    begin = jnp.maximum(jnp.maximum(lowest + span.window, starts[: len(winner)]), least)
    m = begin[..., None] + jnp.arange(span.tail, dtype=sizes.dtype)
    against = (calls[:, :, None] - m[:, :, None]).reshape(*begin.shape, -1)
    # One evaluation of the pmf for all three is one piece of code to compile.
    parts = ((m, winner), (against, rest), (jnp.broadcast_to(calls, (*begin.shape, calls.shape[1])), total))
    count = jnp.concatenate([part for part, _ in parts], axis=-1)
    size = jnp.concatenate([jnp.broadcast_to(size[..., None], part.shape) for part, size in parts], axis=-1)
    wins, others, drawn = jnp.split(
        law.pmf(count, size, rate[:, None]), (span.tail, span.tail * (1 + calls.shape[1])), axis=-1
    )
    result = jnp.einsum("anm,angm->nga", wins, others.reshape(*begin.shape, calls.shape[1], span.tail))
    drawn = jnp.moveaxis(drawn, 0, -1)

    if span.window:
        if every:
            result = result + _contested_every(law, span, has_free, sizes, free, setting)
        else:
            result = result + _contested_first(law, span, has_free, sizes, free, setting)[..., None]
    result = jnp.where(drawn > 0, result / jnp.where(drawn > 0, drawn, 1.0), 0.0)
    return result if every else result[..., 0]


# The transform's variable runs over the upper half of the unit circle: z_k = exp(2 pi i k / length), length odd.


def _phase(power: Any, span: Span, dtype: Any) -> Complex:
    """z_k^power for every k, looked up by the whole number that is its angle."""
    circle = np.exp(2j * np.pi / span.transform * np.arange(span.transform))
    index = (jnp.asarray(power, jnp.int32) % span.transform)[..., None] * jnp.arange(span.points, dtype=jnp.int32)
    return jnp.asarray(circle, jnp.result_type(dtype, jnp.complex64))[index % span.transform]


def _generate(pmf: Floats, start: Floats, span: Span) -> Complex:
    """sum_i pmf(i) z^(start + i) at every point; pmf has shape (..., length) and start its leading one."""
    table = _phase(np.arange(pmf.shape[-1]), span, pmf.dtype)
    both = jnp.matmul(pmf, jnp.concatenate([table.real, table.imag], axis=-1), precision="highest")
    return jax.lax.complex(both[..., : span.points], both[..., span.points :]) * _phase(start, span, pmf.dtype)


class _Counts(NamedTuple):
    """Truncated pmfs of all answers, or their slopes: prefix sums below the window, and the window itself.

    Attributes:
        below: (answers, queries, points) sum over i < lowest of f(i) z^(i - lowest).
        window: (pairs, answers, queries) f(m).
    """

    below: Complex
    window: Floats


def _counts(law: CountLaw, span: Span, sizes: Floats, setting: _Setting, *, slopes: bool) -> list[_Counts]:
    """The pmfs of all answers and, if asked for, their slopes."""
    size, rate = sizes[..., None], setting.rate[:, None]
    below = setting.starts[..., None] + jnp.arange(span.below, dtype=sizes.dtype)
    window = setting.lowest[:, None] + jnp.arange(span.window, dtype=sizes.dtype)
    count = jnp.concatenate([below, jnp.broadcast_to(window, (*sizes.shape, span.window))], axis=-1)
    values = law.pmf(count, size, rate)
    result = []
    for part in [values, law.slope(count, size, rate, values)] if slopes else [values]:
        low = jnp.where(below < setting.lowest[:, None], part[..., : span.below], 0.0)
        high = jnp.moveaxis(part[..., span.below :], -1, 0)[setting.shift]
        result.append(_Counts(_generate(low, setting.starts - setting.lowest, span), high))
    return result


def _free_factor(law: CountLaw, span: Span, free: Floats, setting: _Setting, *, slope: bool) -> Complex:
    """The generating function of the free count, or its derivative in the size."""
    count = setting.free_start[:, None] + jnp.arange(span.free, dtype=free.dtype)
    size, rate = free[:, None], setting.rate[:, None]
    values = law.pmf(count, size, rate)
    if slope:
        values = law.slope(count, size, rate, values)
    return _generate(values, setting.free_start, span)


def _coefficient(total: Complex, answers: int, span: Span, setting: _Setting, pattern: str) -> Floats:
    """[z^calls] of what a scan summed up: each of its `answers` factors was turned by z^-lowest."""
    turn = _phase(setting.lowest[:, None] * answers - setting.calls, span, setting.rate.dtype)
    half_circle = jnp.where(jnp.arange(span.points) == 0, 1.0, 2.0).astype(turn.real.dtype) / span.transform
    return jnp.einsum(pattern, total, turn * half_circle, precision="highest").real


def _split(array: Array) -> list[Array]:
    """Up to eight equal parts along the leading axis: separate arrays fuse into one loop, slices of one do not."""
    return jnp.split(array, min(len(array), RADIX))


def _product(factors: list[Complex]) -> Complex:
    """Product over the list and over the leading axis of its arrays."""
    product = functools.reduce(operator.mul, factors)
    return product[0] if len(product) == 1 else _product(_split(_padded(product)))


def _leave_one_out(factors: list[Complex], start: Complex) -> list[Complex]:
    """`start` times the product of all other factors, for each factor.

    Prefix and suffix products over the list, in which the product of the rest of the leading axis is put first.
    """
    if len(factors[0]) == 1:
        outer = start[None]
    else:
        product = functools.reduce(operator.mul, factors)
        outer = jnp.concatenate(_leave_one_out(_split(_padded(product)), start))[: len(product)]
    before = list(itertools.accumulate(factors[:-1], operator.mul, initial=outer))
    after = list(itertools.accumulate(factors[:0:-1], operator.mul))[::-1]
    return [*(a * b for a, b in zip(before, after, strict=False)), before[-1]]


def _padded(factors: Complex) -> Complex:
    filler = -len(factors) % RADIX if len(factors) > RADIX else 0
    return jnp.concatenate([factors, jnp.ones((filler, *factors.shape[1:]), factors.dtype)]) if filler else factors


def _winner(window: Floats, setting: _Setting) -> Floats:
    """The window pmfs times the weights of the pairs, 0 where that many votes are not enough."""
    m = setting.lowest + setting.shift[:, None].astype(window.dtype)
    weight = jnp.where(m >= setting.least, setting.weight[:, None], 0.0)
    return window * jnp.expand_dims(weight, tuple(range(1, window.ndim - 1)))


def _pairwise(span: Span, setting: _Setting) -> tuple[Array, ...]:
    return _phase(setting.shift, span, setting.rate.dtype), setting.node, setting.advance


def _turned(window: Floats, z: Complex) -> list[Complex]:
    return [f[..., None] * z for f in _split(window)]


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1, 2))
def _contested_first(
    law: CountLaw, span: Span, has_free: bool, sizes: Floats, free: Floats, setting: _Setting
) -> Floats:
    """Probability, times that of the total, that answer 0 wins with a count in the window: (queries, group)."""
    (counts,) = _counts(law, span, sizes, setting, slopes=False)

    def step(carry: Any, inputs: Any) -> Any:
        below, total = carry
        rivals, winner, z, node, advance = inputs
        tie = _turned(rivals, z)
        total = total + winner[:, None] * z * _product([b + node * t for b, t in zip(below, tie, strict=True)])
        return ([b + advance * t for b, t in zip(below, tie, strict=True)], total), None

    start = _split(counts.below[1:]), jnp.zeros_like(counts.below[0])
    rivals = counts.window[:, 1:]
    (_, total), _ = jax.lax.scan(
        step, start, (rivals, _winner(counts.window[:, 0], setting), *_pairwise(span, setting))
    )
    if has_free:
        total = total * _free_factor(law, span, free, setting, slope=False)
    return _coefficient(total, len(sizes), span, setting, "nk,ngk->ng")


@_contested_first.defjvp
def _contested_first_jvp(
    law: CountLaw, span: Span, has_free: bool, primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Floats, Floats]:
    """One scan gives the value and its gradient in every size: each prefix sum is carried along with its slope."""
    sizes, free, setting = primals
    counts, slopes = _counts(law, span, sizes, setting, slopes=True)

    def step(carry: Any, inputs: Any) -> Any:
        below, below_slope, total, by_first, by_rival = carry
        rivals, rival_slopes, winner, winner_slope, z, node, advance = inputs
        tie, tie_slope = _turned(rivals, z), _turned(rival_slopes, z)
        factors = [b + node * t for b, t in zip(below, tie, strict=True)]
        first = winner[:, None]
        others = _leave_one_out(factors, first * z)
        product = z * _product(factors)
        by_rival = [
            by + other * (b + node * t)
            for by, other, b, t in zip(by_rival, others, below_slope, tie_slope, strict=True)
        ]
        below = [b + advance * t for b, t in zip(below, tie, strict=True)]
        below_slope = [b + advance * t for b, t in zip(below_slope, tie_slope, strict=True)]
        return (below, below_slope, total + first * product, by_first + winner_slope[:, None] * product, by_rival), None

    zero = jnp.zeros_like(counts.below[0])
    below, below_slope = _split(counts.below[1:]), _split(slopes.below[1:])
    inputs = (
        counts.window[:, 1:],
        slopes.window[:, 1:],
        _winner(counts.window[:, 0], setting),
        _winner(slopes.window[:, 0], setting),
        *_pairwise(span, setting),
    )
    start = (below, below_slope, zero, zero, [jnp.zeros_like(b) for b in below])
    (_, _, total, by_first, by_rival), _ = jax.lax.scan(step, start, inputs)

    gradient = jnp.concatenate([by_first[None], *by_rival])
    tangent = 0.0
    if has_free:
        by_free = total * _free_factor(law, span, free, setting, slope=True)
        tangent = _coefficient(by_free, len(sizes), span, setting, "nk,ngk->ng") * tangents[1][:, None]
        factor = _free_factor(law, span, free, setting, slope=False)
        total, gradient = total * factor, gradient * factor
    by_size = _coefficient(gradient, len(sizes), span, setting, "ank,ngk->ang")
    value = _coefficient(total, len(sizes), span, setting, "nk,ngk->ng")
    return value, jnp.einsum("ang,an->ng", by_size, tangents[0], precision="highest") + tangent


def _contested_every(
    law: CountLaw, span: Span, has_free: bool, sizes: Floats, free: Floats, setting: _Setting
) -> Floats:
    """The same for every answer: (queries, group, answers)."""
    (counts,) = _counts(law, span, sizes, setting, slopes=False)

    @jax.checkpoint
    def step(carry: Any, inputs: Any) -> Any:
        below, total = carry
        rivals, winners, z, node, advance = inputs
        tie = _turned(rivals, z)
        factors = [b + node * t for b, t in zip(below, tie, strict=True)]
        others = _leave_one_out(factors, jnp.broadcast_to(z, factors[0].shape[1:]))
        total = [by + w[..., None] * other for by, w, other in zip(total, _split(winners), others, strict=True)]
        return ([b + advance * t for b, t in zip(below, tie, strict=True)], total), None

    below = _split(counts.below)
    inputs = (counts.window, _winner(counts.window, setting), *_pairwise(span, setting))
    (_, parts), _ = jax.lax.scan(step, (below, [jnp.zeros_like(b) for b in below]), inputs)
    total = jnp.concatenate(parts)
    if has_free:
        total = total * _free_factor(law, span, free, setting, slope=False)
    return _coefficient(total, len(sizes), span, setting, "ank,ngk->nga")
