"""The files that a person names on the command line, and the options of all commands that say how to read them."""

import contextlib
import functools
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxscale.cli import _options
from jaxscale.cli._errors import BadInput, arguments_as_options, on_one_line
from jaxscale.cli._output import quiet

if TYPE_CHECKING:
    from jaxscale.data import Attempts, Ballots
    from jaxscale.io import DataSets, ReadSummary
    from jaxscale.planning import Cost

_READING = {
    "group": _options.Group,
    "format": _options.Format,
    "scorer": _options.Scorer,
    "right": _options.Right,
    "grade": _options.Grade,
    "columns": _options.Columns,
    "errors": _options.Errors,
}


@dataclass(frozen=True)
class Reading:
    """How files are to be read: the options that all commands that read files share.

    Attributes:
        group: columns of which each combination of values is a data set.
        format: of the files, or of what is converted.
        scorer: of several verdicts, the one to read.
        right: which verdicts are right.
        grade: how calls without a verdict are compared with the right answer.
        columns: the columns that are meant by those of jaxscale, with commas between them.
        errors: what becomes of calls that ended in an error.
        equivalence: which answers are one.
    """

    group: list[str] | None = None
    format: str | None = None
    scorer: str | None = None
    right: str | None = None
    grade: str | None = None
    columns: str | None = None
    errors: str | None = None
    equivalence: str = "none"

    @property
    def options(self) -> dict[str, Any]:
        """The options as arguments of the readers, without format and equivalence."""
        return {
            "group": self.group or (),
            "scorer": self.scorer,
            "right": self.right,
            "grade": self.grade,
            "errors": self.errors,
            "columns": self.columns,
        }

    def attempts(self, files: Sequence[str | Path]) -> "DataSets[Attempts]":
        """The attempts in files, by group; what the reader warns of is said on stderr.

        Raises:
            BadInput: one line that names the file, the line and what was expected.
        """
        from jaxscale import io

        with said_plainly():
            return io.read_attempts(files, format=self.format, **self.options)

    def ballots(self, files: Sequence[str | Path]) -> "DataSets[Ballots]":
        """The ballots in files, by group.

        Raises:
            BadInput: one line that names the file, the line and what was expected.
        """
        from jaxscale import io

        with said_plainly():
            return io.read_ballots(files, format=self.format, equivalence=self.equivalence, **self.options)

    def either(self, files: Sequence[str | Path]) -> "DataSets[Attempts] | DataSets[Ballots]":
        """The ballots in files that have answers, else their attempts, by group.

        Raises:
            BadInput: one line that names the file, the line and what was expected.
        """
        from jaxscale import io

        with said_plainly():
            return io.read_either(files, format=self.format, equivalence=self.equivalence, **self.options)


AS_RECORDED = Reading()
"""Files read as their tools say."""


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """A command with the options of `Reading` in the place of its parameter `reading`; one with `votes` has all."""
    signature = inspect.signature(command)
    if "reading" not in signature.parameters:
        return command
    has = {**_READING, **({"equivalence": _options.Equivalence} if getattr(command, "votes", False) else {})}
    for name in signature.parameters.keys() & has.keys():
        del has[name]  # an option of the command's own by that name

    @functools.wraps(command)
    def reads(**options: Any) -> None:
        command(reading=Reading(**{name: options.pop(name) for name in has}), **options)

    parameters = []
    for parameter in signature.parameters.values():
        if parameter.name != "reading":
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        parameters += [
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=getattr(Reading, name), annotation=annotation
            )
            for name, annotation in has.items()
        ]
    reads.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    hints = {name: each for name, each in command.__annotations__.items() if name != "reading"}
    reads.__annotations__ = {**hints, **has}
    return reads


def votes(command: Callable[..., None]) -> Callable[..., None]:
    """A command that counts answers, and has the option which of them are one."""
    command.votes = True  # type: ignore[attr-defined]
    return command


def say_read(summary: "ReadSummary", use: str = "") -> None:
    """Say on stderr, in one line, what was read, and how it is used where nothing else says so."""
    if not quiet.get():
        said = str(replace(summary, dropped=()))  # what was dropped, a warning has said
        print(f"jaxscale: {on_one_line(said)}{use and f'; {use}'}", file=sys.stderr)


@contextlib.contextmanager
def said_plainly(*names: str) -> Iterator[None]:
    """Let through what the readers warn of, and make one line of what they refuse.

    Args:
        names: further arguments that came from options.

    Raises:
        BadInput: one line that names the file, the line and what was expected.
    """
    from jaxscale.data import DataError, DataWarning

    warnings.simplefilter("always", DataWarning)
    try:
        with arguments_as_options("format", "right", "grade", "columns", "errors", "equivalence", *names):
            yield
    except DataError as error:
        raise BadInput(str(error)) from None


def read_prices(prices: Path, data: "Mapping[str, Attempts | Ballots]") -> "dict[str, Cost]":
    """What each data set costs, from a price file.

    Raises:
        BadInput: one line that names the file, the key and what was expected.
    """
    from jaxscale.planning import read_costs

    try:
        return read_costs(prices, data)
    except ValueError as error:
        raise BadInput(str(error)) from None
