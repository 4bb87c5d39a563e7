"""Whole processes, timed: what a user waits for, and the most memory it takes."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ONWARD = (sys.executable, "-m", "flows")
"""The command `onward`, of the code that is measured."""


def environment(data: Path) -> dict[str, str]:
    """That of a process whose data lie in this folder."""
    return {**os.environ, "ONWARD_DATA_DIR": str(data)}


@dataclass(frozen=True)
class Ended:
    """A process that has ended well.

    Attributes:
        wall: seconds by the wall clock.
        cpu: processor seconds, those of its children too.
        peak_rss: the most memory it and its children took together, in bytes.
    """

    wall: float
    cpu: float
    peak_rss: int


def timed_process(command: Sequence[str], env: dict[str, str] | None = None) -> Ended:
    """Run `command` to its end, its output kept out of sight.

    Raises:
        RuntimeError: it failed; with what it said.
    """
    began = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
    ) as process:
        assert process.stdout is not None
        with _peak_of(process.pid) as peak:
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
    # What the system tells of the most memory begins with that of the process that started it.
    return Ended(wall, usage.ru_utime + usage.ru_stime, max(peak))


@contextmanager
def _peak_of(pid: int) -> Generator[list[int]]:
    """The most memory seen of a process and its children while the block runs, looked at twenty times a second."""
    peak, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], _resident(pid))

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _resident(pid: int) -> int:
    """Resident bytes of a process and its children; 0 for one that is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = {int(one) for task in tasks for one in (task / "children").read_text().split()}
    except (OSError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(_resident, children))
