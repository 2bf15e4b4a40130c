"""Words of messages."""

import re

_NOUN = re.compile(r"(\w+?)(ies|s)\b( that)?( have| are| hold)?\b")
_VERBS = {" have": " has", " are": " is", " hold": " holds", None: ""}


def number_of(count: int, what: str) -> str:
    """So many of what is named in the plural, which becomes the singular for one, with the verb that follows.

    >>> number_of(1200, "files that are damaged"), number_of(1, "files that are damaged"), number_of(1, "queries")
    ('1,200 files that are damaged', '1 file that is damaged', '1 query')
    """
    return f"{count:,} {what if count != 1 else _NOUN.sub(_singular, what, count=1)}"


def _singular(found: re.Match[str]) -> str:
    noun, ending, that, verb = found.groups()
    return f"{noun}{'y' if ending == 'ies' else ''}{that or ''}{_VERBS[verb]}"
