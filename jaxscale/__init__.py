"""Simulate, fit and forecast the inference-scaling laws of language-model systems.

Names resolve lazily (PEP 562), so importing this package imports neither jax nor anything else that is slow.
"""

import importlib
import importlib.metadata
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers read; the same names as below, which a test holds it to
    from jaxscale import (
        closed_forms as closed_forms,
        data as data,
        difficulty as difficulty,
        estimators as estimators,
        fitting as fitting,
        forecasting as forecasting,
        io as io,
        planning as planning,
        plot as plot,
        plurality as plurality,
        reports as reports,
        samples as samples,
        sampling as sampling,
        simulator as simulator,
        special as special,
        stopping as stopping,
        systems as systems,
    )
    from jaxscale.closed_forms import (
        best_calls as best_calls,
        curve_shape as curve_shape,
        exact as exact,
    )
    from jaxscale.common import (
        common_queries as common_queries,
    )
    from jaxscale.data import (
        ArgumentError as ArgumentError,
        Attempts as Attempts,
        Ballots as Ballots,
        Estimate as Estimate,
        draw_ballots as draw_ballots,
    )
    from jaxscale.difficulty import (
        AnswerDistribution as AnswerDistribution,
        Beta as Beta,
        CorrelatedTrials as CorrelatedTrials,
        DirichletAnswers as DirichletAnswers,
        ExponentiatedPowerLaw as ExponentiatedPowerLaw,
        Grid as Grid,
        JointLaw as JointLaw,
        Kumaraswamy as Kumaraswamy,
        Mixture as Mixture,
        PointMass as PointMass,
        PowerLaw as PowerLaw,
        ScaledBeta as ScaledBeta,
        TwoPoint as TwoPoint,
    )
    from jaxscale.estimators import (
        VerifierRates as VerifierRates,
        best_majority as best_majority,
        estimate as estimate,
        majority_at_k as majority_at_k,
        majority_by_difficulty as majority_by_difficulty,
        pass_at_k as pass_at_k,
        verifier_rates as verifier_rates,
        vote_curve as vote_curve,
        vote_difficulty as vote_difficulty,
    )
    from jaxscale.fitting import (
        Fit as Fit,
        FitCode as FitCode,
        JointFit as JointFit,
        VoteScaling as VoteScaling,
        bootstrap as bootstrap,
        bootstrap_joint as bootstrap_joint,
        compare_joint as compare_joint,
        fit as fit,
        fit_joint as fit_joint,
        fit_vote_scaling as fit_vote_scaling,
    )
    from jaxscale.forecasting import (
        Forecast as Forecast,
        VoteSummary as VoteSummary,
        forecast as forecast,
        vote_summary as vote_summary,
    )
    from jaxscale.io import (
        DataSets as DataSets,
        ReadSummary as ReadSummary,
        convert as convert,
        read_attempts as read_attempts,
        read_ballots as read_ballots,
        write_attempts as write_attempts,
        write_ballots as write_ballots,
    )
    from jaxscale.planning import (
        BestN as BestN,
        Cost as Cost,
        Plan as Plan,
        allocate as allocate,
        attempts_to_solve as attempts_to_solve,
        best_n as best_n,
        interval_widths as interval_widths,
        plan as plan,
        read_costs as read_costs,
    )
    from jaxscale.plurality import (
        win_probabilities as win_probabilities,
    )
    from jaxscale.reports import (
        report as report,
    )
    from jaxscale.simulator import (
        Call as Call,
        Simulation as Simulation,
        simulate as simulate,
    )
    from jaxscale.systems import (
        AbstractSystem as AbstractSystem,
        AdaptiveVote as AdaptiveVote,
        AllPass as AllPass,
        BestOfN as BestOfN,
        FilterVote as FilterVote,
        MeanShare as MeanShare,
        PassAtK as PassAtK,
        RecordedBestOfN as RecordedBestOfN,
        RoutedVote as RoutedVote,
        ShareAtLeast as ShareAtLeast,
        SolveOnce as SolveOnce,
        Vote as Vote,
        WeightedVote as WeightedVote,
    )

try:
    __version__ = importlib.metadata.version("jaxscale")
except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
    __version__ = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]["version"]

_MODULE_OF = {
    "AbstractSystem": "systems",
    "AdaptiveVote": "systems",
    "AllPass": "systems",
    "AnswerDistribution": "difficulty",
    "ArgumentError": "data",
    "Attempts": "data",
    "Ballots": "data",
    "BestN": "planning",
    "BestOfN": "systems",
    "Beta": "difficulty",
    "Call": "simulator",
    "CorrelatedTrials": "difficulty",
    "Cost": "planning",
    "DataSets": "io",
    "DirichletAnswers": "difficulty",
    "Estimate": "data",
    "ExponentiatedPowerLaw": "difficulty",
    "FilterVote": "systems",
    "Fit": "fitting",
    "FitCode": "fitting",
    "Forecast": "forecasting",
    "Grid": "difficulty",
    "JointFit": "fitting",
    "JointLaw": "difficulty",
    "Kumaraswamy": "difficulty",
    "MeanShare": "systems",
    "Mixture": "difficulty",
    "PassAtK": "systems",
    "Plan": "planning",
    "PointMass": "difficulty",
    "PowerLaw": "difficulty",
    "ReadSummary": "io",
    "RecordedBestOfN": "systems",
    "RoutedVote": "systems",
    "ScaledBeta": "difficulty",
    "ShareAtLeast": "systems",
    "Simulation": "simulator",
    "SolveOnce": "systems",
    "TwoPoint": "difficulty",
    "VerifierRates": "estimators",
    "Vote": "systems",
    "VoteScaling": "fitting",
    "VoteSummary": "forecasting",
    "WeightedVote": "systems",
    "allocate": "planning",
    "attempts_to_solve": "planning",
    "best_calls": "closed_forms",
    "best_majority": "estimators",
    "best_n": "planning",
    "bootstrap": "fitting",
    "bootstrap_joint": "fitting",
    "common_queries": "common",
    "compare_joint": "fitting",
    "convert": "io",
    "curve_shape": "closed_forms",
    "draw_ballots": "data",
    "estimate": "estimators",
    "exact": "closed_forms",
    "fit": "fitting",
    "fit_joint": "fitting",
    "fit_vote_scaling": "fitting",
    "forecast": "forecasting",
    "interval_widths": "planning",
    "majority_at_k": "estimators",
    "majority_by_difficulty": "estimators",
    "pass_at_k": "estimators",
    "plan": "planning",
    "read_attempts": "io",
    "read_ballots": "io",
    "read_costs": "planning",
    "report": "reports",
    "simulate": "simulator",
    "verifier_rates": "estimators",
    "vote_curve": "estimators",
    "vote_difficulty": "estimators",
    "vote_summary": "forecasting",
    "win_probabilities": "plurality",
    "write_attempts": "io",
    "write_ballots": "io",
}

_SUBPACKAGES = (
    "closed_forms",
    "data",
    "difficulty",
    "estimators",
    "fitting",
    "forecasting",
    "io",
    "planning",
    "plot",
    "plurality",
    "reports",
    "samples",
    "sampling",
    "simulator",
    "special",
    "stopping",
    "systems",
)
"""They need no import of their own."""

__all__ = sorted([*_MODULE_OF, "__version__"])


if not TYPE_CHECKING:  # to a type checker an unknown name is an error

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
