"""Run the notebooks and store them with their pictures: `python docs/notebooks.py [NAME...]`, all of them by default.

A notebook is a percent script, notebooks/NAME.py; what is stored, notebooks/NAME.ipynb, is made of it and never edited.
"""

import os
import sys
import time
from pathlib import Path

import jupytext
import nbclient
import nbformat

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


def store(script: Path) -> None:
    """Run a script cell by cell in a fresh kernel and write its .ipynb, with nothing that changes from run to run."""
    notebook = jupytext.read(script)
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index}"
    place = {"metadata": {"path": str(script.parent)}}
    nbclient.NotebookClient(notebook, timeout=600, record_timing=False, resources=place).execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # Progress bars and warnings about the machine are for who runs it, not for who reads it.
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata.pop("language_info", None)
    partial = script.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(script.with_suffix(".ipynb"))


if __name__ == "__main__":
    if os.environ.get("JAXSCALE_SMALL"):
        sys.exit("JAXSCALE_SMALL is set: what is stored is the full size")
    wanted = [FOLDER / f"{name}.py" for name in sys.argv[1:]] or sorted(FOLDER.glob("*.py"))
    for path in wanted:
        start = time.monotonic()
        store(path)
        print(f"{path.stem}: {time.monotonic() - start:.0f} s", flush=True)
