"""The simulation engine and its samplers against plain NumPy, and how they scale."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxscale as js
from benchmarks._timing import alone, compared
from jaxscale import sampling
from jaxscale.simulator import sweep

KEY = jax.random.key(0)
BUDGETS = np.unique(np.round(np.logspace(0, 4, 54)).astype(int))[-50:]
VOTE_BUDGETS = np.unique(np.round(np.logspace(0, 2, 26)).astype(int))[-20:]

VOTE_ROW = "vote, 20 budgets to 100, 200 queries x 5 answers x 1,000 replicates"
"""The row by which the run on an accelerator knows this CPU."""


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows of warm medians; tolerances are several Monte Carlo errors of the rival."""
    rng = np.random.default_rng(0)
    return [
        *_coverage(rng),
        *_votes(rng, quick),
        *_samplers(rng, quick),
        *_compile_times(),
        *_growth(quick),
        *_memory(quick),
        *_devices(quick),
        _sweep_start(quick),
    ]


def numpy_coverage(rng: np.random.Generator, queries: int) -> np.ndarray:
    """The best plain way: difficulty, first success by inversion, histogram over the budgets."""
    p = rng.beta(0.35, 5.0, queries)
    first = np.ceil(rng.standard_exponential(queries) / -np.log1p(-p))
    solved = np.histogram(first, bins=np.concatenate([[0], BUDGETS + 0.5]))[0]
    return solved.cumsum() / queries


def numpy_votes(rng: np.random.Generator, probabilities: np.ndarray, replicates: int) -> np.ndarray:
    """Vectorised multinomial increments, ties split."""
    counts = np.zeros((replicates, *probabilities.shape), np.int64)
    curve, before = [], 0
    for calls in VOTE_BUDGETS:
        counts += rng.multinomial(calls - before, probabilities, size=counts.shape[:2])
        leads = counts == counts.max(axis=-1, keepdims=True)
        curve.append((leads[..., 0] / leads.sum(axis=-1)).mean())
        before = calls
    return np.array(curve)


def published_votes(rng: np.random.Generator, probabilities: np.ndarray, replicates: int) -> np.ndarray:
    """As published: for each budget, trial by trial, redraw the calls and count them again."""
    answers = np.arange(probabilities.shape[1])
    curve = []
    for calls in VOTE_BUDGETS:
        right = 0
        for q in probabilities:
            for _ in range(replicates):
                right += Counter(rng.choice(answers, calls, p=q).tolist()).most_common(1)[0][0] == 0
        curve.append(right / (replicates * len(probabilities)))
    return np.array(curve)


def _coverage(rng: np.random.Generator) -> list[dict[str, Any]]:
    model = js.Beta(0.35, 5.0)
    return [
        compared(
            "pass@k, 50 budgets to 10,000, 1,000,000 queries of Beta(0.35, 5)",
            lambda: js.simulate(KEY, js.PassAtK(), model, BUDGETS, 1_000_000).value,
            "NumPy: Generator.beta, inversion, histogram",
            lambda: numpy_coverage(rng, 1_000_000),
            rounds=9,
            tolerance=0.004,
        )
    ]


def _votes(rng: np.random.Generator, quick: bool) -> list[dict[str, Any]]:
    probabilities = rng.dirichlet(np.ones(5), 200)
    population = js.AnswerDistribution(probabilities)
    row = compared(
        VOTE_ROW,
        lambda: js.simulate(KEY, js.Vote(), population, VOTE_BUDGETS, 1_000).value,
        "NumPy: Generator.multinomial increments",
        lambda: numpy_votes(rng, probabilities, 1_000),
        rounds=1 if quick else 3,
        tolerance=0.006,
    )
    # The published procedure's cost is in proportion to queries and replicates: a part of it is timed.
    queries, replicates = (20, 10) if quick else (50, 50)
    started = time.perf_counter()
    part = published_votes(rng, probabilities[:queries], replicates)
    seconds = (time.perf_counter() - started) * (200 * 1_000) / (queries * replicates)
    ours = js.simulate(KEY, js.Vote(), js.AnswerDistribution(probabilities[:queries]), VOTE_BUDGETS, 1_000).value
    published = row | {
        "rival": "the published procedure, per budget and trial (a part timed)",
        "rival_seconds": seconds,
        "ratio": seconds / row["seconds"],
        "max_abs_difference": float(np.abs(part - ours).max()),
    }
    return [row, published]


