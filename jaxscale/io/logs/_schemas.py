"""Logs that are no more than a schema: a record is a call, or a list of calls, and each field is in its place."""

import re
from typing import Any

from jaxscale.io._schema import Schema
from jaxscale.io._verdicts import Scale

_STATUS = Scale({"pass": 1.0, "fail": 0.0, "timeout": 0.0})
_SUCCESS_ONLY = Scale(other=0.0)
"""A reward of exactly 1 is a success, and any other is none, as the benchmark counts."""

_JUDGEMENT = re.compile(r"judgement\**\s*:\s*\**\s*(yes|no)?", re.IGNORECASE)


def _judged(text: Any) -> Any:
    """What NeMo-Skills takes a judgement for: one in another form is a no."""
    if text is None:
        return None
    found = _JUDGEMENT.search(str(text))
    return "no" if found is None or found[1] is None else found[1]


def _completed(status: Any) -> bool | None:
    return None if status is None else str(status).lower() == "completed"


HUMANEVAL = Schema(
    "humaneval",
    marks=("task_id passed",),
    unless=("problem",),
    columns={"problem": "task_id", "passed": "passed"},
)

NEMO_SKILLS = Schema(
    "nemo-skills",
    marks=(
        "predicted_answer expected_answer",
        "is_correct-plus",
        "is_correct generation",
        "graded_list",
        "symbolic_correct",
        "judgement",
        "proof_status",
        "strict_eval",
        "swe-bench-metrics",
    ),
    columns={
        "problem": "id|task_id|problem_id|@line",
        "answer": "predicted_answer",
        "target": "expected_answer",
        "tokens": "num_generated_tokens",
        "prompt_tokens": "num_input_tokens",
    },
    verdicts={
        "symbolic_correct": "symbolic_correct",
        "judgement": lambda record: _judged(record.get("judgement")),
        "is_correct-plus": "is_correct-plus",
        "is_correct": "is_correct",
        "graded_list": "graded_list",
        "proof_status": lambda record: _completed(record.get("proof_status")),
        "strict_eval": "strict_eval.follow_all_instructions",
        "resolved": "swe-bench-metrics.resolved",
    },
    scale=Scale({"yes": 1.0, "no": 0.0}),
    many=True,
)

VERL = Schema(
    "verl",
    marks=("input output score gts", "input output score step"),
    unless=("problem",),
    columns={
        "problem": "input+gts",
        "passed": "acc|score",
        "answer": "pred",
        "target": "gts",
        "step": "step",
    },
    scale=Scale(no_answer=frozenset(("[invalid]",))),
)

BIGCODEBENCH = Schema(
    "bigcodebench",
    marks=("eval status",),
    rows="eval.*",
    columns={"problem": "@key", "passed": "status"},
    scale=_STATUS,
)

LIVECODEBENCH = Schema(
    "livecodebench",
    marks=("question_id graded_list",),
    columns={"problem": "question_id", "passed": "graded_list"},
    many=True,
)

QWEN_MATH = Schema(
    "qwen-math",
    marks=("idx pred score",),
    columns={"problem": "idx", "passed": "score", "answer": "pred", "target": "gt"},
    many=True,
)

TERMINAL_BENCH = Schema(
    "terminal-bench",
    marks=("results task_id is_resolved",),
    rows="results",
    columns={
        "problem": "task_id",
        "passed": "is_resolved",
        "tokens": "total_output_tokens",
        "prompt_tokens": "total_input_tokens",
    },
    scale=Scale(errors="wrong"),
)

TAU_BENCH = Schema(
    "tau-bench",
    marks=("task_id reward trial",),
    columns={"problem": "task_id", "passed": "reward", "epoch": "trial"},
    scale=_SUCCESS_ONLY,
)

_TAU2 = {
    "problem": "task_id",
    "passed": "reward_info.reward",
    "epoch": "trial",
    "uuid": "id",
}

