"""Pictures of votes compared: what is drawn where. How they look was judged by eye."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import jaxscale as js
from experiments import plot_costs, plot_curve_shapes, plot_difficulty, plot_predictions, plot_vote_curves
from jaxscale.data import Estimate
from jaxscale.estimators import VoteDifficulty, vote_difficulty
from jaxscale.plot import COLOURS

K = np.array([1, 3, 5, 9])


def axes():
    return Figure(figsize=(7, 4), layout="constrained").subplots()


def curve(*values, error=0.0):
    return Estimate(K[: len(values)], values, np.full(len(values), error))


def names(drawn):
    return [text.get_text() for text in drawn.get_legend().get_texts()]


def test_a_histogram_of_difficulty_counts_every_query_once_on_its_side():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 101, 200)
    difficulty = vote_difficulty(js.Ballots(np.column_stack([right, 100 - right]), [[True, False]] * 200))
    d, decided = difficulty.difficulty, difficulty.decided
    drawn = plot_difficulty(axes(), difficulty)
    bars = {"left": 0.0, "right": 0.0, "middle": 0.0}
    for bar in drawn.patches:
        centre = bar.get_x() + bar.get_width() / 2
        bars["middle" if abs(centre) < 1e-9 else "left" if centre < 0 else "right"] += bar.get_height()
    assert bars == {"left": (d < 0).sum(), "right": (d > 0).sum(), "middle": (d == 0).sum()}
    pale = sum(bar.get_height() for bar in drawn.patches if bar.get_alpha())
    assert pale == (~decided & (d != 0)).sum() > 0
    assert names(drawn)[0] == f"easy: {(d < 0).sum()} queries, surely {(decided & (d < 0)).sum()}"


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.9, 1.0])
def test_a_query_at_the_edge_of_two_bins_counts_nearer_zero(share):
    for side in (-1, 1):
        one = VoteDifficulty(np.array([side * share]), np.array([0.01]), np.array([0.0]), 0.9)
        (bar,) = [bar for bar in plot_difficulty(axes(), one).patches if bar.get_height()]
        assert bar.get_x() + bar.get_width() / 2 == pytest.approx(side * (share - 0.05))
    with pytest.raises(ValueError, match=r"^bins = 7: expected an even number from 2"):
        plot_difficulty(axes(), one, bins=7)


def test_curves_are_named_and_their_best_marked():
    curves = {"a": curve(0.5, 0.6, 0.7, 0.8), "b": curve(0.5, 0.6, 0.55, 0.5)}
    points = {"b": curve(0.51, 0.59, error=0.01)}
    drawn = plot_vote_curves(axes(), curves, points=points, best={"a": np.inf, "b": 3})
    assert [text.get_text() for text in drawn.texts] == ["b", "a"]
    assert [text.get_color() for text in drawn.texts] == [COLOURS[1], COLOURS[0]]
    stars = [line for line in drawn.lines if line.get_marker() == "*"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in stars] == [(3, pytest.approx(0.6))]
    (bars,) = drawn.containers[0].lines[2]
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [0.49, 0.53])
    assert drawn.get_xscale() == "log"
    assert plot_vote_curves(axes(), curves, colours={"b": "#123456"}).lines[1].get_color() == "#123456"
    with pytest.raises(ValueError, match=r"^'c': expected one of the curves 'a', 'b'"):
        plot_vote_curves(axes(), curves, best={"c": 3})


def test_predictions_lie_on_the_diagonal_where_they_agree():
    drawn = plot_predictions(axes(), {"Vote": ([0.1, 0.3], [0.1, 0.3]), "other": ([0.2, 0.4], [0.2, 0.5])})
    assert names(drawn) == ["Vote: RMSE 0.0000", f"other: RMSE {0.1 / np.sqrt(2):.4f}"]
    np.testing.assert_allclose(drawn.collections[1].get_offsets(), [[0.2, 0.2], [0.4, 0.5]])
    assert drawn.get_xlim() == drawn.get_ylim()
    (diagonal,) = drawn.lines
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    with pytest.raises(ValueError, match=r"^'Vote': 2 measured and 1 predicted values"):
        plot_predictions(axes(), {"Vote": ([0.1, 0.3], [0.1])})


def test_the_step_line_is_the_most_accuracy_for_every_amount():
    curves = {"small": curve(0.2, 0.4, 0.45, 0.44), "large": curve(0.5, 0.6), "dear": curve(0.3, 0.35)}
    costs = {"small": K, "large": [4, 12], "dear": [4, 12]}
    drawn = plot_costs(axes(), curves, costs)
    step = drawn.lines[0]
    assert step.get_xdata().tolist() == [1, 3, 4, 12, 12]
    assert step.get_ydata().tolist() == [0.2, 0.4, 0.5, 0.6, 0.6]
    assert names(drawn) == ["most accuracy for the money", "small", "large"]
    assert drawn.get_xscale() == "log"
    for bad in ({**costs, "large": [4]}, {"small": K}, {**costs, "dear": [0, 12]}):
        with pytest.raises(ValueError, match=r"^costs of '(large|dear)': expected 2 numbers above 0"):
            plot_costs(axes(), curves, bad)


@pytest.mark.parametrize("easy_share", [0.3, 0.5, 0.7])
def test_the_map_of_shapes_has_the_right_colour_at_every_pair(easy_share):
    drawn = plot_curve_shapes(axes(), easy_share, resolution=10)
    cells = drawn.collections[0].get_array().reshape(11, 10)
    order = ["rises", "rises then falls", "falls then rises", "falls"]
    for row, p_easy in enumerate((np.arange(11) + 0.5) / 22 + 0.5):
        for column, p_hard in enumerate((np.arange(10) + 0.5) / 20):
            assert order[cells[row, column]] == js.curve_shape(easy_share, p_easy, p_hard)
    assert names(drawn) == order
