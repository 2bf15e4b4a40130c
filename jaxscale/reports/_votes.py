"""The section on votes: how often the most frequent of K answers is right."""

from collections.abc import Sequence

from jaxscale.estimators import RESAMPLES
from jaxscale.forecasting import MARGIN, VOTE_DRAWS
from jaxscale.reports._analysis import Budgets, Group
from jaxscale.reports._curves import INTERVAL, colours, curve_table, curves_chart, reading, shown
from jaxscale.reports._parts import Chart, Explanation, Section, of_groups

CHEN = "Chen et al., arXiv 2403.02419"

VOTE = Explanation(
    "vote",
    "Accuracy of a vote within the recorded calls",
    "Of all ways to pick K of the recorded calls of a query, the share in which a right answer is the most "
    "frequent one; a tie counts by the share of right answers among those that lead, and a call without an "
    "answer never wins. Averaged over the queries, exact and unbiased.",
    "mean over queries of the mean over all C(n, K) draws of (right leaders) / (leaders)",
    "votes over draws without replacement, computed exactly from the counts of the answers",
    "",
)

_BEYOND = Explanation(
    "vote-forecast",
    "Accuracy of a vote beyond the recorded calls",
    "The mean of two methods; half of what they differ by counts as uncertainty. “dirichlet” draws the "
    "probabilities of the answers of a query from what the recorded ones leave possible, and holds votes "
    "under each draw. “scaling” fits a curve to each query's accuracy at few calls.",
    "",
    f"{CHEN} (the fitted curves)",
    f"{VOTE_DRAWS} draws of the answers' probabilities for each query, with two votes each",
)

_BEST = Explanation(
    "best",
    "The best number of calls, and what it gains",
    "The number of calls with the highest accuracy, of those up to half of the recorded calls (beyond it, draws "
    "overlap so much that near ties are decided as this record happens to decide them). A forecast that is ahead "
    f"by more than {100 * MARGIN:g} points counts instead: the fewest calls that come so near to its highest "
    "value, or its end where it still rises by as much there. Intervals: queries are drawn anew, and each draw "
    "looks for its own best; one that reaches the end of the search is open.",
    "the K with the highest accuracy; its gain is accuracy(K) − accuracy(1)",
    f"bootstrap over queries; the question is that of {CHEN}",
    f"{RESAMPLES:,} draws of the queries",
)

_FILTER = Explanation(
    "filter",
    "A vote over what a filter kept",
    "As a vote over all K calls, but only those that the column “kept” marks have a say; where none of the K was kept, "
    "all have. The filter's own calls are not counted.",
    "",
    CHEN,
    "",
)


def votes_section(groups: Sequence[Group], budgets: Budgets, noun: str) -> Section:
    """The accuracy of votes within the recorded calls and beyond them."""
    filtered = any(len(group.votes) > 1 for group in groups)
    named = [
        (_curve_name(group.name, vote.system.title, several=len(groups) > 1, filtered=filtered), vote)
        for group in groups
        for vote in group.votes
    ]
    curves = {name: vote.curve for name, vote in named}
    best = {name: vote.best.calls for name, vote in named}
    spec = curves_chart(
        {name: vote.drawn for name, vote in named},
        measure="queries answered rightly by a vote",
        description=f"Accuracy of a majority vote against calls per query, {of_groups(groups, noun)}.",
        best=best,
    )
    spec["encoding"]["y"]["scale"] = {"zero": False}
    budget_table = [k for k in budgets.table if all(k in curve.calls for curve in curves.values())]
    chart = Chart(
        "vote-chart",
        "Accuracy of a vote against calls",
        f"{reading(groups[0].votes[0].curve)} Diamond: the best number of calls.",
        spec,
        curve_table("Accuracy of a vote at several numbers of calls", curves, budget_table, noun),
        curves=list(curves),
        colours=colours(groups, votes=True),
        shown=shown(list(curves)),
    )
    text = (
        "The most frequent of K answers is taken. That needs no checker, but more calls help only at queries whose "
        "right answer is the most common one."
    )
    explained = (VOTE, _BEYOND, _BEST, INTERVAL, *((_FILTER,) if filtered else ()))
    return Section("vote", "If answers cannot be checked: majority vote", text, [chart], explained)


def _curve_name(name: str, system: str, *, several: bool, filtered: bool) -> str:
    if not several:
        return system
    return f"{name}, {system}" if filtered else name
