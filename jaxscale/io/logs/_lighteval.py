"""lighteval details: Parquet, a row per document with the texts of its calls, and their metrics."""

import re
from collections.abc import Iterator

import pyarrow as pa

from jaxscale.io._records import Record, Row, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted

_SHARE = re.compile(r"pass@k:k=1(&n=(?P<n>\d+))?|pass@1(:(?P<m>\d+)_samples)?")
_BATCH = 64


def recognises(source: Source) -> bool:
    """Whether this is Parquet with the columns of lighteval details."""
    if not source.head.startswith(b"PAR1"):
        return False
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            names = set(file.schema_arrow.names)
            return {"doc", "metric", "model_response"} <= names and pa.types.is_struct(
                file.schema_arrow.field("metric").type
            )
    except (pa.ArrowException, OSError, ValueError):
        return False


def read(source: Source, wanted: Wanted) -> Table:
    """Read lighteval details: `doc.id` is the problem.

    `pass@k:k=1&n=8` is the share of 8 calls that is right, which says how many are; any other metric is the verdict on
    one attempt a document. Several metrics are verdicts; the first is read, a share of calls before the others.
    """
    return table_of(source, _rows(source), wanted, choice="scorer", complete=True)


def _rows(source: Source) -> Iterator[Row]:
    for record in _records(source):
        metrics = record.get("metric")
        if not isinstance(metrics, dict):
            raise record.error("metric is no object: expected a value per metric")
        metrics = {name: value for name, value in metrics.items() if value is not None}
        texts = record.get("model_response", "text")
        calls = len(texts) if isinstance(texts, list) else 1
        tokens = record.get("model_response", "output_tokens")
        prompt = record.get("model_response", "input_tokens")
        row = {
            "problem": record.at("doc", "id"),
            "task": record.get("doc", "task_name"),
            "model": _model(source),
            "prompt_tokens": len(prompt) if isinstance(prompt, list) else None,
        }
        shares = {name: _calls(name, calls) for name in metrics}
        for name in sorted(metrics, key=lambda name: not shares[name]):
            share = shares[name]
            right = round(metrics[name] * share) if share else 0
            if not share or abs(metrics[name] * share - right) > 1e-6 * share:
                yield record, {**row, "scorer": name, "passed": metrics[name]}
                continue
            for call in range(share):
                known = isinstance(tokens, list) and len(tokens) == share and isinstance(tokens[call], list)
                wrote = len(tokens[call]) if known else None
                yield record, {**row, "scorer": name, "tokens": wrote, "passed": call < right}
        if not metrics:
            yield record, {**row, "passed": None}


def _calls(metric: str, calls: int) -> int:
    """Of how many calls a metric is the share that is right; 0 where it is something else."""
    found = _SHARE.fullmatch(metric)
    if found is None:
        return 0
    named = found["n"] or found["m"]
    return int(named) if named else calls


def _model(source: Source) -> str | None:
    """The model, in details/<organisation>/<model>/<date>/details_<task>_<date>.parquet."""
    folders = source.path.parts[:-2]
    if "details" not in folders:
        return None
    return "/".join(folders[len(folders) - folders[::-1].index("details") :]) or None


def _records(source: Source) -> Iterator[Record]:
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(source.path) as file:
            leaves = [leaf.path for leaf in file.schema]
            taken = [path for path in leaves if path.startswith(_TAKEN)]
            for batch in file.iter_batches(_BATCH, columns=taken):
                for row in batch.to_pylist():
                    yield Record(source, row, None)
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["no reason given"])[0][:120]
        raise source.error(f"not a Parquet file ({reason}): expected one") from None


_TAKEN = ("doc.id", "doc.task_name", "metric.", "model_response.text.", "model_response.input_tokens.",
          "model_response.output_tokens.")  # fmt: skip
