"""How answers repeat: the prior under which recorded ballots foretell further ones."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxscale._arrays import float64
from jaxscale.data import Attempts, Ballots
from jaxscale.estimate._distinct import padded_size
from jaxscale.fit._fit import fit
from jaxscale.fit._optimise import minimise


@dataclass(frozen=True)
class AnswerPrior:
    """What the queries of a data set share: how often answers are right, and how wrong ones repeat.

    The right share of a query is Beta(right_a, right_b). Among wrong answers, after n calls in which answer j came c_j
    times and s different ones came at all, the probabilities are Dirichlet(c_1 - discount, ..., c_s - discount,
    concentration + s * discount), the last for all wrong answers yet unseen.

    Attributes:
        right_a: first parameter of the law of the right share.
        right_b: second parameter of it.
        concentration: how readily new wrong answers come, positive.
        discount: how much more readily the more there have been, in [0, 1).
    """

    right_a: float
    right_b: float
    concentration: float
    discount: float


def fit_answer_prior(ballots: Ballots) -> AnswerPrior:
    """Fit the prior on answers by maximum marginal likelihood over all queries, under wide priors.

    Args:
        ballots: what was recorded; blank calls count as one more wrong answer.

    Returns:
        The fitted prior.

    Source:
        MATH 2 and 3.5; Pitman, "Exchangeable and partially exchangeable random partitions", 1995 (the two-parameter
        law of the wrong answers).

    Example:
        >>> prior = fit_answer_prior(Ballots(counts=[[5, 1], [3, 3]], correct=[[True, False], [True, False]]))
        >>> prior.concentration > 0, 0 <= prior.discount < 1
        (True, True)
    """
    right = np.where(ballots.correct, ballots.counts, 0).sum(axis=1)
    difficulty = fit("beta", Attempts(ballots.calls, right), method="map").values
    wrong = np.column_stack([np.where(ballots.correct, 0, ballots.counts), np.asarray(ballots.blank)])
    answers, calls = np.count_nonzero(wrong, axis=1), wrong.sum(axis=1)
    size = padded_size(int(calls.max()) + 1, 64)
    step = np.arange(1, size)
    # How many queries have more than l wrong answers, or calls, and how many answers came more than l times.
    more_answers, more_calls = (
        np.count_nonzero(x.reshape(-1, 1) > step, axis=0).astype(float) for x in (answers, calls)
    )
    repeated = np.bincount(wrong[wrong > 0], minlength=size + 1)[::-1].cumsum()[::-1][2 : size + 1].astype(float)
    with float64():
        vector = _fit(*(jnp.asarray(x) for x in (more_answers, more_calls, repeated)), jnp.asarray(float(len(ballots))))
        concentration, discount = (float(x) for x in _constrain(vector))
    return AnswerPrior(difficulty["a"], difficulty["b"], concentration, discount)


def _constrain(vector: Float[Array, "2"]) -> tuple[Array, Array]:
    return jnp.exp(vector[0]), jax.nn.sigmoid(vector[1])


@jax.jit
def _fit(more_answers: Array, more_calls: Array, repeated: Array, queries: Array) -> Float[Array, "2"]:
    step = jnp.arange(1, len(more_calls) + 1, dtype=more_calls.dtype)

    def objective(vector: Float[Array, "2"]) -> Float[Array, ""]:
        concentration, discount = _constrain(vector)
        new = jnp.sum(more_answers * jnp.log(concentration + step * discount))
        old = jnp.sum(repeated * jnp.log(step - discount))
        # Weak priors keep data with one wrong answer a query, or all different ones, off the ends.
        prior = -jnp.sum(jnp.square(vector / 4)) / 2
        return -(new + old - jnp.sum(more_calls * jnp.log(concentration + step)) + prior) / queries

    return minimise(objective, jnp.array([[0.0, -1.0], [-2.0, -3.0], [3.0, 0.0]])).vector
