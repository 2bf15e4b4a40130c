"""The engine: fixed blocks of (query, replicate) indices, summed exactly, in any number of pieces and devices."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import float64, whole_numbers
from jaxscale._numpy import ReadOnlyArrays
from jaxscale.sampling import BLOCK
from jaxscale.simulate._build import build_process
from jaxscale.simulate._process import PAIR_UNIT, PARTS, SPREAD_UNIT, AbstractProcess
from jaxscale.simulate._source import Lanes

if TYPE_CHECKING:
    from rich.table import Table

_TILE = {"cpu": 64}
_TILE_ELSEWHERE = 1024
_CHUNK = 2**22
_LEAST_TOGETHER = 8


@dataclass(frozen=True, eq=False)
class Simulation(ReadOnlyArrays):
    """What a simulation found at each number of calls.

    Args:
        calls: numbers of calls, in the order asked; int64.
        mean: share of right answers; float64, the shape of `calls`.
        standard_error: Monte Carlo standard error of `mean`. For a model it is over queries, of which each replicate
            draws a fresh one. For data and answer distributions the queries are fixed, and it is over replicates.
        calls_used: mean calls used, for systems that may stop early, else None.
    """

    calls: np.ndarray
    mean: np.ndarray
    standard_error: np.ndarray
    calls_used: np.ndarray | None = None

    def to_dict(self) -> dict[str, Any]:
        """The simulation as plain lists, fit for JSON: a standard error that does not exist is None."""
        errors = [None if np.isnan(error) else error for error in self.standard_error.tolist()]
        used = None if self.calls_used is None else self.calls_used.tolist()
        return {
            "calls": self.calls.tolist(),
            "mean": self.mean.tolist(),
            "standard_error": errors,
            "calls_used": used,
        }

    def __rich__(self) -> "Table":
        from rich.table import Table

        table = Table("calls", "mean", "standard error", *([] if self.calls_used is None else ["calls used"]))
        for column in table.columns:
            column.justify = "right"
        for row, calls in enumerate(self.calls.tolist()):
            used = [] if self.calls_used is None else [f"{self.calls_used[row]:.2f}"]
            table.add_row(f"{calls:,}", f"{self.mean[row]:.5f}", f"{self.standard_error[row]:.5f}", *used)
        return table


def simulate(
    key: PRNGKeyArray,
    system: Any,
    population: Any,
    calls: ArrayLike,
    replicates: int = 10_000,
    *,
    chunk: int | None = None,
    mesh: Mesh | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Simulate a system on a population: draw difficulties, then outcomes, and average.

    Args:
        key: a typed JAX key. The same key gives the same bits for every `chunk` and `mesh`.
        system: a system of jaxscale, or one of your own: an immutable object (a pytree, or a frozen dataclass) with
            `start(answers) -> state`, `step(state, call) -> state` and `score(state) -> share right`, functions of
            one query in plain `jax.numpy`; see the example. It may have `calls_used(state)` too.
        population: a difficulty model or `DirichletAnswers` (each replicate draws a fresh query), or data or an
            `AnswerDistribution` (each replicate runs every query; from data, calls are drawn without replacement).
        calls: numbers of calls, whole and positive; scalar or (budgets,). What is found at one of them has the same
            bits whichever others are asked under the same key (a system of your own that rounds may differ in that).
            A replicate goes on from call to call: its first calls are the same at all of them, so that a curve is
            smoother than its standard errors, which are correlated. Only what is drawn once for all calls so far, the
            best scores of `BestOfN(separation=...)` and the fresh call of `RoutedVote`, is drawn anew at each.
        replicates: how often; for data an odd replicate more does not enter the standard error, which is made of pairs.
        chunk: (query, replicate) indices per device call, rounded up to whole tiles (65,536 indices on a CPU, fewer
            where there are fewer in all). It sets how often `progress` is called; memory is that of one tile.
        mesh: devices to spread the indices over, a mesh of any shape; None: the default device.
        progress: called with (indices done, indices in all) after each chunk.

    Returns:
        Mean and standard error per number of calls.

    Raises:
        ValueError: for calls beyond what was recorded (use `forecast` or `forecast_votes`), or a system that has no
            meaning on the population.

    Source:
        docs/mathematics.md, "Simulation".

    Example:
        >>> import jaxscale as js
        >>> simulation = simulate(jax.random.key(0), js.PassAtK(), js.Beta(1.0, 1.0), [1, 3], 100_000)
        >>> bool(abs(simulation.mean - [1 / 2, 3 / 4]).max() < 0.01)  # k / (k + 1)
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
        >>> print(simulate(jax.random.key(0), TwoInARow(), js.PointMass(1.0), [1, 2], 100).mean)
        [0. 1.]
    """
    asked = whole_numbers(calls, "calls")
    replicates = int(whole_numbers(replicates, "replicates"))
    budgets = np.unique(asked)
    with float64():
        process, queries = build_process(system, population, budgets)
        sums = accumulate(key, process, budgets, queries, replicates, chunk, mesh, progress)
    return summarise(sums, asked, queries, replicates)


