"""`onward backtest` against the bare group-by of all rows by customer; and its peak memory, all processes together."""

import argparse
import json
import tempfile
from pathlib import Path

from tests.benchmarks.baselines import fastest
from tests.benchmarks.generate import PATTERNS, WORKFLOWS, Size, generated
from tests.benchmarks.processes import ONWARD, timed_process

GOAL = 5
GOAL_BYTES = 8e9
FULL = Size(100_000_000, 10_000_000)


def measure(size: Size, further: list[str]) -> str:
    """Backtest a load of this size in a process of its own, then group it."""
    load = generated(size)
    with tempfile.TemporaryDirectory(prefix="onward-backtest-") as folder:
        settings = {"--workflows": WORKFLOWS, "--patterns": PATTERNS, "--customers": load.customers}
        settings |= {"--end": load.end.isoformat(), "--out": folder}
        options = [str(part) for option in settings.items() for part in option]
        events = [str(part) for file in load.files for part in ("--events", file)]
        ended = timed_process([*ONWARD, "backtest", *options, *events, *further])
        summary = json.loads((Path(folder) / "summary.json").read_text("utf-8"))
    tool, least = fastest("all_rows", load)
    phases = ", ".join(f"{name} {summary[f'{name}_seconds']:.1f} s" for name in ("load", "decide", "write"))
    return (
        f"backtest of {size.events:,} events, {size.customers:,} customers: {ended.wall:.1f} s ({phases}; "
        f"{summary['buckets']} buckets, {summary['processes']} processes; {summary['steps']:,} steps); group-by of all "
        f"rows {least:.2f} s ({tool}) → {ended.wall / least:.1f}× (goal ≤ {GOAL}×); peak {ended.peak_rss / 1e9:.2f} GB "
        f"(goal ≤ {GOAL_BYTES / 1e9:.0f} GB)"
    )


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; further options are those of `onward backtest`. Prints and returns the line."""
    parser = argparse.ArgumentParser(prog="backtest_ratio", description="A backtest against a group-by.")
    parser.add_argument("--full", action="store_true", help=f"{FULL.events:,} events")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--customers", type=int, default=500_000)
    given, further = parser.parse_known_args(arguments)
    line = measure(FULL if given.full else Size(given.events, given.customers), further)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
