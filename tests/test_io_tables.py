"""Attempts and ballots from tidy tables in every format and layout."""

import dataclasses
import json
import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

import jaxscale as js
from jaxscale.data import DataWarning
from jaxscale.io._equivalence import same_text


def write(path, rows, form):
    """Write a list of dicts as CSV, JSONL or Parquet, as a person's script would."""
    names = list(rows[0])
    if form == "csv":
        quoted = [['"' + str(row[name]).replace('"', '""') + '"' for name in names] for row in rows]
        path.write_text("\n".join([",".join(names), *map(",".join, quoted)]) + "\n", encoding="utf-8")
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        pa.parquet.write_table(pa.table({name: [row[name] for row in rows] for name in names}), path)
    return path


@pytest.fixture(params=["csv", "jsonl", "parquet"])
def form(request):
    return request.param


def test_counted_attempts(tmp_path, form):
    rows = [{"problem": f"p{i}", "attempts": 10 + i, "successes": 2 * i, "note": "x"} for i in range(5)]
    attempts = js.read_attempts(write(tmp_path / f"runs.{form}", rows, form))["all"]
    assert attempts.attempts.tolist() == [10, 11, 12, 13, 14]
    assert attempts.successes.tolist() == [0, 2, 4, 6, 8]
    assert attempts.query == ("p0", "p1", "p2", "p3", "p4")
    assert attempts.name == "runs"


def test_one_row_a_call_counts_the_calls(tmp_path, form):
    outcomes = {"b": [True, False, True], "a": [False], "c": [True] * 4}
    rows = [{"problem": problem, "passed": passed} for problem, each in outcomes.items() for passed in each]
    attempts = js.read_attempts(write(tmp_path / "calls", rows, form), format=form)["all"]
    assert attempts.query == tuple(outcomes)
    assert attempts.attempts.tolist() == [3, 1, 4]
    assert attempts.successes.tolist() == [2, 0, 4]


def test_integers_as_floats_and_integer_labels_are_read(tmp_path, form):
    rows = [{"problem": i, "attempts": 4.0, "successes": float(i)} for i in range(3)]
    attempts = js.read_attempts(write(tmp_path / "runs", rows, form), format=form)["all"]
    assert attempts.query == ("0", "1", "2")
    assert attempts.successes.tolist() == [0, 1, 2]


def test_groups_are_combinations_in_order_of_appearance(tmp_path, form):
    rows = [
        {"model": model, "set": name, "problem": problem, "attempts": 9, "successes": len(model) + problem}
        for model, name, problem in [("m", "x", 0), ("mm", "x", 1), ("m", "y", 0), ("m", "x", 1), ("mm", "x", 0)]
    ]
    path = write(tmp_path / "runs", rows, form)
    groups = js.read_attempts(path, group=["model", "set"], format=form)
    assert {key: (each.query, each.successes.tolist()) for key, each in groups.items()} == {
        "m / x": (("0", "1"), [1, 2]),
        "mm / x": (("1", "0"), [3, 2]),
        "m / y": (("0",), [1]),
    }
    assert list(groups) == ["m / x", "mm / x", "m / y"]
    assert groups["m / y"].name == "m / y"
    with pytest.raises(ValueError, match="perhaps --group set is needed"):
        js.read_attempts(path, group="model", format=form)
    assert list(js.read_attempts(path, group=("set", "model"), format=form)) == ["x / m", "x / mm", "y / m"]


def test_counted_ballots(tmp_path, form):
    rows = [
        {"problem": "p", "answer": "1,5", "count": 3, "correct": 0, "kept": 1},
        {"problem": "q", "answer": 'say "x"', "count": 2, "correct": 1, "kept": 2},
        {"problem": "p", "answer": "", "count": 4, "correct": 0, "kept": 3},
        {"problem": "p", "answer": "two\nlines", "count": 1, "correct": 1, "kept": 0},
        {"problem": "p", "answer": "Two\nlines", "count": 0, "correct": 0, "kept": 0},
    ]
    ballots = js.read_ballots(write(tmp_path / "votes", rows, form), format=form)["all"]
    assert ballots.query == ("p", "q")
    assert ballots.counts.tolist() == [[3, 1, 0], [2, 0, 0]]
    assert ballots.correct.tolist() == [[False, True, False], [True, False, False]]
    assert ballots.kept_counts.tolist() == [[1, 0, 0], [2, 0, 0]]
    assert ballots.blank.tolist() == [4, 0]
    assert ballots.kept_blank.tolist() == [3, 0]
    assert ballots.scores is None


