"""The page's answer: the decision in one sentence, the reasons for it, and one line for each data set."""

from collections.abc import Sequence

import numpy as np

from jaxscale.reports._analysis import Budgets, Group, Point, Voted, at, calls_for
from jaxscale.reports._format import between, calls, listed, number, percent, points, signed, span
from jaxscale.reports._parts import Columns, Table

_FIRST = 6  # data sets that the story names one by one

APART = "Each {noun} has queries of its own, so that none is ranked above another"
"""The headline where nothing is to be compared."""

CHECKED = (
    "Coverage counts a query as solved if any one of its calls is right. To profit from it, something must tell "
    "which one that is: tests, a proof checker, a verifier."
)


def headline(groups: Sequence[Group], budgets: Budgets, noun: str) -> str:
    """The decision in one sentence."""
    if len(groups) == 1:
        group = groups[0]
        return vote_headline(best_vote(group)) if group.votes else _coverage_headline(group, budgets)
    first = groups[0]
    if first.votes:
        vote = first.votes[0]
        helped = sum(group.votes[0].helps for group in groups if group.votes)
        best = vote.best
        with_vote = f" with a vote over {best.words[0]} calls" if best.calls > 1 else " with one call"
        with_vote += " (a forecast)" if best.forecast else ""
        return (
            f"{first.name} is right most often: {percent(vote.top)}{with_vote}. Voting clearly beats one call for "
            f"{helped} of {len(groups)} {noun}s"
        )
    now, ahead = (at(first.coverage, k) for k in (budgets.common, budgets.last))
    return (
        f"{first.name} solves most: {percent(now.value)} of queries with {calls(budgets.common)} each; "
        f"{number(budgets.last)} would solve about {percent(ahead.value)}"
    )


def best_vote(group: Group) -> Voted:
    """The system whose best number of calls is best."""
    return max(group.votes, key=lambda vote: vote.top)


def vote_headline(vote: Voted) -> str:
    """The decision about a vote."""
    best, shape = vote.best, vote.recorded.shape
    which = "answers, of those that the filter keeps" if vote.filtered else "answers"
    if not vote.judged:
        return f"One call is right for {percent(vote.single)}; too few calls were recorded to judge a vote"
    if vote.helps:
        more = "more calls would add little"
        if best.at_end:
            more = f"still rising at the end of {'the forecast' if best.forecast else 'the data'}"
        elif vote.falls and not best.forecast:
            more = "more calls hurt" if shape.beyond_noise else "more calls may hurt"
        right = f"about {percent(vote.top)} right (a forecast)" if best.forecast else f"{percent(vote.top)} right"
        return f"Take the most frequent of {best.words[0]} {which}: {right} instead of {percent(vote.single)}; {more}"
    if best.gain <= 0:
        return f"Ask once: a vote is no better than one call, which is right for {percent(vote.single)}"
    return f"A vote gains nothing that is clear of noise over one call, which is right for {percent(vote.single)}"


def _coverage_headline(group: Group, budgets: Budgets) -> str:
    now, ahead = at(group.coverage, group.recorded), at(group.coverage, budgets.last)
    if now.value == 0:
        return f"None of the queries was solved in {calls(group.recorded)} each"
    return (
        f"{percent(now.value)} of queries are solved by {calls(group.recorded)} each; "
        f"{number(budgets.last)} would solve about {percent(ahead.value)}"
    )


def story(groups: Sequence[Group], budgets: Budgets, noun: str, *, comparable: bool = True) -> list[str]:
    """The reasons for the headline, in a few sentences; data sets with queries of their own are not ranked."""
    if not comparable:
        each = ((group, at(group.coverage, 1)) for group in groups[:_FIRST])
        lines = [
            f"{group.name}: one call is right for {percent(one.value)} of its {number(len(group.attempts))} queries."
            for group, one in each
        ]
        return [*lines, CHECKED]
    if len(groups) > 1:
        return _several(groups, budgets, noun)
    (group,) = groups
    if not group.votes:
        return [*_coverage(group, budgets), CHECKED]
    lines = [line for vote in group.votes for line in _vote(vote, len(group.attempts))]
    return [*lines, _checker(group, best_vote(group))]


