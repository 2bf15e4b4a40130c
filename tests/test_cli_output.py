"""What the commands print and write, and that the numbers are those of the functions behind them."""

import importlib
import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

import jaxscale as js
from jaxscale.cli import run
from jaxscale.cli._options import whole_numbers
from jaxscale.cli._output import print_json, progress, replacing

ROWS = [("a", 20, 0), ("b", 20, 3), ("c", 20, 11), ("d", 20, 20), ("e", 20, 1), ("f", 20, 0)]


@pytest.fixture
def runs(tmp_path):
    path = tmp_path / "runs.csv"
    lines = [f"{model},{p},{n},{c}" for model in ("x", "y") for p, n, c in ROWS]
    path.write_text("\n".join(["model,problem,attempts,successes", *lines]) + "\n")
    return path


def output(capsys, *arguments, code=0):
    assert run([str(argument) for argument in arguments]) == code
    out, err = capsys.readouterr()
    return out, err


def strict(text):
    """Parse JSON, without the NaN and infinities that Python's parser lets through."""
    return json.loads(text, parse_constant=pytest.fail)


def test_the_json_of_a_forecast(runs, capsys):
    arguments = ("forecast", runs, "--group", "model", "--k", "20,1,1e3", "--model", "beta", "--json")
    out, err = output(capsys, *arguments)
    assert err == ""
    result = strict(out)
    assert result["jaxscale"] == js.__version__
    assert result["command"] == "forecast"
    assert [group["name"] for group in result["groups"]] == ["x", "y"]
    data = js.read_attempts(runs, "model")["x"]
    for group in result["groups"]:
        assert (group["queries"], group["attempts_min"], group["attempts_max"]) == (6, 20, 20)
        assert group["model"]["name"] == "beta"
        assert {"a", "b"} <= set(group["model"]["parameters"])
        assert [entry["k"] for entry in group["curve"]] == [20, 1, 1000]
        assert [entry["kind"] for entry in group["curve"]] == ["estimate", "estimate", "forecast"]
        assert all(0 <= e["lower"] <= e["value"] <= e["upper"] <= 1 for e in group["curve"])
        recorded = [entry["value"] for entry in group["curve"][:2]]
        np.testing.assert_allclose(recorded, js.pass_at_k(data, [20, 1]).value, rtol=1e-12)
    # The share of solved queries, once all attempts are spent.
    assert result["groups"][0]["curve"][0]["value"] == pytest.approx(4 / 6, rel=1e-12)

    assert output(capsys, *arguments, "--seed", "0") == (out, "")
    other, _ = output(capsys, *arguments, "--seed", "1")
    assert other != out
    assert strict(other)["seed"] == 1


def test_the_tables_of_a_forecast(runs, capsys):
    out, err = output(capsys, "forecast", runs, "--group", "model", "--k", "1,20,1000", "--model", "loglog")
    assert err == f"jaxscale: read {runs} as csv: 2 data sets, 12 queries x 20 attempts\n"
    assert out.count("6 queries x 20 attempts, 66.7% solved at least once") == 2
    assert out.count("1,000 ") == 2
    assert out.count("0.6667") >= 2
    assert f"seed 0; jaxscale {js.__version__}" in out
    assert "\x1b" not in out


def test_the_json_of_a_fit(runs, capsys):
    out, err = output(capsys, "fit", runs, "--group", "model", "--json")
    assert err == ""
    group = strict(out)["groups"][1]
    assert group["name"] == "y"
    assert group["converged"] is True
    assert group["curve"] == []
    fitted = js.fit("beta", js.read_attempts(runs, "model")["y"])
    assert group["model"] == {"name": "beta", "parameters": pytest.approx(fitted.values, rel=1e-9)}
    assert group["log_likelihood"] == pytest.approx(fitted.log_likelihood, rel=1e-12)
    table, _ = output(capsys, "fit", runs, "--group", "model")
    assert f"{fitted.values['a']:.6g}" in table


