"""Large Language Monkeys: YAML, a file per query."""

import re
from collections.abc import Iterator

from jaxscale.io._records import Record, Row, table_of, truth
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted

_VERDICTS = ("is_corrects", "is_correct")
_START = re.compile(rb"^is_corrects?\s*:", re.MULTILINE)
_DEEPEST = 100
MAX_DOCUMENT = 2**27


def recognises(source: Source) -> bool:
    """Whether this is named as YAML, or has the list of verdicts near its beginning."""
    return source.path.suffix.lower() in (".yaml", ".yml") or _START.search(source.head) is not None


def read(source: Source, wanted: Wanted) -> Table:
    """Read the attempts at one query: the file is the problem, each item of `is_corrects` the outcome of an attempt."""
    return table_of(source, _rows(source), wanted)


def _rows(source: Source) -> Iterator[Row]:
    """The verdicts, from the parser's events: its constructor overflows the stack where lists are nested deeply."""
    try:
        import yaml
    except ImportError:
        raise source.error("YAML needs the package PyYAML: expected it to be installed") from None
    if source.path.stat().st_size > MAX_DOCUMENT:
        raise source.error(f"longer than {MAX_DOCUMENT:,} bytes: expected a smaller YAML document")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    key = None
    try:
        with source.open() as file:
            for event in yaml.parse(file, Loader=loader):
                line = event.start_mark.line + 1
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    if depth > _DEEPEST:
                        raise source.error("YAML nested too deeply: expected a log", line)
                elif isinstance(event, yaml.CollectionEndEvent):
                    depth -= 1
                    key = None if depth == 1 else key
                elif isinstance(event, yaml.ScalarEvent) and depth == 2 and key in _VERDICTS:
                    yield Record(source, None, line), {"problem": source.path.stem, "passed": truth(event.value)}
                elif isinstance(event, yaml.NodeEvent) and depth == 1:
                    key = event.value if key is None and isinstance(event, yaml.ScalarEvent) else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or "unreadable")[:80]
        raise source.error(f"not YAML ({reason}): expected a log", mark.line + 1 if mark else None) from None
