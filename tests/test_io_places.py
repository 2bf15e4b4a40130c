"""Where data may be: standard input, patterns of names, and URIs."""

import functools
import gzip
import http.server
import io
import subprocess
import sys
import threading

import pytest
from _logs import lines

import jaxscale as js
from jaxscale.cli import run
from jaxscale.data import DataError, DataWarning
from jaxscale.io import _places

pytestmark = pytest.mark.filterwarnings("ignore:.*stopped at the first success")

CSV = b"problem,passed\na,1\na,0\nb,1\nb,1\n"


def read(path, **options):
    data = js.read_attempts(path, **options)
    return data["all"].query, data["all"].successes.tolist(), data["all"].attempts.tolist()


WHOLE = (("a", "b"), [1, 2], [2, 2])


@pytest.fixture
def piped(monkeypatch):
    """Puts bytes into standard input."""

    def put(data):
        class Stdin:
            buffer = io.BytesIO(data)
            isatty = staticmethod(lambda: False)

        monkeypatch.setattr(sys, "stdin", Stdin)
        monkeypatch.setattr(_places, "_read", [])

    return put


@pytest.mark.parametrize(
    "data",
    [CSV, gzip.compress(CSV), b'{"problem": "a", "passed": [true, false]}\n{"problem": "b", "passed": [1, 1]}\n'],
    ids=["csv", "gzip", "jsonl"],
)
def test_standard_input_is_recognised_by_its_content_and_read_as_often_as_needed(piped, data):
    piped(data)
    assert read("-") == read(["-"]) == WHOLE
    assert js.read_attempts("-").summary.files == ("standard input",)
    assert js.read_attempts("-")["all"].name == "standard input"


def test_faults_of_standard_input_name_it(piped, monkeypatch):
    piped(CSV + b"c,9\n")
    with pytest.raises(DataError, match=r"^standard input, line 6: passed = '9'"):
        js.read_attempts("-")
    piped(b"")
    with pytest.raises(DataError, match=r"^standard input: is empty"):
        js.read_attempts("-")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(_places, "_read", [])
    with pytest.raises(DataError, match="standard input: is a terminal, or closed: expected data that are piped in"):
        js.read_attempts("-")


def test_a_command_that_reads_twice_reads_what_is_piped_in():
    program = [sys.executable, "-c", "from jaxscale.cli import main; main()", "plan", "-", "--budget", "4"]
    ballots = b"problem,answer,correct\na,x,1\na,y,0\nb,x,1\nb,x,1\n"
    done = subprocess.run(program, input=ballots, capture_output=True, check=False)
    assert (done.returncode, b"read standard input as csv: 2 queries x 2 ballots" in done.stderr) == (0, True)


def test_patterns_are_expanded_in_order_of_names_and_empty_ones_refused(tmp_path, capsys):
    (tmp_path / "x" / "y").mkdir(parents=True)
    for place, problem in (("b.jsonl", "b"), ("x/a.jsonl", "a"), ("x/y/c.jsonl", "c"), ("odd[1].jsonl", "o")):
        lines(tmp_path / place, {"problem": problem, "passed": 1})
    with pytest.warns(DataWarning, match="2 folders"):
        assert js.read_attempts(f"{tmp_path}/*/**/*.jsonl")["all"].query == ("a", "c")
    assert js.read_attempts(tmp_path / "b*.jsonl")["all"].query == ("b",)
    assert js.read_attempts(tmp_path / "odd[1].jsonl")["all"].query == ("o",)  # a name, not a pattern
    assert run(["forecast", f"{tmp_path}/*.parquet"]) == 2
    said = capsys.readouterr().err
    assert said == f"jaxscale: {tmp_path}/*.parquet: no file has a name of this pattern\n"
    assert js.read_attempts([tmp_path / "b.jsonl", f"{tmp_path}/x/*.jsonl"], "file").keys() == {
        f"{tmp_path}/b.jsonl",
        f"{tmp_path}/x/a.jsonl",
    }


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder, and the address at which its files are to be had."""
    folder = tmp_path_factory.mktemp("served")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_file_is_fetched_and_named_by_its_address_and_the_copy_is_gone_afterwards(served, capsys):
    folder, address = served
    (folder / "runs.csv.gz").write_bytes(gzip.compress(CSV))
    data = js.read_attempts(f"{address}/runs.csv.gz")
    assert (data["all"].successes.tolist(), data.summary.files) == ([1, 2], (f"{address}/runs.csv.gz",))
    (folder / "bad.csv").write_bytes(CSV + b"c,9\n")
    assert run(["forecast", f"{address}/bad.csv"]) == 2
    assert capsys.readouterr().err.startswith(f"jaxscale: {address}/bad.csv, line 6: passed = '9'")
    with pytest.raises(DataError, match=f"^{address}/none.csv: cannot be fetched: "):
        js.read_attempts(f"{address}/none.csv")
    (place,) = _places.places_of([f"{address}/runs.csv.gz"])
    path = place.path
    assert path.is_file()
    del place
    assert not path.exists()


def test_other_stores_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(DataError, match=r"^s3://b/x.csv: needs the package fsspec: .*pip install 'jaxscale\[remote\]'"):
        js.read_attempts("s3://b/x.csv")


@pytest.mark.filterwarnings("ignore::jaxscale.data.DataWarning")
def test_stores_are_read_file_by_file_and_as_folders():
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    for name, data in (("/run/a.csv", CSV), ("/run/deep/b.csv", CSV.replace(b"a,", b"c,"))):
        store.pipe(name, data)
    assert read("memory://run/a.csv") == WHOLE
    data = js.read_attempts("memory://run", "folder")
    assert set(data) == {"memory://run", "memory://run/deep"}
    together = js.read_attempts("memory://run/**/*.csv")
    assert together["all"].attempts.sum() == 8
    assert "put the files of 2 folders together: --group folder reads each" in together.summary.notes
    for missing in ("memory://run/none.csv", "memory://run/*.jsonl"):
        with pytest.raises(DataError, match=r"no (such )?file"):
            js.read_attempts(missing)
    with pytest.raises(DataError, match=r"nowhere://x.csv: cannot be fetched: .*nowhere"):
        js.read_attempts("nowhere://x.csv")
