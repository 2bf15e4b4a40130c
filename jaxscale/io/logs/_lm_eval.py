"""lm-evaluation-harness `samples_<task>_<date>.jsonl`: a line per document and filter, several responses in each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jaxscale.data import DataError
from jaxscale.io._equivalence import equal, grading
from jaxscale.io._records import Record, Row, first_record, records_of, table_of
from jaxscale.io._source import Source
from jaxscale.io._table import Table, Wanted
from jaxscale.io._verdicts import MOST_DIFFERENT

_KNOWN = frozenset(
    [
        "doc_id",
        "doc",
        "target",
        "arguments",
        "resps",
        "filtered_resps",
        "filter",
        "metrics",
        "doc_hash",
        "prompt_hash",
        "target_hash",
    ]
)
_FILE = re.compile(r"samples_(?P<task>.+?)(_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+))?")
_NEAR = 1e-6
_MODEL = re.compile(rb'"model_name"\s*:\s*"([^"\\]*)"')
_MOST_RESULTS = 2**24


@dataclass
class _Survey:
    """What the lines of a file have in common.

    Args:
        filters: each filter in order, and whether it keeps every response of all documents that have several.
        verdicts: the first verdict by each filter.
        named: whether the lines name their filters.
        several: whether a document has several responses.
        reproduced: whether comparing each response with the target gives every verdict that was recorded.
    """

    filters: dict[str, bool] = field(default_factory=dict)
    verdicts: dict[str, str] = field(default_factory=dict)
    named: bool = True
    several: bool = False
    reproduced: bool = True


class _Grader:
    """Grading of responses, held against the verdict on the answer that a filter took from them."""

    def __init__(self, grade: str) -> None:
        self.grade = grade
        self.held = self.differ = 0

    def hold(self, record: Record, responses: list[Any], metrics: list[str]) -> None:
        """Grade the responses to a document, of which one answer was scored."""
        value = _number(record.get(metrics[0])) if metrics else None
        if value in (0.0, 1.0):
            right = [equal(self.grade)(str(record.get("target")), str(response)) for response in responses]
            self.held += 1
            self.differ += not any(right) if value else all(right)

    def check(self, source: Source) -> None:
        """Refuse grading that comes out otherwise than the tool."""
        if self.differ > MOST_DIFFERENT * self.held:
            raise source.error(
                f"--grade {self.grade} differs from {self.differ:,} of {self.held:,} recorded verdicts: expected at "
                f"most {MOST_DIFFERENT:.0%}, so it is no stand-in for them"
            )
        if self.held:
            source.note(
                f"every response is graded, as the harness scored one answer a document: {self.differ:,} of its "
                f"{self.held:,} verdicts are at odds with the grades of the responses"
            )


def recognises(source: Source) -> bool:
    """Whether the first line is a sample of lm-evaluation-harness."""
    return {"doc_id", "resps", "filtered_resps"} <= first_record(source).keys()


def read(source: Source, wanted: Wanted) -> Table:
    """Read lm-evaluation-harness samples: `doc_id` is the problem.

    The harness scores one filtered answer per document, whose metric is the verdict on one attempt. Each response is an
    attempt where a filter keeps all of them (which is read before others, where lines name their filters), where a
    metric is `pass@1` of them all, or where comparing each with the target gives every verdict in the file. Several
    metrics are verdicts named "filter: metric".
    """
    survey = _surveyed(source)
    keeping = [survey.verdicts[name] for name, keeps in survey.filters.items() if keeps]
    if survey.several and survey.named and keeping and wanted.scorer is None and "filter" not in wanted.group:
        wanted = wanted.by(keeping[0])
    return table_of(source, _rows(source, survey, wanted), wanted, choice="filter")


def _surveyed(source: Source) -> _Survey:
    survey = _Survey()
    for record, name in _lines(source):
        responses, filtered = _responses(record), _filtered(record)
        survey.verdicts.setdefault(name, next(iter(_named(name, _metrics(record)).values()), name))
        survey.named &= record.get("filter") is not None
        several = len(responses) == 1 and len(responses[0]) > 1
        survey.several |= several
        keeps = several and len(filtered) == len(responses[0])
        survey.filters[name] = survey.filters.get(name, True) and keeps
        if several and survey.reproduced:
            survey.reproduced = _reproduced(record, responses[0], filtered, keeps=keeps)
    return survey


def _reproduced(record: Record, responses: list[Any], filtered: list[Any], *, keeps: bool) -> bool:
    """Whether comparing answers with the target gives what was recorded of them, by every metric."""
    target = str(record.get("target")).strip()
    right = [str(answer).strip() == target for answer in filtered]
    if not keeps:
        bare = {str(response).strip() for response in responses}
        if len(filtered) != 1 or str(filtered[0]).strip() not in bare:
            return False
    share = sum(right) / max(len(right), 1)
    values = [_number(record.get(metric)) for metric in _metrics(record)]
    return bool(values) and all(value is not None and abs(value - share) < _NEAR for value in values)


def _rows(source: Source, survey: _Survey, wanted: Wanted) -> Iterator[Row]:
    place = _place(source)
    read = wanted.scorer or wanted.default or next(iter(survey.filters), None)
    each = "filter" in wanted.group and wanted.scorer is None
    grader = _Grader(wanted.grade or "text")
    unscored = 0
    graded = False
    for record, name in _lines(source):
        responses, filtered, metrics = _responses(record), _filtered(record), _metrics(record)
        row = {"problem": record.at("doc_id"), "target": record.get("target"), **place}
        if isinstance(record.get("model"), str):  # the harness names it in `results_*.json` alone; a person may add it
            row["model"] = record.get("model")
        names = _named(name, metrics)
        one = responses[0] if len(responses) == 1 else []
        if len(one) > 1 and survey.filters[name]:
            yield from _kept(record, row, filtered, names)
        elif len(one) > 1 and survey.reproduced:
            graded = True
            target = str(record.at("target")).strip()
            for answer in one:
                for verdict in names.values():
                    yield record, {**row, "filter": verdict, "answer": answer, "passed": str(answer).strip() == target}
        elif len(one) > 1 and wanted.grade is not None:
            if each or read in (name, *names.values()):
                grader.hold(record, one, metrics)
            for answer in one:
                yield record, {**row, "filter": name, "answer": answer, "passed": None}
        else:
            if len(one) > 1 and read in (name, *names.values()):
                unscored += len(one) - 1
            if one:
                row["answer"] = filtered[0] if filtered else None
            for metric, verdict in names.items():
                yield from _shared(record, {**row, "filter": verdict}, metric, len(one))
            if not metrics:
                yield record, {**row, "filter": name, "passed": None}
    grader.check(source)
    if graded:
        source.note("responses are compared with the target, which gives every verdict that the file has")
    if unscored:
        source.note(
            f"{unscored:,} responses have no verdict, as the harness scored one answer a document: read is that one; "
            f"{grading()} compares each with the target"
        )


def _named(name: str, metrics: list[str]) -> dict[str, str]:
    """The verdict by each metric of a filter, by name."""
    return {metric: f"{name}: {metric}" if len(metrics) > 1 else name for metric in metrics}


def _kept(record: Record, row: dict[str, Any], answers: list[Any], names: dict[str, str]) -> Iterator[Row]:
    """An attempt for each answer that a filter kept: right are as many as the metric says."""
    target = str(record.at("target")).strip()
    equal = [str(answer).strip() == target for answer in answers]
    for metric, name in names.items():
        value = _number(record.get(metric))
        if value is not None and abs(value - sum(equal) / len(equal)) < _NEAR:
            for answer, passed in zip(answers, equal, strict=True):
                yield record, {**row, "filter": name, "answer": answer, "passed": passed}
        else:
            yield from _shared(record, {**row, "filter": name}, metric, len(answers), share=True)


def _shared(record: Record, row: dict[str, Any], metric: str, calls: int, *, share: bool = False) -> Iterator[Row]:
    """The verdict on a document; or one on each response where it is the share of them that is right."""
    value = _number(record.get(metric))
    right = None if value is None else value * calls
    if calls > 1 and right is not None and (share or metric == "pass@1") and abs(right - round(right)) < _NEAR * calls:
        row.pop("answer", None)
        for call in range(calls):
            yield record, {**row, "passed": call < round(right)}
    else:
        yield record, {**row, "passed": record.get(metric)}


def _lines(source: Source) -> Iterator[tuple[Record, str]]:
    """The lines with their filters; where these have no names, the first line of a document is by the first."""
    seen: dict[str, int] = {}
    for record in records_of(source):
        name = record.get("filter")
        if name is None:
            document = str(record.at("doc_id"))
            seen[document] = seen.get(document, 0) + 1
            name = f"filter {seen[document]}"
        yield record, str(name)


def _responses(record: Record) -> list[list[Any]]:
    responses = record.at("resps")
    if not (isinstance(responses, list) and responses and isinstance(responses[0], list) and responses[0]):
        raise record.error("resps is no list of lists: expected one list with a response per attempt")
    return responses


def _filtered(record: Record) -> list[Any]:
    filtered = record.at("filtered_resps")
    if isinstance(filtered, list) and len(filtered) == 1 and isinstance(filtered[0], list):
        filtered = filtered[0]
    return filtered if isinstance(filtered, list) else []


def _metrics(record: Record) -> list[str]:
    """The metrics that are listed; before they were, the other fields that hold a number."""
    listed = record.get("metrics")
    if isinstance(listed, list):
        return [str(metric) for metric in listed]
    return [name for name, value in record.data.items() if name not in _KNOWN and _number(value) is not None]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _place(source: Source) -> dict[str, Any]:
    """The task and the date in the name of the file, and the model in the results beside it."""
    named = _FILE.fullmatch(source.stem)
    if named is None:
        return {}
    results = source.path.parent / f"results_{named['date']}.json"
    model = None
    try:
        if named["date"] and results.is_file():
            with results.open("rb") as file:
                model = _MODEL.search(file.read(_MOST_RESULTS))
    except (OSError, DataError):
        model = None
    return {
        "task": named["task"],
        "run": named["date"],
        "model": model[1].decode("utf-8", "replace") if model else None,
    }
