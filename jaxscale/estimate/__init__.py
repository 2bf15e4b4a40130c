"""Unbiased values of what was recorded, with standard errors and no model."""

from jaxscale.estimate._coverage import pass_at_k
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
    "VoteDifficulty",
    "best_majority",
    "majority_at_k",
    "majority_by_difficulty",
    "pass_at_k",
    "vote_difficulty",
]
