"""What the notebooks need beyond the library: papers' numbers beside measured ones, and small experiments."""

from jaxscale.experiments._findings import Finding, Findings, assert_findings
from jaxscale.experiments._table import Table
from jaxscale.experiments._two_point import TwoPointCheck, check_two_point

__all__ = ["Finding", "Findings", "Table", "TwoPointCheck", "assert_findings", "check_two_point"]
