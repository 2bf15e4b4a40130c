"""Minimisation by optax's L-BFGS from several starts at once, finished by Newton steps.

Both loops evaluate the objective at one place only, so that XLA compiles it once: a rejected step is simply another
turn of the loop with a shorter step or more damping. (optax's zoom line search inlines the objective many times; that
took half a minute to compile for the Beta likelihood.)
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxscale.fitting._parameters import Vector

Objective = Callable[[Vector], Float[Array, ""]]
Slope = Callable[[Vector], tuple[Float[Array, ""], Vector]]
"""A function's value and gradient."""

GRADIENT_TOLERANCE = 1e-6
"""A fit counts as converged when no derivative of the mean negative log-likelihood per query exceeds this."""

MAX_CURVED = 24
"""Models with more free parameters than this get no Newton steps and no covariance: their Hessian would be large."""

_SHORTEST_STEP = 1e-10
HUGE = 1e30
"""The value of a start before it is evaluated; where no start has a finite one, it stays."""


class Optimum(NamedTuple):
    """Where an optimisation ended, in unconstrained coordinates.

    Attributes:
        vector: (free,) the end point.
        value: the objective there.
        gradient: (free,) its gradient there.
        hessian: (free, free) its Hessian there; of shape (0, 0) for models beyond `MAX_CURVED` parameters.
        steps: evaluations of the objective.
    """

    vector: Vector
    value: Float[Array, ""]
    gradient: Vector
    hessian: Float[Array, "curved curved"]
    steps: Int[Array, ""]


def _unevaluated(start: Vector, curved: int) -> Optimum:
    """A start that any evaluation improves on and that does not count as converged."""
    hessian = jnp.zeros((curved, curved), start.dtype)
    return Optimum(start, jnp.asarray(HUGE, start.dtype), jnp.ones_like(start), hessian, jnp.asarray(0))


def lbfgs(value_and_grad: Slope, start: Vector, max_steps: int) -> Optimum:
    """L-BFGS directions from optax with Armijo backtracking.

    Args:
        value_and_grad: what to minimise, with its gradient; a value that is not finite counts as a wall.
        start: (free,) where to start.
        max_steps: the most evaluations.

    Returns:
        The end point, without a Hessian.
    """
    import optax  # here, as it takes 0.3 seconds, which forecasts without a fit can do without

    preconditioner = optax.scale_by_lbfgs(memory_size=min(8, 1 + len(start)))

    class Carry(NamedTuple):
        at: Optimum
        state: optax.OptState
        direction: Vector
        step: Float[Array, ""]

    def unfinished(carry: Carry) -> Array:
        moving = (carry.step > _SHORTEST_STEP) & (carry.at.steps < max_steps)
        return moving & (jnp.max(jnp.abs(carry.at.gradient)) > GRADIENT_TOLERANCE)

    def turn(carry: Carry) -> Carry:
        at, state, direction, step = carry
        trial = at.vector + step * direction
        value, gradient = value_and_grad(trial)
        usable = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient))
        accepted = usable & (value <= at.value + 1e-4 * step * jnp.vdot(at.gradient, direction))
        scaled, new_state = preconditioner.update(jnp.where(usable, gradient, 0.0), state, trial)
        downhill = jnp.vdot(scaled, gradient) > 0
        new_direction = -jnp.where(downhill, scaled, gradient / jnp.maximum(jnp.linalg.norm(gradient), 1.0))
        moved = Carry(
            Optimum(trial, value, gradient, at.hessian, at.steps), new_state, new_direction, jnp.ones_like(step)
        )
        stayed = Carry(at, state, direction, step / 2)
        new = jax.tree.map(lambda yes, no: jnp.where(accepted, yes, no), moved, stayed)
        return new._replace(at=new.at._replace(steps=at.steps + 1))

    # The first turn evaluates the start itself: a step of no length from a point of infinite value.
    here = _unevaluated(start, curved=0)
    first = Carry(here, preconditioner.init(start), jnp.zeros_like(start), jnp.ones_like(start[0]))
    return jax.lax.while_loop(unfinished, turn, first).at


