"""What jaxscale reads of a genuine log, held against what is known of it and what the tool itself reports."""

import warnings
from pathlib import Path
from typing import Any

import jaxscale as js
from jaxscale.data import DataWarning

CLOSE = 1e-6
"""Some tools round what they report to so many digits, or compute in float32."""


def held(folder: Path, case: dict[str, Any]) -> list[str]:
    """What is wrong with one log: nothing, where it is read as it is known to be.

    Args:
        folder: where the tool wrote its logs.
        case: what is known of one of them (`writers/_script.py`).
    """
    options = case["options"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            (data,) = js.io.read_either(folder / case["path"], **options).values()
    except ValueError as error:
        return [f"refused: {error}"]
    wrong = []
    problems = case["problems"]
    labels = list(data.query)
    if sorted(labels) != sorted(problems):
        return [f"problems {sorted(labels)}: expected {sorted(problems)}"]
    found = _of_attempts(data) if isinstance(data, js.Attempts) else _of_ballots(data)
    for name, known in problems.items():
        each = found[labels.index(name)]
        for key, value in known.items():
            got = each.get(key)
            same = abs(got - value) <= CLOSE if isinstance(value, float) and got is not None else got == value
            if not same:
                wrong.append(f"{name}: {key} = {got}: expected {value}")
    for name, value in case["metrics"].items():
        verb, calls = name.split("@")
        system = js.PassAtK() if verb == "pass" else js.Vote()
        got = float(js.estimate(system, data, [int(calls)]).value[0])
        if abs(got - value) > case.get("close", CLOSE):
            wrong.append(f"{name} = {got:.6f}: the tool says {value:.6f}")
    return wrong


def _of_attempts(data: js.Attempts) -> list[dict[str, Any]]:
    return [
        {
            "attempts": int(data.attempts[i]),
            "successes": int(data.successes[i]),
            "tokens": None if data.tokens is None else float(data.tokens[i]),
            "prompt_tokens": None if data.prompt_tokens is None else float(data.prompt_tokens[i]),
        }
        for i in range(len(data))
    ]


def _of_ballots(data: js.Ballots) -> list[dict[str, Any]]:
    calls, right = data.calls, data.right_calls
    return [
        {
            "attempts": int(calls[i]),
            "successes": int(right[i]),
            "votes": sorted(data.counts[i][data.counts[i] > 0].tolist()),
            "blank": 0 if data.blank is None else int(data.blank[i]),
            "tokens": None if data.tokens is None else float(data.tokens[i, : calls[i]].mean()),
            "prompt_tokens": None if data.prompt_tokens is None else float(data.prompt_tokens[i]),
        }
        for i in range(len(data))
    ]
