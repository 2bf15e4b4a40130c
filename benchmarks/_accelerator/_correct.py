"""Whether a device computes the right thing: samplers against their laws, simulations against exact values."""

import contextlib
import dataclasses
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import special, stats

import jaxscale as js
from benchmarks._accelerator._session import Session
from jaxscale import sampling
from jaxscale._arrays import float64
from jaxscale.simulator import Exchangeable, Sticky

KEY = jax.random.key(2026)
_LIMIT = 5.0

Law = tuple[float, float, float, float]
"""Mean, standard deviation, a threshold, and the probability of exceeding it."""


def precision(dtype: Any) -> Any:
    """The context in which arrays of a dtype keep it."""
    return float64() if dtype == np.float64 else contextlib.nullcontext()


# The compiler would else compute with millions of equal parameters, at length.
_unknown = jax.lax.optimization_barrier


def _laws() -> dict[str, tuple[Callable[..., Any], Law]]:
    """Each sampler with its law: (key, dtype, draws) -> draws."""
    a, b, small = 0.35, 5.0, 1e-6
    log_g = stats.loggamma(a)
    rare, wide, drawn = stats.binom(20, 0.1), stats.binom(10**6, 0.4), stats.hypergeom(100, 50, 30)
    beta = stats.beta(a, b)

    def words(key: Any, n: int) -> list[Any]:
        return sampling.random_words(key, 2, n)

    return {
        "uniform": (
            lambda key, dtype, n: sampling.uniform(words(key, n)[0], dtype),
            (0.5, 12**-0.5, 0.999, 0.001),
        ),
        "exponential": (
            lambda key, dtype, n: sampling.exponential(*words(key, n), dtype),
            (1.0, 1.0, 7.0, float(np.exp(-7.0))),
        ),
        "log_gamma_variate(0.35)": (
            lambda key, dtype, n: -sampling.log_gamma_variate(key, dtype(a), (n,)),
            (-special.digamma(a), special.polygamma(1, a) ** 0.5, 20.0, float(log_g.cdf(-20.0))),
        ),
        "log_beta(0.35, 5), log p": (
            lambda key, dtype, n: -sampling.log_beta(key, dtype(a), dtype(b), (n,))[0],
            (
                special.digamma(a + b) - special.digamma(a),
                (special.polygamma(1, a) - special.polygamma(1, a + b)) ** 0.5,
                float(-np.log(small)),
                float(beta.cdf(small)),
            ),
        ),
        "log_beta(0.35, 5), 1 - p": (
            lambda key, dtype, n: jnp.exp(sampling.log_beta(key, dtype(a), dtype(b), (n,))[1]),
            (1 - beta.mean(), beta.std(), 0.999, float(beta.cdf(0.001))),
        ),
        "binomial(20, 0.1)": (
            lambda key, dtype, n: sampling.binomial(key, dtype(20), _unknown(jnp.full(n, 0.1, dtype))),
            (rare.mean(), rare.std(), 5.5, float(rare.sf(5))),
        ),
        "binomial(1,000,000, 0.4)": (
            lambda key, dtype, n: sampling.binomial(key, dtype(10**6), _unknown(jnp.full(n, 0.4, dtype))),
            (wide.mean(), wide.std(), 401500.5, float(wide.sf(401500))),
        ),
        "binomial(1,000,000, 0.4) from a table": (
            lambda key, dtype, n: sampling.binomial(key, dtype(10**6), dtype(0.4), (n,)),
            (wide.mean(), wide.std(), 401500.5, float(wide.sf(401500))),
        ),
        "multinomial(20; 0.1, 0.4, 0.5), first": (
            lambda key, dtype, n: sampling.multinomial(
                key, dtype(20), _unknown(jnp.broadcast_to(jnp.asarray([0.1, 0.4, 0.5], dtype), (n, 3)))
            )[:, 0],
            (rare.mean(), rare.std(), 5.5, float(rare.sf(5))),
        ),
        "hypergeometric(50, 50, 30)": (
            lambda key, dtype, n: sampling.hypergeometric(key, dtype(50), dtype(50), dtype(30), (n,)),
            (drawn.mean(), drawn.std(), 21.5, float(drawn.sf(21))),
        ),
        "categorical": (
            lambda key, dtype, n: sampling.categorical(key, jnp.asarray([0.1, 0.4, 0.5], dtype), (n,)),
            (1.4, 0.44**0.5, 1.5, 0.5),
        ),
        "first_success(0.1)": (
            lambda key, dtype, n: sampling.first_success(key, dtype(np.log(0.9)), (n,)),
            (10.0, 90**0.5, 60.5, 0.9**60),
        ),
    }


