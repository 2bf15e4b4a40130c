"""Run benchmarks and print a table."""

import argparse
import importlib
import importlib.metadata
import json
import os
import pkgutil
import platform
import sys
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.table import Table

import benchmarks
import jaxscale
from benchmarks._readme import README, RESULTS, rewritten

COLUMNS = (
    "name",
    "seconds",
    "spread",
    "rival",
    "rival_seconds",
    "ratio",
    "compile_seconds",
    "max_abs_difference",
    "note",
)

ALONE = "accelerator"
"""Measures the default device within its minutes, row by row."""


def main() -> None:
    """Run the named benchmarks, or all of them."""
    known = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.name.startswith("_")]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure jaxscale against its rivals.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which: {', '.join(known)} (default: all but {ALONE})"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: to see that it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows and the machine to FILE as well")
    parser.add_argument(
        "--minutes",
        type=float,
        default=6.0,
        help="accelerator: how long it may take, compilation included (default: 6)",
    )
    parser.add_argument("--readme", action="store_true", help="make the README's tables of what is stored, and stop")
    options = parser.parse_args()
    if options.readme:
        README.write_text(rewritten(README.read_text(), json.loads(RESULTS.read_text())))
        return
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"NAME = {unknown[0]!r}: expected one of {', '.join(known)}")

    if ALONE in options.names and len(options.names) > 1:
        parser.error(f"{ALONE} measures a device by itself: expected no other NAME")
    if not options.minutes > 0:
        parser.error(f"--minutes {options.minutes}: expected a number above 0")

    machine = _machine()
    console = Console(width=160)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    if options.names == [ALONE]:
        module = importlib.import_module(f"benchmarks.{ALONE}")
        sys.exit(module.run_within(options.minutes, options.quick, options.json, machine, console))
    results: dict[str, Any] = {}
    for name in options.names or [name for name in known if name != ALONE]:
        module = importlib.import_module(f"benchmarks.{name}")
        results[name] = module.run(options.quick)
        # Rows of errors and intervals do not fit the table of times: such a module has tables of its own.
        for table in module.tables(results[name]) if hasattr(module, "tables") else [_table(name, results[name])]:
            console.print(table)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "quick": options.quick, "results": results}, indent=2))


def _machine() -> dict[str, Any]:
    packages = ("jax", "jaxlib", "numpy", "scipy")
    return {
        "device": jax.devices()[0].device_kind,
        "devices": jax.device_count(),
        "cores": os.cpu_count(),
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
        "python": platform.python_version(),
        "jaxscale": jaxscale.__version__,
        **{package: importlib.metadata.version(package) for package in packages},
    }


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    columns = [column for column in COLUMNS if any(row.get(column) is not None for row in rows)]
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="left" if column in ("name", "rival", "note") else "right")
    for row in rows:
        table.add_row(*(_shown(column, row.get(column)) for column in columns))
    return table


def _shown(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:.1e}" if column == "max_abs_difference" else f"{value:.3g}" if value < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    main()
