"""The check of the theorems on easy and hard queries: it must see a wrong shape, a wrong best and a wrong curve."""

import dataclasses
import math

import jax
import numpy as np
import pytest

from experiments import check_two_point
from experiments._two_point import shape_of


@pytest.mark.parametrize(
    ("data", "shape", "best"),
    [
        ((0.6, 0.85, 0.4), "rises then falls", 5),
        ((0.2, 0.85, 0.4), "falls", 1),
        ((0.5, 0.65, 0.1), "falls then rises", math.inf),
        ((0.1, 0.65, 0.1), "falls then rises", 1),
        ((0.8, 0.65, 0.1), "rises", math.inf),
        ((0.5, 0.75, 0.25), "flat", 1),
    ],
)
def test_what_is_found(data, shape, best):
    check = check_two_point(*data, key=jax.random.key(1), calls=201, replicates=20_000)
    assert (check.shape_found, check.best_found) == (shape, best)
    assert check.agrees
    assert 0 < check.deviation < 5
    for wrong in ({"shape": "unknown"}, {"best": 3}, {"deviation": 5.5}):
        assert not dataclasses.replace(check, **wrong).agrees


def test_shapes_are_read_off_the_steps():
    assert shape_of(np.array([0.1, 0.2, 0.2, 0.1, 0.3])) == "rises then falls then rises"
    assert shape_of(np.array([0.5, 0.5 + 1e-15, 0.5 - 1e-15])) == "flat"
