"""The vote kernel for any number of queries and budgets: plans the work, batches it and joins the results."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array
from numpy.typing import ArrayLike

from jaxscale._arrays import Floats, following_dtype, strong_float
from jaxscale._checks import whole_numbers
from jaxscale.plurality._count_laws import DIRICHLET_MULTINOMIAL, MULTINOMIAL, CountLaw
from jaxscale.plurality._kernel import RADIX, winning
from jaxscale.plurality._plan import Setup, plans

MOST_CALLS = 10**6
"""The largest number of calls of an exact vote; the cost of one query grows in proportion to it."""


def win_probabilities(probabilities: ArrayLike | Array, calls: ArrayLike) -> Floats:
    r"""Probability that each answer wins a plurality vote, ties split uniformly: exact, and differentiable.

    P(a wins) = sum_m P(N_a = m) E[1 / (1 + T); all others <= m | N_a = m], N ~ Multinomial(calls, q) and T the number
    of others with m votes; computed from counts conditioned on their total.

    Args:
        probabilities: q, P(answer) of one call, shape (..., answers); rows are normalised.
        calls: numbers of calls, whole numbers in [1, 10^6]; any shape.

    Returns:
        Shape of `calls` + shape of `probabilities`, in their dtype; absolute error about 1e-13 in float64 and 1e-6 in
        float32. An answer of probability 0 never wins.

    Raises:
        ValueError: for `calls` outside [1, 10^6].

    Source:
        docs/mathematics.md, "Many answers"; [Levin81]; [Chen24].

    Example:
        >>> print(win_probabilities(np.array([0.5, 0.3, 0.2]), 3).round(3))  # 0.56 = 1/8 + 3/8 + 6 (.5)(.3)(.2) / 3
        [0.56  0.276 0.164]
    """
    calls = whole_numbers(calls, "calls", most=MOST_CALLS)
    with following_dtype(probabilities):
        q = strong_float(probabilities)
        rows = q.reshape(-1, q.shape[-1])
        result = winning_votes(MULTINOMIAL, rows, calls.reshape(-1), every=True)
        return result.reshape(*calls.shape, *q.shape)


def winning_votes(
    law: CountLaw,
    sizes: Floats,
    calls: np.ndarray,
    *,
    free: Floats | None = None,
    least: np.ndarray | None = None,
    every: bool = False,
) -> Floats:
    """Probability of winning a plurality vote, ties split, with at least `least` votes.

    Args:
        law: how the calls are drawn.
        sizes: probabilities or concentrations of the answers, shape (queries, answers).
        calls: numbers of calls, int64, shape (budgets,).
        free: size of what never wins (dropped and blank calls), shape (queries,), or None.
        least: the fewest votes that may win, one per number of calls, or None for 1.
        every: whether to return the probabilities of all answers or of answer 0 alone.

    Returns:
        Shape (budgets, queries), or (budgets, queries, answers) if `every`.
    """
    queries, answers = sizes.shape
    sizes = jnp.pad(sizes, ((0, 0), (0, _padding(answers, every=every))))
    dtype = sizes.dtype
    unique, where = np.unique(calls, return_inverse=True)
    setup = Setup(
        answers=sizes.shape[1],
        free=free is not None,
        windowed=law is not DIRICHLET_MULTINOMIAL,
        shared=dtype == np.float64 and least is None and law is not DIRICHLET_MULTINOMIAL,
    )
    votes = dict(zip(calls.tolist(), np.ones_like(calls).tolist() if least is None else least.tolist(), strict=True))
    found: dict[int, Floats] = {}
    for plan in plans(unique, setup):
        groups, share = plan.groups.shape
        # In the kernel's dtype from the start: what a jit around it remembers of a float64 constant depends on x64.
        pairs = jax.tree.map(lambda x: x.astype(dtype) if x.dtype == np.float64 else x, plan.pairs)
        result = winning(
            law,
            plan.span,
            setup.free,
            pairs,
            jnp.tile(sizes, (groups, 1)),
            jnp.tile(jnp.zeros(queries, dtype) if free is None else free, groups),
            jnp.asarray(np.repeat(plan.groups, queries, axis=0), dtype),
            jnp.asarray(np.repeat([votes[row[0]] for row in plan.groups.tolist()], queries), dtype),
            chunk=plan.chunk,
            every=every,
        ).reshape(groups, queries, share, -1)
        for g, row in enumerate(plan.groups.tolist()):
            found.update((k, result[g, :, i]) for i, k in enumerate(row))
    stacked = jnp.stack([found[k] for k in unique.tolist()])[where]
    return stacked[..., :answers] if every else stacked[..., 0]


def _padding(answers: int, *, every: bool) -> int:
    """How many answers of size 0 to add: the kernel wants at least two, and whole blocks of rivals."""
    blocked = answers if every else answers - 1
    return -blocked % RADIX if blocked > RADIX else max(2 - answers, 0)


def accuracy(law: CountLaw, sizes: Floats, right: Any, calls: np.ndarray, *, free: Floats | None = None) -> Floats:
    """Probability that a right answer wins, of each query.

    Args:
        law: how the calls are drawn.
        sizes: shape (queries, answers).
        right: which answers are right, bool, the same shape. Where it is concrete, only right answers are computed.
        calls: numbers of calls, int64, shape (budgets,).
        free: size of what never wins (dropped and blank calls), shape (queries,), or None.

    Returns:
        Shape (budgets, queries).
    """
    if isinstance(right, jax.core.Tracer):
        return (winning_votes(law, sizes, calls, every=True, free=free) * right).sum(axis=-1)
    right = np.asarray(right)
    if (right.sum(axis=1) == 1).all() and right[:, 0].all():
        return winning_votes(law, sizes, calls, free=free)
    # Each right answer takes its turn at the front.
    query, answer = np.nonzero(right)
    order = np.argsort(np.arange(right.shape[1]) != answer[:, None], axis=1, kind="stable")
    result = jnp.zeros((len(calls), len(sizes)), sizes.dtype)
    if not len(query):
        return result
    free = None if free is None else free[query]
    return result.at[:, query].add(winning_votes(law, sizes[query[:, None], order], calls, free=free))
