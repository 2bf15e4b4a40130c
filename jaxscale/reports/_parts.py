"""What a page is made of: sections, each of charts, tables, and explanations of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from jaxscale.reports._analysis import Group

Columns: TypeAlias = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Table:
    """Rows of text; the first cell of each names it.

    Attributes:
        caption: what it shows.
        head: the names of the columns, each with the key of the explanation of its numbers, or None.
        rows: the cells.
    """

    caption: str
    head: Columns
    rows: Sequence[Sequence[str]]


class Explanation(NamedTuple):
    """How a kind of number was made.

    Attributes:
        key: what links on the page call it.
        title: the kind of number.
        words: how it was made.
        formula: the same as a formula; empty where words say it all.
        source: who showed that this is right.
        drawn: what was drawn at random; empty if nothing was.
    """

    key: str
    title: str
    words: str
    formula: str
    source: str
    drawn: str


@dataclass(frozen=True)
class Chart:
    """A chart with its controls, and the same numbers as a table.

    Attributes:
        key: its name on the page.
        title: what a heading calls it.
        note: how to read it.
        spec: the Vega-Lite specification.
        table: its numbers.
        curves: names of the curves that can be shown and hidden.
        colours: the place of each curve in the palette.
        shown: those shown at first.
        choices: the data sets of which one is shown at a time.
        log_y: whether its vertical axis is logarithmic at first.
        across: what its horizontal axis shows.
    """

    key: str
    title: str
    note: str
    spec: dict[str, Any]
    table: Table
    curves: Sequence[str] = ()
    colours: Sequence[int] = ()
    shown: Sequence[str] = ()
    choices: Sequence[str] = ()
    log_y: bool = False
    across: str = "calls"


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        key: its name in links.
        title: its heading.
        text: what it is about.
        charts: what it shows.
        explained: how its numbers were made.
        tables: further numbers, folded away.
    """

    key: str
    title: str
    text: str
    charts: Sequence[Chart]
    explained: Sequence[Explanation]
    tables: Sequence[Table] = ()


def head(noun: str, labels: Sequence[str]) -> Columns:
    """Columns without explanations, after one that names the rows."""
    return [(noun, None), *((label, None) for label in labels)]


def of_groups(groups: Sequence[Group], noun: str) -> str:
    """Of what a chart is, for its description."""
    return f"of {len(groups)} {noun}s" if len(groups) > 1 else f"of {groups[0].name}"


def choices(groups: Sequence[Group]) -> list[str]:
    """The data sets of which a chart shows one at a time; none where there is only one."""
    return [group.name for group in groups] if len(groups) > 1 else []
