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
# # When more calls hurt: easy and hard queries
#
# *L. Chen, J. Q. Davis, B. Hanin, P. Bailis, I. Stoica, M. Zaharia, J. Zou, "Are More LLM Calls All You Need? Towards
# Scaling Laws of Compound Inference Systems", arXiv 2403.02419; the synthetic data sets.*
#
# A system asks a model K times and returns the most frequent answer. At an *easy* query the right answer is the most
# probable one, so a vote gets better with every call; at a *hard* query a wrong answer is, so a vote gets worse. The
# paper shows that a data set with both kinds can rise and then fall, or fall and then rise, and its simplest case is
# $D(\alpha, p_1, p_2)$: a share $\alpha$ of the queries is answered rightly in $p_1 > 1/2$ of calls, the others in
# $p_2 < 1/2$, and there are two answers. For odd K,
#
# $$F(K) = \alpha\, I_{p_1}\!\left(\tfrac{K+1}{2}, \tfrac{K+1}{2}\right)
#   + (1 - \alpha)\, I_{p_2}\!\left(\tfrac{K+1}{2}, \tfrac{K+1}{2}\right),$$
#
# with the regularised incomplete beta function $I$. Ties are split at random here, which makes an even K worth exactly
# K - 1; the pictures show odd K.

# %%
import os

import jax
import matplotlib.pyplot as plt
import numpy as np

import jaxscale as js
from experiments import Finding, Table, assert_findings, check_two_point, plot_curve_shapes, plot_vote_curves

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer data sets and replicates, for tests

# %% [markdown]
# ## The paper's two pairs
#
# The paper's examples are $(p_1, p_2) = (0.85, 0.4)$, whose curves rise and then fall, and
# $(0.65, 0.1)$, whose curves fall and then rise, for shares of easy queries between.

# %%
calls = np.array([1, 3, 5, 7, 9, 13, 19, 29, 43, 65, 101])
pairs = {(0.85, 0.4): (0.1, 0.2, 0.4, 0.6, 0.8, 0.95), (0.65, 0.1): (0.05, 0.2, 0.4, 0.6, 0.8, 0.9)}
replicates = 20_000 if SMALL else 400_000
key_pictures, key_table = jax.random.split(jax.random.key(2403))

figure, panels = plt.subplots(1, 2, figsize=(10.5, 4.4))
for axes, ((p_easy, p_hard), shares) in zip(panels, pairs.items(), strict=True):
    curves, dots, best = {}, {}, {}
    for number, share in enumerate(shares):
        name, data = f"{share:.0%} easy", js.TwoPoint(share, p_easy, p_hard)
        curves[name] = js.Estimate(calls, js.exact(js.Vote(), data, calls), 0 * calls)
        run = js.simulate(jax.random.fold_in(key_pictures, number), js.Vote(), data, calls, replicates)
        dots[name] = js.Estimate(calls, run.value, run.standard_error)
        best[name] = js.best_calls(share, p_easy, p_hard)
    plot_vote_curves(axes, curves, points=dots, best=best)
    axes.set_title(f"easy {p_easy:.0%}, hard {p_hard:.0%} right calls")
plt.show()

# %% [markdown]
# Accuracy of a vote against calls. Lines: exact; dots: simulation, with bars of two standard errors (smaller than the
# dots); stars: the best number of calls by the paper's theorem, where it is finite. Left, from 40% easy queries on the
# curves rise, then fall, and turn later the more queries are easy; below, they only fall. Right, up to 40% easy queries
# the curves fall first and then rise, to the share of easy queries: at 40% a few calls are worse than one, and many
# are better; at 5% and 20% a single call stays best.

# %% [markdown]
# ## Which shape where
#
# The paper's Theorem 2 gives the shape from the three numbers. With
# $t = \frac{p_2 (1 - p_2)(1/2 - p_2)}{p_1 (1 - p_1)(p_1 - 1/2)} + 1$:
#
# - $p_1 + p_2 > 1$: rises then falls if $\alpha > 1 - 1/t$, else falls throughout;
# - $p_1 + p_2 < 1$: falls then rises if $\alpha < 1 - 1/t$, else rises throughout;
# - $p_1 + p_2 = 1$: rises or falls throughout, as $\alpha$ is above or below 1/2.
#
# The kind of query whose probability is nearer to 1/2 still changes when the other has settled, so it decides how the
# curve ends; $\alpha$ decides how it begins. Summaries of the theorem that circulate swap some of these cases (one has
# curves rise throughout where $p_1 + p_2 > 1$ and $\alpha \geq 1 - 1/t$); what stands here is what the exact curves do,
# as the table below shows.

