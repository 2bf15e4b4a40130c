"""The joint law of many groups: its likelihood, its errors, and what does not matter to it."""

import dataclasses
import io
import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
from jax.test_util import check_grads
from rich.console import Console

import jaxscale as js
from jaxscale._arrays import float64
from jaxscale.data import DataWarning
from jaxscale.difficulty import FORMS, coefficient_names

SIZES, TOKENS = np.array([1e8, 1e9, 1e10]), np.array([1e9, 1e10, 1e11])
COVARIATES = np.array([(size, tokens) for size in SIZES for tokens in TOKENS])
with float64():
    LAW = js.JointLaw([-5.0, 0.5, 0.4], [-0.9, 0.0, 0.0], 0.4, [1e9, 1e10], "linear")


def simulated(rng, law=LAW, covariates=COVARIATES, queries=40, shared=0.9, attempts=(100, 400)):
    """Groups in which the same queries are hard: their ranks have a correlation of `shared` squared."""
    common = rng.standard_normal(queries)
    groups = {}
    for index, row in enumerate(covariates):
        own = shared * common + np.sqrt(1 - shared**2) * rng.standard_normal(queries)
        with float64():
            model = law.difficulty(row, float(law.scatter) * rng.standard_normal())
        p = scipy.stats.beta.ppf(scipy.stats.norm.cdf(own), float(model.a), float(model.b))
        n = np.resize(attempts, queries)
        groups[f"g{index}"] = js.Attempts(n, rng.binomial(n, p), [str(q) for q in range(queries)])
    return groups


@pytest.fixture(scope="module")
def groups():
    return simulated(np.random.default_rng(1))


@pytest.fixture(scope="module")
def fitted(groups):
    return js.fit_joint(groups, COVARIATES, form="linear", names=["parameters", "tokens"])


@pytest.fixture(scope="module")
def refits(fitted):
    return js.bootstrap_joint(fitted, jax.random.key(0), resamples=30)


def test_recovers_the_truth_within_its_errors(fitted, refits):
    assert fitted.converged
    truth = [-5.0, 0.5, 0.4, -0.9, 0.0, 0.0, 0.4]
    errors = np.array(list(refits.standard_errors.values()))
    assert np.all(np.abs(np.array(list(fitted.values.values())) - _at_its_centre(truth, fitted)) < 4 * errors)
    assert np.all(errors[:3] < [0.8, 0.3, 0.3])
    assert not refits.failed.any()


def _at_its_centre(truth, fitted):
    z = np.log(np.asarray(fitted.law.centre) / np.asarray(LAW.centre))
    moved = np.array(truth)
    moved[0] += z @ moved[1:3]
    moved[3] += z @ moved[4:6]
    return moved


def test_log_likelihood_is_the_integral_over_the_offset(groups, fitted):
    law = fitted.law
    for name, row in list(zip(groups, COVARIATES, strict=True))[::4]:
        data, centre = groups[name], float(law.scatter)

        def log_density(standard, row=row, data=data, scatter=centre):
            with float64():
                model = law.difficulty(row, scatter * standard)
            each = scipy.stats.betabinom(data.attempts, float(model.a), float(model.b)).logpmf(data.successes)
            return each.sum() + scipy.stats.norm.logpdf(standard)

        grid = np.linspace(-5, 5, 101)
        values = np.array([log_density(x) for x in grid])
        expected = np.log(scipy.integrate.simpson(np.exp(values - values.max()), x=grid)) + values.max()
        found = fitted.log_likelihoods({name: data}, row[None])
        np.testing.assert_allclose(found, [expected], atol=1e-3)


def test_log_likelihood_of_the_fit_is_the_sum_over_groups(groups, fitted):
    assert fitted.log_likelihoods(groups, COVARIATES).sum() == pytest.approx(fitted.log_likelihood, abs=0.02)


def test_the_fit_is_a_maximum(groups, fitted):
    """Moving any parameter both ways lowers the likelihood by more than the flat priors could make up for."""
    best = fitted.log_likelihood
    for index in range(3):
        for step in (-0.3, 0.3):
            moved = fitted.vector.copy()
            moved[index] += step
            changed = dataclasses.replace(fitted, vector=moved)
            assert changed.log_likelihoods(groups, COVARIATES).sum() < best


