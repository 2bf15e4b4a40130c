"""Pictures: what is drawn where. How they look was judged by eye."""

import itertools

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from matplotlib.figure import Figure

from jaxscale.forecasting import Forecast, ForecastModel
from jaxscale.plot import COLOURS, plot_forecasts, short
from jaxscale.plot._axes import apart

BUDGETS = np.unique(np.rint(np.geomspace(1, 10_000, 30)).astype(int))


def curve(end=100, height=0.9, k=BUDGETS, half=20.0):
    value = height * k / (k + half)
    kind = np.where(k <= end, "estimate", "forecast")
    return Forecast(k, value, 0.9 * value, np.minimum(1.1 * value, 1.0), ForecastModel("beta", {}), kind)


def drawn(curves, points=None):
    axes = Figure(figsize=(8, 5), layout="constrained").subplots()
    assert plot_forecasts(axes, curves, points) is axes
    axes.figure.savefig("/dev/null", format="png")
    return axes


def test_a_curve_is_solid_while_recorded_and_dashed_beyond():
    axes = drawn({"x": curve(end=100)})
    solid, dashed, edge = axes.lines
    assert solid.get_xdata().max() <= 100
    assert dashed.get_xdata().min() == solid.get_xdata().max()
    assert solid.get_linestyle() == "-"
    assert dashed.get_linestyle() == "--"
    assert edge.get_xdata()[0] == solid.get_xdata().max()
    texts = {text.get_text().strip() for text in axes.texts}
    assert texts == {"recorded", "forecast", "x"}
    assert axes.get_xscale() == "log"
    assert "k" in axes.get_xlabel()
    assert "pass@k" in axes.get_ylabel()


def test_points_are_hollow_beyond_the_data_and_bars_are_the_intervals():
    few = curve(end=100, k=np.array([1, 100, 1000]))
    axes = drawn({"x": curve(end=100)}, {"x": few})
    filled, hollow = (container.lines[0] for container in axes.containers)
    assert filled.get_xdata().tolist() == [1, 100]
    assert hollow.get_xdata().tolist() == [1000]
    assert hollow.get_markerfacecolor() == "white"
    assert filled.get_markerfacecolor() == COLOURS[0]
    (bars,) = axes.containers[1].lines[2]
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [few.lower[2], few.upper[2]])


def test_no_forecast_no_edge():
    assert {text.get_text() for text in drawn({"x": curve(end=10**6)}).texts} == {"x"}
    assert {text.get_text() for text in drawn({"x": curve(end=0)}).texts} == {"x"}


def test_uneven_ends_shade_from_the_first():
    axes = drawn({"x": curve(end=100), "y": curve(end=1000, height=0.5)})
    places = {text.get_text().strip(): text.xy[0] for text in axes.texts}
    assert places["recorded"] <= 100 < places["forecast"] <= 1000


def test_rare_successes_get_a_logarithmic_axis_and_common_ones_do_not():
    assert drawn({"x": curve(height=0.1, half=500.0)}).get_yscale() == "log"
    assert drawn({"x": curve(height=0.9, half=500.0)}).get_yscale() == "linear"
    assert drawn({"x": curve(height=0.0)}).get_yscale() == "linear"


@pytest.mark.parametrize("count", [3, 12, 40])
def test_names_do_not_overlap(count):
    axes = drawn({f"model {i}": curve(height=0.9 - 0.001 * i) for i in range(count)})
    names = [text for text in axes.texts if text.get_text().startswith("model")]
    assert len(names) == (count if count <= 16 else 0)
    renderer = matplotlib.backends.backend_agg.RendererAgg(800, 500, axes.figure.dpi)
    boxes = sorted((text.get_window_extent(renderer) for text in names), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
    assert bool(axes.collections) == (count <= 8)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_heights_are_apart_inside_and_only_moved_where_they_must(heights):
    gap = 0.08
    placed = apart(sorted(heights), gap)
    assert all(b - a >= gap - 1e-12 for a, b in itertools.pairwise(placed))
    assert placed[0] >= 0
    assert placed[-1] <= 1 + 1e-12
    if all(b - a >= gap for a, b in zip(sorted(heights), sorted(heights)[1:], strict=False)):
        np.testing.assert_allclose(placed, sorted(heights), atol=1e-12)


def test_ticks_in_words():
    assert [short(k, 0) for k in (1, 10, 1000, 10**4, 10**6, 10**9, 10**12)] == [
        "1", "10", "1,000", "10k", "1M", "1B", "1T",
    ]  # fmt: skip