# %%
figure, panels = plt.subplots(1, 3, figsize=(11, 3.6))
for axes, share in zip(panels, (0.3, 0.5, 0.7), strict=True):
    plot_curve_shapes(axes, share, resolution=60 if SMALL else 150, legend=share == 0.7)
    for p_easy, p_hard in pairs:
        axes.plot(p_hard, p_easy, "o", color="black", markersize=5)
    axes.label_outer()
plt.show()

# %% [markdown]
# The shape of the curve for every pair of probabilities, at three shares of easy queries; dots: the paper's two pairs.
# Both shapes that turn are found at every share.

# %% [markdown]
# ## One table: theorem, exact curve, simulation
#
# Eight pairs with nine shares each. The shape and the best number of calls by theorem are compared with those of the
# exact curve at all odd K up to 801, whose kernel knows nothing of the theorem, and the exact curve with a simulation
# that draws easy and hard queries and their answers.

# %%
others = [] if SMALL else [(0.75, 0.25), (0.6, 0.4), (0.9, 0.3), (0.7, 0.45), (0.55, 0.2), (0.6, 0.05)]
shares = [0.1, 0.4, 0.6, 0.9] if SMALL else [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
checks = {
    pair: [
        check_two_point(share, *pair, key=jax.random.fold_in(key_table, number), replicates=replicates // 4)
        for number, share in enumerate(shares)
    ]
    for pair in [*pairs, *others]
}
arrows = {"rises": "↗", "falls": "↘", "rises then falls": "↗↘", "falls then rises": "↘↗", "flat": "→"}
Table(
    ["right calls: easy, hard", *(f"{share:.0%} easy" for share in shares)],
    [
        [f"{p_easy:.0%}, {p_hard:.0%}"]
        + [
            f"{arrows[check.shape_found]} {check.best_found}".replace("inf", "∞") if check.agrees else "MISMATCH"
            for check in row
        ]
        for (p_easy, p_hard), row in checks.items()
    ],
)

# %% [markdown]
# Shape and best number of calls of 72 data sets, on all of which theorem, exact curve and simulation agree. ↗ rises,
# ↘ falls, ↗↘ rises then falls, ↘↗ falls then rises, → is flat; ∞: more calls always help (or help again, beyond the
# dip). A vote is worth most, and most easily overdone, where hard queries are nearly even: 70% and 45% right calls, the
# third row from below, turn as late as 43 calls.

# %%
every = [check for row in checks.values() for check in row]
named = {(check.easy_share, check.p_easy, check.p_hard): check for check in every}
assert_findings(
    [
        Finding(
            "data sets where theorem, exact curve or simulation differ", "none", sum(not c.agrees for c in every), 0, 0
        ),
        Finding(
            "largest distance of simulation and exact curve, standard errors",
            "-",
            max(c.deviation for c in every),
            0,
            5,
        ),
        Finding(
            "curves of (0.85, 0.4) that rise, then fall",
            "for shares between",
            sum(c.shape_found == "rises then falls" for c in checks[0.85, 0.4]),
            3 if SMALL else 6,
            3 if SMALL else 6,
            "from 40% easy queries on: 1 - 1/t is 35.0%",
        ),
        Finding(
            "curves of (0.65, 0.1) that fall, then rise",
            "for shares between",
            sum(c.shape_found == "falls then rises" for c in checks[0.65, 0.1]),
            2 if SMALL else 5,
            2 if SMALL else 5,
            "up to 50% easy queries: 1 - 1/t is 51.3%",
        ),
        Finding("best K of (0.85, 0.4) with 60% easy queries", "-", named[0.6, 0.85, 0.4].best_found, 5, 5),
    ]
)