def test_ballots_one_row_a_call_equal_the_counted_ones(tmp_path, form):
    rng = np.random.default_rng(0)
    calls = [(f"m{rng.integers(2)}", f"p{rng.integers(7)}", "abcd"[rng.integers(4)]) for _ in range(300)]
    per_call = [
        {"model": m, "problem": p, "answer": a, "correct": a == "a", "kept": int(rng.integers(2))} for m, p, a in calls
    ]
    counted = [
        {
            "model": m,
            "problem": p,
            "answer": a,
            "count": sum((r["model"], r["problem"], r["answer"]) == (m, p, a) for r in per_call),
            "correct": int(a == "a"),
            "kept": sum(r["kept"] for r in per_call if (r["model"], r["problem"], r["answer"]) == (m, p, a)),
        }
        for m, p, a in dict.fromkeys(calls)
    ]
    left = js.read_ballots(write(tmp_path / "calls", per_call, form), "model", format=form)
    right = js.read_ballots(write(tmp_path / "counted", counted, form), "model", format=form)
    assert list(left) == list(right)
    for key in left:
        assert left[key].query == right[key].query
        for field in ("counts", "correct", "kept_counts", "blank", "kept_blank"):
            np.testing.assert_array_equal(getattr(left[key], field), getattr(right[key], field))


def test_scores_stay_with_their_answers(tmp_path, form):
    calls = [("p", "x", 1, 0.5), ("q", "y", 0, 9.0), ("p", "", 1, -1.0), ("p", "y", 0, 2.0), ("p", "x", 0, 0.25)]
    calls += [("p", "x", 1, 4.0)]
    rows = [
        {"problem": p, "answer": a, "correct": int(a == "x"), "kept": k, "score": s, "tokens": 10 * s * s}
        for p, a, k, s in calls
    ]
    ballots = js.read_ballots(write(tmp_path / "votes", rows, form), format=form)["all"]
    nan = np.nan
    np.testing.assert_array_equal(ballots.call_answers, [[0, 0, 0, 1, -1], [0, -1, -1, -1, -1]])
    # Within an answer the kept calls come first, then the order of the file.
    np.testing.assert_array_equal(ballots.scores, [[0.5, 4.0, 0.25, 2.0, -1.0], [9.0, nan, nan, nan, nan]])
    np.testing.assert_array_equal(ballots.tokens, 10 * ballots.scores**2)


