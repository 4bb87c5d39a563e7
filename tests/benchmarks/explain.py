"""`onward explain` of one customer over a compacted store: whole processes against bare imports, and in this process.

Also counted is what may hold rows of the customer, by the statistics of the ledger's files and the key ranges of the
archive's layout, and the bytes that were read.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from flows.backtest.archive import history_of_store, lay_out_archive
from flows.buckets.partition import key_of
from flows.reports.explain import explain_customer
from flows.settings import Settings
from flows.store.compact import compact
from flows.store.ledger import OWNED, ledger_folder, named_files
from flows.store.opening import open_store
from flows.store.placing import keys_of
from tests.benchmarks.generate import Size
from tests.benchmarks.idle_run import IMPORTS
from tests.benchmarks.processes import ONWARD, Ended, environment, timed_process
from tests.benchmarks.tick_on_history import Store
from transforms.columns.ids import stable_hash

GOAL_SECONDS = 1
FULL = 3_000_000


@dataclass(frozen=True)
class Reach:
    """How many files and row groups there are, and how many of them may hold rows of a customer."""

    files: int
    groups: int
    own_files: int
    own_groups: int

    def __str__(self) -> str:
        return (
            f"{self.own_files} of {self.files} files, {self.own_groups} of {self.groups} row groups may hold rows of "
            "the customer"
        )


def reach(settings: Settings, customer: str) -> Reach:
    """What may hold rows of a customer, of the ledger's tables and the laid out events that `explain` asks."""
    key, history = int(keys_of(pl.Series([customer]))[0]), history_of_store(settings)
    with open_store(settings) as store:
        named = named_files(store.state)
    root, asked = ledger_folder(settings), [one for one in named if one.relation in {*OWNED, "running"}]
    found = [
        _groups(
            root / one.name, *(("customer_id", customer) if one.relation in OWNED else ("customer_key", key))
        )
        for one in asked
    ]
    ranged = history.files("events", key_of(customer))
    others = len(history.files("events")) - len(ranged)
    found += [_groups(one, "customer_id", customer) for one in ranged]
    return Reach(
        len(found) + others,
        sum(of for _, of in found) + others,
        sum(own > 0 for own, _ in found),
        sum(own for own, _ in found),
    )


def _groups(file: Path, column: str, value: object) -> tuple[int, int]:
    """How many row groups of a file may have this value in the column, and how many there are."""
    told = pq.ParquetFile(file).metadata
    place = told.schema.to_arrow_schema().get_field_index(column)
    spans = [told.row_group(one).column(place).statistics for one in range(told.num_row_groups)]
    return sum(one.min <= value <= one.max for one in spans), len(spans)


def some_customers(settings: Settings, number: int) -> list[str]:
    """Customers with executions that ended, by the hashes of their ids."""
    with open_store(settings) as store:
        files = [one for one in named_files(store.state) if one.relation == "ended"]
    ids = pl.concat([pl.scan_parquet(ledger_folder(settings) / one.name) for one in files])
    found = ids.select(pl.col("customer_id").unique()).collect()
    return found.sort(stable_hash("customer_id"))["customer_id"].head(number).to_list()


def _bytes_read() -> int:
    """How many bytes this process has read until now, from the system's cache or a disk."""
    return int(Path("/proc/self/io").read_text().split("rchar:", 1)[1].split(None, 1)[0])


def within(settings: Settings, customers: Sequence[str]) -> str:
    """Explanations in this process, after one to warm up."""
    walls, cpus, reads = [], [], []
    explain_customer(settings, customers[0])
    for one in customers[1:]:
        began, cpu, read = time.perf_counter(), time.process_time(), _bytes_read()
        explain_customer(settings, one)
        walls.append(time.perf_counter() - began)
        cpus.append(time.process_time() - cpu)
        reads.append(_bytes_read() - read)
    whole = sum(one.stat().st_size for one in settings.state.rglob("*.parquet"))
    wall, cpu, read = map(statistics.median, (walls, cpus, reads))
    return (
        f"in this process {wall:.2f} s (cpu {cpu:.2f} s), {read / 1e6:.1f} MB read of {whole / 1e6:.0f} MB of Parquet "
        f"(medians of {len(walls)})"
    )


def processes(settings: Settings, customers: Sequence[str]) -> str:
    """Whole processes and bare imports in turn, after one of each to warm up."""
    told: list[Ended] = []
    bare: list[Ended] = []
    for number, one in enumerate(customers):
        took = (
            timed_process([*ONWARD, "explain", one], environment(settings.data_dir)),
            timed_process(IMPORTS),
        )
        if number:
            told.append(took[0])
            bare.append(took[1])
    wall, least = (statistics.median(one.wall for one in some) for some in (told, bare))
    cpu, least_cpu = (statistics.median(one.cpu for one in some) for some in (told, bare))
    return (
        f"whole process {wall:.2f} s (goal ≤ {GOAL_SECONDS} s), cpu {cpu:.2f} s; imports alone {least:.2f} s, "
        f"cpu {least_cpu:.2f} s → {wall / least:.1f}×, cpu {cpu / least_cpu:.1f}× (medians of {len(told)})"
    )


def measure(events: int, number: int, stores: Path) -> list[str]:
    """Make the store if it isn't there, compact it, and explain so many customers."""
    size = Size(events, events // 10)
    settings = Store(size, stores).settings
    compact(settings)
    lay_out_archive(settings)
    customers = some_customers(settings, number + 1)
    before = f"explain over {size.events:,} events of {size.customers:,} customers: "
    return [
        before + processes(settings, customers),
        f"  {within(settings, customers)}",
        f"  {reach(settings, customers[-1])}",
    ]


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="explain", description="`onward explain` over a long history.")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} events")
    parser.add_argument("--events", type=int, default=300_000, help="a tenth as many customers")
    parser.add_argument("--customers", type=int, default=7, help="how many are explained")
    parser.add_argument("--stores", type=Path, help="where to keep the store, to find it there the next time")
    given = parser.parse_args(arguments)
    events = FULL if given.full else given.events
    if given.stores:
        lines = measure(events, given.customers, given.stores)
    else:
        with tempfile.TemporaryDirectory(prefix="onward-explain-") as folder:
            lines = measure(events, given.customers, Path(folder))
    print(*lines, sep="\n", flush=True)
    return lines


if __name__ == "__main__":
    main()