def samplers(session: Session, draws: int, dtype: Any) -> None:
    """A row for each sampler: mean, variance and a tail, in standard errors from those of its law."""
    session.together(
        f"samplers against their laws, {np.dtype(dtype).name}",
        [
            (f"{name}, {draws:,} draws", 1.5, partial(_sampled, sampler, law, draws, dtype))
            for name, (sampler, law) in _laws().items()
        ],
    )


def _sampled(sampler: Callable[..., Any], law: Law, draws: int, dtype: Any) -> dict[str, Any]:
    mean, sd, threshold, tail = law
    with precision(dtype):
        drawn = np.asarray(jax.jit(lambda key: sampler(key, dtype, draws))(KEY), np.float64)
    centred = drawn - mean
    square = centred**2
    off = {
        "mean": centred.mean() / (sd / draws**0.5),
        "variance": (square.mean() - sd**2) / max(square.std() / draws**0.5, 1e-300),
        "tail": ((drawn > threshold).mean() - tail) / (tail * (1 - tail) / draws) ** 0.5,
    }
    return _verdict({name: float(value) for name, value in off.items()})


def _verdict(off: dict[str, float], **more: Any) -> dict[str, Any]:
    worst = max(abs(value) for value in off.values())
    return {"ok": bool(worst < _LIMIT), "worst_standard_errors": worst, "standard_errors": off, **more}


_ANSWERS = js.AnswerDistribution([[0.5, 0.3, 0.2], [0.2, 0.45, 0.35], [0.34, 0.33, 0.33]])
_FILTERED = js.AnswerDistribution(_ANSWERS.probabilities, keep=np.linspace(0.1, 0.9, 9).reshape(3, 3))
_BALLOTS = js.Ballots(
    [[4, 3, 1], [2, 2, 2], [0, 5, 3]], [[True, False, False], [False, True, False], [True, False, True]]
)
_SCORED = js.Ballots([[3, 2], [1, 4]], [[True, False]] * 2, scores=np.linspace(0.1, 1.0, 10).reshape(2, 5))
_TWO = js.TwoPoint(0.6, 0.8, 0.4)


@dataclasses.dataclass(frozen=True)
class _TwoInARow:
    """A system of a user's own: right as soon as two calls in a row are."""

    def start(self, answers: int) -> dict[str, Any]:
        return {"last": jnp.array(False), "done": jnp.array(False)}

    def step(self, state: dict[str, Any], call: Any) -> dict[str, Any]:
        return {"last": call.right, "done": state["done"] | (state["last"] & call.right)}

    def score(self, state: dict[str, Any]) -> Any:
        return state["done"].astype(jnp.float32)


def _runs_of_two(calls: list[int]) -> list[float]:
    """P(two right calls in a row among k) on `_TWO`."""

    def chance(p: float, k: int) -> float:
        last, none = 0.0, 1.0  # the last call was right, or wrong, and no two in a row so far
        for _ in range(k):
            last, none = none * p, (none + last) * (1 - p)
        return 1 - last - none

    return [0.6 * chance(0.8, k) + 0.4 * chance(0.4, k) for k in calls]


