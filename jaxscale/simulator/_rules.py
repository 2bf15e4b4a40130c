"""How the built-in systems score counts, and those that need a step per call."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import ndtri
from jaxtyping import Array, Float, PRNGKeyArray

from jaxscale.sampling import BLOCK, exponential, random_words
from jaxscale.simulator._call import Call
from jaxscale.simulator._process import PARTS, all_or_nothing
from jaxscale.simulator._source import Urn


def score_any(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """1 if any call gave a right answer."""
    del parameter, key
    votes = _summed(counts[:, : len(urn.right)])
    return all_or_nothing(jnp.any((votes > 0) & urn.right, axis=0))


def score_at_least(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """1 if `parameter` calls or more are right."""
    del key
    return all_or_nothing(_right_calls(counts, urn) >= parameter)


def score_mean_share(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """2 / `parameter` for every right call beyond the first half of `parameter` calls, rounded up."""
    del key
    beyond = jnp.maximum(_right_calls(counts, urn) - (parameter + 1) // 2, 0)
    return jnp.round(beyond.astype(jnp.float32) * (2 * PARTS / parameter)).astype(jnp.int32)


def score_vote(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """The share of right answers among the most frequent ones."""
    del parameter, key
    return _plurality(_summed(counts[:, : len(urn.right)]), urn.right)


def score_filter_vote(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """The vote over what the filter kept, blank calls included, or over everything where it kept nothing."""
    del parameter, key
    kept_any = _summed(counts[0]) > 0
    votes = jnp.where(kept_any, counts[0], _summed(counts))
    return _plurality(votes[: len(urn.right)], urn.right)


def score_routed_vote(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """The vote if the leader has `parameter` votes, else the greedy call, or a fresh one from the full urn."""
    votes = _summed(counts[:, : len(urn.right)])
    if urn.greedy is not None:
        other = urn.greedy
    else:
        other = _fresh_is_right(counts, urn, key)
    return jnp.where(jnp.max(votes, axis=0) >= parameter, _plurality(votes, urn.right), all_or_nothing(other))


def score_best_scored(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """1 if the highest of the right calls' scores, normal around `parameter`, exceeds that of the wrong calls'.

    Scores need not be drawn call by call: the highest of m has the upper tail 1 - U^(1/m) = 1 - exp(-E / m).
    """
    votes = _summed(counts)
    right = _summed(jnp.where(urn.right, votes[: len(urn.right)], 0))
    wrong = _summed(votes) - right
    words = random_words(key, 4, BLOCK)
    best_right, best_wrong = (
        -ndtri(-jnp.expm1(-exponential(high, low, jnp.float64) / calls))  # -inf where there are no calls
        for calls, (high, low) in ((right, words[:2]), (wrong, words[2:]))
    )
    return all_or_nothing(best_right + parameter > best_wrong)


def score_accepted(counts: Array, urn: Urn, parameter: Array, key: PRNGKeyArray) -> Array:
    """1 if the answer drawn from those that the verifier accepted, or from all where it accepted none, is right."""
    del parameter
    pool = jnp.where(_summed(counts[0]) > 0, counts[0], _summed(counts))
    (word,) = random_words(key, 1, BLOCK)
    drawn = ((word * _summed(pool).astype(jnp.uint64)) >> np.uint64(32)).astype(jnp.int32)
    return all_or_nothing(drawn < _summed(jnp.where(urn.right, pool[: len(urn.right)], 0)))


def _right_calls(counts: Array, urn: Urn) -> Array:
    return _summed(jnp.where(urn.right, _summed(counts[:, : len(urn.right)]), 0))


def _fresh_is_right(counts: Array, urn: Urn, key: PRNGKeyArray) -> Array:
    (word,) = random_words(key, 1, BLOCK)
    total = urn.edges[-1].astype(jnp.uint64)
    place = ((word * total) >> np.uint64(32)).astype(urn.edges.dtype)
    cell = _summed(place >= urn.edges[:-1]) % counts.shape[1]
    blank = cell == len(urn.right)
    return jnp.take_along_axis(urn.right, jnp.minimum(cell, len(urn.right) - 1)[None], axis=0)[0] & ~blank


def _summed(counts: Array) -> Array:
    """Sums over the first axis; left alone, NumPy's rule would make them int64, which accelerators are slow at."""
    return jnp.sum(counts, axis=0, dtype=jnp.int32)


