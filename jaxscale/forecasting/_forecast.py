"""`forecast`: values within and beyond what was recorded. Each system's own part is registered beside this."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, overload

from jaxtyping import PRNGKeyArray
from numpy.typing import ArrayLike

from jaxscale._checks import ArgumentError
from jaxscale.data import Attempts, Ballots
from jaxscale.difficulty import AbstractDifficulty
from jaxscale.forecasting._arguments import checked
from jaxscale.forecasting._groups import GroupForecasts, warn_of_other_queries
from jaxscale.forecasting._result import Forecast
from jaxscale.systems import AbstractSystem, implementation, unknown_pair


@overload
def forecast(
    system: AbstractSystem,
    data: Attempts | Ballots,
    calls: ArrayLike,
    *,
    model: str | AbstractDifficulty = "auto",
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    pool: bool = True,
    key: PRNGKeyArray | None = None,
) -> Forecast: ...


@overload
def forecast(
    system: AbstractSystem,
    data: Mapping[str, Attempts] | Mapping[str, Ballots] | Mapping[str, Attempts | Ballots],
    calls: ArrayLike,
    *,
    model: str | AbstractDifficulty = "auto",
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    pool: bool = True,
    key: PRNGKeyArray | None = None,
) -> dict[str, Forecast]: ...


def forecast(
    system: AbstractSystem,
    data: Attempts | Ballots | Mapping[str, Attempts] | Mapping[str, Ballots] | Mapping[str, Attempts | Ballots],
    calls: ArrayLike,
    *,
    model: str | AbstractDifficulty = "auto",
    level: float = 0.9,
    over: Literal["these", "population"] = "these",
    pool: bool = True,
    key: PRNGKeyArray | None = None,
) -> Forecast | dict[str, Forecast]:
    """The value of a system within and beyond the recorded calls, with intervals.

    Query by query: the unbiased estimate where the calls are within those recorded of it, else a prediction.

    - Coverage (`PassAtK`, `SolveOnce`): 1 for a query that was solved, and otherwise the probability, given its
      failures, that more calls solve it. The curve has no jump where the data end.
    - Reliability (`AllPass`): 1 minus the coverage of the failures, right and wrong having changed places, and so with
      the same models (`model="beta"` is then a law of the chance that a call is wrong).
    - `ShareAtLeast` and `MeanShare`: by how many of the calls still to come are right, beside those that were, under
      the laws of coverage for shares up to one half, and under those of the failures for others.
    - `Vote` and `FilterVote`: answer probabilities are drawn from their posterior, under priors that the whole data set
      determines, and averaged with the curve that Chen et al. fit to each query.
    - `BestOfN` and `RecordedBestOfN`: each query's rates are drawn from their posterior. Values of `BestOfN` are
      predictions at every number of calls.

    Args:
        system: how calls become an outcome.
        data: what was recorded; numbers of calls may be uneven. A mapping of data sets, models at the same queries say,
            gives a mapping.
        calls: numbers of calls, whole numbers from 1 to 10^12 (votes: 10^5, shares: 10^4); any shape.
        model: what to trust beyond the record. Coverage: "auto" (five shapes of difficulty by their evidence, averaged
            with the line of log(-log pass@k) on log k), a law of difficulty by its name or as the start of its fit, or
            a rival that users know, "loglog" or "discretised-beta". Votes: "auto", "dirichlet" (the posterior alone)
            or "scaling" (the curves alone).
        level: probability that an interval is to hold, in (0, 1).
        over: "these" for the unbiased estimate that a further, equally long or longer run on these very queries would
            give, its noise included; "population" for the expectation over queries like these.
        pool: whether groups of a mapping whose success rates correlate at common queries inform each other (coverage by
            "auto" alone, for at most 32 groups that go together, at 2,000 queries): how hard a query is, is then
            learned from all of them. Half of the draws behind an interval are those of the group alone, should it be
            unlike the others.
        key: a typed JAX key; None stands for jax.random.key(0).

    Returns:
        The curve, or one for each data set. Computed in float64 whatever the JAX setting.

    Raises:
        TypeError: for a system that has no forecast from such data; it names the data that it has one for.
        ValueError: naming the argument and what was expected.

    Warns:
        DataWarning: where every call was right or none was, so that the forecast is that of the prior, which it names;
            where groups have different queries, of how many and which; where too many groups go together.

    Source:
        docs/mathematics.md, "Posterior prediction", "Forecasts by several laws", "All calls right",
        "A share of the calls right", "Pooled groups", "Posterior of ballots" and "Best of n"; [Chen24]; [Rasch60];
        [Stroebl24].

    Example:
        >>> from jaxscale.systems import PassAtK, Vote
        >>> curve = forecast(PassAtK(), Attempts([100] * 5, [0, 1, 5, 40, 99]), [1, 100, 10_000])
        >>> curve.value.shape, curve.kind.tolist()
        ((3,), ['estimate', 'estimate', 'forecast'])
        >>> ballots = Ballots(counts=[[5, 3], [2, 6]], correct=[[True, False], [True, False]])
        >>> forecast(Vote(), {"a": ballots}, [1, 8, 32])["a"].kind.tolist()
        ['estimate', 'estimate', 'forecast']
    """
    budgets, key = checked(calls, level, over, key)
    if not isinstance(data, Mapping):
        return _of_one(system, data, budgets, model=model, level=level, over=over, key=key)
    for name, each in data.items():
        if not isinstance(each, Attempts | Ballots):
            raise ArgumentError("data", name, "Attempts or Ballots", found=f"[{name!r}] is a {type(each).__name__}")
    warn_of_other_queries(data)
    if pool and system.measures == "coverage" and isinstance(model, str) and model == "auto":
        groups = GroupForecasts(data, key)
        return {name: groups.forecast(name, budgets, level=level, over=over) for name in data}
    return {
        name: _of_one(system, each, budgets, model=model, level=level, over=over, key=key)
        for name, each in data.items()
    }


def _of_one(system: AbstractSystem, data: Attempts | Ballots, budgets: ArrayLike, **settings: object) -> Forecast:
    rule = implementation("forecast", system, data)
    if rule is None:
        raise unknown_pair("forecast", system, data)
    found: Forecast = rule(system, data, budgets, **settings)
    return found