def _coverage(group: Group, budgets: Budgets) -> list[str]:
    curve, n = group.coverage, group.recorded
    one, now, ahead = (at(curve, k) for k in (1, n, budgets.last))
    lines = [f"One call is right for {percent(one.value)} of these {number(len(group.attempts))} queries."]
    if n > 1 and now.value > 0:
        enough = calls_for(curve, 0.9 * now.value)
        lines.append(
            f"With {calls(n)} a query, at least one is right for {percent(now.value)}. Nine tenths of that need "
            f"only {calls(enough)}."
        )
    if budgets.last > n:
        twice = float(np.interp(np.log(2 * n), np.log(curve.calls), curve.value)) - now.value
        lines.append(
            f"Beyond what was recorded, {calls(budgets.last)} would solve about {percent(ahead.value)} "
            f"({_interval(curve.level, ahead)}). Twice the recorded calls, {number(2 * n)}, would add about "
            f"{points(twice)}."
        )
    return lines


def _vote(vote: Voted, queries: int) -> list[str]:
    recorded, best, shape = vote.recorded, vote.best, vote.recorded.shape
    level = f"{best.level:.0%}"
    if not vote.filtered:
        lines = [f"One call is right for {percent(vote.single)} of {number(queries)} queries."]
        taken = f"The most frequent of {best.words[0]} answers"
    else:
        lines = []
        taken = f"With the filter: the most frequent of {best.words[0]} answers, of those that it keeps,"
    if vote.judged:
        if best.calls > 1:
            lines.append(
                f"{taken} {'would be right for about' if best.forecast else 'is right for'} {percent(vote.top)}: "
                f"{points(best.gain)} over one call ({level} interval "
                f"{signed(best.gain_lower)} to {signed(best.gain_upper)})."
            )
        noise = "" if shape.beyond_noise or not shape.moves else ", though not beyond the noise of these queries"
        how = "does not change" if not shape.moves else shape.words
        lines.append(f"From {number(shape.first)} to {calls(shape.last)}, its accuracy {how}{noise}.")
    last = at(vote.curve, int(vote.curve.calls[-1]))
    if last.beyond:
        lines.append(
            f"Beyond what was recorded, {calls(last.calls)} would give about {percent(last.value)} "
            f"({_interval(vote.curve.level, last)})."
        )
    if not vote.filtered:
        shares = recorded.difficulty.shares
        lines.append(
            "More calls help where a right answer is the most frequent one (easy queries) and hurt where a wrong "
            f"one is (hard queries). At {level} confidence {percent(shares['easy'])} of queries are surely easy "
            f"and {percent(shares['hard'])} surely hard; the others may be either."
        )
    return lines


def _checker(group: Group, vote: Voted) -> str:
    covered = at(group.coverage, group.recorded)
    gap = covered.value - vote.top
    return (
        f"If something could tell which answer is right, {calls(group.recorded)} would be enough for "
        f"{percent(covered.value)}: so often at least one of them is right. The difference to the best vote, "
        f"{points(gap)}, is what a perfect checker would be worth."
    )


def _several(groups: Sequence[Group], budgets: Budgets, noun: str) -> list[str]:
    voted = [group for group in groups if group.votes]
    lines = []
    if voted:
        first = voted[0].votes[0]
        lines.append(f"With one call, {voted[0].name} is right for {percent(first.single)}.")
        helped = [group.name for group in voted if group.votes[0].helps]
        unclear = [group.name for group in voted if not group.votes[0].helps]
        if helped:
            gains = {group.name: group.votes[0].best.gain for group in voted}
            most = max(helped, key=lambda name: gains[name])
            lines.append(f"A vote gains most over one call for {most}: {points(gains[most])}.")
        if unclear:
            lines.append(f"It gains nothing that is clear of noise for {listed(unclear)}.")
        hurt = [group.name for group in voted if group.votes[0].falls and group.votes[0].recorded.shape.beyond_noise]
        maybe = [group.name for group in voted if group.votes[0].falls and group.name not in hurt]
        if hurt:
            lines.append(f"Beyond the best number of calls, more calls hurt {listed(hurt)}.")
        if maybe:
            lines.append(f"They may hurt {listed(maybe)}, within the noise of the queries.")
    lines += _leaders(groups, budgets)
    return [*lines, CHECKED]


