"""Sweeps that are killed, damaged, or run twice: every row is there in the end, or it is said why not."""

import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import pyarrow.parquet as pq
import pytest

from jaxscale.cli import run
from jaxscale.data import DataWarning
from jaxscale.simulator import OutputTaken, sweep

# In tiles of 1,024 indices, these are two chunks: each point is saved within.
CONFIG = """
calls = [1, 3]
replicates = 2_000
seed = 7
population = { model = "point-mass", p = [0.2, 0.5, 0.9] }
system = { name = "pass-at-k" }
"""


class Killed(BaseException):
    """What kill -9 is to a process that stays alive for the next try: nothing it does to files takes place any more."""


class Disk:
    """Counts what is done to files under a folder, and kills at one of these events: a write is then half done."""

    def __init__(self, monkeypatch, root):
        self.root, self.handles, self.events, self.kill_at = str(root), set(), 0, None
        for name in ("mkdir", "rename", "replace", "rmdir", "unlink"):
            monkeypatch.setattr(os, name, self._on_path(getattr(os, name)))
        for name in ("fsync", "ftruncate"):
            monkeypatch.setattr(os, name, self._on_handle(getattr(os, name)))
        for name in ("write", "pwrite"):
            monkeypatch.setattr(os, name, self._writing(getattr(os, name)))
        monkeypatch.setattr(os, "open", self._opening(os.open))
        monkeypatch.setattr(os, "close", self._closing(os.close))

    def until(self, event, action):
        """Run an action that dies at an event, counted from 0; whether it did."""
        self.events, self.kill_at = 0, event
        try:
            action()
        except Killed:
            return True
        finally:
            self.kill_at = None
        return False

    def _dies(self):
        self.events += 1
        return self.kill_at is not None and self.events > self.kill_at

    def _on_path(self, real):
        def act(path, *more, **options):
            if str(path).startswith(self.root) and self._dies():
                raise Killed
            return real(path, *more, **options)

        return act

    def _on_handle(self, real):
        def act(handle, *more):
            if handle in self.handles and self._dies():
                raise Killed
            return real(handle, *more)

        return act

    def _writing(self, real):
        def act(handle, data, *more):
            if handle in self.handles:
                before = self.kill_at is not None and self.events > self.kill_at
                if self._dies():
                    if not before:
                        real(handle, bytes(data)[: len(data) // 2], *more)
                    raise Killed
            return real(handle, data, *more)

        return act

    def _opening(self, real):
        def act(path, *more, **options):
            ours = str(path).startswith(self.root)
            if ours and self._dies():
                raise Killed
            handle = real(path, *more, **options)
            if ours:
                self.handles.add(handle)
            return handle

        return act

    def _closing(self, real):
        def act(handle):
            self.handles.discard(handle)
            return real(handle)

        return act


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A sweep that writes at every opportunity, with its rows; its folder is the current one."""
    monkeypatch.setattr(importlib.import_module("jaxscale.simulator._sweep"), "_FLUSH_SECONDS", -1.0)
    monkeypatch.setitem(importlib.import_module("jaxscale.simulator._engine")._TILE, "cpu", 1)
    monkeypatch.chdir(tmp_path)
    Path("small.toml").write_text(CONFIG)
    return rows_of(sweep("small.toml", "expected.parquet"))


def rows_of(path):
    return pq.read_table(path).drop_columns(["seconds"]).to_pylist()


def names(folder="."):
    return sorted(path.name for path in Path(folder).iterdir())


def resumed(folder, capsys, code=0):
    """What `jaxscale simulate --resume` says on stderr."""
    capsys.readouterr()
    assert run(["simulate", "small.toml", "-o", f"{folder}/out.parquet", "--resume"]) == code
    return capsys.readouterr().err


def fresh(folder):
    """A first run."""
    folder.mkdir()
    return lambda: sweep("small.toml", folder / "out.parquet")


def again(folder):
    """A second run, after a first that was killed in its second point."""
    shutil.copytree("killed", folder)
    return lambda: sweep("small.toml", folder / "out.parquet", resume=True)


def anew(folder):
    """The same, without resume."""
    shutil.copytree("killed", folder)
    return lambda: sweep("small.toml", folder / "out.parquet")


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
@pytest.mark.parametrize("scenario", [fresh, again, anew])
def test_a_kill_at_any_event_costs_no_row(small, tmp_path, monkeypatch, capsys, scenario):
    Path("small.toml").write_text(CONFIG.replace(", 0.9]", "]"))
    small = small[:4]  # two points of the three: a point's draws do not depend on how many there are
    disk = Disk(monkeypatch, tmp_path)
    killed = tmp_path / "killed"
    assert disk.until(33, fresh(killed))
    assert [name for name in names(killed / "out.parquet.parts") if name.endswith("parquet")] == [
        "points-000000000000-000000000001.parquet",
        "within-000000000000.parquet",
        "within-000000000001.parquet",
    ]
    event, died = 0, True
    while died:
        folder = tmp_path / f"at-{event}"
        died = disk.until(event, scenario(folder))
        if (folder / "out.parquet").exists():
            assert rows_of(folder / "out.parquet") == small, event
        err = resumed(folder, capsys)
        assert rows_of(folder / "out.parquet") == small, event
        assert names(folder) == ["out.parquet"], event
        assert err.count("\n") <= 2, err
        event += 1
    assert event > 20


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_a_kill_leaves_the_old_file_of_another_sweep_or_the_new_one(small, tmp_path, monkeypatch, capsys):
    Path("other.toml").write_text(CONFIG.replace("0.9]", "0.9, 0.95]"))
    old = rows_of(sweep("other.toml", "old.parquet"))
    disk = Disk(monkeypatch, tmp_path)
    event, died = 0, True
    while died:
        folder = tmp_path / f"at-{event}"
        folder.mkdir()
        shutil.copy("old.parquet", folder / "out.parquet")
        died = disk.until(event, lambda folder=folder: sweep("small.toml", folder / "out.parquet"))
        found = rows_of(folder / "out.parquet")
        assert found in (old, small), event
        if (folder / "out.parquet.parts").exists() or found == small:
            resumed(folder, capsys)
            assert rows_of(folder / "out.parquet") == small, event
        else:  # nothing was begun: there is nothing to resume, and the old file stays
            assert "out.parquet is of another sweep: to replace it run without resume" in resumed(folder, capsys, 2)
            assert rows_of(folder / "out.parquet") == old, event
        event += 5


@pytest.fixture
def parts(small):
    """The folder of parts of a run that ended before its parts became one file, and the rows that are to be."""
    merge = importlib.import_module("jaxscale.simulator._parts").Parts.merge
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("jaxscale.simulator._parts").Parts, "merge", killed_here)
        with pytest.raises(Killed):
            sweep("small.toml", "out.parquet")
    assert importlib.import_module("jaxscale.simulator._parts").Parts.merge is merge
    return Path("out.parquet.parts"), small


def killed_here(*_):
    raise Killed


FIRST, SECOND, THIRD = (f"points-{first:012d}-{first + 1:012d}.parquet" for first in range(3))


def truncated(folder):
    (folder / SECOND).write_bytes((folder / SECOND).read_bytes()[:-100])


def empty(folder):
    (folder / SECOND).write_bytes(b"")


def flipped(folder):
    content = bytearray((folder / SECOND).read_bytes())
    content[len(content) // 8] ^= 255
    (folder / SECOND).write_bytes(content)


def foreign(folder):
    Path("other.toml").write_text(CONFIG.replace("seed = 7", "seed = 8"))
    shutil.copy(sweep("other.toml", "other.parquet"), folder / SECOND)


def renamed(folder):
    shutil.copy(folder / FIRST, folder / SECOND)


def not_by_a_sweep(folder):
    pq.write_table(pq.read_table(folder / SECOND).replace_schema_metadata(None), folder / SECOND)


def fewer_rows(folder):
    table = pq.read_table(folder / SECOND)
    pq.write_table(table[:-1], folder / SECOND)


def deleted(folder):
    (folder / SECOND).unlink()


def overlapping(folder):
    described = importlib.import_module("jaxscale.simulator._parts")
    two = importlib.import_module("pyarrow").concat_tables(
        [pq.read_table(folder / FIRST), pq.read_table(folder / SECOND)]
    )
    metadata = json.loads(two.schema.metadata[described._METADATA]) | {"first": 0, "stop": 2}
    two = two.replace_schema_metadata({described._METADATA: json.dumps(metadata)})
    pq.write_table(two, folder / "points-000000000000-000000000002.parquet")


@pytest.mark.parametrize(
    ("damage", "point", "words"),
    [
        (truncated, 1, "is truncated or damaged"),
        (empty, 1, "is empty"),
        (flipped, 1, "is truncated or damaged"),
        (foreign, 1, "is of another sweep"),
        (renamed, 1, "holds points 0 to 0, which is not what its name says"),
        (not_by_a_sweep, 1, "was not made by a sweep"),
        (fewer_rows, 1, "has 1 rows of 2"),
        (deleted, 1, None),
        (overlapping, None, "holds points that another part holds too, from 0 on"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_damaged_parts_are_named_and_redone(parts, capsys, damage, point, words):
    folder, expected = parts
    damage(folder)
    kept = 3 if point is None else 2
    assert run(["simulate", "small.toml", "-o", "out.parquet", "--resume"]) == 0
    out, err = capsys.readouterr()
    assert f"6 rows, 3 points ({kept} of them resumed)" in out
    if words is None:
        assert err == ""
    else:
        assert f"{words}: its points are simulated again" in err
        assert str(folder) in err
        assert err.count("\n") == 1
    assert rows_of("out.parquet") == expected
    assert not folder.exists()


def test_a_whole_file_of_the_same_sweep_is_kept(small, capsys):
    shutil.copy("expected.parquet", "out.parquet")
    before = Path("out.parquet").stat()
    assert resumed(".", capsys) == ""
    assert Path("out.parquet").stat().st_mtime_ns == before.st_mtime_ns
    assert Path("out.parquet").stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"PAR1 and no more", "is truncated or damaged")],
)
def test_a_file_that_is_no_result_is_not_replaced_to_resume(small, capsys, content, words):
    Path("out.parquet").write_bytes(content)
    assert f"out.parquet {words}: to replace it run without resume" in resumed(".", capsys, 2)
    assert Path("out.parquet").read_bytes() == content


def test_a_folder_of_somebody_else_is_neither_removed_nor_written_into(small, capsys):
    mine = Path("out.parquet.parts")
    mine.mkdir()
    for files in ([], ["notes.txt"]):
        for name in files:
            (mine / name).write_text("mine")
        for more in ([], ["--resume"]):
            assert run(["simulate", "small.toml", "-o", "out.parquet", *more]) == 2
            assert capsys.readouterr().err == (
                "jaxscale: out.parquet.parts is no folder of parts of a sweep: move it away, or choose another output\n"
            )
            assert names(mine) == files
    assert not Path("out.parquet").exists()


def test_a_file_of_somebody_else_among_the_parts_stays(parts, capsys):
    folder, expected = parts
    (folder / "notes.txt").write_text("mine")
    assert run(["simulate", "small.toml", "-o", "out.parquet"]) == 2
    assert "holds 'notes.txt', which is of no sweep: move it away" in capsys.readouterr().err
    err = resumed(".", capsys)
    assert err.splitlines() == [
        "jaxscale: warning: out.parquet.parts/notes.txt: no part of this sweep, left alone",
        "jaxscale: warning: out.parquet.parts: kept, as it holds files that are of no sweep",
    ]
    assert names(folder) == ["notes.txt"]
    assert rows_of("out.parquet") == expected


def test_parts_of_another_version_or_kind_of_random_numbers_are_not_mixed_in(parts, monkeypatch):
    module = importlib.import_module("jaxscale.simulator._sweep")
    with monkeypatch.context() as patch:
        patch.setattr(module, "__version__", "0.0.1")
        with pytest.raises(OutputTaken, match=r"parts of another sweep \(of jaxscale .*\): expected the one to resume"):
            sweep("small.toml", "out.parquet", resume=True)
    with jax.default_prng_impl("rbg"), pytest.raises(OutputTaken, match=r"another sweep \(of random threefry2x32"):
        sweep("small.toml", "out.parquet", resume=True)
    Path("small.toml").write_text(CONFIG.replace("seed = 7", "seed = 8"))
    with pytest.raises(OutputTaken, match="holds parts of another sweep: expected the one to resume"):
        sweep("small.toml", "out.parquet", resume=True)


def test_the_file_says_what_it_was_made_with(small):
    said = json.loads(pq.read_schema("expected.parquet").metadata[b"jaxscale"])
    assert (said["first"], said["stop"], said["points"]) == (0, 3, 3)
    assert said["jax"] == jax.__version__
    assert said["random"].startswith("threefry2x32")
    assert len(said["sweep"]) == 64


HOLDING = """
import importlib, sys
module = importlib.import_module("jaxscale.simulator._sweep")
module._FLUSH_SECONDS = -1.0
importlib.import_module("jaxscale.simulator._engine")._TILE["cpu"] = 1
def hold(done, total):
    if done == 1.0 or 1 < done < 2 and sys.argv[1] == "within":
        print(done, flush=True)
        sys.stdin.readline()
module.sweep("small.toml", "out.parquet", progress=hold)
"""


@pytest.mark.parametrize("where", ["between", "within"])
def test_one_run_at_a_time_and_its_claim_ends_with_it(small, capsys, where):
    command = [sys.executable, "-c", HOLDING, where]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        try:
            said = [first.stdout.readline()]
            if where == "within":
                first.stdin.write("\n")
                first.stdin.flush()
                said.append(first.stdout.readline())
                assert 1 < float(said[-1]) < 2
            holder = f"process {first.pid} on {socket.gethostname()} since 20"
            for more in ([], ["--resume"]):
                assert run(["simulate", "small.toml", "-o", "out.parquet", *more]) == 2
                err = capsys.readouterr().err
                assert err.startswith(f"jaxscale: out.parquet is being written by {holder}")
                assert err.count("\n") == 1
        finally:
            first.send_signal(signal.SIGKILL)
    err = resumed(".", capsys)
    assert err.startswith(f"jaxscale: warning: out.parquet.claim: taken over from {holder}")
    assert err.count("\n") == 1
    assert rows_of("out.parquet") == small
    assert names() == ["expected.parquet", "out.parquet", "small.toml"]


def test_a_claim_from_another_host_is_not_taken_over(small, capsys):
    holder = {"claims": "out.parquet", "host": "elsewhere", "pid": 1, "started": "2026-01-01T00:00:00+00:00"}
    Path("out.parquet.claim").write_text(json.dumps(holder))
    assert resumed(".", capsys, 2) == (
        "jaxscale: out.parquet is being written by process 1 on elsewhere since 2026-01-01T00:00:00+00:00: "
        "if that run has ended, remove out.parquet.claim\n"
    )
    Path("out.parquet.claim").write_text("my notes")
    assert "out.parquet.claim is not a claim of a sweep: move it away" in resumed(".", capsys, 2)
    assert Path("out.parquet.claim").read_text() == "my notes"


def test_a_point_goes_on_from_within(small, monkeypatch):
    engine = importlib.import_module("jaxscale.simulator._points")
    begun, accumulating = [], engine.accumulating

    def seen(*arguments):
        begun.append(arguments[-1])
        return accumulating(*arguments)

    monkeypatch.setattr(engine, "accumulating", seen)
    done = []

    def stop_within(points, total):
        done.append(points)
        if 1 < points < 2:
            raise Killed

    with pytest.raises(Killed):
        sweep("small.toml", "out.parquet", progress=stop_within)
    assert done == [0, 1_024 / 2_000, 1, 1 + 1_024 / 2_000]
    begun.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataWarning)
        sweep("small.toml", "out.parquet", resume=True)
    assert [None if one is None else one[0] for one in begun] == [1_024, None]
    assert rows_of("out.parquet") == small
