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
# *N. Levi, "A Simple Model of Inference Scaling Laws", arXiv 2410.16377.*
#
# **The memorisation ansatz.** A model has memorised its training data: when it fails, it is not for want of knowledge
# but in retrieving it. Each query has its own probability that a call fails, and over a data set these probabilities
# follow a Beta distribution. A single query's failures then decay exponentially in the number of calls, but the average
# over queries decays as a power law.
#
# The paper writes Beta($\alpha$, $\beta$) for the law of *failures*; jaxscale writes `Beta(a, b)` for that of
# *successes*, so the paper's $\beta$ is `a` and its $\alpha$ is `b`.

# %%
import os

import jax
import matplotlib.pyplot as plt
import numpy as np

import jaxscale as js
from jaxscale.experiments import Finding, assert_findings

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer replicates, for tests

# %% [markdown]
# ## The ansatz, simulated

# %%
model = js.Beta.from_failure(alpha=5.0, beta=0.35)
k = np.unique(np.rint(np.geomspace(1, 10_000, 25)).astype(int))
curve = js.simulate(jax.random.key(0), js.PassAtK(), model, k, replicates=100_000 if SMALL else 1_000_000)
exact = np.asarray(js.exact(js.PassAtK(), model, k))

figure, axes = plt.subplots(figsize=(6.5, 4))
for failure in 1 - np.asarray([0.3, 0.03, 0.003]):
    axes.loglog(k, failure**k, color="#999999", linewidth=1)
axes.loglog(k, 1 - exact, label="average over the Beta, exact")
axes.errorbar(k, 1 - curve.mean, curve.standard_error, fmt="o", markersize=4, label="simulated")
axes.set(xlabel="calls per query, k", ylabel="share still failing, 1 - pass@k", ylim=(1e-2, 1.1))
axes.legend()
plt.show()

# %% [markdown]
# Single queries (grey: failure probabilities 0.7, 0.97 and 0.997) fail exponentially less often; the average over all
# of them is a straight line on logarithmic axes.

# %%
slope = np.log((1 - exact[-1]) / (1 - exact[-5])) / np.log(k[-1] / k[-5])
assert_findings(
    [
        Finding("exponent of the average at k = 10,000", "-beta = -0.35", slope, -0.351, -0.349),
        Finding(
            "largest distance of the simulation from the exact curve, in standard errors",
            "-",
            np.max(np.abs(curve.mean - exact) / curve.standard_error),
            0,
            5,
        ),
    ]
)
