"""Samplers that XLA fuses: exact in law, in log space where ends matter, block by block of 1,024 draws a key."""

from jaxscale.sampling._binomial import binomial
from jaxscale.sampling._bits import BLOCK, exponential, random_words, uniform, words_at
from jaxscale.sampling._counts import categorical, first_success, hypergeometric, multinomial
from jaxscale.sampling._gamma import log_beta, log_gamma_variate

__all__ = [
    "BLOCK",
    "binomial",
    "categorical",
    "exponential",
    "first_success",
    "hypergeometric",
    "log_beta",
    "log_gamma_variate",
    "multinomial",
    "random_words",
    "uniform",
    "words_at",
]