def test_units_powers_and_the_order_of_groups_do_not_matter(groups, fitted):
    order = np.random.default_rng(0).permutation(len(groups))
    names = np.array(list(groups))[order]
    changed = COVARIATES[order] * [1e-9, 3.0]
    changed[:, 1] **= 2
    other = js.fit_joint({name: groups[name] for name in names}, changed, form="linear")
    assert other.log_likelihood == pytest.approx(fitted.log_likelihood, abs=1e-6)
    at = np.array([3e10, 3e11])
    with float64():
        np.testing.assert_allclose(
            other.law.pass_at_k([at[0] * 1e-9, (3 * at[1]) ** 2], 50.0), fitted.law.pass_at_k(at, 50.0), rtol=1e-5
        )
    np.testing.assert_allclose(other.offsets, fitted.offsets[order], atol=1e-5)


def test_groups_without_success_count(groups, fitted):
    nothing = js.Attempts([2000] * 40, [0] * 40, [str(q) for q in range(40)])
    result = js.fit_joint({**groups, "g0": nothing}, COVARIATES, form="linear")
    assert result.converged
    assert result.offsets[0] < fitted.offsets[0] - 0.3
    with float64():
        before, after = (float(law.pass_at_k(COVARIATES[0], 100.0)) for law in (fitted.law, result.law))
    assert after < before


def test_shared_queries_widen_the_errors(groups):
    """Nine copies of one group say no more than one of them, as the query labels tell; without labels nobody knows."""
    one = groups["g4"]
    alone = js.fit("beta", one)
    expected = alone.standard_errors["a"] / alone.values["a"]
    errors = {}
    for name, query in (("shared", one.query), ("apart", None)):
        copies = {f"g{i}": js.Attempts(one.attempts, one.successes, query) for i in range(len(COVARIATES))}
        result = js.fit_joint(copies, COVARIATES, form="linear")
        assert np.exp(result.values["log a"]) == pytest.approx(alone.values["a"], rel=0.02)
        errors[name] = js.bootstrap_joint(result, jax.random.key(0), resamples=30).standard_errors["log a"]
    these = js.bootstrap_joint(result, jax.random.key(0), resamples=30, over="these").standard_errors["log a"]
    assert 0.65 * expected < errors["shared"] < 1.6 * expected
    assert errors["apart"] < 0.7 * errors["shared"]
    assert these < 0.1 * errors["shared"]


def test_intervals_hold_for_unseen_groups():
    """90% intervals for the coverage of larger models, over simulated data with shared queries."""
    rng, held = np.random.default_rng(7), []
    for trial in range(4):
        result = js.fit_joint(simulated(rng), COVARIATES, form="linear")
        refits = js.bootstrap_joint(result, jax.random.key(trial), resamples=20)
        at = np.array([[3e10, 1e10], [3e10, 1e11], [1e9, 3e11]])
        drawn = refits.predict(at, 100.0, level=0.9)
        offsets = 0.4 * rng.standard_normal((40, 3))
        with float64():
            truth = np.asarray(LAW.pass_at_k(at, 100.0, offsets))
        held.append(((truth >= drawn.lower) & (truth <= drawn.upper)).mean())
    assert 0.78 <= np.mean(held) <= 1
    assert np.all((drawn.lower < drawn.value) & (drawn.value < drawn.upper))


def test_compare_leaves_out_what_it_says(groups):
    folds = [str(size) for size, _ in COVARIATES]
    found = js.compare_joint(groups, COVARIATES, folds, forms=["linear"])
    assert found.folds == tuple(dict.fromkeys(folds))
    kept = [index for index, fold in enumerate(folds) if fold != folds[-1]]
    names = list(groups)
    rest = js.fit_joint({names[i]: groups[names[i]] for i in kept}, COVARIATES[kept], form="linear")
    out = [index for index in range(len(names)) if index not in kept]
    direct = rest.log_likelihoods({names[i]: groups[names[i]] for i in out}, COVARIATES[out]).sum()
    # The wide priors are per standard deviation of all covariates there, of the kept ones here.
    assert found.log_likelihood[0, -1] == pytest.approx(direct, abs=0.5)