TAU2_BENCH = Schema(
    "tau2-bench",
    marks=("user_info agent_info",),
    rows="simulations",
    columns={**_TAU2, "model": "^info.agent_info.llm", "task": "^info.environment_info.domain_name"},
    scale=_SUCCESS_ONLY,
    late=True,
)

TAU2_SIMULATION = Schema(
    "tau2-simulation",
    marks=("task_id reward_info trial",),
    columns=_TAU2,
    scale=_SUCCESS_ONLY,
    tool="tau2-bench",
)

HARBOR = Schema(
    "harbor",
    marks=("task_name verifier_result agent_info",),
    columns={
        "problem": "task_name",
        "model": "agent_info.model_info.name",
        "tokens": "agent_result.n_output_tokens",
        "prompt_tokens": "agent_result.n_input_tokens",
        "uuid": "id",
        "error": "exception_info",
    },
    verdicts={"rewards": "verifier_result.rewards.*"},
)

MCPMARK = Schema(
    "mcpmark",
    marks=("task runs success",),
    rows="runs.*",
    columns={
        "problem": "^task+^service",
        "passed": "success",
        "model": "^model",
        "tokens": "token_usage.output_tokens",
        "prompt_tokens": "token_usage.input_tokens",
        "error": "error_message",
    },
)

MULTIPL_E = Schema(
    "multipl-e",
    marks=("name results exit_code",),
    rows="results",
    columns={"problem": "^name", "passed": "exit_code", "task": "^language"},
    scale=Scale({"0": 1.0, "1": 0.0}, other=0.0),
)

VERIFIERS = Schema(
    "verifiers",
    marks=("example_id reward",),
    columns={
        "problem": "example_id",
        "passed": "reward",
        "target": "answer",
        "task": "task",
        "tokens": "token_usage.output_tokens",
        "prompt_tokens": "token_usage.input_tokens",
        "error": "error",
    },
)

PROMPTFOO = Schema(
    "promptfoo",
    marks=("results prompts provider",),
    rows="results.results",
    columns={
        "problem": "vars+promptIdx",
        "passed": "success",
        "model": "provider.id",
        "uuid": "id",
        "tokens": "response.tokenUsage.completion",
        "prompt_tokens": "response.tokenUsage.prompt",
    },
)

_OPENCOMPASS = {
    "problem": "example_abbr|@key",
    "answer": "pred|predictions",
    "target": "answer|references",
    "task": "@stem",
}
_OPENCOMPASS_VERDICTS = {name: name for name in ("correct", "is_correct", "cascade_correct")}

OPENCOMPASS = Schema(
    "opencompass",
    marks=tuple(f"details {name}" for name in _OPENCOMPASS_VERDICTS),
    rows="details",
    columns={**_OPENCOMPASS, "problem": "example_abbr|@line"},
    verdicts=_OPENCOMPASS_VERDICTS,
    many=True,
)

OPENCOMPASS_SETS = Schema(
    "opencompass-sets",
    marks=OPENCOMPASS.marks,
    rows="details.*",
    columns=_OPENCOMPASS,
    verdicts=_OPENCOMPASS_VERDICTS,
    many=True,
    tool="opencompass",
)

KERNELBENCH = Schema(
    "kernelbench",
    marks=("compiled correctness",),
    rows="*",
    columns={"problem": "@key", "passed": "correctness", "epoch": "sample_id"},
)

SWE_BENCH_INSTANCE = Schema(
    "swe-bench-instance",
    marks=("patch_successfully_applied resolved",),
    rows="*",
    columns={"problem": "@key", "passed": "resolved"},
    tool="swe-bench",
)

OPENAI_EVALS = Schema(
    "openai-evals",
    marks=("spec.eval_name spec.run_id", "run_id event_id sample_id type data"),
    columns={
        "problem": "sample_id",
        "passed": "data.correct",
        "answer": "data.picked",
        "target": "data.expected",
        "run": "run_id",
        "model": "^spec.completion_fns",
        "task": "^spec.eval_name",
    },
    where=("type", "match"),
)

