"""What a plan is, and what it says to a person."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jaxscale._result import Column, Result
from jaxscale.planning._ahead import probability_ahead
from jaxscale.planning._candidate import Candidate, Curve, Over
from jaxscale.planning._frontier import Stretch
from jaxscale.systems import SolveOnce

NEGLIGIBLE = 0.001
"""The gain in accuracy that is not worth further calls."""


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Result):
    """A number of calls of one candidate.

    Attributes:
        curve: its forecast and costs.
        index: the place in these.
        queries: by which the cost of one query is multiplied.
        reached: whether the forecast reaches the target there; True without one.
        probability: of reaching the target there, None without one.
        sure: the place of the fewest calls that reach it with the confidence asked for, None if none looked at do.
    """

    curve: Curve
    index: int
    queries: int
    reached: bool = True
    probability: float | None = None
    sure: int | None = None

    @property
    def candidate(self) -> Candidate:
        """Data set, system and cost."""
        return self.curve.candidate

    @property
    def calls(self) -> int:
        """Calls at each query."""
        return int(self.curve.forecast.calls[self.index])

    @property
    def value(self) -> float:
        """The accuracy, or the coverage."""
        return float(self.curve.forecast.value[self.index])

    @property
    def interval(self) -> tuple[float, float]:
        """The lower and the upper end of the interval of the value."""
        return float(self.curve.forecast.lower[self.index]), float(self.curve.forecast.upper[self.index])

    @property
    def cost(self) -> float:
        """The cost of all queries."""
        return float(self.curve.spend[self.index]) * self.queries

    @property
    def seconds(self) -> float:
        """The time of one query; the longest, where calls end with a success."""
        return self.candidate.seconds(self.calls)

    @property
    def sure_calls(self) -> int | None:
        """The fewest calls that reach the target with the confidence asked for."""
        return None if self.sure is None else int(self.curve.forecast.calls[self.sure])

    @property
    def sure_cost(self) -> float | None:
        """The cost of those calls at all queries."""
        return None if self.sure is None else float(self.curve.spend[self.sure]) * self.queries

    def to_dict(self) -> dict[str, Any]:
        """The choice as plain numbers and strings."""
        lower, upper = self.interval
        return {
            "name": self.candidate.name,
            "system": self.candidate.system_name,
            "measures": self.candidate.measures,
            "calls": self.calls,
            "value": self.value,
            "lower": lower,
            "upper": upper,
            "kind": str(self.curve.forecast.kind[self.index]),
            "cost": self.cost,
            "cost_per_query": float(self.curve.spend[self.index]),
            "seconds_per_query": self.seconds,
            "reached": self.reached,
            "probability": self.probability,
            "sure_calls": self.sure_calls,
            "sure_cost": self.sure_cost,
        }


@dataclass(frozen=True, eq=False, repr=False)
class Plan(Result):
    """What to call, how often, and what comes of it.

    Attributes:
        choices: one per data set and system, the recommended one first.
        curves: the forecasts behind them.
        frontier: which choice is the most accurate at which cost of a query; the recommended one at its own.
        unaffordable: candidates of which the budget does not pay for one call.
        target: accuracy or coverage to be reached, or None.
        budget: what may be spent, or None.
        unit: what costs are counted in: "money", "flops", "seconds" of one query, or "calls".
        queries: how many queries the costs are for.
        confidence: with which a target is to be reached for sure.
        level: probability of the intervals.
        over: what intervals and probabilities are for.
    """

    choices: tuple[Choice, ...]
    curves: tuple[Curve, ...]
    frontier: tuple[Stretch, ...]
    unaffordable: tuple[Candidate, ...]
    target: float | None
    budget: float | None
    unit: Literal["money", "flops", "seconds", "calls"]
    queries: int
    confidence: float
    level: float
    over: Over

    @property
    def best(self) -> Choice:
        """The recommended choice: the cheapest that reaches the target, or the most accurate within the budget.

        With a budget its calls are the fewest within `negligible` of the highest forecast that the budget pays for.
        """
        return self.choices[0]

    @property
    def ahead(self) -> float | None:
        """The probability that the recommended choice comes out ahead of the next.

        Over a population it is computed from the differences query by query, where both have the same queries. Over
        these queries it includes the noise of a further run of each. None where there is no other choice.
        """
        if len(self.choices) < 2:
            return None
        first, second = self.choices[:2]
        return probability_ahead(first.curve, first.index, second.curve, second.index)

    def name_of(self, candidate: Candidate) -> str:
        """What a choice is called: its data set, and its system where there are several."""
        return candidate.label if len({each.system_name for each in self._candidates}) > 1 else candidate.name

    @property
    def negligible(self) -> float | None:
        """The gain in accuracy that is not worth further calls; None with a target.

        With a budget each choice has the fewest calls whose accuracy is within this of the best that it pays for.
        """
        return None if self.budget is None else NEGLIGIBLE

    @property
    def sparing(self) -> "Choice | None":
        """The recommended choice with calls that end at the first success: the same coverage for less.

        None where the recommended choice is not measured by coverage, or `SolveOnce` was among the candidates.
        """
        best = self.best
        if best.candidate.measures != "coverage" or self.unit == "seconds":
            return None
        if any(candidate.system.stops_when_solved for candidate in self._candidates):
            return None
        candidate = dataclasses.replace(best.candidate, system=SolveOnce())
        found = dataclasses.replace(best, curve=Curve(candidate, best.curve.forecast))
        return found if found.cost < best.cost else None

    @property
    def sparing_words(self) -> str | None:
        """What is saved by calling no more once a query is solved, in a sentence."""
        if self.sparing is None:
            return None
        return (
            f"Where calls end with the first success (solve-once) the same {self.best.value:.3f} costs "
            f"{self._amount(self.sparing.cost)} instead of {self._amount(self.best.cost)}."
        )

    @property
    def _candidates(self) -> tuple[Candidate, ...]:
        return (*(choice.candidate for choice in self.choices), *self.unaffordable)

    @property
    def shares(self) -> int:
        """What the cost of one query is multiplied by; 1 for time, as queries do not wait for one another."""
        return 1 if self.unit == "seconds" else self.queries

    @property
    def decision(self) -> str:
        """The recommendation in one or two sentences."""
        return self._for_target() if self.budget is None else self._for_budget()

    @property
    def sentences(self) -> list[str]:
        """What is to be said beneath the table of choices, a line each."""
        lines = []
        if self.negligible is not None:
            lines.append(
                f"Calls are the fewest that come within {self.negligible:g} of the best that the budget pays for."
            )
        if self.sparing_words is not None:
            lines.append(self.sparing_words)
        for candidate in self.unaffordable:
            lines.append(f"{self.name_of(candidate)}: the budget does not pay for one call at every query")
        if len(self.choices) > 1:
            whole = "a query" if self.unit == "seconds" else f"{self.queries:,} queries"
            lines += [f"The most for every cost ({whole}):", *(f"  {line}" for line in self.crossings)]
        if len({choice.candidate.measures for choice in self.choices}) > 1:
            lines.append("Coverage takes a perfect verifier for granted: it is no accuracy, and is above any.")
        return lines

    @property
    def crossings(self) -> list[str]:
        """Which choice is the most accurate at which cost, one line each."""
        return crossings(self.frontier, self.unit, self.shares, self.name_of)

    def _for_target(self) -> str:
        best, goal = self.best, f"{self.target:.15g}"
        if not best.reached:
            most = int(best.curve.forecast.calls[-1])
            return (
                f"No choice is forecast to reach {goal} with at most {most:,} calls a query. "
                f"The nearest is {self._said(best)}; it reaches {goal} with probability {best.probability:.2f}."
            )
        text = f"{self._said(best)}; it reaches {goal} with probability {best.probability:.2f}."
        sure = [choice for choice in self.choices if choice.sure_cost is not None]
        if not sure:
            return f"{text} None reaches it with probability {self.confidence:g}."
        surest = min(sure, key=lambda choice: choice.sure_cost or 0.0)
        if surest is best and surest.sure == best.index:
            return text
        name = "" if surest.candidate is best.candidate else f" of {self.name_of(surest.candidate)}"
        cost = "" if self.unit == "calls" else f" ({self._amount(surest.sure_cost or 0.0)})"
        calls = surest.sure_calls or 0
        return f"{text} For a probability of {self.confidence:g}: {calls:,} {_calls(calls)} a query{name}{cost}."

    def _for_budget(self) -> str:
        text = f"{self._said(self.best)}."
        if self.ahead is None:
            return text
        second = self.choices[1]
        rival = f"{self.name_of(second.candidate)} ({second.value:.3f})"
        return f"{text} It comes out ahead of {rival} with probability {self.ahead:.2f}."

    def _said(self, choice: Choice) -> str:
        candidate, (lower, upper) = choice.candidate, choice.interval
        most = "at most " if candidate.system.stops_when_solved else ""
        calls = f"{most}{choice.calls:,} {_calls(choice.calls)} a query"
        whole = (
            f"{self._amount(choice.cost)} a query"
            if self.unit == "seconds"
            else f"{self._amount(choice.cost)} for {self.queries:,} queries"
        )
        return (
            f"{self.name_of(candidate)}: {calls} ({whole}) for {candidate.measures} "
            f"{choice.value:.3f}, {self.level:.0%} interval {lower:.3f} to {upper:.3f}"
        )

    def _amount(self, value: float) -> str:
        return amount(value, self.unit)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain numbers, lists and strings."""
        return {
            "target": self.target,
            "budget": self.budget,
            "unit": self.unit,
            "queries": self.queries,
            "confidence": self.confidence,
            "negligible": self.negligible,
            "level": self.level,
            "over": self.over,
            "decision": self.decision,
            "ahead": self.ahead,
            "choices": [choice.to_dict() for choice in self.choices],
            "frontier": [stretch.to_dict() for stretch in self.frontier],
            "crossings": self.crossings,
            "solve_once": None if self.sparing is None else {"cost": self.sparing.cost, "words": self.sparing_words},
            "unaffordable": [self.name_of(candidate) for candidate in self.unaffordable],
        }

    def _columns(self) -> dict[str, Sequence[Any]]:
        rows = [choice.to_dict() for choice in self.choices]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def _notes(self) -> list[str]:
        return [self.decision, *self.sentences]

    def _shown(self) -> list[Column]:
        choices, several = self.choices, len({choice.candidate.system_name for choice in self.choices}) > 1
        measures = " / ".join(sorted({choice.candidate.measures for choice in choices}))
        columns = [Column("model", [choice.candidate.name for choice in choices], words=True)]
        if several:
            columns.append(Column("system", [choice.candidate.system_name for choice in choices], words=True))
        columns += [
            Column("calls", [f"{choice.calls:,}" for choice in choices]),
            Column(measures, [f"{choice.value:.3f}" for choice in choices]),
            Column(f"{self.level:.0%} interval", ["{:.3f} to {:.3f}".format(*choice.interval) for choice in choices]),
            Column("kind", [str(choice.curve.forecast.kind[choice.index]) for choice in choices], words=True),
            Column(
                "calls in all" if self.unit == "calls" else "cost",
                [self._amount(choice.cost).removesuffix(" calls").removesuffix(" call") for choice in choices],
            ),
        ]
        if self.unit != "seconds" and any(choice.seconds for choice in choices):
            seconds = [amount(choice.seconds, "seconds").removesuffix(" s") for choice in choices]
            columns.append(Column("seconds a query", seconds))
        if self.target is not None:
            sure = ["-" if choice.sure_calls is None else f"{choice.sure_calls:,}" for choice in choices]
            columns.append(Column(f"P(≥ {self.target:.15g})", [f"{choice.probability:.2f}" for choice in choices]))
            columns.append(Column(f"calls for {self.confidence:g}", sure))
        return columns


