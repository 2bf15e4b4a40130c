"""Draw the pictures of the README, from the packaged simulated samples and from stored notebooks."""

import base64
import shutil
import tempfile
from pathlib import Path

import nbformat

from jaxscale.cli import run

NOTEBOOKS = {"chen.png": "chen_synthetic", "levi.png": "levi_cost"}


def first_picture(notebook: Path) -> bytes:
    """The first picture that a notebook was stored with, as PNG."""
    cells = nbformat.read(notebook, as_version=4).cells
    outputs = (output for cell in cells if cell.cell_type == "code" for output in cell.outputs)
    return base64.b64decode(
        next(output.data["image/png"] for output in outputs if "image/png" in output.get("data", {}))
    )


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    for picture, name in NOTEBOOKS.items():
        (here / picture).write_bytes(first_picture(here.parent / "notebooks" / f"{name}.ipynb"))
    with tempfile.TemporaryDirectory() as directory:
        run(["demo", "--output", directory])
        for name in ("forecast.png", "vote.png"):
            shutil.move(Path(directory, name), here / name)
