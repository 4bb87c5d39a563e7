"""A 5-minute tick with a long history behind it against one with a short one: whole ticks, and the deciding in them.

Both stores are made by the same `run` users have, in one go from the same kind of load; then each takes the same number
of ticks, and medians are compared. A backup is made once an hour, so hardly ever in these. Nothing is handed to a
sender that users have: messages are `.eml` files as by default.
"""

import argparse
import resource
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl

from flows.settings import Settings
from flows.store.archive import read_clock
from flows.tick.run import run_tick
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
    publishing: float
    phases: str

    def __str__(self) -> str:
        return (
            f"tick of {EVENTS:,} events on {self.size.events:,} of history: {self.whole:.2f} s, deciding "
            f"{self.deciding:.2f} s (the last one: {self.phases})"
        )


def measure(size: Size, ticks: int, stores: Path) -> Measured:
    """Take ticks on a store with this history, which is made if it isn't in `stores`."""
    settings = Settings(data_dir=stores / f"{size.events}-{size.customers}")
    if read_clock(settings) is None:
        _make(settings, size)
    taken = [_tick(settings, size) for _ in range(ticks)]
    whole = statistics.median(sum(one.seconds.values()) for one in taken)
    deciding, publishing = (
        statistics.median(one.seconds.get(name, 0) for one in taken) for name in ("Deciding", "Publishing")
    )
    return Measured(size, whole, deciding, publishing, str(taken[-1]))


def _make(settings: Settings, size: Size) -> None:
    phases = Phases()
    run_tick(_filled(settings, size), END, phases.say)
    phases.say("")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"one run over {size.events:,} events: {sum(phases.seconds.values()):.0f} s, peak memory {peak:.1f} GiB",
        flush=True,
    )


def _tick(settings: Settings, size: Size) -> Phases:
    """The phases of the tick over the next five minutes."""
    number, since = read_clock(settings) or (0, END)
    some = Size(EVENTS, size.customers, seed=number + 1)
    chunks = event_chunks(some, start=since, days=MINUTES / timedelta(days=1))
    pl.concat(chunks).write_parquet(settings.inbox / "events" / f"tick-{number}.parquet")
    phases = Phases()
    run_tick(settings, since + MINUTES, phases.say)
    phases.say("")
    return phases


def _filled(settings: Settings, size: Size) -> Settings:
    """The same, its folder with workflows, patterns and the history to load."""
    load = generated(size)
    shutil.copytree(WORKFLOWS, settings.workflows)
    shutil.copy(PATTERNS, settings.patterns)
    for kind, files in (("events", load.files), ("customers", [load.customers])):
        place = settings.inbox / kind
        place.mkdir(parents=True)
        for file in files:
            (place / file.name).symlink_to(file)
    return settings


def compare(short: Size, long: Size, ticks: int, stores: Path) -> list[str]:
    """Both, and their ratio."""
    few, many = measure(short, ticks, stores), measure(long, ticks, stores)
    ratio = many.whole / few.whole
    unpublished = (many.whole - many.publishing) / (few.whole - few.publishing)
    summed = (
        f"whole ticks {ratio:.2f}× (goal ≤ {GOAL}×), without publication {unpublished:.2f}×; deciding "
        f"{many.deciding:.2f} s (goal ≤ {GOAL_SECONDS} s)"
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
    parser.add_argument(
        "--stores", type=Path, help="where to keep the stores, to find them there the next time"
    )
    given = parser.parse_args(arguments)
    short, long = (Size(one, one // 10) for one in (given.short, given.long))
    if given.full:
        short, long = SHORT, LONG
    if given.stores:
        lines = compare(short, long, given.ticks, given.stores)
    else:
        with tempfile.TemporaryDirectory(prefix="onward-tick-") as folder:
            lines = compare(short, long, given.ticks, Path(folder))
    print(*lines, sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    main()
