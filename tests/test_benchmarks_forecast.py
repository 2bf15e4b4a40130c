"""The forecast benchmark: its rivals against their definitions, its draws against their law, its book-keeping."""

import itertools

import jax
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import betaln

import jaxscale as js
from benchmarks import forecast as yardstick, forecast_votes
from benchmarks._attempts import DESIGNS, Case, Design, drawn, families, simulated_cases
from benchmarks._ballots import VOTE_FAMILIES, drawn_ballots, simulated_vote_cases
from benchmarks._pools import POOLS, real_pools, simulated_pools
from benchmarks._rivals import COVERAGE_RIVALS
from benchmarks._rivals._common import unbiased
from benchmarks._rivals._models import scaled_beta_pass_at_k
from benchmarks._rivals._votes import VOTE_RIVALS, won
from benchmarks._yardstick import Ledger, Record, against_rivals, report, rows, summary, verdict

K = np.array([100, 1_000])
N = np.full(80, 40)
C = np.random.default_rng(0).binomial(40, np.random.default_rng(1).beta(0.3, 4.0, 80))


@pytest.mark.parametrize("benchmark", [yardstick, forecast_votes], ids=["coverage", "votes"])
def test_a_benchmark_without_its_data_says_what_is_missing(benchmark, monkeypatch, tmp_path):
    monkeypatch.setattr("benchmarks._pools.FOLDER", tmp_path)
    monkeypatch.setattr("benchmarks._ballots.FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["benchmark", "--draws", "1"])
    with pytest.raises(SystemExit, match=r"nothing was run\. No data at .*--part simulated"):
        benchmark.main()


def rival(name, attempts=N, successes=C, k=K):
    return COVERAGE_RIVALS[name](attempts, successes, k, 0.9, np.random.default_rng(0))


def test_the_loglog_rival_is_the_one_that_users_have():
    expected = js.forecast(js.PassAtK(), js.Attempts(N, C), K, model="loglog").value
    np.testing.assert_allclose(rival("loglog")[0], expected, rtol=1e-12)


def test_the_exponentiated_power_law_is_scipys_least_squares():
    points = np.unique(np.rint(np.geomspace(1, 40, 40)).astype(int))
    curve = js.pass_at_k(js.Attempts(N, C), points).value
    (a, b), _ = optimize.curve_fit(lambda k, a, b: np.exp(-np.exp(a) * k**b), points, curve, p0=(0.0, -0.3))
    np.testing.assert_allclose(rival("exponentiated power law")[0], np.exp(-np.exp(a) * K**b), atol=1e-3)


def test_the_beta_binomial_rivals_are_at_their_maxima():
    def loss(x, share=0.0):
        law = stats.betabinom.pmf(C, N, *np.exp(x[:2]))
        return -np.sum(np.log((1 - share) * law + share * (C == 0)))

    best = optimize.minimize(loss, [-1.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12})
    a, b = np.exp(best.x)
    np.testing.assert_allclose(rival("beta-binomial MLE")[0], -np.expm1(betaln(a, b + K) - betaln(a, b)), rtol=1e-5)

    inflated = optimize.minimize(
        lambda x: loss(x, 1 / (1 + np.exp(-x[2]))),
        [-1.0, 1.0, -1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-8, "fatol": 1e-12, "maxiter": 5_000},
    )
    (a, b), never = np.exp(inflated.x[:2]), 1 / (1 + np.exp(-inflated.x[2]))
    zeros = (1 - never) * np.exp(betaln(a, b + 40) - betaln(a, b))
    solvable = np.where(C == 0, zeros / (zeros + never), 1.0)
    failing = np.exp(betaln(a + C, b + N - C + K[:, None]) - betaln(a + C, b + N - C))
    np.testing.assert_allclose(
        rival("zero-inflated beta-binomial")[0], np.mean(solvable * (1 - failing), axis=1), rtol=1e-4
    )


def test_scaled_beta_pass_at_k_is_its_integral():
    for a, b, scale, k in itertools.product((0.02, 0.4, 3.0), (0.5, 20.0), (0.01, 0.3, 1.0), (100.0, 10_000.0)):
        at = stats.beta.ppf((np.arange(20_000) + 0.5) / 20_000, a, b) * scale
        found = scaled_beta_pass_at_k(*np.array([[a], [b], [scale]]), k)[0]
        assert found == pytest.approx(np.mean(-np.expm1(k * np.log1p(-np.minimum(at, 1 - 1e-16)))), abs=1e-4)


def test_discretised_beta_gives_every_bin_its_share_where_two_are_all_there_is():
    # Attempts 20: bins below 1/20 and above, so that two parameters fit the shares exactly.
    c = np.repeat([0, 4], [30, 10])
    value = rival("discretised beta", np.full(40, 20), c, np.array([10**9]))[0]
    assert 0.25 <= value[0] <= 1


def test_nonparametric_likelihood_finds_two_separate_rates():
    c = np.repeat([0, 20], [60, 20])
    value = rival("nonparametric MLE", np.full(80, 40), c, np.array([1, 50]))[0]
    np.testing.assert_allclose(value, [0.25 * 0.5, 0.25], atol=2e-3)


def test_the_gumbel_tail_is_the_line_through_the_hardest_ten_that_were_solved():
    c = np.concatenate([np.zeros(20, int), np.arange(1, 11), np.arange(100, 170)])
    slope, intercept = np.polyfit(-np.log(-np.log1p(-c[20:30] / 1_000)), np.log(np.arange(21, 31) / 100), 1)
    ks = np.array([10_000, 100_000])
    value = rival("Gumbel tail", np.full(100, 1_000), c, ks)[0]
    # E[q^k] where P(-log q < x) = exp(intercept) x^-slope, by parts: an integral over x.
    x = np.geomspace(1e-15, 1e-2, 200_001)
    density = np.exp(intercept) * x**-slope * ks[:, None] * np.exp(-ks[:, None] * x)
    expected = 1 - np.trapezoid(density, x, axis=1)
    assert (expected > 0.8).all()  # beyond what was recorded
    np.testing.assert_allclose(value, expected, rtol=1e-4)


def test_plug_in_by_hand():
    value = rival("plug-in", np.array([4, 4]), np.array([0, 1]), np.array([2]))[0]
    assert value[0] == pytest.approx((1 - 0.75**2) / 2)


@pytest.mark.parametrize("name", COVERAGE_RIVALS)
def test_every_rival_answers_awkward_data(name):
    for attempts, successes in (
        (np.full(10, 30), np.zeros(10, int)),
        (np.full(10, 30), np.full(10, 30)),
        (np.array([30, 300, 100] * 4), np.array([0, 5, 1] * 4)),
    ):
        with np.errstate(all="raise", under="ignore"):
            found = rival(name, attempts, successes)
        assert all(((x >= 0) & (x <= 1)).all() for x in found)


def test_draws_are_hypergeometric():
    data = js.Attempts(np.full(3, 50), np.array([0, 10, 50]))
    rng = np.random.default_rng(0)
    found = np.array([drawn(data, np.array([20, 20, 20]), rng) for _ in range(4_000)])
    assert (found[:, 0] == 0).all()
    assert (found[:, 2] == 20).all()
    expected = stats.hypergeom(50, 10, 20)
    assert abs(found[:, 1].mean() - expected.mean()) < 5 * expected.std() / 4_000**0.5
    assert found[:, 1].var() == pytest.approx(expected.var(), rel=0.12)


def test_unbiased_is_the_mean_over_subsets():
    found = unbiased(np.array([5]), np.array([2]), np.array([1, 3, 4, 6]))[0]
    outcomes = [1, 1, 0, 0, 0]
    expected = [np.mean([any(s) for s in itertools.combinations(outcomes, k)]) for k in (1, 3, 4)]
    np.testing.assert_allclose(found[:3], expected, rtol=1e-12)
    assert np.isnan(found[3])


@pytest.mark.parametrize("family", families())
def test_simulated_truths_agree(family):
    design = DESIGNS[1]
    cases = list(simulated_cases(family, design, 6))
    again = list(simulated_cases(family, design, 6))
    for case, same in zip(cases, again, strict=True):
        np.testing.assert_array_equal(case.successes, same.successes)
        # A further run is a sample of queries from the law; its standard error is at most 1/2 over their root.
        error = np.abs(case.truths["these"] - case.truths["population"])
        assert (error < 5 * 0.5 / np.sqrt(len(case.attempts))).all()


def test_groups_of_a_real_file_are_drawn_apart():
    every = js.Attempts(np.full(400, 1_000), np.full(400, 500), query=tuple(map(str, range(400))))
    one, other = next(real_pools({"file": {"a": every, "b": every}}, Design((100,), (100,)), 1))
    assert one.truths["these"] == other.truths["these"] == pytest.approx(1)
    assert one.query == every.query
    # Correlation of 400 independent pairs: 5 deviations.
    assert abs(np.corrcoef(one.successes, other.successes)[0, 1]) < 0.25


@pytest.mark.parametrize("kind", POOLS)
def test_simulated_pools_are_what_they_are_called(kind):
    design = Design((1_000,), (300,))
    for pool in simulated_pools(kind, design, 4):
        assert 2 <= len(pool) <= 5
        for case in pool:
            error = np.abs(case.truths["these"] - case.truths["population"])
            assert error < 5 * 0.5 / np.sqrt(len(case.attempts))
        common = sorted(set(pool[0].query) & set(pool[1].query), key=int)
        rates = [
            [dict(zip(case.query, case.successes / case.attempts, strict=True))[query] for query in common]
            for case in pool[:2]
        ]
        deviations = stats.spearmanr(*rates).statistic * np.sqrt(len(common) - 1)
        if kind == "halves":  # at 15 common queries, or more
            assert 0.1 < len(common) / len(pool[0].query) < 0.9
        else:
            assert len(common) == len(pool[0].query)
            assert abs(deviations) < 5 if kind == "apart" else deviations > 3


def test_groups_that_are_pooled_are_forecast_at_once(monkeypatch):
    asked = []

    def told(system, groups, k, *, level, over, key):
        asked.append((list(groups), over))
        curves = (
            type("Told", (), dict.fromkeys(("value", "lower", "upper"), np.full(len(k), 0.1 * i))) for i in (1, 2)
        )
        return dict(zip(groups, curves, strict=True))

    monkeypatch.setattr(js, "forecast", told)
    pool = [Case(name, N, C, {"these": np.array([0.3])}, tuple(map(str, range(80)))) for name in ("a", "b")]
    ledger = yardstick.coverage([pool], Design((40,), (100,)), ["pooled"])
    assert asked == [(["0", "1"], "these")]
    assert [ledger.chosen("these", None, name, "pooled")[0].value for name in ("a", "b")] == [[0.1], [0.2]]


@pytest.mark.parametrize("kind", POOLS)
def test_truths_of_pools_agree_at_many_queries(kind, monkeypatch):
    monkeypatch.setattr("benchmarks._pools.QUERIES", (5_000,))
    for case in next(simulated_pools(kind, Design((20,), (20,)), 1)):
        error = 5 * 0.5 / len(case.attempts) ** 0.5
        these, population = case.truths["these"][0], case.truths["population"][0]
        assert abs(these - population) < error
        assert abs(these - (case.successes > 0).mean()) < error


def test_a_pool_is_held_against_both_truths():
    (pool,) = simulated_pools("alike", Design((30,), (300,)), 1)
    ledger = yardstick.coverage([pool], Design((30,), (300,)), ["pooled", "auto", "loglog"])
    groups = {str(i): js.Attempts(c.attempts, c.successes, query=c.query) for i, c in enumerate(pool)}
    for claim in ("these", "population"):
        expected = js.forecast(js.PassAtK(), groups, [300], over=claim, key=jax.random.key(0))
        (record,) = ledger.chosen(claim, None, None, "pooled")
        assert record.value == [each.value[0] for each in expected.values()]
        assert record.upper == [each.upper[0] for each in expected.values()]
        assert record.truth == [case.truths[claim][0] for case in pool]
        assert len(set(record.seconds)) == 1
        assert record.value != ledger.chosen(claim, None, None, "auto")[0].value
    found = rows(ledger, "pools")
    assert {row["regime"] for row in found} == {"30 -> 300", "all"}
    assert any("all, over population: above" in str(table.title) for table in report(found, "auto"))
    for ours in ("pooled", "auto"):
        (against,) = verdict(ledger, "pools", ours, ["loglog", "plug-in"], ["30 -> 300"])
        ours_error, rival_error = (summary(ledger.chosen("these", None, None, m))["rmse"] for m in (ours, "loglog"))
        assert against["geometric_mean"] == pytest.approx(ours_error / rival_error)
    assert verdict(ledger, "pools", "pooled", ["plug-in"], ["30 -> 300"]) == []


def test_figures_by_hand():
    record = Record()
    record.add(0.5, 0.6, 0.4, 0.7, 1.0)
    record.add(0.5, 0.2, 0.1, 0.4, 3.0)
    found = summary([record])
    assert found["rmse"] == pytest.approx(np.sqrt((0.01 + 0.09) / 2))
    assert found["bias"] == pytest.approx(-0.1)
    assert found["coverage"] == 0.5
    assert found["above"] == 0.5
    assert found["width"] == pytest.approx(0.3)
    assert found["interval_score"] == pytest.approx(0.3 + 20 * 0.1 / 2)


def test_ratios_by_hand():
    ledger = Ledger()
    for method, errors in {"ours": (0.1, 0.3), "a": (0.2, 0.2), "b": (0.4, 0.1)}.items():
        for group, error in zip("xy", errors, strict=True):
            ledger.add(("these", "r", group, method), 0.5, 0.5 + error, 0.0, 1.0, 0.0)
    found = against_rivals(ledger, "ours", ["a", "b"], ["r"])
    assert found["best"] == {"r": "a"}
    assert found["geometric_mean"] == found["ratios"]["r"] == pytest.approx(np.sqrt(0.05 / 0.04))
    assert found["worst_group"]["r"] == ("y", pytest.approx(0.3 - 0.23 - 0.01))


def test_each_claim_is_held_against_its_own_truth(monkeypatch):
    asked = []

    def told(system, attempts, k, *, model, level, over, key):
        asked.append(over)
        value = np.full(len(k), {"these": 0.2, "population": 0.7}[over])
        return type("Told", (), {"value": value, "lower": value - 0.1, "upper": value + 0.1})

    monkeypatch.setattr(js, "forecast", told)
    case = Case("g", N, C, {"these": np.array([0.25]), "population": np.array([0.9])})
    ledger = yardstick.coverage([[case]], Design((40,), (100,)), ["auto", "pooled", "plug-in"])
    assert ledger.names(3) == ["auto", "plug-in"]
    assert asked == ["these", "population"]
    figures = {claim: summary(ledger.chosen(claim, None, None, "auto")) for claim in ("these", "population")}
    assert figures["these"]["coverage"] == 1
    assert figures["population"]["coverage"] == 0
    assert figures["population"]["bias"] == pytest.approx(-0.2)
    rivals = [ledger.chosen(claim, None, None, "plug-in")[0] for claim in ("these", "population")]
    assert rivals[0].value == rivals[1].value
    assert rivals[0].truth != rivals[1].truth


def cells_of(kept, dropped):
    return np.stack([np.array(kept), np.array(dropped)], axis=1)


def test_votes_split_ties_skip_blanks_and_fall_back_on_what_was_dropped():
    right = np.tile([True, False, False], (5, 1))
    nothing = [0, 0, 0, 0]
    kept = [[2, 1, 0, 9], [2, 2, 2, 0], [0, 0, 0, 3], nothing, [1, 0, 0, 0]]
    dropped = [nothing, nothing, [5, 0, 0, 0], [3, 3, 0, 0], [0, 9, 0, 0]]
    np.testing.assert_allclose(won(cells_of(kept, dropped), right), [1, 1 / 3, 0, 1 / 2, 1])


@pytest.mark.parametrize("filtered", [False, True])
def test_plug_in_votes_are_those_of_the_observed_shares(filtered):
    kept = np.array([[5, 2, 1], [1, 3, 3], [2, 2, 3]] * 8)
    dropped = np.array([[0, 2, 0], [2, 1, 0], [0, 0, 3]] * 8) * filtered
    cells = cells_of(np.column_stack([kept, np.zeros(24, int)]), np.column_stack([dropped, np.zeros(24, int)]))
    right = np.tile([True, False, False], (24, 1))
    calls = np.array([11, 5])
    value = VOTE_RIVALS["plug-in resampling"](cells, right, calls, 0.9, np.random.default_rng(0))[0]
    counts = kept + dropped
    known = js.AnswerDistribution(counts / counts.sum(axis=1, keepdims=True), keep=kept / counts)
    expected = np.asarray(js.exact(js.FilterVote(), known, calls))
    np.testing.assert_allclose(value, expected, atol=5 * 0.5 / (24 * 200) ** 0.5)


def test_the_scaling_rival_is_least_squares_on_all_subsets():
    counts = np.array([[5, 2, 1], [2, 5, 1], [4, 4, 0]])
    right = np.tile([True, False, False], (3, 1))
    foretold = []
    for row, lead in zip(counts, (1, -1, 0), strict=True):
        calls = np.repeat(np.arange(3), row)
        measured = []
        for k in range(1, 5):
            subsets = [np.bincount(s, minlength=4) for s in itertools.combinations(calls, k)]
            cells = cells_of(subsets, np.zeros_like(subsets))
            measured.append(won(cells, np.tile(right[0], (len(subsets), 1))).mean())
        target = 1 - np.array(measured) if lead > 0 else np.array(measured)
        features = np.stack([np.arange(1, 5), np.sqrt(np.arange(1, 5)), np.ones(4)])
        loss = lambda x, f=features, t=target: np.sum((np.exp(-x @ f) - t) ** 2)  # noqa: E731
        x = optimize.minimize(loss, np.full(3, 0.3), bounds=[(0, None)] * 3, options={"ftol": 1e-14}).x
        falling = np.exp(-x @ [16, 4, 1])
        foretold.append(np.mean(measured) if lead == 0 else 1 - falling if lead > 0 else falling)
    many = np.repeat(counts, 20, axis=0)
    cells = cells_of(np.column_stack([many, np.zeros(60, int)]), np.zeros((60, 4), int))
    rng = np.random.default_rng(0)
    value = VOTE_RIVALS["scaling model"](cells, right[np.zeros(60, int)], np.array([16]), 0.9, rng)[0]
    np.testing.assert_allclose(value[0], np.mean(foretold), atol=0.01)


def test_dirichlet_votes_of_two_answers_are_beta_binomial():
    cells = cells_of([[5, 3, 0]] * 50, [[0, 0, 0]] * 50)
    right = np.tile([True, False], (50, 1))
    value = VOTE_RIVALS["Dirichlet(1)"](cells, right, np.array([9]), 0.9, np.random.default_rng(0))[0]
    assert value[0] == pytest.approx(stats.betabinom.sf(4, 9, 6, 4), abs=5 * 0.5 / (50 * 200) ** 0.5)


def test_ballots_are_drawn_without_replacement_and_unseen_answers_unknown():
    cells = cells_of([[3, 0, 4, 1]] * 2_000, [[0, 2, 0, 0]] * 2_000)
    right = np.tile([False, True, False], (2_000, 1))
    drawn_cells, known = drawn_ballots(cells, right, 4, np.random.default_rng(0))
    assert (drawn_cells.sum(axis=(1, 2)) == 4).all()
    seen = (drawn_cells[:, 1, :-1] > 0).any(axis=1)
    np.testing.assert_array_equal(known.any(axis=1), seen)
    assert seen.mean() == pytest.approx(1 - stats.hypergeom.pmf(0, 10, 2, 4), abs=5 * 0.5 / 2_000**0.5)


@pytest.mark.parametrize("family", VOTE_FAMILIES)
def test_simulated_votes_are_votes_of_their_law(family):
    for case in simulated_vote_cases(family, 2):
        assert (case.cells.sum(axis=(1, 2)) == 8).all()
        error = np.abs(case.truths["these"] - case.truths["population"])
        assert (error < 5 * 0.5 / np.sqrt(len(case.cells))).all()
