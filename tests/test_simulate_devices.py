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
import json, sys
import jax, numpy as np
from jax.sharding import Mesh
import jaxscale as js

ANSWERS = js.AnswerDistribution(np.full((3, 4), 0.25))

def bits(mesh=None, chunk=None):
    key = jax.random.key(5)
    runs = [
        js.simulate(key, js.PassAtK(), js.Beta(0.35, 5.0), [1, 10, 1000], 300_000, mesh=mesh, chunk=chunk),
        js.simulate(key, js.Vote(), ANSWERS, [1, 3, 8], 50_001, mesh=mesh, chunk=chunk),
    ]
    return [[float(x).hex() for x in (*run.mean, *run.standard_error)] for run in runs]
"""


def run(code, *arguments, devices=1):
    environment = dict(os.environ, XLA_FLAGS=f"--xla_force_host_platform_device_count={devices}", JAX_PLATFORMS="cpu")
    command = [sys.executable, "-c", SIMULATIONS + code, *map(str, arguments)]
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


def test_two_processes_do_not_change_a_bit():
    if not hasattr(_jax, "make_gloo_tcp_collectives"):
        pytest.skip("this jaxlib has no gloo collectives")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = f"""
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize("127.0.0.1:{port}", 2, int(sys.argv[1]))
assert jax.process_count() == 2
print(json.dumps(bits(Mesh(np.array(jax.devices()), ("queries",)))))
"""
    both = [run(code, index) for index in range(2)]
    namespace = {}
    exec(SIMULATIONS, namespace)
    expected = namespace["bits"]()
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
        assert few.mean[0] == many.mean[2]
