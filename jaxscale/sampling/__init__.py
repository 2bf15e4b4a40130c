"""Samplers that XLA fuses: exact in law, in log space where ends matter, block by block of 1,024 draws a key."""

from jaxscale.sampling._gamma import log_beta, log_gamma_variate

__all__ = ["log_beta", "log_gamma_variate"]
