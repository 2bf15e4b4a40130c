"""One run at a time for one file: who writes it says so in a file beside it."""

import contextlib
import datetime
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_START = b'{"claims": '


class OutputTaken(ValueError):
    """A sweep's file, or what lies beside it, belongs to another run or to somebody else."""


@contextlib.contextmanager
def claimed(out: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold `OUT.claim`, which names host, process and start time, while the block runs.

    The claim is a lock that the system releases when its process ends, however it ends; what is written in the file is
    for people, and for file systems that have no locks.

    Args:
        out: the file that is to be written.
        say: is told, in a sentence, that the claim of a run that has ended was taken over.

    Raises:
        OutputTaken: another run holds it: who, and since when.
    """
    path = out.with_name(out.name + ".claim")
    handle = _locked(path, out)
    try:
        left = _holder(handle, path)
        if left is not None:
            say(f"{path}: taken over from {_in_words(left)}, which has ended")
        now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        holder = {"claims": out.name, "host": socket.gethostname(), "pid": os.getpid(), "started": now}
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(holder).encode(), 0)
        try:
            yield
        finally:
            # Removed while it is held: whoever has opened it meanwhile sees that it is no longer the file of that name.
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _locked(path: Path, out: Path) -> int:
    """The open claim, locked, where no other run holds it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locks = True
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OutputTaken(f"{out} is being written by {_in_words(_holder(handle, path))}") from None
            except OSError:  # a file system without locks
                locks = False
            holder = _holder(handle, path)
            if holder is not None and not _ended(holder, locks):
                raise OutputTaken(
                    f"{out} is being written by {_in_words(holder)}: if that run has ended, remove {path}"
                )
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), os.stat(path)):
                    return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # its holder has just removed it


def _holder(handle: int, path: Path) -> dict[str, Any] | None:
    """Who a claim names; None where it is empty or incomplete."""
    written = os.pread(handle, 4096, 0)
    if not (written.startswith(_START) or _START.startswith(written)):
        raise OutputTaken(f"{path} is not a claim of a sweep: move it away, or choose another output")
    try:
        holder = json.loads(written)
        return {"host": str(holder["host"]), "pid": int(holder["pid"]), "started": str(holder["started"])}
    except (ValueError, KeyError, TypeError):  # whoever wrote it was killed while it did
        return None


def _ended(holder: dict[str, Any], locks: bool) -> bool:
    """Whether the process that a claim names has ended for certain, given that the claim is not locked."""
    if holder["host"] != socket.gethostname():
        return False  # its lock need not be seen here
    if locks:
        return True
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return holder["pid"] == os.getpid()


def _in_words(holder: dict[str, Any] | None) -> str:
    if holder is None:
        return "another run, which has just begun"
    return f"process {holder['pid']} on {holder['host']} since {holder['started']}"
