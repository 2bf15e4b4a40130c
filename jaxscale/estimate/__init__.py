"""Unbiased values of what was recorded, with standard errors and no model."""

from jaxscale.estimate._coverage import pass_at_k

__all__ = ["pass_at_k"]
