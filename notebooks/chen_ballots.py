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
# # Real ballots: Vote and Filter-Vote
#
# *L. Chen and others, "Are More LLM Calls All You Need?", arXiv 2403.02419 (v1: Vote, v2: Filter-Vote); the experiments
# with language models.*
#
# With GPT-3.5 on MMLU Physics, TruthfulQA, GPQA and AVERITEC the paper finds that the accuracy of Vote, and that of
# Filter-Vote (which votes over the answers that a filter accepts), "can first increase but then decrease" with the
# number of calls, and explains it by a breakdown: more calls help at easy queries and hurt at hard ones. A query's
# difficulty is $d(x) = \max_{a \neq y} P(a) - P(y)$, the probability of the leading wrong answer less that of the right
# one $y$; it is easy below 0 and hard above.
#
# Those logs are not at hand. Here are six others, and the votes of 24 models: other tasks, and newer models.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import jaxscale as js
from experiments import Finding, Table, assert_findings, plot_difficulty, plot_vote_curves
from jaxscale.plot import COLOURS
from jaxscale.samples import sample_ballots

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer data sets, for tests
DATA = Path("../../shared/data/ballots")
SETS = {
    "aiw_o1_mini": "Alice in Wonderland, o1-mini",
    "game24_gpt4_io": "Game of 24, GPT-4 direct",
    "game24_gpt4_cot": "Game of 24, GPT-4 step by step",
    "aiw_o1_preview": "Alice in Wonderland, o1-preview",
    "date_gpt35": "BIG-bench Date, GPT-3.5",
    "cruxeval_codellama_7b": "CRUXEval, CodeLlama 7B",
}
REAL = DATA.exists()
if REAL:
    ballots = {
        title: js.read_ballots(DATA / f"{name}.csv")["all"] for name, title in list(SETS.items())[: 2 if SMALL else 6]
    }
else:
    print("No ../shared/data beside the project: what follows is of packaged simulated ballots, without a filter.")
    ballots = {"simulated": sample_ballots()}

# %% [markdown]
# ## Accuracy against calls
#
# The curves are averages over all ways to draw K of a query's ballots, ties split at random: unbiased and exact. They
# end at half of the ballots; beyond, draws without replacement overlap so much that near ties come out as this one
# record has them.

# %%
curves = {}
for title, data in ballots.items():
    curves[title, "Vote"] = js.vote_curve(data)
    if data.kept_counts is not None:
        curves[title, "Filter-Vote"] = js.vote_curve(data, js.FilterVote())


