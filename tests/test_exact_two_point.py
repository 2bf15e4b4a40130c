import math

import numpy as np
import pytest
from scipy import stats

import jaxscale as js


def steps(easy_share, p_easy, p_hard, calls):
    """log of the gain and of the loss from K to K + 2 calls, up to a common factor."""
    h = (calls + 1) / 2
    gain = np.log(easy_share) + h * np.log(p_easy * (1 - p_easy)) + np.log(2 * p_easy - 1)
    loss = np.log1p(-easy_share) + h * np.log(p_hard * (1 - p_hard)) + np.log(1 - 2 * p_hard)
    return gain, loss


def test_shape_and_best_calls_agree_with_brute_force_on_random_datasets():
    rng = np.random.default_rng(0)
    calls = np.arange(1, 2_000, 2)
    seen, located = set(), 0
    for _ in range(3_000):
        easy_share, p_easy, p_hard = rng.uniform(0.02, 0.98), rng.uniform(0.52, 0.98), rng.uniform(0.02, 0.48)
        gain, loss = steps(easy_share, p_easy, p_hard, calls)
        up = gain > loss
        shape = js.curve_shape(easy_share, p_easy, p_hard)
        seen.add(shape)
        if up.all() or not up.any():
            # The turn, if there is one, is beyond the calls looked at.
            assert shape.startswith("rises" if up[0] else "falls")
            continue
        assert shape == ("rises then falls" if up[0] else "falls then rises")
        best = js.best_calls(easy_share, p_easy, p_hard)
        if up[0]:
            turn = calls[np.argmin(up)]
            assert best == turn
            near = np.array([max(turn - 2, 1), turn, turn + 2])
            curve = easy_share * stats.binom.sf(near // 2, near, p_easy) + (1 - easy_share) * stats.binom.sf(
                near // 2, near, p_hard
            )
            assert curve[1] >= curve.max() - 1e-12
            located += 1
        else:
            one_call = easy_share * p_easy + (1 - easy_share) * p_hard
            assert best == (math.inf if easy_share > one_call else 1)
    assert seen == {"rises", "falls", "rises then falls", "falls then rises"}
    assert located > 500


@pytest.mark.parametrize(
    ("p_easy", "p_hard", "turning"), [(0.85, 0.4, "rises then falls"), (0.65, 0.1, "falls then rises")]
)
def test_the_examples_of_the_paper(p_easy, p_hard, turning):
    t = p_hard * (1 - p_hard) * (0.5 - p_hard) / (p_easy * (1 - p_easy) * (p_easy - 0.5)) + 1
    edge = 1 - 1 / t
    between = edge + 0.05 if turning.startswith("rises") else edge - 0.05
    outside = edge - 0.05 if turning.startswith("rises") else edge + 0.05
    assert js.curve_shape(between, p_easy, p_hard) == turning
    assert js.curve_shape(outside, p_easy, p_hard) == turning.split(" then ")[1]


def test_edges_of_the_ranges():
    assert js.curve_shape(1.0, 0.8, 0.3) == "rises"
    assert js.curve_shape(0.0, 0.8, 0.3) == "falls"
    assert js.curve_shape(0.5, 1.0, 0.0) == "flat"
    assert js.curve_shape(0.5, 0.75, 0.25) == "flat"
    assert js.curve_shape(0.6, 0.75, 0.25) == "rises"
    assert js.curve_shape(0.5, 1.0, 0.3) == "falls"
    assert [js.best_calls(a, 0.8, 0.3) for a in (1.0, 0.0)] == [math.inf, 1]
    assert js.best_calls(0.5, 1.0, 0.0) == 1
    for arguments, name in (((1.2, 0.8, 0.3), "easy_share"), ((0.5, 0.5, 0.3), "p_easy"), ((0.5, 0.8, 0.5), "p_hard")):
        with pytest.raises(ValueError, match=f"{name} = "):
            js.best_calls(*arguments)
