"""The section on coverage: how many queries have a right call among k."""

from collections.abc import Sequence

from jaxscale.forecasting import COVERAGE_DRAWS, POOLED_DRAWS, SHAPES
from jaxscale.reports._analysis import Budgets, Group
from jaxscale.reports._curves import INTERVAL, colours, curve_table, curves_chart, reading, shown
from jaxscale.reports._parts import Chart, Explanation, Section, of_groups

_WITHIN = Explanation(
    "coverage",
    "Coverage within the recorded calls (pass@k)",
    "Of all ways to pick k of the n recorded calls of a query, the share in which at least one call is right, "
    "averaged over the queries. It is exact and unbiased: no model, no resampling.",
    "mean over queries of 1 − C(n − c, k) / C(n, k), where c of a query's n calls are right",
    "Chen et al., arXiv 2107.03374",
    "",
)

_BEYOND = Explanation(
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
    f"{COVERAGE_DRAWS} draws from the posterior of the shapes, {POOLED_DRAWS} where groups are pooled",
)


def coverage_section(groups: Sequence[Group], budgets: Budgets, noun: str) -> Section:
    """Coverage within the recorded calls and beyond them."""
    curves = {group.name: group.coverage for group in groups}
    top = max(float(curve.value.max()) for curve in curves.values())
    low = min(float(curve.value.min()) for curve in curves.values())
    measure = "queries solved by at least one call"
    spec = curves_chart(
        curves, measure=measure, description=f"Coverage against calls per query, {of_groups(groups, noun)}.", best={}
    )
    chart = Chart(
        "coverage-chart",
        "Coverage against calls",
        reading(groups[0].coverage),
        spec,
        curve_table("Coverage (pass@k) at several numbers of calls", curves, budgets.table, noun),
        curves=list(curves),
        colours=colours(groups, votes=False),
        shown=shown(list(curves)),
        log_y=bool(low > 0 and 50 * low < top < 0.2),
    )
    text = (
        "How many queries have at least one right call among k. It is what k calls are worth if something can "
        "check the answers: tests, a proof checker, a verifier."
    )
    return Section("coverage", "If answers can be checked: coverage", text, [chart], (_WITHIN, _BEYOND, INTERVAL))
