"""Pictures of laws: what is drawn where. How they look was judged by eye."""

import numpy as np
import pytest
import scipy.stats
from matplotlib.figure import Figure

import jaxscale as js
from experiments import plot_laws, plot_successes

DATA = js.Attempts([20] * 6, [0, 0, 1, 3, 10, 20])


def points_of(container):
    line = container.lines[0]
    return line.get_xdata(), line.get_ydata()


@pytest.mark.parametrize("loss", [False, True])
def test_points_are_the_estimates_and_lines_the_laws(loss):
    measured = {"one": js.pass_at_k(DATA, [1, 4, 20]), "two": js.pass_at_k(DATA, [1, 2])}
    uniform = js.Beta(1.0, 1.0)
    axes = Figure().subplots()
    assert plot_laws(axes, measured, {"Beta": {"one": uniform}, "point": {"two": js.PointMass(0.5)}}, loss=loss) is axes
    (k, height), _ = (points_of(container) for container in axes.containers)
    np.testing.assert_array_equal(k, [1, 4, 20])
    np.testing.assert_allclose(height, 1 - measured["one"].value if loss else measured["one"].value)
    curves = [line for line in axes.lines if len(line.get_xdata()) == 20]
    failures = {line.get_linestyle(): (1 - line.get_ydata(), line.get_ydata())[loss] for line in curves}
    calls = np.arange(1, 21)
    np.testing.assert_allclose(failures["-"], 1 / (calls + 1), rtol=1e-12)
    np.testing.assert_allclose(failures["--"], 0.5**calls, rtol=0, atol=1e-15)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["data", "Beta", "point"]
    assert {text.get_text() for text in axes.texts} == {"one", "two"}
    assert axes.get_yscale() == ("log" if loss else "linear")


def test_bars_count_queries_and_lines_what_the_model_expects():
    axes = plot_successes(Figure().subplots(), DATA, {"Beta": js.Beta(0.5, 2.0)})
    heights = [bar.get_height() for bar in axes.patches]
    assert heights[0] == pytest.approx(2 / 6)  # never solved
    assert sum(heights) == pytest.approx(1)
    never, others = axes.lines
    mass = scipy.stats.betabinom(20, 0.5, 2.0).pmf(np.arange(21))
    assert never.get_ydata()[0] == pytest.approx(mass[0], rel=1e-9)
    assert sum(others.get_ydata()) == pytest.approx(mass[1:].sum(), rel=1e-9)
    assert axes.get_xticklabels()[0].get_text() == "0"


def test_uneven_attempts_have_no_comparable_rates():
    with pytest.raises(ValueError, match="attempts = 3 to 4: expected an equal number"):
        plot_successes(Figure().subplots(), js.Attempts([3, 4], [0, 0]), {})
