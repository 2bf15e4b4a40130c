"""What the notebooks need beyond the library: papers' numbers beside measured ones, and small experiments."""

from jaxscale.experiments._findings import Finding, Findings, assert_findings

__all__ = ["Finding", "Findings", "assert_findings"]
