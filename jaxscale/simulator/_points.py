"""The points of a sweep: those that differ only in the values of arrays run as one vmapped program."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import PRNGKeyArray

from jaxscale._arrays import float64
from jaxscale.simulator._build import build_process
from jaxscale.simulator._engine import accumulate_points, accumulating, points_at_once, summarise
from jaxscale.simulator._result import Simulation
from jaxscale.simulator._schema import Point

Leaves = list[np.ndarray]
Sums = tuple[int, float, list[np.ndarray]]
"""What a point that runs alone has so far: indices done, seconds, and the leaves of its sums."""

_FIRST_BUILT = 64  # points built before the first of them runs: a fifth of a second's work
_MOST_BUILT = 4096  # points that are built at a time after those: some seconds of work


def simulate_points(
    key: PRNGKeyArray,
    points: Sequence[Point],
    numbers: range,
    calls: Sequence[int],
    replicates: int,
    mesh: Mesh | None,
    begun: Callable[[int], Sums | None] = lambda point: None,
    reached: Callable[[int, int, Sums], None] = lambda point, total, sums: None,
) -> Iterator[tuple[Simulation, float]]:
    """Simulate points of consecutive numbers, each with the bits that `simulate` gives it alone.

    Neighbours whose processes have the same structure and shapes form a group, which is compiled once; a long run of
    them is several groups, so that points are built as they are needed. A batch of a group takes no more indices than
    one large point does in a step (a tile a device): memory is bounded by that, and larger points, which fill the
    machine by themselves, run alone.

    Args:
        key: point i draws from `fold_in(key, i)`.
        points: all points of the sweep.
        numbers: those to run.
        calls: numbers of calls, whole and positive.
        replicates: as in `simulate`.
        mesh: as in `simulate`; its devices share out the points of a batch, or the indices of a point that runs alone.
        begun: what an earlier run had of a point that runs alone, if anything.
        reached: called after each chunk of a point that runs alone, but the last, with the point, its indices in all,
            and what it has so far.

    Yields:
        For each point, in order, what it found, and its seconds: an equal share of its batch's.
    """
    asked = np.asarray(calls)
    budgets = np.unique(asked)
    first = numbers.start
    for (structure, queries, _), group in _groups(points[numbers.start : numbers.stop], budgets, replicates, mesh):
        devices = 1 if mesh is None else mesh.size
        # A short group is padded to whole devices, the last batch of a long one to the size of the others.
        at_once = points_at_once(jax.tree.unflatten(structure, group[0]), queries, replicates, mesh)
        size = min(at_once, -(-len(group) // devices) * devices)
        if len(group) == 1:
            size = 1
        differ = [any(leaf is not column[0] for leaf in column) for column in zip(*group, strict=True)]
        for begin in range(0, len(group), size):
            batch = group[begin : begin + size]
            start = time.perf_counter()
            with float64():
                if size == 1:
                    process = jax.tree.unflatten(structure, batch[0])
                    own_key, total = jax.random.fold_in(key, first), replicates * (queries or 1)
                    before = begun(first)
                    start -= 0.0 if before is None else before[1]
                    chunks = accumulating(
                        own_key,
                        process,
                        budgets,
                        queries,
                        replicates,
                        None,
                        mesh,
                        None if before is None else (before[0], before[2]),
                    )
                    for done, sums in chunks:
                        if done < total:
                            reached(first, total, (done, time.perf_counter() - start, jax.tree.leaves(sums)))
                    each = [sums]
                else:
                    rows = np.minimum(np.arange(size), len(batch) - 1)
                    own, shared = (jax.tree.unflatten(structure, part) for part in _split(batch, rows, differ))
                    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, np.uint32(first + rows))
                    sums = accumulate_points(keys, own, shared, budgets, queries, replicates, mesh)
                    each = [jax.tree.map(lambda sum, row=row: sum[row], sums) for row in range(len(batch))]
            seconds = (time.perf_counter() - start) / len(batch)
            first += len(batch)
            for sums in each:
                yield summarise(sums, asked, queries, replicates), seconds


def _split(batch: list[Leaves], rows: np.ndarray, differ: list[bool]) -> tuple[list[Any], list[Any]]:
    """Leaves that differ between points, stacked by rows of the batch, and the others; None in place of the rest."""
    own = [np.stack([batch[row][place] for row in rows]) if differs else None for place, differs in enumerate(differ)]
    return own, [None if differs else leaf for leaf, differs in zip(batch[0], differ, strict=True)]


def _groups(
    points: Sequence[Point], budgets: np.ndarray, replicates: int, mesh: Mesh | None
) -> Iterator[tuple[Any, list[Leaves]]]:
    """Runs of neighbours of the same (structure, queries, shapes), with their leaves; equal leaves are one object.

    Where points run alone each is a group, else the first has at most `_FIRST_BUILT` of them, others `_MOST_BUILT`.
    """
    group: list[Leaves] = []
    group_kind = None
    full, most = 0, _FIRST_BUILT
    for point in points:
        system, population = point.build()  # parameters have the dtype that they have in a call of `simulate`
        with float64():
            process, queries = build_process(system, population, budgets)
        tree, structure = jax.tree.flatten(process)
        leaves = [np.asarray(leaf) for leaf in tree]
        kind = (structure, queries, [(leaf.shape, leaf.dtype) for leaf in leaves])
        if kind != group_kind or len(group) == full:
            if group:
                yield group_kind, group
            group, group_kind = [], kind
            together = points_at_once(process, queries, replicates, mesh) > 1
            full, most = (most if together else 1), _MOST_BUILT
        else:
            pairs = zip(group[0], leaves, strict=True)
            leaves = [old if old.tobytes() == new.tobytes() else new for old, new in pairs]
        group.append(leaves)
    if group:
        yield group_kind, group
