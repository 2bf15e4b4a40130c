"""The program `jaxscale`: its commands, exit codes, and what a person sees when something is wrong.

Nothing here imports jax or NumPy: commands do so when they run.
"""

import functools
import inspect
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from jaxscale import __version__
from jaxscale._files import reason
from jaxscale.cli import _convert, _demo, _fit, _forecast, _next, _plan, _report, _simulate, _vote
from jaxscale.cli._errors import BAD_INPUT, BadInput, on_one_line
from jaxscale.cli._options import Quiet
from jaxscale.cli._output import quiet
from jaxscale.cli._reading import with_reading

INTERRUPTED = 130
"""The exit code of a program that ended on Ctrl-C (128 + SIGINT)."""

UNHEARD = 1
"""The exit code where what was to be printed could not be."""

# click's UsageError, or that of typer's own copy of click.
_USAGE_ERROR: Any = typer.BadParameter.__bases__[0]

app = typer.Typer(
    name="jaxscale",
    help="Simulate, fit and forecast the inference-scaling laws of language-model systems.",
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
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


def _with_quiet(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the option `--quiet`, which it need not know of."""

    @functools.wraps(command)
    def quieter(*, silent: bool, **options: Any) -> None:
        quiet.set(silent)
        command(**options)

    signature = inspect.signature(command)
    option = inspect.Parameter("silent", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet)
    quieter.__signature__ = signature.replace(parameters=[*signature.parameters.values(), option])  # type: ignore[attr-defined]
    quieter.__annotations__ = {**command.__annotations__, "silent": Quiet}
    return quieter


_COMMANDS: dict[str, Callable[..., None]] = {
    "forecast": _forecast.forecast,
    "vote": _vote.vote,
    "fit": _fit.fit,
    "report": _report.report,
    "convert": _convert.convert,
    "simulate": _simulate.simulate,
    "plan": _plan.plan,
    "next": _next.next_samples,
    "demo": _demo.demo,
}
for _name, _command in _COMMANDS.items():
    app.command(_name, cls=_Once)(_with_quiet(with_reading(_command)))


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
    if sys.stderr is None:  # closed
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        print("jaxscale: stdout is closed: expected somewhere to print to", file=sys.stderr)
        sys.exit(UNHEARD)
    for stream in (sys.stdout, sys.stderr):
        # Names that the encoding of a terminal does not have are shown as escapes.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Args:
        arguments: what follows the program's name.

    Returns:
        The exit code: 0 fine, 1 ran but did not converge (or nobody reads the output), 2 bad input, 3 a value below
        `--fail-under`, 130 interrupted.
    """
    with warnings.catch_warnings():
        # What jax or matplotlib say about themselves is no concern of a person at a terminal; commands that read files
        # let through what is said about those.
        warnings.simplefilter("ignore")
        warnings.showwarning = _say_once()
        quiet.set(False)
        try:
            code = app(list(arguments) or ["--help"], prog_name="jaxscale", standalone_mode=False)
            sys.stdout.flush()
        except _USAGE_ERROR as error:
            return _refuse(error.format_message())
        except BadInput as error:
            return _refuse(str(error))
        except typer.Abort:  # what Ctrl-C becomes in older versions of typer; newer ones return the exit code
            code = INTERRUPTED
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                if not _stdout_fails():
                    raise
                print(f"jaxscale: stdout: cannot be written: {reason(error)}", file=sys.stderr)
            # The interpreter must not stumble over it once more when it flushes.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return UNHEARD
        except SystemExit as stop:
            return int(stop.code or 0)
    if code == INTERRUPTED:
        print("jaxscale: interrupted", file=sys.stderr)
    return int(code or 0)


def _stdout_fails() -> bool:
    """Whether what is printed cannot be written."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        return True
    return False


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
