"""Parameters from data: likelihoods, optax optimisation, uncertainty."""

from jaxscale.fit._answers import AnswerPrior, fit_answer_prior
from jaxscale.fit._bootstrap import BootstrapResult, bootstrap
from jaxscale.fit._fit import FitResult, fit
from jaxscale.fit._models import NAMED_MODELS
from jaxscale.fit._posterior import Posterior, sample_posterior
from jaxscale.fit._vote_scaling import VoteScaling, fit_vote_scaling

__all__ = [
    "NAMED_MODELS",
    "AnswerPrior",
    "BootstrapResult",
    "FitResult",
    "Posterior",
    "VoteScaling",
    "bootstrap",
    "fit",
    "fit_answer_prior",
    "fit_vote_scaling",
    "sample_posterior",
]
