"""Every bad file ends in one line that names the file, the line, and what was expected."""

import os
import warnings

import pyarrow as pa
import pyarrow.parquet
import pytest

import jaxscale as js
from jaxscale.data import DataError

HEADER = "problem,attempts,successes\n"
VOTES = "problem,answer,count,correct\n"
CALLS = "problem,answer,correct,kept,score\n"


def complaint(read, path, *arguments, **options):
    with pytest.raises(DataError) as caught:
        read(path, *arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    place = f"{caught.value.file}: " if caught.value.line is None else f"{caught.value.file}, line "
    assert caught.value.file is None or message.startswith(place)
    assert caught.value.file in (None, str(path), repr(path))
    return message


ATTEMPTS = {
    "empty file": ("", "is empty"),
    "blank file": (" \n\n", "is empty: expected a header line"),
    "only line ends": ("\n\n", "is empty: expected a header line"),
    "header only": (HEADER, "has a header but no rows"),
    "header and blank lines": (HEADER + "\n\n", "has a header but no rows"),
    "missing column": ("problem,attempts\na,1\n", "no column 'successes': expected columns problem, attempts"),
    "misspelt column": ("problem,attempts,sucesses\na,1,1\n", "no column 'successes' (is 'sucesses' meant?)"),
    "misspelt, all": ("Problem,Attempts,Successes\na,1,1\n", "no column 'problem' (is 'Problem' meant?)"),
    "misspelt call": ("problem,pased\na,1\n", "no column 'passed' (is 'pased' meant?)"),
    "ballots": ("problem,answer,correct\na,1,1\n", "holds ballots, not attempts"),
    "mixed layouts": ("problem,attempts,successes,passed\na,1,1,1\n", "layouts together (attempts, successes, passed)"),
    "successes > attempts": (HEADER + "a,2,1\nb,1,2\n", "line 3: successes = 2 of attempts = 1: expected at most"),
    "negative": (HEADER + "a,2,-1\n", "line 2: successes = '-1': expected a whole number from 0 to 10^12"),
    "no attempts": (HEADER + "a,0,0\n", "line 2: attempts = '0': expected a whole number from 1"),
    "fractional": (HEADER + "a,2,0.5\n", "line 2: successes = '0.5': expected a whole number"),
    "nan": (HEADER + "a,NaN,0\n", "line 2: attempts = 'NaN': expected a whole number"),
    "infinite": (HEADER + "a,inf,0\n", "line 2: attempts = 'inf'"),
    "empty value": (HEADER + "a,2,1\nb,,0\n", "line 3: attempts is empty: expected a whole number"),
    "huge": (HEADER + "a,1e15,0\n", "line 2: attempts = '1e15': expected a whole number from 1 to 10^12"),
    "huge digits": (HEADER + "a," + "9" * 6000 + ",0\n", "line 2: attempts = '9999"),
    "overflow": (HEADER + "a,1e999,0\n", "line 2: attempts = '1e999'"),
    "underscore": (HEADER + "a,1_0,0\n", "line 2: attempts = '1_0'"),
    "text": (HEADER + "a,ten,0\n", "line 2: attempts = 'ten': expected a whole number"),
    "text over lines": (HEADER + '"a\nb",1,1\nc,"x\ny",0\n', "line 4: attempts = 'x\\ny'"),
    "not passed": ("problem,passed\na,1\na,yes\n", "line 3: passed = 'yes': expected 0 or 1, true or false"),
    "empty problem": (HEADER + "a,1,1\n,1,1\n", "line 3: problem is empty: expected a label"),
    "duplicate": (HEADER + "a,1,1\n\nb,1,1\na,1,1\n", "line 5: problem 'a' appears again (first on line 2)"),
    "gold differs": ("problem,passed,target\na,1,x\na,0,y\n", "line 3: problem 'a' has target 'y', but 'x' on line 2"),
    "duplicate column": ("problem,attempts,attempts,successes\na,1,1,1\n", "column 'attempts' appears 2 times"),
    "ragged": (HEADER + "a,1,1\nb,1,1,1\n", "line 3: 4 fields: expected 3, as in the header"),
    "short row": (HEADER + "a,1\n", "line 2: 2 fields: expected 3"),
    "open quote": (HEADER + 'a,1,1\nb,1,"1\nc,1,1\n', "line 3: a quote is never closed: expected its end"),
    "not utf-8": (HEADER.encode() + b"a,1,1\n\xff,1,1\n", "line 3: not UTF-8 text (byte 1 of the line)"),
    "not utf-8 header": (b"problem,attempts,succ\xe9s\na,1,1\n", "line 1: not UTF-8 text (byte 22"),
    "binary": (b"\x89PNG\0\0\0", "in no known format: expected one of"),
    "nul byte": (b"problem,passed\na,1\n\0,1\n", "line 3: holds a NUL byte, and is in no known format: expected"),
    "utf-16": ((HEADER + "a,1,1\n").encode("utf-16"), "is UTF-16 or UTF-32 text: expected UTF-8"),
    "carriage returns": ("problem,passed\ra,1\r", "line 1: lines end with a carriage return alone: expected"),
    "two separators": ("problem;x|passed\na;1|1\n", "line 1: the header has semicolons and vertical bars but"),
    "sep line": ("sep=;\nproblem;passed\na;1\n", "line 1: 'sep=;' is no header: expected the names of the columns"),
    "semicolons, ragged": ("problem;passed\na;1;2\n", "line 2: 3 fields: expected 2, as in the header"),
    "escape sequence": ("problem,passed\na,\x1b[31m\n", "line 2: passed = '\\x1b[31m': expected 0 or 1"),
}  # fmt: skip

JSONL = {
    "truncated": ('{"problem": 1, "passed": 1}\n{"problem": 1, "pas\n', "line 2: not JSON (Unterminated string"),
    "truncated, alone": ('{"problem": 1, "pas', "line 1: not JSON (Unterminated string"),
    "extra data": ('{"problem": 1, "passed": 1} {}\n', "line 1: not JSON (more than one value at column 28)"),
    "an array": ("[1, 2]\n", "'1': expected a JSON object"),
    "a number": ("{}\n7\n", "line 2: '7': expected a JSON object"),
    "no rows": ("\n \n", "is empty: expected one JSON object a line"),
    "nested too deep": ('{"problem": ' + "[" * 100_000 + "\n", "line 1: JSON nested too deeply"),
    "huge number": ('{"problem": 1, "attempts": 1e400, "successes": 0}\n', "line 1: attempts = '1e400': expected"),
    "many digits": ('{"problem": 1, "attempts": 1' + "0" * 9999 + ', "successes": 0}\n', "line 1: attempts = '1000"),
    "infinity": ('{"problem": 1, "attempts": Infinity, "successes": 0}\n', "line 1: attempts = 'Infinity'"),
    "null": ('{"problem": 1, "attempts": null, "successes": 0}\n', "line 1: attempts is empty"),
    "a list of problems": ('{"problem": [1], "passed": 1}\n', "line 1: problem is a list or an object: expected a"),
    "lists of two lengths": (
        '{"problem": 1, "passed": [1], "tokens": [1, 2]}\n',
        "line 1: lists of different lengths (passed 1, tokens 2): expected an item for each call",
    ),
    "half a surrogate": ('{"problem": "\\ud800", "passed": 1}\n', "line 1: problem holds half a surrogate pair"),
    "no such column": ('{"problem": 1, "pass": 1}\n', "no column 'passed' (is 'pass' meant?)"),
    "no columns": ("{}\n{}\n", "no column 'problem'"),
    "nul byte": (b'{"problem": "a\0", "passed": 1}\n', "line 1: not JSON (Invalid control character at column 15)"),
    "huge tokens": ('{"problem": 1, "passed": 1, "tokens": ' + "9" * 5000 + "}\n", "line 1: tokens = '9999"),
    "carriage returns": (
        '{"problem": 1, "passed": 1}\r{"problem": 1, "passed": 1}\r',
        "line 1: lines end with a carriage",
    ),
    "not utf-8": (b'{"problem": 1, "passed": 1}\n{"problem": "\xff", "passed": 1}\n', "line 2: not UTF-8"),
}

BALLOTS = {
    "kept > count": ("problem,answer,count,correct,kept\np,x,2,1,3\n", "line 2: kept = 3 of count = 2"),
    "negative count": (VOTES + "p,x,-1,1\n", "line 2: count = '-1'"),
    "zero ballots": (VOTES + "p,x,1,1\nq,x,0,1\n", "line 3: problem 'q' has 0 ballots: expected at least one"),
    "too many": (VOTES + "p,x,1000000000000,1\np,y,1,0\n", "problem 'p' has 1000000000001 ballots: expected at most"),
    "twice": (VOTES + "p,x,1,1\np,x,1,1\n", "line 3: answer 'x' to problem 'p' appears again (first on line 2)"),
    "blank twice": (VOTES + "p,,1,0\np,,1,0\n", "line 3: no answer to problem 'p' appears again"),
    "group needed": ("model,problem,answer,correct\nm,p,x,1\nn,p,x,0\n", "2 models ('m', 'n'), which are not to be"),
    "blank but right": ("problem,answer,correct\np,,1\n", "line 2: an empty answer is marked correct: expected 0"),
    "gold differs": ("problem,answer,correct,gold\np,x,1,x\np,y,0,y\n", "problem 'p' has gold 'y', but 'x' on line 2"),
    "score missing": (CALLS + "p,x,1,1,0.5\np,y,0,1,\n", "line 3: score is empty: expected a finite number"),
    "score nan": (CALLS + "p,x,1,1,nan\n", "line 2: score = 'nan': expected a finite number"),
    "negative tokens": ("problem,answer,correct,tokens\np,x,1,-1\n", "line 2: tokens = '-1': expected a finite"),
    "kept is 2": (CALLS + "p,x,1,2,0.5\n", "line 2: kept = '2': expected 0 or 1"),
    "mixed layouts": ("problem,answer,count,correct,score\np,x,1,1,1\n", "two layouts together (count, score)"),
    "attempts": (HEADER + "a,1,1\n", "holds attempts, not ballots"),
    "misspelt count": ("problem,answer,counts,correct\np,x,1,1\n", "no column 'count' (is 'counts' meant?)"),
    "misspelt correct": ("problem,answer,corect\np,x,1\n", "no column 'correct' (is 'corect' meant?)"),
    "not correct": ("problem,answer,correct\np,x,maybe\n", "line 2: correct = 'maybe': expected 0 or 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", ATTEMPTS)
def test_bad_attempts(tmp_path, name):
    content, expected = ATTEMPTS[name]
    path = tmp_path / "runs.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expected in complaint(js.read_attempts, path)


def test_a_bad_row_between_semicolons_is_named(tmp_path):
    path = tmp_path / "runs.csv"
    for content, expected in (
        ('problem;passed\n"a\nb";1\nc;x\n', "line 4: passed = 'x': expected 0 or 1, true or false"),
        ("problem;pased\na;1\n", "no column 'passed' (is 'pased' meant?)"),
    ):
        path.write_text(content)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*separated by semicolons")
            assert expected in complaint(js.read_attempts, path)


@pytest.mark.parametrize("name", JSONL)
def test_bad_json_lines(tmp_path, name):
    content, expected = JSONL[name]
    path = tmp_path / "runs.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expected in complaint(js.read_attempts, path)


@pytest.mark.parametrize("name", BALLOTS)
def test_bad_ballots(tmp_path, name):
    content, expected = BALLOTS[name]
    path = tmp_path / "votes.csv"
    path.write_text(content)
    assert expected in complaint(js.read_ballots, path)


def test_files_that_are_none(tmp_path):
    assert complaint(js.read_attempts, tmp_path / "none.csv") == f"{tmp_path / 'none.csv'}: no such file"
    assert "no file in a known format: expected attempts, ballots or a log" in complaint(js.read_attempts, tmp_path)
    assert "no files: expected at least one" in complaint(js.read_attempts, [])
    assert "not a regular file" in complaint(js.read_attempts, "/dev/zero")
    assert "not a file name" in complaint(js.read_attempts, "runs\0.csv")
    assert "cannot be read: not a directory" in complaint(js.read_ballots, "/dev/null/runs.csv")
    assert "cannot be read: file name too long" in complaint(js.read_ballots, "x" * 5000)


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"problem,passed\na,1\n"])
def test_a_parquet_file_that_is_none(tmp_path, content):
    path = tmp_path / "runs.parquet"
    path.write_bytes(content)
    assert "not a Parquet file" in complaint(js.read_attempts, path)


