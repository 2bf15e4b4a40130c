import functools
import itertools
import math

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy import stats

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.plurality import DIRICHLET_MULTINOMIAL, MULTINOMIAL, winning_votes

CALLS = np.array([1, 2, 3, 5, 8])


@functools.cache
def compositions(calls, answers):
    grid = np.array(list(itertools.product(range(calls + 1), repeat=answers)))
    return grid[grid.sum(axis=1) == calls]


def share_of_wins(counts, least=1):
    """(draws, answers): 1 / leaders for each leader; `counts` without what never wins."""
    top = counts.max(axis=1, keepdims=True)
    leads = (counts == top) & (top >= least)
    return leads / np.maximum(leads.sum(axis=1, keepdims=True), 1)


def multinomial(counts, q):
    return stats.multinomial(counts[0].sum(), q).pmf(counts)


def dirichlet_multinomial(counts, concentration):
    return stats.dirichlet_multinomial(concentration, counts[0].sum()).pmf(counts)


def enumerate_wins(q, calls, law=multinomial, least=1, free=False):
    counts = compositions(calls, len(q))
    wins = share_of_wins(counts[:, :-1] if free else counts, least)
    return law(counts, np.asarray(q)) @ wins


Q = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6], [0.0, 0.7, 0.3], [1 / 3, 1 / 3, 1 / 3], [0.0, 1.0, 0.0]])


def test_win_probabilities_are_those_of_enumeration():
    expected = np.array([[enumerate_wins(q, int(k)) for q in Q] for k in CALLS])
    found = js.win_probabilities(Q, CALLS)
    assert found.dtype == jnp.float64
    assert found.shape == (5, 5, 3)
    np.testing.assert_allclose(found, expected, atol=1e-13)
    np.testing.assert_allclose(js.win_probabilities(Q.astype(np.float32), CALLS), expected, atol=1e-5)


def test_accuracy_counts_every_right_answer_and_keeps_shapes():
    right = np.array([[1, 0, 0], [1, 0, 1], [0, 0, 0], [0, 0, 1], [0, 1, 0]], bool)
    wins = np.array([[enumerate_wins(q, int(k)) for q in Q] for k in CALLS])
    calls = np.concatenate([CALLS, CALLS[:1]]).reshape(2, 3)
    accuracy = js.exact(js.Vote(), js.AnswerDistribution(Q, right), calls)
    expected = (wins * right).sum(axis=-1).mean(axis=-1)
    np.testing.assert_allclose(accuracy, np.append(expected, expected[0]).reshape(2, 3), atol=1e-13)
    batch = js.exact(js.Vote(), js.AnswerDistribution(np.stack([Q, Q[::-1]])), 3)
    np.testing.assert_allclose(batch, [wins[2, :, 0].mean()] * 2, atol=1e-13)


