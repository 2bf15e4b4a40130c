"""Exact values: closed forms and the vote kernel, behind one function."""

from jaxscale.closed_forms import _best_of_n, _counts, _coverage, _votes
from jaxscale.closed_forms._exact import exact
from jaxscale.closed_forms._two_point import best_calls, curve_shape

__all__ = ["best_calls", "curve_shape", "exact"]

# Importing a module of closed forms registers them.
del _best_of_n, _counts, _coverage, _votes
