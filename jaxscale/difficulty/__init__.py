"""How hard the queries are: distributions of the success probability, and laws of the coverage curve."""

from jaxscale.difficulty._answers import AnswerDistribution
from jaxscale.difficulty._base import AbstractDifficulty, AbstractLaw
from jaxscale.difficulty._beta import Beta
from jaxscale.difficulty._correlated import CorrelatedTrials
from jaxscale.difficulty._curves import ExponentiatedPowerLaw, PowerLaw
from jaxscale.difficulty._dirichlet import DirichletAnswers
from jaxscale.difficulty._discrete import Grid, PointMass, TwoPoint
from jaxscale.difficulty._joint import JointLaw
from jaxscale.difficulty._kumaraswamy import Kumaraswamy
from jaxscale.difficulty._mixture import Mixture
from jaxscale.difficulty._scaled_beta import ScaledBeta

__all__ = [
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