def test_two_answers_are_a_binomial_tail_at_any_number_of_calls():
    for calls in (1_001, 100_001):
        edge = 2 / math.sqrt(calls)
        p = np.array([0.5, 0.5 + edge, 0.5 - edge, 0.9, 1e-3])
        expected = stats.binom.sf(calls // 2, calls, p)
        distribution = np.stack([p, 1 - p], axis=1)
        with float64():
            found = winning_votes(MULTINOMIAL, jnp.asarray(distribution), np.array([calls]))[0]
        np.testing.assert_allclose(found, expected, atol=1e-11)
        single = winning_votes(MULTINOMIAL, jnp.asarray(distribution[[0, 3, 4]], jnp.float32), np.array([calls]))[0]
        np.testing.assert_allclose(single, expected[[0, 3, 4]], atol=1e-5)


def test_many_answers_agree_one_by_one_and_all_at_once():
    # Eleven rivals are not a whole number of blocks; the windows of 1,000 calls are cut at both ends.
    rng = np.random.default_rng(0)
    q = rng.dirichlet(np.full(12, 2.0), size=3)
    q[1, 7:] = 0
    q[1] /= q[1].sum()
    wins = np.asarray(js.win_probabilities(q, [1_000]))[0]
    np.testing.assert_allclose(wins.sum(axis=1), 1, atol=1e-12)
    with float64():
        first = winning_votes(MULTINOMIAL, jnp.asarray(q), np.array([1_000]))[0]
    np.testing.assert_allclose(first, wins[:, 0], atol=1e-13)
    padded = np.concatenate([q, np.zeros((3, 3))], axis=1)
    np.testing.assert_allclose(js.win_probabilities(padded, 1_000), np.pad(wins, ((0, 0), (0, 3))), atol=1e-13)


def test_equal_answers_have_equal_chances():
    # 40 ties at up to 40 calls: the Gauss-Legendre rule must integrate every power of the tie-break.
    wins = js.win_probabilities(np.full(40, 1 / 40), [2, 40])
    np.testing.assert_allclose(wins, 1 / 40, atol=1e-14)


def test_gradient_of_accuracy_in_every_probability():
    q = np.array([[0.5, 0.3, 0.2, 0.0], [0.2, 0.45, 0.3, 0.05]])

    def accuracy(q):
        return js.exact(js.Vote(), js.AnswerDistribution(q), CALLS)[3:].sum()

    with float64():
        found = np.asarray(jax.grad(accuracy)(jnp.asarray(q)))
        traced = jax.jit(accuracy)(jnp.asarray(q))
        np.testing.assert_allclose(traced, accuracy(q), atol=1e-14)
        step = 1e-6
        for i, j in np.ndindex(*q.shape):
            move = np.zeros_like(q)
            move[i, j] = step
            rows = [q + move, q - move] if q[i, j] else [q + 2 * move, q + move, q]
            values = [float(winning_votes(MULTINOMIAL, jnp.asarray(row), CALLS)[3:].mean(axis=1).sum()) for row in rows]
            change = values[0] - values[1] if q[i, j] else 4 * values[1] - values[0] - 3 * values[2]
            slope = change / (2 * step)
            np.testing.assert_allclose(found[i, j], slope, atol=1e-7)


def test_dirichlet_multinomial_is_enumeration_and_tends_to_the_multinomial():
    concentration = np.array([[0.5, 1.5, 2.0], [3.0, 0.05, 1.0]])
    with float64():
        found = winning_votes(DIRICHLET_MULTINOMIAL, jnp.asarray(concentration), CALLS, every=True)
        large = winning_votes(DIRICHLET_MULTINOMIAL, jnp.asarray(1e9 * Q[:1]), CALLS, every=True)
    expected = np.array([[enumerate_wins(a, int(k), dirichlet_multinomial) for a in concentration] for k in CALLS])
    np.testing.assert_allclose(found, expected, atol=1e-12)
    np.testing.assert_allclose(large[:, 0], [enumerate_wins(Q[0], int(k)) for k in CALLS], atol=1e-7)
    model = js.DirichletAnswers(concentration[0])
    np.testing.assert_allclose(js.exact(js.Vote(), model, CALLS), expected[:, 0, 0], atol=1e-5)


def test_filter_vote_falls_back_to_the_dropped_answers():
    keep = np.array([[0.9, 0.2, 0.1], [0.5, 0.5, 0.5], [0.3, 0.0, 1.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])

    def enumerated(q, keep, calls):
        counts = compositions(calls, 6)
        chance = multinomial(counts, np.concatenate([q * keep, q * (1 - keep)]))
        kept, dropped = counts[:, :3], counts[:, 3:]
        votes = np.where(kept.any(axis=1, keepdims=True), kept, dropped)
        return chance @ share_of_wins(votes)[:, 0]

    calls = np.array([1, 2, 3, 5])
    expected = [np.mean([enumerated(q, r, int(k)) for q, r in zip(Q, keep, strict=True)]) for k in calls]
    population = js.AnswerDistribution(Q, keep=keep)
    np.testing.assert_allclose(js.exact(js.FilterVote(), population, calls), expected, atol=1e-13)
    halved = js.exact(js.FilterVote(filter_calls_count=True), population, 2 * calls + 1)
    np.testing.assert_allclose(halved, expected, atol=1e-13)
    all_kept = js.exact(js.FilterVote(), js.AnswerDistribution(Q, keep=np.ones_like(Q)), calls)
    np.testing.assert_allclose(all_kept, js.exact(js.Vote(), js.AnswerDistribution(Q), calls), atol=1e-13)
    with float64():
        gradient = jax.grad(
            lambda keep: js.exact(js.FilterVote(), js.AnswerDistribution(jnp.asarray(Q), keep=keep), calls).sum()
        )(jnp.asarray(keep))
    assert np.isfinite(gradient).all()


def test_routed_vote_needs_a_share_of_the_calls():
    calls, threshold = np.array([1, 4, 5]), 0.5

    def enumerated(q, calls):
        reached = enumerate_wins(q, calls, least=math.ceil(threshold * calls))
        return reached[0] + (1 - reached.sum()) * q[0]

    expected = [np.mean([enumerated(q, int(k)) for q in Q]) for k in calls]
    population = js.AnswerDistribution(Q)
    np.testing.assert_allclose(js.exact(js.RoutedVote(threshold), population, calls), expected, atol=1e-13)
    vote = js.exact(js.Vote(), population, calls)
    np.testing.assert_allclose(js.exact(js.RoutedVote(0.0), population, calls), vote, atol=1e-13)


def test_best_of_n_tends_to_the_precision_of_its_verifier():
    population = js.AnswerDistribution(np.array([[0.3, 0.7], [0.0, 1.0], [1.0, 0.0]]))
    found = js.exact(js.BestOfN(tpr=0.8, fpr=0.1), population, [1, 10_000])
    np.testing.assert_allclose(found, [1.3 / 3, (0.24 / 0.31 + 1) / 3], atol=1e-12)
    # A verifier that knows turns n samples into coverage; one that accepts nothing changes nothing.
    perfect = js.exact(js.BestOfN(tpr=1.0, fpr=0.0), population, [1, 4])
    np.testing.assert_allclose(perfect, [1.3 / 3, (1 - 0.7**4 + 1) / 3], atol=1e-12)
    np.testing.assert_allclose(js.exact(js.BestOfN(tpr=0.0, fpr=0.0), population, [7]), [1.3 / 3], atol=1e-12)


@pytest.mark.parametrize("separation", [-2.0, 0.0, 1.0, 9.0])
def test_best_scored_of_n_is_the_integral(separation):
    # Scores are independent: P(the best is right) = n p E[F(s)^(n - 1)], s the score of a right call.
    p, calls = 0.3, [1, 2, 50, 10**9]

    def integral(n):
        def density(s):
            law = mpmath.mpf(p) * mpmath.ncdf(s - separation) + (1 - mpmath.mpf(p)) * mpmath.ncdf(s)
            return n * p * mpmath.npdf(s - separation) * law ** (n - 1)

        return float(mpmath.quad(density, mpmath.linspace(separation - 12, separation + 12, 25)))

    q = np.array([[p, 0.5, 0.2]])
    found = js.exact(js.BestOfN(separation=separation), js.AnswerDistribution(q), calls)
    np.testing.assert_allclose(found, [integral(n) for n in calls], atol=1e-10)
    single = js.exact(js.BestOfN(separation=separation), js.AnswerDistribution(q.astype(np.float32)), calls)
    np.testing.assert_allclose(single, found, atol=1e-5)


def test_best_scored_of_n_is_differentiable_and_certain_at_the_ends():
    def accuracy(p, calls):
        return js.exact(js.BestOfN(separation=1.0), js.AnswerDistribution(jnp.stack([p, 1 - p])[None]), calls)

    with float64():
        slope = jax.grad(accuracy)(jnp.float64(0.3), 20)
        step = (accuracy(jnp.float64(0.3 + 1e-6), 20) - accuracy(jnp.float64(0.3 - 1e-6), 20)) / 2e-6
        np.testing.assert_allclose(slope, step, rtol=1e-6)
        assert [float(accuracy(jnp.float64(p), 20)) for p in (0.0, 1.0)] == pytest.approx([0.0, 1.0])
        # The slope at p = 0 is that of a single right call among n: n P(it outscores n - 1 wrong ones).
        assert jax.grad(accuracy)(jnp.float64(0.0), 2) == pytest.approx(1 + math.erf(0.5))


def test_difficulty_models_are_two_answers():
    calls = np.array([1, 2, 3, 4, 101])
    odd = np.where(calls % 2, calls, calls - 1)
    with float64():
        model = js.TwoPoint(0.6, 0.85, 0.4)
        expected = 0.6 * stats.binom.sf(odd // 2, odd, 0.85) + 0.4 * stats.binom.sf(odd // 2, odd, 0.4)
        np.testing.assert_allclose(js.exact(js.Vote(), model, calls), expected, atol=1e-12)
        beta = stats.betabinom(odd, 2.0, 1.5).sf(odd // 2)
        np.testing.assert_allclose(js.exact(js.Vote(), js.Beta(2.0, 1.5), calls), beta, atol=1e-12)
        np.testing.assert_allclose(js.exact(js.Vote(), js.PointMass(0.5), calls), 0.5, atol=1e-12)


def test_bad_calls_and_missing_rules_are_refused():
    population = js.AnswerDistribution(Q)
    with pytest.raises(ValueError, match="calls = 0: expected whole numbers"):
        js.exact(js.Vote(), population, [1, 0])
    with pytest.raises(ValueError, match="at least 2 when the filter's own calls count"):
        js.exact(js.FilterVote(filter_calls_count=True), js.AnswerDistribution(Q, keep=Q), [4, 1])
    with pytest.raises(ValueError, match="keep = None"):
        js.exact(js.FilterVote(), population, [1])
    with pytest.raises(TypeError, match="no exact for AdaptiveVote on AnswerDistribution: simulate knows"):
        js.exact(js.AdaptiveVote(0.9), population, [1])


def test_a_single_number_of_calls_gives_a_single_value():
    ballots = js.Ballots([[2, 1], [1, 2]], [[True, False]] * 2)
    assert js.exact(js.Vote(), ballots, 3).shape == ()
    assert float(js.exact(js.Vote(), ballots, 3)) == 0.5
