"""Special functions that do not cancel, with gradients that stay finite."""
