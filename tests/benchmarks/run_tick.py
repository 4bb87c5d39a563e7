"""A day's tick on top of a store with history: seconds per phase of the same `run` users have.

The history is loaded by a first tick, whose phases are shown too; its messages are older than a day and expire, those
of the day are handed to the built-in sender.
"""

import argparse
import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path

import polars as pl

from flows.settings import Settings
from flows.tick.run import run_tick
from tests.benchmarks.generate import DAY, END, WORKFLOWS, Size, event_chunks, generated


class Phases:
    """Seconds between what a run says it is doing."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.phase = "Starting"
        self.since = time.perf_counter()

    def say(self, phase: str) -> None:
        """The run has come to `phase`."""
        now = time.perf_counter()
        self.seconds[self.phase] = self.seconds.get(self.phase, 0) + now - self.since
        self.phase, self.since = phase, now

    def __str__(self) -> str:
        return ", ".join(
            f"{phase} {seconds:.2f}" for phase, seconds in self.seconds.items() if seconds >= 0.005
        )


def measure(size: Size, day: Size) -> list[str]:
    """Load and decide the history, then the day after it."""
    load = generated(size)
    with tempfile.TemporaryDirectory(prefix="onward-tick-") as folder:
        settings = Settings(data_dir=Path(folder))
        shutil.copytree(WORKFLOWS, settings.workflows)
        events, customers = (settings.inbox / kind for kind in ("events", "customers"))
        for place in (events, customers):
            place.mkdir(parents=True)
        for file in load.files:
            shutil.copy(file, events / file.name)
        shutil.copy(load.customers, customers / "customers.parquet")
        lines = [_timed(f"history of {size.events:,} events", settings, END)]
        pl.concat(event_chunks(day, start=END, days=1)).write_parquet(events / "day.parquet")
        lines.append(_timed(f"a day's {day.events:,} events", settings, END + DAY))
        lines.append(_timed("nothing new, the same instant", settings, END + DAY))
    return lines


def _timed(what: str, settings: Settings, now: datetime) -> str:
    phases, began = Phases(), time.perf_counter()
    done = run_tick(settings, now, phases.say)
    phases.say("")
    took = time.perf_counter() - began
    numbers = f"{done.executions:,} executions, {done.steps:,} steps, {done.messages:,} messages"
    return f"tick with {what}: {took:.2f} s ({phases}); {numbers}, {done.waves:,} waves"


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="run_tick", description="A day's tick on top of a store.")
    parser.add_argument("--full", action="store_true", help="a history of 1,000,000 events")
    parser.add_argument("--events", type=int, default=300_000, help="of the history")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--day", type=int, default=20_000, help="events of the day")
    given = parser.parse_args(arguments)
    events = 1_000_000 if given.full else given.events
    lines = measure(Size(events, given.customers), Size(given.day, given.customers))
    print(*lines, sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    main()
