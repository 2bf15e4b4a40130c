"""lm-evaluation-harness: 8 repeats of a document, filters that score one of them or all, and pass@k of them."""

import importlib.util
import json
import os
import sys
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
os.environ["HF_HOME"] = os.environ["HF_DATASETS_CACHE"] = str(Path(sys.argv[1], "cache"))

import _script as script
from lm_eval.__main__ import cli_evaluate
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

COMMON = r"""
task: {task}
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "{{{{gold}}}}"
repeats: {repeats}
generation_kwargs: {{until: ["\n\n"], do_sample: true, temperature: 1.0}}
metadata: {{version: 1.0}}
"""

EXACT = """
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
filter_list:
"""

REGEX = r'{function: regex, regex_pattern: "ANSWER: (\\d+)"}'
FIRST = "  - {name: first, filter: [REGEX, {function: take_first}]}\n"
VOTE = "  - {name: maj@8, filter: [REGEX, {function: majority_vote}, {function: take_first}]}\n"

PASS = """
metric_list:
  - {metric: !function scoring.pass_at, aggregation: mean, higher_is_better: true, k: [1, 4]}
filter_list:
  - {name: all, filter: [{function: custom, filter_fn: !function scoring.keep}]}
"""

SCORING = '''
"""Scoring as the harness's own task of HumanEval has it: a filter that keeps all, and a metric by each k."""

from math import comb


def keep(resps, docs):
    return [[text.rsplit("ANSWER: ", 1)[-1] if "ANSWER" in text else "[invalid]" for text in each] for each in resps]


def pass_at(references, predictions, k):
    found = {}
    (given,) = predictions
    right = sum(text == references[0] for text in given)
    for each in k:
        found[f"pass@{each}"] = 1 - comb(len(given) - right, each) / comb(len(given), each)
    return found
'''


@register_model("scripted")
class Scripted(LM):
    def __init__(self, **kwargs):
        super().__init__()
        self.made = {}

    def generate_until(self, requests, disable_tqdm=False):
        texts = []
        for request in requests:
            index = script.index_of(request.args[0])
            call = self.made[index] = self.made.get(index, -1) + 1
            texts.append(script.text(index, call))
        return texts

    def loglikelihood(self, requests, disable_tqdm=False):
        raise NotImplementedError

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        raise NotImplementedError


def ran(folder, task, config, repeats=script.CALLS):
    """Where the samples of a task are, and its results, as the command line writes them."""
    tasks = folder / "tasks" / task
    tasks.mkdir(parents=True)
    data = tasks / "data.jsonl"
    rows = [{"question": script.question(i), "gold": script.gold(i)} for i in range(script.PROBLEMS)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tasks / "scoring.py").write_text(SCORING)
    text = COMMON.format(task=task, data=data, repeats=repeats) + config.replace("REGEX", REGEX)
    (tasks / f"{task}.yaml").write_text(text)
    output = folder / task
    sys.argv = ["lm_eval", "--model", "scripted", "--model_args", "x=1", "--tasks", task, "--include_path", str(tasks),
                "--log_samples", "--output_path", str(output)]  # fmt: skip
    cli_evaluate()
    (samples,) = output.rglob("samples_*.jsonl")
    (results,) = output.rglob("results*.json")
    return samples.relative_to(folder), json.loads(results.read_text())["results"][task]


def voted(index):
    """The answer that most calls give, and whether it is right; "[invalid]" votes, as the harness has it."""
    given = [script.answer(index, call) for call in range(script.CALLS)]
    return max(given, key=given.count)


def main(folder):
    samples, found = ran(folder, "sums_repeats", EXACT + FIRST + VOTE)
    first = script.expected(name=str, calls=[0], counted=False)
    vote = {}
    for index in range(script.PROBLEMS):
        said = voted(index)
        vote[str(index)] = {"attempts": 1, "successes": int(said == script.gold(index)), "blank": int(said is None)}
    accuracy, majority = found["exact_match,first"], found["exact_match,maj@8"]
    with (folder / samples).open() as file:  # old versions write no names of filters
        names = ("first", "maj@8") if "filter" in json.loads(file.readline()) else ("filter 1", "filter 2")
    cases = [
        script.case("8 repeats, filter first", samples, first, {"pass@1": accuracy}, scorer=names[0]),
        script.case("8 repeats, filter maj@8", samples, vote, {"pass@1": majority}, scorer=names[1]),
    ]
    if importlib.util.find_spec("lm_eval.filters.custom"):  # old versions have no filter of one's own
        samples, found = ran(folder, "sums_pass", PASS)
        every = script.expected(name=str, counted=False)
        # What the filter maj@8 made of the same calls: a vote among all of them has no chance in it.
        tool = {"pass@1": found["pass@1,all"], "pass@4": found["pass@4,all"], "maj@8": majority}
        cases.append(script.case("8 repeats, a filter that keeps all", samples, every, tool, scorer="all: pass@1"))
    samples, found = ran(folder, "sums_one", EXACT + FIRST, repeats=1)
    cases.append(script.case("1 call", samples, first, {"pass@1": found["exact_match,first"]}))
    script.done(folder, "the metric of a document and filter", cases)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
