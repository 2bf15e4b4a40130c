"""Systems of one's own: what a call carries, amounts in a unit, what is compiled, and what is refused."""

import dataclasses
import fractions
import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js

KEY = jax.random.key(31)
COUNTS = np.array([[3, 2], [1, 3]])
CORRECT = [[True, False], [False, True]]
KEPT = np.array([[2, 0], [1, 1]])
RNG = np.random.default_rng(5)
SCORES = RNG.normal(size=(2, 5))
TOKENS = RNG.integers(100, 900, (2, 5)).astype(float)
RECORDED = js.Ballots(COUNTS, CORRECT, KEPT, blank=[0, 1], scores=SCORES, tokens=TOKENS, kept_blank=[0, 1])
IS_KEPT = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 1]], bool)  # answer by answer, the kept calls first, blanks last
IS_RIGHT = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 0]], bool)
SOME = [1, 2, 4]


def over_draws(value, calls):
    """The mean of a value of the calls drawn from a query, over all ways to draw them and both queries."""
    draws = list(itertools.combinations(range(5), calls))
    return np.mean([value(query, list(drawn)) for query in range(2) for drawn in draws])


def agrees(simulation, expected):
    error = np.maximum(simulation.standard_error, 1e-9)
    np.testing.assert_array_less(np.abs(simulation.value - np.asarray(expected)), 5 * error)


@dataclasses.dataclass(frozen=True)
class Own:
    """A system made of functions."""

    first: object = 0.0
    then: object = lambda state, call: state + 0.25
    share: object = lambda state: state
    unit: str | None = None
    bound: float | None = None

    def start(self, answers):
        return self.first

    def step(self, state, call):
        return self.then(state, call)

    def score(self, state):
        return self.share(state)


@dataclasses.dataclass(frozen=True)
class BestByScore:
    def start(self, answers):
        return {"best": jnp.array(-jnp.inf), "right": jnp.array(False)}

    def step(self, state, call):
        better = call.score > state["best"]
        return {
            "best": jnp.where(better, call.score, state["best"]),
            "right": jnp.where(better, call.right, state["right"]),
        }

    def score(self, state):
        return state["right"]


def test_best_of_n_by_score_on_recorded_ballots():
    expected = [over_draws(lambda q, drawn: IS_RIGHT[q][drawn][SCORES[q][drawn].argmax()], k) for k in SOME]
    assert 0 < min(expected) < max(expected) < 1
    agrees(js.simulate(KEY, BestByScore(), RECORDED, SOME, 20_000), expected)
    unfiltered = js.Ballots(COUNTS, CORRECT, blank=[0, 1], scores=SCORES)
    agrees(js.simulate(KEY, BestByScore(), unfiltered, SOME, 20_000), expected)


def test_calls_carry_whether_they_were_kept_and_their_tokens():
    tokens = Own(0.0, lambda total, call: total + call.tokens * call.kept, unit="tokens", bound=4000.0)
    expected = [over_draws(lambda q, drawn: (TOKENS[q] * IS_KEPT[q])[drawn].sum(), k) for k in SOME]
    agrees(js.simulate(KEY, tokens, RECORDED, SOME, 20_000), expected)
    # Kept calls of ballots without scores and tokens, drawn as cells.
    plain = js.Ballots(COUNTS, CORRECT, KEPT, blank=[0, 1], kept_blank=[0, 1])
    kept = Own(0, lambda count, call: count + (call.kept & call.right), unit="calls", bound=5)
    expected = [over_draws(lambda q, drawn: (IS_KEPT & IS_RIGHT)[q][drawn].sum(), k) for k in SOME]
    agrees(js.simulate(KEY, kept, plain, SOME, 20_000), expected)


@pytest.mark.parametrize(
    ("population", "mean_square"),
    [
        (js.TwoPoint(0.3, 0.8, 0.1), 0.3 * 0.64 + 0.7 * 0.01),
        (js.DirichletAnswers([1.0, 1.0]), 1 / 3),
        (
            js.AnswerDistribution(
                [[0.2, 0.3, 0.5], [0.5, 0.25, 0.25]], [[True, False, True], [False, True, False]], np.full((2, 3), 0.75)
            ),
            (0.49 + 0.0625) / 2,
        ),
    ],
    ids=["two-point", "dirichlet", "filtered"],
)
def test_calls_carry_the_success_probability_of_their_query(population, mean_square):
    judge = Own(False, lambda state, call: call.right & (call.chance <= call.query))
    agrees(js.simulate(KEY, judge, population, [1], 50_000), [mean_square])


