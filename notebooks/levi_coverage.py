# ---
# jupyter:
#   jupytext:
#     formats: py:percent,ipynb
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Coverage and inference loss
#
# *N. Levi, "A Simple Model of Inference Scaling Laws", arXiv 2410.16377: pass@k of language models, and its law.*
#
# **The memorisation ansatz.** A model has memorised its training data: when it fails, it is not for want of knowledge
# but in retrieving it. Each query has its own probability that a call fails, and over a data set these probabilities
# follow a Beta distribution. A single query's failures then decay exponentially in the number of calls, but the
# average over queries decays as a power law.
#
# The paper writes Beta($\alpha$, $\beta$) for the law of *failures*; jaxscale writes `Beta(a, b)` for that of
# *successes*, so the paper's $\beta$ is `a` and its $\alpha$ is `b`.

# %%
import math
import os
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np

import jaxscale as js
from experiments import Finding, assert_findings, plot_laws, plot_successes

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer data sets and replicates, for tests

# %% [markdown]
# ## The ansatz, simulated

# %%
ansatz = js.Beta.from_failure(alpha=5.0, beta=0.35)
k = np.unique(np.rint(np.geomspace(1, 10_000, 25)).astype(int))
simulated = js.simulate(jax.random.key(0), js.PassAtK(), ansatz, k, replicates=100_000 if SMALL else 1_000_000)
exact = np.asarray(js.exact(js.PassAtK(), ansatz, k))

figure, axes = plt.subplots(figsize=(6.5, 3.8))
for failure in (0.7, 0.97, 0.997):
    axes.loglog(k, failure**k, color="#999999", linewidth=1)
axes.loglog(k, 1 - exact, label="average over queries, exact")
axes.errorbar(k, 1 - simulated.value, simulated.standard_error, fmt="o", markersize=4, label="simulated")
axes.set(xlabel="calls per query, k", ylabel="inference loss L(k) = 1 - pass@k", ylim=(1e-2, 1.1))
axes.legend()
plt.show()

# %% [markdown]
# *Grey: three single queries, which fail a call with probability 0.7, 0.97 and 0.997; their failures decay
# exponentially. The average over Beta(5, 0.35), the paper's convention, becomes a straight line: a power law.*

# %% [markdown]
# ## pass@k of real models
#
# Counts of Large Language Monkeys (Brown et al. 2024): four Pythia models at 128 queries of MATH, and two models at
# 140 of CodeContests, 10,000 calls each. Two laws are fitted by maximum likelihood: the Beta form, and the paper's
# second form, correlated trials with one failure probability and a decay $\kappa$. (Only the parameters of that form
# are at hand; its equation here is our reading: trial $j$ counts for $j^{-\kappa}$ independent ones.)

# %%
DATA = Path("../../shared/data/attempts")
REAL = DATA.is_dir()
if REAL:
    math_sets = js.read_attempts(DATA / "pythia_math.csv", group="model")
    code_sets = js.read_attempts(DATA / "code_contests.csv", group="model")
    benchmarks = {"MATH": math_sets, "CodeContests": code_sets}
else:
    from jaxscale.samples import sample_attempts

    print("../shared/data is not here: packaged SIMULATED attempts take its place.")
    benchmarks = {"simulated": {name: sample.attempts for name, sample in sample_attempts().items()}}
if SMALL:
    benchmarks = {benchmark: dict(list(group.items())[:2]) for benchmark, group in benchmarks.items()}
sets = {name: data for group in benchmarks.values() for name, data in group.items()}

points = {}
for name, data in sets.items():
    budgets = np.unique(np.rint(np.geomspace(1, data.attempts.min(), 17)).astype(int))
    points[name] = js.pass_at_k(data, budgets)
beta = {name: js.fit("beta", data) for name, data in sets.items()}
correlated = {name: js.fit("correlated-trials", data) for name, data in sets.items()}
laws = {
    "Beta": {name: result.law for name, result in beta.items()},
    "correlated trials": {name: result.law for name, result in correlated.items()},
}

