"""Rivals that fit a law of difficulty."""

import numpy as np
from scipy.special import betainc, betaln, gammaln

from benchmarks._rivals._common import distinct, maximise, resampled, with_interval

_SHAPES = np.log([0.01, 100.0])
"""The box in which the authors of arXiv 2502.17578 and 2510.05197 search for a and b."""

_STARTS = np.log([[0.5, 3.5], [0.1, 0.5], [0.05, 10.0], [2.0, 40.0]])
_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(96)
_EM_STEPS = (600, 150)

Result = tuple[np.ndarray, np.ndarray, np.ndarray]


def _best(objective, starts: np.ndarray, low: np.ndarray, high: np.ndarray, fits: int) -> np.ndarray:
    """The data's fit from several starts, then every resample's from there."""
    found = maximise(lambda x, _: objective(x, np.zeros(len(x), int)), starts, low, high)
    best = found[np.argmax(objective(found, np.zeros(len(found), int)))]
    return maximise(objective, np.tile(best, (fits, 1)), low, high)


def _log_moment(a: np.ndarray, b: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> np.ndarray:
    """Log E[p^right (1 - p)^wrong] under Beta(a, b), (fits, pairs)."""
    a, b = a[:, None], b[:, None]
    return gammaln(a + right) + gammaln(b + wrong) - gammaln(a + b + right + wrong) - betaln(a, b)


def beta_binomial(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Maximum likelihood of the beta-binomial, then pass@k of the fitted Beta: arXiv 2510.05197 (Kazdan et al.).

    From the authors' code: two parameters from 0.01 to 100, and the forecast is 1 - E[(1 - p)^k] under the fit, without
    regard to which queries were solved. Their dynamic choice of what to sample is not used: the attempts are given. No
    interval is in it: query bootstrap.
    """
    n, c, weight = distinct(attempts, successes, resampled(len(attempts), rng))

    def objective(x: np.ndarray, which: np.ndarray) -> np.ndarray:
        return np.sum(weight[which] * _log_moment(*np.exp(x.T), c, n - c), axis=1)

    low, high = np.full(2, _SHAPES[0]), np.full(2, _SHAPES[1])
    a, b = np.exp(_best(objective, _STARTS, low, high, len(weight))).T
    return with_interval(-np.expm1(_log_moment(a, b, np.zeros(len(k)), k.astype(float))), level)


def zero_inflated(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Beta-binomial with a share of queries never solved, by maximum likelihood; posterior predictive of each query.

    The idea is in "Estimating pass@k from fewer samples with hierarchical Bayesian priors" (Verine et al., ICML 2026
    workshop), of which we have the abstract only: the fit, the box of its parameters and the interval (a query
    bootstrap) are ours. The forecast is the mean over queries of the chance, given its counts, that k fresh calls
    solve it.
    """
    n, c, weight = distinct(attempts, successes, resampled(len(attempts), rng))

    def parts(x: np.ndarray, right: np.ndarray, wrong: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log of what never-solved queries and the others contribute to E[p^right (1 - p)^wrong]."""
        a, b = np.exp(x[:, :2].T)
        share = 1 / (1 + np.exp(-x[:, 2:]))
        never = np.where(right == 0, np.log(share), -np.inf)
        return never, np.log1p(-share) + _log_moment(a, b, right, wrong)

    def objective(x: np.ndarray, which: np.ndarray) -> np.ndarray:
        return np.sum(weight[which] * np.logaddexp(*parts(x, c, n - c)), axis=1)

    low, high = (np.array([*np.full(2, _SHAPES[i]), (-12.0, 12.0)[i]]) for i in (0, 1))
    starts = np.array([[*shape, share] for shape in _STARTS for share in (-4.0, 0.0)])
    x = _best(objective, starts, low, high, len(weight))
    values = np.empty((len(weight), len(k)))
    for i, more in enumerate(k):
        failing = np.logaddexp(*parts(x, c, n - c + more)) - np.logaddexp(*parts(x, c, n - c))
        values[:, i] = np.sum(weight * -np.expm1(failing), axis=1)
    return with_interval(values, level)


def discretised_beta(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Scaled Beta fitted to binned success rates: arXiv 2502.17578 (Schaeffer et al.).

    From the authors' code: bins from 0 to 1/n and then between n/10 log-spaced points up to 1; scale the largest rate;
    a and b from 0.01 to 100; 10^-16 is added to the probability of a bin. They forecast the exponent, a; the curve of
    the fitted law is 1 - E[(1 - p)^k]. Uneven attempts: n is the fewest. No interval is published: query bootstrap.

    jaxscale's "discretised-beta" differs: always ten bins above 1/n, edges at whole multiples of 1/n, the scale the
    upper edge of the highest bin in use.
    """
    shares = resampled(len(attempts), rng)
    rate = successes / attempts
    fewest = int(attempts.min())
    edges = np.concatenate([[0.0], np.geomspace(1 / fewest, 1.0, max(fewest // 10, 2))])
    # A rate of exactly 1/n is in the bin above 1/n whichever way rounding went.
    bins = np.clip(np.searchsorted(edges * (1 - 1e-12), rate, side="right") - 1, 0, len(edges) - 2)
    weight = shares @ (bins[:, None] == np.arange(len(edges) - 1))
    scale = np.max(np.where(shares > 0, rate, 0.0), axis=1)
    inside = np.minimum(edges / np.maximum(scale, 1e-9)[:, None], 1.0)

    def objective(x: np.ndarray, which: np.ndarray) -> np.ndarray:
        a, b = np.exp(x.T[..., None])
        return np.sum(weight[which] * np.log(np.diff(betainc(a, b, inside[which]), axis=1) + 1e-16), axis=1)

    low, high = np.full(2, _SHAPES[0]), np.full(2, _SHAPES[1])
    a, b = np.exp(_best(objective, _STARTS, low, high, len(weight))).T
    values = np.stack([scaled_beta_pass_at_k(a, b, scale, float(x)) for x in k], axis=1)
    # No success in a resample: no law to fit, no forecast.
    return with_interval(np.where(scale[:, None] > 0, values, 0.0), level)


def scaled_beta_pass_at_k(a: np.ndarray, b: np.ndarray, scale: np.ndarray, k: float) -> np.ndarray:
    """1 - E[(1 - scale x)^k], x from Beta(a, b), by parts: an integral of the distribution function of log x."""
    scale = np.maximum(scale, 1e-9)
    top = np.minimum(np.log(60 / (k * scale)), 0.0)
    half = (top - np.log(1e-9 / (k * scale))) / 2
    x = np.exp(top[:, None] + half[:, None] * (_NODES - 1))
    s = scale[:, None]
    density = np.exp((k - 1) * np.log1p(-np.minimum(s * x, 1 - 1e-16))) * k * s * x
    never = np.where(scale < 1, np.exp(k * np.log1p(-np.minimum(scale, 1 - 1e-16))), 0.0)
    below = np.sum(_NODE_WEIGHTS * betainc(a[:, None], b[:, None], x) * density, axis=1) * half
    return 1 - never - below


def nonparametric(
    attempts: np.ndarray, successes: np.ndarray, k: np.ndarray, level: float, rng: np.random.Generator
) -> Result:
    """Nonparametric maximum likelihood of the law of p on a fixed grid, by EM; pass@k of that law.

    Kiefer and Wolfowitz (1956); for binomial counts of many small samples, Vinayak et al., arXiv 1902.04553. The grid
    (0 and 120 log-spaced points from 10^-6 to 1), the number of EM steps and the query bootstrap are ours. No success
    in n calls is likeliest at p = 0: the forecast hardly goes beyond what was recorded.
    """
    n, c, weight = distinct(attempts, successes, resampled(len(attempts), rng))
    grid = np.concatenate([[0.0], np.geomspace(1e-6, 1 - 1e-9, 120)])
    with np.errstate(divide="ignore"):
        logs = c[:, None] * np.log(np.maximum(grid, 1e-300)) + (n - c)[:, None] * np.log1p(-grid)
    logs[:, 0] = np.where(c > 0, -np.inf, 0.0)
    likelihood = np.exp(logs - logs.max(axis=1, keepdims=True))

    def improved(law: np.ndarray, share: np.ndarray, steps: int) -> np.ndarray:
        for _ in range(steps):
            law = law * ((share / np.maximum(law @ likelihood.T, 1e-300)) @ likelihood)
        return law

    uniform = np.full((1, len(grid)), 1 / len(grid))
    data = improved(uniform, weight[:1], _EM_STEPS[0])
    # A little mass everywhere: EM cannot bring back what has none.
    others = improved(np.tile(0.95 * data + 0.05 * uniform, (len(weight) - 1, 1)), weight[1:], _EM_STEPS[1])
    return with_interval(np.vstack([data, others]) @ -np.expm1(np.log1p(-grid)[:, None] * k), level)