def newton(value_and_grad: Slope, start: Vector, max_steps: int) -> Optimum:
    """Newton steps with Levenberg-Marquardt damping, for a point near a minimum.

    The Hessian comes from central differences of the exact gradient. In float64 its error is near 1e-9 of the scale of
    the third derivatives; differentiating once more would gain digits that neither a Newton step nor a covariance can
    use, for three times the compile time.

    Args:
        value_and_grad: what to minimise, with its gradient.
        start: (free,) where to start.
        max_steps: the most evaluations.

    Returns:
        The end point with its Hessian.
    """

    class Carry(NamedTuple):
        at: Optimum
        damping: Float[Array, ""]

    def unfinished(carry: Carry) -> Array:
        # Newton converges quadratically: go on to the last digits, well below the tolerance of the gradient.
        going = (carry.damping < 1e8) & (carry.at.steps < max_steps)
        return going & (jnp.max(jnp.abs(carry.at.gradient)) > 1e-4 * GRADIENT_TOLERANCE)

    def turn(carry: Carry) -> Carry:
        at, damping = carry
        eigenvalues, basis = jnp.linalg.eigh(at.hessian)
        size = jnp.abs(eigenvalues)
        # A direction without curvature is left alone: the data say nothing about it.
        inverse = jnp.where(size > 1e-12, 1 / (jnp.maximum(size, 1e-12) + damping), 0.0)
        move = -basis @ (inverse * (basis.T @ at.gradient))
        trial = at.vector + move * jnp.minimum(1.0, 2.0 / jnp.maximum(jnp.linalg.norm(move), 1e-30))
        steps = 1e-4 * jnp.eye(trial.shape[0], dtype=trial.dtype)
        values, gradients = jax.vmap(value_and_grad)(jnp.concatenate([trial[None], trial + steps, trial - steps]))
        value, gradient = values[0], gradients[0]
        up, down = jnp.split(gradients[1:], 2)
        hessian = (up - down + (up - down).T) / 4e-4
        usable = jnp.isfinite(value) & jnp.all(jnp.isfinite(gradient)) & jnp.all(jnp.isfinite(hessian))
        accepted = usable & (value <= at.value + 1e-13 * jnp.abs(at.value))
        moved = Carry(Optimum(trial, value, gradient, hessian, at.steps), jnp.where(damping < 1e-6, 0.0, damping / 10))
        stayed = Carry(at, jnp.maximum(damping, 1e-4) * 10)
        new = jax.tree.map(lambda yes, no: jnp.where(accepted, yes, no), moved, stayed)
        return new._replace(at=new.at._replace(steps=at.steps + 1))

    # As in `lbfgs`, the first turn evaluates the start: without curvature Newton's step has no length.
    here = _unevaluated(start, curved=start.shape[0])
    return jax.lax.while_loop(unfinished, turn, Carry(here, jnp.zeros_like(start[0]))).at


def minimise(objective: Objective, starts: Float[Array, "starts free"], max_steps: int = 200) -> Optimum:
    """Minimise from every start in one vmap, keep the best end point, and refine it.

    Args:
        objective: what to minimise, in unconstrained coordinates.
        starts: (starts, free) where to start.
        max_steps: the most evaluations of each start.

    Returns:
        The best optimum.
    """
    # Under a jit of its own the objective is traced once for both loops.
    value_and_grad = jax.jit(jax.value_and_grad(objective))
    ends = jax.vmap(lambda start: lbfgs(value_and_grad, start, max_steps))(starts)
    best = jax.tree.map(lambda leaf: leaf[jnp.argmin(ends.value)], ends)
    if starts.shape[1] > MAX_CURVED:
        return best
    refined = newton(value_and_grad, best.vector, 50)
    return refined._replace(steps=best.steps + refined.steps)
