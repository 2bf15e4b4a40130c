"""The exact law of a plurality vote: the conditional-count kernel, for known, recorded and Dirichlet answers."""

from jaxscale.plurality._count_laws import DIRICHLET_MULTINOMIAL, MULTINOMIAL, CountLaw, binomial_pmf
from jaxscale.plurality._drawn import Rows, drawn_votes
from jaxscale.plurality._vote import accuracy, win_probabilities, winning_votes

__all__ = [
    "DIRICHLET_MULTINOMIAL",
    "MULTINOMIAL",
    "CountLaw",
    "Rows",
    "accuracy",
    "binomial_pmf",
    "drawn_votes",
    "win_probabilities",
    "winning_votes",
]
