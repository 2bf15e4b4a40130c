"""`jaxscale demo`: the main job, from a file to a decision, on simulated attempts and ballots."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jaxscale.cli._errors import BadInput
from jaxscale.cli._forecast import draw, forecast_each
from jaxscale.cli._options import Seed
from jaxscale.cli._output import console, replacing
from jaxscale.cli._plan import print_plan
from jaxscale.cli._reading import AS_RECORDED, Reading
from jaxscale.cli._vote import draw as draw_votes, print_vote, vote_each

if TYPE_CHECKING:
    from jaxscale.data import Attempts
    from jaxscale.samples import Sample

_RECORDED = (1, 10, 50, 200)
_BEYOND = (1_000, 10_000)
_VOTES = (1, 3, 9, 30, 200)
_PRICES = {"small": (0.1, 0.4), "medium": (0.5, 2), "large": (3, 12)}
_BUDGET = 20


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where files go.")] = Path("demo"),
    seed: Seed = 0,
) -> None:
    """Simulate the attempts of three models and the answers of one; forecast coverage, plan, and find the best vote.

    No model is called: all is drawn from a seed, so the truth is known and is shown beside the forecast of coverage.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"--output = {str(output)!r}: {(error.strerror or str(error)).lower()}") from None
    from rich.table import Table

    samples = write_samples(output, seed)
    file = output / "attempts.csv"
    data = Reading(group=["model"]).attempts([file])
    results = forecast_each(data, [*_RECORDED, *_BEYOND], seed=seed)
    draw(output / "forecast.png", data, results, seed=seed)

    out = console()
    first = next(iter(data.values()))
    out.print(
        f"Simulated data (seed {seed}; no model was called): {len(data)} models x {len(first)} queries x "
        f"{first.attempts.max()} attempts, in {file}\n",
        soft_wrap=True,
    )
    out.print("Coverage: unbiased pass@k of what was recorded", style="bold")
    coverage = Table()
    coverage.add_column("model")
    for k in _RECORDED:
        coverage.add_column(f"{k:,} {'call' if k == 1 else 'calls'}", justify="right")
    for name, result in results.items():
        coverage.add_row(name, *(f"{row['value']:.3f}" for row in result.curve()[: len(_RECORDED)]))
    out.print(coverage)
    out.print()
    out.print("Forecast: what more calls would give, and the truth, which a simulation knows", style="bold")
    ahead = Table()
    for column in ("model", "calls", "pass@k", "90% interval", "truth"):
        ahead.add_column(column, justify="left" if column == "model" else "right")
    for name, result in results.items():
        for row in result.curve()[len(_RECORDED) :]:
            interval = f"{row['lower']:.3f} to {row['upper']:.3f}"
            truth = samples[name].pass_at_k(row["calls"])
            ahead.add_row(name, f"{row['calls']:,}", f"{row['value']:.3f}", interval, f"{truth:.3f}")
    out.print(ahead)
    print(f"\nPicture: {output / 'forecast.png'}")
    curve = output / "curve.png"
    print(f"On a file of your own: jaxscale forecast {file} --group model --calls 1,100,10000 --plot {curve}")
    _plan(out, file, data, seed)
    _vote(out, output, seed)
    _report(output / "report.html", data, seed)


def write_samples(folder: Path, seed: int) -> dict[str, "Sample"]:
    """Write the files that `demo` reads: attempts.csv, ballots.csv and prices.toml.

    Args:
        folder: where they go.
        seed: of what is drawn.

    Returns:
        The attempts of each model, with the law that they are drawn from.
    """
    import jax

    from jaxscale.samples import sample_attempts, sample_ballots

    key = jax.random.key(seed)
    samples = sample_attempts(key)
    with replacing(folder / "attempts.csv", "--output") as part, part.open("w", newline="") as rows:
        writer = csv.writer(rows)
        writer.writerow(["model", "problem", "attempts", "successes"])
        for name, sample in samples.items():
            counts = sample.attempts
            columns = (counts.query or (), counts.attempts.tolist(), counts.successes.tolist())
            writer.writerows((name, *row) for row in zip(*columns, strict=True))

    ballots = sample_ballots(key)
    with replacing(folder / "ballots.csv", "--output") as part, part.open("w", newline="") as rows:
        writer = csv.writer(rows)
        writer.writerow(["problem", "answer", "count", "correct"])
        for label, votes, blank in zip(
            ballots.query or (), ballots.counts, ballots.calls - ballots.counts.sum(axis=1), strict=True
        ):
            answers = [*(f"answer {i}" for i in range(len(votes))), ""]
            given = zip(answers, [*votes.tolist(), int(blank)], strict=True)
            writer.writerows((label, answer, count, int(answer == answers[0])) for answer, count in given if count)

    with replacing(folder / "prices.toml", "--output") as part:
        part.write_text(
            "".join(
                f"[{name}]\nprompt_tokens = 400\ndecode_tokens = 600\nprice_in = {read}  # for a million tokens\n"
                f"price_out = {written}\n\n"
                for name, (read, written) in _PRICES.items()
            )
        )
    return samples


def _plan(out: Any, file: Path, data: Mapping[str, "Attempts"], seed: int) -> None:
    """Choose between the models at made-up prices."""
    import jax

    from jaxscale.planning import plan, read_costs

    prices = file.with_name("prices.toml")
    result = plan(data, budget=_BUDGET, cost=read_costs(prices, data), key=jax.random.key(seed))
    print(f"\nDecide: which model to call, and how often, for {_BUDGET} in all, at made-up prices in {prices}:\n")
    print_plan(out, result)
    print(f"On a file of your own: jaxscale plan {file} --group model --budget {_BUDGET} --prices {prices}")


def _vote(out: Any, output: Path, seed: int) -> None:
    """Vote over simulated ballots: more calls help at first, and then hurt."""
    from jaxscale.systems import Vote

    file = output / "ballots.csv"
    data = AS_RECORDED.ballots([file])
    results = vote_each(data, list(_VOTES), system=Vote(), level=0.9, over="these", seed=seed)
    draw_votes(output / "vote.png", data, results, system=Vote(), seed=seed)
    print(f"\nSimulated ballots (seed {seed}; no model was called), in {file}. The majority vote:\n")
    print_vote(out, "simulated", data["all"], results["all"])
    print(f"Picture: {output / 'vote.png'}")
    print(f"On a file of your own: jaxscale vote {file} --calls 1,3,9,30,200 --plot {output / 'vote.png'}")


def _report(page: Path, data: Mapping[str, "Attempts"], seed: int) -> None:
    """Write the page that a person without a terminal reads."""
    import jax

    from jaxscale.reports import report

    key = jax.random.key(seed)
    with replacing(page, "--output") as part:
        part.write_text(report(data, title="simulated attempts", group=["model"], key=key), encoding="utf-8")
    print(f"\nThe same as a page for a browser: {page}")
    print(f"On a file of your own: jaxscale report {page.with_name('attempts.csv')} --group model -o {page}")
