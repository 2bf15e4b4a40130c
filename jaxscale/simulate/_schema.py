"""What a sweep is, and how it is read from TOML: populations x systems x budgets, every error naming its key."""

import inspect
import itertools
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxscale import difficulty, systems
from jaxscale._arrays import MAX_CALLS, whole_numbers

Grid = dict[str, list[Any]]
"""Values of each parameter; points are their product."""


def _answers(probabilities: Any, keep_right: float | None = None, keep_wrong: float | None = None) -> Any:
    """One query's answer distribution, answer 0 right; the filter keeps right and wrong answers at two rates."""
    probabilities = np.atleast_2d(np.asarray(probabilities, np.float64))
    if keep_right is None and keep_wrong is None:
        return difficulty.AnswerDistribution(probabilities)
    if keep_right is None or keep_wrong is None:
        raise ValueError("keep_right without keep_wrong, or the reverse: expected both or neither")
    right = np.arange(probabilities.shape[1]) == 0
    keep = np.broadcast_to(np.where(right, keep_right, keep_wrong), probabilities.shape)
    return difficulty.AnswerDistribution(probabilities, keep=keep)


POPULATIONS: dict[str, Callable[..., Any]] = {
    "answers": _answers,
    "beta": difficulty.Beta,
    "correlated-trials": difficulty.CorrelatedTrials,
    "dirichlet": difficulty.DirichletAnswers,
    "kumaraswamy": difficulty.Kumaraswamy,
    "point-mass": difficulty.PointMass,
    "scaled-beta": difficulty.ScaledBeta,
    "two-point": difficulty.TwoPoint,
}
SYSTEMS: dict[str, Callable[..., Any]] = {
    "adaptive-vote": systems.AdaptiveVote,
    "best-of-n": systems.BestOfN,
    "filter-vote": systems.FilterVote,
    "pass-at-k": systems.PassAtK,
    "routed-vote": systems.RoutedVote,
    "vote": systems.Vote,
}
_LISTS = {"concentration", "probabilities"}
"""Parameters that are themselves a list of numbers: a grid of them is a list of lists."""
_NO_NUMBERS = {"filter_calls_count": bool, "rule": str}
"""Parameters that are no numbers, with their type."""


@dataclass(frozen=True)
class Point:
    """One population and one system, with the parameters that they were made of."""

    population_name: str
    population: Mapping[str, Any]
    system_name: str
    system: Mapping[str, Any]

    def build(self) -> tuple[Any, Any]:
        """The system and the population.

        Raises:
            ValueError: naming the table and what was expected.
        """
        made = []
        for table, name, makers, parameters in (
            ("system", self.system_name, SYSTEMS, self.system),
            ("population", self.population_name, POPULATIONS, self.population),
        ):
            try:
                made.append(makers[name](**parameters))
            except (TypeError, ValueError) as error:
                raise ValueError(f"{table}: {error}") from None
        return made[0], made[1]


@dataclass(frozen=True)
class Sweep:
    """A grid of simulations.

    Args:
        calls: numbers of calls.
        replicates: (query, replicate) pairs per point.
        seed: of the key; point i draws from `fold_in(key(seed), i)`.
        points: what is simulated, in order.
    """

    calls: tuple[int, ...]
    replicates: int
    seed: int
    points: tuple[Point, ...]


