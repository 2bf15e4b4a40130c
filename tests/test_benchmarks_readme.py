"""The README's table of performance is the one that the committed results make."""

import json

import pytest

from benchmarks._readme import README, RESULTS, performance, rewritten


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
    with pytest.raises(ValueError, match="expected a table between"):
        rewritten("no marks", {"machine": machine, "quick": True, "results": {}})
