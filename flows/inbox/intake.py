"""New files of the inbox → archived batches: each content once, bad rows to quarantine, all or nothing.

A batch first becomes Parquet in the archive (`archive_file`), then part of the state (`admit`); replaying the
archive repeats only the second step.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from flows.files import content_hash
from flows.session import Session
from flows.settings import Settings
from flows.store.archive import Batch, archive_folder
from flows.warehouse import (
    assign,
    chained,
    count,
    insert,
    make_view,
    parquet,
    read_sql,
    run,
    run_sql,
    sql_text,
    write_rows,
)
from transforms.timing.durations import spoken

if TYPE_CHECKING:
    from flows.inbox.duplicates import Distinct
    from flows.inbox.seen_ids import SeenIds
    from flows.inbox.shapes import Kind

KINDS: tuple["Kind", ...] = ("customers", "events")
PROFILE_CHANGES = "profile_changes"
STAGED = "staged"
JUDGED = "judged"


@dataclass(frozen=True)
class WaitingFile:
    """A file of the inbox whose content wasn't loaded yet."""

    kind: "Kind"
    path: Path
    content_hash: str


def waiting(session: Session) -> Iterator[WaitingFile]:
    """The inbox files whose content wasn't loaded yet, customers first, in name order.

    A file is read once: one of the same name, size and time of change isn't looked into again.
    """
    con = session.con
    loaded = {one for (one,) in run_sql(con, "inbox/intake/loaded.sql").fetchall()}
    read = set(run_sql(con, "inbox/intake/files_read.sql").fetchall())
    for kind in KINDS:
        for path in _files(session.settings.inbox / kind):
            stamp = _stamp(kind, path)
            if tuple(stamp.values()) in read:
                continue
            insert(con, "inbox_files", stamp)
            if (found := content_hash(path)) not in loaded:
                loaded.add(found)
                yield WaitingFile(kind, path, found)


def _stamp(kind: "Kind", path: Path) -> dict[str, object]:
    """What tells a file from another one, and from itself once it has changed: a row of `inbox_files`."""
    there = path.stat()
    return {"kind": kind, "file": path.name, "bytes": there.st_size, "changed_ns": there.st_ctime_ns}


def _files(folder: Path) -> list[Path]:
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in there if not path.name.startswith(".") and path.is_file()]


def take_in(session: Session, now: datetime) -> list[Batch]:
    """Archive and admit every waiting file, inside the caller's transaction.

    Raises:
        InputError: a file as a whole can't be loaded; roll back, and nothing has changed.
    """
    begin(session.con)
    files = list(waiting(session))
    if not files:
        return []
    # An idle run shall not pay for importing pyarrow.
    from flows.inbox.seen_ids import read_seen_ids

    seen, batches = read_seen_ids(session), list[Batch]()
    for file in files:
        seen.catch_up()
        batch = archive_file(session, seen, file, now)
        batches += admit(session, batch)
    return batches


def begin(con: DuckDBPyConnection) -> None:
    """Start a tick's intake: no file of it has changed a profile yet."""
    run_sql(con, "inbox/intake/nothing_changed.sql")


