"""A tick's events by customer bucket, so that a long history loaded at once fits into memory."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from duckdb import DuckDBPyConnection

from flows.buckets.partition import Bucket
from flows.settings import Settings
from flows.warehouse import limit_memory, literal, run

Say = Callable[[str], object]
LayOut = Callable[[Bucket], None]


@contextmanager
def by_bucket(con: DuckDBPyConnection, settings: Settings, buckets: int, say: Say) -> Generator[LayOut]:
    """Give what makes the temporary view `bucket_events`: the rows of `tick_events` of one bucket.

    With several buckets, the rows are first cut into files in one pass, which go when the block ends; deciding and the
    database then share the memory.

    Raises:
        WarehouseError: the events can't be read, or the disk is full.
    """
    if buckets == 1:
        con.execute("create or replace temp table all_events as from tick_events")
        con.execute("create or replace temp view bucket_events as from all_events")
        yield lambda _: None
        return
    folder = settings.state / "buckets"
    shutil.rmtree(folder, ignore_errors=True)  # a killed run may have left it
    say(f"Cutting events into {buckets} buckets")
    _cut(con, folder, buckets)
    limit_memory(con, settings.memory_bytes // 2)
    try:
        yield lambda bucket: _show(con, folder, bucket)
    finally:
        limit_memory(con, settings.memory_bytes)
        shutil.rmtree(folder)


def _cut(con: DuckDBPyConnection, folder: Path, buckets: int) -> None:
    folder.mkdir()
    rows = f"select *, hash(customer_id) % {buckets} as bucket from tick_events"
    options = "format parquet, compression lz4, partition_by (bucket), overwrite_or_ignore"
    run(
        con,
        f"copy ({rows}) to {literal(folder)} ({options})",
        file=str(folder),
        step="cut events into buckets",
    )


def _show(con: DuckDBPyConnection, folder: Path, bucket: Bucket) -> None:
    # A view: until the transaction ends, it would keep the tables of all buckets.
    there = folder / f"bucket={bucket.number}"
    files = f"read_parquet({literal(there / '*.parquet')}, hive_partitioning = false)"
    rows = f"from {files}" if there.exists() else "from tick_events limit 0"
    con.execute(f"create or replace temp view bucket_events as {rows}")
