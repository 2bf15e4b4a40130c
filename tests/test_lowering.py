"""What the programs look like to an accelerator: they lower for CUDA and TPU, and keep clear of what is slow there.

Nothing is compiled or run for those platforms here; what the text cannot show, `python -m benchmarks accelerator` does.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js
from benchmarks._accelerator._correct import SYSTEMS
from jaxscale import sampling
from jaxscale._arrays import float64
from jaxscale.fit._fit import objective_of
from jaxscale.fit._statistics import compress
from jaxscale.simulate._build import build_process
from jaxscale.simulate._engine import _extent, _runner

KEY = jax.random.key(0)
PLATFORMS = ("cuda", "tpu")
TENSOR = re.compile(r"tensor<((?:\d+x)*)([a-z]+\d+)>")


def lowered(function, *arguments):
    """The program of a function for both platforms, as text."""
    jitted = function if hasattr(function, "trace") else jax.jit(function)
    return jitted.trace(*arguments).lower(lowering_platforms=PLATFORMS).as_text()


def program(system, population, calls, tile=64):
    with float64():
        budgets = np.asarray(calls)
        process, queries = build_process(system, population, budgets)
        run = _runner(tile, queries is not None, None)
        where = (_extent(queries, 10**6), jnp.int64(0), jnp.int64(1))
        return lowered(run, KEY, process, jnp.asarray(budgets), *where)


def wide(text, dtype, least):
    """Lines that make arrays of `dtype` with `least` elements or more."""
    found = []
    for line in text.splitlines():
        made = line.rsplit("->", 1)[-1] if "->" in line else line.rsplit(" : ", 1)[-1]
        for shape, kind in TENSOR.findall(made):
            if kind == dtype and np.prod([int(n) for n in shape.split("x") if n], dtype=int) >= least:
                found.append(line.strip())
    return found


def in_float32(population):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == np.float64 else leaf, population)


IN_FLOAT64 = {  # what has to be: scores that order calls, and the populations that are given in float64
    "BestOfN by scores, on answers",
    "WeightedVote on scored ballots",
}


@pytest.mark.parametrize(("name", "system", "population", "calls"), SYSTEMS, ids=[name for name, *_ in SYSTEMS])
def test_every_system_lowers_for_accelerators(name, system, population, calls):
    if isinstance(population, js.AnswerDistribution):
        population = in_float32(population)
    text = program(system, population, calls)
    lanes = 64 * sampling.BLOCK
    assert wide(text, "ui32", lanes), "the text does not show what the lanes do"
    if name not in IN_FLOAT64:
        assert not wide(text, "f64", lanes)
    # Counters are of 64 bits once a block, never lane by lane; calls drawn from recorded ones need products of 64 bits.
    assert not wide(text, "i64", lanes)
    if not isinstance(population, js.Attempts | js.Ballots) and name != "RoutedVote on answers":
        assert not wide(text, "ui64", lanes)
    # Only the lanes that a rejection tries again are put back by a scatter.
    if "Beta" not in name and "Dirichlet" not in name and "exchangeable" not in name:
        assert "stablehlo.scatter" not in text
