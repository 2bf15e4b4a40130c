"""What a paper says beside what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from experiments._table import Table


@dataclass(frozen=True)
class Finding:
    """One measured number, what the paper says about it, and the range it is asserted to be in.

    Args:
        quantity: what was measured, with its unit.
        paper: what the paper says; "-" where it says nothing.
        measured: the number.
        low: the least that is accepted.
        high: the most that is accepted.
        note: why it differs from the paper, or what is to be noticed, if anything.

    Example:
        >>> Finding("exponent", "about 0.35", 0.24, 0.18, 0.30).holds
        True
    """

    quantity: str
    paper: str
    measured: float
    low: float
    high: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the number is in its range (NaN never is)."""
        return bool(self.low <= self.measured <= self.high)


@dataclass(frozen=True)
class Findings:
    """Findings as a table: Markdown in a notebook, plain text elsewhere.

    Args:
        rows: the findings.
    """

    rows: tuple[Finding, ...]

    @property
    def table(self) -> Table:
        """The findings as text, a row each."""
        rows = []
        for row in self.rows:
            asserted = f"{_short(row.low)} to {_short(row.high)}" if row.low < row.high else f"{_short(row.low)}"
            rows.append([row.quantity, row.paper, _short(row.measured), asserted, row.note])
        return Table(["quantity", "paper", "measured", "asserted", "remark"], rows)

    def _repr_markdown_(self) -> str:
        return self.table.markdown(["---", "---", "---:", "---", "---"])

    def __str__(self) -> str:
        return str(self.table)

    __repr__ = __str__


def assert_findings(rows: Sequence[Finding]) -> Findings:
    """The headline numbers of a notebook: asserted, and shown beside what the paper says.

    Args:
        rows: the findings, in the order of the table.

    Returns:
        The table.

    Raises:
        AssertionError: naming every number that is outside its range.

    Example:
        >>> print(assert_findings([Finding("exponent", "about 0.35", 0.24, 0.18, 0.30)]))
        quantity  paper       measured  asserted     remark
        exponent  about 0.35  0.24      0.18 to 0.3
    """
    wrong = [row for row in rows if not row.holds]
    if wrong:
        found = "; ".join(f"{row.quantity} = {row.measured:.6g}: not in [{row.low:g}, {row.high:g}]" for row in wrong)
        raise AssertionError(found)
    return Findings(tuple(rows))


def _short(value: float) -> str:
    """Four significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 1000 and value == round(value) else f"{value:,.4g}"
