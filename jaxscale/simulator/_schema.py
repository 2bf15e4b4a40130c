"""What a sweep is, and how it is read from TOML: populations x systems x budgets, every error naming its key."""

import inspect
import itertools
import math
import re
import reprlib
import stat
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxscale import difficulty, systems
from jaxscale._checks import MAX_CALLS, whole_numbers
from jaxscale.simulator import _systems  # noqa: F401  # imported, so that what is simulated is registered

Grid = dict[str, list[Any]]
"""Values of each parameter; points are their product."""

MOST_POINTS = 10**6
"""The most points of one sweep: they are kept in memory."""
MOST_ROWS = 10**7
"""Rows of one sweep: they become one file, which is made in memory."""
_MOST_BUDGETS = 10**5
_MOST_BYTES = 2**20  # of a TOML file
_MOST_DOTS = 32  # in one key: tomllib takes time in proportion to their square


def _answers(probabilities: Any, keep_right: float | None = None, keep_wrong: float | None = None) -> Any:
    """One query's answer distribution, answer 0 right; the filter keeps right and wrong answers at two rates."""
    probabilities = np.atleast_2d(np.asarray(probabilities, np.float64))
    if keep_right is None and keep_wrong is None:
        return difficulty.AnswerDistribution(probabilities)
    if keep_right is None or keep_wrong is None:
        raise ValueError("keep_right without keep_wrong, or the reverse: expected both or neither")
    right = np.arange(probabilities.shape[1]) == 0
    keep = np.where(right, keep_right, keep_wrong)
    shape = np.broadcast_shapes(probabilities.shape, keep.shape)
    return difficulty.AnswerDistribution(np.broadcast_to(probabilities, shape), keep=np.broadcast_to(keep, shape))


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
_KINDS = [difficulty.AnswerDistribution, *(each for each in POPULATIONS.values() if isinstance(each, type))]
SYSTEMS: dict[str, Callable[..., Any]] = {each.command: each for each in systems.systems_of("simulate", _KINDS)}
"""Those that are simulated on any of these populations, by name."""
_LISTS = {"concentration", "probabilities"}
"""Parameters that are themselves a list of numbers: a grid of them is a list of lists."""
_NO_NUMBERS = {"filter_calls_count": bool, "rule": str}
"""Parameters that are no numbers, with their type."""


_TOO_DEEP = "tables or lists nested too deeply: expected calls, replicates, a [population] and [[system]] tables"


@dataclass(frozen=True)
class Point:
    """One population and one system, with the parameters that they were made of.

    Attributes:
        population_name: the population's kind.
        population: its parameters.
        system_name: the system's name.
        system: its parameters.
    """

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
            made.append(_make(table, makers[name], parameters))
        return made[0], made[1]


@dataclass(frozen=True)
class Sweep:
    """A grid of simulations.

    Attributes:
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
        OSError: the file cannot be read.
    """
    text = _text(Path(path))
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise ValueError(f"{path}: {_TOO_DEEP}") from None
    except ValueError as error:  # not only TOMLDecodeError: whole numbers may have more digits than Python reads
        raise ValueError(f"{path}: not TOML: {str(error)[:200]}") from None
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
    grids = [
        _grid(_table(entry, f"system[{number}]"), f"system[{number}]", "name", SYSTEMS)
        for number, entry in enumerate(entries)
    ]
    total = sum(math.prod(map(len, (*population_grid.values(), *grid.values()))) for _, grid in grids)
    for what, number, most in (("points", total, MOST_POINTS), ("rows", total * len(calls), MOST_ROWS)):
        if number > most:
            raise ValueError(f"{number:,} {what} in all: expected at most {most:,}; make several sweeps of it")
    for name, grid in grids:
        _check_grid("system", SYSTEMS[name], grid)
    _check_grid("population", POPULATIONS[population_name], population_grid)
    points = [
        Point(population_name, chosen, name, own)
        for name, grid in grids
        for chosen, own in itertools.product(_product(population_grid), _product(grid))
    ]
    return Sweep(tuple(int(k) for k in calls), replicates, seed, tuple(points))


