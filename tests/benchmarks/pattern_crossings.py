"""Exact crossings of the seed's three patterns against the bare windowed group-by of the same terms.

Both start from the same Parquet files. The crossings are all instants of 90 days at which a pattern turns true, found
customer bucket by customer bucket; the group-by says only the amounts at the end.
"""

import argparse
import time
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.buckets.partition import Wanted, behaviors_of, bucket_files, split
from flows.definitions.folder import read_definitions
from flows.processes import in_processes
from tests.benchmarks.baselines import fastest
from tests.benchmarks.generate import PATTERNS, WORKFLOWS, Load, Size, generated
from transforms.program.compile import compile_program
from transforms.signals.evaluate import evaluate_signals
from transforms.signals.plan import SignalPlan
from transforms.tables.frames import AMOUNTS

GOAL = 2
FULL = Size(100_000_000, 10_000_000)
PER_BUCKET = 625_000
PROCESSES = 2


def measure(size: Size) -> str:
    """Compare at this size."""
    load = generated(size)
    found = read_definitions(WORKFLOWS, PATTERNS)
    declared = compile_program(found.workflows, (), found.patterns).signals
    began = time.perf_counter()
    counts, splitting = crossings(load, declared, max(2, size.events // PER_BUCKET))
    took = time.perf_counter() - began
    tool, least, _ = fastest("terms", load)
    told = ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items()))
    return (
        f"crossings of {size.events:,} events, {size.customers:,} customers: {took:.2f} s ({splitting:.2f} s to cut "
        f"them into buckets; {told}); windowed group-by of {len(declared.terms)} terms {least:.2f} s ({tool}) → "
        f"{took / least:.1f}× (goal ≤ {GOAL}×)"
    )


def crossings(load: Load, declared: SignalPlan, buckets: int) -> tuple[Counter[str], float]:
    """How often each pattern turned true, and the seconds it took to cut the events into customer buckets."""
    counts = Counter({one.name: 0 for one in declared.patterns})
    with TemporaryDirectory(prefix="onward-crossings-") as folder:
        began = time.perf_counter()
        watched = pl.col("name").is_in(declared.names) & (pl.col("type") == "behavioral")
        rows = pl.scan_parquet(load.events).filter(watched)
        split([rows], Wanted((), (), declared.names).event_time, buckets, Path(folder), plain=True)
        splitting = time.perf_counter() - began
        call = partial(crossings_of, Path(folder), declared, load.end)
        for _, found in in_processes(call, range(buckets), PROCESSES, threads=1):
            counts.update(found)
    return counts, splitting


def crossings_of(folder: Path, declared: SignalPlan, end: datetime, bucket: int) -> dict[str, int]:
    """How often each pattern turned true among the customers of a bucket."""
    some = behaviors_of(pl.scan_ipc(bucket_files(folder, bucket)), start=None)
    found = evaluate_signals(
        declared, some, pl.DataFrame(schema=AMOUNTS), since=None, until=end, emit_from=None
    )
    return dict(found.facts["name"].value_counts().iter_rows())


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the line."""
    parser = argparse.ArgumentParser(prog="pattern_crossings", description="Patterns against a group-by.")
    parser.add_argument("--full", action="store_true", help=f"{FULL.events:,} events")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--customers", type=int, default=500_000)
    given = parser.parse_args(arguments)
    line = measure(FULL if given.full else Size(given.events, given.customers))
    print(line, flush=True)
    return [line]


if __name__ == "__main__":
    main()
