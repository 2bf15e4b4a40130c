"""Unbiased values of what was recorded, with standard errors and no model."""

from jaxscale.estimators import _weighted
from jaxscale.estimators._best_of_n import SPREAD, STEP, best_is_right, by_recorded_verdicts, check_best_of_n
from jaxscale.estimators._counted import counted_per_query
from jaxscale.estimators._coverage import pass_at_k, pass_at_k_per_query
from jaxscale.estimators._distinct import Distinct, distinct, padded_size
from jaxscale.estimators._estimate import PerQuery, estimate, over_queries, per_query
from jaxscale.estimators._limits import check_recorded
from jaxscale.estimators._recorded import ballots_filter_vote, ballots_vote
from jaxscale.estimators._verifier import Rate, VerifierRates, verdicts, verifier_rates
from jaxscale.estimators._vote_curve import VoteCurve, VoteShape, vote_curve
from jaxscale.estimators._vote_difficulty import (
    RESAMPLES,
    BestMajority,
    VoteDifficulty,
    best_majority,
    bootstrap_weights,
    majority_by_difficulty,
    vote_difficulty,
)
from jaxscale.estimators._votes import majority_at_k

__all__ = [
    "BestMajority",
    "Distinct",
    "PerQuery",
    "Rate",
    "SPREAD",
    "STEP",
    "VerifierRates",
    "VoteCurve",
    "VoteDifficulty",
    "VoteShape",
    "RESAMPLES",
    "bootstrap_weights",
    "best_is_right",
    "ballots_filter_vote",
    "ballots_vote",
    "best_majority",
    "check_recorded",
    "by_recorded_verdicts",
    "check_best_of_n",
    "counted_per_query",
    "distinct",
    "estimate",
    "majority_at_k",
    "majority_by_difficulty",
    "over_queries",
    "padded_size",
    "pass_at_k",
    "pass_at_k_per_query",
    "per_query",
    "verdicts",
    "verifier_rates",
    "vote_curve",
    "vote_difficulty",
]

# Importing a module registers its estimates.
del _weighted
