"""`jaxscale simulate`: its rows and words, what it refuses, and a killed run that goes on."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jaxscale.cli import run
from jaxscale.simulator import sweep

SMALL = """
calls = [1, 3]
replicates = 2000
seed = 7
[population]
model = "two-point"
easy_share = [0.2, 0.5, 0.8]
p_easy = 0.9
p_hard = 0.2
[[system]]
name = "vote"
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("small.toml")
    path.write_text(SMALL)
    return path


def output(capsys, *arguments, code=0):
    assert run(["simulate", *map(str, arguments)]) == code
    return capsys.readouterr()


def rows_of(path):
    return pq.read_table(path).drop_columns(["seconds"]).to_pylist()


def test_the_file_and_the_words_are_those_of_the_sweep(config, capsys):
    out, err = output(capsys, config, "-o", "out.parquet")
    assert err == ""
    first, second = out.splitlines()
    assert first.startswith("out.parquet: 6 rows, 3 points, ")
    assert " seconds on " in first
    assert second.startswith("2,000 replicates a point; seed 7; jaxscale ")
    assert rows_of("out.parquet") == rows_of(sweep(config, "expected.parquet"))
    assert not Path("out.parquet.parts").exists()


def test_the_json(config, capsys):
    result = json.loads(output(capsys, config, "--output", "out.parquet", "--json").out, parse_constant=pytest.fail)
    assert (result["command"], result["seed"]) == ("simulate", 7)
    (group,) = result["groups"]
    assert (group["name"], group["output"], group["rows"]) == ("small", "out.parquet", 6)
    assert (group["points"], group["points_resumed"], group["devices"]) == (3, 0, 1)
    assert group["seconds"] > 0
    assert pq.read_table("out.parquet")["device"][0].as_py() == group["device"]


def test_a_killed_run_goes_on(config, capsys):
    whole = sweep(config, "whole.parquet")
    killed = """
import importlib, os, sys
module = importlib.import_module("jaxscale.simulator._sweep")
module._FLUSH_SECONDS = 0.0
rows, left = module._add_rows, [2]
def rows_of_point(*arguments):
    if not left[0]:
        os._exit(9)
    left[0] -= 1
    return rows(*arguments)
module._add_rows = rows_of_point
from jaxscale.cli import run
run(sys.argv[1:])
"""
    arguments = [sys.executable, "-c", killed, "simulate", str(config), "-o", "out.parquet"]
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    environment = dict(os.environ, XLA_FLAGS=flags)
    process = subprocess.run(arguments, env=environment, capture_output=True, timeout=300)
    assert process.returncode == 9, process.stderr.decode()
    assert not Path("out.parquet").exists()
    out, _ = output(capsys, config, "-o", "out.parquet", "--resume")
    assert "3 points (2 of them resumed)" in out
    # Two points were drawn on two devices, the third on one.
    assert rows_of("out.parquet") == rows_of(whole)


def test_an_interrupted_run_says_how_to_go_on(config, capsys, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["jaxscale.simulator"], "sweep", interrupted)
    _, err = output(capsys, config, "-o", "out.parquet", code=130)
    assert err.splitlines() == [
        "jaxscale: what is finished is kept in out.parquet.parts: add --resume to go on",
        "jaxscale: interrupted",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_person_sees_that_points_are_checked(config, capsys, monkeypatch):
    terminal, read = Terminal(), sys.modules["jaxscale.simulator"].read_sweep

    def slowly(path):
        deadline = time.monotonic() + 30
        while "checking the points of small.toml" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)
        return read(path)

    monkeypatch.setattr(sys.modules["jaxscale.simulator"], "read_sweep", slowly)
    monkeypatch.setattr(sys, "stderr", terminal)
    output(capsys, config, "-o", "out.parquet")
    assert "checking the points of small.toml" in terminal.getvalue()


def test_a_person_sees_the_time_left(config, capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    output(capsys, config, "-o", "out.parquet")
    assert "3/3" in terminal.getvalue()
    assert "left" in terminal.getvalue()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed = 7", "sed = 7", "small.toml: sed: unknown key, expected one of calls, population"),
        ("replicates = 2000", "", "small.toml: replicates is missing"),
        ("p_easy = 0.9", "p_easy = 1.9", "small.toml: population: TwoPoint: p_easy = 1.9"),
        ('"vote"', '"voting"', "small.toml: system[0].name = 'voting': expected one of"),
        (
            '"vote"',
            '"filter-vote"',
            "small.toml: filter-vote on two-point: no simulate for FilterVote on TwoPoint: expected one of Answer",
        ),
        ("calls =", "calls", "small.toml: not TOML"),
    ],
)
def test_a_bad_sweep_is_one_line(config, capsys, old, new, message):
    config.write_text(SMALL.replace(old, new, 1))
    out, err = output(capsys, config, "-o", "out.parquet", code=2)
    assert out == ""
    assert err.startswith("jaxscale: " + message)
    assert err.count("\n") == 1
    assert os.listdir() == ["small.toml"]


