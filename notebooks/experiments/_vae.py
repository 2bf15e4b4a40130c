"""Repeated sampling from something that is no language model: a variational autoencoder that redraws its training data.

An attempt at image i encodes it, draws a latent vector around what it got, and decodes that. It fails if the result is
too far from the image. So each image has a failure probability of its own, and attempts at it are independent.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale.special import log_binomial

_PIXEL_NOISE = 0.1  # standard deviation that the decoder ascribes to a pixel
_BATCH = 128
_REPORTS = 50
_DRAWS_AT_ONCE = 50


class VAE(NamedTuple):
    """A variational autoencoder with one hidden layer on either side; arrays are (inputs, outputs) and (outputs,).

    Args:
        encode: weights and biases of the hidden layer, and of the one that gives means and log standard deviations.
        decode: weights and biases of the hidden layer, and of the one that gives logits of the pixels.
    """

    encode: tuple[tuple[Array, Array], tuple[Array, Array]]
    decode: tuple[tuple[Array, Array], tuple[Array, Array]]


def digit_images() -> Float[np.ndarray, "images pixels"]:
    """The 1,797 handwritten digits that scikit-learn ships, 8 x 8 pixels each.

    Returns:
        (1797, 64) float32 in [0, 1].

    Raises:
        ValueError: where scikit-learn is not installed.

    Source:
        The copy of the test set of the UCI "Optical Recognition of Handwritten Digits" in scikit-learn.

    Example:
        >>> digit_images().shape
        (1797, 64)
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ValueError("the digits come with scikit-learn: install jaxscale[experiments]") from error
    return (load_digits().data / 16).astype(np.float32)


