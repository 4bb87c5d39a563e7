"""One run at a time: a lock file the operating system releases when its holder ends, however it ends."""

import fcntl
import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flows.errors import OnwardError

_PATIENCE, _PAUSE = 30, 0.05
"""Seconds to wait for whoever holds the store in passing, and between two looks."""


class RunInProgressError(OnwardError):
    """Another process holds the store.

    Attributes:
        pid: the process that holds it, or None if it hasn't said yet.
        since: when it started, ISO 8601.
    """

    def __init__(self, pid: int | None, since: str | None) -> None:
        self.pid, self.since = pid, since
        holder = f"pid {pid}, since {since}" if pid else "just started"
        super().__init__(f"another run is in progress ({holder}); wait for it to finish, or stop it")


@dataclass(frozen=True)
class Holder:
    """What the lock file says of who holds it; null where it says nothing yet.

    Attributes:
        pid: the process.
        since: when it took the lock, ISO 8601.
        passing: whether it lets go in a moment.
    """

    pid: int | None = None
    since: str | None = None
    passing: bool = False


@contextmanager
def run_lock(file: Path, *, passing: bool = False) -> Generator[None]:
    """Hold `file` for this process; what a dead process left in it doesn't matter.

    Args:
        file: the lock file.
        passing: it is let go in a moment, as by a compaction that only swaps names: others wait for that, half a
            minute at most, where they refuse to wait for a run.

    Raises:
        RunInProgressError: another process (or another part of this one) holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(handle, passing=passing)
        yield
    finally:
        os.close(handle)


def holder_of(file: Path) -> Holder | None:
    """Who holds `file` at this moment; None: nobody. Keeps no run out, since whoever wants the lock looks twice."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(handle)
    finally:
        os.close(handle)
    return None


def _acquire(handle: int, *, passing: bool) -> None:
    until, looks = time.monotonic() + _PATIENCE, 1
    while not _is_free(handle):
        holder = _holder(handle)
        # At the first look it may be held by somebody who only asks who holds it.
        if (looks > 1 and not holder.passing) or time.monotonic() > until:
            raise RunInProgressError(holder.pid, holder.since)
        looks += 1
        time.sleep(_PAUSE)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"pid": os.getpid(), "started_at": started, "passing": passing}
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps(told).encode(), 0)


def _is_free(handle: int) -> bool:
    """Take the lock if nobody has it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(handle: int) -> Holder:
    try:
        said = json.loads(os.pread(handle, 1000, 0))
        return Holder(int(said["pid"]), str(said["started_at"]), bool(said.get("passing")))
    except (ValueError, KeyError, TypeError):
        return Holder()
