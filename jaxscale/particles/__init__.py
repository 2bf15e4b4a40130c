"""A tempered particle sampler: weights, a state, a kernel and the loop over them."""

from jaxscale.particles._tempered import Settings, State, Target, initial, sample, step
from jaxscale.particles._weights import Weights, systematic, weigh

__all__ = [
    "Settings",
    "State",
    "Target",
    "Weights",
    "initial",
    "sample",
    "step",
    "systematic",
    "weigh",
]
