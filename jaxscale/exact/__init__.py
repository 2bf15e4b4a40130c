"""Exact accuracies: closed forms and the vote kernel, behind one function."""

from jaxscale.exact import _best_of_n, _coverage, _votes, _weighted
from jaxscale.exact._dispatch import exact, rule
from jaxscale.exact._two_point import best_calls, curve_shape

__all__ = ["best_calls", "curve_shape", "exact", "rule"]

# Importing a module of rules registers them.
del _best_of_n, _coverage, _votes, _weighted
