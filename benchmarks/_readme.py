"""The README's table of performance, made from the JSON that a run of the benchmarks writes."""

from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
README = Path(__file__).parents[1] / "README.md"
MARKS = ("<!-- performance -->\n", "<!-- end of performance -->")

MODULES = ("coverage", "votes", "simulate", "stopping")
"""Those whose rows are times beside a rival's; forecasts and plans have tables of their own."""


def performance(document: dict[str, Any]) -> str:
    """The table, and what it was measured on, as Markdown.

    Args:
        document: what `python -m benchmarks --json FILE` wrote.
    """
    machine = document["machine"]
    lines = ["| what | jaxscale | rival | its time | ratio |", "|---|---|---|---|---|"]
    for module in MODULES:
        for row in document["results"].get(module, []):
            if row.get("ratio") is not None:
                ours, theirs = (_seconds(row[key]) for key in ("seconds", "rival_seconds"))
                lines.append(f"| {row['name']} | {ours} | {row['rival']} | {theirs} | {_ratio(row['ratio'])} |")
    size = "small sizes, " if document["quick"] else ""
    versions = ", ".join(f"{name} {machine[name]}" for name in ("jax", "numpy", "scipy"))
    where = f"{size}on {machine['device']} with {machine['cores']} cores; {versions}"
    lines += ["", f"Ratio: the rival's time over ours. Warm medians, {where}."]
    return "\n".join(lines) + "\n"


def rewritten(readme: str, document: dict[str, Any]) -> str:
    """The README with its table made anew.

    Raises:
        ValueError: if the README does not mark where the table goes.
    """
    before, found, rest = readme.partition(MARKS[0])
    _, closed, after = rest.partition(MARKS[1])
    if not (found and closed):
        raise ValueError(f"README.md: expected a table between {MARKS[0].strip()} and {MARKS[1]}")
    return before + MARKS[0] + performance(document) + MARKS[1] + after


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 1 else f"{1000 * value:.3g} ms"
