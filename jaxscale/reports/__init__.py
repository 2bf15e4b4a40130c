"""A page that says what recorded calls say: the decision, curves, warnings, and how each number was made."""

from collections.abc import Callable, Mapping, Sequence

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from jaxscale import __version__
from jaxscale._checks import ArgumentError, check_probability, whole_numbers
from jaxscale.common import common_queries
from jaxscale.data import Attempts, Ballots
from jaxscale.io import DataSets
from jaxscale.planning import Cost
from jaxscale.reports._analysis import Group, analyse, at, budgets_of
from jaxscale.reports._answer import APART, headline, overview, story
from jaxscale.reports._cautions import cautions, different_queries
from jaxscale.reports._how import models_table
from jaxscale.reports._page import render, sections
from jaxscale.reports._read import source_facts, what_was_read

__all__ = ["report"]


def report(
    data: Mapping[str, Attempts | Ballots],
    calls: Sequence[int] = (),
    *,
    title: str | None = None,
    group: Sequence[str] = (),
    notes: Sequence[str] = (),
    level: float = 0.9,
    key: PRNGKeyArray | None = None,
    costs: Mapping[str, Cost] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> str:
    """A self-contained page about recorded attempts or ballots, for a reader who never used jaxscale.

    Ballots are also read as attempts, each right or wrong: their page has coverage (pass@k) beside the vote. Nothing on
    the page is loaded from elsewhere, and whatever the data hold is escaped.

    Args:
        data: data sets by name, as `read_attempts` and `read_ballots` return them; what these say of the
            files that they read is on the page. Several are shown at the queries that all of them have.
        calls: numbers of calls that the tables show besides 1, powers of ten, those recorded and ten times as many.
        title: what was read, for the page's heading; None: the names of the data sets.
        group: the columns that the data sets were grouped by, for the headings of tables.
        notes: what was said while reading, in sentences.
        level: probability that the intervals are to hold, in (0, 1).
        key: a typed JAX key, of all random draws; None stands for jax.random.key(0).
        costs: what calls cost, for each name in `data`, which adds a section on cost; None without prices.
        progress: called with the name of each data set before it is begun.

    Returns:
        The page as HTML; write it to a file with `encoding="utf-8"`.

    Raises:
        ValueError: naming the argument and what was expected.

    Source:
        `estimate`, `forecast` and `vote_curve`, whose sources the page names.

    Example:
        >>> page = report({"all": Attempts([100] * 5, [0, 1, 5, 40, 99])})  # doctest: +SKIP
    """
    if not isinstance(data, Mapping) or not data or not all(isinstance(v, Attempts | Ballots) for v in data.values()):
        raise ArgumentError(
            "data", None, "a dictionary with at least one Attempts or Ballots, as the readers return it", found=""
        )
    check_probability(level, "level")
    if costs is not None:
        for name in data:
            if not isinstance(costs.get(name), Cost):
                raise ArgumentError("costs", name, "a Cost for each data set", found=f": {name!r} has none")
    key = jax.random.key(0) if key is None else key
    common = common_queries(data)
    source, data = data, common.groups
    comparable = common.queries != () or len(data) == 1
    noun = group[0] if len(group) == 1 else "data set"
    wanted = whole_numbers(calls, "calls").reshape(-1).tolist() if len(calls) else []
    budgets = budgets_of([each.as_attempts for each in data.values()], wanted)
    groups = analyse(data, budgets, level=level, key=key, progress=progress)
    priced = (
        None
        if costs is None or not comparable
        else {each.name: costs[name] for each, name in zip(groups, data, strict=True)}
    )
    groups.sort(key=lambda each: -(_best(each) if each.votes else at(each.coverage, budgets.common).value))
    return render(
        {
            "title": title or ", ".join(each.name for each in groups[:3]) + (", ..." if len(groups) > 3 else ""),
            "headline": headline(groups, budgets, noun) if comparable else APART.format(noun=noun),
            "story": story(groups, budgets, noun, comparable=comparable),
            "overview": overview(groups, budgets, noun),
            "read": what_was_read(groups, noun),
            "source": source_facts(source.summary) if isinstance(source, DataSets) else [],
            "sections": sections(groups, budgets, noun, priced),
            "cautions": [*different_queries(common), *cautions(groups, budgets)],
            "notes": list(notes),
            "models": models_table(groups, noun),
            "total": len(groups),
            "seed": _seed_of(key),
            "version": __version__,
        }
    )


def _seed_of(key: PRNGKeyArray) -> int:
    """The seed of which `jax.random.key` makes the key."""
    return int.from_bytes(np.asarray(jax.random.key_data(key)).astype(">u4").tobytes())


def _best(group: Group) -> float:
    return group.votes[0].top
