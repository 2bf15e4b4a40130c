"""Forecasts of pass@k as others published them, in plain NumPy and SciPy: attempts in, value and interval out.

Each is `Rival(attempts, successes, k, level, rng) -> (value, lower, upper)`, arrays of the shape of k. None of the
authors publish an interval for this, as far as we could find, so all have the query bootstrap: the method refitted to
samples of the queries with replacement. What we could not learn of a method is said in its docstring.
"""

from collections.abc import Callable

import numpy as np

from benchmarks._rivals._curves import exponentiated_power_law, gumbel_tail, loglog, plug_in
from benchmarks._rivals._models import beta_binomial, discretised_beta, nonparametric, zero_inflated

Rival = Callable[
    [np.ndarray, np.ndarray, np.ndarray, float, np.random.Generator], tuple[np.ndarray, np.ndarray, np.ndarray]
]

COVERAGE_RIVALS: dict[str, Rival] = {
    "loglog": loglog,
    "exponentiated power law": exponentiated_power_law,
    "beta-binomial MLE": beta_binomial,
    "discretised beta": discretised_beta,
    "zero-inflated beta-binomial": zero_inflated,
    "nonparametric MLE": nonparametric,
    "Gumbel tail": gumbel_tail,
    "plug-in": plug_in,
}
