"""New files of the inbox → archived batches: each content once, bad rows to quarantine, bad files aside.

A batch first becomes Parquet in the archive (`take_in`), then part of the state (`admit_all`); replaying the archive
repeats only the second step.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from duckdb import DuckDBPyConnection

from flows.errors import OnwardError
from flows.files import content_hash, printable
from flows.inbox.arrivals import WaitingFile, look_in, readable
from flows.inbox.refusals import fault_of_file, set_aside
from flows.session import Session
from flows.store.archive import Batch, archive_folder
from flows.warehouse import (
    assign,
    chained,
    count,
    insert,
    literal,
    make_view,
    one_file,
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

PROFILE_CHANGES = "profile_changes"
STAGED = "staged"
JUDGED = "judged"


@dataclass
class TakenIn:
    """What a tick takes in: archived batches, which aren't part of the state yet, and what else lay in the inbox.

    Attributes:
        looked_into: the files that need not be looked into again.
        refused: a sentence for each file that can't be loaded.
        passed_over: what can be no file of the inbox, in words.
        notes: how files are read where that isn't plain, a sentence each.
    """

    batches: list[Batch] = field(default_factory=list)
    looked_into: list[WaitingFile] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def take_in(session: Session, now: datetime) -> TakenIn:
    """Archive every new content of the inbox; the state stays as it is. A file that can't be loaded is set aside.

    Raises:
        OnwardError: the disk or the store can't go on; no file is to blame.
        OSError: likewise.
    """
    run_sql(session.con, "inbox/intake/nothing_archived.sql")
    found = look_in(session.con, session.settings)
    taken = TakenIn(passed_over=found.passed_over)
    if not found.waiting:
        return taken
    # An idle run shall not pay for importing pyarrow.
    from flows.inbox.seen_ids import read_seen_ids

    seen = read_seen_ids(session)
    loaded = {one for (one,) in run_sql(session.con, "inbox/intake/loaded.sql").fetchall()}
    for file in found.waiting:
        try:
            _take(session, seen, loaded, taken, file, now)
        except FileNotFoundError:
            continue
        except (OnwardError, duckdb.Error, OSError, UnicodeError) as error:
            if (reason := fault_of_file(file, error)) is None:
                raise
            _refuse(session, taken, file, reason)
    return taken


def _take(
    session: Session, seen: "SeenIds", loaded: set[str], taken: TakenIn, file: WaitingFile, now: datetime
) -> None:
    """Archive a file, unless its content was loaded before."""
    if (content := content_hash(file.path)) not in loaded:
        seen.catch_up()
        batch = archive_file(session, seen, file, content, now, taken.notes)
        insert(session.con, "archived_batches", vars(batch))
        taken.batches.append(batch)
        loaded.add(content)
    taken.looked_into.append(file)


def _refuse(session: Session, taken: TakenIn, file: WaitingFile, reason: str) -> None:
    refusal = set_aside(session.settings, file, reason)
    taken.refused.append(refusal.sentence)
    if not refusal.moved:
        taken.looked_into.append(file)


def admit_all(session: Session, batches: Sequence[Batch]) -> list[Batch]:
    """Make archived batches part of the state, inside the caller's transaction.

    Returns:
        They, each followed by the changes that it makes; changes among them are made anew.
    """
    run_sql(session.con, "inbox/intake/nothing_changed.sql")
    run_sql(session.con, "inbox/intake/nothing_archived.sql")
    given = (one for one in batches if one.shape != PROFILE_CHANGES)
    return [admitted for batch in given for admitted in admit(session, batch)]


def archive_file(
    session: Session, seen: "SeenIds", file: WaitingFile, content: str, now: datetime, notes: list[str]
) -> Batch:
    """Write a file's good rows and bad rows to the archive, as the next batch.

    Args:
        session: the store.
        seen: the ids of earlier events.
        file: what to archive.
        content: the hash of its content.
        now: when it is loaded.
        notes: what people should know of how it is read is added here.

    Raises:
        InputError: the file as a whole can't be loaded.
    """
    from flows.inbox.shapes import recognise
    from flows.inbox.staging import stage

    settings = session.settings
    with readable(file.path) as path:
        source = recognise(
            path, file.kind, _named(settings.shapes, file.path), _named(settings.encodings, file.path)
        )
        source = replace(source, types=_types(session, file.kind))
        staged = stage(session.con, source, STAGED, settings.limits)
        notes += [f"{printable(file.path.name)}: {note}" for note in source.notes]
        return _archived(
            session,
            seen,
            file,
            Batch(
                batch_id=_next_batch(session),
                kind=file.kind,
                file=printable(file.path.name),
                content_hash=content,
                shape=source.shape,
                rows=staged.rows,
                duplicates=0,
                quarantined=0,
                loaded_at=now,
                archive="",
                latest=None,
                text_columns=list(staged.text_columns),
            ),
        )


def _archived(session: Session, seen: "SeenIds", file: WaitingFile, batch: Batch) -> Batch:
    """Write what is staged to the archive, as `batch`; what is known of it then."""
    from flows.inbox.canonical import check_canonical

    con, kind, number = session.con, file.kind, batch.batch_id
    distinct = _judged(session, seen, kind, batch.loaded_at)
    archived = archive_folder(session.settings) / kind / f"{number:08d}.parquet"
    good = ("good", f"from {distinct.relation}")
    write_rows(con, chained(good, final=f"inbox/archive/{kind}.sql"), archived)
    check_canonical(kind, archived)
    bad = _quarantine(session, file.path, number)
    earliest, latest = _span(con, archived) if kind == "events" else (None, None)
    return replace(
        batch,
        duplicates=distinct.duplicates,
        quarantined=bad,
        archive=archived.name,
        latest=latest,
        earliest=earliest,
    )


def _next_batch(session: Session) -> int:
    ((number,),) = run_sql(session.con, "inbox/intake/next_batch.sql").fetchall()
    return int(number)


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
        run_sql(
            con, "inbox/intake/quarantine.sql", batch=batch.batch_id, bad=one_file(bad), now=batch.loaded_at
        )
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


def _quarantine(session: Session, path: Path, number: int) -> int:
    """Archive the bad rows of the batch that the file at `path` became; how many there are."""
    file = _quarantine_file(session, number)
    file.unlink(missing_ok=True)
    found = f"select * replace ({literal(printable(str(path)))} as file) from {JUDGED}"
    query = chained(("found", found), final="inbox/staging/bad.sql")
    if bad := count(session.con, f"({query})"):
        write_rows(session.con, query, file)
    return bad


def _quarantine_file(session: Session, number: int) -> Path:
    return archive_folder(session.settings) / "quarantine" / f"{number:08d}.parquet"


def _span(con: DuckDBPyConnection, file: Path) -> tuple[datetime | None, datetime | None]:
    """The first and the last instant of a batch's events."""
    query, params = sql_text("inbox/intake/span.sql"), {"file": one_file(file)}
    ((first, last),) = run(con, query, file=str(file), step="read its times", params=params).fetchall()
    return first, last


def _types(session: Session, kind: "Kind") -> dict[str, str]:
    """The types of CSV columns: what was text once is text, unless the settings say something else."""
    texts = run_sql(session.con, "inbox/intake/text_columns.sql", kind=kind).fetchall()
    return {**{name: "text" for (name,) in texts}, **session.settings.types}


def _named(patterns: Mapping[str, str], path: Path) -> str | None:
    """What the settings say of a file."""
    return next((said for pattern, said in patterns.items() if fnmatch(path.name, pattern)), None)
