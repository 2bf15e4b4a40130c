"""Training against inference: what is drawn, and which points cost the least."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from experiments import plot_trade_off
from jaxscale.samples import sample_checkpoints

TRAINING = {"small": np.array([1e18, 1e19]), "large": np.array([1e20, 1e21])}
INFERENCE = {"small": np.array([np.inf, 1e16]), "large": np.array([1e14, 1e13])}


def test_points_beyond_reach_are_left_out_and_the_least_total_is_marked():
    axes = plot_trade_off(Figure().subplots(), TRAINING, INFERENCE, queries=[1.0, 1e6, 1e9])
    drawn = {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in axes.lines}
    assert drawn["small"] == ([1e19], [1e16])
    assert drawn["least in all, 1 queries"] == ([1e19], [1e16])
    assert drawn["least in all, 1M queries"] == ([1e20], [1e14])
    assert drawn["least in all, 1B queries"] == ([1e21], [1e13])


def test_a_coverage_that_nobody_reaches_is_refused():
    with pytest.raises(ValueError, match="infinite everywhere"):
        plot_trade_off(Figure().subplots(), {"a": np.array([1.0])}, {"a": np.array([np.inf])})


def test_simulated_checkpoints_are_uneven_and_share_their_queries():
    groups, covariates = sample_checkpoints()
    assert covariates.shape == (len(groups), 2)
    assert len({data.query for data in groups.values()}) == 1
    rates = np.array([data.successes / data.attempts for data in groups.values()])
    assert np.corrcoef(np.argsort(np.argsort(rates[-1])), np.argsort(np.argsort(rates[-2])))[0, 1] > 0.5
    for data in groups.values():
        assert set(data.attempts) <= {200, 2200}
    again, _ = sample_checkpoints()
    assert all(np.array_equal(again[name].successes, data.successes) for name, data in groups.items())