@pytest.mark.parametrize(
    ("field", "population", "message"),
    [
        ("score", js.PointMass(0.5), r"^call.score is not known of this population: expected Ballots with `scores`"),
        ("tokens", js.Attempts([3], [1], tokens=[20.0]), r"call.tokens .*expected Ballots with `tokens`, one per call"),
        ("kept", js.AnswerDistribution([[0.5, 0.5]]), r"call.kept .*`kept_counts`"),
        ("query", RECORDED, r"call.query .*difficulty model"),
    ],
)
def test_reading_what_the_population_does_not_have_is_refused(field, population, message):
    with pytest.raises(ValueError, match=message):
        js.simulate(KEY, Own(False, lambda state, call: getattr(call, field) > 0), population, [1], 10)


def test_amounts_are_exact_and_have_the_standard_error_of_their_sample():
    # Scores 0.1 n: no power of two divides them. In one block, the sample is known from the tokens drawn.
    spent = Own(0.0, lambda total, call: total + 0.1, unit="dollars", bound=1.0)
    found = js.simulate(KEY, spent, js.PointMass(0.5), [1, 7], 1000)
    np.testing.assert_allclose(found.value, [0.1, 0.7], rtol=0, atol=2**-30)
    assert found.standard_error.tolist() == [0, 0]
    assert found.unit == found.to_dict()["unit"] == "dollars"
    earned = Own(0, lambda total, call: total + jnp.where(call.right, 3, -2), unit="points", bound=30)
    one = js.simulate(KEY, earned, js.PointMass(0.5), [1, 10], 1001)
    share = (one.value + 2 * one.calls) / 5 / one.calls
    wins = fractions.Fraction(share[0]).limit_denominator(1001)
    assert one.value[0] == float(5 * wins - 2)
    np.testing.assert_allclose(one.standard_error[0], 5 * np.sqrt(share[0] * (1 - share[0]) / 1000), rtol=1e-12)
    np.testing.assert_allclose(one.standard_error[1], 5 * np.sqrt(10 * 0.25 / 1001), rtol=0.2)
    assert np.isnan(js.simulate(KEY, earned, js.PointMass(0.5), [1, 10], 1).standard_error).all()
    assert np.isnan(js.simulate(KEY, earned, js.Attempts([2], [1]), [1], 1).standard_error[0])


def test_standard_errors_of_amounts_on_data_are_those_of_shares():
    share = Own(0.0, lambda state, call: jnp.where(call.right, 1.0, state))
    one = js.simulate(KEY, share, RECORDED, [1, 2], 4001)
    other = js.simulate(KEY, dataclasses.replace(share, unit="queries", bound=1.0), RECORDED, [1, 2], 4001)
    assert (one.value == other.value).all()
    np.testing.assert_allclose(one.standard_error, other.standard_error, rtol=1e-3)


def step_with_an_if(state, call):
    if call.right:
        return state
    return state


class Scores(eqx.Module):
    """A system whose every score is a number of its pytree, so that all of them share a compilation."""

    number: float

    def start(self, answers):
        return 0

    def step(self, state, call):
        return state + 1

    def score(self, state):
        return jnp.where(state == 1, 0.5, self.number)


class Mutable:
    """Neither a pytree nor frozen."""

    def start(self, answers):
        return 0.0

    def step(self, state, call):
        return state

    def score(self, state):
        return state


@pytest.mark.parametrize(
    ("system", "message"),
    [
        (
            Scores(1.75),
            r"^Scores.score = 1.75 where calls = 2: expected 0 to 1, the share right; .*`unit` and `bound`$",
        ),
        (Scores(-0.25), r"^Scores.score = -0.25 where"),
        (Scores(np.nan), r"^Scores.score = nan where calls = 2"),
        (Scores(np.inf), r"^Scores.score = inf where calls = 2"),
        (Own(unit="tokens", bound=0.3), r"= 0.5 where calls = 2: expected -0.3 to 0.3, its bound in tokens$"),
        (Own(unit="tokens"), r"^Own.bound = None: expected the largest score"),
        (Own(bound=3.0), r"^Own.unit = None: expected the unit"),
        (Own(unit="tokens", bound=np.inf), r"^Own.bound = inf: expected"),
        (Own(0.0, step_with_an_if), r"^Own.step \(line \d+\) asks for the value of a traced array.*jnp.where"),
        (Own(np.float32(0), lambda state, call: state + np.float64(1)), r"^Own.step turns the state from float32 .*"),
        (Own({"a": (0, np.zeros(2))}, lambda state, call: {"a": (0, np.zeros(3))}), r"at \['a'\]\[1\] from .*\(2,\)"),
        (Own(0.0, lambda state, call: (state, state)), r"^Own.step returns a state of the form \(\*, \*\)"),
        (Own("no"), r"^Own.start returns 'no': expected arrays and numbers"),
        (Own(share=lambda state: jnp.zeros(3)), r"^Own.score returns float64 of shape \(3,\): expected a number"),
        (Own(share=lambda state: (state, state)), r"^Own.score returns a tuple: expected a number"),
        (Mutable(), r"^system: Mutable can be changed between two calls: expected a frozen dataclass"),
        (dataclasses.dataclass(type("Record", (Mutable,), {}))(), r"^system: Record can be changed"),
        (Own(Mutable()), r"^system: Mutable can be changed"),
        (Mutable, r"expected a system of jaxscale, or one with start, step and score"),
    ],
)
def test_a_system_that_cannot_be_right_is_refused(system, message):
    with pytest.raises(ValueError, match=message) as refused:
        js.simulate(KEY, system, js.PointMass(0.5), [1, 2], 10)
    assert "\n" not in str(refused.value)


