"""lighteval: a custom task of 8 samples with pass@k, and one of one sample with an exact match; details as Parquet."""

import json
import sys
from pathlib import Path

import _script as script
import numpy as np
from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.metrics.metrics_sample import ExactMatches, PassAtK
from lighteval.metrics.utils.metric_utils import SampleLevelMetric
from lighteval.models.abstract_model import LightevalModel, ModelConfig
from lighteval.models.model_output import ModelResponse
from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
from lighteval.tasks.registry import Registry
from lighteval.tasks.requests import Doc, SamplingMethod

TASKS = """
from write_lighteval import configured

TASKS_TABLE = configured({data!r})
"""


def asked(line, task_name=None):
    return Doc(task_name=task_name, query=line["question"], choices=[line["gold"]], gold_index=0)


def metric(name, function):
    return SampleLevelMetric(
        metric_name=name,
        sample_level_fn=function,
        category=SamplingMethod.GENERATIVE,
        corpus_level_fn=np.mean,
        higher_is_better=True,
    )


def configured(data):
    from lighteval.tasks.lighteval_task import LightevalTaskConfig

    calls = script.CALLS
    pass_at = [metric(f"pass@k:k={k}&n={calls}", PassAtK(k=k, n=calls, strip_strings=True)) for k in (1, 4)]
    exact = [metric("em", ExactMatches(strip_strings=True))]
    common = {
        "prompt_function": asked,
        "hf_repo": data,
        "hf_subset": "default",
        "hf_avail_splits": ["train"],
        "evaluation_splits": ["train"],
        "generation_size": 32,
    }
    return [
        LightevalTaskConfig(name="sums_eight", metrics=pass_at, num_samples=[calls], **common),
        LightevalTaskConfig(name="sums_one", metrics=exact, **common),
    ]


class Scripted(LightevalModel):
    def __init__(self):
        self.config = ModelConfig(model_name="org/known")
        self._cache = NoCache()

    def greedy_until(self, docs):
        return [self.said(doc) for doc in docs]

    def said(self, doc):
        index = script.index_of(doc.query)
        calls = range(doc.num_samples or 1)
        return ModelResponse(
            text=[script.answer(index, call) or "I do not know." for call in calls],
            input_tokens=list(range(script.prompt_tokens(index))),
            output_tokens=[list(range(script.tokens(index, call))) for call in calls],
        )

    def loglikelihood(self, docs):
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood

    @property
    def tokenizer(self):
        return None

    @property
    def add_special_tokens(self):
        return False

    @property
    def max_length(self):
        return 2048


class NoCache:
    def _init_registry(self, registry):
        pass


def main(folder):
    data = folder / "data"
    data.mkdir()
    rows = [{"question": script.question(i), "gold": script.gold(i)} for i in range(script.PROBLEMS)]
    (data / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    tasks = folder / "tasks_of_sums.py"
    tasks.write_text(TASKS.format(data=str(data)))
    # Of the package's own tasks, which are loaded beside ours, one fetches a file from the network.
    Registry._load_from_files = Registry._load_from_subdirs = staticmethod(lambda *given: {})
    tracker = EvaluationTracker(output_dir=str(folder / "out"), save_details=True)
    pipeline = Pipeline(
        tasks="sums_eight|0,sums_one|0",
        pipeline_parameters=PipelineParameters(
            launcher_type=ParallelismManager.CUSTOM, custom_tasks_directory=str(tasks)
        ),
        evaluation_tracker=tracker,
        model=Scripted(),
    )
    pipeline.evaluate()
    pipeline.save_and_push_results()
    results = pipeline.get_results()["results"]
    (eight,) = [found for name, found in results.items() if "sums_eight" in name]
    (one,) = [found for name, found in results.items() if "sums_one" in name]
    (of_eight,) = (folder / "out").rglob("details_*sums_eight*.parquet")
    (of_one,) = (folder / "out").rglob("details_*sums_one*.parquet")
    every = script.expected(name=str, votes=False)
    first = script.expected(name=str, calls=[0], votes=False, counted=False)
    tool = {f"pass@{k}": float(eight[f"pass@k:k={k}&n=8"]) for k in (1, 4)}
    cases = [
        script.case("8 samples", of_eight.relative_to(folder), every, tool, scorer="pass@k:k=1&n=8"),
        script.case("1 sample", of_one.relative_to(folder), first, {"pass@1": float(one["em"])}),
    ]
    script.done(folder, "`metric`; `pass@k:k=1&n=8` is a share", cases)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
