"""The engine: fixed blocks of (query, replicate) indices, summed exactly, in any number of pieces and devices."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._arrays import float64, whole_numbers
from jaxscale.sampling import BLOCK
from jaxscale.simulate._build import build_process
from jaxscale.simulate._process import PAIR_UNIT, PARTS, SPREAD_UNIT, AbstractProcess
from jaxscale.simulate._source import Lanes

if TYPE_CHECKING:
    from rich.table import Table

_TILE = {"cpu": 64}
_TILE_ELSEWHERE = 1024
_CHUNK = 2**22


@dataclass(frozen=True, eq=False)
class Simulation:
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
        calls: numbers of calls, whole and positive; scalar or (budgets,).
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
        DESIGN sections 1 and 3; laws in MATH sections 1 and 3.

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
    budgets, inverse = np.unique(asked, return_inverse=True)
    with float64():
        process, queries = build_process(system, population, budgets)
        sums = _accumulate(key, process, budgets, queries, replicates, chunk, mesh, progress)
    total = replicates * (queries or 1)
    mean, error, used = _summarise(total, queries, replicates, *sums)
    shape = inverse.reshape(asked.shape)
    return Simulation(asked, mean[shape], error[shape], None if used is None else used[shape])


def _summarise(
    total: int, queries: int | None, replicates: int, score: np.ndarray, spread: np.ndarray, used: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    mean = score / (PARTS * total)
    if queries is not None:
        pairs = queries * (replicates // 2)
        variance = spread * (PAIR_UNIT / (2 * pairs)) if pairs else np.full(mean.shape, np.nan)
    else:
        variance = np.maximum(mean * (1 - mean) - spread * (SPREAD_UNIT / total), 0.0)
        variance = variance * (total / (total - 1)) if total > 1 else np.full(mean.shape, np.nan)
    return mean, np.sqrt(variance / total), None if used is None else used / total


def _accumulate(
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
    rows = queries or 1
    total = replicates * rows
    blocks = -(-total // BLOCK)
    platform = (mesh.devices.flat[0] if mesh is not None else jax.devices()[0]).platform
    # The tile depends on the problem alone: what is compiled, and so every last bit, does not depend on the chunk.
    tile = min(_TILE.get(platform, _TILE_ELSEWHERE), 1 << (blocks - 1).bit_length())
    tiles = -(-blocks // tile)
    devices = 1 if mesh is None else mesh.size
    tiles_per_chunk = devices * max(1, (chunk or max(_CHUNK, tile * BLOCK)) // (tile * BLOCK * devices))
    extent = jnp.asarray([total, rows, rows * (replicates - replicates % 2)], jnp.int64)
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
