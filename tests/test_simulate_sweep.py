"""Sweeps: what TOML means, what is refused, and that a killed run ends with the same file."""

import importlib
from pathlib import Path

import jax
import numpy as np
import pyarrow.parquet as pq
import pytest

import jaxscale as js
from jaxscale.simulator import read_sweep, sweep
from jaxscale.simulator._build import build_process
from jaxscale.simulator._schema import parse_sweep

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
    assert row["mean"] == again.value[1]
    assert row["standard_error"] == again.standard_error[1]
    assert not (tmp_path / "out.parquet.parts").exists()


@pytest.fixture
def batches(monkeypatch):
    """How many points each traced computation holds; batches of 4, of which the last is never full."""
    engine = importlib.import_module("jaxscale.simulator._engine")
    points = importlib.import_module("jaxscale.simulator._points")
    traced, one = [], engine._sum_tiles

    def counted(*arguments, **how):
        traced.append(how["tile"])
        return one(*arguments, **how)

    monkeypatch.setattr(engine, "_sum_tiles", counted)
    monkeypatch.setattr(points, "points_at_once", lambda *_: 4)
    engine._points_runner.cache_clear()
    yield traced
    engine._points_runner.cache_clear()


TWO_POINT = {"model": "two-point", "easy_share": [0.2, 0.8], "p_easy": 0.9, "p_hard": 0.2}
FILTERED = {
    "model": "answers",
    "probabilities": [0.6, 0.3, 0.1],
    "keep_right": [0.8, 0.9, 1.0],
    "keep_wrong": [0.2, 0.4],
}


@pytest.mark.parametrize(
    ("population", "system"),
    [
        ({"model": "beta", "a": [0.3, 0.8, 1.5], "b": [0.7, 3.0]}, {"name": "pass-at-k"}),
        ({"model": "point-mass", "p": 0.3}, {"name": "best-of-n", "tpr": [0.7, 0.8, 0.9], "fpr": [0.1, 0.2]}),
        (TWO_POINT, {"name": "adaptive-vote", "confidence": [0.6, 0.7, 0.8]}),
        (FILTERED, {"name": "filter-vote"}),
    ],
    ids=lambda value: value.get("name", value.get("model")),
)
def test_points_run_in_one_compilation_with_the_bits_of_each_alone(batches, tmp_path, population, system):
    # Calls out of order: rows keep the order asked.
    plan = parse_sweep({"calls": [3, 1], "replicates": 1500, "seed": 3, "population": population, "system": system})
    rows = rows_of(sweep(plan, tmp_path / "out.parquet"))
    assert len(batches) == 1
    assert len(plan.points) == 6
    for index, point in enumerate(plan.points):
        key = jax.random.fold_in(jax.random.key(3), index)
        alone = js.simulate(key, *point.build(), [3, 1], 1500)
        found = rows[2 * index : 2 * index + 2]
        assert [row["calls"] for row in found] == [3, 1]
        assert [row["mean"] for row in found] == alone.value.tolist()
        assert [row["standard_error"] for row in found] == alone.standard_error.tolist()
        used = [None, None] if alone.calls_used is None else alone.calls_used.tolist()
        assert [row["calls_used"] for row in found] == used


def test_only_small_points_run_together():
    at_once = importlib.import_module("jaxscale.simulator._engine").points_at_once
    process, _ = build_process(js.PassAtK(), js.Beta(1.0, 1.0), np.array([1]))
    assert at_once(process, None, 1000, None) == 64
    assert at_once(process, 5, 1600, None) == 8  # 8,000 indices each, in tiles of 8 blocks
    assert at_once(process, None, 8193, None) == at_once(process, None, 10**9, None) == 1