def _plurality(votes: Array, right: Array) -> Array:
    top = jnp.max(votes, axis=0)
    leads = (votes == top) & (top > 0)
    leaders = jnp.maximum(_summed(leads), 1)
    return (_summed(leads & right) * PARTS + leaders // 2) // leaders


class SolveOnceState(NamedTuple):
    """Whether a call was right, and the calls made until then."""

    solved: Array
    calls: Array


class SolveOnceCalls(eqx.Module):
    """SolveOnce call by call."""

    def start(self, answers: int) -> SolveOnceState:
        """No call yet."""
        del answers
        return SolveOnceState(jnp.array(False), jnp.int32(0))

    def step(self, state: SolveOnceState, call: Call) -> SolveOnceState:
        """Make one call, unless one before was right."""
        return SolveOnceState(state.solved | call.right, state.calls + ~state.solved)

    def score(self, state: SolveOnceState) -> Array:
        """1 if a call was right."""
        return state.solved.astype(jnp.float32)

    def calls_used(self, state: SolveOnceState) -> Array:
        """Calls until one was right."""
        return state.calls


class VerifiedState(NamedTuple):
    """Whether a call was accepted, and whether the first accepted and the first rejected were right."""

    accepted: Array
    rejected: Array
    right_accepted: Array
    right_rejected: Array


class VerifiedCalls(eqx.Module):
    """BestOfN call by call: an answer drawn among the accepted has the law of the first accepted one."""

    tpr: Array
    fpr: Array

    def start(self, answers: int) -> VerifiedState:
        """No call yet."""
        del answers
        return VerifiedState(*[jnp.array(False)] * 4)

    def step(self, state: VerifiedState, call: Call) -> VerifiedState:
        """Let the verifier judge one call."""
        accepts = call.chance <= jnp.where(call.right, self.tpr, self.fpr)
        return VerifiedState(
            state.accepted | accepts,
            state.rejected | ~accepts,
            jnp.where(state.accepted, state.right_accepted, accepts & call.right),
            jnp.where(state.rejected, state.right_rejected, ~accepts & call.right),
        )

    def score(self, state: VerifiedState) -> Array:
        """1 if the chosen answer is right."""
        return jnp.where(state.accepted, state.right_accepted, state.right_rejected).astype(jnp.float32)


class AdaptiveState(NamedTuple):
    """Votes so far, whether they settled, which answers are right, and the calls used."""

    votes: Array
    right: Array
    settled: Array
    calls: Array


class AdaptiveCalls(eqx.Module):
    """AdaptiveVote call by call.

    Args:
        confidence: posterior probability at which to stop.
        ahead: (calls + 1, calls + 1) posterior probability that i votes against j mean the more
            probable answer.
        pairwise: whether only the two leading answers count; else the chances of every rival seen so far, and of one
            more answer that stands for any not seen yet, are added up (`AdaptiveVote` says why).
    """

    confidence: Array
    ahead: Float[Array, "calls calls"]
    pairwise: bool = eqx.field(static=True)

    def start(self, answers: int) -> AdaptiveState:
        """No call yet."""
        none = jnp.zeros(answers, jnp.int32)
        return AdaptiveState(none, none > 0, jnp.array(False), jnp.int32(0))

    def step(self, state: AdaptiveState, call: Call) -> AdaptiveState:
        """Count one call, unless the vote is settled, and see whether it now is."""
        mine = (jnp.arange(len(state.votes), dtype=jnp.int32) == call.answer) & ~state.settled
        votes = state.votes + mine
        leader = lax.argmax(votes, 0, jnp.int32)
        chances = 1 - self.ahead[votes[leader], votes]
        rival = jnp.arange(len(votes), dtype=jnp.int32) != leader
        if self.pairwise:
            overtaken = jnp.max(jnp.where(rival, chances, 0.0))
        else:
            unseen = 1 - self.ahead[votes[leader], 0]
            overtaken = unseen + jnp.sum(jnp.where(rival & (votes > 0), chances, 0.0))
        settled = state.settled | (1 - overtaken > self.confidence)
        return AdaptiveState(votes, state.right | (mine & call.right), settled, state.calls + ~state.settled)

    def score(self, state: AdaptiveState) -> Array:
        """The share of right answers among the leading ones."""
        top = jnp.max(state.votes)
        leads = (state.votes == top) & (top > 0)
        return _summed(leads & state.right) / jnp.maximum(_summed(leads), 1).astype(jnp.float32)

    def calls_used(self, state: AdaptiveState) -> Array:
        """Calls until the vote was settled."""
        return state.calls
