"""The inputs of ../shared/cases, each with what is right of it; skipped where they are not there."""

import json
import math
import re
import shlex
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning

CASES = Path(__file__).parents[2] / "shared" / "cases"
EXPECTED = json.loads((CASES / "expected.json").read_text()) if (CASES / "expected.json").is_file() else []
OPTIONS = {"--group": "group", "--scorer": "scorer", "--right": "right", "--equivalence": "equivalence"}
# What a case says in words: the options with which it is read, and what is right then.
IN_WORDS = {
    "the others are read, it is named as skipped": ("", {"attempts": [1], "successes": [1], "said": "b.json"}),
    "refused without --right; with it, as asked": ("--right '>= 1'", {"attempts": [4, 4], "successes": [3, 2]}),
    "refused: names the values (as tables do), or read with --right": (
        "--right yes,passed,success",
        {"attempts": [4], "successes": [3]},
    ),
    "the same as humaneval_results.jsonl": ("", {"same": "reports/humaneval_results.jsonl"}),
    "all whole lines are read, one warning": ("", {"attempts": [3, 2], "successes": [2, 0], "said": "cut off"}),
    "refused, proposing --columns problem=task_id; with it attempts [2,2], successes [1,0]": (
        "--columns problem=task_id",
        {"attempts": [2, 2], "successes": [1, 0]},
    ),
}


def pass_at_k(attempts, k):
    pairs = zip(attempts.attempts.tolist(), attempts.successes.tolist(), strict=True)
    return np.mean([1 - math.comb(n - c, k) / math.comb(n, k) for n, c in pairs])


def vote_at(ballots, k):
    """The accuracy of a vote over every set of k calls, ties split and blanks never winning."""
    shares = []
    worth = ballots.correct if ballots.verdicts is None else ballots.verdicts
    for counts, value, blank in zip(ballots.counts, worth, ballots.blank, strict=True):
        calls = [*np.repeat(np.arange(len(counts)), counts), *[-1] * int(blank)]
        won = []
        for drawn in combinations(calls, k):
            cast = [answer for answer in drawn if answer >= 0]
            most = max(map(cast.count, cast), default=0)
            leaders = {answer for answer in cast if cast.count(answer) == most}
            won.append(sum(float(value[answer]) for answer in leaders) / max(len(leaders), 1))
        shares.append(np.mean(won))
    return np.mean(shares)


def options_of(words):
    given = {}
    texts = shlex.split(words)
    for name, value in zip(texts[::2], texts[1::2], strict=True):
        if name == "--columns":
            given["columns"] = dict(each.split("=") for each in value.split(","))
        elif name == "--group":
            given["group"] = [*given.get("group", []), value]
        else:
            given[OPTIONS[name]] = value
    return given


def check(path, expect, **options):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", DataWarning)
        options = dict(options)
        equivalence = {"equivalence": options.pop("equivalence")} if "equivalence" in options else {}
        data = js.read_attempts(path, **options)
    group = next(iter(data.values()))
    for what, value in expect.items():
        if what.startswith("with "):
            further = options_of(what.removeprefix("with "))
            if isinstance(value, dict):
                check(path, value, **further)
            else:
                sets, queries, calls = re.fullmatch(r"(\d+) data sets(?: of (\d+) queries x (\d+))?", value).groups()
                read = js.read_attempts(path, **further)
                assert len(read) == int(sets)
                assert all(len(each) == int(queries) for each in read.values() if queries)
                assert all(set(each.attempts.tolist()) == {int(calls)} for each in read.values() if calls)
        elif what == "queries":
            assert len(group) == value
        elif what == "attempts" and isinstance(value, str):
            least, most = map(int, value.split(" to "))
            assert (group.attempts.min(), group.attempts.max()) == (least, most)
        elif what == "attempts":
            assert group.attempts.tolist() == ([value] * len(group) if isinstance(value, int) else value)
        elif what == "attempts in all":
            assert group.attempts.sum() == value
        elif what == "successes":
            assert group.successes.tolist() == value
        elif what == "dropped":
            assert sum(dict(data.summary.dropped).values()) == value
        elif what == "never":
            assert not (group.attempts == int(re.search(r"(\d+)$", value)[1])).all()
        elif what == "said":
            assert any(value in str(each.message) for each in said)
        elif what == "same":
            other = js.read_attempts(CASES / value)["all"]
            assert (other.attempts.tolist(), other.query) == (group.attempts.tolist(), group.query)
            assert other.successes.tolist() == group.successes.tolist()
        elif what == "report":
            pass  # below
        elif (found := re.fullmatch(r"pass@(\d+)", what)) is not None:
            assert pass_at_k(group, int(found[1])) == pytest.approx(value, abs=1e-9)
        elif (found := re.fullmatch(r"(?:vote at |maj@)(\d+)(?: with (.*))?", what)) is not None:
            asked = {**options, **equivalence, **options_of(found[2] or "")}
            ballots = js.read_ballots(path, **asked)["all"]
            assert vote_at(ballots, int(found[1])) == pytest.approx(value, abs=1e-9)
        else:
            raise AssertionError(f"not known: {what}")


