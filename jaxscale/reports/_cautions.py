"""What a reader of a report should beware of, in sentences."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from jaxscale.common import Common
from jaxscale.reports._analysis import Budgets, Group
from jaxscale.reports._format import between, calls, span

_FEW_QUERIES = 50
_MANY_NEVER_SOLVED = 0.2
_MANY_BLANK = 0.05


class Caution(NamedTuple):
    """Something to beware of.

    Attributes:
        title: in a few words.
        text: what it means.
        names: the data sets that it is about; empty if there is only one.
    """

    title: str
    text: str
    names: tuple[str, ...]


def cautions(groups: Sequence[Group], budgets: Budgets) -> list[Caution]:
    """What to beware of, each once, with the data sets that it is about."""
    found = []
    for title, text, applies in _CAUTIONS:
        concerned = [group for group in groups if applies(group)]
        if concerned:
            names = tuple(group.name for group in concerned) if len(groups) > 1 else ()
            found.append(Caution(title, text(concerned, budgets), names))
    return found


def different_queries(common: Common[Any]) -> list[Caution]:
    """What the comparison leaves out, or cannot know, where data sets do not all have the same queries."""
    if not common.words:
        return []
    kept = "Read the comparison with that in mind." if common.queries is None else "So nothing is ranked here."
    if common.queries:
        kept = "Everything here is of the queries that all have."
    return [Caution("Not the same queries", f"{common.words[0].upper()}{common.words[1:]}. {kept}", ())]


def _hurts(group: Group) -> bool:
    return any(vote.falls for vote in group.votes[:1])


def _at_the_end(group: Group) -> bool:
    return any(vote.best.at_end and vote.helps for vote in group.votes[:1])


def _blank_share(group: Group) -> float:
    if group.ballots is None or group.ballots.blank is None:
        return 0.0
    return float(group.ballots.blank.sum() / group.ballots.calls.sum())


def _range(shares: Iterable[float]) -> str:
    values = list(shares)
    return between(min(values), max(values))


def _few_queries(groups: Sequence[Group], _: Budgets) -> str:
    sizes = [len(group.attempts) for group in groups]
    return (
        f"With {span(min(sizes), max(sizes))} queries, one query more or less is worth "
        f"{100 / min(sizes):.1f} points. Differences of a few queries are noise."
    )


def _by_the_prior(groups: Sequence[Group], _: Budgets) -> str:
    return (
        "Calls that are all wrong, or all right, say nothing of how difficulty varies: forecasts beyond them, and "
        "intervals, are those of the prior alone, before any data."
    )


def _never_solved(groups: Sequence[Group], budgets: Budgets) -> str:
    return (
        f"{_range(group.never for group in groups)} of queries were never solved. Whether more calls would "
        f"solve them, their own data cannot say: a forecast, up to {calls(budgets.last)}, rests on how difficulty "
        "varies among the others."
    )


def _uneven(groups: Sequence[Group], _: Budgets) -> str:
    least = min(int(group.attempts.attempts.min()) for group in groups)
    most = max(int(group.attempts.attempts.max()) for group in groups)
    return (
        f"Queries have {span(least, most)} calls. Beyond the calls of a query its value is predicted, so a curve "
        "is called a forecast as soon as one query has fewer calls. If queries got more calls because they were "
        "not yet solved, the number of calls depends on their outcomes and plain shares are biased."
    )


def _blank(groups: Sequence[Group], _: Budgets) -> str:
    return (
        f"{_range(_blank_share(group) for group in groups)} of calls gave no answer that could be read. They count "
        "as calls, and never win a vote."
    )


def _stopped(_: Sequence[Group], __: Budgets) -> str:
    return (
        "No query was solved twice and attempts are uneven: sampling looks as if it stopped at the first success. "
        "Estimates within the recorded calls do not hold for such data; forecasts by a fitted model do."
    )


def _falling(groups: Sequence[Group], _: Budgets) -> str:
    certain = sum(group.votes[0].recorded.shape.beyond_noise for group in groups)
    noise = "" if certain == len(groups) else " For some of these the fall is within the noise of the queries."
    if not certain:
        noise = " The fall is within the noise of the queries."
    return (
        "Accuracy of the vote falls after its best number of calls: at hard queries, more calls make the most common "
        f"wrong answer more certain to win.{noise}"
    )


def _end(_: Sequence[Group], __: Budgets) -> str:
    return (
        "The best number of calls is the largest that was looked at. A vote over more may be better still; record more "
        "calls to see."
    )


_CAUTIONS: tuple[tuple[str, Callable[[Sequence[Group], Budgets], str], Callable[[Group], bool]], ...] = (
    ("More calls can hurt", _falling, _hurts),
    ("The best number of calls may be larger", _end, _at_the_end),
    ("Few queries", _few_queries, lambda group: len(group.attempts) < _FEW_QUERIES),
    (
        "Nothing was solved, or everything",
        _by_the_prior,
        lambda group: group.never == 1 or bool((group.attempts.successes == group.attempts.attempts).all()),
    ),
    ("Many queries were never solved", _never_solved, lambda group: group.never > _MANY_NEVER_SOLVED),
    ("Sampling stopped at the first success", _stopped, lambda group: group.attempts.stopped_at_success),
    (
        "Uneven numbers of calls",
        _uneven,
        lambda group: bool(group.attempts.attempts.min() < group.attempts.attempts.max()),
    ),
    ("Calls without an answer", _blank, lambda group: _blank_share(group) > _MANY_BLANK),
)
