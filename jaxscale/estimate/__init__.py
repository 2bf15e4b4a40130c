"""Unbiased values of what was recorded, with standard errors and no model."""

from jaxscale.estimate._coverage import pass_at_k
from jaxscale.estimate._verifier import Rate, VerifierRates, verdicts, verifier_rates
from jaxscale.estimate._vote_curve import VoteCurve, VoteShape, kept_ballots, vote_curve
from jaxscale.estimate._vote_difficulty import (
    BestMajority,
    VoteDifficulty,
    best_majority,
    majority_by_difficulty,
    vote_difficulty,
)
from jaxscale.estimate._votes import majority_at_k

__all__ = [
    "BestMajority",
    "Rate",
    "VerifierRates",
    "VoteCurve",
    "VoteDifficulty",
    "VoteShape",
    "best_majority",
    "kept_ballots",
    "majority_at_k",
    "majority_by_difficulty",
    "pass_at_k",
    "verdicts",
    "verifier_rates",
    "vote_curve",
    "vote_difficulty",
]