def _samplers(rng: np.random.Generator, quick: bool) -> list[dict[str, Any]]:
    size, rounds = (2**17, 2) if quick else (2**20, 5)
    rows = []
    for dtype in (np.float32, np.float64):
        with jax.enable_x64(dtype == np.float64):
            beta = jax.jit(lambda key, a, b: jnp.exp(sampling.log_beta(key, a, b, (size,))[0]))
            rows.append(
                compared(
                    f"{size:,} draws of Beta(0.35, 5), {dtype.__name__}",
                    partial(beta, KEY, dtype(0.35), dtype(5.0)),
                    "NumPy: Generator.beta (float64)",
                    partial(rng.beta, 0.35, 5.0, size),
                    rounds=rounds,
                    answer=np.mean,
                    tolerance=0.002,
                )
            )
            binomial = jax.jit(lambda key, n, p: sampling.binomial(key, n, p, (size,)))
            # Of one law for all draws, of the same law given draw by draw, of laws that all differ.
            laws = [("", n, p) for n, p in ((100, 0.05), (100, 0.5), (100_000, 0.3), (1_000_000, 0.5))]
            laws += [(", arrays", n, np.full(size, 0.5)) for n in (100, 1_000_000)]
            laws += [(", distinct p", n, np.linspace(0.3, 0.7, size)) for n in (100, 1_000_000)]
            for kind, n, p in laws:
                calls = n if np.ndim(p) == 0 else np.full(size, n)
                rows.append(
                    compared(
                        f"{size:,} draws of Binomial({n:,}, {np.mean(p):.3g}){kind}, {dtype.__name__}",
                        partial(binomial, KEY, jnp.asarray(calls, dtype), jnp.asarray(p, dtype)),
                        "NumPy: Generator.binomial (int64)",
                        partial(rng.binomial, calls, p, size),
                        rounds=rounds,
                        answer=lambda counts, n=n: np.mean(np.asarray(counts, np.float64)) / n,
                        tolerance=0.001,
                    )
                )
    return rows


def _compile_times() -> list[dict[str, Any]]:
    answers = js.AnswerDistribution(np.full((2, 3), 1 / 3), keep=np.full((2, 3), 0.5))
    voting = (js.Vote(), js.RoutedVote(0.5), js.BestOfN(0.9, 0.1), js.AdaptiveVote(0.9))
    pairs = [(system, population) for system in (js.PassAtK(), *voting) for population in (js.Beta(0.4, 5.0), answers)]
    return [
        alone(
            f"first call: {type(system).__name__} on {type(population).__name__}",
            lambda system=system, population=population: js.simulate(KEY, system, population, [1, 5, 25], 1_500).value,
            rounds=1,
        )
        for system, population in (*pairs, (js.FilterVote(), answers))
    ]


def _growth(quick: bool) -> list[dict[str, Any]]:
    model = js.Beta(0.35, 5.0)
    rng = np.random.default_rng(2)
    answers = {size: js.AnswerDistribution(rng.dirichlet(np.ones(size), 100)) for size in (4, 16, 64)}

    def vote(population: js.AnswerDistribution, calls: int) -> np.ndarray:
        return js.simulate(KEY, js.Vote(), population, [calls], 100 if quick else 1_000).value

    return [
        *_grows(
            "pass@k, {:,} queries x 10,000 calls",
            (10**6, 10**7) if quick else (10**6, 10**7, 10**8),
            lambda queries: js.simulate(KEY, js.PassAtK(), model, BUDGETS, queries).value,
            "queries",
        ),
        *_grows("vote, {:,} calls, 4 answers", (64, 256, 1_024), lambda calls: vote(answers[4], calls), "calls"),
        *_grows("vote, 256 calls, {:,} answers", tuple(answers), lambda size: vote(answers[size], 256), "answers"),
    ]


def _grows(name: str, sizes: tuple[int, ...], run: Callable[[int], Any], what: str) -> list[dict[str, Any]]:
    """A row for each size, and on the last the exponent with which time grows from the first."""
    rows = [alone(name.format(size), partial(run, size), rounds=3) for size in sizes]
    exponent = np.log(rows[-1]["seconds"] / rows[0]["seconds"]) / np.log(sizes[-1] / sizes[0])
    rows[-1]["note"] = f"time grows as {what}^{exponent:.2f}"
    return rows


