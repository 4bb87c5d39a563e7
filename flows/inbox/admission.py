"""Archived batches → part of the state: profiles, suppressions, quarantine, and what customer files change."""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import polars as pl
from duckdb import DuckDBPyConnection

from flows.files import content_hash
from flows.store.archive import Batch, archive_folder, archived_file
from flows.store.ledger import ARCHIVE, LedgerFile, name_files
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.tables import BATCHES
from flows.store.work import make_tables
from flows.warehouse import (
    append,
    connect,
    count,
    frame,
    make_function,
    make_view,
    one_file,
    parquet,
    run_sql,
    shown,
    sql_text,
    write_rows,
)
from transforms.columns.json_values import canonical_texts

PROFILE_CHANGES = "profile_changes"


def admit_all(store: Store, batches: Sequence[Batch]) -> list[Batch]:
    """Make archived batches part of the state, inside the caller's transaction.

    Returns:
        They, customers' each followed by the changes that they make; changes among the given are made anew.
    """
    run_sql(store.con, "inbox/intake/nothing_changed.sql")
    nothing_archived(store.state)
    given = [one for one in batches if one.shape != PROFILE_CHANGES]
    append_batches(store.state, "batches", given)
    store.state.write(
        sql_text("inbox/intake/loaded_file.sql"), [(one.file,) for one in given if one.kind == "customers"]
    )
    together = groupby(given, key=lambda one: (one.kind, one.archive))
    return [admitted for _, some in together for admitted in _admit(store, list(some))]


def nothing_archived(state: StateFile) -> None:
    """Everything that is archived is part of the state: start to note what isn't."""
    state.rows("inbox/intake/nothing_archived.sql")
    state.query("delete from archived_batches")


def append_batches(state: StateFile, table: str, batches: Iterable[Batch]) -> None:
    """Add batches to a table that has their columns."""
    if rows := [vars(one) for one in batches]:
        state.append(table, pl.DataFrame(rows, schema=BATCHES, orient="row"))


def _admit(store: Store, batches: list[Batch]) -> list[Batch]:
    """Make batches that lie in one archived file part of the state.

    Returns:
        They, and the one of attribute changes where there are any.
    """
    con, first, last = store.con, batches[0], batches[-1]
    bad = archive_folder(store.settings) / "quarantine" / first.archive
    if bad.exists():
        run_sql(
            con, "inbox/intake/quarantine.sql", batch=first.batch_id, bad=one_file(bad), now=first.loaded_at
        )
    file = archived_file(store.settings, first.kind, first.archive)
    name_archived(store, first, file)
    store.bring_in(frame(con, f"select distinct customer_id from {parquet(file)}").to_series())
    if first.kind == "events":
        run_sql_over(con, "inbox/intake/new_profiles.sql", file)
        run_sql_over(con, "inbox/intake/suppressions.sql", file)
        return batches
    return [*batches, *_admit_customers(store, last, file)]


def name_archived(store: Store, batch: Batch, file: Path) -> None:
    """Let the archived file of a batch be one that is checked."""
    name = f"{batch.kind}/{batch.archive}"
    size, checksum = file.stat().st_size, content_hash(file)
    named = LedgerFile(
        name, f"{ARCHIVE}{batch.kind}", 0, batch.batch_id, batch.batch_id, batch.rows, size, checksum
    )
    name_files(store.state, [named])


def run_sql_over(con: DuckDBPyConnection, name: str, file: Path, **params: object) -> None:
    """Run a file of `sql/` over the archived batch `file`, which it calls `batch`."""
    make_view(con, "batch", f"from {parquet(file)}")
    run_sql(con, name, **params)


def suppressions_in(events: pl.DataFrame, emails: pl.DataFrame) -> pl.DataFrame:
    """The suppressions that events tell of, as the state keeps them, without a state.

    Args:
        events: canonical rows.
        emails: `frames.ATTRIBUTES`: the addresses that their customers have.
    """
    with connect(threads=1) as con:
        make_tables(con)
        append(con, "attributes", emails)
        with shown(con, batch=events):
            run_sql(con, "inbox/intake/suppressions.sql")
        return frame(con, "from suppressions")


def _admit_customers(store: Store, batch: Batch, file: Path) -> list[Batch]:
    con = store.con
    make_function(con, "canonical_json", canonical_texts)
    run_sql_over(con, "inbox/intake/given_attributes.sql", file)
    run_sql_over(con, "inbox/intake/profile_changes.sql", file, now=batch.loaded_at, batch=batch.batch_id)
    run_sql(con, "inbox/intake/changed_so_far.sql")
    changes = _changes(store, batch)
    for name in ("customer_attributes", "customer_tags", "customer_profiles"):
        run_sql_over(con, f"inbox/intake/{name}.sql", file)
    return changes


def _changes(store: Store, batch: Batch) -> list[Batch]:
    """What a customer file changed of known profiles, as `attribute_change` events at load time."""
    from flows.formats.canonical import check_canonical

    con = store.con
    if not (changed := count(con, "profile_changes")):
        return []
    number = batch.batch_id + 1
    file = archive_folder(store.settings) / "events" / f"{number:08d}.parquet"
    write_rows(con, "from profile_changes", file)
    check_canonical("events", file)
    hashed = hashlib.sha256(f"{PROFILE_CHANGES}|{batch.content_hash}|{number}".encode()).hexdigest()
    changes = Batch(
        batch_id=number, kind="events", file=batch.file, content_hash=hashed, shape=PROFILE_CHANGES,
        rows=changed, duplicates=0, quarantined=0, loaded_at=batch.loaded_at, archive=file.name,
        latest=batch.loaded_at, earliest=batch.loaded_at, semantics=batch.semantics,
    )  # fmt: skip
    append_batches(store.state, "batches", [changes])
    name_archived(store, changes, file)
    return [changes]
