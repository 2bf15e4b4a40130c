"""Results and laws can be pickled and copied, and stay read-only all the same."""

import copy
import importlib
import io
import json
import pickle
import re
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import jaxscale as js
from jaxscale.data import ArgumentError
from jaxscale.difficulty import AbstractCurve, Constraint, check_parameters, parameter
from jaxscale.samples import sample_attempts

ATTEMPTS = js.Attempts([20] * 12, [0, 0, 1, 2, 5, 9, 20, 3, 1, 0, 0, 4], query=list("abcdefghijkl"))
BALLOTS = js.Ballots(
    [[6, 3, 1], [2, 7, 1], [5, 4, 1], [1, 2, 7]], [[True, False, False]] * 4, kept_counts=[[1, 1, 0]] * 4
)
KEY = jax.random.key(0)


class Steep(AbstractCurve):
    """A law of a user's own, with a constraint of its own that is made of functions without a name."""

    rate: jax.Array = parameter(
        Constraint("a number above 0", lambda x: bool(np.all(x > 0)), jnp.log, jnp.exp, lambda x: -(x**2) / 18)
    )

    def __check_init__(self):
        check_parameters(self)

    def log_failure(self, k):
        return -jnp.log1p(self.rate * k)


def vote_scaling():
    calls = np.array([1, 3, 5])
    return js.fit_vote_scaling(calls, 1 - np.exp(-0.4 * calls)[None], np.array([-0.3]))


def joint():
    groups = {name: sample.attempts for name, sample in sample_attempts(queries=30).items()}
    return js.fit_joint(groups, [1e9, 8e9, 70e9], form="linear", names=["parameters"])


MAKERS = {
    "attempts": lambda: ATTEMPTS,
    "ballots": lambda: BALLOTS,
    "estimate": lambda: js.pass_at_k(ATTEMPTS, [1, 2]),
    "fit": lambda: js.fit("beta", ATTEMPTS),
    "fit of a law of one's own": lambda: js.fit(Steep(0.1), ATTEMPTS),
    "bootstrap": lambda: js.bootstrap(js.fit("beta", ATTEMPTS), ATTEMPTS, KEY, resamples=20),
    "forecast": lambda: js.forecast(js.PassAtK(), ATTEMPTS, [1, 100], model="loglog"),
    "vote scaling": vote_scaling,
    "vote difficulty": lambda: js.vote_difficulty(BALLOTS),
    "vote curve": lambda: js.vote_curve(BALLOTS),
    "vote summary": lambda: js.vote_summary(js.Vote(), BALLOTS, [1, 5, 20], key=KEY),
    "verifier": lambda: js.verifier_rates(BALLOTS),
    "simulation": lambda: js.simulate(KEY, js.PassAtK(), js.Beta(0.3, 5.0), [1, 10], 1000),
    "plan": lambda: js.plan(ATTEMPTS, budget=200),
    "joint fit": joint,
    "sample": lambda: sample_attempts(queries=5)["small"],
    "cost": lambda: js.Cost(np.array([1.0, 2.0])),
    "answers": lambda: js.AnswerDistribution(np.array([[0.5, 0.5]])),
    "dirichlet": lambda: js.DirichletAnswers([1.0, 0.5]),
    "mixture": lambda: js.Mixture([js.Beta(0.3, 4.0), js.PointMass(0.5)], [0.5, 0.5]),
    "system": lambda: js.BestOfN(0.9, 0.1),
}