_MEMORY = """
import re, sys, time
import jax
import jaxscale as js
def peak():  # that of getrusage would hold the parent's, too
    return int(re.search("VmHWM:\\\\s+([0-9]+)", open("/proc/self/status").read())[1])
def run(queries):
    js.simulate(jax.random.key(0), js.PassAtK(), js.Beta(0.35, 5.0), [1, 100, 10_000], queries)
run(200_000)
before, started = peak(), time.perf_counter()
run(int(sys.argv[1]))
print(time.perf_counter() - started, before, peak())
"""


def _memory(quick: bool) -> list[dict[str, Any]]:
    """The most memory that a process holds, beyond what a run of 200,000 queries leaves it with."""
    if not os.path.exists("/proc/self/status"):
        return []
    rows = []
    for queries in (10**6,) if quick else (10**6, 10**9):
        command = [sys.executable, "-c", _MEMORY, str(queries)]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        seconds, before, peak = map(float, found)
        note = f"{(peak - before) / 1024:.0f} MB more than 200,000 queries; {peak / 1024:.0f} MB in all"
        rows.append({"name": f"pass@k, {queries:,} queries x 10,000 calls, once", "seconds": seconds, "note": note})
    return rows


_THROUGHPUT = """
import json, os, sys, time
devices, cores, queries, rounds = map(int, sys.argv[1:])
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
import jax, numpy as np
import jaxscale as js
from jax.sharding import Mesh
mesh = Mesh(np.array(jax.devices()), ("queries",)) if devices > 1 else None
times = []
for _ in range(1 + rounds):
    started = time.perf_counter()
    found = js.simulate(jax.random.key(0), js.PassAtK(), js.Beta(0.35, 5.0), [1, 100, 10_000], queries, mesh=mesh)
    times.append(time.perf_counter() - started)
print(json.dumps([float(np.median(times[1:])), found.value.tolist()]))
"""


def _devices(quick: bool) -> list[dict[str, Any]]:
    if jax.default_backend() != "cpu" or len(os.sched_getaffinity(0)) < 2:
        return []
    queries, rounds = (500_000, 1) if quick else (8_000_000, 4)

    def timed(devices: int, cores: int) -> tuple[float, list[float]]:
        command = [sys.executable, "-c", _THROUGHPUT, *map(str, (devices, cores, queries, rounds))]
        seconds, mean = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return seconds, mean

    (two, mean), (pinned, same), (unpinned, again) = timed(2, 2), timed(1, 1), timed(1, 2)
    difference = float(max(np.abs(np.subtract(mean, same)).max(), np.abs(np.subtract(mean, again)).max()))
    rows = (
        ("two forced host devices", two, "one process on one core", pinned),
        ("one device on both cores", unpinned, "two forced host devices", two),
    )
    return [
        {
            "name": f"pass@k, {queries:,} queries, {name}",
            "seconds": ours,
            "rival": rival,
            "rival_seconds": theirs,
            "ratio": theirs / ours,
            "max_abs_difference": difference,
        }
        for name, ours, rival, theirs in rows
    ]


def _sweep_start(quick: bool) -> dict[str, Any]:
    """From the description of a sweep to the moment its first points are built: compiling them comes after."""
    shares, easy, hard = (10, 10, 10) if quick else (100, 100, 10)
    text = f"""
    calls = [1, 3]
    replicates = 100
    [population]
    model = "two-point"
    easy_share = {{ from = 0.1, to = 0.9, points = {shares} }}
    p_easy = {{ from = 0.5, to = 0.9, points = {easy} }}
    p_hard = {{ from = 0.1, to = 0.4, points = {hard} }}
    [[system]]
    name = "pass-at-k"
    """

    class Started(Exception):
        pass

    def stop(done: float, total: int) -> None:
        raise Started

    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "sweep.toml")
        config.write_text(text)
        started, cpu = time.perf_counter(), time.process_time()
        with contextlib.suppress(Started):
            sweep(config, Path(folder, "out.parquet"), progress=stop)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    points = shares * easy * hard
    return {
        "name": f"sweep of {points:,} points, until it starts",
        "seconds": seconds,
        "note": f"{cpu:.2f} s of CPU time",
    }
