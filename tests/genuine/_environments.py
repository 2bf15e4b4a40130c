"""An environment for each version of a tool, below a cache directory outside the checkout."""

import os
import subprocess
import sys
import time
from pathlib import Path

from _tools import Tool

MINUTES = 10
"""That an installation may take."""

READY = "ready"


class Skipped(Exception):
    """Why a tool writes no logs here, in a clear word."""


def cache() -> Path:
    """Where environments and logs are kept: $XDG_CACHE_HOME/jaxscale-genuine, or ~/.cache/jaxscale-genuine."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxscale-genuine"


def installed(tool: Tool, version: str, below: Path) -> Path:
    """The Python that has a version of a tool; made where it is not there.

    Raises:
        Skipped: it cannot be installed, or not in `MINUTES`.
    """
    folder = below / f"{tool.package}-{version}"
    python = folder / "bin" / "python"
    if (folder / READY).exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    ends = time.monotonic() + 60 * MINUTES
    for packages in tool.requirements(version):
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=max(1.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Skipped(f"{packages[0]} was not installed within {MINUTES} minutes") from None
        if done.returncode:
            raise Skipped(f"{packages[0]} cannot be installed ({_last(done.stderr)})")
    (folder / READY).touch()
    return python


def written(python: Path, writer: Path, folder: Path, minutes: float = 5) -> None:
    """Have a tool write its logs into an empty folder.

    Raises:
        Skipped: the script ended with an error, or not at all.
    """
    folder.mkdir(parents=True)
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            [python, writer, folder],
            capture_output=True,
            text=True,
            timeout=60 * minutes,
            env={**os.environ, **quiet, "PYTHONPATH": str(writer.parent)},
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"wrote no logs within {minutes:.0f} minutes") from None
    (folder / "said.txt").write_text(done.stdout + done.stderr)
    if done.returncode or not (folder / "known.json").exists():
        raise Skipped(f"ended with an error ({_last(done.stderr)})")


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:160] if lines else "nothing was said"
