"""Draws from a posterior, and its evidence, by particles that follow a growing power of the likelihood.

Parameters are standard normal before the data speak; a target maps them to its own. Several data sets of one kind are
sampled side by side, along the first axis of every array, with the same random numbers: what comes out for one of them
does not depend on which others there are.

NumPy alone: a forecast of one data set takes less time than compiling this for it would.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Float, Int

from jaxscale.particles._weights import systematic, weigh

# 2.38 / sqrt(size) is the best width for a normal posterior ([Roberts97]).
_BEST_WIDTH = 2.38
_LEAST_VARIANCE = 1e-6
_BISECTIONS = 30

Kept = tuple[np.ndarray, ...]
"""Arrays that a target keeps of each particle, (sets, particles, ...)."""


@runtime_checkable
class Target(Protocol):
    """What is sampled.

    Attributes:
        blocks: the parameters that are moved together.
    """

    @property
    def blocks(self) -> Sequence[slice]:
        """The parameters that are moved together."""
        ...

    def evaluate(
        self, position: np.ndarray, sets: np.ndarray, block: int | None, kept: Kept
    ) -> tuple[np.ndarray, Kept]:
        """Log likelihoods.

        Args:
            position: (sets, particles, size) parameters.
            sets: which data sets these are.
            block: the block that differs from where `kept` was computed; None for all.
            kept: what `evaluate` returned there; arrays that stay as they are may be returned again.

        Returns:
            (sets, particles) log likelihoods, and what is to be kept.
        """
        ...


class Settings(NamedTuple):
    """How a target is sampled.

    Attributes:
        particles: how many.
        effective: share of them that stays effective as the power of the likelihood grows.
        power: the likelihood's last power.
        sweeps: moves of every block after each resampling.
        last_sweeps: the same under the last power.
        keep: how many of the last sweeps give draws.
        accepted: share of the moves that their widths are tuned to.
    """

    particles: int
    effective: float = 0.5
    power: float = 1.0
    sweeps: int = 4
    last_sweeps: int = 8
    keep: int = 1
    accepted: float = 0.25


class State(NamedTuple):
    """Particles of several data sets under a power of the likelihood.

    Attributes:
        position: (sets, particles, size) parameters.
        log_likelihood: (sets, particles).
        power: (sets,) of the likelihood.
        log_evidence: (sets,) log of the mean of that power of the likelihood over the prior.
        width: (sets, blocks) of moves, against the best for a normal posterior.
        kept: what the target keeps of each particle.
    """

    position: np.ndarray
    log_likelihood: np.ndarray
    power: np.ndarray
    log_evidence: np.ndarray
    width: np.ndarray
    kept: Kept


def initial(
    target: Target,
    sets: int,
    position: Float[np.ndarray, "particles size"],
    log_likelihood: Float[np.ndarray, "sets particles"] | None = None,
) -> State:
    """The state before the data speak.

    Args:
        target: what is sampled.
        sets: how many data sets.
        position: standard normal draws, any number of them.
        log_likelihood: of these, where it is known and the target keeps nothing.

    Returns:
        The state of power 0.
    """
    everywhere = np.broadcast_to(position, (sets, *position.shape))
    kept: Kept = ()
    if log_likelihood is None:
        log_likelihood, kept = target.evaluate(everywhere, np.arange(sets), None, ())
    widths = np.ones((sets, len(target.blocks)))
    return State(everywhere, log_likelihood, np.zeros(sets), np.zeros(sets), widths, kept)


def step(
    rng: np.random.Generator, state: State, target: Target, sets: Int[np.ndarray, " sets"], settings: Settings
) -> tuple[State, np.ndarray]:
    """Raise the power of the likelihood as far as enough particles stay effective, resample them and move them.

    Half of the Metropolis moves are normal with the particles' covariance; the others follow the difference of two
    particles, which crosses from one mode to the next.

    Args:
        rng: draws; those for a data set do not depend on the others.
        state: of data sets that have not reached the last power.
        target: what is sampled.
        sets: which data sets these are.
        settings: how.

    Returns:
        The next state; and (sets, keep * particles, size) the draws, which count where the last power is reached.

    Source:
        [DelMoral06]; [terBraak06] (moves along a difference).
    """
    power = _next_power(state.log_likelihood, state.power, settings)
    weights = weigh((power - state.power)[:, None] * state.log_likelihood)
    share = weights.normalised
    centred = state.position - share[:, None] @ state.position
    covariance = (share[:, :, None] * centred).swapaxes(1, 2) @ centred
    covariance += _LEAST_VARIANCE * np.eye(covariance.shape[1])
    roots = [np.linalg.cholesky(covariance[:, block, block]) for block in target.blocks]
    chosen = systematic(share, rng.uniform(), settings.particles)
    state = State(
        _taken(state.position, chosen),
        _taken(state.log_likelihood, chosen),
        power,
        state.log_evidence + weights.log_mean,
        state.width,
        tuple(_taken(array, chosen) for array in state.kept),
    )
    for sweep in range(settings.sweeps):
        state = _swept(rng, state, target, sets, roots, sweep, settings)
    draws = np.repeat(state.position, settings.keep, axis=1)
    # Under the last power there are more sweeps; the random numbers of those are the same for all that come there.
    last = np.flatnonzero(power == settings.power)
    if len(last):
        final, found = _rows(state, last), []
        for sweep in range(settings.sweeps, settings.last_sweeps):
            final = _swept(rng, final, target, sets[last], [root[last] for root in roots], sweep, settings)
            found.append(final.position)
        draws[last] = np.concatenate(found[-settings.keep :], axis=1)
        state = final if len(last) == len(sets) else _with_rows(state, last, final)
    return state, draws


def sample(
    rng: np.random.Generator, state: State, target: Target, settings: Settings
) -> tuple[Float[np.ndarray, "sets draws size"], Float[np.ndarray, " sets"]]:
    """Draw from the posterior of every data set.

    Args:
        rng: draws.
        state: as `initial` has it.
        target: what is sampled.
        settings: how.

    Returns:
        Equally weighted draws, and the log of the evidence: of the mean over the prior of the likelihood to the last
        power.

    Source:
        docs/mathematics.md, "Tempered particles"; [DelMoral06].

    Example:
        >>> class Normal:  # one observation y ~ N(u, 1) of each data set
        ...     blocks = (slice(0, 1),)
        ...     def evaluate(self, position, sets, block, kept):
        ...         return -np.square(position[:, :, 0] - np.array([1.0, 3.0])[sets, None]) / 2, ()
        >>> rng = np.random.default_rng(0)
        >>> first = initial(Normal(), 2, rng.standard_normal((1000, 1)))
        >>> draws, log_evidence = sample(rng, first, Normal(), Settings(particles=1000))
        >>> draws.mean(axis=(1, 2)).round(1).tolist()
        [0.5, 1.5]
    """
    sets = np.arange(len(state.power))
    draws = np.empty((len(sets), settings.keep * settings.particles, state.position.shape[2]))
    log_evidence = np.empty(len(sets))
    while len(sets):
        # A stream for each power: a data set that makes more moves under its last does not shift those of others.
        (stream,) = rng.spawn(1)
        state, found = step(stream, state, target, sets, settings)
        done = state.power == settings.power
        draws[sets[done]], log_evidence[sets[done]] = found[done], state.log_evidence[done]
        if done.any():
            state, sets = _rows(state, np.flatnonzero(~done)), sets[~done]
    return draws, log_evidence


def _next_power(log_likelihood: np.ndarray, power: np.ndarray, settings: Settings) -> np.ndarray:
    """(sets,) the largest power, to 2^-30 of the way to the last, under which enough particles are effective."""
    enough = settings.effective * settings.particles

    def effective(further: np.ndarray) -> np.ndarray:
        return weigh((further - power)[:, None] * log_likelihood).effective >= enough

    low, high = power, np.full(len(power), settings.power)
    last = effective(high)
    if last.all():
        return high
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        able = effective(middle)
        low, high = np.where(able, middle, low), np.where(able, high, middle)
    return np.where(last, settings.power, np.maximum(low, power + 1e-9))


def _swept(
    rng: np.random.Generator,
    state: State,
    target: Target,
    sets: np.ndarray,
    roots: Sequence[np.ndarray],
    sweep: int,
    settings: Settings,
) -> State:
    """One Metropolis move of every block."""
    number = settings.particles
    for place, block in enumerate(target.blocks):
        u = state.position[..., block]
        noise = rng.standard_normal((number, u.shape[2]))
        if (sweep + place) % 2 == 0:
            way = noise @ roots[place].swapaxes(1, 2)
        else:
            one, other = rng.permutation(number), rng.permutation(number)
            way = (u[:, one] - u[:, other]) / math.sqrt(2) + 1e-3 * noise
        width = state.width[:, place]
        there = state.position.copy()
        there[..., block] += (width * _BEST_WIDTH / math.sqrt(u.shape[2]))[:, None, None] * way
        log_there, kept_there = target.evaluate(there, sets, place, state.kept)
        log_prior_ratio = (np.square(u).sum(axis=2) - np.square(there[..., block]).sum(axis=2)) / 2
        log_ratio = state.power[:, None] * (log_there - state.log_likelihood) + log_prior_ratio
        accepted = np.log(rng.uniform(size=number)) < log_ratio
        widths = state.width.copy()
        widths[:, place] = np.clip(width * np.exp((accepted.mean(axis=1) - settings.accepted) / 2), 0.05, 2.0)
        state = state._replace(
            position=_chosen(accepted, there, state.position),
            log_likelihood=np.where(accepted, log_there, state.log_likelihood),
            kept=tuple(_chosen(accepted, new, old) for new, old in zip(kept_there, state.kept, strict=True)),
            width=widths,
        )
    return state


def _chosen(accepted: np.ndarray, new: np.ndarray, old: np.ndarray) -> np.ndarray:
    """Of each particle the new value where the move was accepted, written over the proposed array."""
    if new is not old:
        new[~accepted] = old[~accepted]
    return new


def _taken(array: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Of each data set the chosen particles."""
    return array[np.arange(len(array))[:, None], chosen]


def _rows(state: State, rows: np.ndarray) -> State:
    """The state of some of the data sets."""
    some: State = jax.tree.map(lambda array: array[rows], state)
    return some


def _with_rows(state: State, rows: np.ndarray, new: State) -> State:
    """The state, with that of some of the data sets in their place."""

    def placed(old: np.ndarray, some: np.ndarray) -> np.ndarray:
        array = old.copy()
        array[rows] = some
        return array

    result: State = jax.tree.map(placed, state, new)
    return result
