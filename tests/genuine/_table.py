"""The table of docs/genuine-logs.md, made of what the runner stored."""

from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "genuine-logs.md"
MARKS = ("<!-- genuine -->\n", "<!-- end of genuine -->")


def table(stored: dict[str, Any]) -> str:
    """A row for each tool and version, as Markdown.

    Args:
        stored: what `results.json` holds.
    """
    lines = [
        "| tool | version | the verdict | logs | held against the tool's own | result |",
        "|---|---|---|---|---|---|",
    ]
    for name, versions in stored.items():
        for version, found in versions.items():
            cases = found["cases"]
            metrics = ", ".join(dict.fromkeys(metric for case in cases for metric in case["metrics"]))
            wrong = [case["name"] for case in cases if case["wrong"]]
            result = (
                f"skipped: {found['skipped']}"
                if found["skipped"]
                else f"wrong: {', '.join(wrong)}"
                if wrong
                else "equal"
            )
            logs = "; ".join(case["name"] for case in cases)
            lines.append(f"| {name} | {version} | {found['verdict'] or ''} | {logs} | {metrics} | {result} |")
    return "\n".join(lines) + "\n"


def rewritten(page: str, stored: dict[str, Any]) -> str:
    """The page with its table made anew.

    Raises:
        ValueError: if it does not mark where the table goes.
    """
    before, found, rest = page.partition(MARKS[0])
    _, closed, after = rest.partition(MARKS[1])
    if not (found and closed):
        raise ValueError(f"docs/genuine-logs.md: expected a table between {MARKS[0].strip()} and {MARKS[1]}")
    return before + MARKS[0] + table(stored) + MARKS[1] + after