SIMPLE_EVALS = Schema(
    "simple-evals",
    marks=("example_level_metadata score",),
    rows="metadata.example_level_metadata",
    columns={
        "problem": "prompt_id",
        "passed": "score",
        "uuid": "completion_id",
        "answer": "extracted_answer",
        "target": "correct_answer",
        "tokens": "usage.output_tokens|usage.completion_tokens",
        "prompt_tokens": "usage.input_tokens|usage.prompt_tokens",
    },
    late=True,
)


def _each(record: dict[str, Any], place: int) -> list[Any]:
    """What stands at a place of each pair of an answer and its tokens."""
    pairs = record.get("all_answers")
    found = [pair if isinstance(pair, list) else [pair] for pair in (pairs if isinstance(pairs, list) else [])]
    return [pair[place] if len(pair) > place else None for pair in found]


def _equal_to_gold(record: dict[str, Any]) -> list[bool]:
    gold = str(record.get("gold_answer")).strip()
    return [str(answer).strip() == gold for answer in _each(record, 0)]


BEST_OF_INFINITY = Schema(
    "best-of-infinity",
    marks=("problem_num all_answers gold_answer",),
    columns={
        "problem": "problem_num",
        "passed": _equal_to_gold,
        "answer": lambda record: _each(record, 0),
        "tokens": lambda record: _each(record, 1),
        "target": "gold_answer",
    },
    many=True,
)


def _reviewed(record: dict[str, Any], name: str) -> list[Any]:
    """A field of the review of each choice."""
    choices = record.get("choices")
    reviews = [each.get("review") if isinstance(each, dict) else None for each in choices or ()]
    return [each.get(name) if isinstance(each, dict) else None for each in reviews]


def _first_result(result: Any) -> Any:
    """A result, or the first of several metrics."""
    return next(iter(result.values()), None) if isinstance(result, dict) else result


EVALSCOPE_OLD = Schema(
    "evalscope-old",
    marks=("choices review_id",),
    columns={
        "problem": "index",
        "passed": lambda record: [_first_result(each) for each in _reviewed(record, "result")],
        "answer": lambda record: _reviewed(record, "pred"),
        "target": lambda record: next(iter(_reviewed(record, "gold")), None),
        "model": "model",
    },
    many=True,
    tool="evalscope",
)


def _statuses(record: dict[str, Any], *tests: str) -> list[bool] | None:
    """Whether each sample passed all of some tests, of which a result is a list that begins with the status."""
    lists = [each if isinstance(each := record.get(name), list) else [] for name in tests]
    if not all(lists) or len({len(each) for each in lists}) > 1:
        return None
    statuses = [[result[0] if isinstance(result, list) and result else result for result in each] for each in lists]
    return [all(status in ("success", "pass") for status in sample) for sample in zip(*statuses, strict=True)]


EVALPLUS_OLD = Schema(
    "evalplus-old",
    marks=("eval base nfiles",),
    rows="eval.*",
    columns={"problem": "@key"},
    verdicts={
        "plus": lambda record: _statuses(record, "base", "plus"),
        "base": lambda record: _statuses(record, "base"),
    },
    many=True,
    tool="evalplus",
)

SCHEMAS = (
    OPENCOMPASS,
    OPENCOMPASS_SETS,
    KERNELBENCH,
    SWE_BENCH_INSTANCE,
    OPENAI_EVALS,
    SIMPLE_EVALS,
    BEST_OF_INFINITY,
    EVALSCOPE_OLD,
    EVALPLUS_OLD,
    BIGCODEBENCH,
    TERMINAL_BENCH,
    PROMPTFOO,
    LIVECODEBENCH,
    QWEN_MATH,
    TAU_BENCH,
    TAU2_BENCH,
    TAU2_SIMULATION,
    HARBOR,
    MCPMARK,
    MULTIPL_E,
    VERIFIERS,
    NEMO_SKILLS,
    VERL,
    HUMANEVAL,
)
