"""A tick's events by customer bucket, so that a long history loaded at once fits into memory."""

import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
from duckdb import DuckDBPyConnection

from flows.buckets.partition import Bucket, bucket_files, split
from flows.session import Session
from flows.warehouse import WarehouseError, limit_memory, make_table, make_view, parquet, streamed

LayOut = Callable[[Bucket], None]
_CUT = {"bucket_events": "from tick_events", "bucket_customers": "select customer_id from profiles"}
"""What is cut: the view that shows a bucket's part, and all its rows. Everybody a tick may look at has a profile."""


@contextmanager
def by_bucket(session: Session, buckets: int) -> Generator[LayOut]:
    """Give what makes the temporary view `bucket_events`: the rows of `tick_events` of one bucket.

    With several buckets, the rows are first cut into files in one pass, which go when the block ends, and there is
    `bucket_customers` too, with the ids of the bucket's customers. Deciding and the database then share the memory.

    Raises:
        WarehouseError: the events can't be read, or the disk is full.
    """
    con, settings = session.con, session.settings
    if buckets == 1:
        make_table(con, "all_events", "from tick_events")
        make_view(con, "bucket_events", "from all_events")
        yield lambda _: None
        return
    folder = settings.state / "buckets"
    shutil.rmtree(folder, ignore_errors=True)  # a killed run may have left it
    session.say(f"Cutting events into {buckets} buckets")
    try:
        for view, query in _CUT.items():
            _cut(con, query, folder / view, buckets)
        limit_memory(con, settings.memory_bytes // 2)
        yield lambda bucket: _show(con, folder, bucket)
    finally:
        limit_memory(con, settings.memory_bytes)
        shutil.rmtree(folder, ignore_errors=True)


def _cut(con: DuckDBPyConnection, query: str, folder: Path, buckets: int) -> None:
    try:
        split([streamed(con, query)], [pl.all()], buckets, folder)
    except (duckdb.Error, pl.exceptions.PolarsError, OSError) as error:
        raise WarehouseError("cut rows into buckets", str(folder), error) from error


def _show(con: DuckDBPyConnection, folder: Path, bucket: Bucket) -> None:
    # Views: until the transaction ends, tables would keep the rows of all buckets.
    for view, query in _CUT.items():
        files = bucket_files(folder / view, bucket.number)
        make_view(con, view, f"from {parquet(*files)}" if files else f"from ({query}) limit 0")
