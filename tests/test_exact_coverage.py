"""Exact coverage of every kind of population."""

import itertools

import jax
import numpy as np
import pytest

import jaxscale as js
from jaxscale._arrays import float64


def test_laws_answer_for_themselves():
    with float64():
        np.testing.assert_allclose(
            js.exact(js.PassAtK(), js.Beta(1.0, 1.0), [1, 3, 9]), [1 / 2, 3 / 4, 9 / 10], rtol=1e-14
        )
        law = js.PowerLaw(0.8, 0.5)
        np.testing.assert_allclose(js.exact(js.PassAtK(), law, [1, 4]), [0.2, 0.6], rtol=1e-14)


def test_known_answers_agree_with_enumeration():
    q = np.array([[0.5, 0.3, 0.2], [0.1, 0.9, 0.0]])
    right = np.array([[True, False, True], [True, False, False]])
    expected = np.mean(
        [
            sum(np.prod(row[list(calls)]) for calls in itertools.product(range(3), repeat=3) if mask[list(calls)].any())
            for row, mask in zip(q, right, strict=True)
        ]
    )
    value = js.exact(js.PassAtK(), js.AnswerDistribution(q, correct=right), 3)
    assert value.dtype == np.float64
    assert float(value) == pytest.approx(expected, abs=1e-14)


def test_gradient_is_finite_where_a_query_is_certain():
    def coverage(p):
        return js.exact(js.PassAtK(), js.AnswerDistribution(p), 5)

    gradient = jax.grad(coverage)(jax.numpy.array([[1.0, 0.0], [0.0, 1.0], [0.4, 0.6]]))
    assert np.isfinite(gradient).all()


def test_records_are_drawn_without_replacement():
    attempts = js.Attempts([5, 5], [2, 0])
    ballots = js.Ballots([[2, 3], [0, 4]], [[True, False], [True, False]], blank=[0, 1])
    for data in (attempts, ballots):
        value = js.exact(js.PassAtK(), data, [1, 2, 5])
        np.testing.assert_allclose(value, [0.2, 0.35, 0.5], atol=1e-14)
    with pytest.raises(ValueError, match="forecast"):
        js.exact(js.PassAtK(), attempts, 6)
