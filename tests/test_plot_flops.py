"""Pictures of coverage against FLOPs: what is drawn where. How they look was judged by eye."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import jaxscale as js
from experiments import plot_flops_contours, plot_flops_slices

UNIFORM = js.Beta(1.0, 1.0)  # pass@k = k / (k + 1)
TOKENS = 100


def test_a_slice_begins_with_one_call_and_follows_the_law():
    cost = js.Cost.from_tokens(TOKENS, TOKENS, flops_per_token=2.0)
    apart = js.Cost.from_tokens(TOKENS, TOKENS, flops_per_token=2.0, prompt_shared=False)
    flops = 2.0 * TOKENS * np.array([1.0, 2.0, 4.0, 11.0])
    axes = Figure().subplots()
    assert plot_flops_slices(axes, UNIFORM, {"shared": cost, "apart": apart}, flops) is axes
    shared, unshared = (line.get_ydata() for line in axes.lines)
    np.testing.assert_allclose(shared, [np.nan, 1 / 2, 3 / 4, 10 / 11])
    np.testing.assert_allclose(unshared, [np.nan, 1 / 2, 2 / 3, 5.5 / 6.5])
    lost = plot_flops_slices(Figure().subplots(), UNIFORM, {"shared": cost}, flops, loss=True)
    np.testing.assert_allclose(lost.lines[0].get_ydata(), 1 - shared)
    assert lost.get_yscale() == "log"


def test_contours_of_equal_coverage_are_of_equal_calls():
    across, flops = np.geomspace(1.0, 100.0, 80), np.geomspace(1e2, 1e6, 120)
    cost = js.Cost.from_tokens(TOKENS, TOKENS, flops_per_token=across)
    axes = plot_flops_contours(Figure().subplots(), UNIFORM, cost, across, flops, recorded=100)
    (lines,) = [drawn for drawn in axes.collections if len(drawn.get_paths()) == 9]
    for share, path in zip(np.linspace(0.1, 0.9, 9)[4:], lines.get_paths()[4:], strict=True):
        x, y = path.vertices.T
        calls = share / (1 - share)
        np.testing.assert_allclose(y / (x * TOKENS), 1 + calls, rtol=0.01)
    (end,) = axes.lines
    np.testing.assert_allclose(end.get_ydata(), across * TOKENS * 101)
    assert [text.get_text() for text in axes.texts if "calls" in text.get_text()] == ["100 calls"]


def test_what_does_not_fit_is_refused():
    axes, across = Figure().subplots(), [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="expected FLOPs of 3 kinds of calls"):
        plot_flops_contours(axes, UNIFORM, js.Cost(flops_per_call=[1.0, 2.0]), across, [1.0, 2.0])
    with pytest.raises(ValueError, match="calls that cost FLOPs"):
        plot_flops_slices(axes, UNIFORM, {"free": js.Cost(per_call=1.0)}, [1.0])
