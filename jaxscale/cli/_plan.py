"""`jaxscale plan`: how many calls, of which model, under which system, at what cost."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jaxscale import __version__
from jaxscale.cli._errors import BadInput, arguments_as_options
from jaxscale.cli._forecast import Over
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import FORECAST, FORECAST_FROM_ATTEMPTS, SHARED, Files, Json, Seed, Share, check_share
from jaxscale.cli._output import check_picture, console, described, print_json, progress, replacing, warned
from jaxscale.cli._reading import AS_RECORDED, Reading, say_read, votes

if TYPE_CHECKING:
    from jaxscale.data import Attempts, Ballots
    from jaxscale.io import DataSets
    from jaxscale.planning import Choice, Cost, Plan

Unit = Literal["money", "flops", "seconds"]

_VERIFIED = "best-of-n"

_MEANING = {
    "these": "that a further, equally long or longer run on these very queries comes out so",
    "population": "that the expectation over queries like these does",
}


@votes
def plan(
    files: Files,
    target: Annotated[
        float | None, typer.Option(metavar="SHARE", show_default=False, help="Accuracy or coverage to be reached.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option(metavar="COST", show_default=False, help="What all queries together may cost.")
    ] = None,
    reading: Reading = AS_RECORDED,
    system: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,...",
            show_default=False,
            help=f"{', '.join(FORECAST)}; may be given again; by default as the file says.",
        ),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(metavar="PRICES.toml", show_default=False, help="What each model costs, by its name.")
    ] = None,
    cost_per_call: Annotated[
        float | None, typer.Option(metavar="COST", show_default=False, help="Of one call.")
    ] = None,
    cost_per_query: Annotated[
        float | None, typer.Option(metavar="COST", show_default=False, help="Paid once for a query.")
    ] = None,
    cost_per_check: Annotated[
        float | None, typer.Option(metavar="COST", show_default=False, help="Of a verifier or filter, for one answer.")
    ] = None,
    tpr: Annotated[
        float | None, typer.Option(metavar="SHARE", show_default=False, help="Right answers that a verifier accepts.")
    ] = None,
    fpr: Annotated[
        float | None, typer.Option(metavar="SHARE", show_default=False, help="Wrong answers that it accepts.")
    ] = None,
    share: Share = None,
    loss: Annotated[
        float | None,
        typer.Option(
            metavar="LOSS", show_default=False, help="Of a wrong accepted answer; a right one gains 1: the best n."
        ),
    ] = None,
    unit: Annotated[Unit, typer.Option(help="What the budget and the comparison are in.")] = "money",
    queries: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", show_default=False, help="To be answered; by default those of the file."),
    ] = None,
    confidence: Annotated[float, typer.Option(help="Probability with which to reach the target for sure.")] = 0.9,
    most: Annotated[
        int | None,
        typer.Option(min=1, metavar="K", show_default=False, help="Look no further than this many calls a query."),
    ] = None,
    level: Annotated[float, typer.Option(help="Probability that an interval is to hold.")] = 0.9,
    over: Annotated[Over, typer.Option(help="Intervals for these queries, or for queries like them.")] = "these",
    seed: Seed = 0,
    json: Json = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="OUT.png", show_default=False, help="Draw accuracy against cost.")
    ] = None,
) -> None:
    """Find the fewest calls for a target, or the best accuracy for a budget, over models and systems.

    With a budget: the fewest calls that come within 0.001 of the most accurate that it pays for.

    FILE is as in `jaxscale forecast` (coverage) or `jaxscale vote` (votes, filtered too where a column kept is there).
    Several files are further calls of one model; with --group file each is a model of its own. Without prices a cost
    is a number of calls.
    """
    if (target is None) == (budget is None):
        raise BadInput("--target, --budget: expected one of them")
    amounts = {"per_call": cost_per_call, "per_query": cost_per_query, "per_check": cost_per_check}
    given = {name: value for name, value in amounts.items() if value is not None}
    if prices is not None and given:
        raise BadInput(f"--prices beside --cost-{next(iter(given)).replace('_', '-')}: expected one of them")
    if unit != "money" and prices is None:
        raise BadInput(f"--unit = {unit!r} without --prices: expected a file that says the {unit} of a call")
    names = _systems(system) if system else None
    _check_verifier(names, tpr, fpr, loss)
    check_share(share, names or ())
    check_picture(plot)
    data = _read(files, reading, names, tpr)
    prepare_jax(data.values())
    import jax
    from rich.text import Text

    from jaxscale.planning import plan
    from jaxscale.systems import system_named

    numbers: dict[str, dict[str, Any]] = {SHARED: {"share": share}}
    if tpr is not None:
        numbers[_VERIFIED] = {"tpr": tpr, "fpr": fpr}
    with arguments_as_options("tpr", "fpr", "share"):
        systems = None if names is None else [system_named(name, **numbers.get(name, {})) for name in names]
    options = ("target", "budget", "unit", "queries", "confidence", "most", "level", "over")
    cost = _costs(prices, given, data)
    size = len(data) * len(systems or [0])
    refused = arguments_as_options(*options, said=("cost", "systems", "data"))
    with warned() as warnings, refused, progress(size) as begin:
        result = plan(
            data,
            target=target,
            budget=budget,
            cost=cost,
            systems=systems,
            unit=unit,
            queries=queries,
            confidence=confidence,
            most=most,
            level=level,
            over=over,
            key=jax.random.key(seed),
            progress=begin,
        )
    if plot is not None:
        draw(plot, result)
    found = {
        choice: _verified(choice, loss, seed, recorded=tpr is None)
        for choice in result.choices
        if choice.candidate.system_name == _VERIFIED
    }
    if json:
        groups = [{**_group(result, choice), **found.get(choice, {})} for choice in result.choices]
        print_json("plan", groups, read=data.summary.to_dict(), warnings=warnings, seed=seed, **_whole(result))
        return
    votes_chosen = names is None and data.summary.kind == "ballots"
    say_read(
        data.summary, "compared as votes, as there are answers (--system pass-at-k: coverage)" if votes_chosen else ""
    )
    out = console()
    print_plan(out, result)
    for choice in result.choices:
        for line in _words(choice.candidate.name, found.get(choice, {})):
            out.print(Text(line), soft_wrap=True)
    out.print(f"A probability is {_MEANING[over]}; seed {seed}; jaxscale {__version__}", style="dim", soft_wrap=True)


def _systems(given: list[str]) -> list[str]:
    names = [name.strip() for text in given for name in text.split(",")]
    for name in names:
        if name not in FORECAST:
            raise BadInput(f"--system = {name!r}: expected {', '.join(FORECAST)}, with commas between several")
    return list(dict.fromkeys(names))


def _check_verifier(systems: list[str] | None, tpr: float | None, fpr: float | None, loss: float | None) -> None:
    if (tpr is None) != (fpr is None):
        given, missing = ("--tpr", "--fpr") if fpr is None else ("--fpr", "--tpr")
        raise BadInput(f"{given} without {missing}: expected both, or neither to go by a recorded filter")
    for option, value in (("--tpr", tpr), ("--loss", loss)):
        if value is not None and _VERIFIED not in (systems or ()):
            raise BadInput(f"{option} without --system {_VERIFIED}: expected both")


def _read(files: list[str], reading: Reading, systems: list[str] | None, tpr: float | None) -> "DataSets[Any]":
    """Attempts or ballots, as the systems need and the files have."""
    from jaxscale.data import BallotsFound
    from jaxscale.io import DataSets

    data: Any
    enough = {name for name in FORECAST_FROM_ATTEMPTS if name != _VERIFIED or tpr is not None}
    if reading.equivalence != "none" or not enough.issuperset(systems or ()):
        data = reading.ballots(files)
    else:
        try:
            data = reading.attempts(files)
        except BadInput as error:
            if not isinstance(error.__context__, BallotsFound):
                raise
            data = reading.ballots(files)
    if reading.group not in (None, [], ["file"]):
        return data
    # The names of files, without folders where they are told apart without them.
    named = {each.name if not reading.group else Path(name).stem: each for name, each in data.items()}
    return DataSets(named, data.summary) if len(named) == len(data) else data


def _costs(
    prices: Path | None, given: Mapping[str, float], data: "Mapping[str, Attempts | Ballots]"
) -> "Cost | dict[str, Cost] | None":
    from jaxscale._checks import ArgumentError
    from jaxscale.planning import Cost, read_costs

    if prices is not None:
        try:
            return read_costs(prices, data)
        except ValueError as error:
            raise BadInput(str(error)) from None
    if not given:
        return None
    with arguments_as_options(*(f"cost_{name}" for name in given)):
        try:
            return Cost(**given)
        except ArgumentError as error:
            raise ArgumentError(f"cost_{error.argument}", error.value, error.expected) from None


def _whole(result: "Plan") -> dict[str, Any]:
    return {name: value for name, value in result.to_dict().items() if name != "choices"}


def _group(result: "Plan", choice: "Choice") -> dict[str, Any]:
    """What a data set is, its curve under one system, and the choice."""
    curve, candidate = choice.curve, choice.candidate
    costs = (curve.spend * result.shares).tolist()
    points = [{**point, "cost": cost} for point, cost in zip(curve.forecast.curve(), costs, strict=True)]
    return {
        **described(candidate.name, candidate.data.as_attempts),
        "system": candidate.system_name,
        **curve.forecast.to_dict(),
        "curve": points,
        "choice": choice.to_dict(),
    }


def _verified(choice: "Choice", loss: float | None, seed: int, *, recorded: bool) -> dict[str, Any]:
    """What is to be said of an imperfect verifier: its recorded rates, and the best n where wrong answers do harm."""
    import jax
    import numpy as np

    from jaxscale.estimators import verifier_rates
    from jaxscale.planning import best_n

    candidate, level = choice.candidate, choice.curve.forecast.level
    found: dict[str, Any] = {}
    if recorded:
        found["verifier"] = verifier_rates(candidate.data, level=level).to_dict()  # type: ignore[arg-type]
    if loss is not None:
        price = float(np.diff(candidate.spend(np.array([0, 1])))[0])
        with arguments_as_options("loss"):
            best = best_n(
                candidate.data,
                loss=loss,
                cost_per_call=price,
                system=candidate.system,  # type: ignore[arg-type]
                level=level,
                key=jax.random.key(seed),
            )
        found["best_n"] = {**best.to_dict(), "n": best.calls, "words": best.words}
    return found


def _words(name: str, found: Mapping[str, Any]) -> list[str]:
    lines = []
    if "verifier" in found:
        tpr, fpr = (
            f"{rate['value']:.3f} ({rate['lower']:.3f} to {rate['upper']:.3f})"
            for rate in (found["verifier"]["tpr"], found["verifier"]["fpr"])
        )
        lines.append(f"{name}: the filter accepts {tpr} of right answers and {fpr} of wrong ones")
    if "best_n" in found:
        lines.append(f"{name}: {found['best_n']['words']}")
    return lines


def print_plan(out: Any, result: "Plan") -> None:
    """Print the decision, the table of choices, and what is to be said of them."""
    from rich.text import Text

    out.print(Text(result.decision, style="bold"), soft_wrap=True)
    table = result.__rich__()
    table.caption = None  # the decision is said above, the sentences below in whole lines
    out.print(table)
    for line in result.sentences:
        out.print(Text(line), soft_wrap=True)


def draw(path: Path, result: "Plan") -> None:
    """Write a picture of accuracy against cost."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    from jaxscale.plot import plot_plan

    figure = Figure(figsize=(8, 5), layout="constrained")
    plot_plan(figure.subplots(), result)
    with replacing(path, "--plot") as part:
        figure.savefig(part, dpi=120)
