"""The example of a system in CONTRIBUTING.md runs, and is right."""

import itertools
import re
from pathlib import Path

import jax
import numpy as np
import pytest

import jaxscale as js
from jaxscale.systems import _registry, implemented

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text()
(CODE,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def two_right(monkeypatch):
    """The system, registered for the time of a test."""
    monkeypatch.setattr(_registry, "_IMPLEMENTATIONS", dict(_registry._IMPLEMENTATIONS))
    names = {"__name__": "two_right"}
    exec(CODE, names)
    return names["TwoRight"]()


def test_a_system_of_one_file_is_known_to_the_verbs(two_right):
    assert {verb for verb, system, _ in implemented() if system is type(two_right)} == {"estimate", "exact"}
    records = [[1, 1, 0, 0, 0, 0], [1, 0, 1, 1, 0, 1]]
    data, calls = js.Attempts([6, 6], [sum(record) for record in records]), [1, 2, 4]
    worth = [[np.mean([sum(draw) >= 2 for draw in itertools.combinations(r, k)]) for r in records] for k in calls]
    found = js.estimate(two_right, data, calls)
    np.testing.assert_allclose(found.value, np.mean(worth, axis=1), atol=1e-12)
    np.testing.assert_allclose(js.exact(two_right, data, calls), found.value)

    law = js.Beta(0.6, 1.5)
    for population in (data, law):
        simulated = js.simulate(jax.random.key(0), two_right, population, calls, replicates=20_000)
        expected = np.asarray(js.exact(two_right, population, calls))
        assert (np.abs(simulated.value - expected) <= 5 * simulated.standard_error + 1e-6).all()
        assert simulated.standard_error.max() < 0.01


def test_what_it_does_not_know_is_refused_with_what_it_knows(two_right):
    ballots = js.Ballots([[3, 2]], [[True, False]])
    with pytest.raises(TypeError, match="no estimate for TwoRight on Ballots: expected one of Attempts"):
        js.estimate(two_right, ballots, 2)
    with pytest.raises(TypeError, match="no forecast for TwoRight on Attempts"):
        js.forecast(two_right, js.Attempts([6], [2]), 9)


def test_it_is_gone_after_a_test():
    assert not any(system.__name__ == "TwoRight" for _, system, _ in implemented())
