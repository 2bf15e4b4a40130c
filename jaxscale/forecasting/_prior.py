"""Where the data say nothing of how difficulty varies: a forecast then is its prior, which has to be said."""

import warnings

from jaxscale._words import number_of
from jaxscale.data import Attempts, Ballots, DataWarning
from jaxscale.forecasting._shapes import SHAPES

_LAWS = list(SHAPES)

AUTO = f"auto: laws of difficulty {', '.join(_LAWS[:-1])} and {_LAWS[-1]}, each under wide priors of its parameters"
"""The prior of coverage by several shapes of difficulty."""

ANSWERS = "dirichlet: a law of right and wrong answers under wide priors of its parameters"
"""The prior of votes."""


def warn_of_prior(data: Attempts | Ballots, prior: str, name: str | None = None) -> None:
    """Warn where every call was wrong, or every one right.

    Args:
        data: what was recorded.
        prior: what the forecast then comes from.
        name: of the data set; None for the one that it has itself.
    """
    counted = data.as_attempts
    right, calls = int(counted.successes.sum()), int(counted.attempts.sum())
    if 0 < right < calls:
        return
    name = name or data.name
    whose = "" if name is None else f"{name}: "
    what = "nothing was solved" if right == 0 else "no call was wrong"
    warnings.warn(
        f"{whose}{what} in {number_of(calls, 'calls')} at {number_of(len(data), 'queries')}: "
        f"beyond these calls, and for its interval, the forecast comes from the prior alone ({prior})",
        DataWarning,
        stacklevel=3,
    )
