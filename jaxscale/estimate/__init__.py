"""Unbiased values of what was recorded, with standard errors and no model."""

from jaxscale.estimate._coverage import pass_at_k
from jaxscale.estimate._votes import majority_at_k

__all__ = ["majority_at_k", "pass_at_k"]