def test_calls_used_are_whole_and_at_most_the_calls():
    @dataclasses.dataclass(frozen=True)
    class Uses(Own):
        used: object = 1

        def calls_used(self, state):
            return self.used

    assert js.simulate(KEY, Uses(), js.PointMass(0.5), [2], 10).calls_used == 1
    for used, message in ((2, "calls_used = 2 where calls = 1: expected 0 to 1$"), (0.5, "expected a whole number")):
        with pytest.raises(ValueError, match=message):
            js.simulate(KEY, Uses(used=used), js.PointMass(0.5), [1, 3], 10)


def test_one_bad_lane_of_many_is_found():
    # One replicate in 1,000 scores 1.5, and a mean of shares would hide it.
    rare = Own(0.0, lambda state, call: jnp.where(call.chance <= 1e-3, 1.5, 0.5))
    with pytest.raises(ValueError, match=r"^Own.score = 1.5 where calls = 1"):
        js.simulate(KEY, rare, js.PointMass(0.5), [1], 70_000)


def is_of(dtype, state):
    return state.dtype == dtype


def test_a_frozen_system_is_what_it_holds_now():
    array = np.array([0.25])
    system = Own(0.0, lambda state, call: state, bound=1.0, unit="x")
    for value in (0.25, 0.75):
        array[0] = value  # a frozen dataclass may hold what changes: it is keyed by its contents
        held = dataclasses.replace(system, first=array)
        shown = dataclasses.replace(held, share=lambda state: state[0])
        assert js.simulate(KEY, shown, js.PointMass(0.5), [1], 10).value == value
    for first, dtype in ((1, "int64"), (1.0, "float64"), (True, "bool")):  # which Python takes for equal
        kinds = Own(first, lambda state, call: state, functools.partial(is_of, dtype))
        assert js.simulate(KEY, kinds, js.PointMass(0.5), [1], 10).value == 1


def test_numbers_of_a_pytree_are_values_and_compile_nothing_anew():
    traces = []

    class Gain(eqx.Module):
        gain: float

        def start(self, answers):
            return 0.0

        def step(self, state, call):
            traces.append(type(self.gain))
            return state + self.gain

        def score(self, state):
            return state

    found = []
    for gain in (0.25, 0.5, 0.125):
        found.append(js.simulate(KEY, Gain(gain), js.PointMass(0.5), [1, 2], 10).value.tolist())
        seen = len(traces)
    assert found == [[0.25, 0.5], [0.5, 1.0], [0.125, 0.25]]
    first = traces.copy()
    traces.clear()
    js.simulate(KEY, Gain(0.3), js.PointMass(0.5), [1, 2], 10)
    assert len(traces) == 2  # only the check: shapes before and after one step
    assert seen == len(first)
    assert seen > 3 * 2


def test_simulation_under_a_trace_is_refused():
    def mean(p, system=None):
        return js.simulate(KEY, system or js.PassAtK(), js.PointMass(p), [1], 10).value.sum()

    message = "simulate inside jax.grad, jit or vmap.*js.exact"
    for transformed in (jax.grad(mean), jax.jit(mean), jax.grad(lambda tpr: mean(0.5, js.BestOfN(tpr, 0.1)))):
        with pytest.raises(ValueError, match=message):
            transformed(0.5)
    with pytest.raises(ValueError, match=message):
        jax.jit(lambda: mean(0.5))()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"chunk": 0}, "chunk = 0: expected whole"), ({"mesh": "x"}, "mesh = 'x': expected a jax.sharding.Mesh")],
)
def test_chunks_and_meshes_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        js.simulate(KEY, js.PassAtK(), js.PointMass(0.5), [1], 10, **arguments)