def test_a_fit_that_does_not_converge_says_so_and_ends_with_1(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    path.write_text("problem,attempts,successes\n" + "".join(f"{p},20,0\n" for p in "abcdef"))
    out, err = output(capsys, "fit", path, "--json", code=1)
    group = strict(out)["groups"][0]
    assert group["converged"] is False
    assert "every attempt failed" in group["message"]
    assert err.count("\n") == 1
    assert err.startswith("jaxscale: all: did not converge: ")
    assert "every attempt failed" in err


def test_warnings_take_a_line_on_stderr_and_no_exit_code(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    path.write_text("problem,attempts,successes\na,3,1\nb,7,1\nc,20,0\nd,20,0\ne,5,1\nf,20,0\n")
    before = warnings.showwarning, list(warnings.filters)
    out, err = output(capsys, "forecast", path, "--k", "1,100,1000", "--model", "loglog", "--json")
    assert err.count("\n") == 1
    assert err.startswith(f"jaxscale: warning: {path}: ")
    assert "stopped at the first success" in err
    assert strict(out)["groups"][0]["attempts_min"] == 3
    assert (warnings.showwarning, list(warnings.filters)) == before


def test_several_files_are_one_data_set(runs, tmp_path, capsys):
    again = tmp_path / "more.csv"
    again.write_text(runs.read_text().replace("x,", "z,"))
    out, _ = output(capsys, "forecast", runs, again, "--group", "file", "--group", "model", "--k", "1", "--json",
                    "--model", "loglog")  # fmt: skip
    assert [group["name"] for group in strict(out)["groups"]] == [
        f"{runs} / x", f"{runs} / y", f"{again} / z", f"{again} / y",
    ]  # fmt: skip


def test_a_picture_is_written_whole_or_not_at_all(runs, tmp_path, capsys, monkeypatch):
    picture = tmp_path / "curve.png"
    arguments = ("forecast", runs, "--group", "model", "--k", "1,1000", "--model", "loglog", "--plot", picture)
    output(capsys, *arguments)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(os.listdir(tmp_path)) == ["curve.png", "runs.csv"]

    whole = picture.read_bytes()
    figure = importlib.import_module("matplotlib.figure").Figure

    def full_disk(self, path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", full_disk)
    out, err = output(capsys, *arguments, code=2)
    assert out == ""
    assert err == f"jaxscale: --plot = {str(picture)!r}: cannot be written: no space left on device\n"
    assert picture.read_bytes() == whole
    assert sorted(os.listdir(tmp_path)) == ["curve.png", "runs.csv"]


def test_nothing_is_left_of_a_file_that_was_never_whole(tmp_path):
    def interrupted():
        with replacing(tmp_path / "a.png", "--plot") as part:
            part.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not os.listdir(tmp_path)


def test_json_has_no_nan(capsys):
    print_json("fit", [{"aic": float("nan"), "list": [1.0, float("inf")], "map": {"x": float("-inf")}, "n": 3}])
    group = strict(capsys.readouterr().out)["groups"][0]
    assert group == {"aic": None, "list": [1.0, None], "map": {"x": None}, "n": 3}


def test_numbers_of_calls_keep_their_order():
    assert whole_numbers(" 10, 1,1e4,2E+0,5.0e1,1000000000000,10", "--k") == [10, 1, 10_000, 2, 50, 10**12, 10]


def test_progress_is_for_a_person_who_waits(monkeypatch, capsys):
    monkeypatch.setattr("jaxscale.cli._output._PATIENCE", 0.0)
    with progress(2) as begin:  # stderr is no terminal here
        begin("x")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress(1) as begin:
        begin("[bold]name")


def test_version_and_help(capsys):
    assert output(capsys, "--version") == (f"jaxscale {js.__version__}\n", "")
    shown, _ = output(capsys, "--help")
    for command in ("forecast", "fit", "demo"):
        assert command in shown
        assert "Usage" in output(capsys, command, "--help")[0]
    assert output(capsys)[0] == shown


def test_ctrl_c_ends_in_one_line(monkeypatch, runs, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxscale.cli._forecast.forecast_each", interrupted)
    assert output(capsys, "forecast", runs, "--group", "model", code=130) == ("", "jaxscale: interrupted\n")


def command(*arguments, **options):
    program = "from jaxscale.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_program_itself_with_a_cache_that_cannot_be_written(runs, tmp_path):
    # The one test of model="auto" here. A file where the cache directory should be: not even root can write there.
    environment = {**os.environ, "XDG_CACHE_HOME": str(runs)}
    process = command("forecast", runs, "--group", "model", "--k", "1,1000", "--json", env=environment)
    out, err = process.communicate(timeout=240)
    assert (process.returncode, err) == (0, "")
    group = strict(out)["groups"][0]
    assert group["model"]["name"] == "auto"
    assert sum(group["model"]["weights"].values()) == pytest.approx(1)
    assert [entry["kind"] for entry in group["curve"]] == ["estimate", "forecast"]


def test_a_reader_that_goes_away_leaves_no_traceback():
    process = command("--help")
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(timeout=60) in (0, 1)
    process.stderr.close()


def test_the_names_in_a_file_do_not_steer_the_terminal(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    path.write_text("model,problem,attempts,successes\n\x1b[31m\x07,a,3,0\n\x1b[31m\x07,b,9,1\n")
    assert run(["forecast", str(path), "--group", "model", "--k", "1"]) == 0
    out, err = capsys.readouterr()
    assert "[31m" in out
    assert "\\x1b[31m\\x07: sampling looks as if it stopped" in err
    assert all(c.isprintable() or c == "\n" for c in out + err)


def test_help_names_every_model_that_is_accepted_and_no_other(capsys):
    from jaxscale.cli._fit import LAWS
    from jaxscale.cli._forecast import MODELS
    from jaxscale.fitting import NAMED_MODELS

    attempts = js.Attempts([20] * 4, [0, 1, 5, 19])
    with pytest.raises(ValueError, match="model = 'none': expected") as refused:
        js.forecast(js.PassAtK(), attempts, 10, model="none")
    named = str(refused.value).split("expected ")[1].split(", ")
    assert named == [*MODELS, "or an AbstractDifficulty"]  # which no command line has
    assert tuple(NAMED_MODELS) == LAWS
    for command, names in (("forecast", MODELS), ("fit", LAWS)):
        shown, _ = output(capsys, command, "--help")
        text = " ".join(shown.split())
        for name in names:
            assert re.search(rf"[ ,]{name}[,.]", text.replace("- ", "-")), name


def test_the_demo_shows_what_each_command_does_and_writes_its_files(tmp_path, capsys):
    assert run(["demo", "-o", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert [
        out.count(f"On a file of your own: jaxscale {name} ") for name in ("forecast", "plan", "vote", "report")
    ] == [1] * 4
    names = {"attempts.csv", "ballots.csv", "prices.toml", "forecast.png", "vote.png", "report.html"}
    assert {path.name for path in tmp_path.iterdir()} == names
