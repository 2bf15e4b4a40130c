"""What the notebooks share: papers' numbers beside measured ones, small experiments, and pictures of their own."""

from experiments._comparisons import plot_costs, plot_predictions, plot_vote_curves
from experiments._curve_shapes import plot_curve_shapes
from experiments._difficulty import plot_difficulty
from experiments._findings import Finding, Findings, assert_findings
from experiments._flops import plot_flops_contours, plot_flops_slices
from experiments._laws import plot_laws, plot_successes
from experiments._table import Table
from experiments._trade_off import plot_trade_off
from experiments._two_point import TwoPointCheck, check_two_point
from experiments._vae import (
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
    "plot_costs",
    "plot_curve_shapes",
    "plot_difficulty",
    "plot_flops_contours",
    "plot_flops_slices",
    "plot_laws",
    "plot_predictions",
    "plot_successes",
    "plot_trade_off",
    "plot_vote_curves",
    "reconstruction_errors",
    "train_vae",
]