def arrays(value, path=""):
    """Every NumPy array within a value, by where it is."""
    if isinstance(value, np.ndarray):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from arrays(item, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from arrays(item, f"{path}[{index}]")
    elif not callable(value) and hasattr(value, "__dict__"):
        yield from arrays(vars(value), path)
    elif eqx.is_array(value):
        yield path, np.asarray(value)


@pytest.mark.parametrize("name", MAKERS)
def test_a_result_is_pickled_and_copied_and_stays_read_only(name):
    result = MAKERS[name]()
    whole = dict(arrays(result))
    for again in (result, copy.copy(result), copy.deepcopy(result), pickle.loads(pickle.dumps(result))):
        found = dict(arrays(again))
        assert found.keys() == whole.keys()
        for path, array in found.items():
            np.testing.assert_array_equal(array, whole[path])
            assert not array.flags.writeable, path
    if hasattr(result, "to_dict"):
        np.testing.assert_equal(pickle.loads(pickle.dumps(result)).to_dict(), result.to_dict())


NO_RESULTS = ("attempts", "ballots", "sample", "cost", "answers", "dirichlet", "mixture", "system")
OTHERS = {
    "best number of calls": lambda: js.best_majority(BALLOTS),
    "best n": lambda: js.best_n(ATTEMPTS, loss=1.0, system=js.BestOfN(0.9, 0.1)),
    "rate": lambda: js.verifier_rates(BALLOTS).tpr,
    "replay": lambda: js.stopping.replay(KEY, lambda votes: votes.max(-1) >= 2, BALLOTS, 8, replicates=2),
    "shape": lambda: js.vote_curve(BALLOTS).shape,
    "widths": lambda: js.interval_widths(ATTEMPTS, 100, [20], replicates=1),
}


@pytest.mark.parametrize("name", [*(name for name in MAKERS if name not in NO_RESULTS), *OTHERS])
def test_every_result_is_plain_values_a_frame_and_a_small_table(name):
    result = (MAKERS | OTHERS)[name]()
    json.dumps(result.to_dict(), allow_nan=False)
    frame = result.to_frame("pyarrow")
    assert frame.num_rows >= 1
    assert len(set(frame.column_names)) == frame.num_columns > 1
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(result)
    text, page, shown = console.export_text(), result._repr_html_(), repr(result)
    title, header, *rows = shown.splitlines()
    assert title.startswith(type(result).__name__)
    for table in (text, page):
        assert all(word.strip() in table for word in header.split("  ") if word.strip())
    assert page.count("<tr>") == min(frame.num_rows, 31) + 1
    assert 1 <= len(rows) <= 40
    assert not re.search(r"numpy|np\.|f64|array\(|Array", shown + page)


def test_a_long_result_is_shown_without_its_middle_and_markup_is_escaped():
    calls = np.arange(1, 101)
    long = js.Estimate(calls, calls / 100, calls / 1000)
    rows = repr(long).splitlines()
    assert (len(rows), rows[2].split()[0], rows[-1].split()[0]) == (33, "1", "100")
    assert long.to_frame("pyarrow").num_rows == 100
    model = importlib.import_module("jaxscale.forecasting").ForecastModel("<b>", {})
    curve = js.Forecast(calls[:1], calls[:1] / 4, calls[:1] / 8, calls[:1] / 2, model, np.array(["forecast"]))
    assert "&lt;b&gt;" in curve._repr_html_()
    assert "0.1250 to 0.5000" in repr(curve)


def test_a_library_that_is_missing_or_unknown_is_named(monkeypatch):
    estimate = js.pass_at_k(ATTEMPTS, [1, 2])
    assert estimate.to_frame("pyarrow").to_pydict() == estimate.to_dict()
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="polars is not installed: expected it, or library='pyarrow'"):
        estimate.to_frame("polars")
    with pytest.raises(ValueError, match="library = 'excel': expected pandas, polars, pyarrow"):
        estimate.to_frame("excel")


def test_a_fit_that_was_pickled_can_be_gone_on_with():
    result = js.fit(Steep(0.1), ATTEMPTS)
    again = pickle.loads(pickle.dumps(result))
    assert again.values == result.values
    expected = js.bootstrap(result, ATTEMPTS, KEY, resamples=5).values
    np.testing.assert_array_equal(js.bootstrap(again, ATTEMPTS, KEY, resamples=5).values, expected)


def test_a_result_leaves_the_arrays_that_it_is_made_of_to_their_owner():
    k = np.array([1, 2])
    forecast = importlib.import_module("jaxscale.forecasting")
    curve = forecast.Forecast(k, k / 4, k / 8, k / 2, forecast.ForecastModel("beta", {}), np.array(["forecast"] * 2))
    with pytest.raises(ValueError, match="read-only"):
        curve.calls[0] = 7
    k[0] = 7


