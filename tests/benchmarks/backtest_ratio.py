"""`onward backtest` against the bare group-by of all rows by customer, of files and of a prepared history; peak memory.

Whole processes; the memory is that of all processes together. Processor time is compared too, because other work on
the machine doubles the wall clock.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.baselines import Least, fastest
from tests.benchmarks.generate import PATTERNS, WORKFLOWS, Load, Size, generated
from tests.benchmarks.processes import ONWARD, Ended, timed_process

GOALS = {"cold": 10, "prepare": 12, "prepared, executions and messages": 5, "prepared, all tables": 7}
GOAL_BYTES = 8e9
FULL = Size(100_000_000, 10_000_000)


def measure(size: Size, further: list[str]) -> Iterator[str]:
    """Backtest a load of this size as files, prepare it, backtest what was prepared, and group it."""
    load = generated(size)
    least = fastest("all_rows", load)
    yield (
        f"{size.events:,} events, {size.customers:,} customers; group-by of all rows by customer: {least.wall:.2f} s, "
        f"processor time {least.cpu:.2f} s ({least.tool})"
    )
    with tempfile.TemporaryDirectory(prefix="onward-backtest-") as folder:
        out, history = Path(folder) / "out", Path(folder) / "history"
        files = [str(part) for file in load.files for part in ("--events", file)]
        cold = [*files, "--customers", str(load.customers)]
        yield _line("cold", _backtest(load, out, [*cold, *further]), least, out)
        command = [
            *ONWARD,
            "prepare",
            *map(str, load.files),
            "--customers",
            str(load.customers),
            "--out",
            str(history),
        ]
        yield _line("prepare", timed_process(command), least)
        warm = ["--history", str(history), *further]
        some = [*warm, "--only", "executions,messages"]
        yield _line("prepared, executions and messages", _backtest(load, out, some), least, out)
        yield _line("prepared, all tables", _backtest(load, out, warm), least, out)


def _backtest(load: Load, out: Path, given: list[str]) -> Ended:
    settings = {"--workflows": WORKFLOWS, "--patterns": PATTERNS, "--end": load.end.isoformat(), "--out": out}
    options = [str(part) for option in settings.items() for part in option]
    return timed_process([*ONWARD, "backtest", *options, *given])


def _line(name: str, ended: Ended, least: Least, out: Path | None = None) -> str:
    phases = ""
    if out:
        summary = json.loads((out / "summary.json").read_text("utf-8"))
        seconds = [f"{one} {summary[f'{one}_seconds']:.1f} s" for one in ("load", "decide", "write")]
        phases = f" ({', '.join(seconds)}; {summary['buckets']} buckets, {summary['processes']} processes)"
    peak = f"peak {ended.peak_rss / 1e9:.2f} GB (goal ≤ {GOAL_BYTES / 1e9:.0f} GB)"
    return (
        f"{name}: {ended.wall:.1f} s{phases} → {ended.wall / least.wall:.1f}× (goal ≤ {GOALS[name]}×); processor time "
        f"{ended.cpu:.1f} s → {ended.cpu / least.cpu:.1f}×; {peak}"
    )


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; further options are those of `onward backtest`. Prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="backtest_ratio", description="A backtest against a group-by.")
    parser.add_argument("--full", action="store_true", help=f"{FULL.events:,} events")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--customers", type=int, default=500_000)
    given, further = parser.parse_known_args(arguments)
    lines = []
    for line in measure(FULL if given.full else Size(given.events, given.customers), further):
        print(line, flush=True)
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
