"""A tempered particle sampler: weights, a state, a kernel and the loop over them."""

from jaxscale.particles._tempered import Settings, State, Target, initial, sample, step
from jaxscale.particles._weights import effective_number, log_mean_exp, normalised, systematic

__all__ = [
    "Settings",
    "State",
    "Target",
    "effective_number",
    "initial",
    "log_mean_exp",
    "normalised",
    "sample",
    "step",
    "systematic",
]
