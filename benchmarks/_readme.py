"""The README's tables of performance, made from the JSON that runs of the benchmarks write."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
README = Path(__file__).parents[1] / "README.md"
MARKS = ("<!-- performance -->\n", "<!-- end of performance -->")
ACCELERATOR_MARKS = ("<!-- accelerators -->\n", "<!-- end of accelerators -->")

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
    return "\n".join([*lines, *_reading(document["results"].get("reading", []))]) + "\n"


def _reading(rows: list[dict[str, Any]]) -> list[str]:
    """The table of readers, none where they were not measured."""
    if not rows:
        return []
    title = "| read, in a process of its own | time (user CPU) | rows a second | peak memory | beside it |"
    lines = ["", title, "|---|---|---|---|---|"]
    for row in rows:
        beside = ""
        if row["rival"]:
            times = f"{_seconds(row['rival_seconds'])} ({_seconds(row['rival_user_seconds'])})"
            beside = f"{row['rival']}: {times}, {row['rival_peak_bytes'] / 1e6:,.0f} MB"
        ours = f"{_seconds(row['seconds'])} ({_seconds(row['user_seconds'])}) | {row['rows_a_second']:,.0f}"
        lines.append(f"| {row['name']} | {ours} | {row['peak_bytes'] / 1e6:,.0f} MB | {beside} |")
    loads = [row["load"] for row in rows]
    return [
        *lines,
        "",
        "Rivals count right calls and answers, without a check of any value. Other programs ran meanwhile (load "
        f"{min(loads):.0f} to {max(loads):.0f}): times are longer than alone, those of user CPU by less.",
    ]


NONE_STORED = (
    "No result of a GPU or TPU is stored yet: every program lowers for CUDA and TPU (`tests/test_lowering.py`),\n"
    "and none has run there.\n"
)

_BY_SIZE = {
    "pass@k at ": "pass@k curves",
    "vote at ": "Votes, simulated",
    "samplers, ": "Samplers",
    "exact vote, ": "Exact votes",
    "fits, ": "Fits",
}
"""Kinds of rows, by how their names begin, and what they are called here."""


def accelerators(folder: Path) -> str:
    """A table by size of the problem for each kind of row and each device whose run is stored, as Markdown.

    Args:
        folder: with `results-DEVICE.json`, which `python -m benchmarks accelerator` writes.
    """
    stored = [json.loads(path.read_text()) for path in sorted(folder.glob("results-*.json"))]
    if not stored:
        return NONE_STORED
    return "\n".join(_of_device(document) for document in stored)


def _of_device(document: dict[str, Any]) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{name} {machine[name]}" for name in ("jax", "numpy", "scipy"))
    more = "" if document["ended"] == "finished" else f", {document['ended']}"
    checks = [row["ok"] for row in document["rows"] if "ok" in row]
    lines = [
        f"On {machine['device']} ({versions}{more}): {sum(checks)} of {len(checks)} checks of samplers and systems, "
        "against their laws, exact values and the CPU, hold within 5 standard errors."
    ]
    for begin, title in _BY_SIZE.items():
        rows = [row for row in document["rows"] if row["kind"].startswith(begin) and "seconds" in row]
        if rows:
            lines += ["", f"| {title} | time | values a second | of the floor | beside it |", "|---|---|---|---|---|"]
            lines += [_device_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _device_row(row: dict[str, Any]) -> str:
    precision = next((f", {dtype}" for dtype in ("float32", "float64") if dtype in row["kind"]), "")
    rate = f"{row['rate'] / 1e9:.3g} G" if "rate" in row else ""
    share = f"{row['share_of_floor']:.0%}" if row.get("share_of_floor") is not None else ""
    beside = [f"{times:.3g} times the two-core CPU above" for times in [row.get("times_cpu")] if times is not None]
    # A rival that is not there, or failed, has words in place of a rate.
    rates = {name: found for name, found in row.get("rivals", {}).items() if not isinstance(found, str)}
    beside += [f"{name} {found / 1e9:.3g} G" for name, found in rates.items()]
    beside += [f"{name} {_seconds(found)}" for name, found in row.get("rival_seconds", {}).items()]
    return f"| {row['name']}{precision} | {_seconds(row['seconds'])} | {rate} | {share} | {', '.join(beside)} |"


def rewritten(readme: str, document: dict[str, Any], folder: Path = RESULTS.parent) -> str:
    """The README with its tables made anew.

    Args:
        readme: its text.
        document: as in `performance`.
        folder: as in `accelerators`.

    Raises:
        ValueError: if the README does not mark where a table goes.
    """
    return _between(ACCELERATOR_MARKS, _between(MARKS, readme, performance(document)), accelerators(folder))


def _between(marks: tuple[str, str], readme: str, table: str) -> str:
    before, found, rest = readme.partition(marks[0])
    _, closed, after = rest.partition(marks[1])
    if not (found and closed):
        raise ValueError(f"README.md: expected a table between {marks[0].strip()} and {marks[1]}")
    return before + marks[0] + table + marks[1] + after


def _ratio(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 1 else f"{1000 * value:.3g} ms"
