"""What verbs take, for signatures: populations, and systems of a user's own."""

from typing import Any, Protocol, TypeAlias

from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractLaw, AnswerDistribution, DirichletAnswers

Population: TypeAlias = AbstractLaw | AnswerDistribution | DirichletAnswers | Attempts | Ballots
"""How hard the queries are: a law, the answers of each query, or what was recorded."""


class CallByCall(Protocol):
    """A system of a user's own, which `simulate` runs call by call; `help(jaxscale.simulate)` says what each does."""

    def start(self, answers: int, /) -> Any:
        """The state before the first call."""

    def step(self, state: Any, call: Any, /) -> Any:
        """The state after a call, a `jaxscale.Call`."""

    def score(self, state: Any, /) -> Any:
        """The share right, or an amount in a declared unit."""
