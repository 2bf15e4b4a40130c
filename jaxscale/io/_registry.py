"""The formats that can be read, and how one is recognised."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from jaxscale.data import DataError
from jaxscale.io import _csv, _jsonl, _parquet
from jaxscale.io._source import Source, open_source
from jaxscale.io._table import Table
from jaxscale.io.logs import (
    _chen,
    _evalplus,
    _evalscope,
    _every_eval_ever,
    _humaneval,
    _inspect,
    _lm_eval,
    _nemo,
    _verl,
)


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Args:
        name: what `format=` and `--format` call it.
        recognises: whether a file is (meant to be) of this kind, from its first bytes.
        read: the wanted columns (None: all) of the file.
    """

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, frozenset[str] | None], Table]


FORMATS = (
    Format("parquet", _parquet.recognises, _parquet.read),
    Format("inspect-eval", _inspect.recognises_eval, _inspect.read_eval),
    Format("inspect-json", _inspect.recognises_json, _inspect.read_json),
    Format("evalplus", _evalplus.recognises, _evalplus.read),
    Format("lm-eval", _lm_eval.recognises, _lm_eval.read),
    Format("evalscope", _evalscope.recognises, _evalscope.read),
    Format("every-eval-ever", _every_eval_ever.recognises, _every_eval_ever.read),
    Format("nemo-skills", _nemo.recognises, _nemo.read),
    Format("verl", _verl.recognises, _verl.read),
    Format("humaneval", _humaneval.recognises, _humaneval.read),
    Format("chen", _chen.recognises, _chen.read),
    Format("jsonl", _jsonl.recognises, _jsonl.read),
    Format("csv", _csv.recognises, _csv.read),
)
"""Every format, the most specific first: the first that recognises a file reads it."""


def read_table(path: str | os.PathLike[str], wanted: frozenset[str], format: str | None = None) -> Table:
    """Read the wanted columns of a file in the format that it is in, or in the named one.

    Raises:
        DataError: the file cannot be read, or is in no known format.
        ValueError: there is no format of that name.
    """
    names = [known.name for known in FORMATS]
    if format is not None and format not in names:
        raise ValueError(f"format = {format!r}: expected one of {', '.join(names)}")
    source = open_source(path)
    for known in FORMATS:
        if known.name == format or (format is None and known.recognises(source)):
            return known.read(source, wanted)
    raise DataError(f"in no known format: expected one of {', '.join(names)}", source.name)
