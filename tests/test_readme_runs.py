"""The Python and the commands of the README run, and give what it shows; its table of systems is the registry's."""

import ast
import contextlib
import importlib.util
import io
import os
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.cli._demo import write_samples
from jaxscale.samples import sample_attempts
from jaxscale.systems import SYSTEMS, implemented

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
NOT_RUN = {"jax.distributed.initialize": "needs the processes of a cluster"}
if not os.environ.get("JAXSCALE_FULL"):
    NOT_RUN["js.bootstrap_joint"] = "compiles for half a minute: in `make test-full`; test_fit_joint.py makes its calls"
NUMBER = re.compile(r"(?<![\w.])(below )?(-?\d+\.\d+|\d+%)(?![\w])")

# A command, and the indented lines below it.
COMMAND = re.compile(r"^( +)\$ (?:\.venv/bin/)?(jaxscale .*)\n((?:\1(?!\$ ).*\n)*)", re.MULTILINE)
COMMANDS = [
    (command, re.sub(f"^{indent}", "", lines, flags=re.MULTILINE)) for indent, command, lines in COMMAND.findall(README)
]
# A sweep is run with a hundredth of its replicates.
FEWER = {"100_000": "1_000", "100,000": "1,000"}


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
        digits, scale = len(number.rstrip("%").partition(".")[2]), 100 if number.endswith("%") else 1
        rounding = 0.51 * 10.0**-digits / scale
        yield number, float(number.rstrip("%")) / scale, rounding, bool(bound)


@pytest.mark.parametrize("code", PYTHON, ids=lambda code: f"{len(code)} characters")
def test_the_python_of_the_readme_gives_the_numbers_that_it_shows(code):
    for needs, why in NOT_RUN.items():
        if needs in code:
            compile(code, "README", "exec")
            assert not [comment for comment in re.findall("#.*", code) if NUMBER.search(comment)]
            pytest.skip(why)
    names, lines = {}, code.split("\n")
    for statement in ast.parse(code).body:
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "README", "eval"), names)
        else:
            exec(compile(ast.Module([statement], []), "README", "exec"), names)
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            value = names[targets[0].id] if targets and isinstance(targets[0], ast.Name) else None
        if isinstance(statement, ast.Expr | ast.Assign):
            comment = lines[statement.end_lineno - 1].partition("#")[2]
            for text, number, rounding, bound in shown(comment):
                found = numbers(value)
                near = any(x < number if bound else abs(x - number) <= rounding for x in found)
                assert near, f"{text} in {comment!r}: found {found}"


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What a command prints beside the demo's files; a command that the README shows twice runs once."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "demo").mkdir()
    write_samples(folder / "demo", seed=0)
    shutil.copytree(ROOT / "sweeps", folder / "sweeps")
    for sweep in (folder / "sweeps").iterdir():
        sweep.write_text(sweep.read_text().replace("100_000", FEWER["100_000"]))
    known = {}

    def of(command):
        if command not in known:
            with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
                assert run(shlex.split(command)[1:]) == 0, command
            known[command] = out.getvalue()
            assert {path.name for path in folder.iterdir()} == {"demo", "sweeps"}, f"{command} leaves files in a clone"
        return known[command]

    return of


@pytest.mark.parametrize(("command", "lines"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_the_commands_of_the_readme_print_what_it_shows(printed, command, lines, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert lines
    for whole, part in FEWER.items():
        lines = lines.replace(whole, part) if " simulate " in command else lines
    found = "\n".join(line.rstrip() for line in printed(command).splitlines())
    place = 0
    for stretch in filter(None, re.split(r"^\.\.\.\n", lines, flags=re.MULTILINE)):
        # Whole lines, one below the other; "..." within a line stands for the rest of a word or a number.
        pattern = re.escape(stretch.rstrip("\n")).replace(re.escape("..."), r"[^\n]*?")
        match = re.compile(rf"^{pattern}$", re.MULTILINE).search(found, place)
        assert match, f"{stretch}is not in what `{command}` prints:\n{found}"
        place = match.end()


def test_the_intervals_of_the_first_picture_hold_the_truth_as_the_readme_says():
    assert "all six of its forecasts beyond the data hold it within\ntheir 90% intervals" in README
    samples = sample_attempts()
    curves = js.forecast(js.PassAtK(), {name: sample.attempts for name, sample in samples.items()}, [1_000, 10_000])
    truths = {name: [sample.pass_at_k(k) for k in (1_000, 10_000)] for name, sample in samples.items()}
    assert len(curves) == 3
    assert all(((curve.lower <= truths[name]) & (truths[name] <= curve.upper)).all() for name, curve in curves.items())


def test_the_readme_shows_every_kind_of_block():
    assert len(PYTHON) == 6
    assert {command.split()[1] for command, _ in COMMANDS} >= {"vote", "forecast", "plan", "next", "report", "simulate"}
    assert len(COMMAND.findall(README)) == len(re.findall(r"^ *\$ ", README, re.MULTILINE))


def test_the_table_of_systems_is_the_registry_s():
    where = importlib.util.spec_from_file_location("systems_table", ROOT / "docs" / "systems_table.py")
    module = importlib.util.module_from_spec(where)
    where.loader.exec_module(module)
    assert module.rewritten(README) == README, "run `python docs/systems_table.py`"
    head, _, *rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in module.table().splitlines()]
    assert [row[0] for row in rows] == [system.__name__ for system in SYSTEMS]
    shown = {(verb, row[0]): cell for row in rows for verb, cell in zip(head[1:], row[1:], strict=True)}
    registered = {(verb, system.__name__) for verb, system, _ in implemented()}
    assert {pair for pair, cell in shown.items() if cell} == registered
    assert shown["estimate", "Vote"] == "Ballots"