def test_a_score_column_without_values_is_no_score(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("problem,answer,correct,score\np,x,1,\np,y,0,\n")
    assert js.read_ballots(path)["all"].scores is None


def test_null_answers_are_blank(tmp_path):
    path = tmp_path / "votes.jsonl"
    path.write_text(
        '{"problem": 1, "answer": null, "correct": false}\n\n{"problem": 1, "correct": true, "answer": 4}\n'
    )
    ballots = js.read_ballots(path)["all"]
    assert ballots.blank.tolist() == [1]
    assert ballots.counts.tolist() == [[1]]


def test_answers_are_compared_as_they_are_written(tmp_path):
    path = tmp_path / "votes.jsonl"
    answers = ["0.5", "0.50", "1/2", " 0.5", "a", "A", "1,000", "1000"]
    numbers = ["1e3", "true", "NaN"]
    lines = [f'{{"problem": "p", "answer": {json.dumps(each)}, "correct": false}}\n' for each in answers]
    lines += [f'{{"problem": "p", "answer": {each}, "correct": true}}\n' for each in numbers]
    path.write_text("".join(lines))
    assert js.read_ballots(path)["all"].counts.tolist() == [[1] * 11]
    with pytest.warns(DataWarning, match="--equivalence text merged 6 of 11 answers"):
        merged = js.read_ballots(path, equivalence="text")["all"]
    assert merged.counts.tolist() == [[4, 2, 3, 1, 1]]
    # 1e3 was marked right, so its other spellings are.
    assert merged.correct.tolist() == [[False, False, True, True, True]]


def test_normalising_what_is_alike_already_warns_of_nothing(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("problem,answer,count,correct\np,1,3,1\np,2,2,0\n")
    ballots = js.read_ballots(path, equivalence="text")  # a warning would be an error
    assert ballots["all"].counts.tolist() == [[3, 2]]
    assert ballots.summary.notes == ()


def test_normalising_adds_counts_and_finds_blanks(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("problem,answer,count,correct,kept\np,Yes,3,1,1\np,yes ,2,1,2\np,  ,4,0,1\np,,1,0,1\n")
    with pytest.warns(DataWarning, match="merged 2 of 3 answers"):
        ballots = js.read_ballots(path, equivalence="text")["all"]
    assert (ballots.counts.tolist(), ballots.kept_counts.tolist()) == ([[5]], [[3]])
    assert (ballots.blank.tolist(), ballots.kept_blank.tolist()) == ([5], [2])


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("0.1", "1/10", True),
        ("-3", "-6/2", True),
        ("1,234,567.0", "1234567", True),
        ("1,23", "123", False),
        ("1/0", "1/0", True),
        ("1e5", "100000", True),
        ("1e-400", "0", False),
        ("inf", "1e999", False),
        ("²", "2", False),
        ("[1, 2]", "[1,2]", False),
        ("9" * 200, "9" * 200 + ".0", False),
        ("0.3333333333333333", "1/3", False),
    ],
)
def test_normalise_is_exact(left, right, same):
    assert (same_text(left) == same_text(right)) is same


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffproblem,attempts,successes\na,10,3\nb,20,0\n",
        "problem,attempts,successes\r\na,10,3\r\nb,20,0\r\n",
        "\n\nproblem,attempts,successes\n\na,10,3\n\n\nb,20,0\n\n",
        " problem , attempts,successes\na, 10,3 \nb,+20,0e0\n",
        '"problem","attempts","successes"\n"a","10","3"\n"b","20","0"',
        "attempts,extra,successes,problem\n10,,3,a\n20,x,0,b\n",
        "x,problem,x,attempts,successes\n1,a,2,10,3\n1,b,2,20,0\n",
    ],
)
def test_csv_dialects(tmp_path, text):
    path = tmp_path / "runs"
    path.write_bytes(text.encode())
    attempts = js.read_attempts(path)["all"]
    assert attempts.query == ("a", "b")
    assert attempts.attempts.tolist() == [10, 20]
    assert attempts.successes.tolist() == [3, 0]


