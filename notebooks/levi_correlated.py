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
# # Correlated trials, and whether data can show them
#
# *N. Levi, "A Simple Model of Inference Scaling Laws", arXiv 2410.16377: its second form of pass@k.*
#
# The paper has two explanations of the same curve. In the first, queries differ: each has its own failure probability,
# drawn from a Beta distribution. In the second, all queries are alike with one failure probability p, and the trials
# at a query are correlated, with a correlation that decays as a power law with exponent $\kappa$. Only the parameters
# of that form are at hand; its equation here is our reading. This notebook simulates three correlated processes,
# holds them against their analytic curves, and asks what data could tell one explanation from the other.
#
# | process | a call fails | P(k calls fail) |
# | --- | --- | --- |
# | power-law hazard | the j-th, after j - 1 failures: with probability $q^{j^{-\kappa}}$ | $q^{H_k}$ |
# | exchangeable | with one probability for all calls of a run, drawn anew for each run | $B(a, b + k) / B(a, b)$ |
# | sticky | as the last one with probability $\rho$, else afresh with q | $q\,(\rho + (1 - \rho)\,q)^{k - 1}$ |
#
# $H_k = \sum_{j \le k} j^{-\kappa}$. The exchangeable process has $a = m (1 - \rho) / \rho$ and
# $b = (1 - m)(1 - \rho) / \rho$, with m the mean success rate and $\rho$ the correlation of any two calls. A sticky
# call repeats the outcome of the last one with probability $\rho$ and is fresh otherwise, so that it fails after a
# failure with probability $\rho + (1 - \rho) q$.

# %%
import dataclasses
import os

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize, nnls
from scipy.stats import betabinom, chisquare

import jaxscale as js
from experiments import Finding, Table, assert_findings
from jaxscale.simulator import Exchangeable, Sticky

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer replicates, for tests
REPLICATES = 100_000 if SMALL else 1_000_000
SHOWN = slice(2, 3) if SMALL else slice(None)
KEYS = iter(jax.random.split(jax.random.key(16377), 24))

# %% [markdown]
# ## Simulated against analytic

# %%
m = 0.05  # success rate of a first call
k = np.unique(np.rint(np.geomspace(1, 10_000, 25)).astype(int))
hazard = {f"$\\kappa$ = {kappa:g}": js.CorrelatedTrials(1 - m, kappa) for kappa in (0.0, 0.5, 1.0, 1.5)[SHOWN]}
exchangeable = {f"$\\rho$ = {rho:g}": Exchangeable(js.PointMass(m), rho) for rho in (0.02, 0.1, 0.3)[SHOWN]}
sticky = {f"$\\rho$ = {rho:g}": Sticky(js.PointMass(m), rho) for rho in (0.0, 0.7, 0.95)[SHOWN]}


def loss(process, k):
    """P(k calls fail), from the table above."""
    if isinstance(process, js.CorrelatedTrials):
        return np.exp(np.asarray(process.log_failure(k)))
    rho = float(process.correlation)
    if isinstance(process, Sticky):
        return (1 - m) * (rho + (1 - rho) * (1 - m)) ** (k - 1)
    return np.exp(np.asarray(js.Beta(m * (1 - rho) / rho, (1 - m) * (1 - rho) / rho).log_failure(k)))


figure, panels = plt.subplots(1, 3, figsize=(13.5, 4), sharey=True)
distances, fallen, fine = [], {}, np.unique(np.rint(np.geomspace(1, k[-1], 300)))
kinds = {"power-law hazard": hazard, "exchangeable": exchangeable, "sticky": sticky}
for axes, (title, processes) in zip(panels, kinds.items(), strict=True):
    for index, (name, process) in enumerate(processes.items()):
        run = js.simulate(next(KEYS), js.PassAtK(), process, k, REPLICATES)
        left, known = 1 - run.value, loss(process, k)
        seen = known * REPLICATES > 30  # below, a standard error is not worth its name
        axes.loglog(fine, loss(process, fine), color=f"C{index}", label=name)
        axes.plot(k[seen], left[seen], "o", color=f"C{index}", markersize=3.5)
        fallen[name] = left
        distances.append(np.abs(left - known)[seen] / np.sqrt(known * (1 - known) / REPLICATES)[seen])
    axes.set(title=title, xlabel="calls per query, k", ylim=(1e-4, 1.3))
    axes.legend()
