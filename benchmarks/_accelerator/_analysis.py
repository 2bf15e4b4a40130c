"""Whether a device helps an analysis: the vote kernel, bootstraps and posterior draws, beside this machine's CPU."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import jaxscale as js
from benchmarks._accelerator._cards import operations_of
from benchmarks._accelerator._correct import KEY, precision
from benchmarks._accelerator._session import Session, Unaffordable
from benchmarks._accelerator._timed import once
from jaxscale.fitting import sample_posterior

KERNELS = ((200, 5, 100), (10_000, 5, 100), (200, 5, 1_000), (20, 200, 1_000), (1_000, 8, 10_000))
"""(queries, answers, calls) of an exact vote."""


def _beside_the_cpu(session: Session, found: dict[str, Any], run: Callable[[], Any]) -> dict[str, Any]:
    """The same on the CPU of this machine, where that is another device."""
    if jax.default_backend() == "cpu":
        return found
    try:
        with jax.default_device(jax.devices("cpu")[0]):
            found["rival_seconds"] = {"CPU": once(session, run, expected=3.0)["seconds"]}
    except Unaffordable:
        found["rival_seconds"] = {}
    return found


def kernels(session: Session, dtype: Any, sizes: tuple[tuple[int, int, int], ...]) -> None:
    """Rows of the exact vote and of its gradient in every probability."""
    for queries, answers, calls in sizes:
        for what in ("value", "gradient"):
            session.row(
                f"exact vote, {np.dtype(dtype).name}",
                f"{what}, {queries:,} queries x {answers} answers, {calls:,} calls",
                4.0 if what == "value" else 6.0,
                partial(_kernel, session, dtype, queries, answers, calls, what),
            )


def _kernel(session: Session, dtype: Any, queries: int, answers: int, calls: int, what: str) -> dict[str, Any]:
    drawn = np.random.default_rng(0).dirichlet(np.ones(answers), queries).astype(dtype)
    with precision(dtype):

        def value(q: Any) -> Any:
            return js.exact(js.Vote(), js.AnswerDistribution(q, np.arange(answers) == 0), calls)

        function = jax.jit(value if what == "value" else jax.grad(value))

        def run() -> Any:
            return function(jnp.asarray(drawn))

        found = once(session, run, expected=2.0, rounds=5)
        counted = operations_of(function.lower(jnp.asarray(drawn)).compile())
        # XLA counts the body of the scan over votes once, so that no floor can be stated.
        found |= {"operations_counted_once": counted["operations"], "bytes_counted_once": counted["bytes_accessed"]}
        return _beside_the_cpu(session, found, run)


def fits(session: Session, sizes: tuple[int, ...], refits: int) -> None:
    """Rows of fits, bootstrap refits and posterior draws of data of ever more queries."""
    for queries in sizes:
        rng = np.random.default_rng(queries)
        attempts = rng.integers(20, 200, queries)
        data = js.Attempts(attempts, rng.binomial(attempts, rng.beta(0.4, 3.0, queries)))
        fitted: dict[str, Any] = {}

        def fit(method: str, data: Any = data, fitted: dict[str, Any] = fitted) -> Any:
            if method not in fitted:
                fitted[method] = js.fit("beta", data, method=method)
            return fitted[method]

        runs: dict[str, Callable[[], Any]] = {
            "fit of Beta": lambda data=data: js.fit("beta", data).log_likelihood,
            f"{refits:,} bootstrap refits": lambda data=data, fit=fit: (
                js.bootstrap(fit("mle"), data, KEY, resamples=refits).values
            ),
            "400 posterior draws": lambda data=data, fit=fit: sample_posterior(fit("map"), data, KEY).efficiency,
        }
        for name, run in runs.items():
            session.row(
                "fits, in float64",
                f"{name}, {queries:,} queries",
                6.0,
                lambda run=run: _beside_the_cpu(session, once(session, run, expected=2.0), run),
            )
