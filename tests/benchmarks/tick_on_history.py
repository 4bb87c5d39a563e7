"""A 5-minute tick with a long history behind it against one with a short one, or with none (but with customers).

Both stores are made by the same `run` users have, in one go from the same kind of load; then they take ticks in turn,
and medians are compared: in this process; as processes of their own, as a schedule starts them; and with nothing of the
store in the system's cache. Nothing is handed to a sender that users have: messages are `.eml` files as by default.
"""

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from flows.settings import Settings
from flows.store.archive import read_clock
from flows.tick.run import run_tick
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Size, customers, event_chunks, generated
from tests.benchmarks.processes import ONWARD, Ended, environment, timed_process
from tests.benchmarks.run_tick import Phases

GOAL = 1.5
GOAL_SECONDS = 1
GOAL_WHOLE = 1.8
GOAL_PEAK = 600_000_000
MINUTES = timedelta(minutes=5)
EVENTS = 4_000
FEWEST = 10_000
"""Customers of a store without a history."""
SHORT, LONG = Size(1_000_000, 100_000), Size(100_000_000, 10_000_000)


@dataclass(frozen=True)
class Measured:
    """Medians of a store's ticks, in seconds; and the memory of a tick that is a process of its own, in bytes."""

    size: Size
    warm: float
    cpu: float
    deciding: float
    whole: float
    cold: float
    peak: int
    phases: str

    def __str__(self) -> str:
        return (
            f"tick of {EVENTS:,} events on {self.size.events:,} of history, {self.size.customers:,} customers: "
            f"{self.warm:.2f} s (cpu {self.cpu:.2f}), deciding {self.deciding:.2f} s; cold cache {self.cold:.2f} s; "
            f"whole process {self.whole:.2f} s, peak {self.peak / 1e6:.0f} MB (the last one: {self.phases})"
        )


@dataclass(frozen=True)
class _Tick:
    seconds: float
    cpu: float
    phases: Phases


class Store:
    """A store with this history, which is made if it isn't in the folder `stores`."""

    def __init__(self, size: Size, stores: Path) -> None:
        self.size = size
        self.settings = Settings(data_dir=stores / f"{size.events}-{size.customers}")
        if read_clock(self.settings) is None:
            _make(self.settings, size)

    def come(self) -> datetime:
        """Put the events of the next five minutes into the inbox; the tick's end."""
        number, since = read_clock(self.settings) or (0, END)
        some = Size(EVENTS, self.size.customers, seed=number + 1)
        chunks = event_chunks(some, start=since, days=MINUTES / timedelta(days=1))
        pl.concat(chunks).write_parquet(self.settings.inbox / "events" / f"tick-{number}.parquet")
        return since + MINUTES

    def tick(self, *, cold: bool = False) -> _Tick:
        """A tick in this process."""
        now = self.come()
        if cold:
            self._forget()
        phases, began, cpu = Phases(), time.perf_counter(), time.process_time()
        run_tick(self.settings, now, phases.say)
        phases.say("")
        return _Tick(time.perf_counter() - began, time.process_time() - cpu, phases)

    def process(self) -> Ended:
        """A tick as a process of its own."""
        command = [*ONWARD, "run", "--force", "--now", self.come().isoformat()]
        return timed_process(command, environment(self.settings.data_dir))

    def _forget(self) -> None:
        """Drop what the system's cache has of the store's files."""
        os.sync()
        for path in self.settings.state.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(stores: list[Store], ticks: int) -> list[Measured]:
    """So many ticks of each kind on every store; of the stores in turn, so that all have the same machine."""
    taken: list[list[_Tick]] = [[] for _ in stores]
    colds: list[list[_Tick]] = [[] for _ in stores]
    wholes: list[list[Ended]] = [[] for _ in stores]
    rounds = list(zip(stores, taken, wholes, colds, strict=True))
    for store in stores:
        store.tick()
    for _ in range(ticks):
        for store, warm, whole, _ in rounds:
            warm.append(store.tick())
            whole.append(store.process())
    for _ in range(ticks):
        for store, _, _, cold in rounds:
            cold.append(store.tick(cold=True))
    return [_medians(*some) for some in zip(stores, taken, colds, wholes, strict=True)]


def _medians(store: Store, warm: list[_Tick], cold: list[_Tick], whole: list[Ended]) -> Measured:
    return Measured(
        store.size,
        statistics.median(one.seconds for one in warm),
        statistics.median(one.cpu for one in warm),
        statistics.median(one.phases.seconds.get("Deciding", 0) for one in warm),
        statistics.median(one.wall for one in whole),
        statistics.median(one.seconds for one in cold),
        max(one.peak_rss for one in whole),
        str(warm[-1].phases),
    )


def _make(settings: Settings, size: Size) -> None:
    phases = Phases()
    run_tick(_filled(settings, size), END, phases.say)
    phases.say("")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"one run over {size.events:,} events: {sum(phases.seconds.values()):.0f} s, peak memory {peak:.1f} GiB",
        flush=True,
    )


def _filled(settings: Settings, size: Size) -> Settings:
    """The same, its folder with workflows, patterns and the history to load."""
    shutil.copytree(WORKFLOWS, settings.workflows)
    shutil.copy(PATTERNS, settings.patterns)
    for kind in ("events", "customers"):
        (settings.inbox / kind).mkdir(parents=True)
    if not size.events:
        customers(size).write_parquet(settings.inbox / "customers" / "customers.parquet")
        return settings
    load = generated(size)
    for kind, files in (("events", load.files), ("customers", [load.customers])):
        for file in files:
            (settings.inbox / kind / file.name).symlink_to(file)
    return settings


def compare(short: Size, long: Size, ticks: int, stores: Path) -> list[str]:
    """Both, and their ratio."""
    few, many = measure([Store(short, stores), Store(long, stores)], ticks)
    summed = (
        f"ticks {many.warm / few.warm:.2f}× (cpu {many.cpu / few.cpu:.2f}×; goal ≤ {GOAL}×, ≤ {GOAL_SECONDS} s), "
        f"whole processes {many.whole / few.whole:.2f}× (goal ≤ {GOAL_WHOLE} s, ≤ {GOAL_PEAK / 1e6:.0f} MB), "
        f"cold {many.cold / few.cold:.2f}×"
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
    parser.add_argument(
        "--short",
        type=int,
        default=100_000,
        help=f"events; a tenth as many customers; 0: a store without a history, of {FEWEST:,} customers",
    )
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=5)
    parser.add_argument(
        "--stores", type=Path, help="where to keep the stores, to find them there the next time"
    )
    given = parser.parse_args(arguments)
    short, long = (Size(one, one // 10 or FEWEST) for one in (given.short, given.long))
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
