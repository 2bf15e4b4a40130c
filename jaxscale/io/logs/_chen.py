"""The result tables of Chen et al. (arXiv 2403.02419): CSV, a query per row, its ballots a dict written as text."""

import ast

import pyarrow as pa

from jaxscale.io import _csv
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, coded_text, shown

MAX_CELL = 2**20
"""Characters of the ballots of a query: what parses them takes three hundred times as much."""

_RIGHT, _BALLOTS = "true_answer", "full_possible_answer_count"


def recognises(source: Source) -> bool:
    """Whether the header names both columns."""
    header = source.head.partition(b"\n")[0]
    return _RIGHT.encode() in header and _BALLOTS.encode() in header


def read(source: Source, wanted: Wanted) -> Table:
    """Read ballots that the authors recorded: the row number is the problem, right is what equals `true_answer`."""
    base = _csv.read(source, Wanted(frozenset((_RIGHT, _BALLOTS))))
    base.layout(((_RIGHT, _BALLOTS),))
    columns: dict[str, list[str]] = {"problem": [], "answer": [], "count": [], "correct": []}
    origin = []
    texts = (base.texts(name) for name in (_RIGHT, _BALLOTS))
    for row, (right, text) in enumerate(zip(*texts, strict=True)):
        if len(text) > MAX_CELL:
            raise base.error(f"{_BALLOTS} has {len(text):,} characters: expected at most {MAX_CELL:,}", row)
        try:
            ballots = ast.literal_eval(text.strip())
            # Writing a number of thousands of digits fails, too.
            written = [("" if answer is None else str(answer), str(count)) for answer, count in ballots.items()]
        except (ValueError, SyntaxError, TypeError, AttributeError, RecursionError, MemoryError):
            raise base.error(f"{_BALLOTS} = {shown(text)}: expected a dict of answers and counts", row) from None
        problem = str(row + 1)
        for name, count in written:
            values = (problem, name, count, str(name.strip() == right.strip()).lower())
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
            origin.append(row)
    if not origin:
        raise base.error("holds no ballot: expected at least one")
    table = Table(
        source.name,
        tuple(columns),
        {name: coded_text(pa.array(column, pa.large_string())) for name, column in columns.items()},
        place=lambda row: base.place(origin[row]),
        reread=lambda: table,
        notes=base.notes,
    )
    return table
