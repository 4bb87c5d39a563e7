"""The least that has to be done: the bare group-bys that benchmarks compare with, in Polars and in DuckDB.

    python -m tests.benchmarks.baselines all_rows|terms FOLDER

prints the seconds each takes, and its processor seconds; a process of its own, so that nothing else's memory or threads
are in the way.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import duckdb
import polars as pl

from flows.definitions.folder import read_definitions
from flows.warehouse import literal
from tests.benchmarks.generate import END, PATTERNS, WORKFLOWS, Load
from transforms.program.compile import compile_program
from transforms.signals.windows import Term


class Least(NamedTuple):
    """Which of the two takes less time for a baseline; its seconds and processor seconds."""

    tool: str
    wall: float
    cpu: float


def fastest(name: str, load: Load) -> Least:
    """The tool that takes less time for a baseline."""
    done = subprocess.run(
        [sys.executable, "-m", __name__, name, str(load.folder)], check=True, capture_output=True, text=True
    )
    took = [line.split() for line in done.stdout.splitlines()]
    return min((Least(tool, float(wall), float(cpu)) for tool, wall, cpu in took), key=lambda one: one.wall)


def all_rows(load: Load) -> dict[str, Callable[[], object]]:
    """All events by customer: how many, the last one, the sum of values."""
    rows = pl.scan_parquet(load.events).group_by("customer_id")
    amounts = rows.agg(pl.len(), pl.col("ts").max(), pl.col("value").sum())
    query = f"""
        create or replace temp table grouped as
        select customer_id, count(*), max(ts), sum(value) from read_parquet({literal(load.events)}) group by all
    """
    return {"polars": amounts.collect, "duckdb": lambda: duckdb.sql(query)}


def terms(load: Load) -> dict[str, Callable[[], object]]:
    """The amounts of the patterns' terms, by customer, as of the end."""
    found = compile_program(
        read_definitions(WORKFLOWS, PATTERNS).workflows, (), read_definitions(WORKFLOWS, PATTERNS).patterns
    ).signals.terms
    names = sorted({one.name for one in found})
    rows = pl.scan_parquet(load.events).filter(pl.col("name").is_in(names)).group_by("customer_id")
    amounts = rows.agg(_polars(one).alias(one.key) for one in found)
    columns = ", ".join(_duckdb(one) for one in found)
    query = f"""
        create or replace temp table grouped as
        select customer_id, {columns} from read_parquet({literal(load.events)})
        where name in ({", ".join(map(literal, names))}) group by all
    """
    return {"polars": amounts.collect, "duckdb": lambda: duckdb.sql(query)}


def _polars(term: Term) -> pl.Expr:
    inside = pl.col("name") == term.name
    if term.window is not None:
        inside &= pl.col("ts") > END - pl.duration(microseconds=term.offset + term.window)
    amount = pl.col("value").fill_null(0) if term.metric == "total_value" else pl.lit(1)
    return pl.when(inside).then(amount).otherwise(0).sum()


def _duckdb(term: Term) -> str:
    inside = f"name = {literal(term.name)}"
    if term.window is not None:
        inside += f" and ts > timestamptz '{END}' - to_microseconds({term.offset + term.window})"
    amount = "sum(value)" if term.metric == "total_value" else "count(*)"
    return f"{amount} filter (where {inside})"


def main() -> None:
    """Time a baseline in both; prints `polars SECONDS PROCESSOR_SECONDS` and the same for `duckdb`."""
    name, folder = sys.argv[1:]
    for tool, call in {"all_rows": all_rows, "terms": terms}[name](Load(Path(folder))).items():
        began, used = time.perf_counter(), time.process_time()
        call()
        print(tool, round(time.perf_counter() - began, 3), round(time.process_time() - used, 3))


if __name__ == "__main__":
    main()
