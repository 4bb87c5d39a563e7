"""One run at a time: a lock file the operating system releases when its holder ends, however it ends."""

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flows.errors import OnwardError


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


@contextmanager
def run_lock(file: Path) -> Generator[None]:
    """Hold `file` for this process; what a dead process left in it doesn't matter.

    Raises:
        RunInProgressError: another process (or another part of this one) holds it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(handle)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunInProgressError(*_holder(handle)) from None
    started = datetime.now(UTC).isoformat(timespec="seconds")
    os.ftruncate(handle, 0)
    os.pwrite(handle, json.dumps({"pid": os.getpid(), "started_at": started}).encode(), 0)


def _holder(handle: int) -> tuple[int | None, str | None]:
    try:
        said = json.loads(os.pread(handle, 1000, 0))
        return int(said["pid"]), str(said["started_at"])
    except (ValueError, KeyError, TypeError):
        return None, None
