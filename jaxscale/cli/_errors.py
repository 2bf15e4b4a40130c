"""Bad input on the command line: one line that names the option and what was expected."""

import contextlib
from collections.abc import Collection, Iterator

BAD_INPUT = 2
"""The exit code for input that cannot be used."""


BELOW = 3
"""The exit code where a value is below `--fail-under`."""


class BadInput(Exception):
    """An option that cannot be used; the message is what a person reads."""


def on_one_line(text: str) -> str:
    """`text` for a message: names of files and groups may hold line ends and other control characters."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(text.split()))


@contextlib.contextmanager
def arguments_as_options(*names: str, said: Collection[str] = ()) -> Iterator[None]:
    """Turn a function's complaint about one of its arguments into one about the option of that name.

    Args:
        names: the arguments that came from options of their names. A complaint about anything else is a defect, and
            passes.
        said: arguments that several options determine: what is said of them is let through as it is.
    """
    from jaxscale._checks import ArgumentError  # brings NumPy with it

    try:
        yield
    except ArgumentError as error:
        if error.argument in names:
            raise BadInput(error.about(f"--{error.argument.replace('_', '-')}")) from None
        if error.argument in said:
            raise BadInput(str(error)) from None
        raise
