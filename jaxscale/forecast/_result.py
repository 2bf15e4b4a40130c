"""What a forecast is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from rich.table import Table


@dataclass(frozen=True)
class ForecastModel:
    """The model behind a forecast.

    Attributes:
        name: its name; "auto" for an average.
        parameters: parameter values by constructor argument; for an average, those of the model that weighs most.
        weights: share of each averaged model by name; a single entry of 1 where one model was asked for.
    """

    name: str
    parameters: Mapping[str, Any]
    weights: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """The name, with the shares of an average."""
        if len(self.weights) < 2:
            return self.name
        shares = sorted(self.weights.items(), key=lambda item: -item[1])
        return f"{self.name}: " + ", ".join(f"{share:.0%} {name}" for name, share in shares)


@dataclass(frozen=True, eq=False)
class Forecast:
    """A curve of values with intervals.

    Attributes:
        k: numbers of calls, int64, any shape.
        value: the forecast at each, shape of `k`, float64.
        lower: lower end of the interval.
        upper: upper end of the interval.
        model: what was used beyond the recorded calls.
        kind: "estimate" where k is within the recorded calls of every query, else "forecast"; shape of `k`.
        level: probability that the interval claims to hold.
        over: what the interval is for: "these" queries on a further run, or the "population" they come from.
    """

    k: np.ndarray
    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    model: ForecastModel
    kind: np.ndarray
    level: float = 0.9
    over: Literal["these", "population"] = "these"

    def curve(self, budget: str = "k") -> list[dict[str, Any]]:
        """One entry per number of calls, in the order asked.

        Args:
            budget: what to call the number of calls, "k" or "calls".

        Returns:
            Dictionaries with that key, "value", "lower", "upper" and "kind".
        """
        arrays = (self.k, self.value, self.lower, self.upper, self.kind)
        rows = zip(*(np.asarray(array).reshape(-1).tolist() for array in arrays), strict=True)
        return [dict(zip((budget, "value", "lower", "upper", "kind"), row, strict=True)) for row in rows]

    def to_dict(self) -> dict[str, Any]:
        """The forecast as plain numbers, lists and strings."""
        return {
            "model": {
                "name": self.model.name,
                "parameters": dict(self.model.parameters),
                "weights": dict(self.model.weights),
            },
            "level": self.level,
            "over": self.over,
            "curve": self.curve(),
        }

    def __rich__(self) -> Table:
        table = Table(caption=f"model beyond the data: {self.model}")
        for column in ("k", "pass@k", f"{self.level:.0%} interval", "kind"):
            table.add_column(column, justify="left" if column == "kind" else "right")
        for row in self.curve():
            interval = f"{row['lower']:.4f} to {row['upper']:.4f}"
            table.add_row(f"{row['k']:,}", f"{row['value']:.4f}", interval, row["kind"])
        return table
