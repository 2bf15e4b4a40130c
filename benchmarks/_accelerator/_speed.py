"""How fast a device samples and simulates, beside its own floor and its rivals."""

import importlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import jaxscale as js
from benchmarks._accelerator._cards import Card, floor, operations_of
from benchmarks._accelerator._correct import KEY, precision
from benchmarks._accelerator._session import Session, Unaffordable
from benchmarks._accelerator._timed import once, rate_of, rival_rate
from benchmarks._readme import RESULTS
from benchmarks.simulate import BUDGETS, VOTE_BUDGETS, VOTE_ROW, numpy_coverage, numpy_votes
from jaxscale import sampling
from jaxscale._arrays import float64
from jaxscale.sampling import BLOCK
from jaxscale.simulator._build import build_process
from jaxscale.simulator._engine import _extent, _runner, _sum_tiles

_SMALL = 2**16


def _mixed(size: int, dtype: Any) -> tuple[Any, Any]:
    """Numbers of calls from 1 to 100,000 and chances of every kind, one law for each draw."""
    place = lax.iota(jnp.uint32, size)
    spread = ((place * np.uint32(2654435761)) >> np.uint32(8)).astype(dtype) * dtype(2.0**-24)
    chance = ((place * np.uint32(2246822519)) >> np.uint32(8)).astype(dtype) * dtype(2.0**-24)
    return jnp.floor(jnp.exp(spread * dtype(np.log(1e5)))) + 1, chance


