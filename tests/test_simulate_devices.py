"""The same bits for every chunk, number of devices and number of processes; memory that does not grow."""

import json
import os
import socket
import subprocess
import sys

import jax
import numpy as np
import pytest
from jaxlib import _jax

import jaxscale as js

SIMULATIONS = """
import dataclasses, json, sys
import jax, numpy as np
from jax.sharding import Mesh
import jaxscale as js
from jaxscale.simulator import Exchangeable, Sticky

ANSWERS = js.AnswerDistribution(np.full((3, 4), 0.25))
FILTERED = js.AnswerDistribution(np.full((3, 4), 0.25), keep=np.linspace(0.1, 0.9, 12).reshape(3, 4))
SCORED = js.Ballots([[3, 2], [1, 4]], [[True, False]] * 2, scores=np.linspace(0.1, 1.0, 10).reshape(2, 5))
@dataclasses.dataclass(frozen=True)
class Tokens:
    unit, bound = "tokens", 100.0
    def start(self, answers):
        return 0.0
    def step(self, state, call):
        return state + 0.1 * call.tokens * call.chance
    def score(self, state):
        return state
    def calls_used(self, state):
        return (state > 1.0).astype(int)

SPENT = js.Ballots([[3, 2], [1, 4]], [[True, False]] * 2, tokens=np.linspace(0.1, 100.0, 10).reshape(2, 5))
RUNS = {  # each of more than one tile of 65,536 indices: chunks and devices share them out
    "pass@k": (js.PassAtK(), js.Beta(0.35, 5.0), [1, 10, 1000], 300_000),
    "vote": (js.Vote(), ANSWERS, [1, 3, 8], 22_001),
    "best of n, by rates": (js.BestOfN(0.8, 0.3), js.TwoPoint(0.3, 0.7, 0.1), [1, 4], 70_000),
    "best of n, by rates, recorded": (js.BestOfN(0.8, 0.3), js.Attempts([5, 4], [2, 1]), [1, 4], 33_001),
    "best of n, by scores": (js.BestOfN(separation=1.5), ANSWERS, [1, 4], 22_001),
    "adaptive vote": (js.AdaptiveVote(0.8), ANSWERS, [2, 5], 22_001),
    "filter vote": (js.FilterVote(), FILTERED, [1, 4], 22_001),
    "weighted vote": (js.WeightedVote(), SCORED, [1, 3], 33_001),
    "a system of one's own, in tokens": (Tokens(), SPENT, [1, 3], 33_001),
    "sticky calls": (js.Vote(), Sticky(js.TwoPoint(0.3, 0.7, 0.1), 0.4), [1, 4], 70_000),
    "exchangeable calls": (js.PassAtK(), Exchangeable(js.TwoPoint(0.3, 0.7, 0.1), 0.4), [1, 4], 70_000),
}

def bits(mesh=None, chunk=None, names=tuple(RUNS)):
    found = {}
    for name in names:
        system, population, calls, replicates = RUNS[name]
        run = js.simulate(jax.random.key(5), system, population, calls, replicates, mesh=mesh, chunk=chunk)
        numbers = [*run.value, *run.standard_error, *([] if run.calls_used is None else run.calls_used)]
        found[name] = [float(x).hex() for x in numbers]
    return found
"""


EACH_KIND = (
    "pass@k",
    "vote",
    "adaptive vote",
    "weighted vote",
    "a system of one's own, in tokens",
)  # of process, and with calls used


def run(code, *arguments, devices=1, start=""):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    environment = dict(os.environ, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
    command = [sys.executable, "-c", start + SIMULATIONS + code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def result_of(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err[-3000:]
    return json.loads(out.splitlines()[-1])


def test_chunks_and_devices_do_not_change_a_bit():
    code = """
mesh = Mesh(np.array(jax.devices()).reshape(2, 4), ("hosts", "queries"))
print(json.dumps([bits(chunk=1000), bits(chunk=1_000_000), bits(mesh), bits(mesh, 100_000), len(jax.devices())]))
"""
    *runs, devices = result_of(run(code, devices=8))
    assert devices == 8
    assert all(other == runs[0] for other in runs[1:])


def test_sweeps_share_their_points_out_over_devices(tmp_path):
    code = """
import pyarrow.parquet as pq
from jaxscale.simulator import sweep
from jaxscale.simulator._schema import parse_sweep
population = {"model": "kumaraswamy", "a": {"from": 0.2, "to": 1.2, "points": 11}, "b": 3.0}
plan = parse_sweep({"calls": [1, 30], "replicates": 3000, "population": population, "system": {"name": "pass-at-k"}})
def rows(name, mesh):
    table = pq.read_table(sweep(plan, sys.argv[1] + name, mesh=mesh))
    return [[row["point"], row["mean"].hex(), row["standard_error"].hex()] for row in table.to_pylist()]
mesh = Mesh(np.array(jax.devices()).reshape(2, 4), ("hosts", "queries"))
print(json.dumps([rows("/alone.parquet", None), rows("/shared.parquet", mesh)]))
"""
    alone, shared = result_of(run(code, tmp_path, devices=8))
    assert alone == shared
    assert len(alone) == 22


def test_two_processes_do_not_change_a_bit():
    if not hasattr(_jax, "make_gloo_tcp_collectives"):
        pytest.skip("this jaxlib has no gloo collectives")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"""
mesh = Mesh(np.array(jax.devices()), ("queries",))
print(json.dumps(bits(mesh, names={EACH_KIND})))
"""
    start = f"""
import sys
import jax
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize("127.0.0.1:{port}", 2, int(sys.argv[1]))
assert jax.process_count() == 2
"""
    both = [run(code, index, start=start) for index in range(2)]
    namespace = {}
    exec(SIMULATIONS, namespace)
    expected = namespace["bits"](names=EACH_KIND)
    assert result_of(both[0]) == result_of(both[1]) == expected


def test_progress_counts_indices():
    seen = []
    js.simulate(
        jax.random.key(0),
        js.PassAtK(),
        js.PointMass(0.5),
        [1],
        200_000,
        chunk=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (200_000, 200_000)
    assert len(seen) == 4
    assert np.all(np.diff([done for done, _ in seen]) > 0)


def test_budgets_do_not_change_each_others_draws():
    answers = js.AnswerDistribution([[0.4, 0.3, 0.3]])
    for system, population in ((js.Vote(), answers), (js.PassAtK(), js.Beta(1.0, 1.0))):
        few, many = (js.simulate(jax.random.key(0), system, population, k, 5000) for k in ([7], [1, 2, 7, 9]))
        assert few.value[0] == many.value[2]