class Undeclared(AbstractCurve):
    """A law whose field does not say what it may be."""

    rate: float

    def log_failure(self, k):
        return -jnp.log1p(self.rate * k)


def test_a_law_that_does_not_declare_its_parameters_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^Undeclared: rate is declared without .*difficulty\.parameter\(positive\)$"):
        js.fit(Undeclared(0.1), ATTEMPTS)


MASKED = np.ma.array([1, 2], mask=[False, True])
REFUSED = {
    "attempts is a masked array": lambda: js.Attempts(MASKED, [1, 1]),
    "successes is a masked array": lambda: js.Attempts([2, 2], MASKED),
    "tokens is a masked array": lambda: js.Attempts([2, 2], [1, 1], tokens=MASKED),
    "counts is a masked array": lambda: js.Ballots(MASKED[None], [[True, False]]),
    "correct is a masked array": lambda: js.Ballots([[1, 1]], MASKED[None] - 1),
    "calls is a masked array": lambda: js.pass_at_k(ATTEMPTS, MASKED),
    "calls = -1: expected whole": lambda: js.pass_at_k(ATTEMPTS, -1),
    "k = -1: expected numbers of calls, 0 or more": lambda: js.Beta(0.3, 4.0).pass_at_k([1, -1]),
    "k = nan: expected numbers of calls": lambda: js.PowerLaw(0.3, 0.4).pass_at_k(np.nan),
    "k = -2: expected numbers": lambda: js.DirichletAnswers([1.0, 0.5]).pass_at_k(-2),
    "model = None: expected one of beta, ": lambda: js.fit(None, ATTEMPTS),
    r"model = <class .*Beta'>: expected one of .* an instance of a law": lambda: js.fit(js.Beta, ATTEMPTS),
    "model = None: expected auto, beta, ": lambda: js.forecast(js.PassAtK(), ATTEMPTS, 100, model=None),
    r"model = PowerLaw\(.*: expected auto, ": lambda: js.forecast(
        js.PassAtK(), ATTEMPTS, 100, model=js.PowerLaw(0.3, 0.4)
    ),
    "model = None: expected auto, dirichlet": lambda: js.forecast(js.Vote(), BALLOTS, 100, model=None),
}
LEVELS = {
    "forecast": lambda level: js.forecast(js.PassAtK(), ATTEMPTS, 100, level=level),
    "forecast_votes": lambda level: js.forecast(js.Vote(), BALLOTS, 100, level=level),
    "forecast_groups": lambda level: js.forecast(js.PassAtK(), {"m": ATTEMPTS}, 100, level=level),
    "vote_curve": lambda level: js.vote_curve(BALLOTS, level=level),
    "vote_difficulty": lambda level: js.vote_difficulty(BALLOTS, level=level),
    "best_majority": lambda level: js.best_majority(BALLOTS, level=level),
    "verifier_rates": lambda level: js.verifier_rates(BALLOTS, level=level),
    "plan": lambda level: js.plan(ATTEMPTS, budget=200, level=level),
    "interval_widths": lambda level: js.interval_widths(ATTEMPTS, 100, level=level),
    "report": lambda level: js.report({"m": ATTEMPTS}, level=level),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_meant_is_refused_by_name(message):
    with pytest.raises(ValueError, match=message) as refused:
        REFUSED[message]()
    error = refused.value
    if type(error) is not ValueError:
        assert (str(error).startswith(error.argument), str(error).endswith(f": expected {error.expected}")) == (1, 1)
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again), again.argument) == (type(error), str(error), error.argument)


@pytest.mark.parametrize("level", [np.array([0.5, 0.9]), None, "0.9", 1.0, np.nan], ids=repr)
def test_a_level_is_one_number_between_0_and_1(level):
    for name, use in LEVELS.items():
        with pytest.raises(ArgumentError, match=r"^level = .*: expected a number between 0 and 1$") as refused:
            use(level)
        assert refused.value.argument == "level", name
        assert refused.value.value is level
