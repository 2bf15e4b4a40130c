"""Costs by the name of a model, from a TOML file that a person writes."""

import dataclasses
import difflib
import inspect
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxscale.data import Attempts, Ballots
from jaxscale.planning._cost import Cost

_AMOUNTS = tuple(field.name for field in dataclasses.fields(Cost) if field.name != "parallel")
_TOKENS = tuple(name for name in inspect.signature(Cost.from_tokens).parameters if name != "parallel")
_CHECK = "check"


def read_costs(path: str | Path, data: Mapping[str, Attempts | Ballots] | None = None) -> dict[str, Cost]:
    r"""Read what each model costs from a TOML file.

    A table is a model. It has the amounts of `Cost` (`per_call = 0.002`), or the tokens and prices of
    `Cost.from_tokens` (`price_in` and `price_out` are for a million tokens); `parallel` with either. A table
    `[model.check]`, written the same way, is what one call of its verifier or filter costs.

    Args:
        path: the file.
        data: data sets by name; the file may call one by the `name` that it has itself. The tokens that they record
            stand in for `prompt_tokens` and `decode_tokens` that the file leaves out.

    Returns:
        A `Cost` for each table, in the order of the file; with `data`, for each data set, in the order of these.

    Raises:
        ValueError: naming the file, the key, its value and what was expected; or a data set without a price.

    Example:
        >>> from tempfile import mkdtemp
        >>> path = Path(mkdtemp()) / "prices.toml"
        >>> _ = path.write_text("[small]\nprice_out = 0.6\ndecode_tokens = 1000\n[small.check]\nper_call = 0.0001\n")
        >>> round(read_costs(path)["small"].money(10, checks=10), 6)
        0.007
    """
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    except OSError as error:
        raise ValueError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    try:
        if not tables:
            raise ValueError("no model: expected a table for each, as in [small]")
        if data is None:
            return {name: _cost(table, name, {}) for name, table in tables.items()}
        # A data set that is not one of several groups goes by its own name, which is that of its file.
        keys = {name: name if name in tables else each.name or name for name, each in data.items()}
        for key in keys.values():
            if key not in tables:
                raise ValueError(f"no prices for {key!r}: expected a table{_near(key, tables)}")
        return {name: _cost(tables[key], key, recorded_tokens(data[name])) for name, key in keys.items()}
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def recorded_tokens(data: Attempts | Ballots) -> dict[str, float]:
    """The mean tokens that a call read and wrote, every query that has them counting as much as any other.

    Returns:
        `prompt_tokens` and `decode_tokens`, those that were recorded.

    Example:
        >>> recorded_tokens(Ballots([[2], [1]], [[True], [True]], tokens=[[10, 20], [30, np.nan]]))
        {'decode_tokens': 22.5}
    """
    found = {}
    for name, recorded in (("prompt_tokens", data.prompt_tokens), ("decode_tokens", data.tokens)):
        if recorded is not None and not np.isnan(recorded).all():
            queries = recorded[~np.isnan(recorded.reshape(len(data), -1)).all(axis=1)]
            found[name] = float(np.nanmean(queries.reshape(len(queries), -1), axis=1).mean())
    return found


def _cost(table: Any, key: str, recorded: Mapping[str, float]) -> Cost:
    if not isinstance(table, dict):
        raise ValueError(f"{key} = {table!r}: expected a table of prices, as in [{key}]")
    for name in table:
        if name not in (*_AMOUNTS, *_TOKENS, "parallel", _CHECK):
            known = (*_TOKENS, *_AMOUNTS, "parallel", _CHECK)
            near = _near(name, known) or f": expected one of {', '.join(known)}"
            raise ValueError(f"{key}.{name}: unknown key{near}")
    amounts = [name for name in table if name in _AMOUNTS]
    tokens = [name for name in table if name in _TOKENS]
    if amounts and tokens:
        raise ValueError(f"{key}: {amounts[0]} beside {tokens[0]}: expected amounts per call, or tokens and prices")
    if not amounts and not tokens:
        raise ValueError(f"{key}: no price: expected per_call, or price_out and decode_tokens, or the like")
    if any(isinstance(table[name], (bool, str, list, dict)) for name in (*amounts, *tokens) if name != "prompt_shared"):
        name = next(n for n in (*amounts, *tokens) if isinstance(table[n], (bool, str, list, dict)))
        raise ValueError(f"{key}.{name} = {table[name]!r}: expected a finite number of 0 or more")
    if not isinstance(table.get("prompt_shared", True), bool):
        raise ValueError(f"{key}.prompt_shared = {table['prompt_shared']!r}: expected true or false")
    arguments = {name: value for name, value in table.items() if name != _CHECK}
    if tokens:
        arguments = _with_tokens(arguments, key, recorded)
    try:
        cost = Cost.from_tokens(**arguments) if tokens else Cost(**arguments)
    except ValueError as error:
        raise ValueError(f"{key}.{error}") from None
    if _CHECK in table:
        cost = cost.checked_by(_cost(table[_CHECK], f"{key}.{_CHECK}", {}))
    return cost


def _with_tokens(arguments: dict[str, Any], key: str, recorded: Mapping[str, float]) -> dict[str, Any]:
    """What `Cost.from_tokens` needs: tokens that have a price must be given, those that have none count as 0."""
    reads = ("price_in", "seconds_per_prompt_token", "flops_per_token")
    writes = ("price_out", "seconds_per_token", "flops_per_token")
    arguments = {**recorded, **arguments}
    for count, rates in (("prompt_tokens", reads), ("decode_tokens", writes)):
        priced = next((rate for rate in rates if rate in arguments), None)
        if count not in arguments and priced is not None:
            raise ValueError(f"{key}.{count} is missing: {priced} needs it, as the data record none")
    return {"prompt_tokens": 0.0, "decode_tokens": 0.0, **arguments}


def _near(name: str, known: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (is {matches[0]!r} meant?)" if matches else ""
