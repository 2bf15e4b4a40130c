"""Draw docs/forecast.png and docs/vote.png, the pictures of the README, from the packaged simulated samples."""

import shutil
import tempfile
from pathlib import Path

from jaxscale.cli import run

if __name__ == "__main__":
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as directory:
        run(["demo", "--output", directory])
        for name in ("forecast.png", "vote.png"):
            shutil.move(Path(directory, name), here / name)
