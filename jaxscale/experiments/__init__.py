"""What the notebooks need beyond the library: papers' numbers beside measured ones, and small experiments."""

from jaxscale.experiments._findings import Finding, Findings, assert_findings
from jaxscale.experiments._table import Table
from jaxscale.experiments._two_point import TwoPointCheck, check_two_point
from jaxscale.experiments._vae import (
    VAE,
    digit_images,
    expected_minimum,
    least_errors,
    reconstruction_errors,
    train_vae,
)

__all__ = [
    "VAE",
    "Finding",
    "Findings",
    "Table",
    "TwoPointCheck",
    "assert_findings",
    "check_two_point",
    "digit_images",
    "expected_minimum",
    "least_errors",
    "reconstruction_errors",
    "train_vae",
]
