"""The command line: one file per command, each a thin layer over one public function."""

from jaxscale.cli._main import main, run

__all__ = ["main", "run"]
