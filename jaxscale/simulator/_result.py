"""What a simulation found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxscale._numpy import ReadOnlyArrays

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, eq=False)
class Simulation(ReadOnlyArrays):
    """What a simulation found at each number of calls.

    Args:
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

    def to_dict(self) -> dict[str, Any]:
        """The simulation as plain lists, fit for JSON: a standard error that does not exist is None."""
        errors = [None if np.isnan(error) else error for error in self.standard_error.tolist()]
        used = None if self.calls_used is None else self.calls_used.tolist()
        return {
            "calls": self.calls.tolist(),
            "value": self.value.tolist(),
            "standard_error": errors,
            "calls_used": used,
            **({} if self.unit is None else {"unit": self.unit}),
        }

    def __rich__(self) -> "Table":
        from rich.table import Table

        value = "value" if self.unit is None else f"value, {self.unit}"
        table = Table("calls", value, "standard error", *([] if self.calls_used is None else ["calls used"]))
        for column in table.columns:
            column.justify = "right"
        for row, calls in enumerate(self.calls.tolist()):
            used = [] if self.calls_used is None else [f"{self.calls_used[row]:.2f}"]
            table.add_row(f"{calls:,}", f"{self.value[row]:.5f}", f"{self.standard_error[row]:.5f}", *used)
        return table
