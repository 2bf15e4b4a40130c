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
# # What a vote costs, and when one call of a better model is worth more
#
# *L. Chen and others, "Are More LLM Calls All You Need?", arXiv 2403.02419; beyond it.*
#
# The paper looks at accuracy only and leaves cost to future work. With a price for a call, the best number of calls is
# finite even where accuracy rises for ever; and a vote competes with a single call of a dearer model. **All prices here
# are made up**: the first half of the notebook needs none in money, and the second half says what holds at any price.

# %%
import itertools
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import jaxscale as js
from experiments import Finding, Table, assert_findings, plot_costs
from jaxscale.samples import sample_ballots

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer models, for tests
DATA = Path("../../shared/data/ballots/otis_mock_aime.csv")
REAL = DATA.exists()

# %% [markdown]
# ## The best K under a price
#
# Let a right answer be worth 1 and a call cost c. The best number of calls is then the K with the highest F(K) - c K.
# For the paper's data sets $D(\alpha, p_1, p_2)$, at all prices:

# %%
calls = np.arange(1, 202, 2)
prices = np.geomspace(1e-6, 0.3, 200)
sets = [(0.6, 0.85, 0.4), (0.8, 0.85, 0.4), (0.5, 0.65, 0.1), (0.8, 0.65, 0.1)]
free, staircase = {}, {}
figure, axes = plt.subplots(figsize=(8, 4))
for data in sets:
    accuracy = np.asarray(js.exact(js.Vote(), js.TwoPoint(*data), calls), float)
    worth = accuracy - js.Cost(per_call=prices[:, None]).money(calls)
    name = f"{data[0]:.0%} easy, {data[1]:g} and {data[2]:g}"
    staircase[data], free[data] = calls[np.argmax(worth, axis=1)], js.best_calls(*data)
    axes.step(prices, staircase[data], where="post", label=name)
axes.set(xscale="log", yscale="log", xlabel="price of a call, where a right answer is worth 1", ylabel="best odd K")
axes.set_yticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
axes.legend()
plt.show()

# %% [markdown]
# The best number of calls falls with the price. Where accuracy rises and then falls (easy 0.85, hard 0.4), free calls
# are best used sparingly already, 5 and 9 of them; where it rises in the end (0.65, 0.1), every price ends the rise.
# Where it falls first and then rises (half of the queries easy), the best K drops from eleven to one at a price of half
# a percent of a right answer: a few calls are no better than one, so there is nothing between.
#
# ## Twenty-four models
#
# 45 problems of the OTIS Mock AIME, 16 ballots of each of 24 models; accuracy of Vote at 1 to 8 calls, unbiased. The
# prices, in made-up units for a call, are by class of model: 1 for small and light models, 4 for middling, 15 for large
# ones, and 25 for the one that thinks before it answers.

# %%
CLASSES = {1.0: ("flash", "haiku", "1.0-pro", "phi"), 4.0: ("32B", "70", "72B"), 25.0: ("o3",)}


def made_up_price(model):
    """By what the model's name says of its class; large where it says nothing."""
    return next((price for price, words in CLASSES.items() if any(word in model for word in words)), 15.0)


if REAL:
    ballots = js.read_ballots(DATA, group="model")
    ballots = {name: ballots[name] for name in list(ballots)[:: 3 if SMALL else 1]}
    cost = {name: js.Cost(per_call=made_up_price(name)) for name in ballots}
else:
    print("No ../shared/data beside the project: two packaged simulated models, one dearer and better than the other.")
    plain = sample_ballots()
    better = js.Ballots(np.where(plain.correct, 2, 1) * plain.counts, plain.correct)
    ballots, cost = {"cheap": plain, "dear": better}, {"cheap": js.Cost(per_call=1.0), "dear": js.Cost(per_call=4.0)}
k = np.arange(1, 9)
votes = {name: js.majority_at_k(data, k) for name, data in ballots.items()}
figure, axes = plt.subplots(figsize=(8.5, 4.8))
plot_costs(axes, votes, {name: cost[name].money(k) for name in votes}, unit="made-up money per query")
plt.show()

