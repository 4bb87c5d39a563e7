"""Exact crossings of the seed's three patterns against the bare windowed group-by of the same terms.

Both start from the same Parquet files. The crossings are all instants of 90 days at which a pattern turns true, found
customer bucket by customer bucket; the group-by says only the amounts at the end.
"""

import argparse
import time
from collections import Counter

import polars as pl

from flows.bucket import behaviors_of
from flows.buckets import bucket_of
from flows.definitions import read_definitions
from tests.benchmarks.baselines import fastest
from tests.benchmarks.generate import PATTERNS, WORKFLOWS, Load, Size, generated
from transforms.compiling import compile_program
from transforms.state import AMOUNTS
from transforms.watch import Watch
from transforms.watching import watch

GOAL = 2
FULL = Size(100_000_000, 10_000_000)
PER_BUCKET = 2_500_000


def measure(size: Size) -> str:
    """Compare at this size."""
    load = generated(size)
    found = read_definitions(WORKFLOWS, PATTERNS)
    declared = compile_program(found.workflows, (), found.patterns).watch
    began = time.perf_counter()
    counts, reading = crossings(load, declared, max(1, size.events // PER_BUCKET))
    took = time.perf_counter() - began
    tool, least = fastest("terms", load)
    told = ", ".join(f"{n:,} {name}" for name, n in sorted(counts.items()))
    return (
        f"crossings of {size.events:,} events, {size.customers:,} customers: {took:.2f} s ({reading:.2f} s reading; "
        f"{told}); windowed group-by of {len(declared.terms)} terms {least:.2f} s ({tool}) → {took / least:.1f}× "
        f"(goal ≤ {GOAL}×)"
    )


def crossings(load: Load, declared: Watch, buckets: int) -> tuple[Counter[str], float]:
    """How often each pattern turned true, and the seconds it took to read the events."""
    counts, reading = Counter({one.name: 0 for one in declared.patterns}), 0.0
    for number in range(buckets):
        began = time.perf_counter()
        rows = pl.scan_parquet(load.events).filter(bucket_of(buckets) == number)
        some = behaviors_of(rows, declared.names, None)
        reading += time.perf_counter() - began
        found = watch(
            declared, some, pl.DataFrame(schema=AMOUNTS), since=None, until=load.end, emit_from=None
        )
        counts.update(found.facts["name"].to_list())
    return counts, reading


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
