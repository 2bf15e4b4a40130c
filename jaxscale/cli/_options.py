"""Options that several commands share, and what their text means."""

import re
from collections.abc import Iterable
from typing import Annotated

import typer

from jaxscale.cli._errors import BadInput

MAX_CALLS = 10**12

DIFFICULTY = ("beta", "beta-ceiling", "scaled-beta", "kumaraswamy", "two-point", "grid")
"""Laws of difficulty that `--model` takes, by name, so that `--help` needs no jax."""

FORECAST = ("pass-at-k", "solve-once", "all-pass", "share-at-least", "mean-share", "vote", "filter-vote", "best-of-n")
"""Systems that are forecast from records, by name: they are checked before a file is read, and so before jax starts."""

FORECAST_FROM_ATTEMPTS = ("pass-at-k", "solve-once", "all-pass", "share-at-least", "mean-share", "best-of-n")
"""Those for which it is enough to know which calls were right."""

FORECAST_BY_COUNTS = ("pass-at-k", "all-pass", "share-at-least", "mean-share")
"""Those of which `jaxscale forecast` gives a curve: how many calls are right decides."""

SHARED = "share-at-least"
"""The one that needs a share."""

Share = Annotated[
    float | None,
    typer.Option("--share", metavar="SHARE", show_default=False, help=f"Of the calls that are to be right: {SHARED}."),
]
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...", show_default=False, help="Tables or logs: files, folders, 'a/**/*.csv', URIs, - (stdin)."
    ),
]
Group = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="COLUMN", show_default=False, help="One result per value; may be given again."),
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", show_default=False, help="Of the files; by default their content tells."),
]
Scorer = Annotated[
    str | None,
    typer.Option("--scorer", metavar="NAME", show_default=False, help="Of several verdicts in a log, the one to read."),
]
Right = Annotated[
    str | None,
    typer.Option(
        "--right",
        metavar="RULE",
        show_default=False,
        help="Verdicts that are right, as '>= 0.5' (a comparison) or C,P (values); by default as the tool says.",
    ),
]
Grade = Annotated[
    str | None,
    typer.Option(
        "--grade",
        metavar="text|math",
        show_default=False,
        help="Compare answers with the right one where a call has no verdict.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="OURS=THEIRS,...",
        show_default=False,
        help="For a table with names of its own, as in problem=task_id,passed=is_correct.",
    ),
]
Errors = Annotated[
    str | None,
    typer.Option(
        "--errors",
        metavar="wrong|drop",
        show_default=False,
        help="What calls are that ended in an error or have no verdict; by default as the tool says.",
    ),
]
Equivalence = Annotated[
    str,
    typer.Option(
        "--equivalence",
        metavar="none|text|math",
        help="Answers that are one: as written; of one text (case, spaces, Unicode, equal numbers); of one value.",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Of the random draws.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]

Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Do not say what was read, nor how far the work is; warnings stay.")
]
FailUnder = Annotated[
    float | None,
    typer.Option(
        "--fail-under",
        metavar="X",
        show_default=False,
        help="End with exit code 3 where the value at the largest number of calls is below X: a gate for pipelines.",
    ),
]

_WHOLE = re.compile(r"[0-9]{1,13}|[1-9](\.0*)?[eE]\+?[0-9]{1,2}")


def check_share(share: float | None, systems: Iterable[str]) -> None:
    """Refuse a share without the system that needs it, and the reverse."""
    if (share is None) == (SHARED in systems):
        both = ["--share", f"--system {SHARED}"]
        one, other = both if share is not None else both[::-1]
        raise BadInput(f"{one} without {other}: expected both")


def whole_numbers(text: str, option: str, most: int = MAX_CALLS) -> list[int]:
    """The numbers of calls in an option such as `--k 1,10,1e4`; `most` is a power of ten.

    Raises:
        BadInput: naming the option, the value and what was expected.
    """
    power = len(str(most)) - 1
    expected = f"expected whole numbers from 1 to 10^{power} with commas between them, as in {option} 1,10,100"
    if not text.strip():
        raise BadInput(f"{option} is empty: {expected}")
    values = []
    for part in text.split(","):
        part = part.strip()
        number = 0
        if _WHOLE.fullmatch(part):
            digits, _, zeros = part.lower().partition("e")
            number = int(digits.split(".")[0]) * 10 ** int(zeros or 0)
        if not 1 <= number <= most:
            shown = part if len(part) <= 40 else f"{part[:37]}..."
            raise BadInput(f"{option} = {shown!r}: {expected}")
        values.append(number)
    return values
