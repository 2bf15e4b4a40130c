"""Coverage: estimates, fits and the command line, against NumPy and SciPy as people use them."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, digamma

import jaxscale as js
from benchmarks._timing import alone, compared

PYTHIA = Path(__file__).parents[2] / "shared" / "data" / "attempts" / "pythia_math.csv"


def run(quick: bool) -> list[dict[str, Any]]:
    """Rows as `benchmarks` describes them."""
    rng = np.random.default_rng(0)
    return [_pass_at_k(rng, quick), *_beta(rng, quick), _scaled_beta(rng, quick), *_command_line(quick)]


def published_pass_at_k(n: int, c: int, k: int) -> float:
    """The estimator as published with HumanEval: one query and one k at a time, a product over n - c + 1 .. n."""
    if n - c < k:
        return 1.0
    return 1.0 - float(np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def _pass_at_k(rng: np.random.Generator, quick: bool) -> dict[str, Any]:
    queries, attempts = (100, 1_000) if quick else (1_000, 10_000)
    data = js.Attempts(np.full(queries, attempts), rng.binomial(attempts, rng.beta(0.35, 5.0, queries)))
    budgets = np.unique(np.rint(np.geomspace(1, attempts, 60)).astype(int))[-50:]
    pairs = list(zip(data.attempts.tolist(), data.successes.tolist(), strict=True))
    return compared(
        f"pass@k: {queries:,} queries x {attempts:,} attempts x {len(budgets)} values of k",
        lambda: js.pass_at_k(data, budgets).value,
        "published NumPy product, query by query",
        lambda: np.array([np.mean([published_pass_at_k(n, c, int(k)) for n, c in pairs]) for k in budgets]),
        rounds=3,
        note="wanted: ratio 100",
    )


def _scipy_beta(attempts: np.ndarray, successes: np.ndarray, start: Sequence[float]) -> tuple[np.ndarray, float]:
    """Beta-binomial maximum likelihood by L-BFGS-B with its exact gradient, in log a and log b."""

    def objective(x: np.ndarray) -> tuple[float, np.ndarray]:
        a, b = np.exp(x)
        c, f, n = successes, attempts - successes, attempts
        value = betaln(c + a, f + b) - betaln(a, b)
        common = digamma(a + b) - digamma(n + a + b)
        slope = np.array(
            [(digamma(c + a) - digamma(a) + common).mean() * a, (digamma(f + b) - digamma(b) + common).mean() * b]
        )
        return -value.mean(), -slope

    found = minimize(objective, np.log(start), jac=True, method="L-BFGS-B", options={"ftol": 1e-14, "gtol": 1e-8})
    return np.exp(found.x), -found.fun * len(attempts)


def _beta(rng: np.random.Generator, quick: bool) -> list[dict[str, Any]]:
    queries, attempts, refits = 128, 10_000, 50 if quick else 1_000
    data = js.Attempts(np.full(queries, attempts), rng.binomial(attempts, rng.beta(0.35, 5.0, queries)))
    n, c = data.attempts.astype(float), data.successes.astype(float)
    start = (0.4, 0.4 * (1 - np.mean(c / n)) / np.mean(c / n))
    one = compared(
        f"one fit of Beta, {queries} queries x {attempts:,} attempts",
        lambda: js.fit("beta", data),
        "SciPy L-BFGS-B, exact gradient, one start",
        lambda: _scipy_beta(n, c, start),
        rounds=9,
        answer=lambda found: np.array(list(found.values.values())[:2] if hasattr(found, "values") else found[0]),
        tolerance=1e-3,
        note="wanted: ratio above 1/3; ours from 4 starts, with covariance",
    )
    fitted = js.fit("beta", data)
    theirs_at = [fitted.values["a"], fitted.values["b"]]
    # The same number of refits in both, drawn by each its own way: what must agree is their spread.
    drawn = [rng.integers(0, queries, queries) for _ in range(refits)]
    key = jax.random.key(0)
    many = compared(
        f"{refits:,} query-bootstrap refits of Beta, {queries} queries",
        lambda: js.bootstrap(fitted, data, key, resamples=refits),
        "SciPy L-BFGS-B in a loop, each from the optimum",
        lambda: np.array([_scipy_beta(n[i], c[i], theirs_at)[0] for i in drawn]),
        rounds=1 if quick else 3,
        answer=lambda found: np.median(np.log(found.values if hasattr(found, "values") else found), axis=0),
        tolerance=0.25 if quick else 0.06,
        note="wanted: ratio 20; difference: of the median log parameters of two samples",
    )
    return [one, many]


def _scaled_beta(rng: np.random.Generator, quick: bool) -> dict[str, Any]:
    queries, attempts = (32, 1_000) if quick else (128, 10_000)
    data = js.Attempts(np.full(queries, attempts), rng.binomial(attempts, 0.4 * rng.beta(0.35, 3.0, queries)))
    return alone(
        f"one fit of ScaledBeta, {queries} queries x {attempts:,} attempts",
        lambda: js.fit("scaled-beta", data),
        note="wanted: 0.5 s (a published implementation: 45 minutes)",
    )


def _command_line(quick: bool) -> list[dict[str, Any]]:
    rows = [_command("jaxscale --help", ["--help"], rounds=2 if quick else 10, note="wanted: 0.4 s")]
    if PYTHIA.exists() and not quick:
        arguments = ["forecast", str(PYTHIA), "--group", "model", "--k", "1,100,10000"]
        with tempfile.TemporaryDirectory() as cache:
            for state, rounds, wanted in (("cold", 1, "6 s"), ("warm cache", 3, "3 s")):
                name = f"jaxscale forecast pythia_math.csv, {state}"
                rows.append(_command(name, arguments, rounds=rounds, note=f"wanted: {wanted}", cache=cache))
    return rows


def _command(name: str, arguments: list[str], *, rounds: int, note: str, cache: str | None = None) -> dict[str, Any]:
    # Without this process's own settings of jax, which the command would respect.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    environment |= {"XDG_CACHE_HOME": cache} if cache else {}
    command = [str(Path(sys.executable).with_name("jaxscale")), *arguments]
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return {"name": name, "seconds": statistics.median(times), "note": note}
