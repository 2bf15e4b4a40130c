"""Large Language Monkeys: YAML, a file per query."""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from jaxscale.data import DataError
from jaxscale.io._records import Record, Row, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted, shown

MAX_DOCUMENT = 2**27
"""Bytes in the largest file; one query with its samples is far smaller."""

MAX_VALUES = 2**20
"""Values in lists, and anchors, of such a file."""

_VERDICTS = ("is_corrects", "is_correct")
_START = re.compile(rb"^is_corrects?\s*:", re.MULTILINE)
_KEYS = re.compile(rb"^(is_corrects?|samples|gt_answer|prompt|question)\s*:", re.MULTILINE)
_DEEPEST = 100
_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
_NONE = ("", "~", "null")
_LONGEST = 200
_EXPECTED = "expected true or false for each sample"


def recognises(source: Source) -> bool:
    """Whether this is named as YAML, or has the list of verdicts near its beginning."""
    return source.suffix in (".yaml", ".yml") or _START.search(source.head) is not None


def surely(source: Source) -> bool:
    """Whether it has a key of such a log, as other YAML in a directory has not."""
    return _KEYS.search(source.head) is not None


def read(source: Source, wanted: Wanted) -> Table:
    """Read the attempts at one query: the file is the problem, each item of `is_corrects` the outcome of an attempt.

    Truths are those of YAML 1.2 and 0 or 1: `yes` is a text, and refused; null is an attempt without a score. An alias
    stands for what its anchor names. Samples are not read.
    """
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
    try:
        with source.open() as file:
            verdicts = _Log(source, yaml, yaml.parse(file, Loader=loader)).verdicts()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = str(getattr(error, "problem", None) or "unreadable")[:80]
        raise source.error(f"not YAML ({reason}): expected a log", mark.line + 1 if mark else None) from None
    for passed, line in verdicts:
        yield Record(source, None, line), {"problem": source.stem, "passed": passed}


_Node: TypeAlias = str | list["_Node"] | None
"""A single value, a list of nodes, or None for a mapping."""


class _Log:
    """What a parser finds, event by event; anchors name single values and lists of the uppermost level."""

    def __init__(self, source: Source, yaml: Any, events: Iterator[Any]) -> None:
        self.source = source
        self.yaml = yaml
        self.events = events
        self.anchors: dict[str, _Node] = {}
        self.size = 0

    def verdicts(self) -> list[tuple[bool | None, int]]:
        """The outcome of each attempt, with its line or that of the alias that stands for it."""
        yaml = self.yaml
        lines: dict[str, int] = {}
        verdicts: list[tuple[bool | None, int]] = []
        for event in self.events:
            if isinstance(event, yaml.MappingStartEvent):
                break
            if isinstance(event, yaml.NodeEvent):
                raise self.error(event, "no mapping of is_corrects and others: expected a log")
        for event in self.events:
            if isinstance(event, yaml.NodeEvent):
                key = self.node(event)
                begin = next(self.events)
                value = self.node(begin)
                if not isinstance(key, str) or key not in (*_VERDICTS, "samples"):
                    continue
                if not isinstance(value, list):
                    raise self.error(begin, f"{key} is no list: expected one with an item for each sample")
                again = next((name for name in lines if name == key or {name, key} == set(_VERDICTS)), None)
                if again is not None:
                    raise self.error(event, f"{key}, and {again} on line {lines[again]}: expected one of them")
                lines[key] = event.start_mark.line + 1
                if key in _VERDICTS:
                    verdicts = [(self.truth(key, each, begin), begin.start_mark.line + 1) for each in value]
            elif isinstance(event, yaml.DocumentStartEvent):
                raise self.error(event, "a second YAML document: expected one query a file")
        if not lines.keys() & set(_VERDICTS):
            raise self.source.error(f"no is_corrects: {_EXPECTED}")
        return verdicts

    def error(self, event: Any, message: str) -> DataError:
        """A `DataError` about the line of an event."""
        return self.source.error(message, event.start_mark.line + 1)

    def truth(self, key: str, value: _Node, begin: Any) -> bool | None:
        """A verdict; None where there is none."""
        text = value.lower() if isinstance(value, str) else None
        if text in _NONE:
            return None
        if text not in _TRUTH:
            found = "a list or a mapping" if value is None or isinstance(value, list) else shown(value)
            raise self.error(begin, f"{key} holds {found}: {_EXPECTED}")
        return _TRUTH[text]

    def node(self, event: Any, depth: int = 1) -> _Node:
        """The node that begins with an event; of lists within others, and of long texts, not all is kept."""
        yaml = self.yaml
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self.anchors:
                raise self.error(event, f"no anchor {shown(event.anchor)} before it: expected one")
            return self.anchors[event.anchor]
        if depth > _DEEPEST:
            raise self.error(event, "YAML nested too deeply: expected a log")
        value: _Node
        if isinstance(event, yaml.ScalarEvent):
            value = event.value[:_LONGEST]
        else:
            value = [] if isinstance(event, yaml.SequenceStartEvent) else None
            for inner in self.events:
                if isinstance(inner, yaml.CollectionEndEvent):
                    break
                item = self.node(inner, depth + 1)
                if value is not None and depth == 1:
                    value.append(item if isinstance(item, str) else None)
                    self.count(inner)
        if event.anchor is not None:
            self.anchors[event.anchor] = value
            self.count(event)
        return value

    def count(self, event: Any) -> None:
        """Count what is kept, and refuse too much of it."""
        self.size += 1
        if self.size > MAX_VALUES:
            raise self.error(event, f"more than {MAX_VALUES:,} values in lists and anchors: expected a smaller log")
