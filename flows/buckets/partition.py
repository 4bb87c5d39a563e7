"""Canonical rows → customer buckets on disk: of each event only what the program can see.

A bucket holds all rows of its customers, by the first bits of a stable hash of the id; of a tick too. The few events
that are read whole lie apart from the *event times*, which every event has: whose it is and when, and what windows need
of it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from transforms.columns.ids import stable_hash
from transforms.program.model import Program
from transforms.tables.frames import BEHAVIORS, CANONICAL_CUSTOMERS, CANONICAL_EVENTS, chosen

BYTES_PER_EVENT = 550  # of a bucket in a process that decides it, all columns and intermediate frames
BYTES_PER_PROCESS = 500_000_000  # with Polars and DuckDB, before any row
KEYS = 2**32
"""How many keys there are."""
SMALLEST = 1_250_000  # events; below, another process, which has all to import, costs more than it saves

# What a bucket keeps: of events that are read whole, of every event, of customers.
EVENT_COLUMNS = {name: kind for name, kind in CANONICAL_EVENTS.items() if name != "received_at"}
TIME_COLUMNS = chosen(CANONICAL_EVENTS, "customer_id", "ts")
CUSTOMER_COLUMNS = CANONICAL_CUSTOMERS


@dataclass(frozen=True)
class Wanted:
    """Which events the program sees, and how much of them.

    Attributes:
        names: names of events that are read whole, whatever their type.
        types: types of events that are read whole, whatever their name.
        watched: names of behavioral events of which time and value are read (patterns, windowed counts).
        identified: whether of watched events the id is read too (`ordered` patterns).
    """

    names: Collection[str]
    types: Collection[str]
    watched: Sequence[str] = ()
    identified: bool = False

    @property
    def whole(self) -> pl.Expr:
        """Whether an event is read whole; those that update profiles, or may make customers known, are too."""
        return (
            pl.col("name").is_in(sorted(self.names))
            | pl.col("type").is_in(sorted(self.types))
            | updates_profile()
        )

    @property
    def event_time(self) -> list[pl.Expr]:
        """Of every event: whose it is and when; if it is watched its name (an Enum of `watched`), value and id."""
        read = ("value", "event_id") if self.identified else ("value",)
        named = pl.col("name").cast(pl.Enum(self.watched), strict=False)
        watched = named.is_not_null() & (pl.col("type") == "behavioral")
        columns = [named.alias("name"), *map(pl.col, read)] if self.watched else []
        return [*map(pl.col, TIME_COLUMNS), *(pl.when(watched).then(one) for one in columns)]


def updates_profile() -> pl.Expr:
    """Whether an event updates its customer's profile, or may make the customer known."""
    carries = (pl.col("attributes") != "{}").fill_null(value=False)
    return carries | (pl.col("type") == "attribute_change") | (pl.col("name") == "identify")


def wanted_by(program: Program) -> Wanted:
    """What a program sees."""
    sees, signals = program.sees, program.signals
    return Wanted(sees.names, sees.types, signals.names, identified=bool(signals.chains))


def how_many(events: int, memory: int, processes: int) -> int:
    """The number of buckets so that those in work at once fit into `memory` bytes."""
    room = max(memory // processes - BYTES_PER_PROCESS, 50 * 1024**2)
    buckets = -(-events * BYTES_PER_EVENT // room)
    return max(1, buckets, min(processes, events // SMALLEST))


def split(
    rows: Sequence[pl.LazyFrame],
    columns: Iterable[str | pl.Expr],
    buckets: int,
    folder: Path,
    *,
    plain: bool = False,
) -> None:
    """Write rows to `bucket_files(folder, bucket)`; a bucket without rows has none.

    Args:
        rows: what to write; has a `customer_id`.
        columns: what to keep of a row.
        buckets: how many.
        folder: where.
        plain: as Arrow files, which take half as long to write as Parquet, but can't be read by DuckDB.
    """
    if rows:
        kept = [*columns, bucket_of(buckets)]
        cut = pl.concat([some.select(kept) for some in rows])
        place = pl.PartitionBy(folder, key="bucket", include_key=False)
        if plain:
            cut.sink_ipc(place, maintain_order=False, mkdir=True)
        else:
            cut.sink_parquet(place, compression="lz4", statistics=False, maintain_order=False, mkdir=True)


def bucket_files(folder: Path, bucket: int) -> list[Path]:
    """The files that `split` wrote for a bucket."""
    return sorted((folder / f"bucket={bucket}").glob("*"))


def behaviors_of(event_times: pl.LazyFrame, start: datetime | None) -> pl.DataFrame:
    """`frames.BEHAVIORS` of the times of events, their names as an Enum; history before `start`."""
    acts = pl.lit(value=True) if start is None else pl.col("ts") >= start
    watched = event_times.filter(pl.col("name").is_not_null())
    if "event_id" not in event_times.collect_schema():
        watched = watched.with_columns(event_id=pl.lit(None, pl.String))
    return watched.with_columns(at="ts", acts=acts, fresh=pl.lit(value=True)).select(*BEHAVIORS).collect()


def bucket_of(buckets: int) -> pl.Expr:
    """The column `bucket`, from 0: in which of so many equal ranges the first bits of the customer id's hash lie.

    So a bucket is a range of hashes, whatever their number, and doubling that halves each.
    """
    first_bits = stable_hash("customer_id") // KEYS
    return (first_bits * buckets // KEYS).cast(pl.UInt16).alias("bucket")


def keys_of(number: int, buckets: int) -> range:
    """The keys of bucket `number` of so many; the key of a customer is the first 32 bits of the id's hash."""
    return range(-(-number * KEYS // buckets), -(-(number + 1) * KEYS // buckets))


def key_of(customer: str) -> range:
    """The key of one customer, as a range."""
    hashed = pl.select(customer_id=pl.lit(customer)).select(stable_hash("customer_id") // KEYS).item()
    return range(hashed, hashed + 1)


@dataclass(frozen=True)
class Bucket:
    """One of `buckets` parts of the customers, by `bucket_of`."""

    number: int
    buckets: int

    @property
    def within(self) -> str:
        """The condition on `customer_id`; of several buckets, once `by_bucket` has shown `bucket_customers`."""
        return "true" if self.buckets == 1 else "customer_id in (select customer_id from bucket_customers)"
