"""Bad input on the command line: one line on stderr that says what was expected, exit code 2, and nothing written."""

import os

import pyarrow as pa
import pyarrow.parquet
import pytest

from jaxscale.cli import run

HEADER = "problem,attempts,successes\n"
GOOD = HEADER + "a,10,0\nb,10,3\n"


@pytest.fixture
def refused(tmp_path, capsys, monkeypatch):
    """Run a command in an empty directory, and return the one line it complains with."""
    monkeypatch.chdir(tmp_path)

    def refused(*arguments):
        before = sorted(os.listdir())
        assert run([str(argument) for argument in arguments]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.endswith("\n")
        assert err.count("\n") == 1
        assert err.startswith("jaxscale: ")
        assert "Traceback" not in err
        assert sorted(os.listdir()) == before
        return err.removeprefix("jaxscale: ").rstrip("\n")

    return refused


FILES = {
    "empty file": ("", "runs.csv: is empty"),
    "header only": (HEADER, "has a header but no rows"),
    "missing column": ("problem,attempts\na,1\n", "no column 'successes'"),
    "misspelt column": ("problem,attempts,sucesses\na,1,1\n", "(is 'sucesses' meant?)"),
    "successes > attempts": (HEADER + "a,2,1\nb,1,2\n", "runs.csv, line 3: successes = 2 of attempts = 1: expected"),
    "negative": (HEADER + "a,2,-1\n", "runs.csv, line 2: successes = '-1': expected a whole number"),
    "fractional": (HEADER + "a,2,0.5\n", "line 2: successes = '0.5': expected a whole number"),
    "nan": (HEADER + "a,nan,0\n", "line 2: attempts = 'nan': expected a whole number"),
    "empty value": (HEADER + "a,,0\n", "line 2: attempts is empty: expected a whole number"),
    "huge": (HEADER + "a,1e15,0\n", "line 2: attempts = '1e15': expected a whole number from 1 to 10^12"),
    "text": (HEADER + "a,ten,0\n", "line 2: attempts = 'ten': expected a whole number"),
    "duplicate problem": (HEADER + "a,1,1\na,1,1\n", "line 3: problem 'a' appears again (first on line 2)"),
    "mixed columns": ("problem,attempts,successes,passed\na,1,1,1\n", "layouts together"),
    "bad UTF-8": (HEADER.encode() + b"\xff,1,1\n", "line 2: not UTF-8 text"),
    "truncated JSON": ('{"problem": 1, "passed": 1}\n{"problem": 1, "pas\n', "line 2: not JSON"),
    "ballots": ("problem,answer,correct\na,1,1\n", "holds ballots, not attempts"),
    "binary": (b"\x89PNG\0\0\0", "in no known format"),
}


@pytest.mark.parametrize("command", ["forecast", "fit"])
@pytest.mark.parametrize("name", FILES)
def test_files(refused, tmp_path, command, name):
    content, expected = FILES[name]
    (tmp_path / "runs.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    assert expected in refused(command, "runs.csv")


def test_files_that_are_none(refused, tmp_path):
    assert refused("forecast", "none.csv") == "none.csv: no such file"
    assert "no file in a known format" in refused("fit", tmp_path)
    assert "line\\nend.csv" in refused("fit", "line\nend.csv").replace("line end", "line\\nend")
    (tmp_path / "runs.parquet").write_bytes(b"PAR1" + b"\0" * 100 + b"PAR1")
    assert "runs.parquet: not a Parquet file" in refused("forecast", "runs.parquet")


def test_a_row_of_a_parquet_file(refused, tmp_path):
    table = pa.table({"problem": ["a", "b"], "attempts": [1, 1], "successes": [1, 2]})
    pa.parquet.write_table(table, tmp_path / "runs.parquet")
    assert "row 2: successes = 2 of attempts = 1" in refused("forecast", "runs.parquet")


def test_an_option_given_twice_loses_no_value_in_silence(refused, tmp_path, capsys):
    (tmp_path / "runs.csv").write_text(GOOD)
    assert refused("forecast", "runs.csv", "--k", 1, "--k", 2) == "--k: given 2 times: expected once"
    assert refused("vote", "runs.csv", "--system=vote", "--system", "vote") == "--system: given 2 times: expected once"
    assert refused("convert", "runs.csv", "-o", "a.csv", "--output", "b.csv").startswith("--output: given 2 times")
    assert run(["forecast", "runs.csv", "--k", "1", "--json", "--json"]) == 0


BUDGETS = {
    "0": "--calls = '0'",
    "-1": "--calls = '-1'",
    "ten": "--calls = 'ten'",
    "1,10,": "--calls = ''",
    "1.5": "--calls = '1.5'",
    "nan": "--calls = 'nan'",
    "inf": "--calls = 'inf'",
    "1e13": "--calls = '1e13'",
    "1000000000001": "--calls = '1000000000001'",
    "9" * 5000: "--calls = '9999",
    "1e99": "--calls = '1e99'",
    "\u0661": "--calls = '\u0661'",
    "": "--calls is empty",
}


@pytest.mark.parametrize("text", BUDGETS, ids=lambda text: text[:15] or "empty")
def test_numbers_of_calls(refused, text):
    # The option is refused before the file is opened.
    message = refused("forecast", "runs.csv", "--k", text)
    assert message.startswith(BUDGETS[text])
    assert "expected whole numbers from 1 to 10^12" in message
    assert len(message) < 200


OPTIONS = {
    "unknown group": (["forecast", "--group", "modle"], "no column 'modle' to group by (did you mean 'model'?): found"),
    "unknown format": (["forecast", "--format", "cvs"], "--format = 'cvs': expected one of lighteval, parquet,"),
    "unknown model": (["forecast", "--model", "bta"], "--model = 'bta': expected auto, beta,"),
    "a shape that auto averages": (["forecast", "--model", "logit-normal"], "are not to be had alone"),
    "a law of the curve": (["forecast", "--model", "power-law"], "jaxscale fit fits laws of the curve"),
    "unknown law": (["fit", "--model", "bta"], "--model = 'bta': expected one of beta,"),
    "unknown parameter": (["fit", "--free", "a,alpha"], "alpha"),
    "empty parameter": (["fit", "--free", "a,,b"], "--free = 'a,,b': expected names of parameters"),
    "level of 1": (["forecast", "--level", "1"], "--level = 1.0: expected a number between 0 and 1"),
    "level of nan": (["forecast", "--level", "nan"], "--level = nan: expected a number between 0 and 1"),
    "level of text": (["forecast", "--level", "most"], "'--level'"),
    "unknown over": (["forecast", "--over", "those"], "'--over'"),
    "negative seed": (["forecast", "--seed", "-1"], "'--seed'"),
    "text for a seed": (["fit", "--seed", "x"], "'--seed'"),
    "unknown option": (["forecast", "--models", "beta"], "--models"),
    "picture of no kind": (["forecast", "--plot", "out.txt"], "--plot = 'out.txt': expected a name that ends in .png"),
    "picture nowhere": (["forecast", "--plot", "no/out.png"], "--plot = 'no/out.png': no such directory"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(refused, tmp_path, name):
    arguments, expected = OPTIONS[name]
    (tmp_path / "runs.csv").write_text("model," + HEADER + "m,a,10,0\nm,b,10,3\n")
    assert expected in refused(*arguments, "runs.csv")


@pytest.mark.parametrize("arguments", [(), ("--system", "vote")])
def test_a_directory_of_attempts_and_ballots(refused, tmp_path, arguments):
    (tmp_path / "a.csv").write_text(GOOD)
    (tmp_path / "b.csv").write_text("problem,answer,correct\na,1,1\n")
    message = refused("plan", ".", "--target", "0.5", *arguments)
    assert message.startswith(".: files of two kinds (attempts: a.csv, ballots: b.csv): expected one")


def test_a_picture_that_is_a_directory(refused, tmp_path):
    (tmp_path / "out.png").mkdir()
    (tmp_path / "runs.csv").write_text(GOOD)
    assert "is a directory: expected a file" in refused("forecast", "runs.csv", "--plot", "out.png")


def test_a_demo_that_has_no_place(refused, tmp_path):
    (tmp_path / "taken").write_text("")
    assert "--output = 'taken': file exists" in refused("demo", "-o", "taken")


def test_commands(refused):
    assert "forcast" in refused("forcast", "runs.csv")
    assert "FILE" in refused("forecast")


def test_a_defect_is_not_called_bad_input(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ValueError("shapes do not match")

    monkeypatch.setattr("jaxscale.cli._forecast.forecast_each", broken)
    (tmp_path / "runs.csv").write_text(GOOD)
    with pytest.raises(ValueError, match="shapes do not match"):
        run(["forecast", str(tmp_path / "runs.csv")])
