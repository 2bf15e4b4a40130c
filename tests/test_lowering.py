"""What the programs look like to an accelerator: they lower for CUDA and TPU, and keep clear of what is slow there.

Nothing is compiled or run for those platforms here; what the text cannot show, `python -m benchmarks accelerator` does.
"""

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js
from benchmarks._accelerator._correct import SYSTEMS
from jaxscale import sampling
from jaxscale._arrays import float64
from jaxscale.fitting._fit import objective_of
from jaxscale.fitting._models import named_model
from jaxscale.fitting._parameters import layout_of
from jaxscale.fitting._statistics import compress
from jaxscale.simulator._build import build_process
from jaxscale.simulator._engine import _extent, _runner

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


@functools.lru_cache(maxsize=1)
def arrays(text):
    """What each line of a program makes: (line, dtype, elements)."""
    found = []
    for line in text.splitlines():
        made = line.rsplit("->", 1)[-1] if "->" in line else line.rsplit(" : ", 1)[-1]
        for shape, dtype in TENSOR.findall(made):
            found.append((line.strip(), dtype, math.prod(int(n) for n in shape.split("x") if n)))
    return found


def wide(text, dtype, least):
    """Lines that make arrays of `dtype` with `least` elements or more."""
    return [line for line, kind, elements in arrays(text) if kind == dtype and elements >= least]


def in_float32(population):
    return jax.tree.map(lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == np.float64 else leaf, population)


IN_FLOAT64 = {
    "BestOfN by scores, on answers",
    "WeightedVote on scored ballots",
}  # scores order calls: ties must not be made
IN_INT64 = {
    "WeightedVote on scored ballots",
    "AdaptiveVote on answers",
}  # calls used, and sums of float64, once a budget


# A law of each other kind, beside those that the run on an accelerator checks.
LAWS = [
    ("PassAtK on ScaledBeta", js.PassAtK(), js.ScaledBeta(0.4, 3.0, 0.8), [1, 10, 100]),
    ("PassAtK on Mixture", js.PassAtK(), js.Mixture((js.Beta(0.4, 5.0), js.PointMass(0.0)), [0.7, 0.3]), [1, 10]),
    ("PassAtK on Grid", js.PassAtK(), js.Grid([0.1, 0.6, 1.0], [0.3, 0.5, 0.2]), [1, 10]),
]
PROGRAMS = [*SYSTEMS, *LAWS]


@pytest.mark.parametrize(("name", "system", "population", "calls"), PROGRAMS, ids=[name for name, *_ in PROGRAMS])
def test_every_system_lowers_for_accelerators(name, system, population, calls):
    if isinstance(population, js.AnswerDistribution):
        population = in_float32(population)
    text = program(system, population, calls)
    lanes = 64 * sampling.BLOCK
    assert wide(text, "ui32", lanes), "the text does not show what the lanes do"
    if name not in IN_FLOAT64:
        assert not wide(text, "f64", lanes)
    # Counters are of 64 bits once a block, never lane by lane.
    if name not in IN_INT64:
        assert not wide(text, "i64", lanes)
    # A uniform whole number below what is left of recorded calls is the upper half of a product of 64 bits.
    assert len(wide(text, "ui64", lanes)) <= 10
    # Only the lanes that a rejection tries again are put back by a scatter.
    samples = isinstance(population, js.Beta | js.ScaledBeta | js.Mixture | js.DirichletAnswers)
    samples |= "exchangeable" in name
    assert ("stablehlo.scatter" in text) == samples


def test_what_is_wide_is_seen():
    text = lowered(lambda x: jnp.sin(x) + 1.0, jnp.zeros((64, 1024)))
    assert wide(text, "f32", 64 * 1024)
    assert not wide(text, "f32", 64 * 1024 + 1)
    assert not wide(text, "f64", 1)


DRAWS = (8, sampling.BLOCK)
SAMPLERS = {
    "uniform": lambda key, x: sampling.uniform(sampling.random_words(key, 1, 8192)[0], x.dtype),
    "exponential": lambda key, x: sampling.exponential(*sampling.random_words(key, 2, 8192), x.dtype),
    "log_gamma_variate": lambda key, x: sampling.log_gamma_variate(key, x, DRAWS),
    "log_beta": lambda key, x: sampling.log_beta(key, x, 5 * x, DRAWS),
    "binomial, one law": lambda key, x: sampling.binomial(key, 100 * x, 0.5 * x, DRAWS),
    "binomial": lambda key, x: sampling.binomial(key, jnp.full(DRAWS, 100 * x), 0.5 * x),
    "multinomial": lambda key, x: sampling.multinomial(key, 100 * x, jnp.full((*DRAWS, 2), 0.5 * x)),
    "hypergeometric": lambda key, x: sampling.hypergeometric(key, 50 * x, 50 * x, 20 * x, DRAWS),
    "categorical": lambda key, x: sampling.categorical(key, jnp.full((*DRAWS, 2), 0.5 * x)),
    "first_success": lambda key, x: sampling.first_success(key, -x, DRAWS),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_lowers_in_its_own_dtype(name):
    # Under x64, where a float64 constant or NumPy's rule for sums would show.
    with float64():
        text = lowered(SAMPLERS[name], KEY, jnp.float32(1.0))
    draws = DRAWS[0] * DRAWS[1]
    assert wide(text, "f32", draws)
    for dtype in ("f64", "i64", "ui64"):
        assert not wide(text, dtype, draws)


@pytest.mark.parametrize("what", ["value", "gradient"])
def test_the_exact_kernel_lowers_in_its_own_dtype(what):
    def value(q):
        return js.exact(js.Vote(), js.AnswerDistribution(q, np.arange(4) == 0), [25, 100]).sum()

    text = lowered(value if what == "value" else jax.grad(value), jnp.full((50, 4), 0.25))
    assert not wide(text, "f64", 2)
    assert "complex<f64>" not in text
    assert "stablehlo.while" in text
    with float64():
        assert "complex<f64>" in lowered(value, jnp.full((50, 4), 0.25, jnp.float64))


@pytest.mark.parametrize("kind", ["beta", "kumaraswamy", "power-law"])
def test_the_objective_of_a_fit_lowers(kind):
    data = js.Attempts([10] * 6, [0, 0, 1, 3, 5, 9])
    named = named_model(kind)
    with float64():
        start = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), named.start(data))
        layout = layout_of(start, named.free)
        compressed = compress(start, data)
        objective = objective_of(layout, True, start, compressed.statistics, compressed.weights)
        text = lowered(jax.value_and_grad(objective), layout.to_vector(start))
    assert wide(text, "f64", 2)
    assert not wide(text, "f32", 2)