@pytest.mark.parametrize(("delimiter", "words"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_other_delimiters_are_recognised_and_said(tmp_path, delimiter, words, end):
    path = tmp_path / "runs"
    rows = (("problem", "attempts", "successes"), (f'"a{delimiter}, b"', "10", "3"), ("b", "20", "0"))
    path.write_bytes(("\ufeff" + end + end.join(map(delimiter.join, rows)) + end).encode())
    with pytest.warns(DataWarning, match=f"read columns separated by {words}, not commas") as seen:
        attempts = js.read_attempts(path)["all"]
    assert len(seen) == 1
    assert attempts.query == (f"a{delimiter}, b", "b")
    assert attempts.attempts.tolist() == [10, 20]


def test_separators_below_a_header_with_commas_are_text(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("problem,passed;x\tand|y,passed\na;b,1,1\na;b,0,0\n")
    assert js.read_attempts(path)["all"].query == ("a;b",)


def test_names_are_kept_as_they_are_however_odd(tmp_path):
    path = tmp_path / "runs.jsonl"
    odd = ["a\0b", "\x1b[31m", "9" * 5000, "\u202e", "a\nb"]
    path.write_text("".join(json.dumps({"problem": name, "passed": True}) + "\r\n" for name in odd))
    assert js.read_attempts(path)["all"].query == tuple(odd)


def test_a_long_csv_is_read_in_blocks(tmp_path):
    path = tmp_path / "runs.csv"
    filler = "x" * 100_000
    path.write_text("problem,passed,text\n" + "".join(f'{i % 7},{i % 2},"{filler}\n"\n' for i in range(400)))
    attempts = js.read_attempts(path)["all"]
    assert attempts.attempts.sum() == 400
    assert attempts.successes.sum() == 200


def test_parquet_dictionaries_and_nulls(tmp_path):
    path = tmp_path / "votes.parquet"
    table = pa.table(
        {
            "problem": pa.array(["p", "p", "q"]).dictionary_encode(),
            "answer": pa.array([1.5, None, 2.0]),
            "correct": pa.array([True, False, False]),
            "trace": pa.array([[1], [2], [3]]),
        }
    )
    pa.parquet.write_table(table, path)
    ballots = js.read_ballots(path)["all"]
    assert ballots.counts.tolist() == [[1], [1]]
    assert ballots.blank.tolist() == [1, 0]


def test_warnings_say_what_does_not_hold(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("model,problem,attempts,successes\nm,a,3,1\nm,b,9,0\nn,a,9,2\nn,b,9,0\n")
    with pytest.warns(DataWarning, match="m: sampling looks as if it stopped at the first success") as seen:
        js.read_attempts(path, "model")
    assert len(seen) == 1
    assert seen[0].filename == __file__
    path.write_text("problem,answer,correct\np,x,0\np,y,0\n")
    with pytest.warns(DataWarning, match="no answer is marked correct: accuracy is 0 by construction") as seen:
        js.read_ballots(path)
    assert seen[0].filename == __file__


FIELDS = {
    js.Attempts: ("attempts", "successes", "tokens", "prompt_tokens"),
    js.Ballots: ("counts", "correct", "kept_counts", "blank", "kept_blank", "scores", "tokens", "prompt_tokens"),
}


@pytest.mark.parametrize("header", ["problem,passed,tokens", "problem,answer,correct,kept,score,tokens,prompt_tokens"])
def test_each_of_many_groups_is_what_its_rows_alone_are(tmp_path, header):
    random = np.random.default_rng(5)
    names = header.split(",")
    rows = []
    for _ in range(600):
        group, problem, answer = (int(each) for each in random.integers(0, (60, 3, 4)))
        values = {
            "passed": random.integers(2),
            "answer": answer or "",
            "correct": int(answer == 1 + problem),
            "kept": random.integers(2),
            "score": random.integers(9) / 8,
        }
        rows.append((group, [f"p{problem}", *(str(values.get(name, random.integers(99))) for name in names[1:])]))

    def read(path, chosen):
        path.write_text("g," + header + "\n" + "".join(f"{g},{','.join(row)}\n" for g, row in chosen))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return (js.read_ballots if "answer" in names else js.read_attempts)(path, "g")

    together = read(tmp_path / "all.csv", rows)
    assert list(together) == [str(group) for group in dict.fromkeys(group for group, _ in rows)]
    for key, data in together.items():
        (alone,) = read(tmp_path / "one.csv", [row for row in rows if row[0] == int(key)]).values()
        assert (data.query, data.name) == (alone.query, alone.name)
        for name in FIELDS[type(data)]:
            mine, other = getattr(data, name), getattr(alone, name)
            assert (mine is None) == (other is None)
            if mine is not None:
                assert not mine.flags.writeable
                assert mine.dtype == other.dtype
                np.testing.assert_array_equal(mine, other)
        # What was not checked for each of the groups is what the constructor makes of it.
        type(data)(**{field.name: getattr(data, field.name) for field in dataclasses.fields(data)})


def test_what_is_said_of_many_groups_is_one_sentence(tmp_path):
    path = tmp_path / "votes.csv"
    path.write_text("g,problem,answer,correct\n" + "".join(f"m{i},p,x,0\n" for i in range(9)))
    with pytest.warns(DataWarning) as said:
        js.read_ballots(path, "g")
    (warning,) = said
    assert "m0, m1, m2 and 6 more: no answer is marked correct" in str(warning.message)


class Frame:
    """What a data frame looks like: it has columns, and their names when it is gone through."""

    columns = ("problem", "passed")

    def __iter__(self):
        return iter(self.columns)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            Frame(),
            r"path is a data frame \(\w+ Frame\) that hands on no Arrow stream: expected one that does",
        ),
        (
            {"problem": ["a"]},
            "path is of type dict: expected the name of a file, a list of them, or a data frame: one of pandas",
        ),
        (7, "path is of type int"),
        (["a.csv", 7], r"path\[1\] is of type int: expected the name of a file"),
    ],
)
def test_what_is_no_file_name_is_refused(tmp_path, path, message):
    for read in (js.read_attempts, js.read_ballots, lambda each: js.convert(each, tmp_path / "x.csv")):
        with pytest.raises(ValueError, match=message):
            read(path)
