"""The program in the surroundings that people have: narrow terminals, other encodings, no home, nowhere to print."""

import os
import pty
import re
import subprocess
import sys

import pytest

import jaxscale as js
from jaxscale.cli import run

ROWS = "model,problem,attempts,successes\nm,a,20,0\nm,b,20,3\nm,c,20,11\nm,d,20,20\nm,e,20,1\nm,f,20,0\n"
FORECAST = ("forecast", "runs.csv", "--k", "1,20,1000", "--model", "loglog")
SUMMARY = "jaxscale: read runs.csv as csv: 6 queries x 20 attempts\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    (tmp_path / "runs.csv").write_text(ROWS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def program(*arguments, stdout=subprocess.PIPE, without=(), shell="", **settings):
    """Run the program, as `python -m jaxscale`, under other settings of the environment."""
    environment = {k: v for k, v in os.environ.items() if k not in without and not k.startswith(("LC_", "LANG"))}
    command = [sys.executable, "-m", "jaxscale", *map(str, arguments)]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, env={**environment, **settings}, timeout=300)
    return done.returncode, (done.stdout or b"").decode(), done.stderr.decode()


def test_a_plain_locale_without_a_home(place):
    name = os.fsdecode(b"l\xe4uft.csv")  # Latin-1, as no UTF-8 locale can say it
    (place / name).write_text(ROWS.replace("\nm,", "\ngrößer,"))
    settings = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, out, err = program("forecast", name, "--group", "model", *FORECAST[2:], without=("HOME",), **settings)
    assert (code, "Traceback" in err) == (0, False)
    assert out.isascii()
    assert "gr\\xf6\\xdfer: 6 queries" in out
    assert "l\\udce4uft.csv" in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full")
def test_a_full_or_closed_place_to_print_to_is_one_line(place):
    with open("/dev/full", "wb") as full:
        code, _, err = program("forecast", "runs.csv", "--k", "1", "--model", "loglog", "--quiet", stdout=full)
    assert (code, err) == (1, "jaxscale: stdout: cannot be written: no space left on device\n")
    code, _, err = program("--version", shell=">&-")
    assert (code, err) == (1, "jaxscale: stdout is closed: expected somewhere to print to\n")
    code, out, err = program("--version", shell="2>&-")
    assert (code, out) == (0, f"jaxscale {js.__version__}\n")


def test_a_platform_that_there_is_not_is_one_line(place):
    code, out, err = program(*FORECAST, "-q", JAX_PLATFORMS="abacus")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("jaxscale: JAX_PLATFORMS = 'abacus': no device to compute on: ")


def test_completion_of_the_three_shells(place):
    for shell in ("bash", "zsh", "fish"):
        off = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
        code, out, _ = program("--show-completion", shell, **off)
        assert code == 0
        assert "_JAXSCALE_COMPLETE" in out
        asked = {"COMP_WORDS": "jaxscale fore", "COMP_CWORD": "1", "_TYPER_COMPLETE_ARGS": "jaxscale fore"}
        if shell == "fish":
            asked["_TYPER_COMPLETE_FISH_ACTION"] = "get-args"
        _, out, _ = program(_JAXSCALE_COMPLETE=f"complete_{shell}", **asked)
        assert "forecast" in out


@pytest.mark.parametrize("columns", [40, 24, 12])
def test_a_narrow_terminal_leaves_out_columns_and_says_which(place, columns, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    assert run(FORECAST) == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert re.search(rf"no room in {columns} columns for: (.*)", out)[1].split(", ")[-1] == "kind"
    if columns == 40:
        assert re.search(r"1,000 │ 0\.\d{4} │ 0\.\d{4} to [01]\.\d{4} │\n", out)
    elif columns == 24:
        assert re.search(r"1,000 │ 0\.\d{4} │\n", out)


def test_a_terminal_of_forty_columns(place):
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": "40", "TERM": "xterm"}
    command = [sys.executable, "-m", "jaxscale", *FORECAST, "--quiet"]
    done = subprocess.Popen(command, stdout=follower, stderr=subprocess.DEVNULL, env=environment)
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(leader)
    assert done.wait(timeout=60) == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= 40
    assert "no room in 40 columns for: kind" in lines


def test_what_turns_the_direction_of_a_line_is_shown_as_an_escape(place, capsys):
    (place / "runs.csv").write_text(ROWS.replace("\nm,", "\na\u202eb\u2066,"))
    assert run([*FORECAST, "--group", "model"]) == 0
    out, err = capsys.readouterr()
    assert "a\\u202eb\\u2066: 6 queries" in out
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", out + err)


def test_devices_and_pipes_are_not_replaced(place, capsys):
    os.mkfifo(place / "pipe")
    os.mkfifo(place / "pipe.png")
    os.mkfifo(place / "pipe.html")
    for arguments in (
        ("next", "runs.csv", "--calls", "50", "-o", "/dev/null"),
        ("next", "runs.csv", "--calls", "50", "-o", "pipe"),
        ("report", "runs.csv", "-o", "pipe.html"),
        (*FORECAST, "--plot", "pipe.png"),
        ("vote", "runs.csv", "--plot", "pipe.png"),
        ("convert", "runs.csv", "-o", "/dev/null", "--format", "csv"),
    ):
        assert run(arguments) == 2
        assert "is not a regular file: expected the name of one" in capsys.readouterr().err
    assert not os.path.isfile("/dev/null")


def test_quiet_says_neither_what_was_read_nor_how_far_it_is(place, capsys):
    assert run([*FORECAST]) == 0
    loud = capsys.readouterr()
    assert loud.err == SUMMARY
    for option in ("-q", "--quiet"):
        assert run([*FORECAST, option]) == 0
        assert capsys.readouterr() == (loud.out, "")
    assert run([*FORECAST]) == 0
    assert capsys.readouterr().err == SUMMARY


def test_help_has_a_short_name(capsys):
    for command in ([], ["forecast"], ["next"]):
        assert run([*command, "-h"]) == 0
        short = capsys.readouterr().out
        assert run([*command, "--help"]) == 0
        assert capsys.readouterr().out == short


def test_a_gate_ends_a_pipeline_with_a_code_of_its_own(place, capsys):
    attempts = js.read_attempts("runs.csv")["all"]
    value = js.forecast(js.PassAtK(), attempts, 1000, model="loglog").value
    assert run([*FORECAST, "--fail-under", str(value - 0.001)]) == 0
    capsys.readouterr()
    assert run([*FORECAST, "--fail-under", "0.999", "--json", "-q"]) == 3
    out, err = capsys.readouterr()
    assert err == f"jaxscale: all: pass@1,000 = {value:.4f} is below 0.999 (--fail-under)\n"
    assert '"curve"' in out
    (place / "ballots.csv").write_text("problem,answer,count,correct\na,x,6,1\na,y,4,0\nb,x,3,1\nb,y,7,0\n")
    assert run(["vote", "ballots.csv", "--calls", "3,1", "--fail-under", "0.9", "-q"]) == 3
    assert "all: accuracy of 3 calls = 0." in capsys.readouterr().err
    assert run(["vote", "ballots.csv", "--calls", "3,1", "--fail-under", "0.1", "-q"]) == 0
    for wrong in ("0", "1.5", "nan"):
        assert run([*FORECAST, "--fail-under", wrong]) == 2
        assert "expected a number above 0, at most 1" in capsys.readouterr().err.splitlines()[-1]
