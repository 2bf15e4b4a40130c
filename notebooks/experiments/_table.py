"""A small table that is Markdown in a notebook and plain text elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows of text under a head.

    Args:
        head: names of the columns.
        rows: cells, as many in each row; numbers as the table is to show them.

    Example:
        >>> print(Table(["model", "best K"], [["small", "9"], ["large", "1"]]))
        model  best K
        small  9
        large  1
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def _repr_markdown_(self) -> str:
        return self.markdown(["---"] * len(self.head))

    def markdown(self, rule: Sequence[str]) -> str:
        """The table in Markdown.

        Args:
            rule: how each column is aligned: "---" or "---:".

        Returns:
            Lines of text.
        """
        escaped = ([text.replace("|", "\\|") for text in row] for row in (self.head, *self.rows))
        head, *body = ("| " + " | ".join(row) + " |" for row in escaped)
        return "\n".join([head, "| " + " | ".join(rule) + " |", *body])

    def __str__(self) -> str:
        cells = [self.head, *self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.head))]
        lines = ("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells)
        return "\n".join(line.rstrip() for line in lines)

    __repr__ = __str__