def test_bad_parquet_tables_name_the_row(tmp_path):
    path = tmp_path / "runs.parquet"
    good = {"problem": ["a", "b"], "passed": [1, 0]}

    def refused(**change):
        pa.parquet.write_table(pa.table({**good, **change}), path)
        return complaint(js.read_attempts, path)

    assert "no scored attempts (2 without a score)" in refused(passed=pa.array([None, None], pa.int64()))
    assert "row 2: passed = '-1'" in refused(passed=[1, -1])
    assert "column 'passed' is of type struct<" in refused(passed=[{"ok": 1}, {"ok": 0}])
    assert "has no rows" in refused(problem=pa.array([], pa.string()), passed=pa.array([], pa.int64()))
    truncated = path.read_bytes()[:-20]
    path.write_bytes(truncated)
    assert "not a Parquet file" in complaint(js.read_attempts, path)


def test_unknown_groups_and_formats_name_the_known_ones(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model,problem,passed\nm,a,1\n")
    message = complaint(js.read_attempts, path, group=["modle"])
    assert "no column 'modle' to group by (did you mean 'model'?): found 'model', 'problem', 'passed'" in message
    with pytest.raises(ValueError, match=r"format = 'cvs': expected one of .*csv"):
        js.read_attempts(path, format="cvs")
    path.write_text("x,y,problem,passed\na / b,c,p,1\na,b / c,p,1\n")
    assert "two groups are both called 'a / b / c'" in complaint(js.read_attempts, path, group=["x", "y"])


def test_a_problem_of_a_group_is_named_with_its_group(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model,problem,attempts,successes\nm,a,1,1\nm,a,1,0\n")
    message = complaint(js.read_attempts, path, group="model")
    assert "line 3: problem 'a' of group 'm' appears again (first on line 2)" in message
    assert "--group" not in message


@pytest.mark.parametrize("start", [b"problem,passed\n", b'{"problem": "', b""])
def test_an_endless_line_is_refused_before_it_fills_the_memory(tmp_path, start):
    path = tmp_path / "runs"
    path.write_bytes(start)
    os.truncate(path, 10 * 2**30)  # a sparse file: its 10 GB take no room on the disk
    message = complaint(js.read_attempts, path, format="jsonl" if start.startswith(b"{") else "csv")
    assert "longer than " in message


def test_a_table_too_large_to_spread_is_refused(tmp_path):
    path = tmp_path / "votes.csv"
    rows = "".join(f"p{i},x,1\n" for i in range(20_000)) + "".join(f"q,{i},1\n" for i in range(20_000))
    path.write_text("problem,answer,correct\n" + rows)
    assert "20,001 problems, one of them with 20,000 answers" in complaint(js.read_ballots, path)
