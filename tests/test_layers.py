"""How the package hangs together: imports go down, names resolve whatever was imported first, files stay short."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
from pathlib import Path

import pytest

import jaxscale as js

PACKAGE = Path(js.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Lowest first. A module may import what stands in an earlier line, or its own package.
LAYERS = [
    ("_files", "_numpy", "_words"),
    ("_checks",),
    ("_result",),
    ("_arrays", "_palette"),
    ("special",),
    ("sampling",),
    ("particles",),
    ("data",),
    ("common",),
    ("io", "samples"),
    ("difficulty",),
    ("systems",),
    ("plurality",),
    ("estimators",),
    ("closed_forms",),
    ("stopping",),
    ("simulator",),
    ("fitting",),
    ("forecasting",),
    ("planning",),
    ("reports", "plot"),
    ("cli",),
    ("__main__",),
]
HEIGHT = {name: height for height, names in enumerate(LAYERS) for name in names}


def layer_of(module):
    return module.split(".")[1] if module.startswith("jaxscale.") else None


def imported(path):
    """The jaxscale modules that a file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "jaxscale")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            if node.module == "jaxscale":
                yield from (f"jaxscale.{alias.name}" for alias in node.names)
            elif node.module.startswith("jaxscale."):
                yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own == "__init__":
        return  # it imports for type checkers alone
    assert own in HEIGHT, f"{own} has no place in LAYERS"
    for module in imported(path):
        layer = layer_of(module)
        if layer not in (own, "__version__"):  # the version is the package's own
            assert layer in HEIGHT, f"{module} has no place in LAYERS"
            assert HEIGHT[layer] < HEIGHT[own], f"{own} imports {module}, which is not below it"


def test_no_package_reaches_into_another_s_private_modules():
    for path in FILES:
        own = path.relative_to(PACKAGE).parts[0]
        for module in imported(path):
            parts = module.split(".")
            private = len(parts) > 2 and parts[2].startswith("_")
            assert not private or parts[1] == own, f"{path.relative_to(PACKAGE)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_say_what_they_are(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_importing_the_package_and_the_command_line_is_light():
    code = """
import sys, jaxscale, jaxscale.cli
print(*{name.split(".")[0] for name in sys.modules})
"""
    slow = {"jax", "jaxlib", "numpy", "equinox", "optax", "pyarrow", "matplotlib"}
    assert not slow.intersection(python(code))


def test_forecasts_and_pages_do_without_the_slow_part_of_scipy():
    code = """
import sys, jaxscale.forecasting, jaxscale.planning, jaxscale.estimators
print("scipy.special" in sys.modules, "scipy.stats" in sys.modules)
"""
    assert python(code) == ["True", "False"]


def submodules():
    return [module.name for module in pkgutil.walk_packages(js.__path__, "jaxscale.")]


def test_public_names_are_those_that_type_checkers_see():
    ifs = [node for node in ast.parse(Path(js.__file__).read_text()).body if isinstance(node, ast.If)]
    (block,) = [node for node in ifs if isinstance(node.test, ast.Name)]  # `if TYPE_CHECKING`
    seen = {
        alias.asname: node.module.removeprefix("jaxscale").lstrip(".")
        for node in block.body
        for alias in node.names
        if alias.asname == alias.name
    }
    assert seen == js._MODULE_OF | dict.fromkeys(js._SUBPACKAGES, "")
    assert (PACKAGE / "py.typed").exists()


def test_no_package_has_the_name_of_a_public_function():
    packages = {module.name for module in pkgutil.iter_modules(js.__path__)}
    assert not packages & set(js.__all__)
    for name in submodules():
        importlib.import_module(name)
    for name in js._MODULE_OF:
        assert not isinstance(getattr(js, name), types.ModuleType)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        js.fitt  # noqa: B018
    assert set(js.__all__) <= set(dir(js))


def test_packages_need_no_import_of_their_own():
    names = "data difficulty estimators fitting io plot samples sampling special stopping systems"
    code = f"import jaxscale as js; print(*[getattr(js, name).__name__ for name in {names.split()}])"
    assert python(code) == [f"jaxscale.{name}" for name in names.split()]
    assert {"stopping", "plot"} <= set(dir(js))


def test_help_shows_no_array_argument_as_a_union_of_all_that_becomes_an_array():
    functions = [value for name in js.__all__ if isinstance(value := getattr(js, name), types.FunctionType)]
    assert len(functions) > 20
    for function in functions:
        assert "_SupportsArray" not in str(inspect.signature(function)), function.__name__
