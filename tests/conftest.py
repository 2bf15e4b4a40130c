"""What every test file shares."""

import gc
import os

# Most of the time of a test is compiling. Together these leave a third of it; users' runs, the demo and the benchmarks
# are compiled in full, as `make test-full` compiles.
if not os.environ.get("JAXSCALE_FULL"):
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

import jax  # imported first, so that commands run in this process leave its settings alone
import matplotlib
import pytest

matplotlib.use("Agg")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs():
    """No test file finds another's compiled programs: together they would fill gigabytes."""
    yield
    jax.clear_caches()
    gc.collect()
