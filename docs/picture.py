"""Draw docs/forecast.png, the picture of the README, from the packaged simulated sample."""

import shutil
import tempfile
from pathlib import Path

from jaxscale.cli import run

if __name__ == "__main__":
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as directory:
        run(["demo", "--output", directory])
        shutil.move(Path(directory, "forecast.png"), here / "forecast.png")
