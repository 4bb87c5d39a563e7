"""Load and decide, in one transaction: a tick happened whole or not at all (design: State).

The same code decides what just came in, and again what the archive's manifests say came in once.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from duckdb import DuckDBPyConnection

from flows.decide.can_happen import can_happen
from flows.definitions.folder import Definitions
from flows.definitions.rules import (
    Rules,
    read_patterns,
    read_send_times,
    rules_of,
    written_patterns,
    written_send_times,
)
from flows.definitions.versions import note_versions, pause_and_resume
from flows.errors import InputError
from flows.inbox.intake import PROFILE_CHANGES, admit, begin, take_in
from flows.session import Session
from flows.settings import Settings
from flows.store.archive import (
    Batch,
    Manifest,
    archive_folder,
    definition_file,
    last_manifest,
    write_clock,
    write_manifest,
)
from flows.store.publish import mark_unpublished
from flows.summary import TickSummary
from flows.warehouse import literal, run_sql, sql_text, transaction
from transforms.definitions.workflow import Workflow, version_of
from transforms.timing.durations import microseconds

Clock = Callable[[], datetime]
Say = Callable[[str], object]


def advance(
    con: DuckDBPyConnection,
    settings: Settings,
    definitions: Definitions,
    now: datetime,
    say: Say,
    clock: Clock,
) -> TickSummary:
    """Take in the inbox's new files and decide until `now`.

    Raises:
        InputError: `now` is before the last tick's, or a file can't be loaded; nothing has changed.
    """
    started = clock()
    tick_id, previous = _next_tick(con, now)
    rules = rules_of(settings, definitions.workflows, definitions.patterns, definitions.unreadable)
    with transaction(con):
        say("Loading new files")
        batches = take_in(con, settings, now)
        tick = TickSummary(tick_id, previous, now)
        manifest = _manifest(rules, batches, tick)
        summary = _decide(con, settings, rules, manifest, tick, say)
        if batches or _basis(manifest) != _last_basis(con):
            write_manifest(settings, manifest)
        _record(con, summary, manifest, started, clock())
        if summary.changed:
            mark_unpublished(settings)
    write_clock(settings, tick_id, now)
    if batches:
        from flows.inbox.seen_ids import read_known

        say("Noting event ids")
        read_known(con, settings)
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
    rules = _rules_then(settings, manifest)
    tick = TickSummary(manifest.tick_id, manifest.previous, manifest.now)
    with transaction(con):
        begin(con)
        for batch in manifest.batches:
            if batch.shape != PROFILE_CHANGES:
                admit(con, settings, batch)
        summary = _decide(con, settings, rules, manifest, tick, say)
        _record(con, summary, manifest, started, clock())
        mark_unpublished(settings)


def archived_workflow(settings: Settings, version: str) -> Workflow:
    """A version's definition as the archive has it."""
    return Workflow.model_validate_json(definition_file(settings, version).read_bytes())


def _rules_then(settings: Settings, manifest: Manifest) -> Rules:
    """The rules of an archived tick."""
    return Rules(
        [archived_workflow(settings, version) for _, version in manifest.workflows],
        read_patterns(manifest.patterns),
        manifest.frequency_caps,
        manifest.max_lateness,
        read_send_times(manifest.send_times),
        manifest.timezone,
        manifest.unreadable,
    )


def _decide(
    con: DuckDBPyConnection,
    settings: Settings,
    rules: Rules,
    manifest: Manifest,
    tick: TickSummary,
    say: Say,
) -> TickSummary:
    note_versions(con, settings, rules.workflows, tick.now)
    paused, resumed = pause_and_resume(con, rules.workflows, rules.unreadable, tick.tick_id)
    _lay_out_events(con, settings, manifest.batches, tick.previous, tick.now, rules.max_lateness)
    loaded = replace(_loaded(con, tick, manifest.batches), paused=paused, resumed=resumed)
    if not loaded.events and not can_happen(con, rules.workflows, tick.now):
        return loaded
    from flows.decide.pending import decide_pending

    came = any(one.kind == "customers" for one in manifest.batches)
    return decide_pending(Session(con, settings, say), rules, loaded, new_customers=came)


def _lay_out_events(
    con: DuckDBPyConnection,
    settings: Settings,
    batches: list[Batch],
    previous: datetime | None,
    now: datetime,
    max_lateness: timedelta,
) -> None:
    new = [one.archive for one in batches if one.kind == "events"]
    query = "select archive from batches where kind = 'events' and latest > $1"
    ahead = (
        [name for (name,) in con.execute(query, [previous]).fetchall() if name not in new] if previous else []
    )
    _view(con, settings, "new_events", new)
    _view(con, settings, "stored_events", ahead)
    con.execute("set variable tick_now = $1::timestamptz", [now])
    con.execute("set variable tick_previous = $1::timestamptz", [previous])
    con.execute("set variable tick_max_lateness = to_microseconds($1)", [microseconds(max_lateness)])
    run_sql(con, "tick/events.sql")
    con.execute("create or replace temp table new_batches as select unnest($1::varchar[]) as archive", [new])


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


def _manifest(rules: Rules, batches: list[Batch], tick: TickSummary) -> Manifest:
    return Manifest(
        tick_id=tick.tick_id,
        previous=tick.previous,
        now=tick.now,
        batches=batches,
        workflows=sorted((one.workflow_id, version_of(one)) for one in rules.workflows),
        frequency_caps=list(rules.caps),
        max_lateness=rules.max_lateness,
        unreadable=list(rules.unreadable),
        patterns=written_patterns(rules.patterns),
        send_times=written_send_times(rules.send_times),
        timezone=rules.timezone,
    )


def _basis(manifest: Manifest) -> str:
    """What decisions rest on besides the facts, as JSON."""
    caps = [(messages, str(window), *rest) for messages, window, *rest in manifest.frequency_caps]
    clocks = [manifest.send_times, manifest.timezone]
    kept = [manifest.workflows, caps, str(manifest.max_lateness), manifest.unreadable, manifest.patterns]
    return json.dumps([*kept, *clocks])


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
