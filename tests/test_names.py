"""One name for one thing: what calls, queries, values and random numbers are called is the same everywhere."""

import dataclasses
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import typer

import jaxscale as js
from jaxscale.cli._main import app

PACKAGE = Path(js.__file__).parent
OTHER_NAMES = {
    "k": "calls",
    "n": "calls",
    "mean": "value",
    "error": "standard_error",
    "seed": "key",
    "low": "lower",
    "high": "upper",
}
# `k` of "pass@k" and "majority@k", in functions called so and where `calls` are those to be made next.
FIELDS_OWN = {"pass_at_k", "majority_at_k", "allocate", "interval_widths"}


def results():
    """Every public frozen dataclass of the package that holds what was found."""
    for module in pkgutil.iter_modules(js.__path__):
        if not module.name.startswith("_") and module.name != "cli":
            package = importlib.import_module(f"jaxscale.{module.name}")
            for name in getattr(package, "__all__", dir(package)):
                value = getattr(package, name)
                if dataclasses.is_dataclass(value) and name not in ("Sweep", "Point"):  # what a TOML file asks for
                    yield name, value


def test_fields_of_results_have_the_names_that_all_results_have():
    found = dict(results())
    assert {"Estimate", "Forecast", "Simulation", "Widths", "BestN", "BestMajority", "Replay"} <= found.keys()
    for name, kind in found.items():
        assert not {field.name for field in dataclasses.fields(kind)} & set(OTHER_NAMES), name


def test_arguments_of_functions_have_the_names_that_all_functions_have():
    functions = {name: getattr(js, name) for name in js.__all__ if inspect.isfunction(getattr(js, name))}
    assert functions.keys() >= FIELDS_OWN - {"interval_widths"}
    for name, function in functions.items():
        arguments = set(inspect.signature(function).parameters)
        assert not arguments & (set(OTHER_NAMES) - ({"k"} if name in FIELDS_OWN else set())), name
        assert not name.startswith("bootstrap") or {"resamples", "key"} <= arguments


def test_every_command_that_takes_calls_takes_k_for_it():
    for name, command in typer.main.get_command(app).commands.items():
        options = [names for option in command.params if "--calls" in (names := set(option.opts))]
        assert len(options) == (name in ("forecast", "vote", "report", "next")), name
        assert name == "next" or all("--k" in names for names in options)  # whose --k is another number


# A problem is a query here; the word is that of a column in the files, and of the logs that readers know.
COLUMN = re.compile(r"columns? `?problem\b|\(or `?problem,|\"problem\"|`[^`]*\bproblem\b[^`]*`")
PROSE = [path for path in PACKAGE.rglob("*") if path.suffix in (".py", ".jinja", ".js")]
PROSE = [path for path in PROSE if path.relative_to(PACKAGE).parts[0] != "io"]
PROSE += [PACKAGE.parent / "README.md", PACKAGE.parent / "docs" / "mathematics.md"]


def test_a_query_is_called_so():
    assert len(PROSE) > 100
    for path in PROSE:
        text = path.read_text()
        text = re.sub(r"```.*?```", "", text, flags=re.DOTALL) if path.suffix == ".md" else text
        text = text.replace("a *query* (problem, question, item)", "")  # where the notation is introduced
        assert not re.findall(r".*\bproblems?\b.*", COLUMN.sub("", text), flags=re.IGNORECASE), path
