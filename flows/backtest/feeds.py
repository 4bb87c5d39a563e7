"""Where a bucket's rows come from: the buckets that a backtest has cut from files, or a prepared history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import polars as pl
from duckdb import DuckDBPyConnection

from flows.backtest.paths import Paths
from flows.buckets.partition import (
    CUSTOMER_COLUMNS,
    EVENT_COLUMNS,
    TIME_COLUMNS,
    Wanted,
    bucket_files,
    keys_of,
)
from flows.history.layout import COLUMNS
from flows.history.reading import History
from flows.warehouse import read_sql
from transforms.tables.frames import Schema


@dataclass(frozen=True)
class Counts:
    """How many events count; how many come before the start, and how many are of customers not known at their time."""

    events: int
    history: int
    unknown_customer: int


@dataclass(frozen=True)
class CutFeed:
    """Buckets that a backtest has cut."""

    paths: Paths
    lasting: Sequence[Path] = ()
    """Files that were there before."""

    def events(self, bucket: int) -> pl.LazyFrame:
        """A bucket's events that are read whole: `EVENT_COLUMNS`."""
        return _scanned(bucket_files(self.paths.events, bucket), EVENT_COLUMNS)

    def customers(self, bucket: int) -> pl.LazyFrame:
        """A bucket's customers: `CUSTOMER_COLUMNS`."""
        return _scanned(bucket_files(self.paths.customers, bucket), CUSTOMER_COLUMNS)

    def event_times(self, bucket: int) -> pl.LazyFrame:
        """The times of a bucket's events: `partition.Wanted.event_time`."""
        return _scanned(bucket_files(self.paths.event_times, bucket), TIME_COLUMNS)

    def counts(self, con: DuckDBPyConnection, bucket: int, start: datetime | None) -> Counts:
        """Count a bucket's events, on a connection that has views of its events and customers."""
        return _counted(self.event_times(bucket), read_sql(con, "backtest/known_since.sql"), start)


@dataclass(frozen=True)
class HistoryFeed:
    """A prepared history: a bucket is one or more of its key ranges.

    Attributes:
        history: what is read.
        buckets: into how many buckets it is dealt; a power of two, no more than it has ranges.
        wanted: what the program sees.
        end: events after it don't count.
    """

    history: History
    buckets: int
    wanted: Wanted
    end: datetime

    @property
    def lasting(self) -> list[Path]:
        """Files that were there before."""
        return [*self.history.files("events"), *self.history.files("customers")]

    def files(self, bucket: int) -> list[Path]:
        """The files of a bucket's events."""
        return self.history.files("events", keys_of(bucket, self.buckets))

    def events(self, bucket: int) -> pl.LazyFrame:
        """A bucket's events that are read whole: `EVENT_COLUMNS`."""
        named, typed = (
            pl.col(column).is_in(sorted(some))
            for column, some in (("name", self.wanted.names), ("type", self.wanted.types))
        )
        return self._until_end(bucket).filter(pl.col("updates") | named | typed).select(*EVENT_COLUMNS)

    def customers(self, bucket: int) -> pl.LazyFrame:
        """A bucket's customers: `CUSTOMER_COLUMNS`."""
        files = self.history.files("customers", keys_of(bucket, self.buckets))
        return pl.scan_parquet(files, glob=False) if files else pl.LazyFrame(schema=CUSTOMER_COLUMNS)

    def event_times(self, bucket: int) -> pl.LazyFrame:
        """The times of a bucket's events: `partition.Wanted.event_time`."""
        return self._until_end(bucket).select(self.wanted.event_time)

    def counts(self, _con: DuckDBPyConnection, bucket: int, start: datetime | None) -> Counts:
        """Count a bucket's events; whose customer isn't known at its time was noted when the history was prepared."""
        acts = pl.lit(value=True) if start is None else pl.col("ts") >= start
        told = self._until_end(bucket).select(
            pl.len(), (~acts).sum().alias("history"), (acts & ~pl.col("known")).sum()
        )
        return Counts(*told.collect().row(0))

    def _until_end(self, bucket: int) -> pl.LazyFrame:
        files = self.files(bucket)
        if not files:
            return pl.LazyFrame(schema=COLUMNS["events"])
        return pl.scan_parquet(files, glob=False).filter(pl.col("ts") <= self.end)


Feed: TypeAlias = CutFeed | HistoryFeed


def _counted(times: pl.LazyFrame, known: pl.DataFrame, start: datetime | None) -> Counts:
    """Count events by their times, and since when customers are known."""
    acts = pl.lit(value=True) if start is None else pl.col("ts") >= start
    told = times.select(first=pl.col("ts").min(), events=pl.len(), history=(~acts).sum()).collect()
    first, events, history = told.row(0)
    # Most are known all the time: to leave their events out takes half as long as to look each one up.
    always = known.filter(pl.col("since") <= pl.lit(first, TIME_COLUMNS["ts"]))["customer_id"].implode()
    others = times.select(*TIME_COLUMNS).filter(acts, ~pl.col("customer_id").is_in(always)).collect()
    too_early = (pl.col("ts") < pl.col("since")).fill_null(value=True)
    unknown = others.join(known, on="customer_id", how="left").filter(too_early)
    return Counts(events, history, len(unknown))


def _scanned(files: list[Path], columns: Schema) -> pl.LazyFrame:
    """The rows that `split` wrote as Arrow files; without files there are none of these columns."""
    return pl.scan_ipc(files, glob=False) if files else pl.LazyFrame(schema=columns)
