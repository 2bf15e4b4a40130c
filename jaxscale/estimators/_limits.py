"""How many calls can be drawn from a record."""

import numpy as np

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots


def check_recorded(data: Attempts | Ballots, calls: np.ndarray) -> None:
    """Refuse more calls than were recorded for some query.

    Args:
        data: what was recorded.
        calls: (budgets,) numbers of calls.

    Raises:
        ValueError: naming the query.
    """
    recorded = data.attempts if isinstance(data, Attempts) else data.calls
    fewest = int(recorded.argmin())
    if calls.max(initial=0) > recorded[fewest]:
        query = repr(data.query[fewest]) if data.query is not None else f"at index {fewest}"
        raise ArgumentError(
            "calls",
            int(calls.max()),
            "at most the fewest of any query; forecast goes beyond them",
            found=f" = {int(calls.max())}: query {query} has {recorded[fewest]} recorded calls",
        )
