import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import jaxscale as js
from jaxscale.data import DataError


def test_attempts_are_read_only_copies():
    given = np.array([10, 20], np.int32)
    attempts = js.Attempts(given, [0, 20], query=["a", 7], name="runs")
    given[0] = 99
    assert attempts.attempts.tolist() == [10, 20]
    assert attempts.successes.dtype == np.int64
    assert attempts.query == ("a", "7")
    assert len(attempts) == 2
    with pytest.raises(ValueError, match="read-only"):
        attempts.attempts[0] = 1
    with pytest.raises(AttributeError):
        attempts.name = "other"


@pytest.mark.parametrize(
    ("attempts", "successes", "message"),
    [
        ([10, 5], [1, 6], "successes = 6 at index 1: expected at most the number of attempts"),
        ([0], [0], "attempts = 0 at index 0: expected a whole number from 1"),
        ([10], [-1], "successes = -1 at index 0"),
        ([10], [0.5], "successes = 0.5 at index 0: expected a whole number"),
        ([10], [np.nan], "successes = nan at index 0"),
        ([1e13], [0], "attempts = 10000000000000.0 at index 0"),
        ([np.inf], [0], "attempts = inf at index 0"),
        (["10"], [0], "attempts is of type <U2: expected whole numbers"),
        ([True], [0], "attempts is of type bool"),
        ([10, 10], [1], r"successes has shape \(1,\): expected \(2,\)"),
        ([], [], "at least one query"),
        (10, 1, r"attempts has shape \(\): expected \(queries,\)"),
        (np.array([2**63], np.uint64), [0], "attempts = 9223372036854775808 at index 0"),
    ],
)
def test_bad_attempts_name_the_argument_and_the_value(attempts, successes, message):
    with pytest.raises(ValueError, match=message):
        js.Attempts(attempts, successes)


def test_labels_must_match_and_are_named_in_errors():
    with pytest.raises(ValueError, match="query has 1 labels: expected 2"):
        js.Attempts([1, 1], [0, 0], query=["a"])
    with pytest.raises(ValueError, match=r"index 1 \(query 'b'\)"):
        js.Attempts([1, 1], [0, 2], query=["a", "b"])


@pytest.mark.parametrize(
    ("attempts", "successes", "stopped"),
    [
        ([3, 7], [1, 1], True),
        ([3, 7], [1, 0], True),
        ([3, 7], [0, 0], False),
        ([7, 7], [1, 0], False),
        ([3, 7], [2, 0], False),
    ],
)
def test_stopped_at_success_needs_uneven_attempts_and_no_second_success(attempts, successes, stopped):
    assert js.Attempts(attempts, successes).stopped_at_success is stopped


def test_ballots_know_their_calls_and_the_order_of_scores():
    ballots = js.Ballots(
        counts=[[2, 0, 1], [0, 1, 0]],
        correct=[[1, 0, 0], [0, 0, 0]],
        kept_counts=[[1, 0, 0], [0, 1, 0]],
        blank=[1, 2],
        scores=[[0.1, 0.2, 0.3, 0.4], [1, 2, 3, np.nan]],
    )
    assert ballots.calls.tolist() == [4, 3]
    assert ballots.call_answers.tolist() == [[0, 0, 2, -1], [1, -1, -1, -1]]
    assert ballots.correct.dtype == bool
    assert ballots.kept_blank.tolist() == [0, 0]
    assert len(ballots) == 2
    assert not ballots.scores.flags.writeable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": [[0, 0], [1, 0]]}, "calls of a query = 0 at index 0: expected at least one ballot"),
        ({"counts": [[1, -1], [1, 0]]}, "counts = -1 at index 0, 1"),
        ({"counts": [1, 2]}, r"expected \(queries, answers\)"),
        ({"correct": [[1, 0]]}, r"correct has shape \(1, 2\): expected \(2, 2\)"),
        ({"correct": [[2, 0], [0, 0]]}, "correct = 2 at index 0, 0: expected true or false"),
        ({"kept_counts": [[4, 0], [0, 0]]}, "kept_counts = 4 at index 0, 0: expected at most the count"),
        ({"blank": [-1, 0]}, "blank = -1"),
        ({"kept_blank": [0, 0]}, "kept_blank without kept_counts"),
        ({"kept_counts": [[0, 0], [0, 0]], "kept_blank": [1, 0]}, "kept_blank = 1 at index 0"),
        ({"scores": [[1, 2, 3, np.nan], [1, np.nan, np.nan, np.nan]]}, "scores = nan at index 0, 3"),
        ({"scores": [[1, 2, 3, 4], [1, 2, np.nan, np.nan]]}, "scores = 2.0 at index 1, 1: expected NaN beyond"),
        ({"tokens": [[1, 2, 3, -4], [1, np.nan, np.nan, np.nan]]}, "tokens = -4.0"),
        ({"greedy_correct": [True]}, r"greedy_correct has shape \(1,\)"),
    ],
)
def test_bad_ballots_name_the_argument_and_the_value(change, message):
    good = {"counts": [[3, 1], [1, 0]], "correct": [[1, 0], [0, 0]]}
    js.Ballots(**good)
    with pytest.raises(ValueError, match=message):
        js.Ballots(**{**good, **change})


