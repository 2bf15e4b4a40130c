"""The files that a person names on the command line."""

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxscale.cli._errors import BadInput, arguments_as_options, on_one_line
from jaxscale.cli._output import quiet

if TYPE_CHECKING:
    from jaxscale.data import Attempts, Ballots
    from jaxscale.io import DataSets, ReadSummary
    from jaxscale.planning import Cost


def read_attempts(
    files: Sequence[Path], group: Sequence[str] | None, format: str | None, scorer: str | None = None
) -> "DataSets[Attempts]":
    """The attempts in files, by group; what the reader warns of is said on stderr.

    Raises:
        BadInput: one line that names the file, the line and what was expected.
    """
    from jaxscale import io

    with said_plainly():
        return io.read_attempts(files, group or (), format=format, scorer=scorer)


def read_ballots(
    files: Sequence[Path],
    group: Sequence[str] | None,
    format: str | None,
    scorer: str | None = None,
    *,
    normalise: bool,
) -> "DataSets[Ballots]":
    """The ballots in files, by group, with spellings of one answer merged if `normalise`.

    Raises:
        BadInput: one line that names the file, the line and what was expected.
    """
    from jaxscale import io

    with said_plainly():
        return io.read_ballots(files, group or (), normalise, format=format, scorer=scorer)


def say_read(summary: "ReadSummary") -> None:
    """Say on stderr, in one line, what was read."""
    if not quiet.get():
        print(f"jaxscale: {on_one_line(str(summary))}", file=sys.stderr)


def read_either(
    files: Sequence[Path],
    group: Sequence[str] | None,
    format: str | None,
    scorer: str | None = None,
    *,
    normalise: bool,
) -> "DataSets[Attempts] | DataSets[Ballots]":
    """The ballots in files that have answers, else their attempts, by group.

    Raises:
        BadInput: one line that names the file, the line and what was expected.
    """
    from jaxscale import io

    with said_plainly():
        return io.read_either(files, group or (), normalise, format=format, scorer=scorer)


@contextlib.contextmanager
def said_plainly(*names: str) -> Iterator[None]:
    """Let through what the readers warn of, and make one line of what they refuse.

    Args:
        names: arguments beside `format` that came from options.

    Raises:
        BadInput: one line that names the file, the line and what was expected.
    """
    from jaxscale.data import DataError, DataWarning

    warnings.simplefilter("always", DataWarning)
    try:
        with arguments_as_options("format", *names):
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
