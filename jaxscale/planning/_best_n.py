"""The best number of calls for an imperfect verifier, where a wrong answer that it accepts does harm."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale._checks import check_amount, check_probability, whole_numbers
from jaxscale._result import Result
from jaxscale.data import Attempts, Ballots
from jaxscale.forecasting import verified_draws
from jaxscale.systems import BestOfN, RecordedBestOfN

_SEED = 0
_POINTS = 60


@dataclass(frozen=True, repr=False)
class BestN(Result):
    """How many calls to make before an answer is drawn from the accepted ones.

    Attributes:
        calls: the best number of calls; 0 where none is worth its price.
        lower: lower end of its interval.
        upper: upper end.
        worth: gain less loss less cost of a query at that number.
        right: probability of a right accepted answer there.
        wrong: of a wrong accepted answer.
        ceiling: what accuracy tends to as calls grow.
        ceiling_lower: lower end of its interval.
        ceiling_upper: upper end.
        level: probability of the intervals.
        most: the most calls that were looked at.
    """

    calls: int
    lower: int
    upper: int
    worth: float
    right: float
    wrong: float
    ceiling: float
    ceiling_lower: float
    ceiling_upper: float
    level: float
    most: int

    @property
    def words(self) -> str:
        """The finding in one or two sentences."""
        limit = f"accuracy tends to {self.ceiling:.3f} ({self.level:.0%} interval {self.ceiling_lower:.3f} to "
        limit += f"{self.ceiling_upper:.3f}) as calls grow"
        if self.calls == 0:
            return f"no number of calls is worth its price and its wrong answers; {limit}"
        more = f" or more (no more were looked at than {self.most:,})" if self.calls == self.most else ""
        return (
            f"best n: {self.calls:,}{more} ({self.level:.0%} interval {self.lower:,} to {self.upper:,}), with "
            f"{self.right:.3f} right and {self.wrong:.3f} wrong answers accepted; {limit}"
        )

    def _notes(self) -> list[str]:
        return [self.words]


def best_n(
    data: Attempts | Ballots,
    *,
    loss: float,
    cost_per_call: float = 0.0,
    gain: float = 1.0,
    system: BestOfN | RecordedBestOfN = RecordedBestOfN(),  # noqa: B008  # frozen
    most: int = 10**5,
    level: float = 0.9,
    key: PRNGKeyArray | None = None,
) -> BestN:
    """The n that is worth most: gain from a right accepted answer, less loss from a wrong one, less the calls' cost.

    An answer is drawn from the accepted ones of n calls; where none is accepted none is given, which neither gains nor
    loses. Every query is given the same n. False positives add up: once what can be solved is solved, further calls
    bring mostly wrong answers, so that the best n is finite even where calls are free.

    Args:
        data: what was recorded.
        loss: what a wrong accepted answer loses, 0 or more.
        cost_per_call: what one call and its check cost, 0 or more, in the same unit.
        gain: what a right accepted answer gains, above 0.
        system: a verifier with known rates, alike at all queries, or by default the recorded one, each query with its
            own.
        most: the most calls to look at.
        level: probability of the intervals, which are over the posterior of what was recorded.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        The best n and what it brings, the mean over the queries and over posterior draws.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        docs/mathematics.md, "Best of n"; [Stroebl24].

    Example:
        >>> data = Attempts(attempts=[20] * 6, successes=[0, 1, 2, 5, 9, 19])
        >>> best_n(data, loss=1.0, system=BestOfN(tpr=0.9, fpr=0.1)).calls < 20
        True
    """
    check_amount(loss, "loss")
    check_amount(cost_per_call, "cost_per_call")
    check_amount(gain, "gain", positive=True)
    most = int(whole_numbers(most, "most"))
    check_probability(level, "level")
    draws = verified_draws(data, system, jax.random.key(_SEED) if key is None else key)

    def worth(n: int) -> np.ndarray:
        """(3, draws) what n calls are worth, and how often they end in a right and in a wrong accepted answer."""
        if n == 0:
            return np.zeros((3, len(draws.right)))
        right, wrong = (outcome.mean(axis=1) for outcome in draws.outcomes(n)[:2])
        return np.stack([gain * right - loss * wrong - cost_per_call * n, right, wrong])

    first = np.rint(np.geomspace(1, most, _POINTS)).astype(int)
    looked_at = {n: worth(n) for n in np.unique([0, *first]).tolist()}
    for _ in range(2):  # closer to the best
        ordered = sorted(looked_at)
        place = int(np.argmax([looked_at[n][0].mean() for n in ordered]))
        low, high = ordered[max(place - 1, 0)], ordered[min(place + 1, len(ordered) - 1)]
        closer = np.unique(np.linspace(low, high, 22).astype(int)).tolist()
        looked_at |= {n: worth(n) for n in closer if n not in looked_at}
    numbers = np.array(sorted(looked_at))
    each = np.stack([looked_at[n] for n in numbers.tolist()])  # (n, 3, draws)
    mean = each.mean(axis=-1)
    best = int(mean[:, 0].argmax())
    tail = [(1 - level) / 2, (1 + level) / 2]
    lower, upper = np.quantile(numbers[each[:, 0].argmax(axis=0)], tail, method="nearest").tolist()
    ceiling = draws.ceiling().mean(axis=1)
    ceiling_lower, ceiling_upper = np.quantile(ceiling, tail).tolist()
    n = int(numbers[best])
    value, right, wrong = mean[best].tolist()
    return BestN(
        calls=n,
        lower=min(int(lower), n),
        upper=max(int(upper), n),
        worth=value,
        right=right,
        wrong=wrong,
        ceiling=float(ceiling.mean()),
        ceiling_lower=ceiling_lower,
        ceiling_upper=ceiling_upper,
        level=level,
        most=most,
    )
