"""Every system, a row each: `estimate` against enumeration, `exact` against `simulate`, one call, gradients, pytrees.

A new system is enrolled by a row in ROWS: the system, and what one draw of calls is worth.
"""

import ast
import itertools
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxscale as js
from jaxscale import forecasting  # noqa: F401  # imported, so that its systems are registered
from jaxscale.cli import _options
from jaxscale.closed_forms import exact  # imported, so that its forms are registered
from jaxscale.estimators import estimate
from jaxscale.simulator._schema import SYSTEMS as SWEPT
from jaxscale.systems import SYSTEMS, RecordedBestOfN, implemented, system_named, systems_of

BALLOTS = js.Ballots(
    counts=[[2, 2, 1], [3, 1, 0]],
    correct=[[True, False, False], [False, True, False]],
    kept_counts=[[1, 2, 0], [1, 1, 0]],
    blank=[1, 2],
    scores=[[0.5, 1.0, 0.0, 0.5, 1.0, 0.5], [0.5, 0.5, 0.0, 1.0, 0.5, 0.0]],
    greedy_correct=[True, False],
)
ATTEMPTS = BALLOTS.as_attempts


class Call(NamedTuple):
    """One recorded call: its answer (-1: none), whether that is right, whether it was kept, and its score."""

    answer: int
    right: bool
    kept: bool
    score: float


def recorded_calls(query):
    """The calls of a query of BALLOTS; of an answer's calls the first are the kept ones."""
    calls = []
    for answer, count in enumerate(BALLOTS.counts[query]):
        kept = BALLOTS.kept_counts[query, answer]
        right = bool(BALLOTS.correct[query, answer])
        for number in range(count):
            calls.append(Call(answer, right, number < kept, BALLOTS.scores[query, len(calls)]))
    while len(calls) < BALLOTS.calls[query]:
        calls.append(Call(-1, False, False, BALLOTS.scores[query, len(calls)]))
    return calls


def any_right(calls, query):
    return float(any(call.right for call in calls))


def all_right(calls, query):
    return float(all(call.right for call in calls))


def three_of_five_right(calls, query):
    return float(sum(call.right for call in calls) >= 0.6 * len(calls) - 1e-9)


