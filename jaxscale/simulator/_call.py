"""One call, as a system of one's own sees it."""

from typing import Any

import equinox as eqx
from jaxtyping import Array

_EXPECTED = {
    "kept": "Ballots with `kept_counts` or an AnswerDistribution with `keep`",
    "score": "Ballots with `scores`, one per call",
    "tokens": "Ballots with `tokens`, one per call",
    "query": "a difficulty model, DirichletAnswers or an AnswerDistribution (records do not tell it)",
}


class Call(eqx.Module):
    """One call, as the `step(state, call)` of a system of your own sees it: scalars that JAX traces.

    Always there:

    - `number`: which call of its query, from 0; int32.
    - `answer`: which answer it gave, from 0 to `answers - 1`, or -1 for none; int32. With success probabilities
      alone there are two: 0 is right, 1 wrong.
    - `right`: whether that answer is right; bool.
    - `chance`: a uniform number in (0, 1] for the system's own randomness, the same for every system; float32.

    Where the population has them, else reading them is refused:

    - `kept`: whether the filter kept it; bool.
    - `score`: the score that was recorded for it; float64.
    - `tokens`: the output tokens that were recorded for it; float64.
    - `query`: the success probability p of a call at its query; float32, or float64 where the population is.

    Example:
        A judge that misses more of the hard queries' right answers.

        >>> import dataclasses
        >>> import jax, jax.numpy as jnp
        >>> import jaxscale as js
        >>> @dataclasses.dataclass(frozen=True)
        ... class Judge:
        ...     def start(self, answers):
        ...         return jnp.array(False)
        ...     def step(self, state, call):
        ...         return state | (call.right & (call.chance <= call.query))
        ...     def score(self, state):
        ...         return state
        >>> print(js.simulate(jax.random.key(0), Judge(), js.PointMass(0.5), 1, 100_000).value.round(2))  # 1/2 of 1/2
        0.25
    """

    number: Array
    answer: Array
    right: Array
    chance: Array
    _recorded: dict[str, Array | None]

    def __init__(self, number: Any, answer: Any, right: Any, chance: Any, **recorded: Any):
        self.number = number
        self.answer = answer
        self.right = right
        self.chance = chance
        self._recorded = {name: recorded.get(name) for name in _EXPECTED}

    @property
    def kept(self) -> Array:
        """Whether the filter kept it."""
        return self._read("kept")

    @property
    def score(self) -> Array:
        """The score that was recorded for it."""
        return self._read("score")

    @property
    def tokens(self) -> Array:
        """The output tokens that were recorded for it."""
        return self._read("tokens")

    @property
    def query(self) -> Array:
        """The success probability of a call at its query."""
        return self._read("query")

    def _read(self, name: str) -> Array:
        value = self._recorded[name]
        if value is None:
            raise ValueError(f"call.{name} is not known of this population: expected {_EXPECTED[name]}")
        return value
