"""`jaxscale fit`: the parameters of a law of coverage, with errors."""

import sys
from typing import Annotated

import typer

from jaxscale.cli._errors import BadInput, arguments_as_options
from jaxscale.cli._jax import prepare_jax
from jaxscale.cli._options import DIFFICULTY, Files, Json
from jaxscale.cli._output import console, described, print_json, progress, title
from jaxscale.cli._reading import AS_RECORDED, Reading, say_read

LAWS = (*DIFFICULTY, "power-law", "exponentiated-power-law", "correlated-trials")
"""What `--model` takes."""

NOT_CONVERGED = 1
"""The exit code for a fit that the data do not determine."""


def fit(
    files: Files,
    model: Annotated[str, typer.Option(metavar="NAME", help=f"The law to fit: {', '.join(LAWS)}.")] = "beta",
    free: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", show_default=False, help="Parameters to fit; by default all but a ceiling."),
    ] = None,
    reading: Reading = AS_RECORDED,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32 - 1, show_default=False, help="Draw the starts instead of a fixed pattern."),
    ] = None,
    json: Json = False,
) -> None:
    """Fit a law of coverage to recorded attempts by maximum likelihood.

    Ends with exit code 1, and says why, where a likelihood has no interior maximum.
    """
    names = None if free is None else [name.strip() for name in free.split(",")]
    if names is not None and not all(names):
        raise BadInput(f"--free = {free!r}: expected names of parameters with commas between them, as in --free a,b")
    data = reading.attempts(files)
    prepare_jax(data.values())
    import jax

    from jaxscale.fitting import fit as maximise

    results = {}
    with arguments_as_options("model", "free"), progress(len(data)) as begin:
        for name, attempts in data.items():
            begin(name)
            key = None if seed is None else jax.random.key(seed)
            results[name] = maximise(model, attempts, free=names, key=key)
    if json:
        groups = [{**described(name, data[name]), **result.to_dict(), "curve": []} for name, result in results.items()]
        print_json("fit", groups, read=data.summary.to_dict(), seed=seed)
    else:
        say_read(data.summary)
        out = console()
        from rich.text import Text

        for name, result in results.items():
            table = result.__rich__()
            out.print(Text(title(name, data[name]), style="bold"))
            out.print(table)
            out.print()
    failed = {name: result.message for name, result in results.items() if not result.converged}
    for name, message in failed.items():
        print(f"jaxscale: {name}: did not converge: {message.removeprefix('did not converge: ')}", file=sys.stderr)
    if failed:
        raise typer.Exit(NOT_CONVERGED)
