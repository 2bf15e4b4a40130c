"""Forecasts of groups that share queries: the posterior of a pool, which groups are pooled, and what it gains."""

import contextlib
import json

import jax
import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataWarning
from jaxscale.forecasting import SHAPES, GroupForecasts
from jaxscale.forecasting._grid import POINTS
from jaxscale.forecasting._groups import _pools
from jaxscale.forecasting._pooled import Member, _grid, _kernels, pool_posterior


def labels(size):
    return tuple(f"q{index}" for index in range(size))


def chances(rng, queries, shifts, rate=1.5):
    """A difficulty of each query, and shifts and skewed errors of groups: (groups, queries) success probabilities."""
    difficulty = -3.0 + 2.0 * rng.standard_normal(queries)
    error = rng.exponential(1 / 2.5, (len(shifts), queries)) - rng.exponential(1 / rate, (len(shifts), queries))
    return 1 / (1 + np.exp(-(difficulty + np.array(shifts)[:, None] + error)))


def drawn(rng, p, n):
    return {
        f"model {index}": js.Attempts(np.full(p.shape[1], n), rng.binomial(n, row), query=labels(p.shape[1]))
        for index, row in enumerate(p)
    }


def test_the_tempered_posterior_of_a_pool_is_that_of_draws_from_the_prior():
    # Two groups at a dozen queries: few enough that the prior's own draws reach the posterior.
    groups = [
        js.Attempts(np.full(12, 8), [0, 0, 0, 0, 0, 0, 1, 0, 3, 5, 7, 8], query=labels(12)),
        js.Attempts(np.full(12, 8), [0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 1, 6], query=labels(12)),
    ]
    n, k = 8, np.array([40, 1_000])
    rng = np.random.default_rng(0)
    size, u = 20_000, rng.standard_normal((20_000, 7))
    q = 1 / (1 + np.exp(POINTS))
    difficulty = POINTS[::2]
    density = np.exp(SHAPES["beta"].log_density(u[:, :2]).astype(float))[:, ::2]
    density /= density.sum(axis=1, keepdims=True)
    never = 1 / (1 + np.exp(4.5 - 3.0 * u[:, 2]))
    log_likelihood, later = np.zeros(size), np.zeros((2, size, 2))
    edges = (POINTS[1:] + POINTS[:-1]) / 2
    for start in range(0, size, 1_000):
        part = slice(start, start + 1_000)
        kernels = []
        for group in (0, 1):
            below = 0.8 * np.exp(u[part, 3 + 2 * group])[:, None, None]
            shift = 0.0 if group == 0 else 2.0 * u[part, 6]
            z = edges - (difficulty + np.broadcast_to(shift, 1_000)[:, None])[:, :, None]
            lower = 2.5 / (below + 2.5) * np.exp(below * np.minimum(z, 0))
            upper = 1 - below / (below + 2.5) * np.exp(-2.5 * np.maximum(z, 0))
            cumulative = np.where(z < 0, lower, upper)
            ends = np.ones((1_000, len(difficulty), 1))
            kernels.append(np.diff(np.concatenate([0 * ends, cumulative, ends], axis=2), axis=2))
        failing = [[kernel @ q**m for m in (n, *k)] for kernel in kernels]
        for query in range(12):
            of = [
                kernel @ ((1 - q) ** g.successes[query] * q ** (n - g.successes[query]))
                for g, kernel in zip(groups, kernels, strict=True)
            ]
            unsolved = never[part] * all(g.successes[query] == 0 for g in groups)
            solved = density[part] * (1 - never[part])[:, None]
            likely = (solved * of[0] * of[1]).sum(axis=1) + unsolved
            log_likelihood[part] += np.log(likely)
            for group in (0, 1):
                if groups[group].successes[query] == 0:
                    for column in (0, 1):
                        fail = (solved * failing[group][1 + column] * of[1 - group]).sum(axis=1) + unsolved
                        later[group, part, column] += (1 - fail / likely) / 12
    # The likelihood counts to the power 1/4 for parameters, and in full for a query under each of them.
    share = np.exp((log_likelihood - log_likelihood.max()) / 4)
    effective = share.sum() ** 2 / np.sum(share**2)
    share /= share.sum()
    expected = np.einsum("gdk,d->gk", later, share)
    spread = np.sqrt(np.einsum("gdk,d->gk", (later - expected[:, None]) ** 2, share))
    found, weights = [], []
    for seed in range(8):
        pool = pool_posterior([Member(g, np.arange(12)) for g in groups], np.random.default_rng(seed))
        only = pool._replace(draws={"beta": pool.draws["beta"]})
        found.append([only.query_posterior(group, k).draws.mean(axis=0) for group in (0, 1)])
        weights.append(sum(pool.shares.values()))
    assert effective > 100
    # As if an eighth of some 100 draws were independent; the grid of the sampler is coarser below what 8 attempts see.
    assert (np.abs(np.mean(found, axis=0) - expected) < 5 * spread * np.sqrt(1 / (12 * 8) + 1 / effective)).all()
    np.testing.assert_allclose(weights, 1)
    # The posteriors of single queries are that of their sum.
    posterior = only.query_posterior(1, k)
    np.testing.assert_allclose(posterior.solved_later.mean(axis=0), posterior.draws.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(posterior.density.sum(axis=1), 1)


def test_errors_have_the_tails_that_they_are_said_to_have():
    u = np.array([[0.7, -0.4], [-1.0, 1.2]])
    kernel = _kernels(u, _grid(None), False).astype(float)
    np.testing.assert_allclose(kernel.sum(axis=2), 1, rtol=1e-5)
    below, centre = 0.8 * np.exp(u[:, 0]), POINTS[60] + 2.0 * u[:, 1]
    mean = kernel[:, 30] @ POINTS
    np.testing.assert_allclose(mean, centre + 1 / 2.5 - 1 / below, atol=0.02)


def test_groups_that_share_nothing_are_forecast_as_if_alone():
    rng = np.random.default_rng(3)
    p = chances(rng, 60, [0.0, -1.0])
    one, other = drawn(rng, p, 20).values()
    k, key = [10, 20, 200, 5_000], jax.random.key(4)
    shuffled = js.Attempts(other.attempts, rng.permutation(other.successes), query=other.query)
    elsewhere = js.Attempts(other.attempts, other.successes, query=tuple(f"other {index}" for index in range(60)))
    unnamed = js.Attempts(other.attempts, other.successes)
    twice = js.Attempts(other.attempts, other.successes, query=("q0", *other.query[:-1]))
    alone = js.forecast(js.PassAtK(), one, k, key=key)
    for second in (shuffled, elsewhere, unnamed, twice):
        differ = contextlib.nullcontext() if second is shuffled else pytest.warns(DataWarning, match="do not compare")
        with differ:
            both = js.forecast(js.PassAtK(), {"one": one, "two": second}, k, key=key)
        for each, curve in ((alone, both["one"]), (js.forecast(js.PassAtK(), second, k, key=key), both["two"])):
            np.testing.assert_array_equal(each.value, curve.value)
            np.testing.assert_array_equal(each.upper, curve.upper)
            assert each.model == curve.model
    pooled = js.forecast(js.PassAtK(), {"one": one, "two": other}, k, key=key)["one"]
    assert {"pooled beta", "pooled bent"} <= set(pooled.model.weights)
    assert sum(pooled.model.weights.values()) == pytest.approx(1)
    np.testing.assert_array_equal(pooled.value[:2], alone.value[:2])


def test_of_many_groups_that_share_nothing_none_go_together():
    # Of 19,900 pairs some 27 correlate by three deviations for no reason.
    rng = np.random.default_rng(8)
    groups = {
        str(number): js.Attempts(np.full(40, 16), rng.binomial(16, rng.beta(0.6, 1.5, 40)), query=labels(40))
        for number in range(200)
    }
    assert _pools(groups) == []
    akin = drawn(rng, np.tile(rng.beta(0.6, 1.5, 40), (2, 1)), 100)
    assert _pools(groups | akin) == [sorted(akin)]


def test_numbers_depend_neither_on_the_order_of_groups_nor_on_other_calls():
    rng = np.random.default_rng(5)
    groups = drawn(rng, chances(rng, 50, [0.0, -1.0, -2.0]), 25)
    key = jax.random.key(1)
    first = js.forecast(js.PassAtK(), groups, [100, 1_000], key=key)
    again = js.forecast(js.PassAtK(), dict(reversed(groups.items())), [1_000], key=key)
    assert list(first) == list(groups)
    forecasts = GroupForecasts(groups, key)
    for name, curve in first.items():
        single = forecasts.forecast(name, 100, level=0.9, over="these")
        for end in ("value", "lower", "upper"):
            np.testing.assert_allclose(getattr(curve, end)[1], getattr(again[name], end)[0], rtol=1e-6)
            np.testing.assert_allclose(getattr(curve, end)[0], getattr(single, end), rtol=1e-6)


def test_groups_may_lack_queries_and_have_uneven_attempts():
    rng = np.random.default_rng(6)
    p = chances(rng, 80, [0.0, -1.5])
    names, groups = labels(80), {}
    for name, row in zip(("strong", "weak"), p, strict=True):
        kept = np.sort(rng.choice(80, 60, replace=False))
        n = rng.integers(10, 60, 60)
        groups[name] = js.Attempts(n, rng.binomial(n, row[kept]), query=tuple(names[i] for i in kept))
    with pytest.warns(DataWarning, match="queries are in all 2 groups: 'strong' has"):
        curves = js.forecast(js.PassAtK(), groups, [9, 50, 500, 10**6, 10**12], over="population", level=0.99)
    for row, (name, curve) in zip(p, curves.items(), strict=True):
        assert "pooled beta" in curve.model.weights
        assert (np.diff(curve.value) > 0).all()
        truth = -np.expm1(np.array([50, 500]) * np.log1p(-row)[:, None]).mean(axis=0)
        assert ((curve.lower[1:3] < truth) & (truth < curve.upper[1:3])).all()
        solved = np.mean(groups[name].successes > 0)
        assert solved < curve.value[-2] <= 1


def test_a_pool_foretells_weak_groups_better_and_its_intervals_hold():
    errors, inside = [], []
    for seed in range(12):
        rng = np.random.default_rng([seed, 11])
        p = chances(rng, 100, [0.0, -2.0, -3.0])
        groups, key = drawn(rng, p, 30), jax.random.key(seed)
        pooled = js.forecast(js.PassAtK(), groups, 1_000, key=key)
        for (name, data), row in zip(groups.items(), p, strict=True):
            rerun = np.mean(rng.random(100) < -np.expm1(1_000 * np.log1p(-row)))
            curve = pooled[name]
            errors.append([curve.value - rerun, js.forecast(js.PassAtK(), data, 1_000, key=key).value - rerun])
            inside.append(curve.lower <= rerun <= curve.upper)
    ours, alone = np.sqrt(np.mean(np.square(errors), axis=0))
    assert ours < 0.8 * alone
    # At a true 90%, fewer than 27 of 36 has probability 4e-3.
    assert np.sum(inside) >= 27


def test_names_the_argument_that_is_wrong():
    data = js.Attempts([5, 5], [1, 0], query=("a", "b"))
    for pool in (True, False):
        with pytest.raises(ValueError, match=r"data\['x'\] is a list: expected Attempts or Ballots"):
            js.forecast(js.PassAtK(), {"x": [1, 2]}, 10, pool=pool)
    with pytest.raises(TypeError, match="no forecast for PassAtK on list: expected one of Attempts, Ballots"):
        js.forecast(js.PassAtK(), [data], 10)
    with pytest.raises(ValueError, match="level = 2"):
        js.forecast(js.PassAtK(), {"x": data}, 10, level=2)
    assert js.forecast(js.PassAtK(), {}, 10) == {}


def test_commands_forecast_groups_together_unless_told_otherwise(tmp_path, capsys):
    rng = np.random.default_rng(8)
    groups = drawn(rng, chances(rng, 60, [0.0, -1.5]), 20)
    file = tmp_path / "runs.csv"
    rows = (
        f"{name},{query},{n},{c}"
        for name, each in groups.items()
        for query, n, c in zip(each.query, each.attempts, each.successes, strict=True)
    )
    file.write_text("\n".join(["model,problem,attempts,successes", *rows]))
    command = ["forecast", str(file), "--group", "model", "--k", "20,200", "--json", "--seed", "3"]

    def curves(*options):
        assert run([*command, *options]) == 0
        return {group["name"]: group for group in json.loads(capsys.readouterr().out)["groups"]}

    key = jax.random.key(3)
    for found, expected in (
        (curves(), js.forecast(js.PassAtK(), groups, [20, 200], key=key)),
        (curves("--separately"), js.forecast(js.PassAtK(), groups, [20, 200], pool=False, key=key)),
    ):
        for name, curve in expected.items():
            assert found[name]["model"]["weights"] == pytest.approx(dict(curve.model.weights))
            assert [row["value"] for row in found[name]["curve"]] == pytest.approx(curve.value.tolist())
    chosen = js.plan(groups, target=0.5, key=key, most=200)
    for curve in chosen.curves:
        calls = int(curve.forecast.calls[-1])
        expected = js.forecast(js.PassAtK(), groups, calls, key=key)[curve.candidate.name]
        assert curve.forecast.value[-1] == pytest.approx(float(expected.value), rel=1e-6)
