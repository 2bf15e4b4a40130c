"""The engine: fixed blocks of (query, replicate) indices, summed exactly, in any number of pieces and devices."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import float64, tracing
from jaxscale._checks import ArgumentError, whole_numbers
from jaxscale.sampling import BLOCK
from jaxscale.simulator._build import build_process
from jaxscale.simulator._own import OwnSystem
from jaxscale.simulator._process import AMOUNT_SHIFT, PAIR_UNIT, PARTS, SPREAD_UNIT, AbstractProcess, Tally, combine
from jaxscale.simulator._result import Simulation
from jaxscale.simulator._source import Lanes
from jaxscale.systems import AbstractSystem, CallByCall, Population

_TILE = {"cpu": 64}
_TILE_ELSEWHERE = 16_384
"""Blocks: what a CPU's caches hold; on an accelerator, what hides the time between kernels."""
_WORDS_ELSEWHERE = 2**29
"""32-bit words that a tile may keep, there."""
_CHUNK_SECONDS = 0.25
_LEAST_AT_ONCE = 8
_MOST_AMOUNTS = 2**32


def simulate(
    key: PRNGKeyArray,
    system: AbstractSystem | CallByCall,
    population: Population,
    calls: ArrayLike,
    replicates: int = 10_000,
    *,
    chunk: int | None = None,
    mesh: Mesh | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Simulate a system on a population: draw difficulties, then outcomes, and average.

    A system of your own has three methods, functions of one query in plain `jax.numpy`:

    - `start(answers) -> state`: before the first call. `answers` is how many different answers there are, an int (the
      longest list of any query's; 2, right and wrong, where only success is known). The state is any pytree of arrays.
    - `step(state, call) -> state`: after a call. The state keeps its structure, shapes and dtypes. `js.Call` says what
      a call has: number, answer, right, chance, and where the population has them kept, score, tokens, query.
    - `score(state) -> share`: the share right, in [0, 1]. A system that counts or earns declares two attributes,
      `unit = "tokens"`, say, and `bound = 4096.0`: its scores then lie in [-bound, bound] and are counted in that unit,
      in parts of less than 2^-29 of the bound.
    - `calls_used(state) -> whole number`, if it may stop early.

    It is a frozen dataclass, compiled in with all its values, or a pytree (an `equinox.Module`, or a dataclass that is
    registered with JAX), whose numbers and arrays are traced: systems that differ only in these share a compilation.

    Args:
        key: a typed JAX key. The same key gives the same bits for every `chunk` and `mesh`, and whatever
            `jax_enable_x64` says: the parameters of a difficulty model are rounded to float32 for its draws.
        system: a system of jaxscale, or one of your own: an object with `start`, `step` and `score`, said below.
        population: a difficulty model or `DirichletAnswers` (each replicate draws a fresh query), or data or an
            `AnswerDistribution` (each replicate runs every query; from data, calls are drawn without replacement).
        calls: numbers of calls, whole and positive; scalar or (budgets,). What is found at one of them has the same
            bits whichever others are asked under the same key (a system of your own that rounds may differ in that).
            A replicate has the same first calls at each of them. So the values of a curve are correlated, and it is
            smoother than its standard errors suggest. Drawn anew at each number of calls are only the best scores of
            `BestOfN(separation=...)`, the pick of `RecordedBestOfN` and the fresh call of `RoutedVote`.
        replicates: how often. For data the standard error is computed from pairs of replicates: of an odd number the
            last does not enter it.
        chunk: (query, replicate) indices per device call, rounded up to whole tiles (65,536 indices on a CPU, up to
            16,777,216 on an accelerator, fewer where there are fewer in all); None: from one tile a device on, chunks
            grow for as long as they take a quarter second. It sets how often `progress` is called; memory is that of
            one tile.
        mesh: devices to spread the indices over, a mesh of any shape; None: the default device.
        progress: called with (indices done, indices in all) after each chunk.

    Returns:
        Mean and standard error per number of calls.

    Raises:
        TypeError: for a system that has no meaning on the population; it names the populations on which it has one.
        ValueError: for calls beyond what was recorded (use `forecast`); data that lack what the system reads; a system
            of your own that can be changed, or whose methods do not return what they should; a score out of range; and
            inside `jax.grad`, `jit` or `vmap` (`exact` is differentiable, what is drawn is not).

    Source:
        docs/mathematics.md, "Simulation".

    Example:
        >>> import jaxscale as js
        >>> simulation = simulate(jax.random.key(0), js.PassAtK(), js.Beta(1.0, 1.0), [1, 3], 100_000)
        >>> bool(abs(simulation.value - [1 / 2, 3 / 4]).max() < 0.01)  # k / (k + 1)
        True

        A system of your own: right as soon as two calls in a row are.

        >>> import dataclasses
        >>> @dataclasses.dataclass(frozen=True)
        ... class TwoInARow:
        ...     def start(self, answers):
        ...         return {"last": jnp.array(False), "done": jnp.array(False)}
        ...     def step(self, state, call):
        ...         return {"last": call.right, "done": state["done"] | (state["last"] & call.right)}
        ...     def score(self, state):
        ...         return state["done"].astype(float)
        >>> print(simulate(jax.random.key(0), TwoInARow(), js.PointMass(1.0), [1, 2], 100).value)
        [0. 1.]
    """
    _refuse_tracers(key, system, population)
    asked = whole_numbers(calls, "calls")
    replicates = int(whole_numbers(replicates, "replicates"))
    if chunk is not None:
        chunk = int(whole_numbers(chunk, "chunk"))
    if not isinstance(mesh, Mesh | None):
        raise ArgumentError("mesh", mesh, "a jax.sharding.Mesh, or None for the default device")
    budgets = np.unique(asked)
    with float64():
        process, queries = build_process(system, population, budgets)
        sums = accumulate(key, process, budgets, queries, replicates, chunk, mesh, progress)
    return summarise(sums, asked, queries, replicates, process.own)


def _refuse_tracers(*arguments: Any) -> None:
    leaves = jax.tree.leaves(arguments)
    leaves += [value for leaf in leaves for value in getattr(leaf, "__dict__", {}).values()]  # of frozen dataclasses
    if tracing(leaves):
        raise ValueError(
            "simulate inside jax.grad, jit or vmap: expected plain numbers, as what is drawn has no derivative; "
            "use js.exact there, which is differentiable"
        )


def summarise(
    sums: Tally, asked: np.ndarray, queries: int | None, replicates: int, own: OwnSystem | None = None
) -> Simulation:
    """What the sums of all blocks, int64 arrays by sorted calls, say at the calls asked for."""
    _, place = np.unique(asked, return_inverse=True)
    score, spread, used = jax.tree.map(lambda by_calls: by_calls[place.reshape(asked.shape)], tuple(sums[:3]))
    total = replicates * (queries or 1)
    used = None if used is None else used / total
    if own is not None and own.grain is not None:
        return Simulation(asked, *_amounts(score, spread, float(own.grain), queries, replicates), used, own.unit)
    mean: np.ndarray = score / (PARTS * total)
    if queries is not None:
        pairs = queries * (replicates // 2)
        variance = spread * (PAIR_UNIT / (2 * pairs)) if pairs else np.full(mean.shape, np.nan)
    else:
        variance = np.maximum(mean * (1 - mean) - spread * (SPREAD_UNIT / total), 0.0)
        variance = variance * (total / (total - 1)) if total > 1 else np.full(mean.shape, np.nan)
    return Simulation(asked, mean, np.sqrt(variance / total), used)


def _amounts(
    amounts: np.ndarray, spread: np.ndarray, grain: float, queries: int | None, replicates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of amounts, from whole grains: only the results are rounded."""
    total, mean, error = replicates * (queries or 1), np.empty(amounts.shape), np.full(amounts.shape, np.nan)
    pairs = None if queries is None else queries * (replicates // 2)
    for at in np.ndindex(amounts.shape):
        amount, (high, low) = int(amounts[at]), spread[at].tolist()
        squares = high * 2**AMOUNT_SHIFT + low
        mean[at] = grain * (amount / total)
        if pairs:
            error[at] = grain * math.sqrt(squares / (2 * pairs * total))
        elif pairs is None and total > 1:
            error[at] = grain * math.sqrt((total * squares - amount**2) / (total**2 * (total - 1)))
    return mean, error


def _refuse_extremes(own: OwnSystem, extremes: np.ndarray, budgets: np.ndarray) -> None:
    """Refuse scores and calls used that are out of range, however few they are."""
    least, most = (0.0, 1.0) if own.bound is None else (-float(own.bound), float(own.bound))
    slack = 0.5 / PARTS if own.grain is None else float(own.grain) / 2
    for calls, outputs in zip(budgets.tolist(), extremes.tolist(), strict=True):
        ranges = (("score", least, most, slack), ("calls_used", 0, calls, 0))
        for (method, low, high, off), (below, above, unknown) in zip(ranges, outputs, strict=False):
            bad = math.nan if unknown == 1 else -below if -below < low - off else above
            if unknown == 1 or bad < low - off or bad > high + off:
                more = ""
                if method == "score" and own.unit is not None:
                    more = f", its bound in {own.unit}"
                elif method == "score":
                    more = ", the share right; a system that counts or earns declares `unit` and `bound`"
                raise ValueError(
                    f"{own.name}.{method} = {bad:.9g} where calls = {calls}: expected {low:g} to {high:g}{more}"
                )


def accumulate(
    key: PRNGKeyArray,
    process: AbstractProcess,
    budgets: np.ndarray,
    queries: int | None,
    replicates: int,
    chunk: int | None,
    mesh: Mesh | None,
    progress: Callable[[int, int], None] | None,
) -> Any:
    """Sum the tallies of all blocks, chunk by chunk, as int64."""
    total, sums = replicates * (queries or 1), None
    for done, so_far in accumulating(key, process, budgets, queries, replicates, chunk, mesh):
        sums = so_far
        if progress is not None:
            progress(done, total)
    return sums


def accumulating(
    key: PRNGKeyArray,
    process: AbstractProcess,
    budgets: np.ndarray,
    queries: int | None,
    replicates: int,
    chunk: int | None,
    mesh: Mesh | None,
    begun: tuple[int, list[np.ndarray]] | None = None,
) -> Iterator[tuple[int, Any]]:
    """Yield (indices done, the sums of all blocks so far) after each chunk.

    Args:
        key: as in `simulate`.
        process: what to simulate.
        budgets: sorted numbers of calls.
        queries: as `build_process` gives them.
        replicates: as in `simulate`.
        chunk: as in `simulate`.
        mesh: as in `simulate`.
        begun: what an earlier run yielded last, the leaves of its sums. It is not used where its end is no end of a
            tile here, as on another kind of device.
    """
    total, extent, own = replicates * (queries or 1), _extent(queries, replicates), process.own
    if own is not None and own.grain is not None and total > _MOST_AMOUNTS:
        raise ValueError(f"replicates x queries = {total}: expected at most {_MOST_AMOUNTS} for amounts in {own.unit}")
    tile, tiles, _ = _tiles(process, total, mesh)
    devices = 1 if mesh is None else mesh.size
    steps = max(1, (chunk or 0) // (tile * BLOCK * devices))
    run = _runner(tile, queries is not None, mesh)
    sums, first = None, 0
    if begun is not None and begun[0] < total and begun[0] % (tile * BLOCK) == 0:
        first = begun[0] // (tile * BLOCK)
    while first < tiles:
        last, started = min(first + steps * devices, tiles), time.monotonic()
        part: Any = run(key, process, jnp.asarray(budgets), extent, jnp.int64(first), jnp.int64(last))
        part = jax.tree.map(np.asarray, part)
        if own is not None:
            _refuse_extremes(own, part.extremes, budgets)
        if sums is None and first > 0 and begun is not None:
            sums = jax.tree.unflatten(jax.tree.structure(part), begun[1])
        sums = part if sums is None else combine(sums, part, np)
        if chunk is None and time.monotonic() - started < _CHUNK_SECONDS:
            steps *= 2
        first = last
        yield min(last * tile * BLOCK, total), sums


def points_at_once(process: AbstractProcess, queries: int | None, replicates: int, mesh: Mesh | None) -> int:
    """How many points of a sweep run at once: what fits the tiles of all devices, 1 where that is fewer than 8 a tile.

    Fewer gain nothing: what is saved is the time from one call of a device to the next.
    """
    tile, _, largest = _tiles(process, replicates * (queries or 1), mesh)
    at_once = largest // tile
    return at_once * (1 if mesh is None else mesh.size) if at_once >= _LEAST_AT_ONCE else 1


def accumulate_points(
    keys: PRNGKeyArray,
    own: Any,
    shared: Any,
    budgets: np.ndarray,
    queries: int | None,
    replicates: int,
    mesh: Mesh | None,
) -> Any:
    """The sums of several points, each of one tile: whole points on each device.

    Args:
        keys: (points,) as many as a multiple of the devices.
        own: the process, with only the leaves that differ between points, each (points, ...).
        shared: the process, with only the other leaves.
        budgets: sorted numbers of calls.
        queries: as in `accumulate`.
        replicates: as in `simulate`.
        mesh: as in `simulate`.
    """
    tile, _, _ = _tiles(eqx.combine(own, shared), replicates * (queries or 1), mesh)
    run, extent = _points_runner(tile, queries is not None, mesh), _extent(queries, replicates)
    sums = run(keys, own, shared, jnp.asarray(budgets), extent, jnp.int64(0), jnp.int64(1))
    return jax.tree.map(np.asarray, sums)


def _extent(queries: int | None, replicates: int) -> Array:
    """Indices in all, queries, and the indices that have a twin."""
    rows = queries or 1
    return jnp.asarray([replicates * rows, rows, rows * (replicates - replicates % 2)], jnp.int64)


def _tiles(process: AbstractProcess, total: int, mesh: Mesh | None) -> tuple[int, int, int]:
    """Blocks in a tile, tiles in all, and the most blocks that a tile may have.

    The tile depends on how much there is to simulate: what is compiled, and so every bit, does not depend on the chunk.
    """
    blocks = -(-total // BLOCK)
    platform = (mesh.devices.flat[0] if mesh is not None else jax.devices()[0]).platform
    largest = _TILE.get(platform, 0)
    if not largest:
        room = max(_WORDS_ELSEWHERE // (BLOCK * process.words), 1)
        largest = min(_TILE_ELSEWHERE, 1 << (room.bit_length() - 1))
    tile = min(largest, 1 << (blocks - 1).bit_length())
    return tile, -(-blocks // tile), largest


@functools.cache
def _points_runner(tile: int, paired: bool, mesh: Mesh | None) -> Callable[..., Any]:
    """The compiled sums of several points, which a mesh shares out."""

    def some(keys: PRNGKeyArray, own: Any, shared: Any, *where: Array) -> Any:
        def one(key: PRNGKeyArray, own: Any) -> Any:
            return _sum_tiles(key, eqx.combine(own, shared), *where, tile=tile, paired=paired, axes=())

        return jax.vmap(one)(keys, own)

    if mesh is None:
        return jax.jit(some)
    axes = mesh.axis_names

    def everywhere(*arguments: Any) -> Any:
        return jax.tree.map(lambda sums: lax.all_gather(sums, axes, tiled=True), some(*arguments))

    shares, whole = PartitionSpec(axes), PartitionSpec()
    specs = (shares, shares, *[whole] * 5)
    return jax.jit(jax.shard_map(everywhere, mesh=mesh, in_specs=specs, out_specs=whole, check_vma=False))


@functools.cache
def _runner(tile: int, paired: bool, mesh: Mesh | None) -> Callable[..., Any]:
    """The compiled sum over tiles first, ..., last - 1, which devices take in turn."""
    if mesh is None:
        return jax.jit(functools.partial(_sum_tiles, tile=tile, paired=paired, axes=()))
    everywhere = PartitionSpec()
    summed = functools.partial(_sum_tiles, tile=tile, paired=paired, axes=mesh.axis_names)
    return jax.jit(jax.shard_map(summed, mesh=mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False))


def _sum_tiles(
    key: PRNGKeyArray,
    process: AbstractProcess,
    budgets: Array,
    extent: Array,
    first: Array,
    last: Array,
    *,
    tile: int,
    paired: bool,
    axes: tuple[str, ...],
) -> Any:
    total, queries, in_pairs = extent

    @jax.jit  # traced once, for the shapes and for the sums
    def block(index: Array) -> Any:
        # 64 bits once a block, 32 for its lanes: accelerators have no 64-bit integers of their own.
        begin = index * BLOCK
        lane = lax.iota(jnp.int32, BLOCK)
        pair = ((begin // 2) % queries).astype(jnp.uint32) + (lane // 2).astype(jnp.uint32)
        alone = ((begin - in_pairs) % queries).astype(jnp.uint32) + lane.astype(jnp.uint32)
        twin = lane < jnp.clip(in_pairs - begin, 0, BLOCK).astype(jnp.int32)
        query = (jnp.where(twin, pair, alone) % queries.astype(jnp.uint32)).astype(jnp.int32)
        counted = lane < jnp.clip(total - begin, 0, BLOCK).astype(jnp.int32)
        lanes = Lanes(query, counted, paired=twin if paired else None)
        return process.block(jax.random.fold_in(key, index.astype(jnp.uint32)), lanes, budgets)

    def add_tile(step: Array, sums: Any) -> Any:
        blocks = (first + mine + step * devices) * tile + lax.iota(jnp.int64, tile)
        tallies = jax.vmap(block)(blocks)
        added = jax.tree.map(lambda part: jnp.sum(part, axis=0, dtype=jnp.int64), tallies._replace(extremes=None))
        extremes = jax.tree.map(lambda part: jnp.max(part, axis=0), tallies.extremes)
        return combine(sums, added._replace(extremes=extremes))

    mine, devices = (lax.axis_index(axes), lax.axis_size(axes)) if axes else (0, 1)
    shapes = jax.eval_shape(block, jnp.int64(0))
    zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, jnp.int64), shapes._replace(extremes=None))
    none = jax.tree.map(lambda shape: jnp.full(shape.shape, -jnp.inf), shapes.extremes)
    steps = jnp.maximum((last - first - mine + devices - 1) // devices, 0)
    sums = lax.fori_loop(0, steps, add_tile, zeros._replace(extremes=none))
    if not axes:
        return sums
    return lax.psum(sums._replace(extremes=None), axes)._replace(extremes=lax.pmax(sums.extremes, axes))
