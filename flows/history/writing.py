"""Canonical rows → a prepared history: cut by key range, and each range laid out by a process of its own."""

import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from flows.buckets.partition import bucket_files, keys_of, split, updates_profile
from flows.errors import InputError
from flows.files import flush, write_text
from flows.history.layout import (
    COLUMNS,
    MANIFEST,
    HistoryFile,
    Kind,
    Manifest,
    file_name,
    quarantine_of,
)
from flows.history.order import in_order
from flows.processes import in_processes

PER_FILE = 1_000_000
"""About how many events a file holds at most: as many as fit the cache of a processor when they are decided."""
MOST_RANGES = 4096
ROW_GROUP = 61_440
"""Rows: so few that most row groups hold one name."""
MOST_PLAIN = 20_000_000
"""Events; up to so many are cut into Arrow files: half the time, but six times the disk (180 bytes an event)."""

KnownSince = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""From a range's events and customers: `customer_id` and `since`, the instant from which on each customer is known."""
Progress = Callable[[str, float], object]


@dataclass(frozen=True)
class Rows:
    """What becomes a history.

    Attributes:
        events: canonical ones, each id once.
        customers: canonical ones, each id once.
        count: how many events there are.
        known_since: tells who is known from when on.
        quarantine: Parquet files of bad rows, to be kept beside.
        bad: how many bad rows there are.
        duplicates: how many rows were left out for their keys.
    """

    events: Sequence[pl.LazyFrame]
    customers: Sequence[pl.LazyFrame]
    count: int
    known_since: KnownSince
    quarantine: pl.LazyFrame
    bad: int = 0
    duplicates: int = 0


@dataclass(frozen=True)
class _Written:
    """The files of a range, and when its first and last events happened."""

    files: tuple[HistoryFile, ...]
    first: datetime | None
    last: datetime | None


def ranges_for(events: int) -> int:
    """How many key ranges so many events are cut into: a power of two, so that buckets are whole ranges."""
    least = max(-(-events // PER_FILE), 1)
    return min(1 << (least - 1).bit_length(), MOST_RANGES)


def write_history(
    rows: Rows,
    out: Path,
    *,
    processes: int,
    ranges: int | None = None,
    progress: Progress = lambda _step, _share: None,
) -> Manifest:
    """Write a history to the folder `out`, in place of one that is there; it appears whole or not at all.

    Args:
        rows: what to write.
        out: the folder.
        processes: how many ranges to lay out at once.
        ranges: how many key ranges; None: by the number of events.
        progress: told what is being done, and which share of that is done.

    Raises:
        InputError: there is something else in the folder.
        WorkerError: a process was killed; nothing was written.
    """
    cut = ranges or ranges_for(rows.count)
    with _made_whole(out) as folder, TemporaryDirectory(prefix="onward-history-", dir=folder) as scratch:
        progress("Splitting", 0)
        plain = rows.count <= MOST_PLAIN
        split(rows.customers, COLUMNS["customers"], cut, Path(scratch) / "customers", plain=plain)
        events = [name for name in COLUMNS["events"] if name not in {"updates", "known"}]
        split(rows.events, events, cut, Path(scratch) / "events", plain=plain)
        call = partial(_lay_out, Path(scratch), folder, cut, rows.known_since)
        written: dict[int, _Written] = {}
        for number, found in in_processes(call, range(cut), min(processes, cut), threads=1):
            written[number] = found
            progress("Laying out", len(written) / cut)
        rows.quarantine.sink_parquet(quarantine_of(folder), compression="zstd")
        manifest = _manifest(rows, cut, [written[number] for number in range(cut)])
        write_text(folder / MANIFEST, manifest.model_dump_json(indent=2))
    return manifest


def check_place(out: Path) -> None:
    """Look whether a history may be written to `out`.

    Raises:
        InputError: there is a file, or a folder with something else than a history.
    """
    if out.exists() and not (out.is_dir() and ((out / MANIFEST).is_file() or not any(out.iterdir()))):
        raise InputError(f"--out {out}: is there, and no prepared history; give a new or an empty folder")


@contextmanager
def _made_whole(out: Path) -> Generator[Path]:
    """A folder that becomes `out` when the block has ended well."""
    check_place(out)
    aside, before = (out.with_name(f"{out.name}.{kind}") for kind in ("aside", "before"))
    for one in (aside, before):
        shutil.rmtree(one, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside
        flush(aside)
        if out.exists():
            out.rename(before)
        aside.rename(out)
        flush(out.parent)
    finally:
        for one in (aside, before):
            shutil.rmtree(one, ignore_errors=True)


def _lay_out(scratch: Path, folder: Path, ranges: int, known_since: KnownSince, number: int) -> _Written:
    """Write the files of a range."""
    customers = _read(scratch, "customers", number)
    events = _read(scratch, "events", number).with_columns(updates=updates_profile())
    known = known_since(events, customers)
    place = pl.col("ts") >= pl.col("since")
    events = events.join(known, on="customer_id", how="left").with_columns(known=place.fill_null(value=False))
    keys = keys_of(number, ranges)
    ordered: dict[Kind, pl.DataFrame] = {
        "events": in_order(events),
        "customers": customers.sort("customer_id"),
    }
    files = [_written(folder, kind, number, rows, keys) for kind, rows in ordered.items() if len(rows)]
    shutil.rmtree(scratch / "events" / f"bucket={number}", ignore_errors=True)
    first, last = events.select(first=pl.col("ts").min(), last=pl.col("ts").max()).row(0)
    return _Written(tuple(files), first, last)


def _read(scratch: Path, kind: Kind, number: int) -> pl.DataFrame:
    files = bucket_files(scratch / kind, number)
    schema = {name: type_ for name, type_ in COLUMNS[kind].items() if name not in {"updates", "known"}}
    if not files:
        return pl.DataFrame(schema=schema)
    plain = files[0].suffix == ".ipc"
    rows = pl.scan_ipc(files, glob=False) if plain else pl.scan_parquet(files, glob=False)
    return rows.collect()


def _written(folder: Path, kind: Kind, number: int, rows: pl.DataFrame, keys: range) -> HistoryFile:
    name = file_name(kind, number)
    chosen = rows.select(*COLUMNS[kind])
    chosen.write_parquet(folder / name, compression="zstd", compression_level=1, row_group_size=ROW_GROUP)
    flush(folder / name)
    size = (folder / name).stat().st_size
    return HistoryFile(
        name=name, kind=kind, rows=len(rows), bytes=size, first_key=keys.start, after_key=keys.stop
    )


def _manifest(rows: Rows, ranges: int, written: Sequence[_Written]) -> Manifest:
    files = [file for one in written for file in one.files]
    return Manifest(
        ranges=ranges,
        events=sum(one.rows for one in files if one.kind == "events"),
        customers=sum(one.rows for one in files if one.kind == "customers"),
        quarantined=rows.bad,
        duplicates=rows.duplicates,
        first=min((one.first for one in written if one.first), default=None),
        last=max((one.last for one in written if one.last), default=None),
        files=files,
    )