def panels(count):
    """A panel for each of some data sets, up to three in a row."""
    wide = min(count, 3)
    high = -(-count // wide)
    _, grid = plt.subplots(high, wide, figsize=(3.9 * wide, 3.1 * high), squeeze=False)
    for empty in grid.flat[count:]:
        empty.set_visible(False)
    return grid.flat[:count]


for axes, title in zip(panels(len(ballots)), ballots, strict=True):
    found = {system: curve for (name, system), curve in curves.items() if name == title}
    plot_vote_curves(
        axes,
        {system: curve.estimate for system, curve in found.items()},
        best={system: curve.best.calls for system, curve in found.items()},
    )
    axes.set_title(f"{title}, {len(ballots[title])} queries", fontsize=9.5)
plt.show()

# %% [markdown]
# Accuracy of Vote and, where the log has a filter, of Filter-Vote; stars: the best number of calls up to half of the
# ballots.

# %%
Table(
    ["data", "system", "shape", "beyond noise", "one call", "best K (90% interval)", "gain (90% interval)"],
    [
        [
            title,
            system,
            curve.shape.words,
            "yes" if curve.shape.beyond_noise else "no",
            f"{curve.estimate.value[0]:.3f}",
            f"{curve.best.calls} ({curve.best.lower} to {curve.best.upper})",
            f"{curve.best.gain:+.3f} ({curve.best.gain_lower:+.3f} to {curve.best.gain_upper:+.3f})",
        ]
        for (title, system), curve in curves.items()
    ],
)

# %% [markdown]
# One curve turns, o1-mini's: it rises to 3 calls and falls. With 36 queries a bootstrap cannot tell that from noise.
# The votes of GPT-4 at the Game of 24 gain less than two points where it answers directly and five where it thinks step
# by step; filtered, both gain 19 points, more than any number of unfiltered calls. The filter is cheap and imperfect:
# it asks whether an expression comes to 24, whatever numbers it uses.
#
# ## The paper's way: with replacement
#
# The authors' released code draws calls from the recorded shares *with* replacement, up to 1,000 calls. That takes the
# shares for the truth: a query whose leaders are nearly even is then certain to be decided, slowly, as the record has
# it. A record of a thousand times as many ballots with the same shares gives practically these curves.

# %%
longer = {}
calls = np.array([1, 3, 9] if SMALL else [1, 3, 9, 41, 201, 1001])
for title in list(ballots)[:2]:
    data, times = ballots[title], 1_000
    plugged = js.Ballots(data.counts * times, data.correct, blank=data.blank * times)
    longer[title] = js.majority_at_k(plugged, calls)
for axes, (title, curve) in zip(panels(len(longer)), longer.items(), strict=True):
    recorded = curves[title, "Vote"].estimate
    plot_vote_curves(axes, {"without": recorded, "with": curve})
    axes.set_title(f"{title}: Vote", fontsize=9.5)
plt.show()

# %% [markdown]
# Vote without replacement (unbiased, to half of the ballots) and with replacement (the paper's way, at six K). So, both
# curves rise and then fall, as the paper's do; but the fall happens beyond what was recorded, and rests on taking every
# recorded lead for a true one. `js.forecast`, which does not, is compared in the notebook on the scaling model.
#
# ## The breakdown
#
# The mechanism, though, is the paper's in every set: easy queries rise to 1, hard ones fall to 0.

# %%
colours = {"easy": COLOURS[2], "hard": COLOURS[1], "tied": "#333333"}
for axes, title in zip(panels(len(ballots)), ballots, strict=True):
    plot_vote_curves(axes, curves[title, "Vote"].parts, colours=colours)
    axes.set_title(title, fontsize=9.5)
    axes.set_ylim(-0.02, 1.02)
plt.show()

# %% [markdown]
# Accuracy of Vote over the queries whose right answer leads in the record (easy), those where a wrong one leads (hard),
# and those where they tie. The same ballots choose the subset and measure it, which flatters the easy ones a little.
#
# ## How hard the queries are
#
# Why do most curves not turn? The theory of two answers has it that a vote falls late only where hard queries are
# nearer to even than easy ones.

# %%
for axes, ((title, system), curve) in zip(panels(len(curves)), curves.items(), strict=True):
    plot_difficulty(axes, curve.difficulty)
    axes.set_title(f"{title}: {system}" if system != "Vote" else title, fontsize=9.5)
    axes.set_xlabel("difficulty d")
plt.show()

# %% [markdown]
# Difficulty of every query, among all ballots or among those that the filter kept; pale where the side of 0 is within
# the noise of the query's ballots. o1-mini has many hard queries just above 0, and its curve turns. At the direct Game
# of 24 most hard queries are hopeless: a single call loses nearly all of them already, and little is left to fall.
# The filter moves hard queries to the left of 0, or to a tie of nothing kept.
#
# ## Twenty-four models at the OTIS Mock AIME
#
# 45 problems with whole-number answers and 16 ballots each: what up to eight calls gain over one.

# %%
if REAL:
    models = list(js.read_ballots(DATA / "otis_mock_aime.csv", group="model").items())[: 3 if SMALL else None]
    contests = {name: js.vote_curve(data) for name, data in models}
    contests = dict(sorted(contests.items(), key=lambda item: item[1].best.gain))
    best = [curve.best for curve in contests.values()]
    gains = np.array([[choice.gain, choice.gain_lower, choice.gain_upper] for choice in best]).T
    figure, axes = plt.subplots(figsize=(7.5, 1.2 + 0.19 * len(best)))
    bars = [gains[0] - gains[1], gains[2] - gains[0]]
    axes.errorbar(gains[0], range(len(best)), xerr=bars, fmt="o", markersize=4)
    axes.axvline(0, color="#777777", linewidth=0.9, linestyle=":")
    names = [f"{name} ({curve.estimate.value[0]:.0%}, K = {curve.best.calls})" for name, curve in contests.items()]
    axes.set_yticks(range(len(best)), names, fontsize=8)
    axes.set_xlabel("gain of the best K up to 8 over one call, in accuracy")
    plt.show()
    print(f"{sum(choice.helps for choice in best)} of {len(best)} models gain beyond the noise of 45 problems")

# %% [markdown]
# Gain of the best number of calls up to 8 over a single one, with 90% intervals of a bootstrap over problems; in
# brackets, accuracy of one call and the best K.
#
# ## In numbers

# %%
if REAL:
    mini, direct = "Alice in Wonderland, o1-mini", "Game of 24, GPT-4 direct"
    vote, filtered = curves[direct, "Vote"], curves[direct, "Filter-Vote"]
    values, plugged = curves[mini, "Vote"].estimate.value, longer[mini].value
    easy, hard = (curves[mini, "Vote"].parts[name].value for name in ("easy", "hard"))
    small_sample = "within the noise of 36 queries"
    findings = [
        Finding(
            "o1-mini: accuracy at 3 calls less 1", "can first rise", values[2] - values[0], 0.003, 0.01, small_sample
        ),
        Finding("o1-mini: at 30 less 3", "then fall", values[29] - values[2], -0.01, -0.003, small_sample),
        Finding("o1-mini, with replacement: end less 3", "then fall", plugged[-1] - plugged[1], -0.04, -0.002),
        Finding("o1-mini, easy queries: 30 less 1", "rise", easy[-1] - easy[0], 0.1, 0.3),
        Finding("o1-mini, hard queries: 30 less 1", "fall", hard[-1] - hard[0], -0.2, -0.05),
        Finding("Game of 24 direct: best K of Vote", "finite", vote.best.calls, 20, 45),
        Finding(
            "Game of 24 direct: Filter-Vote less Vote, 50 calls",
            "-",
            filtered.estimate.value[49] - vote.estimate.value[49],
            0.15,
            0.19,
        ),
    ]
else:
    curve = curves["simulated", "Vote"]
    findings = [
        Finding("simulated: moves of the curve", "rises, then falls", len(curve.shape.moves), 2, 2),
        Finding("simulated: best K", "finite", curve.best.calls, 7, 10),
    ]
assert_findings(findings)