def read_sweep(path: str | Path) -> Sweep:
    """Read a sweep from a TOML file.

    Args:
        path: a file with `calls`, `replicates`, `seed` (0), one `[population]` and one or more `[[system]]` tables. A
            population has a `model` and its parameters, a system a `name` and its own. Wherever a number may stand, a
            list of numbers, or {from, to, points, spacing = "linear" | "log"}, spans a grid.

    Returns:
        The sweep.

    Raises:
        ValueError: naming the file, the key, its value and what was expected.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    try:
        return parse_sweep(table)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse_sweep(table: Mapping[str, Any]) -> Sweep:
    """The sweep that a TOML table describes; see `read_sweep`."""
    _known(table, ("calls", "population", "replicates", "seed", "system"), "")
    for name in ("calls", "replicates", "population", "system"):
        if name not in table:
            raise ValueError(f"{name} is missing: expected calls, replicates, a [population] and [[system]] tables")
    calls = _values(table["calls"], "calls", whole=True)
    whole_numbers(calls, "calls")
    replicates = _whole(table["replicates"], "replicates", 1)
    seed = _whole(table.get("seed", 0), "seed", 0)

    population = _table(table["population"], "population")
    population_name, population_grid = _grid(population, "population", "model", POPULATIONS)
    entries = table["system"] if isinstance(table["system"], list) else [table["system"]]
    if not entries:
        raise ValueError("system = []: expected one or more [[system]] tables")
    points = []
    for number, entry in enumerate(entries):
        key = f"system[{number}]"
        name, grid = _grid(_table(entry, key), key, "name", SYSTEMS)
        for chosen, own in itertools.product(_product(population_grid), _product(grid)):
            points.append(Point(population_name, chosen, name, own))
    for point in points:
        point.build()
    return Sweep(tuple(int(k) for k in calls), replicates, seed, tuple(points))


def _grid(
    table: Mapping[str, Any], key: str, selector: str, makers: Mapping[str, Callable[..., Any]]
) -> tuple[str, Grid]:
    name = table.get(selector)
    if not isinstance(name, str) or name not in makers:
        raise ValueError(f"{key}.{selector} = {name!r}: expected one of {', '.join(makers)}")
    parameters = inspect.signature(makers[name]).parameters
    _known(table, (selector, *parameters), f"{key}.")
    for parameter, description in parameters.items():
        if parameter not in table and description.default is inspect.Parameter.empty:
            raise ValueError(f"{key}.{parameter} is missing: {name} needs it")
    return name, {
        parameter: _of_type(value, f"{key}.{parameter}", _NO_NUMBERS[parameter])
        if parameter in _NO_NUMBERS
        else _values(value, f"{key}.{parameter}", listed=parameter in _LISTS)
        for parameter, value in table.items()
        if parameter != selector
    }


def _of_type(value: Any, key: str, wanted: type) -> list[Any]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(one, wanted) for one in values):
        kind = "true or false" if wanted is bool else "a text"
        raise ValueError(f"{key} = {value!r}: expected {kind}, or a list of such")
    return values


def _values(value: Any, key: str, *, whole: bool = False, listed: bool = False) -> list[Any]:
    """The values that a key stands for: one, a list of them, or a range."""
    if isinstance(value, dict):
        return _span(value, key, whole)
    if listed:
        rows = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        if not all(isinstance(row, list) and row and all(_is_number(x) for x in row) for row in rows):
            raise ValueError(f"{key} = {value!r}: expected a list of numbers, or a list of such lists")
        return rows
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not _is_number(one):
            raise ValueError(f"{key} = {value!r}: expected a number, a list of numbers, or a table from, to, points")
    if not values:
        raise ValueError(f"{key} = []: expected at least one value")
    return values


def _span(table: Mapping[str, Any], key: str, whole: bool) -> list[Any]:
    _known(table, ("from", "to", "points", "spacing"), f"{key}.")
    for name in ("from", "to"):
        value: Any = table.get(name)
        if not _is_number(value) or not math.isfinite(value):
            raise ValueError(f"{key}.{name} = {value!r}: expected a finite number")
        if whole and not 1 <= value <= MAX_CALLS:
            raise ValueError(f"{key}.{name} = {value!r}: expected a number from 1 to {MAX_CALLS}")
    first, last = float(table["from"]), float(table["to"])
    points = _whole(table.get("points"), f"{key}.points", 1)
    spacing = table.get("spacing", "log" if whole else "linear")
    if spacing not in ("linear", "log"):
        raise ValueError(f"{key}.spacing = {spacing!r}: expected 'linear' or 'log'")
    if spacing == "log" and not (first > 0 and last > 0):
        raise ValueError(f"{key}.from and {key}.to = {first}, {last}: expected positive numbers for spacing = 'log'")
    values = (np.linspace if spacing == "linear" else np.geomspace)(first, last, points)
    return np.unique(np.round(values).astype(np.int64)).tolist() if whole else values.tolist()


def _product(grid: Grid) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*grid.values()):
        yield dict(zip(grid, values, strict=True))


def _known(table: Mapping[str, Any], names: tuple[str, ...], prefix: str) -> None:
    for key in table:
        if key not in names:
            raise ValueError(f"{prefix}{key}: unknown key, expected one of {', '.join(names)}")


def _table(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{key} = {value!r}: expected a table")
    return value


def _whole(value: Any, key: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_CALLS:
        raise ValueError(f"{key} = {value!r}: expected a whole number of {least} or more, up to {MAX_CALLS}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
