"""New files of the inbox → archived batches: each content once, bad rows to quarantine, all or nothing.

A batch first becomes Parquet in the archive (`archive_file`), then part of the state (`admit`); replaying the
archive repeats only the second step.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from flows.files import content_hash
from flows.settings import Settings
from flows.store.archive import Batch, archive_folder
from flows.warehouse import frame, literal, run, run_sql, sql_text, write_rows
from transforms.timing.durations import spoken

if TYPE_CHECKING:
    from flows.inbox.seen_ids import Known
    from flows.inbox.shapes import Kind

KINDS: tuple["Kind", ...] = ("customers", "events")
PROFILE_CHANGES = "profile_changes"
STAGED = "staged"
JUDGED = "judged"


def waiting(con: DuckDBPyConnection, settings: Settings) -> Iterator[tuple["Kind", Path, str]]:
    """The inbox files whose content wasn't loaded yet, customers first, in name order: kind, file, hash.

    A file is read once: one of the same name, size and time of change isn't looked into again.
    """
    loaded = {one for (one,) in con.execute("select content_hash from batches").fetchall()}
    read = set(con.execute("select kind, file, bytes, changed_ns from inbox_files").fetchall())
    for kind in KINDS:
        folder = settings.inbox / kind
        for path in sorted(folder.iterdir()) if folder.is_dir() else []:
            if path.name.startswith(".") or not path.is_file():
                continue
            stamp = (kind, path.name, path.stat().st_size, path.stat().st_ctime_ns)
            if stamp in read:
                continue
            con.execute("insert into inbox_files values ($1, $2, $3, $4)", stamp)
            if (found := content_hash(path)) not in loaded:
                loaded.add(found)
                yield kind, path, found


def take_in(con: DuckDBPyConnection, settings: Settings, now: datetime) -> list[Batch]:
    """Archive and admit every waiting file, inside the caller's transaction.

    Raises:
        InputError: a file as a whole can't be loaded; roll back, and nothing has changed.
    """
    begin(con)
    files = list(waiting(con, settings))
    if not files:
        return []
    # An idle run shall not pay for importing Polars.
    from flows.inbox.seen_ids import caught_up, read_known

    known, batches = read_known(con, settings), list[Batch]()
    for kind, path, found in files:
        known = caught_up(con, settings, known)
        batch = archive_file(con, settings, known, kind, path, found, now)
        batches += admit(con, settings, batch)
    return batches


def begin(con: DuckDBPyConnection) -> None:
    """Start a tick's intake: no file of it has changed a profile yet."""
    con.execute(
        "create or replace temp table changed_so_far (customer_id varchar, attribute varchar, value varchar)"
    )


