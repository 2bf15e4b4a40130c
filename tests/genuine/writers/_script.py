"""What the scripted model says, so that every count is known. Standard library alone: each tool's Python runs it."""

import json
from math import comb
from pathlib import Path

PROBLEMS = 12
CALLS = 8
RIGHT = (8, 7, 6, 5, 4, 4, 2, 1, 0, 5, 2, 6)
"""Right calls of each problem."""


def problem(index):
    """The id of a problem."""
    return f"q{index}"


def question(index):
    """Its question, in which `index_of` finds it again."""
    return f"Problem {index}: what is 10 plus {index}?"


def index_of(text):
    """The problem that a prompt asks."""
    return int(text.rsplit("Problem ", 1)[1].split(":")[0])


def gold(index):
    """The right answer."""
    return str(10 + index)


def right(index, call):
    """Whether a call is right: the right ones are spread over the calls."""
    return (5 * call + index) % CALLS < RIGHT[index]


def answer(index, call):
    """What a call answers; None for no answer. A wrong answer is one of three, and no problem's vote is tied."""
    if right(index, call):
        return gold(index)
    if (index + call) % 7 == 0:
        return None
    return str(100 * (1 + (call % 5 == 0) + (call % 3 == 0)) + index)


def text(index, call):
    """The whole text of a call."""
    said = answer(index, call)
    return "I do not know." if said is None else f"10 plus {index} makes a number. ANSWER: {said}"


def tokens(index, call):
    """How many tokens a call writes."""
    return 5 + (3 * index + call) % 11


def prompt_tokens(index):
    """How many tokens the prompt of a problem has."""
    return 20 + index


def expected(name=problem, calls=range(CALLS), without=(), verdict=right, votes=True, counted=True):
    """What is right for each problem.

    Args:
        name: from its index to its id in the log.
        calls: those that were made.
        without: pairs of a problem and a call that has no verdict.
        verdict: whether a call is right.
        votes: whether the log has the answers of calls.
        counted: whether it has their tokens.
    """
    found = {}
    for index in range(PROBLEMS):
        made = [call for call in calls if (index, call) not in without]
        each = {"attempts": len(made), "successes": sum(verdict(index, call) for call in made)}
        if votes:
            given = [answer(index, call) for call in made]
            each["votes"] = sorted(given.count(said) for said in set(given) - {None})
            each["blank"] = given.count(None)
        if counted:
            each["tokens"] = sum(tokens(index, call) for call in made) / len(made)
            each["prompt_tokens"] = prompt_tokens(index)
        found[str(name(index))] = each
    return found


def pass_at(k, problems):
    """The mean of 1 - C(n - c, k) / C(n, k), by whole numbers."""
    each = [(found["attempts"], found["successes"]) for found in problems.values()]
    return sum(1 - comb(n - c, k) / comb(n, k) for n, c in each) / len(each)


def case(name, path, problems, metrics, **options):
    """A log, what is known of it, what the tool itself reports ({"pass@1": ...}), and how it is to be read."""
    return {"name": name, "path": str(path), "problems": problems, "metrics": metrics, "options": options}


def done(folder, verdict, cases):
    """Leave what is known beside the logs."""
    Path(folder, "known.json").write_text(json.dumps({"verdict": verdict, "cases": cases}, indent=1))
