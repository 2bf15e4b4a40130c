"""The Python of the README runs, and gives the numbers in its comments."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
# The blocks on forecasts and on votes.
FOUND = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
BLOCKS = [code for code in FOUND if re.search(r"js\.(forecast|exact)\(", code)]
NUMBER = re.compile(r"(?<![\w.])(below )?(-?\d+\.\d+|\d+%)(?![\w])")


def numbers(value):
    """All numbers within what a line gave."""
    if isinstance(value, dict):
        return [x for item in value.values() for x in numbers(item)]
    if isinstance(value, tuple | list):
        return [x for item in value for x in numbers(item)]
    if value is None or isinstance(value, str):
        return []
    return np.asarray(value, float).reshape(-1).tolist()


def shown(text):
    """The numbers with decimals, or in percent, in a comment: each with the most that rounding changes."""
    for bound, number in NUMBER.findall(text):
        if not bound:
            share = number.endswith("%")
            digits = len(number.rstrip("%").partition(".")[2])
            yield (
                number,
                float(number.rstrip("%")) / (100 if share else 1),
                0.51 * 10.0**-digits / (100 if share else 1),
            )


@pytest.mark.parametrize("code", BLOCKS, ids=["forecasts", "votes"])
def test_the_python_of_the_readme_gives_the_numbers_that_it_shows(code):
    names, lines, checked = {}, code.split("\n"), 0
    for statement in ast.parse(code).body:
        piece = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "README", "eval"), names)
        else:
            exec(piece, names)
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            value = names[targets[0].id] if targets and isinstance(targets[0], ast.Name) else None
        comment = lines[statement.end_lineno - 1].partition("#")[2]
        if isinstance(statement, ast.Expr | ast.Assign):
            for text, number, margin in shown(comment):
                found = numbers(value)
                assert any(abs(x - number) <= margin for x in found), f"{text} in {comment!r}: found {found}"
                checked += 1
    assert checked or not any(NUMBER.search(line.partition("#")[2]) for line in lines)
