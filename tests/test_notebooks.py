"""The notebooks as people read them: each is its script, run at full size, with pictures. `make` runs the scripts."""

from pathlib import Path

import jupytext
import nbformat
import pytest

from experiments import Finding, assert_findings

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))
LARGEST = 1_500_000  # bytes, so that a browser shows it at once


def stored(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def cells(notebook):
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def test_every_notebook_has_its_script():
    assert NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_is_the_script(name):
    script = jupytext.read(FOLDER / f"{name}.py")
    assert cells(stored(name)) == cells(script), f"run `make notebooks-store NAMES={name}`"
    assert script.cells[0].source.startswith("# ")
    assert "JAXSCALE_SMALL" in "".join(cell.source for cell in script.cells)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_stored_has_pictures_and_no_errors(name):
    notebook = stored(name)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert (FOLDER / f"{name}.ipynb").stat().st_size < LARGEST


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_are_articles_not_programs(name):
    script = jupytext.read(FOLDER / f"{name}.py")
    longest = max(cell.source.count("\n") + 1 for cell in script.cells if cell.cell_type == "code")
    assert longest <= 40


def test_a_number_outside_its_range_is_named():
    good, bad = Finding("yes", "-", 0.5, 0, 1), Finding("no", "1", 2.0, 0, 1)
    with pytest.raises(AssertionError, match=r"^no = 2: not in \[0, 1\]$"):
        assert_findings([good, bad])
    with pytest.raises(AssertionError, match="nan"):
        assert_findings([Finding("nothing", "-", float("nan"), 0, 1)])


def test_findings_are_tables():
    table = assert_findings([Finding("a | b", "-", 12345.0, 12345, 12345, "whole")])
    assert table._repr_markdown_().splitlines() == [
        "| quantity | paper | measured | asserted | remark |",
        "| --- | --- | ---: | --- | --- |",
        "| a \\| b | - | 12,345 | 12,345 | whole |",
    ]
    assert str(table).splitlines()[1].split() == ["a", "|", "b", "-", "12,345", "12,345", "whole"]
