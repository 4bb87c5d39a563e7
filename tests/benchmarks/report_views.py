"""Each report view built whole, against a `group by workflow_id, customer_id` of the tables it reads.

A store in which every customer went through a workflow of five steps, and a fifth of them ordered. Views are read
whole from what is published, after a compaction; so is what they are compared with, in the same process, one after the
other. Full size is ten million executions, fifty million steps. Messages are old and expire, so what asks for sent
ones finds none.
"""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.settings import Settings
from flows.store.compact import compact
from flows.store.publish import published_file
from flows.tick.run import run_tick
from flows.warehouse import connect, sql_names, sql_text
from tests.benchmarks.generate import START

FULL = 10_000_000
GOAL = 5
TABLES = ("executions", "steps", "messages", "goal_hits", "events", "webhooks")
"""The large ones; what else a view reads is small."""
WORKFLOW = {
    "workflow_id": "welcome",
    "workflow_name": "Welcome",
    "holdout": 0.1,
    "triggers": [{"type": "behavioral", "config": {"action": "go"}}],
    "actions": [
        {"type": "send_email", "config": {"subject": "Hello", "content": "Hello."}},
        {"type": "wait", "config": {"duration": "1h"}},
        {"type": "send_email", "config": {"subject": "Again", "content": "Again."}},
        {"type": "wait", "config": {"duration": "1d"}},
        {"type": "add_tag", "config": {"tag": "welcomed"}},
    ],
    "goal": {"type": "behavioral", "config": {"action": "Order Completed"}, "exit": False},
}


def measure(executions: int, folder: Path) -> Iterator[str]:
    """Build the store, then read each view."""
    settings = _store(executions, folder)
    with connect(published_file(settings), read_only=True) as con:
        counts = ", ".join(f"{_rows(con, name):,} {name}" for name in TABLES[:5])
        yield f"{counts}; each view ÷ group by workflow_id, customer_id of the tables it reads (goal ≤ {GOAL})"
        bases = {name: _grouped(con, name) for name in TABLES}
        for view, reads in _views().items():
            took = _read(con, f"select * from {view}")
            base = sum(bases[name] for name in reads) or bases["executions"]
            yield f"  {view}: {took:.2f} s ÷ {base:.2f} s ({', '.join(reads) or 'small tables'}) = {took / base:.1f}"


def _store(executions: int, folder: Path) -> Settings:
    settings = Settings(data_dir=folder, revenue=["Order Completed"], max_lateness="90d")
    for kind in ("events", "customers"):
        (settings.inbox / kind).mkdir(parents=True)
    settings.workflows.mkdir()
    (settings.workflows / "welcome.json").write_text(json.dumps(WORKFLOW), encoding="utf-8")
    _deliver(executions, settings.inbox)
    run_tick(settings, START + timedelta(days=30), force=True)
    compact(settings)
    return settings


def _deliver(executions: int, inbox: Path) -> None:
    """Everybody goes at a time of the first two weeks; a fifth of them order within the next."""
    number = pl.int_range(executions)
    who = pl.select(customer_id="c" + number.cast(pl.String), number=number)
    who.select("customer_id", email=pl.col("customer_id") + "@example.com").write_parquet(
        inbox / "customers" / "people.parquet"
    )
    seconds = (pl.col("number") * 7_919) % (14 * 86_400)
    at = pl.lit(START) + pl.duration(seconds=seconds)
    told = {"type": pl.lit("behavioral"), "properties": pl.lit("{}")}
    went = who.select("customer_id", ts=at, name=pl.lit("go"), value=pl.lit(None, pl.Float64), **told)
    ordered = who.filter(pl.col("number") % 5 == 0).select(
        "customer_id",
        ts=at + pl.duration(seconds=(pl.col("number") * 104_729) % (7 * 86_400)),
        name=pl.lit("Order Completed"),
        value=(pl.col("number") % 90 + 10).cast(pl.Float64),
        **told,
    )
    every = pl.concat([went, ordered]).with_row_index("event_id")
    every.with_columns(pl.col("event_id").cast(pl.String)).write_parquet(inbox / "events" / "all.parquet")


def _views() -> dict[str, list[str]]:
    """Each view that is counted when asked or kept, with the large tables that its file names."""
    found = {}
    for file in (*sql_names("reports"), *sql_names("reports/asked")):
        text = re.sub(r"--.*", "", sql_text(file))
        found[Path(file).stem] = [one for one in TABLES if re.search(rf"\b{one}\b", text)]
    return found


def _rows(con: DuckDBPyConnection, table: str) -> int:
    ((rows,),) = con.execute(f"select count(*) from {table}").fetchall()
    return int(rows)


def _grouped(con: DuckDBPyConnection, table: str) -> float:
    keys = "customer_id" if table == "events" else "workflow_id, customer_id"
    return _read(con, f"select {keys}, count(*) from {table} group by {keys}")


def _read(con: DuckDBPyConnection, query: str) -> float:
    """How long it takes to compute all rows and columns of a query."""
    began = time.perf_counter()
    con.execute(f"create or replace temp table whole as {query}")
    return time.perf_counter() - began


def main(arguments: list[str] | None = None) -> list[str]:
    """Measure at the size asked for; prints and returns the lines."""
    parser = argparse.ArgumentParser(prog="report_views", description="Report views built whole.")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} executions")
    parser.add_argument("--executions", type=int, default=FULL // 10)
    given = parser.parse_args(arguments)
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(FULL if given.full else given.executions, Path(folder) / "data"):
            print(line, flush=True)
            lines.append(line)
    return lines


if __name__ == "__main__":
    main()