# %%
figure, panels = plt.subplots(1, len(benchmarks), figsize=(5.4 * len(benchmarks), 4.2), squeeze=False)
for axes, (benchmark, group) in zip(panels[0], benchmarks.items(), strict=True):
    plot_laws(axes, {name: points[name] for name in group}, laws)
    axes.set_title(benchmark)
plt.show()
for name, result in correlated.items():
    print(f"{name:20} correlated trials: p = {result.values['failure']:.4f}  kappa = {result.values['kappa']:.3f}")

# %% [markdown]
# *Points: unbiased estimates with their standard errors over queries. On MATH the Beta form stays within a standard
# error, and correlated trials, as read above and with as many parameters, do not. On CodeContests, where three
# quarters of the queries are never solved, it is the other way round.*

# %% [markdown]
# ## The distributions of failure behind the curves

# %%
figure, panels = plt.subplots(1, 3, figsize=(12.5, 3.6), squeeze=False)
for axes, name in zip(panels[0], (*list(sets)[:2], list(sets)[-1]), strict=True):
    plot_successes(axes, sets[name], {"Beta": laws["Beta"][name]})
    axes.set_title(name)
plt.show()

# %% [markdown]
# *Bars: how many queries have which success rate (one minus the failure rate); those at 0 were never solved. Lines:
# what the fitted Beta expects among as many calls. It describes MATH well. For Llama 3 8B on CodeContests most of the
# weight is at 0, and what is left is spread almost evenly over the decades.*

# %% [markdown]
# ## The parameters, and why they differ from the paper's
#
# The paper reports $\beta$ near 0.35 and $2 < \alpha < 20$ for its fits on MATH, and an overall factor $A$ (its Eq. 7)
# that is the limit of pass@k. The exponents here are smaller. Two reasons are possible:
#
# - **The model.** The exponent grows with the model: from Pythia 160M to 12B by two thirds.
# - **The factor and the method.** Beside the maximum of the likelihood with $A = 1$, the table has a fit with $A$
#   free, as in Eq. 7, by least squares on the curve up to 1,000 calls. A factor below 1 takes over part of the slow
#   rise, and the exponent comes out larger.


# %%
def curve_fit(data, last):
    """Least squares of ceiling * (1 - B(a, b + k) / B(a, b)) on the measured curve."""
    from scipy.optimize import least_squares

    k = np.unique(np.rint(np.geomspace(1, last, 40)).astype(int))
    measured = js.pass_at_k(data, k).value
    law = jax.jit(lambda x: js.Beta(jax.numpy.exp(x[0]), jax.numpy.exp(x[1]), jax.nn.sigmoid(x[2])).pass_at_k(k))
    with jax.enable_x64(True):
        found = least_squares(lambda x: np.asarray(law(x)) - measured, [-1.0, 2.0, 2.0])
    return np.exp(found.x[0]), np.exp(found.x[1]), 1 / (1 + np.exp(-found.x[2]))


print(f"{'':20} {'likelihood, A = 1':>26}   {'least squares, k <= 1,000, A free':>34}")
regression = {}
for name, data in sets.items():
    a, b = (beta[name].values[symbol] for symbol in "ab")
    regression[name] = curve_fit(data, min(1000, data.attempts.min()))
    errors = beta[name].standard_errors
    least = "a = {:.3f}  b = {:6.2f}  A = {:.2f}".format(*regression[name])
    print(f"{name:20} a = {a:.3f} +- {errors['a']:.3f}  b = {b:5.2f}   {least:>34}")

# %% [markdown]
# So these are possible reasons and no explanation: among the counts here only the regression with a free factor
# reaches 0.35, and for two of the four Pythia models only; the other two find no factor below 1. For Pythia 160M the
# factor, 0.60, comes from looking at 1,000 calls only; the likelihood of all 10,000 gains next to nothing from a
# factor below
# 1. The paper's own counts on MATH (Llama 3 8B) are not at hand. Its range of $\alpha$ holds for the two larger
#    models; weaker ones need a larger b, as one call succeeds with probability a / (a + b).

