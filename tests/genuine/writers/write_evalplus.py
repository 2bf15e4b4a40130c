"""EvalPlus: programs that are run against the base tests and the additional ones of 12 problems of our own."""

import contextlib
import io
import json
import os
import re
import sys
from pathlib import Path

FOLDER = Path(sys.argv[1])
os.environ["XDG_CACHE_HOME"] = str(FOLDER / "cache")
os.environ["HUMANEVAL_OVERRIDE_PATH"] = str(FOLDER / "problems.jsonl")

import _script as script  # noqa: E402
from evalplus.evaluate import evaluate  # noqa: E402

ENDLESS = (6, 3)
"""A call that never ends."""


def plus(index, call):
    """Whether a call passes the additional tests as well."""
    return script.right(index, call) and call % 3 != 0


def body(index, call):
    """A program that passes the base test (x = 0), the additional ones (x = 1, 2), both or neither."""
    right = f"x + {script.gold(index)}"
    if (index, call) == ENDLESS:
        return "    while True:\n        pass\n"
    if script.right(index, call):
        return f"    return {right}\n" if plus(index, call) else f"    return {script.gold(index)}\n"
    if call % 2:
        return f"    return {right} if x else None\n"  # passes what is additional, but not the base test
    return "    raise ValueError(x)\n"


def printed(text):
    """The pass@k that was printed, first of the base tests, then of all."""
    text = re.sub(r"\x1b\[\d+m", "", text)
    tables = re.findall(r"pass@(\d+):\s+([\d.]+)|\((base tests|base \+ extra tests)\)", text)
    found = []
    for k, value, title in tables:
        if title:
            found.append({})
        else:
            found[-1][f"pass@{k}"] = float(value)
    if len(found) != 2:  # older versions print {'pass@1': 0.5} below "Base" and "Base + Extra"
        found = [
            {name: float(value) for name, value in re.findall(r"'(pass@\d+)': (?:np\.float64\()?([\d.]+)", line)}
            for line in text.splitlines()
            if "'pass@1'" in line
        ]
    return found


def main(folder):
    with (folder / "problems.jsonl").open("w") as file:
        for index in range(script.PROBLEMS):
            each = {
                "task_id": f"HumanEval/{index}",
                "prompt": "def solve(x):\n",
                "entry_point": "solve",
                "canonical_solution": f"    return x + {script.gold(index)}\n",
                "contract": "",
                "base_input": [[0]],
                "plus_input": [[1], [2]],
                "atol": 0,
            }
            file.write(json.dumps(each) + "\n")
    samples = folder / "samples.jsonl"
    with samples.open("w") as file:
        for index in range(script.PROBLEMS):
            for call in range(script.CALLS + 2):  # pass@10 wants ten
                solution = "def solve(x):\n" + body(index, call % script.CALLS)
                file.write(json.dumps({"task_id": f"HumanEval/{index}", "solution": solution}) + "\n")
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        run(str(samples))
    base, more = printed(said.getvalue())
    (results,) = folder.glob("*eval_results.json")
    cases = []
    for name, verdict, tool in (("plus", plus, more), ("base", script.right, base)):
        problems = script.expected(
            name=lambda index: f"HumanEval/{index}",
            calls=range(script.CALLS + 2),
            verdict=lambda index, call, verdict=verdict: verdict(index, call % script.CALLS),
            votes=False,
            counted=False,
        )
        cases.append(script.case(f"--scorer {name}", results.name, problems, tool, scorer=name))
        cases[-1]["close"] = 5e-4  # printed to three digits
    script.done(folder, "`base_status` and `plus_status`", cases)


def run(samples):
    try:
        evaluate("humaneval", samples, parallel=2, i_just_wanna_run=True)
    except TypeError:  # older versions take the flags of the command line
        import evalplus.evaluate

        sys.argv = ["evalplus.evaluate", "--dataset", "humaneval", "--samples", samples, "--parallel", "2"]
        evalplus.evaluate.main()


if __name__ == "__main__":
    main(FOLDER)
