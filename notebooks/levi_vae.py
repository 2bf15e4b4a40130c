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
# # pass@k of something that is no language model
#
# *N. Levi, "A Simple Model of Inference Scaling Laws", arXiv 2410.16377: the experiment on reconstruction.*
#
# If the inference scaling law comes from a distribution of failure probabilities and from nothing that is particular
# to language, then any generative model that redraws its training data should obey it. The paper trains a variational
# autoencoder (VAE), samples it at temperature T = 1.1, calls an attempt a failure if the reconstruction error is above a
# threshold, and finds its predictions "in agreement with the empirical coverage curves in a controlled setting".
#
# Here: image i is encoded into $\mu_i$ and $\sigma_i$, an attempt draws $z = \mu_i + T \sigma_i \epsilon$ and decodes it.
# So each image has a failure probability of its own, and attempts at it are independent. The images are the 1,797
# digits of scikit-learn, 8 x 8 pixels; sizes and training are ours, as the paper's are not at hand.

# %%
import os

import jax
import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console
from rich.progress import Progress

import jaxscale as js
from jaxscale.experiments import (
    Finding,
    assert_findings,
    digit_images,
    expected_minimum,
    least_errors,
    reconstruction_errors,
    train_vae,
)
from jaxscale.plot import plot_successes

SMALL = bool(os.environ.get("JAXSCALE_SMALL"))  # fewer images, steps and draws, for tests
STEPS, FIRST, FRESH = (1500, 300, 1000) if SMALL else (6000, 1000, 10_000)
LATENT, TEMPERATURE = 8, 1.1
images = digit_images()[: 300 if SMALL else None]
key_train, key_first, key_fresh = jax.random.split(jax.random.key(0), 3)

with Progress(console=Console(stderr=True, force_jupyter=False), transient=True) as bar:

    def reporting(name):
        task = bar.add_task(name)
        return lambda done, total: bar.update(task, completed=done, total=total)

    vae, losses = train_vae(key_train, images, latent=LATENT, steps=STEPS, progress=reporting("training"))
    draw = {"temperature": TEMPERATURE, "progress": reporting("drawing")}
    first = reconstruction_errors(key_first, vae, images, FIRST, **draw)
    fresh = reconstruction_errors(key_fresh, vae, images, FRESH, **draw)
least = least_errors(vae, images)

# %%
THRESHOLDS = (0.004, 0.006, 0.008, 0.010)
figure, (left, right) = plt.subplots(1, 2, figsize=(11, 3.6))
left.semilogy(np.convolve(losses, np.ones(20) / 20, "valid"))
left.set(xlabel="step", ylabel="loss, nats an image", title="Training")
edges = np.geomspace(1e-3, 0.1, 60)
for errors, name in (
    (first[:, 0], "first attempt"),
    (fresh.min(axis=1), f"best of {FRESH:,}"),
    (least, "least possible"),
):
    right.hist(errors, edges, histtype="step", linewidth=1.6, label=name)
for threshold in THRESHOLDS:
    right.axvline(threshold, color="#777777", linestyle=":", linewidth=1)
right.set(xscale="log", xlabel="squared error of a pixel", ylabel="images", title="Reconstruction")
right.legend()
plt.show()
print(f"loss: {losses[:50].mean():.0f} nats at first, {losses[-500:].mean():.0f} in the end")

# %% [markdown]
# *Right: errors of the first attempt, of the best one, and the least that any latent vector gives (gradient descent from
# $\mu_i$). Dotted: the thresholds below which an attempt counts as a success. With endless attempts an image is solved
# if its least error is below the threshold: so the asymptote A of pass@k is known, whatever the attempts say.*
#
# ## Each image has its own failure probability

# %%
attempts = {t: js.Attempts(np.full(len(images), FIRST), (first <= t).sum(axis=1)) for t in THRESHOLDS}
held_out = {t: js.Attempts(np.full(len(images), FRESH), (fresh <= t).sum(axis=1)) for t in THRESHOLDS}
asymptote = {t: np.mean(least <= t) for t in THRESHOLDS}
fits = {t: js.fit("beta-ceiling", attempts[t]) for t in THRESHOLDS}

figure, panels = plt.subplots(1, 3, figsize=(13.5, 3.6), sharey=True)
for axes, t in zip(panels, THRESHOLDS, strict=False):
    plot_successes(axes, attempts[t], {"Beta, times A": fits[t].model})
    axes.set_title(f"threshold {t:g}")
plt.show()

# %% [markdown]
# *Bars: how many images have which success rate among the first 1,000 attempts; line: the Beta law with a share 1 - A of
# images that are never redrawn.*
#
# ## Foretold and measured
#
# From the first 1,000 attempts at each image two predictions follow. The semi-analytic one takes the distribution
# of failure probabilities as it was found, $1 - \frac{1}{N} \sum_i \hat p_i^k$; the analytic one takes the fitted Beta
# law, the paper's Eq. 7. Both are held against 10,000 fresh attempts, so that they can fail.

# %%
k = np.unique(np.rint(np.geomspace(1, FRESH, 21)).astype(int))
measured = {t: js.pass_at_k(held_out[t], k).value for t in THRESHOLDS}
semi, beta = {}, {}
for t in THRESHOLDS:
    failure = 1 - attempts[t].successes / FIRST
    semi[t] = 1 - np.mean(failure[:, None] ** k, axis=0)
    beta[t] = np.asarray(fits[t].model.pass_at_k(k))

figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.4))
for index, t in enumerate(THRESHOLDS):
    style, label = {"color": f"C{index}"}, f"threshold {t:g}: A = {asymptote[t]:.2f}"
    left.semilogx(k, measured[t] / asymptote[t], "o", markersize=4, label=label, **style)
    right.semilogx(k, semi[t] - measured[t], **style)
    right.semilogx(k, beta[t] - measured[t], linestyle="--", **style)
    left.plot(k, semi[t] / asymptote[t], **style)
    left.plot(k, beta[t] / asymptote[t], linestyle="--", **style)
left.set(xlabel="attempts per image, k", ylabel="pass@k / A", ylim=(0, 1.02))
left.legend(loc="lower right")
right.axvline(FIRST, color="#777777", linestyle=":")
right.plot([], [], color="#444444", label="semi-analytic")
right.plot([], [], color="#444444", linestyle="--", label="Beta, times A")
right.set(xlabel="attempts per image, k", ylabel="foretold less measured pass@k")
right.legend()
plt.show()

# %%
print({t: {s: round(v, 3) for s, v in fits[t].values.items()} for t in THRESHOLDS})
print(
    {
        t: (measured[t][[0, -1]].round(3), semi[t][[0, -1]].round(3), beta[t][[0, -1]].round(3), round(asymptote[t], 3))
        for t in THRESHOLDS
    }
)
for t in THRESHOLDS:
    print(t, (semi[t] - measured[t]).round(4), (beta[t] - measured[t]).round(4))
best = expected_minimum(fresh, k)
mean = best.mean(axis=0)
excess = mean - least.mean()
print(mean.round(5))
print(excess.round(5), (best < least[:, None]).mean())
print(np.diff(np.log(mean)) / np.diff(np.log(k)))
print(np.diff(np.log(excess)) / np.diff(np.log(k)))
