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
from flows.history.reading import History
from flows.warehouse import literal, parquet, read_sql
from transforms.tables.frames import Schema
from transforms.tables.sql_types import duckdb_types


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

    def events(self, bucket: int) -> str:
        """The query of a bucket's events that are read whole: `EVENT_COLUMNS`."""
        return _listed(bucket_files(self.paths.events, bucket), EVENT_COLUMNS)

    def customers(self, bucket: int) -> str:
        """The query of a bucket's customers: `CUSTOMER_COLUMNS`."""
        return _listed(bucket_files(self.paths.customers, bucket), CUSTOMER_COLUMNS)

    def event_times(self, bucket: int) -> pl.LazyFrame:
        """The times of a bucket's events: `partition.Wanted.event_time`."""
        files = bucket_files(self.paths.event_times, bucket)
        return pl.scan_ipc(files, glob=False) if files else pl.LazyFrame(schema=TIME_COLUMNS)

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

    def events(self, bucket: int) -> str:
        """The query of a bucket's events that are read whole: `EVENT_COLUMNS`."""
        files = self.files(bucket)
        names, types = (sorted(some) for some in (self.wanted.names, self.wanted.types))
        # Apart, so that each part is answered by the row groups whose statistics say they may hold such rows.
        parts = ["updates"]
        if names:
            parts.append(f"not updates and name in ({_literals(names)})")
        if types:
            others = f" and name not in ({_literals(names)})" if names else ""
            parts.append(f"not updates and type in ({_literals(types)}){others}")
        until = f"ts <= {literal(self.end.isoformat())}::timestamptz"
        whole = _listed(files, EVENT_COLUMNS)
        return " union all ".join(f"({whole} where {until} and {one})" for one in parts) if files else whole

    def customers(self, bucket: int) -> str:
        """The query of a bucket's customers: `CUSTOMER_COLUMNS`."""
        return _listed(self.history.files("customers", keys_of(bucket, self.buckets)), CUSTOMER_COLUMNS)

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
            return pl.LazyFrame(schema={**EVENT_COLUMNS, "known": pl.Boolean})
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


def _listed(files: Sequence[Path], columns: Schema) -> str:
    if files:
        return f"select {', '.join(columns)} from {parquet(*files)}"
    nothing = ", ".join(f"null::{kind} as {column}" for column, kind in duckdb_types(columns).items())
    return f"select {nothing} limit 0"


def _literals(texts: Sequence[str]) -> str:
    return ", ".join(map(literal, texts))
