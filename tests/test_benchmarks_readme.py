"""The README's table of performance is the one that the committed results make."""

import json

import pytest

from benchmarks._accelerator._speed import stored_vote_rate
from benchmarks._readme import NONE_STORED, README, RESULTS, accelerators, performance, rewritten


def test_the_readme_has_the_table_of_the_committed_results():
    document = json.loads(RESULTS.read_text())
    assert not document["quick"] or "small sizes" in performance(document)
    assert rewritten(README.read_text(), document) == README.read_text()


def test_the_table_has_a_row_for_each_rival():
    row = {"name": "x", "seconds": 0.0123, "rival": "NumPy", "rival_seconds": 2.5, "ratio": 203.25}
    machine = {"device": "cpu", "cores": 2, "jax": "1", "numpy": "2", "scipy": "3"}
    results = {"votes": [row, {"name": "alone", "seconds": 1.0}], "forecast": [row]}
    text = performance({"machine": machine, "quick": True, "results": results})
    assert "| x | 12.3 ms | NumPy | 2.5 s | 203 |" in text
    assert text.count("\n|") == 2
    assert text.endswith(
        "Ratio: the rival's time over ours. Warm medians, small sizes, on cpu with 2 cores; jax 1, numpy 2, scipy 3.\n"
    )
    read = {"user_seconds": 0.5, "rows_a_second": 4e6, "peak_bytes": 5e8, "load": 3.2}
    theirs = {"rival_user_seconds": 2.0, "rival_peak_bytes": 1e9}
    reading = [{**row, **read, **theirs}, {**row, **read, "rival": None}]
    text = performance({"machine": machine, "quick": False, "results": {"reading": reading}})
    assert "| x | 12.3 ms (500 ms) | 4,000,000 | 500 MB | NumPy: 2.5 s (2.0 s), 1,000 MB |" in text
    assert "| x | 12.3 ms (500 ms) | 4,000,000 | 500 MB |  |" in text
    assert "(load 3 to 3)" in text
    with pytest.raises(ValueError, match="expected a table between"):
        rewritten("no marks", {"machine": machine, "quick": True, "results": {}})


MACHINE = {"device": "NVIDIA H100 80GB HBM3", "jax": "1", "numpy": "2", "scipy": "3"}


def test_tables_by_size_of_problem_come_from_each_stored_device(tmp_path):
    assert accelerators(tmp_path) == NONE_STORED
    rows = [
        {"kind": "samplers against their laws, float32", "name": "uniform", "ok": True},
        {"kind": "pass@k at 49 budgets, float32", "name": "1,000,000 queries", "seconds": 0.01, "rate": 1e8},
        {"kind": "pass@k at 49 budgets, float32", "name": "10,000,000,000 queries", "skipped": "4 s are left"},
        {
            "kind": "samplers, float64",
            "name": "uniforms",
            "seconds": 0.002,
            "rate": 5.5e10,
            "share_of_floor": 0.5,
            "rivals": {"CuPy": 3e10, "torch": "failed (RuntimeError)"},
        },
        {"kind": "the same bits", "name": "pass@k", "ok": True},
        {"kind": "samplers against their laws, float32", "name": "uniform", "ok": False},
        {"kind": "vote at 20 budgets", "name": "1,000,000 replicates", "seconds": 1.5, "times_cpu": 80.25},
        {"kind": "fits, in float64", "name": "fit of Beta", "seconds": 0.5, "rival_seconds": {"CPU": 0.004}},
        {"kind": "exact vote, float32", "name": "value", "error": "RuntimeError: out of memory"},
    ]
    document = {"machine": MACHINE, "ended": "interrupted", "rows": rows}
    (tmp_path / "results-nvidia-h100.json").write_text(json.dumps(document))
    text = accelerators(tmp_path)
    assert text.startswith("On NVIDIA H100 80GB HBM3 (jax 1, numpy 2, scipy 3, interrupted): 2 of 3 checks of samplers")
    assert "| 1,000,000 queries, float32 | 10 ms | 0.1 G |  |  |" in text
    assert "| uniforms, float64 | 2 ms | 55 G | 50% | CuPy 30 G |" in text
    assert "| 1,000,000 replicates | 1.5 s |  |  | 80.2 times the two-core CPU above |" in text
    assert "| fit of Beta, float64 | 500 ms |  |  | CPU 4 ms |" in text
    assert "10,000,000,000" not in text
    assert "Exact votes" not in text
    (tmp_path / "results-tpu.json").write_text(json.dumps(document | {"machine": MACHINE | {"device": "TPU"}}))
    assert "\nOn TPU (" in accelerators(tmp_path)


def test_the_votes_of_the_stored_cpu_are_known():
    seconds = 1_000 / stored_vote_rate()
    assert f"| {1000 * seconds:.3g} ms | NumPy: Generator.multinomial increments |" in README.read_text()