def mean_of_shares_right(calls, query):
    right, k = sum(call.right for call in calls), len(calls)
    return 2 / k * sum(right >= i for i in range(-(-k // 2) + 1, k + 1))


def leader_is_right(weights, calls):
    if not weights:
        return 0.0
    best = max(weights.values())
    leaders = [answer for answer, weight in weights.items() if weight == best]
    right = {call.answer for call in calls if call.right}
    return sum(answer in right for answer in leaders) / len(leaders)


def majority(calls, query):
    return leader_is_right(Counter(call.answer for call in calls if call.answer >= 0), calls)


def kept_majority(calls, query):
    kept = [call for call in calls if call.kept]
    return majority(kept or calls, query)


def heaviest(calls, query):
    weights = Counter()
    for call in calls:
        if call.answer >= 0:
            weights[call.answer] += call.score
    return leader_is_right(dict(weights), calls)


def routed(calls, query):
    votes = Counter(call.answer for call in calls if call.answer >= 0)
    if votes and max(votes.values()) >= max(1, 0.6 * len(calls)):
        return majority(calls, query)
    return float(BALLOTS.greedy_correct[query])


def verified(calls, query, tpr=0.8, fpr=0.3):
    """Over all that the verifier may say."""
    total = 0.0
    for verdicts in itertools.product([True, False], repeat=len(calls)):
        chance = np.prod(
            [
                (tpr if c.right else fpr) if v else 1 - (tpr if c.right else fpr)
                for c, v in zip(calls, verdicts, strict=True)
            ]
        )
        accepted = [c for c, v in zip(calls, verdicts, strict=True) if v] or calls
        total += chance * np.mean([c.right for c in accepted])
    return total


def verified_as_recorded(calls, query):
    accepted = [call for call in calls if call.kept] or calls
    return float(np.mean([call.right for call in accepted]))


ROWS = {
    "pass-at-k": (js.PassAtK(), any_right),
    "solve-once": (js.SolveOnce(), any_right),
    "all-pass": (js.AllPass(), all_right),
    "share-at-least": (js.ShareAtLeast(0.6), three_of_five_right),
    "mean-share": (js.MeanShare(), mean_of_shares_right),
    "vote": (js.Vote(), majority),
    "filter-vote": (js.FilterVote(), kept_majority),
    "weighted-vote": (js.WeightedVote(), heaviest),
    "routed-vote": (js.RoutedVote(0.6), routed),
    "adaptive-vote": (js.AdaptiveVote(0.9), None),  # stops by the order of calls: simulated alone
    "best-of-n": (js.BestOfN(tpr=0.8, fpr=0.3), verified),
    "best-of-n, recorded": (RecordedBestOfN(), verified_as_recorded),
}
POPULATIONS = [
    js.Beta(0.6, 1.5),
    js.TwoPoint(0.4, 0.8, 0.3),
    js.AnswerDistribution([[0.5, 0.3, 0.2], [0.2, 0.7, 0.1]], keep=[[0.9, 0.5, 0.2], [0.6, 0.3, 0.3]]),
    js.DirichletAnswers([1.0, 0.5, 0.5]),
    ATTEMPTS,
    BALLOTS,
]
ESTIMATED = [name for name, (_, worth) in ROWS.items() if worth]


def knows(verb, system, population):
    return any(isinstance(system, s) and isinstance(population, p) for _, s, p in implemented(verb))


def test_every_system_has_a_row_and_a_name_of_its_own():
    assert {type(system) for system, _ in ROWS.values()} == set(SYSTEMS)
    commands = Counter(system.command for system in SYSTEMS)
    assert commands.pop("best-of-n") == 2  # by rates, or by recorded verdicts
    assert set(commands.values()) == {1}


# Files that register what a verb does for these systems, and differ in a line between them.
MAY_ASK = {"forecasting/_best_of_n.py", "forecasting/_votes.py"}


def asked_for_systems(path):
    """The classes of systems, or unions of them, that a file tests an object against."""
    names = {system.__name__ for system in SYSTEMS}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            words = {getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(node.args[1])}
            yield from words & names
        elif isinstance(node, ast.Compare) and any("type(" in ast.unparse(each) for each in [node.left]):
            yield from {getattr(each, "id", "") for each in ast.walk(node)} & names
        elif isinstance(node, ast.MatchClass):
            yield from {getattr(node.cls, "id", getattr(node.cls, "attr", ""))} & names


def test_nothing_asks_of_what_kind_a_system_is_but_what_registers_it():
    package = Path(js.__file__).parent
    asking = {}
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith("systems/") and (found := set(asked_for_systems(path))):
            asking[name] = found
    assert set(asking) == MAY_ASK, asking


def test_names_on_the_command_line_and_in_sweeps_are_those_of_systems():
    for names, populations in (
        (_options.FORECAST, (js.Attempts, js.Ballots)),
        (_options.FORECAST_FROM_ATTEMPTS, (js.Attempts,)),
    ):
        assert list(names) == list(dict.fromkeys(each.command for each in systems_of("forecast", populations)))
    laws = {js.Beta, js.AnswerDistribution}
    assert set(SWEPT.values()) == set(systems_of("simulate", laws))
    assert system_named("vote") == js.Vote()
    assert system_named("best-of-n", tpr=0.8, fpr=0.3) == js.BestOfN(tpr=0.8, fpr=0.3)
    assert system_named("best-of-n") == RecordedBestOfN()
    with pytest.raises(
        ValueError, match=r"system = 'votes': expected one of pass-at-k, solve-once, all-pass, share-at-least, "
    ):
        system_named("votes")
    with pytest.raises(ValueError, match=r"tpr = 1\.5: expected a probability"):
        system_named("best-of-n", tpr=1.5, fpr=0.1)


@pytest.mark.parametrize("name", ROWS)
def test_calls_for_answers_are_the_fewest_that_pay_for_them(name):
    counting = js.FilterVote(filter_calls_count=True)
    for system in (ROWS[name][0], counting):
        for answers in (1, 2, 7):
            calls = system.calls_for(answers)
            assert system.answers(calls) == answers
            if calls > system.calls_for(1):
                assert system.answers(calls - 1) < answers


@pytest.mark.parametrize("name", ESTIMATED)
def test_estimate_is_the_mean_over_all_draws(name):
    system, worth = ROWS[name]
    calls = [1, 2, 4, 6]
    by_query = [
        [
            np.mean([worth(list(draw), query) for draw in itertools.combinations(recorded_calls(query), k)])
            for k in calls
        ]
        for query in range(2)
    ]
    found = estimate(system, BALLOTS, calls)
    np.testing.assert_allclose(found.value, np.mean(by_query, axis=0), atol=1e-12)
    np.testing.assert_allclose(found.standard_error, np.std(by_query, axis=0, ddof=1) / np.sqrt(2), atol=1e-12)
    if knows("estimate", system, ATTEMPTS):
        np.testing.assert_allclose(estimate(system, ATTEMPTS, calls).value, found.value, atol=1e-12)


def test_every_system_is_simulated_and_held_against_exact_values():
    """Those of a law, or of what was recorded: without one the next test would compare nothing."""
    recorded_alone = {"weighted-vote", "best-of-n, recorded"}
    for name, (system, _) in ROWS.items():
        assert any(knows("simulate", system, population) for population in POPULATIONS), name
        exact_of = [each for each in POPULATIONS if knows("exact", system, each) and each not in (ATTEMPTS, BALLOTS)]
        assert bool(exact_of) == (name in ESTIMATED and name not in recorded_alone), name


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda population: type(population).__name__)
@pytest.mark.parametrize("name", ROWS)
def test_exact_is_what_simulation_finds(name, population):
    system, _ = ROWS[name]
    recorded = isinstance(population, js.Attempts | js.Ballots)
    if not knows("estimate" if recorded else "exact", system, population):
        with pytest.raises(TypeError, match=rf"no (exact|estimate) for {type(system).__name__}"):
            exact(system, population, 1)
        return
    calls = [1, 3, 6]
    simulated = js.simulate(jax.random.key(1), system, population, calls, replicates=20_000)
    expected = np.asarray(exact(system, population, calls))
    assert (np.abs(simulated.value - expected) <= 5 * np.maximum(simulated.standard_error, 1e-9)).all()
    assert simulated.standard_error.max() < 0.02


@pytest.mark.parametrize("name", ESTIMATED)
def test_one_call_of_a_system_without_a_verifier_is_right_as_often_as_a_call(name):
    system, _ = ROWS[name]
    if not isinstance(system, js.RoutedVote | js.MeanShare):  # the greedy call; worth nothing at a single one
        assert estimate(system, BALLOTS, 1).value == pytest.approx(np.mean(BALLOTS.right_calls / BALLOTS.calls))


@pytest.mark.parametrize("name", ROWS)
def test_systems_are_pytrees_of_their_numbers(name):
    system, _ = ROWS[name]
    leaves, structure = jax.tree.flatten(system)
    assert all(isinstance(leaf, float) for leaf in leaves)
    assert jax.tree.unflatten(structure, leaves) == system
    assert hash(system) == hash(jax.tree.unflatten(structure, leaves))


@pytest.mark.parametrize("population", [js.Beta(0.6, 1.5), js.AnswerDistribution([[0.4, 0.6]])])
def test_exact_has_the_gradient_of_a_system_s_numbers(population):
    def value(system):
        return exact(system, population, 5)

    with jax.enable_x64(True):
        population = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), population)
        system = js.BestOfN(tpr=jnp.asarray(0.8), fpr=jnp.asarray(0.3))
        slope = jax.grad(value)(system)
        for field in ("tpr", "fpr"):
            step = 1e-5
            ends = [
                float(value(js.BestOfN(**{"tpr": 0.8, "fpr": 0.3, field: getattr(system, field) + sign * step})))
                for sign in (1, -1)
            ]
            assert float(getattr(slope, field)) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)