def _leaders(groups: Sequence[Group], budgets: Budgets) -> list[str]:
    """Who solves most at one call, at all that were recorded for each, and beyond."""
    budget = sorted({1, budgets.common, budgets.last})
    leaders = [max(groups, key=lambda group: at(group.coverage, k).value) for k in budget]
    rows = [at(leader.coverage, k) for leader, k in zip(leaders, budget, strict=True)]
    shares = [
        f"{percent(row.value)} with {calls(k)}"
        + (f": a forecast, {_interval(leader.coverage.level, row)}" if row.beyond else "")
        for k, leader, row in zip(budget, leaders, rows, strict=True)
    ]
    if len(set(leaders)) == 1:
        return [
            f"{leaders[0].name} has a right call among them for most queries, at every number of calls: {_and(shares)}."
        ]
    each = [f"{leader.name} ({share})" for leader, share in zip(leaders, shares, strict=True)]
    return [f"Which one has a right call among them for most queries changes with their number: {_and(each)}."]


def _and(parts: Sequence[str]) -> str:
    return listed(list(parts), most=len(parts))


def _interval(level: float, row: Point) -> str:
    return f"{level:.0%} interval {between(row.lower, row.upper)}"


def overview(groups: Sequence[Group], budgets: Budgets, noun: str) -> Table:
    """One line for each data set, in the order of `groups`."""
    if len(groups) == 1:
        return _by_calls(groups[0], budgets)
    if all(group.votes for group in groups):
        columns: Columns = [
            (noun, None),
            ("queries", None),
            ("calls each", None),
            ("one call", "vote"),
            ("best vote", "vote"),
            ("of calls", "best"),
            ("gain", "best"),
            ("does a vote help?", "best"),
            (f"any right in {number(budgets.common)}", "coverage"),
        ]
        rows = []
        for group in groups:
            vote = group.votes[0]
            best = vote.best
            rows.append(
                [
                    group.name,
                    number(len(group.attempts)),
                    _calls(group),
                    percent(vote.single),
                    percent(vote.top),
                    best.words[0] + (", a forecast" if best.forecast else ""),
                    points(best.gain),
                    _verdict(vote),
                    percent(at(group.coverage, budgets.common).value),
                ]
            )
        return Table("Sorted by the best vote", columns, rows)
    common, last = budgets.common, budgets.last
    columns = [
        (noun, None),
        ("queries", None),
        ("calls each", None),
        ("one call", "coverage"),
        (f"any right in {number(common)}", "coverage"),
        (f"in {number(last)}", "coverage-forecast"),
        (f"{groups[0].coverage.level:.0%} interval", "interval"),
        ("never solved", "spread"),
    ]
    rows = []
    for group in groups:
        ahead = at(group.coverage, last)
        rows.append(
            [
                group.name,
                number(len(group.attempts)),
                _calls(group),
                percent(at(group.coverage, 1).value),
                percent(at(group.coverage, common).value),
                percent(ahead.value),
                between(ahead.lower, ahead.upper),
                percent(group.never),
            ]
        )
    return Table(f"Sorted by coverage at {number(common)} calls", columns, rows)


def _by_calls(group: Group, budgets: Budgets) -> Table:
    """What several numbers of calls give: one line for each."""
    curves = [
        *((f"right by {vote.system.title}", vote.curve, "filter" if vote.filtered else "vote") for vote in group.votes)
    ]
    curves.append(("at least one right", group.coverage, "coverage"))
    best = [vote.best.calls for vote in group.votes]
    level = f"{group.coverage.level:.0%} interval"
    columns: Columns = [("calls", None)]
    for label, _, key in curves:
        columns += [(label, key), (level, "interval")]
    rows = []
    for k in sorted({*budgets.table, *best}):
        row = [number(k) + (" (best vote)" if k in best else "")]
        forecast = False
        for _, curve, _ in curves:
            if k in curve.calls:
                entry = at(curve, k)
                forecast |= entry.beyond
                row += [percent(entry.value), between(entry.lower, entry.upper)]
            else:
                row += ["no forecast", ""]
        rows.append([*row, "forecast" if forecast else "measured"])
    return Table("What a number of calls gives", [*columns, ("measured or forecast", "coverage-forecast")], rows)


def _calls(group: Group) -> str:
    return span(int(group.attempts.attempts.min()), int(group.attempts.attempts.max()))


def _verdict(vote: Voted) -> str:
    """Whether more calls help a vote, in a few words."""
    best, shape = vote.best, vote.recorded.shape
    if not vote.judged:
        return "too few calls to say"
    if not vote.helps:
        return "no better than one call" if best.gain <= 0 else "no clear gain"
    if vote.falls and not best.forecast:
        return f"helps up to {number(best.calls)}, then {'hurts' if shape.beyond_noise else 'may hurt'}"
    return "helps"