def test_compare_finds_a_bend():
    law = js.JointLaw([-4.0, 1.5, 0.8], [-0.9, 0.0], 0.1, [1e9], "power")
    sizes = np.geomspace(1e8, 1e11, 5)[:, None]
    groups = simulated(np.random.default_rng(3), law, sizes)
    assert js.compare_joint(groups, sizes, list(range(5)), forms=["linear", "power"]).best == "power"


@pytest.mark.parametrize("form", FORMS)
def test_coverage_has_gradients_in_law_covariates_and_calls(form):
    count = len(coefficient_names(form, ["x", "y"]))
    with float64():
        coefficients = jnp.array([-4.0, 0.6, 0.3, 0.2, 0.3, -0.5, 0.2, -0.3][:count])
        law = js.JointLaw(coefficients, jnp.array([-1.0, 0.1, 0.05]), jnp.array(0.3), jnp.array([1e9, 1e10]), form)

        def coverage(leaves, log_x, k, offset):
            built = js.JointLaw(*leaves, law.scatter, law.centre, form)
            return built.pass_at_k(jnp.exp(log_x), k, offset)

        x = jnp.log(jnp.array([[2e9, 3e9], [1e8, 1e11]]))
        arguments = ((law.log_odds, law.log_a), x, jnp.array(100.0), jnp.array(0.2))
        check_grads(jax.jit(coverage), arguments, order=1, modes=("rev",), rtol=1e-6)


def test_the_power_form_without_decay_is_the_linear_one():
    with float64():
        linear = js.JointLaw([-4.0, 0.6], [-1.0, 0.1], 0.3, [1e9], "linear")
        x = np.geomspace(1e7, 1e12, 9)[:, None]
        for decay in (0.0, 1e-9):
            power = js.JointLaw([-4.0, 0.6, decay], [-1.0, 0.1], 0.3, [1e9], "power")
            np.testing.assert_allclose(power.pass_at_k(x, 30.0), linear.pass_at_k(x, 30.0), rtol=1e-7)
        # Either side of where the series takes over.
        z = np.log(x / 1e9)[:, 0]
        for decay in (0.5, 0.009 / np.abs(z).max(), 0.0101 / np.abs(z).max()):
            power = js.JointLaw([-4.0, 0.6, decay], [-1.0, 0.1], 0.3, [1e9], "power")
            a, b = np.asarray(power.difficulty(x).a), np.asarray(power.difficulty(x).b)
            np.testing.assert_allclose(np.log(a / b), -4 - 0.6 * np.expm1(-decay * z) / decay, rtol=1e-12)


def test_calls_for_a_target_reach_it():
    with float64():
        calls = np.asarray(LAW.calls_for(COVARIATES[:, None], [0.2, 0.6]))
        reached = np.asarray(LAW.pass_at_k(COVARIATES[:, None], calls))
        np.testing.assert_allclose(reached, np.broadcast_to([0.2, 0.6], reached.shape), rtol=1e-9)
        hopeless = js.JointLaw([-60.0, 0.0], [-1.0, 0.0], 0.0, [1.0], "linear")
        assert np.isinf(hopeless.calls_for([1.0], 0.5))
        sure = js.JointLaw([5.0, 0.0], [3.0, 0.0], 0.0, [1.0], "linear")
        assert float(sure.calls_for([1.0], 0.5)) == 1


def test_far_from_any_success_nothing_overflows():
    for context in (float64, None):
        with context() if context else jax.enable_x64(False):
            law = js.JointLaw([-2000.0, 1.0], [-1.0, 0.0], 0.0, [1.0], "linear")
            value, slope = jax.jit(jax.value_and_grad(lambda law, x: law.pass_at_k(x, 1e6)[0]))(law, jnp.ones((1, 1)))
            assert np.all(np.isfinite(slope.log_odds))
            assert float(value) < 1e-6