def train_vae(
    key: PRNGKeyArray,
    images: ArrayLike,
    *,
    latent: int = 8,
    hidden: int = 128,
    steps: int = 6000,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[VAE, Float[np.ndarray, " steps"]]:
    """Train a variational autoencoder to redraw images, by Adam on the evidence bound.

    The loss of an image is |x - decoded|^2 / (2 * 0.1^2) + KL(N(mu, sigma^2) || N(0, 1)), one draw of the latent vector
    a step, batches of 128 drawn with replacement, and a learning rate that falls from 0.002 along a cosine.

    Args:
        key: a typed JAX key; it fixes start, batches and noise.
        images: (images, pixels) in [0, 1].
        latent: dimensions of the latent vector.
        hidden: units of each hidden layer.
        steps: of the optimiser.
        progress: called with (steps done, steps in all), 50 times.

    Returns:
        The trained autoencoder in float32, and the loss of each step in nats an image.

    Raises:
        ValueError: for images that are no matrix of numbers in [0, 1].

    Source:
        [Kingma13]. The experiment is [Levi24]'s, the
        sizes are ours.

    Example:
        >>> vae, losses = train_vae(jax.random.key(0), np.zeros((4, 9)), latent=2, hidden=3, steps=5)
        >>> losses.shape
        (5,)
    """
    images = _images(images)
    key_start, key_steps = jax.random.split(key)
    vae = _start(key_start, images.shape[1], latent, hidden)
    optimiser = optax.adam(optax.cosine_decay_schedule(2e-3, steps))
    carry, losses = (vae, optimiser.init(vae)), []
    ends = [steps * (report + 1) // _REPORTS for report in range(_REPORTS)]
    keys = jax.random.split(key_steps, steps)
    for start, end in zip([0, *ends], ends, strict=False):
        if end > start:
            carry, loss = _train(optimiser, images, carry, keys[start:end])
            losses.append(np.asarray(loss))
        if progress is not None:
            progress(end, steps)
    return carry[0], np.concatenate(losses)


def reconstruction_errors(
    key: PRNGKeyArray,
    vae: VAE,
    images: ArrayLike,
    draws: int,
    *,
    temperature: float = 1.0,
    progress: Callable[[int, int], None] | None = None,
) -> Float[np.ndarray, "images draws"]:
    """How far attempts to redraw images are from them: z = mu_i + temperature * sigma_i * eps is decoded.

    Args:
        key: a typed JAX key.
        vae: what `train_vae` returned.
        images: (images, pixels) in [0, 1].
        draws: independent attempts at each image, rounded up to whole groups of 50 when computed, then cut.
        temperature: T, factor of the encoder's standard deviation.
        progress: called with (draws done, draws in all) after each group.

    Returns:
        (images, draws) mean squared errors of a pixel, float32.

    Raises:
        ValueError: for images that are no matrix of numbers in [0, 1].

    Source:
        [Levi24], the experiment on reconstruction.

    Example:
        >>> vae, _ = train_vae(jax.random.key(0), np.zeros((4, 9)), latent=2, hidden=3, steps=5)
        >>> reconstruction_errors(jax.random.key(1), vae, np.zeros((4, 9)), 7).shape
        (4, 7)
    """
    images = _images(images)
    groups = []
    for group, subkey in enumerate(jax.random.split(key, math.ceil(draws / _DRAWS_AT_ONCE))):
        groups.append(np.asarray(_errors(vae, images, temperature, subkey)))
        if progress is not None:
            progress(min((group + 1) * _DRAWS_AT_ONCE, draws), draws)
    return np.concatenate(groups, axis=1)[:, :draws]


def least_errors(vae: VAE, images: ArrayLike, *, steps: int = 600) -> Float[np.ndarray, " images"]:
    """The least error with which each image can be redrawn at all: over every latent vector, by gradient descent.

    Adam from the mean of the encoder, which finds a local minimum: an upper bound of what endless attempts would reach.

    Args:
        vae: what `train_vae` returned.
        images: (images, pixels) in [0, 1].
        steps: of the optimiser.

    Returns:
        (images,) mean squared errors of a pixel, float32.

    Raises:
        ValueError: for images that are no matrix of numbers in [0, 1].

    Example:
        >>> vae, _ = train_vae(jax.random.key(0), np.zeros((4, 9)), latent=2, hidden=3, steps=5)
        >>> least_errors(vae, np.zeros((4, 9)), steps=50).shape
        (4,)
    """
    return np.asarray(_descend(vae, _images(images), steps))


def expected_minimum(errors: ArrayLike, k: ArrayLike) -> Float[np.ndarray, "images budgets"]:
    """The expected least of k of the recorded errors, drawn without replacement: unbiased for that of k fresh ones.

    Sum over ranks j = 1, ..., n of the j-th least error times C(n - j, k - 1) / C(n, k).

    Args:
        errors: (images, draws), or whatever else is to be small.
        k: (budgets,) numbers of draws, from 1 to those recorded.

    Returns:
        (images, budgets) float64, in the unit of the errors.

    Raises:
        ValueError: for k outside that range.

    Source:
        docs/mathematics.md, "Unbiased pass@k", summed over thresholds.

    Example:
        >>> print(expected_minimum([[1.0, 2.0, 6.0]], [1, 2, 3]).round(6))
        [[3.       1.333333 1.      ]]
    """
    ordered, k = np.sort(np.asarray(errors, float), axis=1), np.asarray(k)
    n = ordered.shape[1]
    if k.size == 0 or k.min() < 1 or k.max() > n:
        raise ValueError(f"k = {k.tolist()}: expected numbers of draws from 1 to the {n} recorded")
    rank = np.arange(1, n + 1)[:, None]
    possible = n - rank >= k - 1
    with jax.enable_x64(True):
        left, others = jnp.asarray(np.where(possible, n - rank, k - 1.0)), jnp.asarray(k - 1.0)
        log_weight = np.asarray(log_binomial(left, others) - log_binomial(jnp.asarray(float(n)), others + 1))
    return ordered @ np.where(possible, np.exp(log_weight), 0.0)


def _images(images: ArrayLike) -> np.ndarray:
    images = np.asarray(images, np.float32)
    if images.ndim != 2 or not ((images >= 0) & (images <= 1)).all():
        raise ValueError(f"images of shape {images.shape}: expected (images, pixels), numbers in [0, 1]")
    return images


def _start(key: PRNGKeyArray, pixels: int, latent: int, hidden: int) -> VAE:
    keys = iter(jax.random.split(key, 4))

    def layer(inputs: int, outputs: int) -> tuple[Array, Array]:
        weights = jax.random.normal(next(keys), (inputs, outputs), jnp.float32) / math.sqrt(inputs)
        return weights, jnp.zeros(outputs, jnp.float32)

    return VAE((layer(pixels, hidden), layer(hidden, 2 * latent)), (layer(latent, hidden), layer(hidden, pixels)))


def _through(layers: tuple[tuple[Array, Array], tuple[Array, Array]], inputs: Array) -> Array:
    (first, bias), (second, offset) = layers
    return jnp.tanh(inputs @ first + bias) @ second + offset


def _encode(vae: VAE, images: Array) -> tuple[Array, Array]:
    """Means and log standard deviations of the latent vectors."""
    mean, log_sd = jnp.split(_through(vae.encode, images), 2, axis=-1)
    return mean, log_sd


def _error(vae: VAE, images: Array, latent: Array) -> Array:
    return jnp.mean(jnp.square(jax.nn.sigmoid(_through(vae.decode, latent)) - images), axis=-1)


@partial(jax.jit, static_argnums=0)
def _train(optimiser: optax.GradientTransformation, images: Array, carry: tuple, keys: Array) -> tuple[tuple, Array]:
    def loss(vae: VAE, batch: Array, key: PRNGKeyArray) -> Array:
        mean, log_sd = _encode(vae, batch)
        drawn = mean + jnp.exp(log_sd) * jax.random.normal(key, mean.shape, mean.dtype)
        misfit = _error(vae, batch, drawn) * batch.shape[-1] / (2 * _PIXEL_NOISE**2)
        divergence = 0.5 * jnp.sum(jnp.square(mean) + jnp.exp(2 * log_sd) - 1 - 2 * log_sd, axis=-1)
        return jnp.mean(misfit + divergence)

    def step(carry: tuple, key: PRNGKeyArray) -> tuple[tuple, Array]:
        vae, state = carry
        key_batch, key_noise = jax.random.split(key)
        batch = images[jax.random.randint(key_batch, (_BATCH,), 0, images.shape[0])]
        value, gradient = jax.value_and_grad(loss)(vae, batch, key_noise)
        change, state = optimiser.update(gradient, state)
        return (optax.apply_updates(vae, change), state), value

    return jax.lax.scan(step, carry, keys)


@jax.jit
def _errors(vae: VAE, images: Array, temperature: float, key: PRNGKeyArray) -> Array:
    mean, log_sd = _encode(vae, images)
    spread = temperature * jnp.exp(log_sd)

    def one(key: PRNGKeyArray) -> Array:
        return _error(vae, images, mean + spread * jax.random.normal(key, mean.shape, mean.dtype))

    return jax.lax.map(one, jax.random.split(key, _DRAWS_AT_ONCE)).T


@partial(jax.jit, static_argnums=2)
def _descend(vae: VAE, images: Array, steps: int) -> Array:
    optimiser = optax.adam(optax.cosine_decay_schedule(0.05, steps))
    start, _ = _encode(vae, images)

    def step(carry: tuple, _: None) -> tuple[tuple, None]:
        latent, state, least = carry
        gradient = jax.grad(lambda latent: jnp.sum(_error(vae, images, latent)))(latent)
        change, state = optimiser.update(gradient, state)
        latent = optax.apply_updates(latent, change)
        return (latent, state, jnp.minimum(least, _error(vae, images, latent))), None

    carry = (start, optimiser.init(start), _error(vae, images, start))
    return jax.lax.scan(step, carry, None, length=steps)[0][2]
