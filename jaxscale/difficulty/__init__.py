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