def test_results_are_plain_and_render(fitted, refits):
    shown = json.loads(json.dumps(fitted.to_dict()))
    assert shown["parameters"] == fitted.values
    assert list(fitted.values) == list(refits.standard_errors)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(fitted)
    assert "log-odds: tokens" in console.export_text()


def test_as_many_coefficients_as_groups_are_warned_of(groups):
    two = {name: groups[name] for name in ("g0", "g6")}  # which differ in size alone
    expected = r"2 groups for 2 coefficients of form 'linear' \(log-odds, log-odds: x1\).*expected 3 groups or more"
    with pytest.warns(DataWarning, match=expected):
        result = js.fit_joint(two, SIZES[[0, 2]], form="linear")
    # Two groups lie on any line: nothing is left for their offsets to tell.
    assert np.abs(result.offsets).max() < 0.05
    shown = repr(result)
    assert shown.startswith("JointFit: joint law, linear\nparameter ")
    assert not re.search(r"numpy|np\.|f64|array|Array", shown)


SOME = js.Attempts([10, 10], [0, 3])
NONE = js.Attempts([10, 10], [0, 0])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([SOME], [1.0]), {}, "groups is a list: expected a dictionary"),
        (({"a": 3}, [1.0]), {}, r"groups\['a'\] is a int: expected Attempts"),
        (({"a": SOME}, [1.0]), {}, "1 groups: expected two or more"),
        (({"a": SOME, "b": SOME}, [1.0]), {}, r"covariates has shape \(1,\): expected \(2, covariates\)"),
        (({"a": SOME, "b": SOME}, ["x", "y"]), {}, "covariates: expected numbers"),
        (({"a": SOME, "b": SOME}, [1.0, 0.0]), {}, "covariates of 'b': 0: expected a finite number above 0"),
        (({"a": SOME, "b": SOME}, [1.0, np.nan]), {}, "covariates of 'b': nan: expected a finite number"),
        (({"a": SOME, "b": SOME}, [2.0, 2.0]), {}, "covariate 'x1' is 2 in every group"),
        (({"a": SOME, "b": SOME}, [1.0, 2.0]), {"form": "cubic"}, "form = 'cubic': expected one of linear"),
        (({"a": SOME, "b": SOME}, [1.0, 2.0]), {"form": "power-cross"}, "expected two covariates or more"),
        (({"a": SOME, "b": SOME}, [1.0, 2.0]), {"names": ["x", "y"]}, "covariates has 1 columns: expected 2"),
        (({"a": NONE, "b": NONE}, [1.0, 2.0]), {}, "every attempt of every group failed"),
    ],
)
def test_bad_input_is_refused(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        js.fit_joint(*arguments, **options)


def test_bad_folds_levels_and_replicates_are_refused(fitted, refits):
    two = {"a": SOME, "b": NONE}
    with pytest.raises(ValueError, match="folds has 1 labels: expected 2"):
        js.compare_joint(two, [1.0, 2.0], ["x"])
    with pytest.raises(ValueError, match="expected two different labels"):
        js.compare_joint(two, [1.0, 2.0], ["x", "x"])
    with pytest.raises(ValueError, match="without 'x' no group has a success"):
        js.compare_joint(two, [1.0, 2.0], ["x", "y"], forms=["linear"])
    with pytest.raises(ValueError, match="over = 'all'"):
        js.bootstrap_joint(fitted, jax.random.key(0), over="all")
    with pytest.raises(ValueError, match="resamples = 1"):
        js.bootstrap_joint(fitted, jax.random.key(0), resamples=1)
    with pytest.raises(ValueError, match="level = 1"):
        refits.predict([[1e9, 1e9]], 10, level=1)
    with pytest.raises(ValueError, match="last axis of length 2"):
        refits.predict([[1e9]], 10)
    with pytest.raises(ValueError, match=r"log_a has shape \(1,\): expected \(2,\)"):
        js.JointLaw([0.0, 0.0], [0.0], 0.1, [1.0], "linear")
