"""The program `jaxscale`: its commands, exit codes, and what a person sees when something is wrong.

Nothing here imports jax or NumPy: commands do so when they run.
"""

import os
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from jaxscale import __version__
from jaxscale.cli import _convert, _demo, _fit, _forecast, _next, _plan, _report, _simulate, _vote
from jaxscale.cli._errors import BAD_INPUT, BadInput, on_one_line

INTERRUPTED = 130
"""The exit code of a program that ended on Ctrl-C (128 + SIGINT)."""

# click's UsageError, or that of typer's own copy of click.
_USAGE_ERROR: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="jaxscale",
    help="Simulate, fit and forecast the inference-scaling laws of language-model systems.",
    add_completion=False,
    rich_markup_mode=None,
)


class _Once(TyperCommand):
    """A command that refuses an option given twice, of which the first value would be lost without a word."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _, _, given = self.make_parser(ctx).parse_args(list(args))
        for option, times in Counter(given).items():
            # Arguments are no flags; to say a flag again changes nothing.
            if times > 1 and not option.multiple and not getattr(option, "is_flag", True):
                raise BadInput(f"{option.opts[-1]}: given {times} times: expected once")
        return super().parse_args(ctx, args)


app.command("forecast", cls=_Once)(_forecast.forecast)
app.command("vote", cls=_Once)(_vote.vote)
app.command("fit", cls=_Once)(_fit.fit)
app.command("report", cls=_Once)(_report.report)
app.command("convert", cls=_Once)(_convert.convert)
app.command("simulate", cls=_Once)(_simulate.simulate)
app.command("plan", cls=_Once)(_plan.plan)
app.command("next", cls=_Once)(_next.next_samples)
app.command("demo", cls=_Once)(_demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"jaxscale {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the program on the arguments of this process, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name.

    Returns:
        The exit code: 0 fine, 1 ran but did not converge (or nobody reads the output), 2 bad input, 130 interrupted.
    """
    with warnings.catch_warnings():
        # What jax or matplotlib say about themselves is no concern of a person at a terminal; commands that read files
        # let through what is said about those.
        warnings.simplefilter("ignore")
        warnings.showwarning = _say_once()
        try:
            code = app(list(arguments) or ["--help"], prog_name="jaxscale", standalone_mode=False)
            sys.stdout.flush()
        except _USAGE_ERROR as error:
            return _refuse(error.format_message())
        except BadInput as error:
            return _refuse(str(error))
        except typer.Abort:  # what Ctrl-C becomes in older versions of typer; newer ones return the exit code
            code = INTERRUPTED
        except BrokenPipeError:
            # Whoever read the output has gone; the interpreter must not stumble over it once more when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except SystemExit as stop:
            return int(stop.code or 0)
    if code == INTERRUPTED:
        print("jaxscale: interrupted", file=sys.stderr)
    return int(code or 0)


def _refuse(message: str) -> int:
    print(f"jaxscale: {on_one_line(message)}", file=sys.stderr)
    return BAD_INPUT


def _say_once() -> Any:
    said = set()

    def show(message: Warning | str, *_: Any) -> None:
        line = on_one_line(str(message))
        if line not in said:
            said.add(line)
            print(f"jaxscale: warning: {line}", file=sys.stderr)

    return show