SYSTEMS: list[tuple[str, Any, Any, list[int]]] = [
    ("PassAtK on Beta", js.PassAtK(), js.Beta(0.35, 5.0), [1, 10, 1000]),
    ("Vote on answers", js.Vote(), _ANSWERS, [1, 3, 8, 25]),
    ("PassAtK on Dirichlet", js.PassAtK(), js.DirichletAnswers([0.5, 0.4, 2.0]), [1, 10, 100]),
    ("PassAtK on Kumaraswamy", js.PassAtK(), js.Kumaraswamy(0.5, 3.0), [1, 10, 100]),
    ("PassAtK on CorrelatedTrials", js.PassAtK(), js.CorrelatedTrials(0.8, 0.7, ceiling=0.9), [1, 10, 100]),
    ("PassAtK on attempts", js.PassAtK(), js.Attempts([10, 6, 5], [1, 6, 0]), [1, 3, 5]),
    ("Vote on two points", js.Vote(), _TWO, [1, 3, 8]),
    ("Vote on ballots", js.Vote(), _BALLOTS, [1, 3, 6]),
    ("FilterVote on answers", js.FilterVote(), _FILTERED, [1, 4, 9]),
    ("RoutedVote on answers", js.RoutedVote(0.6), _ANSWERS, [1, 3, 8]),
    ("BestOfN by rates, on answers", js.BestOfN(0.8, 0.3), _ANSWERS, [1, 4, 16]),
    ("BestOfN by rates, on attempts", js.BestOfN(0.8, 0.3), js.Attempts([5, 4], [2, 1]), [1, 4]),
    ("BestOfN by scores, on answers", js.BestOfN(separation=1.5), _ANSWERS, [1, 4, 16]),
    ("WeightedVote on scored ballots", js.WeightedVote(), _SCORED, [1, 3]),
    ("AdaptiveVote on answers", js.AdaptiveVote(0.8), _ANSWERS, [2, 5, 16]),
    ("Vote on sticky calls", js.Vote(), Sticky(_TWO, 0.4), [1, 4]),
    ("PassAtK on exchangeable calls", js.PassAtK(), Exchangeable(_TWO, 0.4), [1, 4]),
    ("a system of one's own on two points", _TwoInARow(), _TWO, [1, 2, 5]),
]


def systems(session: Session, replicates: int) -> None:
    """A row for each system: in standard errors from the exact value, and from the same run on the CPU."""
    session.together(
        "simulations against exact values and the CPU",
        [(f"{name}, {replicates:,} replicates", 4.0, partial(_simulated, *run, replicates)) for name, *run in SYSTEMS],
    )


def _simulated(system: Any, population: Any, calls: list[int], replicates: int) -> dict[str, Any]:
    def run() -> Any:
        return js.simulate(KEY, system, population, calls, replicates)

    started = time.perf_counter()
    found = run()
    first = time.perf_counter() - started
    started = time.perf_counter()
    run()
    warm = time.perf_counter() - started
    error = np.maximum(found.standard_error, 1e-6)
    off = {}
    if isinstance(system, _TwoInARow):
        off["exact"] = _runs_of_two(calls)
    else:
        with contextlib.suppress(ValueError, TypeError):
            off["exact"] = np.asarray(js.exact(system, population, calls))
    if jax.default_backend() != "cpu":
        with jax.default_device(jax.devices("cpu")[0]):
            off["CPU"] = run().value
    off = {name: float(np.abs((found.value - value) / error).max()) for name, value in off.items()}
    times = {"seconds": warm, "compile_seconds": max(first - warm, 0.0)}
    if not off:
        return times | {"note": "no exact value to compare with"}
    more = {} if "exact" in off else {"note": "no exact value to compare with"}
    return _verdict(off, **times, **more)


def chunks(session: Session, queries: int) -> None:
    """The same bits however a run is cut into pieces."""

    def measure() -> dict[str, Any]:
        runs = [
            js.simulate(KEY, js.PassAtK(), js.Beta(0.35, 5.0), [1, 10, 1000], queries, chunk=chunk)
            for chunk in (None, queries // 2, queries // 5)
        ]
        same = all((run.value == runs[0].value).all() for run in runs)
        same &= all((run.standard_error == runs[0].standard_error).all() for run in runs)
        return {"ok": bool(same), "note": "every bit the same" if same else "bits differ"}

    session.row("the same bits", f"pass@k of {queries:,} queries in 1, 2 and 5 chunks", 2.0, measure)