def archive_file(
    con: DuckDBPyConnection,
    settings: Settings,
    known: "Known",
    kind: "Kind",
    path: Path,
    found: str,
    now: datetime,
) -> Batch:
    """Write a file's good rows and bad rows to the archive, as the next batch; `known` are the ids of earlier ones.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    # An idle run shall not pay for importing pyarrow.
    from flows.inbox.canonical import check_canonical
    from flows.inbox.duplicates import deduplicated
    from flows.inbox.seen_ids import known_before
    from flows.inbox.shapes import recognise
    from flows.inbox.staging import stage

    source = recognise(path, kind, _named_shape(settings, path))
    staged = stage(con, source, STAGED, settings.limits)
    if kind == "events":
        _judge_time(con, now, settings.max_future)
        ids = frame(con, f"select event_id from {JUDGED} where reason is null").to_series()
        distinct = deduplicated(con, JUDGED, kind, known_before(con, settings, known, ids))
    else:
        con.execute(f"create or replace temp view {JUDGED} as select * from {STAGED}")
        distinct = deduplicated(con, JUDGED, kind)
    number = next_batch(con)
    file = archive_folder(settings) / kind / f"{number:08d}.parquet"
    good = f"with good as (select * from {distinct.relation})"
    write_rows(con, f"{good} {sql_text(f'inbox/archive/{kind}.sql')}", file)
    check_canonical(kind, file)
    bad = _quarantine(con, settings, number)
    earliest_ts, latest_ts = _span(con, file) if kind == "events" else (None, None)
    return Batch(
        batch_id=number, kind=kind, file=path.name, content_hash=found, shape=source.shape,
        rows=staged.rows, duplicates=distinct.duplicates, quarantined=bad, loaded_at=now,
        archive=file.name, latest=latest_ts, earliest=earliest_ts,
    )  # fmt: skip


def admit(con: DuckDBPyConnection, settings: Settings, batch: Batch) -> list[Batch]:
    """Make an archived batch part of the state; customers' changes become a batch of events of their own.

    Returns:
        The batch, and the one of attribute changes where there are any.
    """
    _record(con, batch)
    bad = _quarantine_file(settings, batch.batch_id)
    if bad.exists():
        columns = "file, line, reason, row"
        values = f"select {batch.batch_id}, {columns}, $1 from read_parquet({literal(bad)})"
        con.execute(f"insert into quarantine {values}", [batch.loaded_at])
    file = archive_folder(settings) / batch.kind / batch.archive
    if batch.kind == "events":
        run_sql_over(con, "inbox/intake/new_profiles.sql", file)
        run_sql_over(con, "inbox/intake/suppressions.sql", file)
        return [batch]
    return [batch, *_admit_customers(con, settings, batch, file)]


def run_sql_over(con: DuckDBPyConnection, name: str, file: Path, **params: object) -> None:
    """Run a file of `sql/` over the archived batch `file`, which it calls `batch`."""
    con.execute(f"create or replace temp view batch as select * from read_parquet({literal(file)})")
    run_sql(con, name, **params)


def next_batch(con: DuckDBPyConnection) -> int:
    """The number of the next batch."""
    ((number,),) = con.execute("select coalesce(max(batch_id), 0) + 1 from batches").fetchall()
    return int(number)


def _admit_customers(con: DuckDBPyConnection, settings: Settings, batch: Batch, file: Path) -> list[Batch]:
    run_sql_over(con, "inbox/intake/profile_changes.sql", file, now=batch.loaded_at, batch=batch.batch_id)
    run_sql(con, "inbox/intake/changed_so_far.sql")
    changes = _changes(con, settings, batch)
    for name in ("customer_attributes", "customer_tags", "customer_profiles"):
        run_sql_over(con, f"inbox/intake/{name}.sql", file)
    return changes


def _changes(con: DuckDBPyConnection, settings: Settings, batch: Batch) -> list[Batch]:
    """What a customer file changed of known profiles, as `attribute_change` events at load time."""
    from flows.inbox.canonical import check_canonical

    ((count,),) = con.execute("select count(*) from profile_changes").fetchall()
    if not count:
        return []
    number = batch.batch_id + 1
    file = archive_folder(settings) / "events" / f"{number:08d}.parquet"
    write_rows(con, "select * from profile_changes", file)
    check_canonical("events", file)
    hashed = hashlib.sha256(f"{PROFILE_CHANGES}|{batch.content_hash}|{number}".encode()).hexdigest()
    changes = Batch(
        batch_id=number, kind="events", file=batch.file, content_hash=hashed, shape=PROFILE_CHANGES,
        rows=count, duplicates=0, quarantined=0, loaded_at=batch.loaded_at, archive=file.name,
        latest=batch.loaded_at, earliest=batch.loaded_at,
    )  # fmt: skip
    _record(con, changes)
    return [changes]


def _record(con: DuckDBPyConnection, batch: Batch) -> None:
    fields = vars(batch)
    names, marks = ", ".join(fields), ", ".join(f"${name}" for name in fields)
    con.execute(f"insert into batches ({names}) values ({marks})", fields)


def _judge_time(con: DuckDBPyConnection, now: datetime, max_future: timedelta) -> None:
    """Rows too far in the future are bad ones too (semantics.md §4)."""
    con.execute("set variable future_limit = $1::timestamptz", [now + max_future])
    con.execute("set variable future_most = $1", [spoken(max_future)])
    run_sql(con, "inbox/intake/judged.sql")


def _quarantine(con: DuckDBPyConnection, settings: Settings, number: int) -> int:
    """Archive the bad rows of a batch; how many there are."""
    file = _quarantine_file(settings, number)
    file.unlink(missing_ok=True)
    query = f"select file, line, reason, row from {JUDGED} where reason is not null"
    ((count,),) = con.execute(f"select count(*) from ({query})").fetchall()
    if count:
        write_rows(con, query, file)
    return int(count)


def _quarantine_file(settings: Settings, number: int) -> Path:
    return archive_folder(settings) / "quarantine" / f"{number:08d}.parquet"


def _span(con: DuckDBPyConnection, file: Path) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant of a batch's events."""
    query = f"select min(ts), max(ts) from read_parquet({literal(file)})"
    ((first, last),) = run(con, query, file=str(file), step="read its times").fetchall()
    return first, last


def _named_shape(settings: Settings, path: Path) -> str | None:
    return next((shape for pattern, shape in settings.shapes.items() if fnmatch(path.name, pattern)), None)
