"""What a backtest reads → buckets: files are judged and cut, a prepared history is dealt as it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.backtest.feeds import CutFeed, Feed, HistoryFeed
from flows.backtest.paths import Paths
from flows.backtest.plan import Plan, Progress
from flows.backtest.ticks import TickEnds
from flows.buckets.partition import CUSTOMER_COLUMNS, EVENT_COLUMNS, Wanted, bucket_files, split, wanted_by
from flows.formats.canonical import Canonical, Scratch, damage_named, read_canonical, united
from flows.formats.duplicates import distinct
from flows.formats.shapes import Kind
from flows.history.layout import quarantine_of
from flows.history.reading import History
from transforms.program.model import Program


@dataclass(frozen=True)
class Loaded:
    """Buckets, and what is known of all their rows.

    Attributes:
        feed: where the buckets' rows come from.
        buckets: how many there are.
        processes: how many are decided at once.
        began: the start, or else the instant of the first event; None: there is neither.
        ends: the ends of the ticks.
        quarantine: files of bad rows.
        counts: `quarantined`, `duplicates`.
    """

    feed: Feed
    buckets: int
    processes: int
    began: datetime | None
    ends: TickEnds
    quarantine: tuple[Path, ...]
    counts: dict[str, int]


@dataclass(frozen=True)
class Judged:
    """The good rows of files, each key once.

    Attributes:
        rows: where they lie, and the bad ones.
        repeated: how many were left out for their keys.
    """

    rows: Canonical
    repeated: int


def load(con: DuckDBPyConnection, plan: Plan, program: Program, paths: Paths, progress: Progress) -> Loaded:
    """Make the buckets.

    Raises:
        InputError: a file can't be loaded.
    """
    if plan.history:
        return _dealt(plan, wanted_by(program), History.open(plan.history))
    with damage_named([*plan.customer_files, *plan.events]):
        return _cut(con, plan, wanted_by(program), paths, progress)


def _dealt(plan: Plan, wanted: Wanted, history: History) -> Loaded:
    told = history.manifest
    processes = plan.processes_for(told.events)
    # A power of two, so that each bucket is a number of whole ranges.
    buckets = min(told.ranges, 1 << (plan.buckets_for(told.events, processes) - 1).bit_length())
    first = told.first if told.first and told.first <= plan.end else None
    began = plan.start or first
    return Loaded(
        HistoryFeed(history, buckets, wanted, plan.end),
        buckets,
        min(processes, buckets),
        began,
        TickEnds(plan.end, began, plan.tick),
        (quarantine_of(history.folder),),
        {"quarantined": told.quarantined, "duplicates": told.duplicates},
    )


def _cut(con: DuckDBPyConnection, plan: Plan, wanted: Wanted, paths: Paths, progress: Progress) -> Loaded:
    scratch = Scratch(con, paths.root, plan.limits, plan.ways)
    customers = judge(scratch, "customers", plan.customer_files, progress)
    events = judge(scratch, "events", plan.events, progress)
    processes = plan.processes_for(events.rows.good)
    buckets = plan.buckets_for(events.rows.good, processes)
    progress("Splitting", 0)
    counted = [part.scan().filter(pl.col("ts") <= plan.end) for part in events.rows.parts]
    people = [part.scan() for part in customers.rows.parts]
    split(people, CUSTOMER_COLUMNS, buckets, paths.customers, plain=True)
    split(counted, wanted.event_time, buckets, paths.event_times, plain=True)
    split([rows.filter(wanted.whole) for rows in counted], EVENT_COLUMNS, buckets, paths.events, plain=True)
    began = plan.start or _first(paths, buckets)
    return Loaded(
        CutFeed(paths),
        buckets,
        min(processes, buckets),
        began,
        TickEnds(plan.end, began, plan.tick),
        (*customers.rows.quarantine, *events.rows.quarantine),
        {
            "quarantined": customers.rows.bad + events.rows.bad,
            "duplicates": customers.repeated + events.repeated,
        },
    )


def judge(scratch: Scratch, kind: Kind, files: Sequence[Path], progress: Progress) -> Judged:
    """The files' good rows, each key once.

    Raises:
        InputError: a file can't be loaded.
    """
    found = []
    for number, path in enumerate(files):
        progress(f"Loading {kind}", number / len(files))
        found.append(read_canonical(scratch, path, kind, number))
    every = united(found)
    parts, repeated = distinct(every.parts, kind)
    return Judged(replace(every, parts=parts), repeated)


def _first(paths: Paths, buckets: int) -> datetime | None:
    """The instant of the first event that counts."""
    files = [file for bucket in range(buckets) for file in bucket_files(paths.event_times, bucket)]
    first: datetime | None = pl.scan_ipc(files).select(pl.col("ts").min()).collect().item() if files else None
    return first