def crossings(frontier: Sequence[Stretch], unit: str, shares: float, name_of: Callable[[Candidate], str]) -> list[str]:
    """Which choice is the most accurate at which cost, one line each.

    Args:
        frontier: what `jaxscale.planning.frontier` returned.
        unit: what costs are counted in.
        shares: what the cost of one query is multiplied by.
        name_of: what a choice is called.
    """
    lines = []
    for index, stretch in enumerate(frontier):
        low, high = (amount(cost * shares, unit) for cost in stretch.costs)
        if len(frontier) == 1:
            where = "at every cost"
        elif index == len(frontier) - 1:
            where = f"from {low}"
        else:
            where = f"below {high}" if index == 0 else f"from {low} to {high}"
        first, last = (f"{calls:,}" for calls in stretch.calls)
        calls = first if first == last else f"{first} to {last}"
        lower, upper = (f"{value:.3f}" for value in stretch.values)
        values = lower if lower == upper else f"{lower} to {upper}"
        name, measures = name_of(stretch.candidate), stretch.candidate.measures
        lines.append(f"{where}: {name}, {calls} {_calls(stretch.calls[1])}, {measures} {values}")
    return lines


def amount(value: float, unit: str) -> str:
    """An amount of money, FLOPs, seconds or calls, as a person would write it.

    >>> amount(1234.5, "money"), amount(0.0042, "money"), amount(3e15, "flops"), amount(1, "calls")
    ('1,234.50', '0.0042', '3e+15 FLOPs', '1 call')
    """
    if unit == "calls":
        return f"{value:,.0f} {_calls(value)}"
    if unit == "flops":
        return f"{value:.3g} FLOPs"
    if unit == "seconds":
        return f"{value:,.0f} s" if value >= 1000 else f"{value:.3g} s"
    return f"{value:,.2f}" if value >= 1 or value == 0 else f"{value:.3g}"


def _calls(number: float) -> str:
    return "call" if number == 1 else "calls"
