"""What is to be known of an accelerator, row by row: `python -m benchmarks accelerator`."""
