"""Many 5-minute ticks in a row on a store with history, while it is compacted beside them: how slow the slowest are.

Ticks are taken in this process; `onward compact` is a process of its own, started again whenever it has ended and some
ticks have gone by. At the end the sums of the reports are compared with a count of everything.
"""

import argparse
import statistics
import subprocess
import tempfile
from pathlib import Path

from flows.settings import Settings
from tests.benchmarks.generate import Size
from tests.benchmarks.processes import ONWARD, environment
from tests.benchmarks.tick_on_history import Store

FULL = 300
BETWEEN = 50
"""Ticks between two compactions."""


class Compactions:
    """`onward compact`, over and over beside something else."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.running: subprocess.Popen[bytes] | None = None
        self.done = 0

    def look(self, tick: int) -> bool:
        """Start one when it is time; whether one is under way."""
        if self.running and self.running.poll() is not None:
            self._ended()
        if not self.running and tick % BETWEEN == 0:
            self.running = subprocess.Popen(
                [*ONWARD, "compact"], env=environment(self.settings.data_dir), stdout=subprocess.DEVNULL
            )
        return self.running is not None

    def finish(self) -> None:
        """Wait for the one that is under way."""
        if self.running:
            self.running.wait()
            self._ended()

    def _ended(self) -> None:
        assert self.running is not None
        if self.running.returncode:
            raise RuntimeError(f"onward compact ended with {self.running.returncode}")
        self.running, self.done = None, self.done + 1


def measure(size: Size, ticks: int, stores: Path) -> list[str]:
    """Take so many ticks; what they took, and how the store's files have grown."""
    store = Store(size, stores)
    store.tick()
    compactions, alone, beside = Compactions(store.settings), list[float](), list[float]()
    before = _files(store.settings)
    for number in range(1, ticks + 1):
        under_way = compactions.look(number)
        (beside if under_way else alone).append(store.tick().seconds)
    compactions.finish()
    after = _files(store.settings)
    reconciled = subprocess.run(
        [*ONWARD, "reconcile"], env=environment(store.settings.data_dir), capture_output=True, check=False
    )
    return [
        f"{ticks:,} ticks in a row on {size.events:,} events, {size.customers:,} customers, beside "
        f"{compactions.done} compactions: {_spread([*alone, *beside])}",
        *(f"  {name}: {_spread(some)}" for name, some in (("alone", alone), ("beside one", beside)) if some),
        f"  files of the state: {before[0]:,} → {after[0]:,}, {before[1] / 1e9:.2f} → {after[1] / 1e9:.2f} GB; "
        f"reconcile ended with {reconciled.returncode}",
    ]


def _spread(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)]
    return f"p50 {statistics.median(ordered):.2f} s, p99 {p99:.2f} s, most {ordered[-1]:.2f} s ({len(ordered):,} ticks)"


def _files(settings: Settings) -> tuple[int, int]:
    """How many files the state has, and how many bytes."""
    sizes = [one.stat().st_size for one in settings.state.rglob("*") if one.is_file()]
    return len(sizes), sum(sizes)


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="ticks_in_a_row", description="Ticks beside compactions.")
    parser.add_argument("--full", action="store_true", help=f"{FULL} ticks on 100,000,000 events")
    parser.add_argument("--events", type=int, default=1_000_000, help="of history; a tenth as many customers")
    parser.add_argument("--ticks", type=int, default=60)
    parser.add_argument("--stores", type=Path, help="where to find the store, or to keep it")
    given = parser.parse_args(arguments)
    events, ticks = (100_000_000, FULL) if given.full else (given.events, given.ticks)
    with tempfile.TemporaryDirectory(prefix="onward-ticks-") as folder:
        lines = measure(Size(events, events // 10), ticks, given.stores or Path(folder))
    print(*lines, sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    main()