UNENDING = {
    "points": (
        SMALL.replace("p_easy = 0.9", "p_easy = { from = 0.1, to = 0.9, points = 1_000_000_000 }"),
        "points = 10",
    ),
    "digits": (SMALL.replace("p_easy = 0.9", "p_easy = " + "1" * 400), "population.p_easy = 1111"),
    "many digits": (SMALL.replace("p_easy = 0.9", "p_easy = " + "1" * 5000), "not TOML: Exceeds the limit"),
    "hexadecimal": (SMALL.replace("seed = 7", "seed = 0x" + "f" * 5000), "seed = a number of thousands of digits"),
    "calls": (SMALL.replace("[1, 3]", "{ from = 1, to = 1e12, points = 100_000_000 }"), "calls.points = 100000000"),
    "product": (
        SMALL.replace("0.9", "{ from = 0.1, to = 0.9, points = 9_999 }").replace("p_hard = 0.2", "p_hard = [0.1, 0.2]"),
        "59,994 points in all",
    ),
    "lists": (SMALL.replace("[1, 3]", "[" * 5000 + "]" * 5000), "tables or lists nested too deeply"),
    "lists in lists": (
        SMALL.replace("[1, 3]", "[" * 50 + "1" + "]" * 50),
        "calls = [[[[[[[...]]]]]]]: expected a number",
    ),
    "tables": (SMALL + "a = " + "{a = " * 5000, "tables or lists nested too deeply"),
    "keys": (".".join("a" * 200_000) + " = 1", "tables or lists nested too deeply"),
    "bytes": (SMALL + "# " + "x" * 2**20, "more than 1,048,576 bytes"),
}


@pytest.mark.parametrize(("text", "message"), UNENDING.values(), ids=UNENDING)
def test_what_would_not_end_is_refused_at_once_in_one_line(config, capsys, monkeypatch, text, message):
    monkeypatch.setattr(sys.modules["jaxscale.simulator._schema"], "MOST_POINTS", 50_000)
    config.write_text(text)
    _, err = output(capsys, config, "-o", "out.parquet", code=2)
    assert err.startswith("jaxscale: small.toml: ")
    assert message in err
    assert len(err) < 300
    assert err.count("\n") == 1
    assert os.listdir() == ["small.toml"]


def test_what_has_no_end_is_not_read(config, capsys):
    os.mkfifo("fifo.toml")
    for path in ("fifo.toml", "/dev/zero", "/dev/null"):
        _, err = output(capsys, path, "-o", "out.parquet", code=2)
        assert err == f"jaxscale: {path}: no regular file: expected one, which has an end\n"


def test_each_of_many_values_is_checked(config, capsys):
    config.write_text(SMALL.replace("p_easy = 0.9", "p_easy = { from = 0.1, to = 1.1, points = 40_000 }"))
    _, err = output(capsys, config, "-o", "out.parquet", code=2)
    assert err.startswith("jaxscale: small.toml: population: TwoPoint: p_easy = 1.0000")
    config.write_text(SMALL.replace('"vote"', '"adaptive-vote"\nconfidence = [0.6, 0.7, 1.5]'))
    _, err = output(capsys, config, "-o", "out.parquet", code=2)
    assert err.startswith("jaxscale: small.toml: system: confidence = 1.5: expected a number between 1/2 and 1")


def test_a_person_sees_how_far_a_long_point_is(config, capsys, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)

    def slowly(plan, out, *, progress, **options):
        progress(1, 3)
        progress(1.25, 3)
        time.sleep(0.3)
        return out

    monkeypatch.setattr(sys.modules["jaxscale.simulator"], "sweep", slowly)
    output(capsys, config, "-o", "out.parquet")
    assert "1/3, 25.0000% of the next" in terminal.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.toml", "-o", "out.parquet"], "none.toml: cannot be read: no such file or directory"),
        (["small.toml", "-o", "out.csv"], "--output = 'out.csv': expected a name that ends in .parquet"),
        (["small.toml", "-o", "no/out.parquet"], "--output = 'no/out.parquet': no such directory"),
        (["small.toml"], "Missing option '--output' / '-o'"),
    ],
)
def test_bad_arguments_are_one_line(config, capsys, arguments, message):
    _, err = output(capsys, *arguments, code=2)
    assert err.startswith("jaxscale: " + message)
    assert err.count("\n") == 1
    assert os.listdir() == ["small.toml"]