@pytest.mark.parametrize(("answers", "blocks"), [(2, 16_384), (100, 1_024), (1_000, 128)])
def test_tiles_of_an_accelerator_are_as_large_as_memory_allows(monkeypatch, answers, blocks):
    engine = importlib.import_module("jaxscale.simulator._engine")
    monkeypatch.setattr(engine, "_TILE", {})
    population = js.AnswerDistribution(np.full((1, answers), 1 / answers))
    process, _ = build_process(js.Vote(), population, np.array([1]))
    tile, tiles, largest = engine._tiles(process, 10**9, None)
    assert tile == largest == blocks
    assert tiles == -(-(10**9) // (1_024 * blocks))
    assert engine._tiles(process, 1_025, None)[:2] == (2, 1)


@pytest.mark.parametrize(("at_once", "built"), [(1, 2), (2, 4)])
def test_points_are_built_as_they_are_needed(tmp_path, monkeypatch, at_once, built):
    points = importlib.import_module("jaxscale.simulator._points")
    seen, build = [], points.build_process

    def counted(*arguments):
        seen.append(arguments)
        return build(*arguments)

    monkeypatch.setattr(points, "build_process", counted)
    monkeypatch.setattr(points, "points_at_once", lambda *_: at_once)
    monkeypatch.setattr(points, "_FIRST_BUILT", 3)
    monkeypatch.setattr(points, "_MOST_BUILT", 3)
    population = {"model": "two-point", "easy_share": [0.2, 0.4, 0.6, 0.8, 0.9], "p_easy": 0.9, "p_hard": 0.2}
    plan = parse_sweep({"calls": 3, "replicates": 100, "population": population, "system": {"name": "pass-at-k"}})
    when = []
    sweep(plan, tmp_path / "out.parquet", progress=lambda done, total: when.append((done, len(seen))))
    # One more than a group has, which shows that the group is whole.
    assert when[:2] == [(0, 0), (1, built)]
    assert when[-1] == (5, 5)
    means = [js.simulate(jax.random.fold_in(jax.random.key(0), i), *plan.points[i].build(), [3], 100) for i in range(5)]
    assert [row["mean"] for row in rows_of(tmp_path / "out.parquet")] == [one.value[0] for one in means]


@pytest.mark.parametrize(
    ("model", "maker", "parameters"),
    [
        ("beta", js.Beta, {"a": 0.3, "b": 2.0}),
        ("two-point", js.TwoPoint, {"easy_share": 0.3, "p_easy": 0.9, "p_hard": 0.1}),
    ],
)
def test_draws_do_not_depend_on_x64(tmp_path, model, maker, parameters):
    table = {
        "calls": [1, 4],
        "replicates": 5_000,
        "seed": 2**35 + 3,
        "population": {"model": model, **parameters},
        "system": [{"name": "pass-at-k"}, {"name": "vote"}],
    }
    found = []
    for x64 in (False, True):
        with jax.enable_x64(x64):
            rows = rows_of(sweep(parse_sweep(table), tmp_path / f"{x64}.parquet"))
            alone = js.simulate(jax.random.key(3), js.Vote(), maker(**parameters), [1, 4], 5_000)
            found.append((rows, alone.value.tolist(), alone.standard_error.tolist()))
    assert found[0] == found[1]


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
        ("from = 0.1,", "", "population.p_hard.from = None: expected a finite number"),
        ('"vote"', '"voting"', r"system\[0\].name = 'voting': expected one of"),
        ('"pass-at-k"', '"best-of-n"\ntpr = 0.9', "system: fpr is missing: expected both tpr and fpr"),
        ('"pass-at-k"', '"routed-vote"', r"system\[1\].threshold is missing: routed-vote needs it"),
        ("calls =", "calls", "not TOML"),
        ("p_easy = 0.9", 'p_easy = "high"', "population.p_easy = 'high': expected a number"),
        ("p_easy = 0.9", "p_easy = true", "population.p_easy = True: expected a number"),
        ("to = 0.3", "to = inf", "population.p_hard.to = inf: expected a finite number"),
        ("[1, 3, 4]", "{ from = 1, to = 1e30, points = 2 }", "calls.to = 1e[+]30: expected a number from 1 to"),
        ("seed = 7", "seed = 10_000_000_000_000", "seed = 10000000000000: expected a whole number of 0 or more, up to"),
        (
            '"vote"',
            '"filter-vote"\nfilter_calls_count = 1',
            r"system\[0\].filter_calls_count = 1: expected true or false",
        ),
        ('"vote"', '"adaptive-vote"\nconfidence = 0.8\nrule = 1', r"system\[0\].rule = 1: expected a text"),
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
