"""What every test file shares."""

import os

# Most of the time of a test is compiling. Together these leave a third of it; users' runs, the demo and the benchmarks
# are compiled in full.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

import jax  # noqa: F401  # imported first, so that commands run in this process leave its settings alone
import matplotlib

matplotlib.use("Agg")
