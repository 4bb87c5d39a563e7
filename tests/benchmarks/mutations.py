"""Damaged files of every format: each is loaded, quarantined by rows, or refused by name, whatever became of it.

Files are loaded in processes of their own, so that a library that crashes is seen and the file named. Each one can be
had again by its format and number.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.settings import Limits
from flows.warehouse import connect, is_stopped
from tests.formats.mutants import MAKERS, fate, mutant

MEMORY = 2**30
GRACE = 1.25
SLOW = 10
BATCH = 250


def load(format_: str, first: int, beyond: int) -> None:
    """Load some damaged files in this process; says each one's number first, then what was wrong, if anything."""
    resource.setrlimit(resource.RLIMIT_AS, (8 * MEMORY, 8 * MEMORY))
    with tempfile.TemporaryDirectory(prefix="onward-mutant-") as folder:
        path, con = Path(folder) / f"e.{format_}", _connect()
        for number in range(first, beyond):
            print("file", number, flush=True)
            path.write_bytes(mutant(format_, number))
            if fault := _fault(con, path):
                print("fault", number, fault, flush=True)
            if is_stopped(con):
                con = _connect()


def _connect() -> DuckDBPyConnection:
    return connect(memory_limit=f"{MEMORY}B", threads=2)


def _fault(con: DuckDBPyConnection, path: Path) -> str:
    before, began = _most_memory(), time.process_time()
    try:
        found = fate(con, path, Limits()).fault
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}: {str(error)[:300]!r}"
    if found:
        return found
    if (took := time.process_time() - began) > SLOW:
        return f"took {took:.1f} processor seconds"
    after = _most_memory()
    return f"took {after / 2**20:,.0f} MiB" if before < after > MEMORY * GRACE else ""


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def faults(format_: str, files: int) -> list[str]:
    """What was wrong with so many damaged files of a format."""
    found, first = list[str](), 0
    while first < files:
        done = _batch(format_, first, min(first + BATCH, files))
        lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
        found += [f"{format_} {number}: {fault}" for kind, number, *rest in lines for fault in rest]
        first = min(first + BATCH, files)
        if done.returncode:
            last = max((int(number) for kind, number, *_ in lines if kind == "file"), default=first)
            said = done.stderr.strip().splitlines()[-1:]
            found.append(f"{format_} {last}: the process ended with {done.returncode} {' '.join(said)}")
            first = last + 1
    return found


def _batch(format_: str, first: int, beyond: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", __spec__.name, "--load", format_, str(first), str(beyond)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main(arguments: list[str] | None = None) -> list[str]:
    """Load damaged files; prints and returns a line on each format, and one on each fault."""
    parser = argparse.ArgumentParser(prog="mutations", description="Damaged files of every format.")
    parser.add_argument("--full", action="store_true", help="10,000 files of each format")
    parser.add_argument("--files", type=int, default=250, help="of each format")
    parser.add_argument("--formats", nargs="+", choices=MAKERS, default=list(MAKERS))
    parser.add_argument("--load", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.load:
        load(given.load[0], int(given.load[1]), int(given.load[2]))
        return []
    lines, files = list[str](), 10_000 if given.full else given.files
    for format_ in given.formats:
        found = faults(format_, files)
        lines += [f"{format_}: {files:,} damaged files, {len(found)} faults", *found]
        print(*lines[-len(found) - 1 :], sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    sys.exit(any("faults" not in line for line in main()))
