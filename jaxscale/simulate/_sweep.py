"""Sweeps: many simulations into one Parquet file, in parts that survive being killed."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jax.sharding import Mesh

from jaxscale._arrays import float64
from jaxscale.simulate._build import build_process
from jaxscale.simulate._engine import Simulation
from jaxscale.simulate._points import simulate_points
from jaxscale.simulate._schema import Sweep, read_sweep

_FLUSH_SECONDS = 2.0


def sweep(
    config: str | Path | Sweep,
    out: str | Path,
    *,
    resume: bool = False,
    mesh: Mesh | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Run a grid of simulations and write one row per point and number of calls.

    Neighbouring points that differ only in the values of parameters share one compilation, and small ones run
    together: as many as have, on each device, the indices of one step of a large point. On a CPU these are points of
    up to 8,192 indices (replicates x queries), 8 to 64 at a time; elsewhere of up to 131,072. Larger ones run one by
    one. Either way a point has the bits that `simulate` gives it. Finished points are written to `OUT.parts/` every two
    seconds, each file atomically; at the end they become `OUT`, atomically too.

    Args:
        config: a TOML file (see `read_sweep`), or a sweep.
        out: the Parquet file to write.
        resume: go on with the parts that a killed run of the same sweep left; otherwise they are removed.
        mesh: devices, as in `simulate`.
        progress: called with (points done, points in all) after each point, and once at the start.

    Returns:
        The path of the file. Columns: `point`, `population`, `system`, one per parameter (null where it does not
        apply), `calls`, `mean`, `standard_error`, `calls_used`, `replicates`, `seed`, `seconds` (of the point;
        an equal share where points ran together), `device`.

    Raises:
        ValueError: for a bad configuration, a system that has no meaning on the population (before anything is
            written), or parts of another sweep.
    """
    plan = config if isinstance(config, Sweep) else read_sweep(config)
    _check_pairs(plan)
    out = Path(out)
    parts = out.with_name(out.name + ".parts")
    fingerprint = hashlib.sha256(json.dumps(asdict(plan), sort_keys=True).encode()).hexdigest()
    done = _prepare(parts, fingerprint, resume)
    schema = _schema(plan)
    pending: list[dict[str, Any]] = []
    first, flushed = done, time.monotonic()
    if progress is not None:
        progress(done, len(plan.points))
    key = jax.random.key(plan.seed)
    results = simulate_points(key, plan.points, done, plan.calls, plan.replicates, mesh)
    for index, (found, seconds) in enumerate(results, done):
        pending += _rows(plan, index, found, seconds, mesh)
        last_point = index + 1 == len(plan.points)
        if last_point or time.monotonic() - flushed > _FLUSH_SECONDS:
            _write(pa.Table.from_pylist(pending, schema), parts / f"{first:08d}-{index + 1:08d}.parquet")
            pending, first, flushed = [], index + 1, time.monotonic()
        if progress is not None:
            progress(index + 1, len(plan.points))
    _write(pa.concat_tables([pq.read_table(part, schema=schema) for part in _finished(parts)]), out)
    shutil.rmtree(parts)
    return out


def _check_pairs(plan: Sweep) -> None:
    """Refuse a system that has no meaning on the population before the points ahead of it have been run."""
    kinds = {(point.population_name, *point.population, point.system_name): point for point in plan.points}
    for point in kinds.values():
        with float64():
            try:
                build_process(*point.build(), np.unique(plan.calls))
            except ValueError as error:
                raise ValueError(f"{point.system_name} on {point.population_name}: {error}") from None


def _prepare(parts: Path, fingerprint: str, resume: bool) -> int:
    """Make the folder of parts ready and return how many points it already holds."""
    mark = parts / "sweep.sha256"
    if parts.exists() and not resume:
        shutil.rmtree(parts)
    parts.mkdir(parents=True, exist_ok=True)
    if not mark.exists():
        mark.write_text(fingerprint)
    elif mark.read_text() != fingerprint:
        raise ValueError(f"{parts} holds parts of another sweep: expected the one to resume, or run without resume")
    finished = _finished(parts)
    return int(finished[-1].stem.split("-")[1]) if finished else 0


def _finished(parts: Path) -> list[Path]:
    return sorted(parts.glob("*-*.parquet"))


def _rows(plan: Sweep, index: int, found: Simulation, seconds: float, mesh: Mesh | None) -> list[dict[str, Any]]:
    point = plan.points[index]
    common = {
        "point": index,
        "population": point.population_name,
        "system": point.system_name,
        **point.population,
        **point.system,
        "replicates": plan.replicates,
        "seed": plan.seed,
        "seconds": seconds,
        "device": (jax.devices()[0] if mesh is None else mesh.devices.flat[0]).device_kind,
    }
    used = [None] * len(found.calls) if found.calls_used is None else found.calls_used.tolist()
    return [
        {**common, "calls": calls, "mean": mean, "standard_error": error, "calls_used": spent}
        for calls, mean, error, spent in zip(
            plan.calls, found.mean.tolist(), found.standard_error.tolist(), used, strict=True
        )
    ]


def _schema(plan: Sweep) -> pa.Schema:
    """The columns of a sweep: parameters of populations and systems have different names."""
    columns: dict[str, pa.DataType] = {}
    for point in plan.points:
        columns |= {name: _arrow_type(value) for name, value in (*point.population.items(), *point.system.items())}
    fields = {
        "point": pa.int64(),
        "population": pa.string(),
        "system": pa.string(),
        **columns,
        "calls": pa.int64(),
        "mean": pa.float64(),
        "standard_error": pa.float64(),
        "calls_used": pa.float64(),
        "replicates": pa.int64(),
        "seed": pa.int64(),
        "seconds": pa.float64(),
        "device": pa.string(),
    }
    return pa.schema(list(fields.items()))


def _arrow_type(value: Any) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    if isinstance(value, str):
        return pa.string()
    return pa.list_(pa.float64()) if isinstance(value, list) else pa.float64()


def _write(table: pa.Table, path: Path) -> None:
    """Write a Parquet file that is either whole or not there."""
    unfinished = path.with_name(path.name + ".unfinished")
    pq.write_table(table, unfinished)
    os.replace(unfinished, path)
