"""The interval of a mean of many queries, from draws of it and the variance of what comes on top."""

import numpy as np
from scipy.special import ndtri


def interval(
    rng: np.random.Generator,
    value: np.ndarray,
    means: np.ndarray,
    variance: np.ndarray,
    level: float,
    step: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles of a mean in [0, 1] whose own noise has a given variance.

    Every draw of the mean is spread by a logit-normal law with that variance: bounded, skewed near 0 and 1 as a count
    of rare events is, and normal in between.

    Args:
        rng: draws.
        value: (budgets,) the point forecast; the interval always contains it.
        means: (draws, budgets) draws of the mean; one row where nothing is uncertain but the noise.
        variance: (budgets,) variance of the noise, or (draws, budgets) where it differs from draw to draw.
        level: probability inside, split evenly between the ends.
        step: (budgets,) spacing of the values that what is predicted can take; half a step is added at either end, as
            for any discrete quantity, so that a run in which all queries are solved is not ruled out.

    Returns:
        (budgets,) lower and upper ends in [0, 1].
    """
    deviation = np.sqrt(variance)
    # A mean of 0 or 1 has no logit: no nearer to an end than one standard deviation, as for a rare count.
    edge = np.clip(deviation, 1e-12, 0.5)
    centre = np.clip(means, edge, 1 - edge)
    room = centre * (1 - centre)
    spread2 = np.log1p(np.square(deviation / room))
    location = np.log(centre) - np.log1p(-centre) - (1 - 2 * centre) * spread2 / 2
    tail = (1 - level) / 2
    if len(means) == 1:
        lower, upper = 1 / (1 + np.exp(-(location + np.sqrt(spread2) * ndtri([[tail], [1 - tail]]))))
    else:
        # The same normal draws at every k keep the band smooth.
        noise = rng.standard_normal((16, len(means), 1))
        spread = 1 / (1 + np.exp(-(location + np.sqrt(spread2) * noise)))
        lower, upper = np.quantile(spread.reshape(-1, means.shape[1]), [tail, 1 - tail], axis=0)
    # Where the noise is far below a step there is but one value left to take.
    margin = np.minimum(step / 2, np.sqrt(np.atleast_2d(variance).mean(axis=0)))
    lower, upper = np.minimum(lower, value) - margin, np.maximum(upper, value) + margin
    return np.maximum(lower, 0.0), np.minimum(upper, 1.0)
