"""Parameters from data: likelihoods, optax optimisation, uncertainty."""

from jaxscale.fitting._bootstrap import BootstrapResult, bootstrap
from jaxscale.fitting._code import FitCode
from jaxscale.fitting._fit import Fit, fit
from jaxscale.fitting._joint import JointComparison, JointFit, compare_joint, fit_joint
from jaxscale.fitting._joint_bootstrap import JointBootstrap, JointPrediction, bootstrap_joint
from jaxscale.fitting._models import NAMED_MODELS
from jaxscale.fitting._optimise import lbfgs
from jaxscale.fitting._posterior import Posterior, sample_posterior
from jaxscale.fitting._vote_scaling import VoteScaling, fit_vote_scaling

__all__ = [
    "NAMED_MODELS",
    "BootstrapResult",
    "Fit",
    "FitCode",
    "JointBootstrap",
    "JointComparison",
    "JointFit",
    "JointPrediction",
    "Posterior",
    "VoteScaling",
    "bootstrap",
    "bootstrap_joint",
    "compare_joint",
    "fit",
    "fit_joint",
    "fit_vote_scaling",
    "lbfgs",
    "sample_posterior",
]
