"""Special functions that do not cancel, with gradients that stay finite."""

from jaxscale.special._betainc import regularised_incomplete_beta
from jaxscale.special._gamma import log_beta_function, log_beta_ratio, log_binomial, numpy_log_beta_ratio
from jaxscale.special._harmonic import harmonic_number
from jaxscale.special._log import binomial_probability, log1mexp, log_mix_with_one, log_mixture, log_power
from jaxscale.special._quadrature import log_integral
from jaxscale.special._stirling import deviance, stirling_error

__all__ = [
    "binomial_probability",
    "deviance",
    "harmonic_number",
    "log1mexp",
    "log_beta_function",
    "log_beta_ratio",
    "log_binomial",
    "log_integral",
    "log_mix_with_one",
    "log_mixture",
    "log_power",
    "numpy_log_beta_ratio",
    "regularised_incomplete_beta",
    "stirling_error",
]