def _text(path: Path) -> str:
    """The text of a TOML file, refused where reading or parsing it would not end soon."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError(f"{path}: no regular file: expected one, which has an end")
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{path}: more than {_MOST_BYTES:,} bytes: expected ranges (from, to, points) for long lists")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    if max(piece.count(".") for piece in re.split("[,=#\\n]", text)) > _MOST_DOTS:
        raise ValueError(f"{path}: {_TOO_DEEP}")
    return text


def _make(table: str, maker: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    """A system or population; its parameters have the dtype that they have where `jax_enable_x64` is off."""
    try:
        with jax.enable_x64(False):
            return maker(**parameters)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{table}: {error}") from None


def _check_grid(table: str, maker: Callable[..., Any], grid: Grid) -> None:
    """Refuse a value that no point can have, as quickly for 100,000 values as for one.

    What a parameter may be does not depend on the values of the others: each of its values is tried with the first of
    the others, and where a maker takes many at once, as one array, they are tried so.
    """
    first = {name: values[0] for name, values in grid.items()}
    _make(table, maker, first)
    for name, values in grid.items():
        _check_values(table, maker, first, name, values)


def _check_values(
    table: str, maker: Callable[..., Any], first: Mapping[str, Any], name: str, values: list[Any]
) -> None:
    if len(values) == 1:
        _make(table, maker, {**first, name: values[0]})
    elif not _all_at_once(maker, first, name, values):
        half = len(values) // 2
        _check_values(table, maker, first, name, values[:half])
        _check_values(table, maker, first, name, values[half:])


def _all_at_once(maker: Callable[..., Any], first: Mapping[str, Any], name: str, values: list[Any]) -> bool:
    """Whether all values of a parameter are known to be good from one try; False says nothing about them."""
    if maker in SYSTEMS.values() or isinstance(values[0], str | bool):
        return False
    try:
        # Models round to float32; probabilities of answers do not.
        stacked = np.array(values, np.float64 if maker is _answers else np.float32)
        _make("", maker, {**first, name: stacked if name in _LISTS else stacked[:, None]})
    except ValueError:
        return False
    return True


def _grid(
    table: Mapping[str, Any], key: str, selector: str, makers: Mapping[str, Callable[..., Any]]
) -> tuple[str, Grid]:
    name = table.get(selector)
    if not isinstance(name, str) or name not in makers:
        raise ValueError(f"{key}.{selector} = {_shown(name)}: expected one of {', '.join(makers)}")
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
        raise ValueError(f"{key} = {_shown(value)}: expected {kind}, or a list of such")
    return values


def _values(value: Any, key: str, *, whole: bool = False, listed: bool = False) -> list[Any]:
    """The values that a key stands for: one, a list of them, or a range."""
    if isinstance(value, dict):
        return _span(value, key, whole)
    if listed:
        rows = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
        if not all(isinstance(row, list) and row and all(_is_number(x) for x in row) for row in rows):
            raise ValueError(f"{key} = {_shown(value)}: expected a list of numbers, or a list of such lists")
        return rows
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not _is_number(one):
            raise ValueError(
                f"{key} = {_shown(value)}: expected a number, a list of numbers, or a table from, to, points"
            )
    if not values:
        raise ValueError(f"{key} = []: expected at least one value")
    return values


def _span(table: Mapping[str, Any], key: str, whole: bool) -> list[Any]:
    _known(table, ("from", "to", "points", "spacing"), f"{key}.")
    for name in ("from", "to"):
        value: Any = table.get(name)
        if not _is_number(value) or not math.isfinite(value):
            raise ValueError(f"{key}.{name} = {_shown(value)}: expected a finite number")
        if whole and not 1 <= value <= MAX_CALLS:
            raise ValueError(f"{key}.{name} = {_shown(value)}: expected a number from 1 to {MAX_CALLS}")
    first, last = float(table["from"]), float(table["to"])
    points = _whole(table.get("points"), f"{key}.points", 1, _MOST_BUDGETS if whole else MOST_POINTS)
    spacing = table.get("spacing", "log" if whole else "linear")
    if spacing not in ("linear", "log"):
        raise ValueError(f"{key}.spacing = {_shown(spacing)}: expected 'linear' or 'log'")
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
            raise ValueError(f"{prefix}{key[:60]}: unknown key, expected one of {', '.join(names)}")


def _table(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{key} = {_shown(value)}: expected a table")
    return value


def _whole(value: Any, key: str, least: int, most: int = MAX_CALLS) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{key} = {_shown(value)}: expected a whole number of {least} or more, up to {most}")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1000)


def _shown(value: Any) -> str:
    """A value as a message shows it: on a part of a line, however long or deep it is."""
    try:
        return reprlib.repr(value)
    except ValueError:  # too many digits for Python to write out
        return "a number of thousands of digits"
