"""Genuine logs: each tool writes some with a scripted model whose outcomes are known, and jaxscale reads them.

`make genuine`, or `python tests/genuine [TOOL...]`. What was found is stored in `results.json`, of which the table of
docs/genuine-logs.md is made. The exit code is 1 where a log is read otherwise than it is known to be.
"""

import argparse
import json
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

from _environments import Skipped, cache, installed, written
from _held import held
from _table import PAGE, rewritten
from _tools import TOOLS, Tool

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"


def main() -> None:
    """Run the named tools, or all of them."""
    parser = argparse.ArgumentParser(prog="python tests/genuine", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="TOOL", help=f"which: {', '.join(tool.name for tool in TOOLS)}")
    parser.add_argument("--cache", type=Path, default=cache(), help="where environments and logs are (%(default)s)")
    parser.add_argument(
        "--table", action="store_true", help="make the table of docs/genuine-logs.md of what is stored, and stop"
    )
    options = parser.parse_args()
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not options.table:
        unknown = set(options.names) - {tool.name for tool in TOOLS}
        if unknown:
            parser.error(f"TOOL = {', '.join(sorted(unknown))}: expected {', '.join(tool.name for tool in TOOLS)}")
        for tool in TOOLS:
            if options.names and tool.name not in options.names:
                continue
            stored[tool.name] = {}
            for version in tool.versions:
                stored[tool.name][version] = found = run(tool, version, options.cache)
                print(said(tool, version, found), flush=True)
            RESULTS.write_text(json.dumps(stored, indent=1) + "\n")
    PAGE.write_text(rewritten(PAGE.read_text(), stored))
    sys.exit(any(case["wrong"] for versions in stored.values() for each in versions.values() for case in each["cases"]))


def run(tool: Tool, version: str, below: Path) -> dict[str, Any]:
    """What came of one version: its cases and what is wrong with each, or why it was skipped."""
    logs = below / "logs" / f"{tool.package}-{version}"
    shutil.rmtree(logs, ignore_errors=True)
    found: dict[str, Any] = {"date": date.today().isoformat(), "skipped": None, "verdict": None, "cases": []}
    try:
        written(installed(tool, version, below), HERE / "writers" / tool.writer, logs)
    except Skipped as why:
        return {**found, "skipped": str(why)}
    known = json.loads((logs / "known.json").read_text())
    cases = [
        {
            "name": case["name"],
            "calls": sum(each["attempts"] for each in case["problems"].values()),
            "metrics": list(case["metrics"]),
            "wrong": held(logs, case),
        }
        for case in known["cases"]
    ]
    return {**found, "verdict": known["verdict"], "cases": cases}


def said(tool: Tool, version: str, found: dict[str, Any]) -> str:
    """What a person reads of it."""
    lines = [f"{tool.name} {version}: {found['skipped'] or str(len(found['cases'])) + ' logs'}"]
    for case in found["cases"]:
        lines.append(f"  {case['name']}: {'; '.join(case['wrong'][:4]) or 'as known'}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