def _ours(kind: str, dtype: Any) -> Callable[[int], Any]:
    """A traceable function of a key that draws `size` values."""

    def uniforms(key: Any, size: int) -> Any:
        return jnp.concatenate([sampling.uniform(w, dtype) for w in sampling.random_words(key, 2, size // 2)])

    samplers = {
        "uniforms": uniforms,
        "exponentials": lambda key, size: sampling.exponential(*sampling.random_words(key, 2, size), dtype),
        "Beta(0.35, 5)": lambda key, size: jnp.exp(sampling.log_beta(key, dtype(0.35), dtype(5), (size,))[0]),
        "Gamma(0.35)": lambda key, size: jnp.exp(sampling.log_gamma_variate(key, dtype(0.35), (size,))),
        "Binomial(20, 0.1)": lambda key, size: sampling.binomial(key, dtype(20), jnp.full(size, 0.1, dtype)),
        "Binomial(1e6, 0.4)": lambda key, size: sampling.binomial(key, dtype(10**6), jnp.full(size, 0.4, dtype)),
        "Binomial, mixed n and p": lambda key, size: sampling.binomial(key, *_mixed(size, dtype)),
        "Binomial(1e6, 0.4), one law": lambda key, size: sampling.binomial(key, dtype(10**6), dtype(0.4), (size,)),
        "Multinomial(100), 5 answers": lambda key, size: sampling.multinomial(
            key, dtype(100), jnp.full((size // 5, 5), 0.2, dtype)
        ),
    }
    return samplers[kind]


KINDS = (
    "Binomial, mixed n and p",
    "Beta(0.35, 5)",
    "uniforms",
    "exponentials",
    "Binomial(20, 0.1)",
    "Binomial(1e6, 0.4)",
    "Gamma(0.35)",
    "Multinomial(100), 5 answers",
    "Binomial(1e6, 0.4), one law",
)


def samplers(session: Session, card: Card, dtype: Any, memory: int, most: int) -> None:
    """A row for each sampler: values a second, share of the floor, and its rivals' rates."""
    # Words, parameters and what is drawn: a dozen arrays at most are alive at a time.
    most = min(most, 1 << int(np.log2(memory / (24 * np.dtype(dtype).itemsize))))
    for kind in KINDS:
        expected = 9.0 if "nomial" in kind else 5.0
        session.row(
            f"samplers, {np.dtype(dtype).name}", kind, expected, partial(_sampler, session, card, kind, dtype, most)
        )


def _sampler(session: Session, card: Card, kind: str, dtype: Any, most: int) -> dict[str, Any]:
    draw = _ours(kind, dtype)
    with precision(dtype):

        def make(size: int) -> Callable[[], Any]:
            return partial(jax.jit(lambda key: draw(key, size)), KEY)

        counted = operations_of(jax.jit(lambda key: draw(key, _SMALL)).lower(KEY).compile())
        found = rate_of(session, make, small=_SMALL, most=max(most, _SMALL))
        found |= floor(
            card,
            found["seconds"],
            counted["operations"] / _SMALL * found["size"],
            found["size"] * np.dtype(dtype).itemsize,
            dtype=dtype,
        )
        found["operations_per_value"] = counted["operations"] / _SMALL
        rivals = {
            name: rival_rate(session, partial(_rival, theirs), small=2**14, most=max(most, 2**14))
            for name, theirs in _rivals(kind, dtype).items()
        }
    return found | {"rivals": rivals}


def _rival(theirs: Callable[[int], Any], size: int) -> Callable[[], Any]:
    return partial(theirs, size)


def _rivals(kind: str, dtype: Any) -> dict[str, Callable[[int], Any]]:
    """What else draws this, where it is installed: each a function of the size."""
    return {
        **_jax_rivals(kind, dtype),
        **_numpy_like(kind, dtype, np.random.default_rng(0), "NumPy"),
        **_cupy_rivals(kind, dtype),
        **_torch_rivals(kind, dtype),
    }


def _jax_rivals(kind: str, dtype: Any) -> dict[str, Callable[[int], Any]]:
    random = jax.random
    samplers = {
        "uniforms": lambda size: random.uniform(KEY, (size,), dtype),
        "exponentials": lambda size: random.exponential(KEY, (size,), dtype),
        "Beta(0.35, 5)": lambda size: random.beta(KEY, dtype(0.35), dtype(5), (size,), dtype),
        "Gamma(0.35)": lambda size: random.gamma(KEY, dtype(0.35), (size,), dtype),
        "Binomial(20, 0.1)": lambda size: random.binomial(KEY, dtype(20), dtype(0.1), (size,), dtype),
        "Binomial(1e6, 0.4)": lambda size: random.binomial(KEY, dtype(10**6), dtype(0.4), (size,), dtype),
        "Binomial, mixed n and p": lambda size: random.binomial(KEY, *_mixed(size, dtype), dtype=dtype),
        "Multinomial(100), 5 answers": lambda size: random.multinomial(
            KEY, dtype(100), jnp.full((size // 5, 5), 0.2, dtype), dtype=dtype
        ),
    }
    return {"jax.random": jax.jit(samplers[kind], static_argnums=0)} if kind in samplers else {}


def _numpy_like(kind: str, dtype: Any, rng: Any, name: str) -> dict[str, Callable[[int], Any]]:
    """NumPy's generator, of float64 where it has no other."""

    def mixed(size: int) -> Any:
        place = np.arange(size, dtype=np.uint32)
        n = np.exp((place * np.uint32(2654435761) >> 8) * 2.0**-24 * np.log(1e5)).astype(np.int64) + 1
        return rng.binomial(n, (place * np.uint32(2246822519) >> 8) * 2.0**-24)

    samplers = {
        "uniforms": lambda size: rng.random(size, dtype=dtype),
        "exponentials": lambda size: rng.standard_exponential(size, dtype=dtype),
        "Beta(0.35, 5)": lambda size: rng.beta(0.35, 5.0, size),
        "Gamma(0.35)": lambda size: rng.standard_gamma(0.35, size, dtype=dtype),
        "Binomial(20, 0.1)": lambda size: rng.binomial(20, 0.1, size),
        "Binomial(1e6, 0.4)": lambda size: rng.binomial(10**6, 0.4, size),
        "Binomial(1e6, 0.4), one law": lambda size: rng.binomial(10**6, 0.4, size),
        "Binomial, mixed n and p": mixed,
        "Multinomial(100), 5 answers": lambda size: rng.multinomial(100, np.full(5, 0.2), size // 5),
    }
    return {name: samplers[kind]}


def _cupy_rivals(kind: str, dtype: Any) -> dict[str, Callable[[int], Any]]:
    cupy = _installed("cupy")
    if cupy is None:
        return {}
    rng = cupy.random.default_rng(0)
    wait = cupy.cuda.Device().synchronize
    n, p = (cupy.asarray(np.asarray(x)) for x in _mixed(2**20, np.float64)) if "mixed" in kind else (None, None)
    samplers = {
        "uniforms": lambda size: rng.random(size, dtype=dtype),
        "exponentials": lambda size: rng.standard_exponential(size, dtype=dtype),
        "Beta(0.35, 5)": lambda size: rng.beta(0.35, 5.0, size),
        "Gamma(0.35)": lambda size: rng.standard_gamma(0.35, size, dtype=dtype),
        "Binomial(20, 0.1)": lambda size: rng.binomial(20, 0.1, size),
        "Binomial(1e6, 0.4)": lambda size: rng.binomial(10**6, 0.4, size),
        "Binomial, mixed n and p": lambda size: rng.binomial(
            cupy.resize(n, size).astype(np.int64), cupy.resize(p, size), size
        ),
    }
    return _waiting("CuPy", samplers.get(kind), wait)


def _torch_rivals(kind: str, dtype: Any) -> dict[str, Callable[[int], Any]]:
    torch = _installed("torch")
    if torch is None:
        return {}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind_of = {np.float32: torch.float32, np.float64: torch.float64}[dtype]
    options: dict[str, Any] = {"device": device, "dtype": kind_of}
    full = partial(torch.full, **options)
    samplers = {
        "uniforms": lambda size: torch.rand(size, **options),
        "exponentials": lambda size: torch.empty(size, **options).exponential_(),
        "Beta(0.35, 5)": lambda size: torch.distributions.Beta(full((size,), 0.35), full((size,), 5.0)).sample(),
        "Gamma(0.35)": lambda size: torch.distributions.Gamma(full((size,), 0.35), full((size,), 1.0)).sample(),
        "Binomial(20, 0.1)": lambda size: torch.binomial(full((size,), 20.0), full((size,), 0.1)),
        "Binomial(1e6, 0.4)": lambda size: torch.binomial(full((size,), 1e6), full((size,), 0.4)),
        "Binomial, mixed n and p": lambda size: torch.binomial(
            *(torch.as_tensor(np.array(x), **options) for x in _mixed(size, dtype))
        ),
    }
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    return _waiting("torch", samplers.get(kind), wait)


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:  # one that is there and does not work is no rival either
        return None


def _waiting(name: str, draw: Callable[[int], Any] | None, wait: Callable[[], Any]) -> dict[str, Callable[[int], Any]]:
    if draw is None:
        return {}

    def run(size: int) -> None:
        draw(size)
        wait()

    return {name: run}


def coverage(session: Session, card: Card, dtype: Any, sizes: tuple[int, ...]) -> None:
    """Rows of pass@k curves of ever more queries."""
    kind = f"pass@k at {len(BUDGETS)} budgets to 10,000, queries of Beta(0.35, 5), {np.dtype(dtype).name}"
    model = js.Beta(np.asarray(0.35, dtype), np.asarray(5.0, dtype))
    rate: list[float] = []
    per_query: list[float] = []

    def measure(queries: int) -> dict[str, Any]:
        _after_the_first(queries == sizes[0], rate)
        if not per_query:
            per_query.append(coverage_operations(model)["operations"])
        found = once(
            session,
            lambda: js.simulate(KEY, js.PassAtK(), model, BUDGETS, queries).mean,
            expected=queries / rate[-1] if rate else 1.0,
        )
        rate.append(queries / found["seconds"])
        found |= floor(card, found["seconds"], per_query[0] * queries, 0.0, dtype=dtype)
        return found | {"rate": rate[-1], "operations_per_value": per_query[0]}

    for queries in sizes:
        session.row(kind, f"{queries:,} queries", 8.0 if queries == sizes[0] else 0.5, partial(measure, queries))

    def numpy() -> dict[str, Any]:
        rng = np.random.default_rng(0)
        return once(session, lambda: numpy_coverage(rng, 10**6), expected=0.3) | {"note": "NumPy on the CPU"}

    if dtype == np.float32:
        session.row(kind, "1,000,000 queries, NumPy", 0.7, numpy)


def _after_the_first(first: bool, rate: list[float]) -> None:
    """How long a large size takes is known from a smaller one alone."""
    if not first and not rate:
        raise Unaffordable("how long it takes is not known: the smallest size was not measured")


def coverage_operations(model: Any, blocks: int = 64) -> dict[str, float]:
    """What XLA counts for one tile of the pass@k program, a query: retries of the rejection once."""
    with float64():
        process, queries = build_process(js.PassAtK(), model, BUDGETS)
        process = jax.tree.map(np.asarray, process)

        def tile(key: Any, first: Any, last: Any) -> Any:
            extent = _extent(queries, 10**9)
            budgets = jnp.asarray(BUDGETS)
            return _sum_tiles(key, process, budgets, extent, first, last, tile=blocks, paired=False, axes=())

        compiled = jax.jit(tile).lower(KEY, jnp.int64(0), jnp.int64(1)).compile()
    return {name: value / (blocks * BLOCK) for name, value in operations_of(compiled).items()}


def tiles(session: Session, queries: int, sizes: tuple[int, ...]) -> None:
    """Rows of pass@k by the number of blocks that a device is given at a time."""
    model = js.Beta(0.35, 5.0)

    def measure(tile: int) -> dict[str, Any]:
        with float64():
            process, rows = build_process(js.PassAtK(), model, BUDGETS)
            run = _runner(tile, rows is not None, None)
            count = -(-queries // (tile * BLOCK))
            where = (_extent(rows, queries), jnp.int64(0), jnp.int64(count))
            found = once(session, lambda: run(KEY, process, jnp.asarray(BUDGETS), *where), expected=2.0)
        return found | {"rate": queries / found["seconds"]}

    for tile in sizes:
        session.row(f"pass@k of {queries:,} queries by size of tile", f"{tile:,} blocks", 6.0, partial(measure, tile))


def stored_vote_rate() -> float:
    """Replicates a second of the same votes on the CPU of `results.json`."""
    rows = json.loads(RESULTS.read_text())["results"]["simulate"]
    (seconds,) = {row["seconds"] for row in rows if row["name"] == VOTE_ROW}
    return 1_000 / seconds


def votes(session: Session, sizes: tuple[int, ...]) -> None:
    """Rows of the Vote sweep: 200 queries, 20 budgets to 100, ever more replicates."""
    probabilities = np.random.default_rng(0).dirichlet(np.ones(5), 200)
    population = js.AnswerDistribution(probabilities)
    kind = "vote at 20 budgets to 100, 200 queries x 5 answers"
    rate: list[float] = []

    def measure(replicates: int) -> dict[str, Any]:
        _after_the_first(replicates == sizes[0], rate)
        found = once(
            session,
            lambda: js.simulate(KEY, js.Vote(), population, VOTE_BUDGETS, replicates).mean,
            expected=replicates / rate[-1] if rate else 1.0,
        )
        rate.append(replicates / found["seconds"])
        return found | {"calls_rate": rate[-1] * 200 * 100, "times_cpu": rate[-1] / stored_vote_rate()}

    for replicates in sizes:
        session.row(
            kind, f"{replicates:,} replicates", 4.0 if replicates == sizes[0] else 0.5, partial(measure, replicates)
        )

    def numpy() -> dict[str, Any]:
        rng = np.random.default_rng(0)
        return once(session, lambda: numpy_votes(rng, probabilities, 1_000), expected=1.0) | {"note": "on the CPU"}

    session.row(kind, "1,000 replicates, NumPy", 3.0, numpy)
