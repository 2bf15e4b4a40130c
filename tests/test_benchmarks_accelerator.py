"""The run on an accelerator, here on a CPU: rows in time, an interruption that keeps them, and a bare machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks._accelerator._cards import floor, known_card
from benchmarks._accelerator._correct import _runs_of_two, _verdict
from benchmarks._accelerator._session import Session, Unaffordable

ROOT = Path(__file__).parents[1]

# A machine with jax, numpy, equinox, optax, jaxtyping, scipy, pyarrow, rich, typer and matplotlib, and a checkout of
# this package that is not installed: what else is here cannot be imported.
BARE = """
import importlib.metadata, runpy, signal, sys
for name in ("vl_convert", "yaml", "jinja2", "mpmath", "sklearn", "hypothesis", "beartype", "pytest", "pandas"):
    sys.modules[name] = None
version = importlib.metadata.version
def found(name):
    if name == "jaxscale":
        raise importlib.metadata.PackageNotFoundError(name)
    return version(name)
importlib.metadata.version = found
# Tests that run in the background of a shell are started with interrupts ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.argv = ["benchmarks", *sys.argv[1:]]
runpy.run_module("benchmarks", run_name="__main__")
"""


def started(path, minutes):
    command = [sys.executable, "-c", BARE, "accelerator", "--minutes", str(minutes), "--json", str(path)]
    environment = dict(os.environ, PYTHONPATH=str(ROOT), JAX_PLATFORMS="cpu")
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_it_runs_on_a_bare_machine_within_its_minutes(tmp_path):
    process = started(tmp_path / "rows.json", 0.2)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    document = json.loads((tmp_path / "rows.json").read_text())
    assert document["ended"] == "finished"
    assert {"device", "jax", "numpy", "memory", "jaxscale"} <= set(document["machine"])
    rows = document["rows"]
    assert all("error" not in row for row in rows)
    measured = [row for row in rows if "skipped" not in row]
    assert measured[0]["kind"] == "samplers against their laws, float32"
    assert measured[0]["ok"] is True
    # What does not fit says so, and what it knows of the time that it would have taken.
    assert any("s are left" in row["skipped"] for row in rows if "skipped" in row)
    assert f"finished: {len(measured)} rows measured" in out


def test_an_interrupted_run_keeps_its_rows(tmp_path):
    path = tmp_path / "rows.json"
    process = started(path, 10)
    try:
        end = time.monotonic() + 200
        while not (path.exists() and len(json.loads(path.read_text())["rows"]) >= 2):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < end, "no rows"
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 130
    document = json.loads(path.read_text())
    assert document["ended"] == "interrupted"
    assert len(document["rows"]) >= 2
    assert "interrupted: " in out


@pytest.fixture
def session(tmp_path):
    return Session({"device": "x"}, 1.0, tmp_path / "rows.json", Console(quiet=True))


def test_a_row_that_fails_holds_its_error_and_the_run_goes_on(session, tmp_path):
    def broken():
        raise RuntimeError("out of memory")

    with session.running():
        session.row("kind", "broken", 0.1, broken)
        session.row("kind", "whole", 0.1, lambda: {"seconds": np.float32(0.5), "ok": True})
    stored = json.loads((tmp_path / "rows.json").read_text())
    assert stored["ended"] == "finished"
    broken_row, whole = stored["rows"]
    assert broken_row["error"] == "RuntimeError: out of memory"
    assert "in broken" in broken_row["traceback"]
    assert whole["seconds"] == 0.5
    assert not list(tmp_path.glob("*.unfinished"))


def test_a_row_that_does_not_fit_is_skipped(session):
    def never():
        raise AssertionError("measured all the same")

    assert "60 s are left" in session.row("kind", "long", 100.0, never)["skipped"]

    def larger():
        session.afford(1000.0)

    # The estimate from a smaller size decides, too.
    assert "1e+03 s more" in session.row("kind", "large", 0.1, larger)["skipped"]
    with pytest.raises(Unaffordable):
        session.afford(61.0)
    session.afford(10.0)


def test_rows_are_expected_to_take_as_long_as_those_before_say(session):
    session.row("kind", "slow", 0.01, lambda: time.sleep(0.2) or {})
    assert "skipped" in session.row("kind", "as slow", 20.0, dict)  # this machine is five times slower or more
    assert "skipped" not in session.row("kind", "short", 1.0, dict)


def test_cards_are_known_by_their_names():
    assert known_card("NVIDIA H100 80GB HBM3").bandwidth == 3.35e12
    assert known_card("NVIDIA H100 PCIe").bandwidth == 2.0e12
    assert known_card("NVIDIA H200").bandwidth == 4.8e12
    assert known_card("NVIDIA A100-SXM4-40GB").bandwidth == 1.555e12
    assert known_card("cpu") is None


def test_the_floor_is_the_larger_of_operations_and_bytes():
    card = known_card("NVIDIA A100-SXM4-80GB")
    busy = floor(card, 1.0, card.float32, 1.0, dtype=np.float32)
    assert busy["share_of_floor"] == pytest.approx(1.0)
    moving = floor(card, 2.0, 1.0, card.bandwidth, dtype=np.float32)
    assert moving["bytes_share"] == moving["share_of_floor"] == pytest.approx(0.5)
    assert floor(card, 1.0, 1e12, 0.0, dtype=np.float64)["floor_seconds"] > busy["floor_seconds"] * 0.1


def test_what_is_wrong_by_five_standard_errors_is_called_wrong():
    assert _verdict({"exact": 4.9})["ok"]
    assert not _verdict({"exact": -5.1, "CPU": 0.0})["ok"]
    assert not _verdict({"exact": float("nan")})["ok"]


def test_two_in_a_row_by_enumeration():
    # Of three calls: RR*, WRR.
    chance = sum(share * (p**2 + (1 - p) * p**2) for share, p in ((0.6, 0.8), (0.4, 0.4)))
    assert _runs_of_two([1, 2, 3]) == pytest.approx([0.0, 0.6 * 0.64 + 0.4 * 0.16, chance])
