"""Load and decide, in one transaction: a tick happened whole or not at all (design: State).

The same code decides what just came in, and again what the archive's manifests say came in once.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from duckdb import DuckDBPyConnection

from flows.archive import (
    Batch,
    Manifest,
    archive_folder,
    definition_file,
    last_manifest,
    write_clock,
    write_manifest,
)
from flows.errors import InputError
from flows.intake import PROFILE_CHANGES, admit, begin, take_in
from flows.publish import mark_unpublished
from flows.queries import literal
from flows.settings import FrequencyCap, Settings
from flows.summary import TickSummary
from flows.versions import note_versions, pause_and_resume
from flows.warehouse import run_sql, sql_text, transaction
from transforms.durations import microseconds
from transforms.workflow import Workflow, version_of

Clock = Callable[[], datetime]
Say = Callable[[str], object]


def advance(
    con: DuckDBPyConnection,
    settings: Settings,
    workflows: Sequence[Workflow],
    now: datetime,
    say: Say,
    clock: Clock,
    unreadable: Collection[str] = (),
) -> TickSummary:
    """Take in the inbox's new files and decide until `now`.

    `unreadable` are the ids of workflows whose files have faults: their executions stay running or paused.

    Raises:
        InputError: `now` is before the last tick's, or a file can't be loaded; nothing has changed.
    """
    started = clock()
    tick_id, previous = _next_tick(con, now)
    with transaction(con):
        say("Loading new files")
        batches = take_in(con, settings, now)
        tick = TickSummary(tick_id, previous, now)
        manifest = _manifest(settings, workflows, batches, tick, unreadable)
        summary = _decide(con, settings, workflows, manifest, tick, say)
        if batches or _basis(manifest) != _last_basis(con):
            write_manifest(settings, manifest)
        _record(con, summary, manifest, started, clock())
        if summary.changed:
            mark_unpublished(settings)
    write_clock(settings, tick_id, now)
    return summary


def replay(con: DuckDBPyConnection, settings: Settings, manifest: Manifest, say: Say, clock: Clock) -> None:
    """Decide a tick again from its manifest and the archive, with the workflows and settings of then."""
    if manifest.previous:
        move_to(con, settings, manifest.tick_id - 1, manifest.previous, clock)
    _replay(con, settings, manifest, say, clock)


def move_to(con: DuckDBPyConnection, settings: Settings, tick_id: int, now: datetime, clock: Clock) -> None:
    """Decide again what fell due until `now`, on the basis of the last manifest; nothing if that's behind."""
    done, last = _last_tick(con)
    before = last_manifest(settings, done)
    if before and last and last < now:
        between = replace(before, tick_id=tick_id, previous=last, now=now, batches=[])
        _replay(con, settings, between, lambda _: None, clock)


def _replay(con: DuckDBPyConnection, settings: Settings, manifest: Manifest, say: Say, clock: Clock) -> None:
    started = clock()
    caps = [FrequencyCap(messages=n, window=window) for n, window in manifest.frequency_caps]
    then = settings.model_copy(update={"frequency_caps": caps, "max_lateness": manifest.max_lateness})
    workflows = [archived_workflow(settings, version) for _, version in manifest.workflows]
    tick = TickSummary(manifest.tick_id, manifest.previous, manifest.now)
    with transaction(con):
        begin(con)
        for batch in manifest.batches:
            if batch.shape != PROFILE_CHANGES:
                admit(con, settings, batch)
        summary = _decide(con, then, workflows, manifest, tick, say)
        _record(con, summary, manifest, started, clock())
        mark_unpublished(settings)


def archived_workflow(settings: Settings, version: str) -> Workflow:
    """A version's definition as the archive has it."""
    return Workflow.model_validate_json(definition_file(settings, version).read_bytes())


def _decide(
    con: DuckDBPyConnection,
    settings: Settings,
    workflows: Sequence[Workflow],
    manifest: Manifest,
    tick: TickSummary,
    say: Say,
) -> TickSummary:
    note_versions(con, settings, workflows, tick.now)
    paused, resumed = pause_and_resume(con, workflows, manifest.unreadable, tick.tick_id)
    _lay_out_events(con, settings, manifest.batches, tick.previous, tick.now)
    loaded = replace(_loaded(con, tick, manifest.batches), paused=paused, resumed=resumed)
    if not loaded.events and not _is_due(con, tick.now):
        return loaded
    from flows.deciding import decide_pending

    say("Deciding")
    return decide_pending(con, settings, workflows, loaded)


