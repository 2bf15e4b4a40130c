"""Parameters from data: likelihoods, optax optimisation, uncertainty."""

from jaxscale.fit._bootstrap import BootstrapResult, bootstrap
from jaxscale.fit._fit import FitResult, fit
from jaxscale.fit._models import NAMED_MODELS
from jaxscale.fit._posterior import Posterior, sample_posterior

__all__ = ["NAMED_MODELS", "BootstrapResult", "FitResult", "Posterior", "bootstrap", "fit", "sample_posterior"]
