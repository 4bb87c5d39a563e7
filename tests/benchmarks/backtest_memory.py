"""Peak memory and seconds per phase of `onward backtest`, by its own account and the system's."""

import argparse
import json
import tempfile
from pathlib import Path

from tests.benchmarks.generate import PATTERNS, WORKFLOWS, Size, generated
from tests.benchmarks.processes import ONWARD, timed_process

GOAL_BYTES = 4e9
FULL = Size(10_000_000, 1_000_000)


def measure(size: Size, tick: str | None) -> str:
    """Backtest a load of this size in a process of its own."""
    load = generated(size)
    with tempfile.TemporaryDirectory(prefix="onward-backtest-") as folder:
        files = {"--workflows": WORKFLOWS, "--customers": load.customers, "--patterns": PATTERNS}
        settings = {**files, "--end": load.end.isoformat(), "--out": folder} | (
            {"--tick": tick} if tick else {}
        )
        options = [str(part) for option in settings.items() for part in option]
        events = [str(part) for file in load.files for part in ("--events", file)]
        ended = timed_process([ONWARD, "backtest", *options, *events])
        summary = json.loads((Path(folder) / "summary.json").read_text("utf-8"))
    phases = ", ".join(f"{name} {summary[f'{name}_seconds']:.1f} s" for name in ("load", "decide", "write"))
    return (
        f"backtest of {size.events:,} events, {size.customers:,} customers: peak {ended.peak_rss / 1e9:.2f} GB "
        f"(summary.json {summary['peak_rss_bytes'] / 1e9:.2f} GB; goal ≤ {GOAL_BYTES / 1e9:.0f} GB at 10,000,000); "
        f"{ended.wall:.1f} s, cpu {ended.cpu:.1f} s ({phases}); {summary['steps']:,} steps in "
        f"{summary['ticks']:,} ticks and {summary['waves']:,} waves"
    )


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the line."""
    parser = argparse.ArgumentParser(prog="backtest_memory", description="Peak memory of a backtest.")
    parser.add_argument(
        "--full", action="store_true", help=f"{FULL.events:,} events of {FULL.customers:,} customers"
    )
    parser.add_argument("--events", type=int, default=2_000_000)
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--tick", help="length of a tick, like 1d [default: one tick]")
    given = parser.parse_args(arguments)
    line = measure(FULL if given.full else Size(given.events, given.customers), given.tick)
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