def _lay_out_events(
    con: DuckDBPyConnection,
    settings: Settings,
    batches: list[Batch],
    previous: datetime | None,
    now: datetime,
) -> None:
    new = [one.archive for one in batches if one.kind == "events"]
    query = "select archive from batches where kind = 'events' and latest > $1"
    ahead = (
        [name for (name,) in con.execute(query, [previous]).fetchall() if name not in new] if previous else []
    )
    _view(con, settings, "new_events", new)
    _view(con, settings, "stored_events", ahead)
    lateness = microseconds(settings.max_lateness)
    run_sql(con, "tick/events.sql", now=now, previous=previous, max_lateness=lateness)


def _view(con: DuckDBPyConnection, settings: Settings, name: str, archives: list[str]) -> None:
    folder = archive_folder(settings) / "events"
    files = ", ".join(literal(folder / one) for one in archives or ["_columns.parquet"])
    con.execute(f"create or replace temp view {name} as select * from read_parquet([{files}])")


def _last_tick(con: DuckDBPyConnection) -> tuple[int, datetime | None]:
    ((last, now),) = con.execute("select coalesce(max(tick_id), 0), max(now) from ticks").fetchall()
    return int(last), now


def _next_tick(con: DuckDBPyConnection, now: datetime) -> tuple[int, datetime | None]:
    last, previous = _last_tick(con)
    if previous is not None and now < previous:
        raise InputError(
            f"--now {now.isoformat()}: the last tick already decided everything until "
            f"{previous.isoformat()}; give a later instant, or look at the past with `onward backtest`"
        )
    return last + 1, previous


def _is_due(con: DuckDBPyConnection, now: datetime) -> bool:
    query = "select 1 from executions where status = 'running' and due_at <= $1 limit 1"
    return bool(con.execute(query, [now]).fetchall())


def _loaded(con: DuckDBPyConnection, tick: TickSummary, batches: list[Batch]) -> TickSummary:
    """The summary so far: what came in, and what of it isn't processed, by reason."""
    ((events,),) = con.execute("select count(*) from tick_events").fetchall()
    counts = (
        con.execute(sql_text("tick/counts.sql"), {"now": tick.now}).fetchall() if batches or events else []
    )
    return replace(
        tick,
        batches=len(batches),
        events=int(events),
        duplicates=sum(one.duplicates for one in batches),
        quarantined=sum(one.quarantined for one in batches),
        counts=dict(counts),
    )


def _manifest(
    settings: Settings,
    workflows: Sequence[Workflow],
    batches: list[Batch],
    tick: TickSummary,
    unreadable: Collection[str],
) -> Manifest:
    return Manifest(
        tick_id=tick.tick_id,
        previous=tick.previous,
        now=tick.now,
        batches=batches,
        workflows=sorted((one.workflow_id, version_of(one)) for one in workflows),
        frequency_caps=[(one.messages, one.window) for one in settings.frequency_caps],
        max_lateness=settings.max_lateness,
        unreadable=sorted(unreadable),
    )


def _basis(manifest: Manifest) -> str:
    """What decisions rest on besides the facts, as JSON."""
    caps = [(messages, str(window)) for messages, window in manifest.frequency_caps]
    return json.dumps([manifest.workflows, caps, str(manifest.max_lateness), manifest.unreadable])


def _last_basis(con: DuckDBPyConnection) -> str | None:
    ((found,),) = con.execute("select arg_max(basis, tick_id) from ticks").fetchall()
    return None if found is None else str(found)


def _record(
    con: DuckDBPyConnection,
    summary: TickSummary,
    manifest: Manifest,
    started: datetime,
    finished: datetime,
) -> None:
    fields = {
        **vars(summary),
        "basis": _basis(manifest),
        "started_at": started,
        "finished_at": finished,
    }
    names = [name for (name,) in con.execute("select column_name from (describe ticks)").fetchall()]
    row = {name: fields[name] for name in names}
    marks = ", ".join(f"${name}" for name in row)
    con.execute(f"insert into ticks ({', '.join(row)}) values ({marks})", row)
    for reason, n in summary.counts.items():
        con.execute("insert into tick_counts values ($1, $2, $3)", [summary.tick_id, reason, n])