def test_an_estimate_renders_and_leaves_out_an_error_that_does_not_exist():
    estimate = js.Estimate([1, 1000], [0.25, 0.5], [0.125, np.nan])
    assert estimate.to_dict() == {"calls": [1, 1000], "value": [0.25, 0.5], "standard_error": [0.125, None]}
    assert js.Estimate(3, 0.5, np.nan).to_dict() == {"calls": 3, "value": 0.5, "standard_error": None}
    console = Console(record=True, width=80, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(estimate)
    console.file.close()
    text = console.export_text()
    assert "1,000" in text
    assert "0.1250" in text
    with pytest.raises(ValueError, match="shapes of calls, value and standard_error differ"):
        js.Estimate([1], [0.5, 0.5], [0.1, 0.1])


def test_data_error_is_a_value_error_of_one_line():
    error = DataError("bad", "f.csv", 3)
    assert isinstance(error, ValueError)
    assert (str(error), error.file, error.line) == ("f.csv, line 3: bad", "f.csv", 3)
    assert str(DataError("bad", "f.csv")) == "f.csv: bad"


def test_reading_imports_no_jax():
    code = "import sys, jaxscale as js; js.read_attempts, js.read_ballots, js.Ballots; print('jax' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_answer_distribution_keeps_arrays_as_given():
    assert js.AnswerDistribution(np.array([[0.25, 0.75]])).probabilities.dtype == np.float64
    assert js.AnswerDistribution(np.array([[0.25, 0.75]], np.float32)).probabilities.dtype == np.float32
    assert js.AnswerDistribution([[1, 0]]).probabilities.dtype == np.float64
    traced = jnp.array([[0.25, 0.75]])
    assert js.AnswerDistribution(traced).probabilities is traced


def test_answer_distribution_is_a_differentiable_pytree():
    def share(distribution):
        return jnp.sum(distribution.probabilities[..., 0] ** 2)

    probabilities = jnp.array([[0.25, 0.75], [0.5, 0.5]])
    through_jit = jax.jit(jax.grad(lambda p: share(js.AnswerDistribution(p))))(probabilities)
    np.testing.assert_allclose(through_jit, [[0.5, 0.0], [1.0, 0.0]])
    gradient = jax.grad(share)(js.AnswerDistribution(probabilities))
    np.testing.assert_allclose(gradient.probabilities, through_jit)
    marked = js.AnswerDistribution(probabilities, correct=np.array([[False, True]] * 2), keep=probabilities)
    np.testing.assert_allclose(eqx.filter_grad(share)(marked).probabilities, through_jit)
    batched = jax.vmap(lambda p: share(js.AnswerDistribution(p)))(jnp.stack([probabilities] * 3))
    np.testing.assert_allclose(batched, [0.3125] * 3)


def test_right_answers_default_to_answer_0_and_broadcast():
    probabilities = np.full((2, 3, 4), 0.25)
    right = js.AnswerDistribution(probabilities).right
    assert right.shape == (2, 3, 4)
    assert right[..., 0].all()
    assert not right[..., 1:].any()
    right = js.AnswerDistribution(probabilities, correct=[False, True, True, False]).right
    np.testing.assert_array_equal(right[1, 2], [False, True, True, False])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"probabilities": [[0.5, 0.6]]}, "probabilities of row 0 sum to 1.1: expected 1 within 1e-6"),
        ({"probabilities": [[1, 0], [1.5, -0.5]]}, "probabilities = 1.5 at index 1, 0"),
        ({"probabilities": [[np.nan, 1]]}, "probabilities = nan"),
        ({"probabilities": [0.5, 0.5]}, r"probabilities has shape \(2,\)"),
        ({"probabilities": [[0.5, 0.5]], "correct": [[1, 0]]}, "correct is of type int64: expected bool"),
        ({"probabilities": [[0.5, 0.5]], "correct": [True] * 3}, r"correct has shape \(3,\)"),
        ({"probabilities": [[0.5, 0.5]], "keep": [[0.5]]}, r"keep has shape \(1, 1\): expected \(1, 2\)"),
        ({"probabilities": [[0.5, 0.5]], "keep": [[0.5, 2.0]]}, "keep = 2.0 at index 0, 1"),
    ],
)
def test_bad_answer_distributions_name_the_argument(arguments, message):
    with pytest.raises(ValueError, match=message):
        js.AnswerDistribution(**arguments)


def test_a_draw_of_ballots_is_what_a_shorter_run_records():
    ballots = js.Ballots(
        counts=[[6, 2, 0], [1, 3, 1]],
        correct=[[True, False, False]] * 2,
        kept_counts=[[5, 1, 0], [1, 0, 1]],
        blank=[2, 5],
        kept_blank=[1, 0],
        query=["a", "b"],
        name="x",
    )
    cells = ["counts", "kept_counts", "blank", "kept_blank"]
    draws = [js.draw_ballots(key, ballots, [4, 6]) for key in jax.random.split(jax.random.key(0), 2000)]
    for drawn in draws:
        assert drawn.calls.tolist() == [4, 6]
        for name in cells:
            assert (getattr(drawn, name) <= getattr(ballots, name)).all()
    for name in cells:
        # Means of a hypergeometric law: the share drawn of each cell, within five of its standard errors.
        whole, drawn = getattr(ballots, name), np.stack([getattr(one, name) for one in draws])
        share = np.array([0.4, 0.6]).reshape(2, *[1] * (whole.ndim - 1))
        spread = np.sqrt(whole * share / len(draws)) + 1e-12
        assert (np.abs(drawn.mean(axis=0) - whole * share) < 5 * spread).all()
    assert (draws[0].query, draws[0].name) == (("a", "b"), "x")
    np.testing.assert_array_equal(js.draw_ballots(jax.random.key(0), ballots, 10).counts, ballots.counts)
    with pytest.raises(ValueError, match=r"^calls = 11 at index 0 \(query 'a'\): expected at most"):
        js.draw_ballots(jax.random.key(0), ballots, [11, 1])
    with pytest.raises(ValueError, match=r"^calls = 0 at index 0: expected a whole number from 1"):
        js.draw_ballots(jax.random.key(0), ballots, 0)
