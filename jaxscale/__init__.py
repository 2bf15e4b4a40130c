"""Simulate, fit and forecast the inference-scaling laws of language-model systems.

Names resolve lazily (PEP 562), so importing this package imports neither jax nor anything else that is slow.
"""

import importlib
import importlib.metadata
import sys
import tomllib
import types
from pathlib import Path
from typing import Any

try:
    __version__ = importlib.metadata.version("jaxscale")
except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
    __version__ = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]["version"]

_MODULE_OF = {
    "AdaptiveVote": "systems",
    "AnswerDistribution": "difficulty._answers",
    "Attempts": "data",
    "Ballots": "data",
    "BestOfN": "systems",
    "Beta": "difficulty",
    "Call": "simulate",
    "CorrelatedTrials": "difficulty",
    "Cost": "plan",
    "DataSets": "io",
    "DirichletAnswers": "difficulty",
    "Estimate": "data",
    "ExponentiatedPowerLaw": "difficulty",
    "FilterVote": "systems",
    "FitResult": "fit",
    "Forecast": "forecast",
    "Grid": "difficulty",
    "JointFit": "fit",
    "JointLaw": "difficulty",
    "Kumaraswamy": "difficulty",
    "Mixture": "difficulty",
    "PassAtK": "systems",
    "Plan": "plan",
    "PointMass": "difficulty",
    "PowerLaw": "difficulty",
    "ReadSummary": "io",
    "RoutedVote": "systems",
    "ScaledBeta": "difficulty",
    "Simulation": "simulate",
    "SolveOnce": "systems",
    "TwoPoint": "difficulty",
    "VerifierRates": "estimate",
    "Vote": "systems",
    "VoteScaling": "fit",
    "WeightedVote": "systems",
    "BestN": "plan",
    "allocate": "plan",
    "attempts_to_solve": "plan",
    "best_calls": "exact",
    "best_majority": "estimate",
    "best_n": "plan",
    "bootstrap": "fit",
    "bootstrap_joint": "fit",
    "common_queries": "common",
    "compare_joint": "fit",
    "convert": "io",
    "curve_shape": "exact",
    "draw_ballots": "data",
    "exact": "exact",
    "fit": "fit",
    "fit_joint": "fit",
    "fit_vote_scaling": "fit",
    "forecast": "forecast",
    "forecast_best_of_n": "forecast",
    "forecast_groups": "forecast",
    "forecast_votes": "forecast",
    "interval_widths": "plan",
    "majority_at_k": "estimate",
    "majority_by_difficulty": "estimate",
    "pass_at_k": "estimate",
    "plan": "plan",
    "read_attempts": "io",
    "read_ballots": "io",
    "read_costs": "plan",
    "report": "report",
    "simulate": "simulate",
    "verifier_rates": "estimate",
    "vote_curve": "estimate",
    "vote_difficulty": "estimate",
    "win_probabilities": "plurality",
    "write_attempts": "io",
    "write_ballots": "io",
}

_SUBPACKAGES = (
    "data",
    "difficulty",
    "estimate",
    "io",
    "plot",
    "plurality",
    "samples",
    "sampling",
    "special",
    "stopping",
    "systems",
)
"""Those whose name no public function has: they need no import of their own."""

__all__ = sorted([*_MODULE_OF, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _SUBPACKAGES:
        return importlib.import_module(f"jaxscale.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'jaxscale' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"jaxscale.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, *_SUBPACKAGES])


class _Package(types.ModuleType):
    """A package whose public functions win over the subpackages of the same name (`fit`, `forecast`, `exact`, ...).

    The import system binds a subpackage to its parent's attribute whenever it is first imported, which may be after
    the function of that name was looked up. `from jaxscale.fit import ...` does not go through that attribute.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _MODULE_OF and isinstance(value, types.ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
