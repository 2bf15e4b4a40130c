"""How each kind of number of a report was made: in words, as a formula, whose it is, and what was drawn at random."""

from collections.abc import Sequence
from typing import NamedTuple

from jaxscale.estimators import RESAMPLES
from jaxscale.forecasting import MARGIN, SHAPES, _auto, _pool, _votes
from jaxscale.reports._analysis import Group
from jaxscale.systems import PassAtK


class Explanation(NamedTuple):
    """How a kind of number was made.

    Attributes:
        key: what links on the page call it.
        title: the kind of number.
        words: how it was made.
        formula: the same as a formula; empty where words say it all.
        source: who showed that this is right.
        drawn: what was drawn at random; empty if nothing was.
    """

    key: str
    title: str
    words: str
    formula: str
    source: str
    drawn: str


_CODEX = "Chen et al., arXiv 2107.03374"
_CALLS = "Chen et al., arXiv 2403.02419"

_COVERAGE = (
    Explanation(
        "coverage",
        "Coverage within the recorded calls (pass@k)",
        "Of all ways to pick k of the n recorded calls of a query, the share in which at least one call is right, "
        "averaged over the queries. It is exact and unbiased: no model, no resampling.",
        "mean over queries of 1 − C(n − c, k) / C(n, k), where c of a query's n calls are right",
        _CODEX,
        "",
    ),
    Explanation(
        "coverage-forecast",
        "Coverage beyond the recorded calls",
        "A query that was solved stays solved. One that was not counts with the probability that further calls "
        f"solve it, given that all n so far failed. That probability is an average: of {len(SHAPES)} shapes that the "
        "chance of success may have over the queries, fitted to all of them, and of the curve's own trend. The trend "
        "counts for half one power of ten beyond the data, and for more the farther. Where several groups do well at "
        "the same queries, shapes (called pooled) are fitted to all groups at once: what others solve says how hard a "
        "query is. The trend of a weaker group then counts for less: the strongest one shows where its curve goes. "
        "Shares are those at the most calls that were asked for.",
        "mean over queries of 1 if c > 0, else 1 − S(k) / S(n), where S(k) is the share that k calls leave unsolved",
        "shapes of difficulty weighted by the root of their evidence; the line of log(−log pass@k) on log k",
        f"{_auto.DRAWS} draws from the posterior of the shapes, {_pool.DRAWS} where groups are pooled",
    ),
    Explanation(
        "interval",
        "Intervals and bands",
        "Where a further run of at least as many calls on these very queries would end up, with the probability "
        "that is stated. They hold the noise of that run and, for forecasts, the doubt about the model's "
        "parameters. They do not say how other queries would do.",
        "",
        "the variance of the unbiased estimate under the fitted model; for votes under the posterior of the answers",
        "posterior draws",
    ),
)

_FRONTIER = Explanation(
    "frontier",
    "The most for every cost",
    "Every curve is read at what its calls cost at the prices given. Nobody has to spend all, so a choice counts "
    "with the best that it reaches for at most that cost. Another takes the lead where it is ahead by "
    f"{100 * MARGIN:g} points.",
    "cost = per query + per call × calls (+ per check × calls, where answers are checked)",
    "the curves of this page and the prices given",
    "",
)

_VOTE = (
    Explanation(
        "vote",
        "Accuracy of a vote within the recorded calls",
        "Of all ways to pick K of the recorded calls of a query, the share in which a right answer is the most "
        "frequent one; a tie counts by the share of right answers among those that lead, and a call without an "
        "answer never wins. Averaged over the queries, exact and unbiased.",
        "mean over queries of the mean over all C(n, K) draws of (right leaders) / (leaders)",
        "votes over draws without replacement, computed exactly from the counts of the answers",
        "",
    ),
    Explanation(
        "vote-forecast",
        "Accuracy of a vote beyond the recorded calls",
        "The mean of two methods; half of what they differ by counts as doubt. “dirichlet” draws the "
        "probabilities of the answers of a query from what the recorded ones leave possible, and holds votes "
        "under each draw. “scaling” fits a curve to each query's accuracy at few calls.",
        "",
        f"{_CALLS} (the fitted curves)",
        f"{_votes.DRAWS} draws of the answers' probabilities for each query, with two votes each",
    ),
    Explanation(
        "best",
        "The best number of calls, and what it gains",
        "The number of calls with the highest accuracy, of those up to half of the recorded calls (beyond it, draws "
        "overlap so much that near ties are decided as this record happens to decide them). A forecast that is ahead "
        f"by more than {100 * MARGIN:g} points counts instead: the fewest calls that come so near to its highest "
        "value, or its end where it still rises by as much there. Intervals: queries are drawn anew, and each draw "
        "looks for its own best; one that reaches the end of the search is open.",
        "the K with the highest accuracy; its gain is accuracy(K) − accuracy(1)",
        f"bootstrap over queries; the question is that of {_CALLS}",
        f"{RESAMPLES:,} draws of the queries",
    ),
    Explanation(
        "easy",
        "Easy and hard queries",
        "A query is easy for a vote if a right answer is the most frequent one, hard if a wrong one is: with more "
        "calls the vote gets better at the first and worse at the second. It is surely so where the lead is beyond "
        "its error at the stated confidence.",
        "lead = share of the most frequent right answer − share of the most frequent wrong one",
        _CALLS,
        "",
    ),
)

_FILTER = Explanation(
    "filter",
    "A vote over what a filter kept",
    "As a vote over all K calls, but only those that the column “kept” marks have a say; where none of the K was kept, "
    "all have. The filter's own calls are not counted.",
    "",
    _CALLS,
    "",
)

_SPREAD = Explanation(
    "spread",
    "How queries spread",
    "Each query's recorded share of right calls, counted by size. Few calls make it rough: a query that was never "
    "solved may be solved by the next call.",
    "c / n",
    "",
    "",
)


def explanations(groups: Sequence[Group], *, priced: bool = False) -> list[Explanation]:
    """How the kinds of numbers that a report of these data sets holds were made."""
    votes = _VOTE if any(group.votes for group in groups) else ()
    filtered = (_FILTER,) if any(len(group.votes) > 1 for group in groups) else ()
    coverage, beyond, interval = _COVERAGE
    cost = (_FRONTIER,) if priced else ()
    return [*cost, *votes, *filtered, coverage, beyond, interval, _SPREAD]


class Used(NamedTuple):
    """The model behind the forecast of one curve.

    Attributes:
        name: the data set.
        system: the title of the system.
        model: the model or method, with the shares of an average.
        parameters: its parameters, of the one that weighs most.
    """

    name: str
    system: str
    model: str
    parameters: str


def models_used(groups: Sequence[Group]) -> list[Used]:
    """The models behind the forecasts, curve by curve."""
    curves = [
        (group.name, system, curve)
        for group in groups
        for system, curve in (
            *((vote.system.title, vote.curve) for vote in group.votes),
            (PassAtK.title, group.coverage),
        )
    ]
    return [
        Used(
            name,
            system,
            str(curve.model),
            ", ".join(
                f"{key} = {value:.4g}"
                for key, value in curve.model.parameters.items()
                if isinstance(value, int | float)
            ),
        )
        for name, system, curve in curves
    ]
