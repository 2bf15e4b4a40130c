"""Sweeps: what TOML means, what is refused, and that a killed run ends with the same file."""

import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pyarrow.parquet as pq
import pytest

import jaxscale as js
from jaxscale.simulate import read_sweep, sweep
from jaxscale.simulate._schema import parse_sweep

SMALL = """
calls = [1, 3, 4]
replicates = 3000
seed = 7
[population]
model = "two-point"
easy_share = [0.2, 0.5, 0.8]
p_easy = 0.9
p_hard = { from = 0.1, to = 0.3, points = 2 }
[[system]]
name = "vote"
[[system]]
name = "pass-at-k"
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text(SMALL)
    return path


def rows_of(path):
    return pq.read_table(path).drop_columns(["seconds"]).to_pylist()


def test_every_point_is_the_simulation_it_names(config, tmp_path):
    seen = []
    out = sweep(config, tmp_path / "out.parquet", progress=lambda done, total: seen.append((done, total)))
    rows = rows_of(out)
    assert len(rows) == 2 * 6 * 3
    assert seen == [(done, 12) for done in range(13)]
    assert [row["calls"] for row in rows[:3]] == [1, 3, 4]
    row = rows[3 * 9 + 1]
    assert (row["system"], row["easy_share"], row["p_hard"]) == ("pass-at-k", 0.5, 0.3)
    model = js.TwoPoint(0.5, 0.9, 0.3)
    again = js.simulate(jax.random.fold_in(jax.random.key(7), 9), js.PassAtK(), model, [1, 3, 4], 3000)
    assert row["mean"] == again.mean[1]
    assert row["standard_error"] == again.standard_error[1]
    assert not (tmp_path / "out.parquet.parts").exists()


def test_a_killed_run_resumes_to_the_same_file(config, tmp_path):
    killed = """
import importlib, os, sys
module = importlib.import_module("jaxscale.simulate._sweep")
module._FLUSH_SECONDS = 0.0
module.sweep(*sys.argv[1:], progress=lambda done, total: os._exit(9) if done == 5 else None)
"""
    whole, resumed = sweep(config, tmp_path / "whole.parquet"), tmp_path / "resumed.parquet"
    process = subprocess.run([sys.executable, "-c", killed, config, resumed], capture_output=True, timeout=300)
    assert process.returncode == 9
    assert not resumed.exists()
    (tmp_path / "resumed.parquet.parts" / "00000005-00000006.parquet.unfinished").write_bytes(b"half")
    seen = []
    sweep(config, resumed, resume=True, progress=lambda done, total: seen.append(done))
    assert seen[0] == 5
    assert rows_of(resumed) == rows_of(whole)
    assert pq.read_schema(resumed) == pq.read_schema(whole)


def test_parts_of_another_sweep_are_not_mixed_in(config, tmp_path):
    parts = tmp_path / "out.parquet.parts"
    parts.mkdir()
    (parts / "sweep.sha256").write_text("another")
    with pytest.raises(ValueError, match="parts of another sweep"):
        sweep(config, tmp_path / "out.parquet", resume=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 7", "sed = 7", "sed: unknown key, expected one of calls, population, replicates, seed, system"),
        ("calls = [1, 3, 4]", "calls = [0, 3]", "calls = 0: expected whole numbers from 1"),
        ("replicates = 3000", "", "replicates is missing"),
        ("replicates = 3000", "replicates = 1.5", "replicates = 1.5: expected a whole number"),
        ('"two-point"', '"twopoint"', "population.model = 'twopoint': expected one of .*two-point"),
        ("p_easy = 0.9", "", "population.p_easy is missing: two-point needs it"),
        ("p_easy = 0.9", "p_eazy = 0.9", "population.p_eazy: unknown key"),
        ("p_easy = 0.9", "p_easy = 1.9", "population: .*p_easy"),
        ("p_easy = 0.9", "p_easy = []", r"population.p_easy = \[\]: expected at least one"),
        ("points = 2", "points = 0", "population.p_hard.points = 0: expected a whole number of 1 or more"),
        ("from = 0.1,", "", "population.p_hard.from = None: expected a number"),
        ('"vote"', '"voting"', r"system\[0\].name = 'voting': expected one of"),
        ('"pass-at-k"', '"best-of-n"\ntpr = 0.9', "system: fpr is missing: expected both tpr and fpr"),
        ('"pass-at-k"', '"routed-vote"', r"system\[1\].threshold is missing: routed-vote needs it"),
        ("calls =", "calls", "not TOML"),
    ],
)
def test_errors_name_the_key(config, old, new, message):
    config.write_text(SMALL.replace(old, new, 1))
    with pytest.raises(ValueError, match=message) as caught:
        read_sweep(config)
    assert str(config) in str(caught.value)


def test_lists_of_lists_span_grids_of_distributions():
    plan = parse_sweep(
        {
            "calls": {"from": 1, "to": 100, "points": 3},
            "replicates": 10,
            "population": {
                "model": "answers",
                "probabilities": [[0.5, 0.5], [0.9, 0.1]],
                "keep_right": 1.0,
                "keep_wrong": [0.0, 0.5],
            },
            "system": [{"name": "filter-vote"}],
        }
    )
    assert plan.calls == (1, 10, 100)
    assert len(plan.points) == 4
    _, population = plan.points[1].build()
    np.testing.assert_allclose(population.keep, [[1.0, 0.5]])


@pytest.mark.parametrize("path", sorted((Path(__file__).parent.parent / "sweeps").glob("*.toml")), ids=lambda p: p.stem)
def test_sample_sweeps_are_valid(path):
    assert len(read_sweep(path).points) > 5