panels[0].set_ylabel("inference loss, 1 - pass@k")
plt.show()
largest = max(d.max() for d in distances)
print(f"{sum(map(len, distances))} points; the largest distance is {largest:.2f} standard errors")

# %% [markdown]
# *Lines: analytic; points: a million simulated queries. All start at a loss of 0.95. The hazard with $\kappa$ = 0 is
# independent trials, an exponential; with $\kappa$ = 1 a power law of exponent log(1/q), here 0.05; between them a
# stretched exponential; above 1 it ends at a floor, $q^{\zeta(\kappa)}$. Exchangeable trials give a power law of
# exponent a. Sticky trials only stretch the exponential by 1 / (1 - $\rho$): whatever $\rho$, it stays one.*
#
# The simulator draws the hazard's first success by inversion. Trial by trial it is the same, and a $\kappa$ that is
# off by 0.02 would be seen:

# %%
steps = np.arange(1, 41)


def trial_by_trial(key, kappa):
    """P(the first k trials fail), each trial drawn with its own hazard."""
    fails = jax.random.uniform(key, (REPLICATES // 5, steps.size)) < (1 - m) ** (steps**-kappa)
    return np.asarray(jnp.cumprod(fails, axis=1).mean(axis=0))


by_trial_simulated = trial_by_trial(next(KEYS), 0.5)
by_trial, off = (
    np.max(np.abs(by_trial_simulated - q) / np.sqrt(q * (1 - q) / (REPLICATES // 5)))
    for q in (np.exp(np.asarray(js.CorrelatedTrials(1 - m, kappa).log_failure(steps))) for kappa in (0.5, 0.52))
)
print(f"largest distance: {by_trial:.1f} standard errors from kappa = 0.5, {off:.1f} from kappa = 0.52")

# %% [markdown]
# ## What pass@k cannot tell
#
# **Exchangeable trials: nothing whatever of one run.** Take Pólya's urn, in which no query is harder than another:
# each success makes the next one more probable, P(success | c of j so far) = (a + c) / (a + b + j). These trials are
# correlated, and by de Finetti's theorem every sequence of outcomes has exactly the probability that it has when
# trials are independent and difficulty is Beta(a, b). No statistic of it, counts or order, can tell.

# %%
a, b, n = 0.35, 5.0, 50
queries = 20_000 if SMALL else 200_000


def urn(key):
    """Successes in n calls at each query: all queries alike, each success makes the next more probable."""

    def call(successes, drawn):
        j, key = drawn
        success = jax.random.uniform(key, (queries,)) < (a + successes) / (a + b + j)
        return successes + success, None

    return jax.lax.scan(call, jnp.zeros(queries), (jnp.arange(n), jax.random.split(key, n)))[0]


key_urn, key_p, key_calls, key_again = jax.random.split(next(KEYS), 4)
p = jnp.exp(js.Beta(a, b).sample(key_p, (queries,))[0])
difficulty = [np.asarray((jax.random.uniform(key, (n, queries)) < p).sum(axis=0)) for key in (key_calls, key_again)]
polya = [np.asarray(urn(key)).astype(int) for key in jax.random.split(key_urn)]
expected = queries * betabinom(n, a, b).pmf(np.arange(n + 1))
rare = expected >= 10
p_values = [
    chisquare([*seen[rare], seen[~rare].sum()], [*expected[rare], expected[~rare].sum()]).pvalue
    for seen in (np.bincount(counts[0], minlength=n + 1) for counts in (polya, difficulty))
]
fitted = {
    name: js.fit("beta", js.Attempts(np.full(2_000, n), counts[0][:2_000]))
    for name, counts in (("urn, all queries alike", polya), ("Beta difficulty, independent calls", difficulty))
}
for name, result in fitted.items():
    print(f"{name:35} fitted a = {result.values['a']:.3f} +- {result.standard_errors['a']:.3f}")

# %%
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13.5, 4))
for counts, name, shape in ((polya, "urn, all alike", "s"), (difficulty, "Beta difficulty", "o")):
    share = np.bincount(counts[0], minlength=n + 1) / queries
    left.semilogy(
        np.arange(n + 1), np.where(share > 0, share, np.nan), shape, markersize=4, fillstyle="none", label=name
    )
left.semilogy(np.arange(n + 1), expected / queries, color="black", linewidth=0.8, label="beta-binomial")
left.set(xlabel=f"successes in {n} calls", ylabel="share of queries")
left.legend()
jitter = np.random.default_rng(0).uniform(-0.4, 0.4, (2, 2_000))
between = {}
for axes, counts, title in ((middle, polya, "urn: run again"), (right, difficulty, "Beta difficulty: run again")):
    axes.plot(*(np.stack([run[:2_000] for run in counts]) + jitter), ".", markersize=2.5, alpha=0.5)
    between[title] = np.corrcoef(counts)[0, 1]
    title = f"{title}, correlation {between[title]:.2f}"
    axes.set(title=title, xlabel="successes in the first run", ylabel="successes in a second run")
plt.show()

# %% [markdown]
# *Left: counts of both worlds follow one law. Middle and right: the same queries, run again from the start. What is the
# query's own comes back, and what is the run's does not: this experiment tells the two apart, and nothing less does.*
#
# For language models the question is settled by how samples are made: calls with seeds of their own share nothing but
# query and model. Correlation within a run needs a mechanism, such as a common context, prompt variant or cache.
#
# **Hazard and sticky trials: nothing of pass@k.** Every one of the curves above is also the curve of independent calls
# under some law of difficulty. For sticky trials in closed form, with r = $\rho + (1 - \rho) q$: a share q / r of
# the queries fails a call with probability r, and the rest never. For the hazard, $H_k$ as a function of k is a
# Bernstein function, a sum of $j^{-\kappa} - (j + k)^{-\kappa}$; so $q^{H_k}$ is completely monotone, as just the
# moments of laws on [0, 1] are. The law is found by non-negative least squares:

# %%
rho, q = 0.7, 1 - m
r = rho + (1 - rho) * q
with jax.enable_x64(True):
    twin = js.Mixture([js.PointMass(1 - r), js.PointMass(1.0)], [q / r, 1 - q / r])
    sticky_gap = np.max(np.abs(np.asarray(twin.pass_at_k(k.astype(float))) - (1 - q * r ** (k - 1.0))))

rates = 1 / (1 + np.exp(-np.linspace(-25, 12, 300)))  # of success; evenly in their logits
failures = np.exp(k[:, None] * np.log1p(-rates))
twins, hazard_gap = {}, 0.0
for kappa in (0.5, 1.0, 1.5)[SHOWN]:
    with jax.enable_x64(True):
        target = np.exp(
            np.asarray(js.CorrelatedTrials(jnp.asarray(0.5), jnp.asarray(kappa)).log_failure(k.astype(float)))
        )
    rows = np.vstack([failures, 10 * np.ones(rates.size)])  # shares add up to one
    weights, _ = nnls(rows, np.append(target, 10.0), maxiter=30_000)
    twins[kappa] = weights / weights.sum()
    hazard_gap = max(hazard_gap, np.max(np.abs(failures @ twins[kappa] - target)))
print(f"largest difference in pass@k: sticky {sticky_gap:.1e}, hazard {hazard_gap:.1e}")

figure, axes = plt.subplots(figsize=(8, 3.4))
for kappa, weights in twins.items():
    axes.step(rates, np.cumsum(weights), where="post", label=f"$\\kappa$ = {kappa:g}")
axes.set(xscale="log", xlim=(1e-4, 1), xlabel="success rate of a query", ylabel="share of queries below")
axes.legend()
plt.show()

# %% [markdown]
# *Laws of difficulty under which independent calls have the curve of the power-law hazard (q = 0.5).* So a fit of
# pass@k, however good, is no evidence for either explanation: both of the paper's forms fit the same curves, as it
# says, and this is why.
#
# ## What counts and order can tell
#
# Sticky trials differ in their counts. Let calls next to each other have the correlation $\rho$ in both processes. Then
# calls d apart have the correlation $\rho$ if they are exchangeable (or queries differ in difficulty), and $\rho^d$ if
# they are sticky, and the spread of success rates over queries has a floor in one case and falls as 1/n in the other.
# To simulate them, two systems of a few lines:


# %%
@dataclasses.dataclass(frozen=True)
class SquaredRate:
    """The squared share of right calls, whose mean is the second moment."""

    def start(self, answers):
        return jnp.zeros(2)

    def step(self, state, call):
        return state + jnp.array([call.right * 1.0, 1.0])

    def score(self, state):
        return (state[0] / state[1]) ** 2


@dataclasses.dataclass(frozen=True)
class FirstAndLast:
    """Whether the first call and the last are both right."""

    def start(self, answers):
        return jnp.zeros(3)

    def step(self, state, call):
        first = jnp.where(state[2] == 0, call.right, state[0] > 0)
        return jnp.array([first * 1.0, call.right * 1.0, 1.0])

    def score(self, state):
        return state[0] * state[1]


# %%
rho, m2 = 0.3, 0.2
n_calls = np.array([2, 3, 5, 9, 17, 33, 65])
lag = n_calls - 1
spread = {
    "exchangeable": rho + (1 - rho) / n_calls,
    "sticky": np.array([(1 + 2 * sum((1 - d / n) * rho**d for d in range(1, n))) / n for n in n_calls]),
}
correlation = {"exchangeable": np.full(lag.size, rho), "sticky": rho**lag}
worlds = {"exchangeable": Exchangeable(js.PointMass(m2), rho), "sticky": Sticky(js.PointMass(m2), rho)}
second = []
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8))
for index, (name, world) in list(enumerate(worlds.items()))[1 if SMALL else 0 :]:
    for axes, system, x, known in (
        (left, FirstAndLast(), lag, correlation[name]),
        (right, SquaredRate(), n_calls, spread[name]),
    ):
        run = js.simulate(next(KEYS), system, world, n_calls, REPLICATES // 5)
        value, error = (run.value - m2**2) / (m2 * (1 - m2)), run.standard_error / (m2 * (1 - m2))
        axes.plot(x, known, color=f"C{index}", label=name)
        axes.errorbar(x, value, 2 * error, fmt="o", color=f"C{index}", markersize=4)
        second.append(np.abs(value - known) / error)
right.plot(n_calls, 1 / n_calls, color="#777777", linestyle=":", label="independent, all alike")
left.set_xscale("log")
right.set(xscale="log", yscale="log")
left.set(xlabel="calls from one to the other, d", ylabel="correlation of two calls")
right.set_xticks(n_calls, [str(n) for n in n_calls], minor=False)
right.set_xticks([], minor=True)
right.set(xlabel="calls, n", ylabel="variance of the success rate / m (1 - m)")
left.legend()
right.legend()
plt.show()

# %% [markdown]
# *Lines: analytic; points: simulated, with two standard errors.* Where outcomes are recorded in order, the left panel
# is the test; where only counts are at hand, but at two different n, the right panel is. And at a single n? Then the
# law of the counts has to tell: that of sticky trials against the beta-binomial nearest to it. Below, the number of
# queries after which the likelihood ratio is expected to be 20 to 1.


# %%
def sticky_counts(n, success, rho):
    """P(c successes in n sticky calls), c = 0, ..., n, by going through the calls."""
    last_fails, last_succeeds = np.zeros(n + 1), np.zeros(n + 1)
    last_fails[0], last_succeeds[1] = 1 - success, success
    for _ in range(n - 1):
        fresh = (1 - rho) * (last_fails + last_succeeds)
        succeeds = rho * last_succeeds + success * fresh
        last_fails, last_succeeds = rho * last_fails + (1 - success) * fresh, np.roll(succeeds, 1)
    return last_fails + last_succeeds


def queries_needed(n, success, rho):
    """log(20) over the divergence from the nearest beta-binomial, which has the fewest nats to it."""
    shares = sticky_counts(n, success, rho)
    counts = np.arange(n + 1)
    mean, spread = shares @ counts / n, shares @ np.square(counts - shares @ counts)
    overlap = (spread / (n * mean * (1 - mean)) - 1) / (n - 1)  # start: the correlation with these moments
    start = np.log(np.array([mean, 1 - mean]) * (1 - overlap) / overlap)
    nearest = minimize(
        lambda x: -shares @ betabinom.logpmf(counts, n, *np.exp(x)), start, method="Nelder-Mead", tol=1e-11
    )
    return np.log(20) / (shares @ np.log(shares) + nearest.fun)


sizes = (3, 10, 100) if SMALL else (3, 5, 10, 30, 100)
needed = {(n, r): queries_needed(n, m2, r) for n in sizes for r in (0.1, 0.3, 0.6)}
head = ["calls at a query, n", *(f"correlation {r:g}" for r in (0.1, 0.3, 0.6))]
Table(head, [[str(n), *(f"{float(f'{needed[n, r]:.1e}'):,.0f}" for r in (0.1, 0.3, 0.6))] for n in sizes])

# %% [markdown]
# *Queries (success rate 0.2) that counts of one n need to tell sticky trials from Beta difficulty.* Hardly ever: only
# strong correlations show, and more calls help up to a point only. A few calls have too few counts for a shape; over
# many, both laws tend to normal ones, and the beta-binomial has a parameter for the mean and one for the variance.
#
# | what is recorded | hazard or difficulty? | exchangeable or difficulty? | sticky or difficulty? |
# | --- | --- | --- | --- |
# | pass@k | no | no | no |
# | counts at one n | the form says nothing of counts | no | with hundreds to millions of queries |
# | counts at several n | as above | no | yes |
# | outcomes in order | as above | no | yes |
# | queries run again from the start | yes | yes | yes |


# %% [markdown]
# ## In numbers

# %%
shares, counted = sticky_counts(17, m2, rho), np.arange(18)
variance = (shares @ counted**2 - (shares @ counted) ** 2) / (17**2 * m2 * (1 - m2)) - spread["sticky"][4]
rerun = list(between.values())
hundred = k.searchsorted(100)
line = fallen["$\\kappa$ = 1"]
slope = np.log(line[-1] / line[hundred]) / np.log(k[-1] / k[hundred])
rho_urn = 1 / (a + b + 1)
again = n * rho_urn / (1 + (n - 1) * rho_urn)
fits = list(fitted.values())
apart = abs(fits[0].values["a"] - fits[1].values["a"]) / np.hypot(*(result.standard_errors["a"] for result in fits))
# %% [markdown]
# What is simulated, in standard errors; and what agrees to rounding.

# %%
assert_findings(
    [
        Finding("simulated against analytic, largest distance", "-", largest, 0, 5),
        Finding("second moments, largest distance", "-", max(d.max() for d in second), 0, 5),
        Finding("hazard trial by trial, largest distance", "-", by_trial, 0, 5),
        Finding("the same, from a kappa that is 0.02 off", "-", off, 2 if SMALL else 5, 50, "the check sees it"),
        Finding("log slope of the hazard's loss, kappa = 1", "power law", slope, -0.056, -0.048, "log q = -0.0513"),
        Finding("counts of the urn are beta-binomial: p-value", "-", p_values[0], 1e-3, 1),
        Finding("counts under Beta difficulty are so: p-value", "-", p_values[1], 1e-3, 1),
        Finding("fitted exponent, urn less difficulty, distance", "-", apart, 0, 4),
        Finding("urn: correlation of two runs", "-", rerun[0], -0.03, 0.03),
        Finding("Beta difficulty: correlation of two runs", "-", rerun[1], again - 0.02, again + 0.02),
        Finding("pass@k, sticky less its difficulty law, largest", "both fit", sticky_gap, 0, 1e-12, "identical"),
        Finding("pass@k, hazard less its difficulty law, largest", "both fit", hazard_gap, 0, 1e-9, "identical"),
        Finding("variance of 17 sticky calls, by counts less by formula", "-", variance, -1e-12, 1e-12),
        Finding("queries to see sticky trials, 0.3, 10 calls each", "-", needed[10, 0.3], 9000, 10000),
    ]
)
