"""How hard the queries are: distributions of the success probability, and laws of the coverage curve.

A law of your own is a subclass of `AbstractDifficulty` (how probable success is at a random query), or of
`AbstractCurve` (how coverage grows). Its fields say which values they may take; `fit`, its errors and intervals need
nothing else.

>>> import jax, jax.numpy as jnp, jaxscale as js
>>> from jaxscale.difficulty import AbstractCurve, check_parameters, parameter, positive, unit_interval
>>> class Saturating(AbstractCurve):
...     '''1 - pass@k = 1 - limit * k / (k + half), for k calls.'''
...     limit: jax.Array = parameter(unit_interval)
...     half: jax.Array = parameter(positive)
...
...     def __check_init__(self) -> None:
...         check_parameters(self)
...
...     def log_failure(self, k):
...         return jnp.log1p(-self.limit * k / (k + self.half))
>>> data = js.Attempts(attempts=[50] * 6, successes=[0, 1, 2, 9, 20, 44])
>>> fitted = js.fit(Saturating(0.5, 5.0), data)
>>> fitted.converged, sorted(fitted.standard_errors)
(True, ['half', 'limit'])

A law of p gives its moments and draws; `exact`, `simulate`, `fit` and `forecast` (as `model=`) then know it.

>>> from jaxscale.difficulty import AbstractDifficulty
>>> from jaxscale.special import log1mexp, log_beta_function
>>> class Root(AbstractDifficulty):
...     '''p = u^(1/a) for a uniform u.'''
...     a: jax.Array = parameter(positive)
...
...     def __check_init__(self) -> None:
...         check_parameters(self)
...
...     def log_moment(self, successes, failures):  # log E[p^successes (1-p)^failures], of any shape
...         return jnp.log(self.a) + log_beta_function(self.a + successes, 1.0 + failures)
...
...     def sample(self, key, shape=()):  # log p and log (1-p), neither rounded away
...         log_p = -jax.random.exponential(key, shape) / self.a
...         return log_p, log1mexp(log_p)
>>> law = Root(0.5)
>>> print(js.exact(js.PassAtK(), law, [1, 2]).round(4))  # E[p] = a / (a + 1)
[0.3333 0.4667]
>>> simulated = js.simulate(jax.random.key(0), js.PassAtK(), law, 2)
>>> bool(abs(simulated.value - 0.4667) < 5 * simulated.standard_error)
True
"""

from jaxscale.difficulty._answers import AnswerDistribution
from jaxscale.difficulty._base import AbstractDifficulty, AbstractLaw
from jaxscale.difficulty._beta import Beta
from jaxscale.difficulty._correlated import CorrelatedTrials
from jaxscale.difficulty._curves import AbstractCurve, ExponentiatedPowerLaw, PowerLaw
from jaxscale.difficulty._dirichlet import DirichletAnswers
from jaxscale.difficulty._discrete import Grid, PointMass, TwoPoint
from jaxscale.difficulty._joint import FORMS, JointLaw, coefficient_names
from jaxscale.difficulty._kumaraswamy import Kumaraswamy
from jaxscale.difficulty._mixture import Mixture
from jaxscale.difficulty._parameters import (
    Constraint,
    check_parameters,
    nonnegative,
    parameter,
    positive,
    simplex,
    unit_interval,
)
from jaxscale.difficulty._scaled_beta import ScaledBeta

__all__ = [
    "FORMS",
    "coefficient_names",
    "AbstractCurve",
    "Constraint",
    "check_parameters",
    "nonnegative",
    "parameter",
    "positive",
    "simplex",
    "unit_interval",
    "AbstractDifficulty",
    "AbstractLaw",
    "AnswerDistribution",
    "Beta",
    "CorrelatedTrials",
    "DirichletAnswers",
    "ExponentiatedPowerLaw",
    "Grid",
    "JointLaw",
    "Kumaraswamy",
    "Mixture",
    "PointMass",
    "PowerLaw",
    "ScaledBeta",
    "TwoPoint",
]
