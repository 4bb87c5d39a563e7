"""The archive of a store → a prepared history, beside ticks that go on: one more thing that `onward compact` does.

The batches stay as they are, for ticks decided again; backtests, amounts of new windows and the view `events` read the
history, and the batches that came since.
"""

import shutil
from pathlib import Path

import polars as pl

from flows.backtest.prepare import known_since
from flows.backtest.run import BAD_ROWS
from flows.errors import InputError
from flows.history.reading import History
from flows.history.writing import Rows, write_history
from flows.session import Clock, Say, silent, wall_clock
from flows.settings import Settings
from flows.store.archive import archived_file
from flows.store.compact import COMPACT_LOCK, when_free
from flows.store.lock import run_lock
from flows.store.opening import ask_state, open_store
from flows.store.prepared import Prepared, count_on, layout_folder, prepared_archive
from flows.store.publish import publish
from flows.store.state_file import StateFile
from flows.store.tables import BATCHES
from transforms.tables.frames import CANONICAL_CUSTOMERS

GROWN = 1.2
"""How many times as many events there must be as were laid out, so that they are laid out anew."""


def lay_out_archive(settings: Settings, say: Say = silent, clock: Clock = wall_clock) -> str:
    """Lay the archive out by key, unless it has grown by less than a fifth since; what was done, for people.

    Raises:
        RunInProgressError: another compaction is under way, or a tick didn't let go of the store for a long time.
        ArchiveError: an archived file is gone or damaged; what was laid out before stays.
        WorkerError: a process was killed; likewise.
    """
    with run_lock(settings.state / COMPACT_LOCK):
        return _laid_out(settings, say, clock)


def _laid_out(settings: Settings, say: Say, clock: Clock) -> str:
    with when_free(settings, clock) as store:
        ((covered,),) = store.state.query("select coalesce(max(batch_id), 0) from batches")
        batches = _batches(store.state)
        before = prepared_archive(settings, store.state)
    rows = _rows(settings, batches)
    if not rows.count or (before and rows.count < GROWN * before.history.manifest.events):
        return "The archive is laid out by key already" if before else "The archive has no events to lay out"
    out = layout_folder(settings, covered)
    _write(rows, out, say)
    with when_free(settings, clock) as store:
        with store.state.transaction():
            count_on(store.state, covered)
        publish(store)
    _remove_others(out, before)
    return f"Laid {rows.count:,} events of the archive out by key"


def history_of_store(settings: Settings) -> History:
    """The archive as it was laid out last.

    Raises:
        InputError: it never was.
    """
    with open_store(settings, passing=True) as store:
        found = prepared_archive(settings, store.state)
    if found is None:
        raise InputError(
            f"--store: the archive of {settings.data_dir} isn't laid out yet; `onward compact` does that (nightly, too)"
        )
    return found.history


def newest_history(settings: Settings, folder: Path, say: Say = silent) -> History | None:
    """All that the store has loaded: the archive as it was laid out, if nothing came since; else laid out in `folder`.

    May be asked while a run is at work; the store isn't changed.

    Returns:
        None: there is no store, or it has no events.

    Raises:
        ArchiveError: an archived file is gone or damaged.
    """
    found = ask_state(settings, lambda state: (_batches(state), prepared_archive(settings, state)))
    if found is None:
        return None
    batches, before = found
    if before and batches.filter(pl.col("batch_id") > before.covered).is_empty():
        return before.history
    rows = _rows(settings, batches)
    if not rows.count:
        return None
    _write(rows, folder, say)
    return History.open(folder)


def _batches(state: StateFile) -> pl.DataFrame:
    return state.frame(f"select {', '.join(BATCHES)} from batches order by batch_id", BATCHES)


def _rows(settings: Settings, batches: pl.DataFrame) -> Rows:
    """All events and customers of batches."""
    good = batches.with_columns(rows=pl.col("rows") - pl.col("duplicates") - pl.col("quarantined"))
    events = good.filter(pl.col("kind") == "events", pl.col("rows") > 0)
    return Rows(
        [pl.scan_parquet(one, glob=False) for one in _files(settings, events, "events")],
        [_customers(settings, batches)],
        int(events["rows"].sum()),
        known_since,
        pl.LazyFrame(schema=BAD_ROWS),
    )


def _write(rows: Rows, folder: Path, say: Say) -> None:
    say("Laying the archive out by key")
    processes = 2 if rows.count >= 200_000 else 1
    write_history(rows, folder, processes=processes, progress=lambda step, _share: say(step))


def _files(settings: Settings, batches: pl.DataFrame, kind: str) -> list[Path]:
    names = batches.filter(pl.col("kind") == kind)["archive"].unique(maintain_order=True)
    return [archived_file(settings, kind, name) for name in names]


def _customers(settings: Settings, batches: pl.DataFrame) -> pl.LazyFrame:
    """What files said of each customer first; what they said later is among the events."""
    files = _files(settings, batches.filter(pl.col("rows") > 0), "customers")
    if not files:
        return pl.LazyFrame(schema=CANONICAL_CUSTOMERS)
    each = [pl.scan_parquet(one, glob=False).with_columns(number=pl.lit(n)) for n, one in enumerate(files)]
    if len(each) == 1:
        return each[0].select(*CANONICAL_CUSTOMERS)
    said = pl.concat([one.select(*CANONICAL_CUSTOMERS, "number") for one in each])
    first = said.group_by("customer_id").agg(pl.col("number").min())
    return said.join(first, on=["customer_id", "number"], how="semi").select(*CANONICAL_CUSTOMERS)


def _remove_others(out: Path, before: Prepared | None) -> None:
    """Remove older layouts, and what killed runs left; readers of what was published before may need the last one."""
    kept = {out, before.history.folder if before else out}
    for one in out.parent.iterdir():
        if one not in kept:
            shutil.rmtree(one)
