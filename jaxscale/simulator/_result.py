"""What a simulation found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxscale._result import Result


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Result):
    """What a simulation found at each number of calls.

    Attributes:
        calls: numbers of calls, in the order asked; int64.
        value: share of right answers, or in the `unit` of a system that declares one; float64, the shape of `calls`.
        standard_error: Monte Carlo standard error of `value`. For a model it is over queries, of which each replicate
            draws a fresh one. For data and answer distributions the queries are fixed, and it is over replicates.
        calls_used: mean calls used, for systems that may stop early, else None.
        unit: of `value` and `standard_error`; None for shares.
    """

    calls: np.ndarray
    value: np.ndarray
    standard_error: np.ndarray
    calls_used: np.ndarray | None = None
    unit: str | None = None

    def _columns(self) -> dict[str, Sequence[Any]]:
        names = ("calls", "value", "standard_error", *([] if self.calls_used is None else ["calls_used"]))
        return {name: getattr(self, name).reshape(-1).tolist() for name in names}

    def _heading(self) -> str:
        return "" if self.unit is None else f"in {self.unit}"
