"""What every test file shares."""

import gc
import math
import mmap
import os
from pathlib import Path

# Most of the time of a test is compiling. Together these leave a third of it; users' runs, the demo and the benchmarks
# are compiled in full, as `make test-full` compiles.
if not os.environ.get("JAXSCALE_FULL"):
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "true")
    light = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    os.environ.setdefault("XLA_FLAGS", light)

import jax  # imported first, so that commands run in this process leave its settings alone
import matplotlib
import pytest
from jaxtyping import install_import_hook

# Rooms of numbers, whose arrays are held to the shapes and dtypes of their annotations while tests run. Rooms that take
# what users give check it themselves, in words of their own, which are what tests read.
install_import_hook(
    [
        *(f"jaxscale.{name}" for name in ("special", "sampling", "particles", "difficulty", "plurality")),
        *(f"jaxscale.closed_forms._{name}" for name in ("best_of_n", "counts", "coverage", "two_point", "votes")),
        *(f"jaxscale.fitting._{name}" for name in ("optimise", "joint_likelihood", "statistics")),
    ],
    "_typecheck.checked",
)

matplotlib.use("Agg")

collect_ignore = ["genuine"]  # its own runner: it installs tools, which takes minutes


# Seconds of the longest files on one core. They start first: two workers that take a file at a time then end together.
SECONDS = {
    "test_difficulty_models": 120,
    "test_simulate_engine": 110,
    "test_simulate_devices": 100,
    "test_samplers": 80,
    "test_forecast_votes": 80,
    "test_report": 80,
    "test_verifier": 70,
    "test_readme_runs": 60,
    "test_plan": 60,
    "test_fit_joint": 60,
    "test_cli_vote": 50,
    "test_simulate_sweep": 50,
    "test_simulate_own": 50,
    "test_lowering": 50,
    "test_benchmarks_forecast": 40,
    "test_simulate_kills": 30,
}
RESIDENT = Path("/proc/self/statm")
MOST_RESIDENT = 1_000_000_000


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: -SECONDS.get(item.path.stem, 0))  # which keeps the order within a file


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs():
    """Test files find each other's compiled programs, until these fill a gigabyte: together they would fill several."""
    yield
    pages = int(RESIDENT.read_text().split()[1]) if RESIDENT.exists() else math.inf
    if pages * mmap.PAGESIZE > MOST_RESIDENT:
        jax.clear_caches()
        gc.collect()
