"""What became of a fit, as a code with a sentence."""

import enum
import math

from jaxscale.fitting._optimise import GRADIENT_TOLERANCE, HUGE


class FitCode(enum.Enum):
    """What became of a fit.

    >>> FitCode.STEP_LIMIT.words
    'did not converge: stopped at the step limit'
    """

    CONVERGED = "converged"
    NO_MAXIMUM = "no-maximum"
    STEP_LIMIT = "step-limit"
    STALLED = "stalled"
    NOT_FINITE = "not-finite"

    @property
    def words(self) -> str:
        """The code in words."""
        return _WORDS[self]

    def said(self, gradient_norm: float) -> str:
        """The code in words, with the derivative per query where one is left."""
        left = f": a derivative of {gradient_norm:.1e} per query is left"
        return self.words + (left if self in (FitCode.STEP_LIMIT, FitCode.STALLED) else "")

    def __repr__(self) -> str:
        return str(self)


_WORDS = {
    FitCode.CONVERGED: "converged",
    FitCode.NO_MAXIMUM: "the likelihood has no interior maximum",
    FitCode.STEP_LIMIT: "did not converge: stopped at the step limit",
    FitCode.STALLED: "did not converge: no step improves the likelihood",
    FitCode.NOT_FINITE: "did not converge: the likelihood is not finite at any start",
}


def code_of(value: float, gradient_norm: float, steps: int, most: int, *, flat: bool = False) -> FitCode:
    """What became of an optimisation.

    Args:
        value: the log-likelihood, or what was minimised, at the end point.
        gradient_norm: the largest absolute derivative there, per query.
        steps: evaluations made.
        most: evaluations allowed.
        flat: whether the data do not say where along some direction the maximum is.

    Returns:
        The code.

    >>> code_of(3.0, 1.0, 200, 200), code_of(3.0, 1.0, 9, 200), code_of(float("nan"), 1.0, 9, 200)
    (FitCode.STEP_LIMIT, FitCode.STALLED, FitCode.NOT_FINITE)
    """
    if not math.isfinite(value) or abs(value) >= HUGE:
        return FitCode.NOT_FINITE
    if gradient_norm > 10 * GRADIENT_TOLERANCE:
        return FitCode.STEP_LIMIT if steps >= most else FitCode.STALLED
    return FitCode.NO_MAXIMUM if flat else FitCode.CONVERGED
