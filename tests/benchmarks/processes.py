"""Whole processes, timed: what a user waits for, and the most memory it takes."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ONWARD = str(Path(sys.executable).with_name("onward"))


@dataclass(frozen=True)
class Ended:
    """A process that has ended well: seconds by the wall clock, processor seconds, peak resident bytes."""

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
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{said.decode()}")
    return Ended(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
