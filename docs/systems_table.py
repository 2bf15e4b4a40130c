"""The README's table of what each verb knows: `python docs/systems_table.py` writes it anew.

It is made of the registry, so that a system which is registered for one more population stands in it.
"""

import importlib
from pathlib import Path

from jaxscale.systems import SYSTEMS, Verb, implemented

README = Path(__file__).resolve().parents[1] / "README.md"
MARKS = ("<!-- systems -->\n", "<!-- end of systems -->")

# Importing a verb's package registers what it knows.
_PACKAGES: dict[Verb, str] = {
    "estimate": "estimators",
    "exact": "closed_forms",
    "simulate": "simulator",
    "forecast": "forecasting",
}
_CORRELATED = ("CorrelatedTrials", "Exchangeable", "Sticky")
_IN_WORDS = {
    "AbstractLaw": "laws",
    "AbstractDifficulty": "laws of difficulty",
    **dict.fromkeys(_CORRELATED, "correlated trials"),
}


def table() -> str:
    """The table as Markdown: a row for each system, a column for each verb, and in the cells the populations."""
    for package in _PACKAGES.values():
        importlib.import_module(f"jaxscale.{package}")
    verbs = [verb for verb in _PACKAGES if implemented(verb)]
    lines = [f"| system | {' | '.join(f'`{verb}`' for verb in verbs)} |", "|---" * (len(verbs) + 1) + "|"]
    for system in SYSTEMS:
        cells = []
        for verb in verbs:
            kinds = [population.__name__ for _, owner, population in implemented(verb) if issubclass(system, owner)]
            cells.append(", ".join(dict.fromkeys(_IN_WORDS.get(kind, f"`{kind}`") for kind in kinds)))
        lines.append(f"| `{system.__name__}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def rewritten(readme: str) -> str:
    """The README with its table made anew.

    Raises:
        ValueError: if the README does not mark where the table goes.
    """
    before, found, rest = readme.partition(MARKS[0])
    _, closed, after = rest.partition(MARKS[1])
    if not (found and closed):
        raise ValueError(f"README.md: expected a table between {MARKS[0].strip()} and {MARKS[1]}")
    return before + MARKS[0] + table() + MARKS[1] + after


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