def archive_file(session: Session, seen: "SeenIds", file: WaitingFile, now: datetime) -> Batch:
    """Write a file's good rows and bad rows to the archive, as the next batch.

    Args:
        session: the store.
        seen: the ids of earlier events.
        file: what to archive.
        now: when it is loaded.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    from flows.inbox.canonical import check_canonical
    from flows.inbox.shapes import recognise
    from flows.inbox.staging import stage

    con, settings, kind = session.con, session.settings, file.kind
    source = recognise(file.path, kind, _named_shape(settings, file.path))
    staged = stage(con, source, STAGED, settings.limits)
    distinct = _judged(session, seen, kind, now)
    ((number,),) = run_sql(con, "inbox/intake/next_batch.sql").fetchall()
    archived = archive_folder(settings) / kind / f"{number:08d}.parquet"
    good = ("good", f"from {distinct.relation}")
    write_rows(con, chained(good, final=f"inbox/archive/{kind}.sql"), archived)
    check_canonical(kind, archived)
    bad = _quarantine(session, number)
    earliest, latest = _span(con, archived) if kind == "events" else (None, None)
    return Batch(
        batch_id=number, kind=kind, file=file.path.name, content_hash=file.content_hash, shape=source.shape,
        rows=staged.rows, duplicates=distinct.duplicates, quarantined=bad, loaded_at=now,
        archive=archived.name, latest=latest, earliest=earliest,
    )  # fmt: skip


def _judged(session: Session, seen: "SeenIds", kind: "Kind", now: datetime) -> "Distinct":
    """Make the view `judged` of what is staged; its good rows that count."""
    from flows.inbox.duplicates import deduplicated

    con = session.con
    if kind == "customers":
        make_view(con, JUDGED, f"from {STAGED}")
        return deduplicated(con, JUDGED, kind)
    _judge_time(session, now)
    ids = read_sql(con, "inbox/intake/event_ids.sql").to_series()
    return deduplicated(con, JUDGED, kind, seen.among(ids))


def admit(session: Session, batch: Batch) -> list[Batch]:
    """Make an archived batch part of the state; customers' changes become a batch of events of their own.

    Returns:
        The batch, and the one of attribute changes where there are any.
    """
    con = session.con
    insert(con, "batches", vars(batch))
    bad = _quarantine_file(session, batch.batch_id)
    if bad.exists():
        run_sql(con, "inbox/intake/quarantine.sql", batch=batch.batch_id, bad=str(bad), now=batch.loaded_at)
    file = archive_folder(session.settings) / batch.kind / batch.archive
    if batch.kind == "events":
        run_sql_over(con, "inbox/intake/new_profiles.sql", file)
        run_sql_over(con, "inbox/intake/suppressions.sql", file)
        return [batch]
    return [batch, *_admit_customers(session, batch, file)]


def run_sql_over(con: DuckDBPyConnection, name: str, file: Path, **params: object) -> None:
    """Run a file of `sql/` over the archived batch `file`, which it calls `batch`."""
    make_view(con, "batch", f"from {parquet(file)}")
    run_sql(con, name, **params)


def _admit_customers(session: Session, batch: Batch, file: Path) -> list[Batch]:
    con = session.con
    run_sql_over(con, "inbox/intake/profile_changes.sql", file, now=batch.loaded_at, batch=batch.batch_id)
    run_sql(con, "inbox/intake/changed_so_far.sql")
    changes = _changes(session, batch)
    for name in ("customer_attributes", "customer_tags", "customer_profiles"):
        run_sql_over(con, f"inbox/intake/{name}.sql", file)
    return changes


def _changes(session: Session, batch: Batch) -> list[Batch]:
    """What a customer file changed of known profiles, as `attribute_change` events at load time."""
    from flows.inbox.canonical import check_canonical

    con = session.con
    if not (changed := count(con, "profile_changes")):
        return []
    number = batch.batch_id + 1
    file = archive_folder(session.settings) / "events" / f"{number:08d}.parquet"
    write_rows(con, "from profile_changes", file)
    check_canonical("events", file)
    hashed = hashlib.sha256(f"{PROFILE_CHANGES}|{batch.content_hash}|{number}".encode()).hexdigest()
    changes = Batch(
        batch_id=number, kind="events", file=batch.file, content_hash=hashed, shape=PROFILE_CHANGES,
        rows=changed, duplicates=0, quarantined=0, loaded_at=batch.loaded_at, archive=file.name,
        latest=batch.loaded_at, earliest=batch.loaded_at,
    )  # fmt: skip
    insert(con, "batches", vars(changes))
    return [changes]


def _judge_time(session: Session, now: datetime) -> None:
    """Rows too far in the future are bad ones too (semantics.md §4)."""
    con, most = session.con, session.settings.max_future
    assign(con, "timestamptz", future_limit=now + most)
    assign(con, "varchar", future_most=spoken(most))
    run_sql(con, "inbox/intake/judged.sql")


def _quarantine(session: Session, number: int) -> int:
    """Archive the bad rows of a batch; how many there are."""
    file = _quarantine_file(session, number)
    file.unlink(missing_ok=True)
    query = chained(("found", f"from {JUDGED}"), final="inbox/staging/bad.sql")
    if bad := count(session.con, f"({query})"):
        write_rows(session.con, query, file)
    return bad


def _quarantine_file(session: Session, number: int) -> Path:
    return archive_folder(session.settings) / "quarantine" / f"{number:08d}.parquet"


def _span(con: DuckDBPyConnection, file: Path) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant of a batch's events."""
    query, params = sql_text("inbox/intake/span.sql"), {"file": str(file)}
    ((first, last),) = run(con, query, file=str(file), step="read its times", params=params).fetchall()
    return first, last


def _named_shape(settings: Settings, path: Path) -> str | None:
    return next((shape for pattern, shape in settings.shapes.items() if fnmatch(path.name, pattern)), None)