def check_refused(path, words, **options):
    with pytest.raises(DataError) as caught:
        js.read_attempts(path, **options)
    files = list(map(str, path)) if isinstance(path, list) else [str(path)]
    assert run(["forecast", *files, "--k", "1"]) == 2
    for option in re.findall(r"--[a-z]+ [a-z]+(?:=\w+)?", words):
        assert option in str(caught.value)
    return str(caught.value)


def name(case):
    return case["path"] if isinstance(case["path"], str) else "+".join(case["path"])


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
@pytest.mark.parametrize("case", EXPECTED, ids=name)
def test_a_case_is_read_as_the_tool_counts(case, tmp_path):
    given, expect = case["path"], case["expect"]
    path = CASES / given if isinstance(given, str) else [CASES / each for each in given]
    if isinstance(expect, dict):
        expect = dict(expect)
        refused = expect.pop("without", None) or expect.pop("default", None)
        if "--equivalence text" in str(expect):
            ballots = js.read_ballots(path, equivalence="text")["all"]
            assert ballots.counts[0, :3].tolist() == [2, 2, 2]
            return
        needs_math = "equivalence math" in str(expect)
        if needs_math:
            pytest.importorskip("math_verify")
        if refused:
            check_refused(path, refused)
            for each, value in expect.items():
                if isinstance(value, dict):
                    check(path, value, **options_of(each.removeprefix("with ")))
                else:
                    read = js.read_attempts(path, **options_of(each.removeprefix("with ")))
                    assert len(read) == int(value.split()[0])
        else:
            correct_only = needs_math or given == "reports/latex_equal.jsonl"
            if correct_only:
                for each, value in expect.items():
                    words = re.fullmatch(r"vote at (\d+) with (.*)", each)
                    ballots = js.read_ballots(path, **options_of(words[2]))["all"]
                    assert vote_at(ballots, int(words[1])) == value
            else:
                check(path, expect)
    elif expect in IN_WORDS:
        words, right = IN_WORDS[expect]
        if expect.startswith("refused"):
            check_refused(path, expect.split(";")[0])
        check(path, right, **options_of(words))
    else:
        said = check_refused(path, expect)
        if "Git LFS" in case["what"]:
            assert "Git LFS" in said
    if isinstance(case.get("vote"), dict):
        check(path, case["vote"])
    elif case.get("vote", "").startswith("refused"):
        with pytest.raises(DataError, match="no answers"):
            js.read_ballots(path)
    elif "never wins" in case.get("vote", ""):
        assert js.read_ballots(path)["all"].blank.sum() > 0
    if isinstance(expect, dict) and "report" in expect:
        output = tmp_path / "report.html"
        assert run(["report", str(path), "-o", str(output), "--quiet"]) == 0
        assert output.is_file()