def summarise(sums: Any, asked: np.ndarray, queries: int | None, replicates: int) -> Simulation:
    """What the sums of all blocks, a `Tally` of int64 arrays by sorted calls, say at the calls asked for."""
    _, place = np.unique(asked, return_inverse=True)
    score, spread, used = jax.tree.map(lambda by_calls: by_calls[place.reshape(asked.shape)], tuple(sums))
    total = replicates * (queries or 1)
    mean: np.ndarray = score / (PARTS * total)
    if queries is not None:
        pairs = queries * (replicates // 2)
        variance = spread * (PAIR_UNIT / (2 * pairs)) if pairs else np.full(mean.shape, np.nan)
    else:
        variance = np.maximum(mean * (1 - mean) - spread * (SPREAD_UNIT / total), 0.0)
        variance = variance * (total / (total - 1)) if total > 1 else np.full(mean.shape, np.nan)
    return Simulation(asked, mean, np.sqrt(variance / total), None if used is None else used / total)


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
    total, extent = replicates * (queries or 1), _extent(queries, replicates)
    tile, tiles, _ = _tiles(total, mesh)
    devices = 1 if mesh is None else mesh.size
    tiles_per_chunk = devices * max(1, (chunk or max(_CHUNK, tile * BLOCK)) // (tile * BLOCK * devices))
    run = _runner(tile, queries is not None, mesh)
    sums = None
    for first in range(0, tiles, tiles_per_chunk):
        last = min(first + tiles_per_chunk, tiles)
        part = run(key, process, jnp.asarray(budgets), extent, jnp.int64(first), jnp.int64(last))
        part = jax.tree.map(np.asarray, tuple(part))
        sums = part if sums is None else jax.tree.map(np.add, sums, part)
        if progress is not None:
            progress(min(last * tile * BLOCK, total), total)
    return sums


def points_at_once(queries: int | None, replicates: int, mesh: Mesh | None) -> int:
    """How many points of a sweep run together: what fits the tiles of all devices, 1 where that is fewer than 8 a tile.

    Fewer gain nothing: what is saved is the time from one call of a device to the next.
    """
    tile, _, largest = _tiles(replicates * (queries or 1), mesh)
    together = largest // tile
    return together * (1 if mesh is None else mesh.size) if together >= _LEAST_TOGETHER else 1


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
    tile, _, _ = _tiles(replicates * (queries or 1), mesh)
    run, extent = _points_runner(tile, queries is not None, mesh), _extent(queries, replicates)
    sums = run(keys, own, shared, jnp.asarray(budgets), extent, jnp.int64(0), jnp.int64(1))
    return jax.tree.map(np.asarray, sums)


def _extent(queries: int | None, replicates: int) -> Array:
    """Indices in all, queries, and the indices that have a twin."""
    rows = queries or 1
    return jnp.asarray([replicates * rows, rows, rows * (replicates - replicates % 2)], jnp.int64)


def _tiles(total: int, mesh: Mesh | None) -> tuple[int, int, int]:
    """Blocks in a tile, tiles in all, and the most blocks that a tile may have.

    The tile depends on the problem alone: what is compiled, and so every last bit, does not depend on the chunk.
    """
    blocks = -(-total // BLOCK)
    platform = (mesh.devices.flat[0] if mesh is not None else jax.devices()[0]).platform
    largest = _TILE.get(platform, _TILE_ELSEWHERE)
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

    def block(index: Array) -> Any:
        begin = index * BLOCK
        lane = lax.iota(jnp.int64, BLOCK)
        place = begin + lane
        pair = (begin // 2) % queries + lane // 2
        alone = (begin - in_pairs) % queries + lane
        twin = place < in_pairs
        query = (jnp.where(twin, pair, alone) % queries).astype(jnp.int32)
        lanes = Lanes(query, counted=place < total, paired=twin if paired else None)
        return process.block(jax.random.fold_in(key, index.astype(jnp.uint32)), lanes, budgets)

    def add_tile(step: Array, sums: Any) -> Any:
        blocks = (first + mine + step * devices) * tile + lax.iota(jnp.int64, tile)
        tallies = jax.vmap(block)(blocks)
        return jax.tree.map(lambda total, part: total + jnp.sum(part, axis=0, dtype=jnp.int64), sums, tallies)

    mine, devices = (lax.axis_index(axes), lax.axis_size(axes)) if axes else (0, 1)
    shapes = jax.eval_shape(block, jnp.int64(0))
    zeros = jax.tree.map(lambda shape: jnp.zeros(shape.shape, jnp.int64), shapes)
    steps = jnp.maximum((last - first - mine + devices - 1) // devices, 0)
    sums = lax.fori_loop(0, steps, add_tile, zeros)
    return lax.psum(sums, axes) if axes else sums
