"""How fast a device samples and simulates, beside its own floor and its rivals."""

import importlib
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

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

_COUNTED = 2**16
"""Values of the program whose operations are counted: no loop of it goes round more than once a draw."""

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


def _parameters(kind: str, size: int, dtype: Any) -> tuple[np.ndarray, ...]:
    """What a sampler is given: arrays, so that no compiler knows them and no rival makes them while it is timed."""
    if kind == "Binomial, mixed n and p":
        place = np.arange(size, dtype=np.uint32)
        spread, chance = ((place * np.uint32(factor) >> 8) * dtype(2.0**-24) for factor in (2654435761, 2246822519))
        return (np.floor(np.exp(spread * dtype(np.log(1e5)))) + 1).astype(dtype), chance.astype(dtype)
    if kind.startswith("Multinomial"):
        return (np.full((size // 5, 5), 0.2, dtype),)
    if kind == "Binomial(1e6, 0.4), one law":
        return dtype(10**6), dtype(0.4)
    if kind.startswith("Binomial"):
        n, p = (20, 0.1) if "20" in kind else (10**6, 0.4)
        return dtype(n), np.full(size, p, dtype)
    return ()


def _ours(kind: str, size: int, dtype: Any) -> Callable[..., Any]:
    """A traceable function of a key and the parameters that draws `size` values."""

    def uniforms(key: Any) -> Any:
        return jnp.concatenate([sampling.uniform(w, dtype) for w in sampling.random_words(key, 2, size // 2)])

    samplers = {
        "uniforms": uniforms,
        "exponentials": lambda key: sampling.exponential(*sampling.random_words(key, 2, size), dtype),
        "Beta(0.35, 5)": lambda key: jnp.exp(sampling.log_beta(key, dtype(0.35), dtype(5), (size,))[0]),
        "Gamma(0.35)": lambda key: jnp.exp(sampling.log_gamma_variate(key, dtype(0.35), (size,))),
        "Multinomial(100), 5 answers": lambda key, q: sampling.multinomial(key, dtype(100), q),
    }
    return samplers.get(kind, lambda key, n, p: sampling.binomial(key, n, p, (size,)))


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
    # A CPU finds its rate at few values; an accelerator is busy with many alone, and each size takes time to compile.
    small = 2**16 if jax.default_backend() == "cpu" else most
    with precision(dtype):

        def make(size: int) -> Callable[[], Any]:
            given = [jnp.asarray(x) for x in _parameters(kind, size, dtype)]
            return partial(jax.jit(_ours(kind, size, dtype)), KEY, *given)

        counted = operations_of(
            jax.jit(_ours(kind, _COUNTED, dtype)).lower(KEY, *_parameters(kind, _COUNTED, dtype)).compile()
        )
        found = rate_of(session, make, small=small, most=max(most, small))
        found |= floor(
            card,
            found["seconds"],
            counted["operations"] / _COUNTED * found["size"],
            found["size"] * np.dtype(dtype).itemsize,
            dtype=dtype,
        )
        found["operations_per_value"] = counted["operations"] / _COUNTED
        rivals = {
            name: rival_rate(session, theirs, small=2**14 if name == "NumPy" else small, most=max(most, small))
            for name, theirs in _rivals(kind, dtype).items()
        }
    return found | {"rivals": rivals}


def _rivals(kind: str, dtype: Any) -> dict[str, Callable[[int], Callable[[], Any]]]:
    """What else draws this, where it is installed: from a size to a function that draws as many."""
    makers: dict[str, Any] = {"jax.random": _jax_rival, "NumPy": _numpy_rival}
    if _installed("cupy") is not None:
        makers["CuPy"] = _cupy_rival
    if _installed("torch") is not None:
        makers["torch"] = _torch_rival
    lacking = (
        {"CuPy", "torch"} if kind.startswith("Multinomial") else {"jax.random"} if kind.endswith("one law") else set()
    )
    return {name: partial(make, kind, dtype) for name, make in makers.items() if name not in lacking}


def _jax_rival(kind: str, dtype: Any, size: int) -> Callable[[], Any]:
    random = jax.random
    samplers = {
        "uniforms": lambda: random.uniform(KEY, (size,), dtype),
        "exponentials": lambda: random.exponential(KEY, (size,), dtype),
        "Beta(0.35, 5)": lambda: random.beta(KEY, dtype(0.35), dtype(5), (size,), dtype),
        "Gamma(0.35)": lambda: random.gamma(KEY, dtype(0.35), (size,), dtype),
        "Multinomial(100), 5 answers": lambda q: random.multinomial(KEY, dtype(100), q, dtype=dtype),
    }
    draw = samplers.get(kind, lambda n, p: random.binomial(KEY, n, p, (size,), dtype))
    return partial(jax.jit(draw), *(jnp.asarray(x) for x in _parameters(kind, size, dtype)))


def _numpy_rival(kind: str, dtype: Any, size: int) -> Callable[[], Any]:
    """NumPy's generator, of float64 where it has no other."""
    rng, given = np.random.default_rng(0), _parameters(kind, size, dtype)
    if kind.startswith("Binomial"):
        n, p = np.asarray(given[0], np.int64), np.asarray(given[1], np.float64)
        return lambda: rng.binomial(n, p, size)
    samplers: dict[str, Callable[[], Any]] = {
        "uniforms": lambda: rng.random(size, dtype=dtype),
        "exponentials": lambda: rng.standard_exponential(size, dtype=dtype),
        "Beta(0.35, 5)": lambda: rng.beta(0.35, 5.0, size),
        "Gamma(0.35)": lambda: rng.standard_gamma(0.35, size, dtype=dtype),
        "Multinomial(100), 5 answers": lambda: rng.multinomial(100, np.full(5, 0.2), size // 5),
    }
    return samplers[kind]


def _cupy_rival(kind: str, dtype: Any, size: int) -> Callable[[], Any]:
    cupy = _installed("cupy")
    rng, wait = cupy.random.default_rng(0), cupy.cuda.Device().synchronize
    if kind.startswith("Binomial"):
        given = _parameters(kind, size, np.float64)
        n, p = cupy.asarray(given[0]).astype(np.int64), cupy.asarray(given[1])
        return _waiting(lambda: rng.binomial(n, p, size), wait)
    samplers = {
        "uniforms": lambda: rng.random(size, dtype=dtype),
        "exponentials": lambda: rng.standard_exponential(size, dtype=dtype),
        "Beta(0.35, 5)": lambda: rng.beta(0.35, 5.0, size),
        "Gamma(0.35)": lambda: rng.standard_gamma(0.35, size, dtype=dtype),
    }
    return _waiting(samplers[kind], wait)


def _torch_rival(kind: str, dtype: Any, size: int) -> Callable[[], Any]:
    torch = _installed("torch")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind_of = {np.float32: torch.float32, np.float64: torch.float64}[dtype]
    options: dict[str, Any] = {"device": device, "dtype": kind_of}
    full = partial(torch.full, (size,), **options)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    if kind.startswith("Binomial"):
        n, p = (torch.as_tensor(np.broadcast_to(x, size).copy(), **options) for x in _parameters(kind, size, dtype))
        return _waiting(lambda: torch.binomial(n, p), wait)
    out = torch.empty(size, **options)
    samplers = {
        "uniforms": lambda: torch.rand(size, **options),
        "exponentials": out.exponential_,
        "Beta(0.35, 5)": torch.distributions.Beta(full(0.35), full(5.0)).sample,
        "Gamma(0.35)": torch.distributions.Gamma(full(0.35), full(1.0)).sample,
    }
    return _waiting(samplers[kind], wait)


def _installed(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Exception:  # one that is there and does not work is no rival either
        return None


def _waiting(draw: Callable[[], Any], wait: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> None:
        draw()
        wait()

    return run


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
            lambda: js.simulate(KEY, js.PassAtK(), model, BUDGETS, queries).value,
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
            lambda: js.simulate(KEY, js.Vote(), population, VOTE_BUDGETS, replicates).value,
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