# %% [markdown]
# ## The inference loss
#
# The paper defines the inference loss as the expected failure after $k$ trials, $L(k) = E[p^k] = 1 - $ pass@k. It
# tends to the power law $\Gamma(\alpha + \beta) / \Gamma(\alpha) \cdot k^{-\beta}$.

# %%
power = {}
for name, law in laws["Beta"].items():
    a, b = float(law.a), float(law.b)
    power[name] = js.PowerLaw(math.exp(math.lgamma(a + b) - math.lgamma(b)), a)

figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.5, 4.2), width_ratios=[1.25, 1, 1])
first = next(iter(benchmarks.values()))
measured = {name: points[name] for name in first}
plot_laws(left, measured, {"Beta": laws["Beta"], "its large-k power law": power}, loss=True)
left.set(title=f"{next(iter(benchmarks))}: measured and fitted", ylim=(0.1, 1.3))

exponents = np.array([0.1, 0.2, 0.35, 0.5, 0.75, 1.0])
for a, shade in zip(exponents, plt.cm.viridis(np.linspace(0, 0.9, len(exponents))), strict=True):
    middle.loglog(k, 1 - np.asarray(js.Beta(a, 5.0).pass_at_k(k)), color=shade, label=f"{a:g}")
middle.set(title=r"Family: $\alpha$ = 5 (our b), over $\beta$ (our a)", xlabel="calls per query, k", ylabel="L(k)")
middle.legend(title=r"$\beta$", ncols=2)

a = np.linspace(0.05, 1.0, 60)
for b in (2.0, 5.0, 20.0):
    right.semilogy(a, [1 - float(js.Beta(x, b).pass_at_k(10_000)) for x in a], label=f"{b:g}")
for name in first:
    right.plot(float(laws["Beta"][name].a), 1 - points[name].value[-1], "o", color="#777777", markersize=5)
right.set(title="After 10,000 calls", xlabel=r"exponent $\beta$ (our a)", ylabel="L(10,000)")
right.legend(title=r"$\alpha$ (our b)")
plt.show()

# %% [markdown]
# *Left: the loss of the measured curves, of the fitted Beta, and of the power law that it tends to: they meet between
# 100 and 1,000 calls, later for weaker models (larger b). Middle: the family at $\alpha$ = 5. Right: what is left
# after 10,000 calls, over the exponent; grey points are the models of the left panel, whose b is 12 to 66.*

# %%
slopes = {
    name: np.log((1 - points[name].value[-1]) / (1 - points[name].value[-5]))
    / np.log(points[name].calls[-1] / points[name].calls[-5])
    for name in first
}
far = [
    np.max(np.abs(laws["Beta"][name].pass_at_k(points[name].calls) - points[name].value) / points[name].standard_error)
    for name in first
]
gain = [js.fit("beta-ceiling", data).log_likelihood - beta[name].log_likelihood for name, data in first.items()]
a = [beta[name].values["a"] for name in first]
simulation = np.max(np.abs(simulated.value - exact) / simulated.standard_error)
assert_findings(
    [
        Finding("simulated ansatz against exact, largest distance in standard errors", "-", simulation, 0, 5),
        Finding("smallest exponent a of the fits", "about 0.35", min(a), *((0.15, 0.20) if REAL else (0.15, 0.6))),
        Finding("largest exponent a of the fits", "about 0.35", max(a), *((0.28, 0.31) if REAL else (0.15, 0.6))),
        Finding("b of the strongest model", "2 to 20", beta[next(iter(first))].values["b"], 2, 20),
        Finding("Beta against data, largest distance in standard errors", "fits", max(far), 0, 1.5),
        Finding("log-likelihood gained by a free A on MATH, largest", "A < 1", max(gain), -0.01, 2, "A = 1 will do"),
        Finding(
            "measured log slope of the loss from about 1,000 to 10,000 calls, largest distance from -a",
            "0 in the limit",
            max(abs(slopes[name] + beta[name].values["a"]) for name in first),
            0,
            0.12,
        ),
    ]
)
