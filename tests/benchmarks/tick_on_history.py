"""A 5-minute tick with a long history behind it against one with a short one: whole ticks, and the deciding in them.

Both stores are made by the same `run` users have, from the same kind of load; then each takes the same number of ticks,
and medians are compared. Nothing is handed to a sender that users have: messages are `.eml` files as by default.
"""

import argparse
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from flows.settings import Settings
from flows.tick import run
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Size, event_chunks, generated
from tests.benchmarks.run_tick import Phases

GOAL = 1.5
GOAL_SECONDS = 1
MINUTES = timedelta(minutes=5)
EVENTS = 4_000
SHORT, LONG = Size(1_000_000, 100_000), Size(100_000_000, 10_000_000)


@dataclass(frozen=True)
class Measured:
    """Medians of a store's ticks, in seconds."""

    size: Size
    whole: float
    deciding: float
    phases: str

    def __str__(self) -> str:
        return (
            f"tick of {EVENTS:,} events on {self.size.events:,} of history: {self.whole:.2f} s, deciding "
            f"{self.deciding:.2f} s (the last one: {self.phases})"
        )


def measure(size: Size, ticks: int) -> Measured:
    """Make a store with this history and take the ticks after it."""
    with tempfile.TemporaryDirectory(prefix="onward-tick-") as folder:
        settings = _store(Path(folder), size)
        run(settings, END)
        whole, deciding = [], []
        for number in range(ticks):
            since = END + number * MINUTES
            some = Size(EVENTS, size.customers, seed=number + 2)
            chunks = event_chunks(some, start=since, days=MINUTES / timedelta(days=1))
            pl.concat(chunks).write_parquet(settings.inbox / "events" / f"tick-{number}.parquet")
            phases = Phases()
            run(settings, since + MINUTES, phases.say)
            phases.say("")
            whole.append(sum(phases.seconds.values()))
            deciding.append(
                sum(took for name, took in phases.seconds.items() if name.startswith(("Deciding", "Looking")))
            )
    return Measured(size, statistics.median(whole), statistics.median(deciding), str(phases))


def _store(folder: Path, size: Size) -> Settings:
    load = generated(size)
    settings = Settings(data_dir=folder)
    shutil.copytree(WORKFLOWS, settings.workflows)
    shutil.copy(PATTERNS, settings.patterns)
    for kind, files in (("events", load.files), ("customers", [load.customers])):
        place = settings.inbox / kind
        place.mkdir(parents=True)
        for file in files:
            (place / file.name).symlink_to(file)
    return settings


def compare(short: Size, long: Size, ticks: int) -> list[str]:
    """Both, and their ratio."""
    few, many = measure(short, ticks), measure(long, ticks)
    ratio = many.whole / few.whole
    summed = (
        f"whole ticks {ratio:.2f}× (goal ≤ {GOAL}×), deciding {many.deciding:.2f} s (goal ≤ {GOAL_SECONDS} s)"
    )
    return [str(few), str(many), summed]


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the lines."""
    parser = argparse.ArgumentParser(
        prog="tick_on_history", description="Ticks on a short and a long history."
    )
    parser.add_argument(
        "--full", action="store_true", help=f"{LONG.events:,} events against {SHORT.events:,}"
    )
    parser.add_argument("--short", type=int, default=100_000, help="events; a tenth as many customers")
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=5)
    given = parser.parse_args(arguments)
    short, long = (Size(one, one // 10) for one in (given.short, given.long))
    lines = compare(SHORT, LONG, given.ticks) if given.full else compare(short, long, given.ticks)
    print(*lines, sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    main()
