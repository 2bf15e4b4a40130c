"""The exact law of a plurality vote: the conditional-count kernel, for known, recorded and Dirichlet answers."""

from jaxscale.plurality._count_laws import DIRICHLET_MULTINOMIAL, MULTINOMIAL, CountLaw
from jaxscale.plurality._recorded import ballots_filter_vote, ballots_routed_vote, ballots_vote
from jaxscale.plurality._vote import accuracy, win_probabilities, winning_votes

__all__ = [
    "DIRICHLET_MULTINOMIAL",
    "MULTINOMIAL",
    "CountLaw",
    "accuracy",
    "ballots_filter_vote",
    "ballots_routed_vote",
    "ballots_vote",
    "win_probabilities",
    "winning_votes",
]