# %% [markdown]
# Accuracy against cost: a dot is a single call of a model, its line the votes over 2 to 8; the dashed steps are the
# most accuracy for the money. At these prices two models are all of it: gemini-2.0-flash up to 25 units, then the
# thinking o3-mini. Their votes add one and five points; and no vote of the 22 others reaches a single call of these
# two, which no price can change. Standard errors over 45 problems are 1 to 7 points, so near neighbours are not told
# apart. (`js.plan` answers such questions from data, with probabilities.)
#
# ## What holds at any price
#
# Take two models of which the second is better in a single call. Either the first one's vote reaches that accuracy with
# some K, and then the single call is the cheaper way unless it costs more than K calls; or it does not, and no price
# makes the vote the equal.

# %%
single = {name: vote.value[0] for name, vote in votes.items()}
needed = {
    (worse, better): next(
        (int(n) for n, value in zip(k, votes[worse].value, strict=True) if value >= single[better]), None
    )
    for worse in votes
    for better in votes
    if single[better] > single[worse]
}
reached = [n for n in needed.values() if n is not None]
figure, axes = plt.subplots(figsize=(8, 3.6))
places = range(2, 9)
axes.bar([str(n) for n in places], [reached.count(n) for n in places], color="#0072B2", label="reached with K calls")
axes.bar(["not up to 8"], [len(needed) - len(reached)], color="#D55E00", label="the single call is always better")
axes.set(xlabel="calls K of the worse model whose vote is as good as one call of the better", ylabel="pairs of models")
axes.legend()
plt.show()

# %% [markdown]
# All pairs of models in which one is better in a single call, by how many calls of the other it takes to be as good.
# Voting makes good a small lead only: hard queries of the worse model stay lost whatever the number of calls.

# %%
ladder = sorted(votes, key=lambda name: single[name])
rows = []
for worse, better in itertools.pairwise(ladder):
    best = int(np.argmax(votes[worse].value.round(12)))
    n = needed.get((worse, better))
    rows.append([worse, f"{single[worse]:.3f}", f"{votes[worse].value[best]:.3f} (K = {k[best]})", better])
    rows[-1] += [f"{single[better]:.3f}", f"costs less than {n} calls" if n else "always"]
Table(
    ["model", "one call", "best vote", "next better model", "its one call", "which is the better buy if it"], rows[-10:]
)

# %% [markdown]
# The worse of each pair and the model next above it. For neighbours a vote usually makes up the difference, which is
# within the noise of 45 problems; the steps up to gemini-2.0-flash and to o3-mini no vote makes.
#
# ## In numbers

# %%
findings = [
    Finding("best K of 60% easy, 0.85 and 0.4, nearly free", "5, by Theorem 3", staircase[sets[0]][0], 5, 5),
    Finding("best K of 80% easy, 0.85 and 0.4, nearly free", "9, by Theorem 3", staircase[sets[1]][0], 9, 9),
    Finding(
        "best K of 80% easy, 0.65 and 0.1, calls at 0.001",
        "infinite if free",
        staircase[sets[3]][np.searchsorted(prices, 1e-3)],
        20,
        80,
    ),
    Finding(
        "best K never rises with the price: rises seen",
        "-",
        sum((np.diff(s) > 0).sum() for s in staircase.values()),
        0,
        0,
    ),
]
if REAL and not SMALL:
    top = [vote.value.max() for name, vote in votes.items() if name not in ladder[-2:]]
    findings += [
        Finding("pairs of models", "-", len(needed), 276, 276),
        Finding("share where a vote over up to 8 reaches one better call", "-", len(reached) / len(needed), 0.1, 0.25),
        Finding(
            "of 22 models, votes that reach one call of the best two",
            "-",
            sum(v >= single[ladder[-2]] for v in top),
            0,
            0,
        ),
    ]
assert_findings(findings)
