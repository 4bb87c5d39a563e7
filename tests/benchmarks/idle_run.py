"""`onward run` with nothing to do, against the least it can take: importing Polars and DuckDB.

Whole processes in turn, so that whatever else the machine does hits both alike.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.generate import WORKFLOWS
from tests.benchmarks.processes import ONWARD, timed_process

GOAL = 3
IMPORTS = (sys.executable, "-c", "import polars, duckdb")


def compare(pairs: int) -> str:
    """Time so many pairs after one of each to warm up (the first run makes the store)."""
    runs, imports = [], []
    with tempfile.TemporaryDirectory(prefix="onward-idle-") as folder:
        shutil.copytree(WORKFLOWS, Path(folder) / "workflows")
        env = {"ONWARD_DATA_DIR": folder}
        for number in range(pairs + 1):
            took = timed_process([*ONWARD, "run"], env), timed_process(IMPORTS)
            if number:
                runs.append(took[0])
                imports.append(took[1])
    wall, least = (statistics.median(one.wall for one in some) for some in (runs, imports))
    cpu, least_cpu = (statistics.median(one.cpu for one in some) for some in (runs, imports))
    return (
        f"idle `onward run` {wall:.2f} s, imports alone {least:.2f} s → {wall / least:.1f}× "
        f"(cpu {cpu:.2f} s, {cpu / least_cpu:.1f}×; goal ≤ {GOAL}×; medians of {pairs} pairs)"
    )


def main(arguments: list[str] | None = None) -> list[str]:
    """Compare; prints and returns the line."""
    parser = argparse.ArgumentParser(
        prog="idle_run", description="`onward run` with nothing to do against bare imports."
    )
    parser.add_argument("--full", action="store_true", help="15 pairs")
    parser.add_argument("--pairs", type=int, default=7)
    given = parser.parse_args(arguments)
    line = compare(15 if given.full else given.pairs)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
