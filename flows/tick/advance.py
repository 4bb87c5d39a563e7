"""Load, then admit and decide in one transaction: a tick happened whole or not at all (design: State)."""

import json
from dataclasses import replace
from datetime import datetime

from duckdb import DuckDBPyConnection

from flows.decide.can_happen import can_happen
from flows.decide.macros import make_macros
from flows.definitions.folder import Definitions
from flows.definitions.rules import Rules, rules_of, written_patterns, written_send_times
from flows.definitions.versions import note_versions, pause_and_resume
from flows.errors import InputError
from flows.inbox.admission import admit_all
from flows.inbox.intake import take_in
from flows.inbox.kept import forget_batches
from flows.inbox.taken import TakenIn
from flows.session import Session
from flows.store.archive import (
    SEMANTICS,
    Batch,
    Manifest,
    archive_folder,
    archived_file,
    write_clock,
    write_manifest,
)
from flows.store.publish import mark_unpublished
from flows.store.ticks import last_tick
from flows.summary import TickSummary
from flows.warehouse import assign, count, insert, make_view, parquet, run_sql, transaction
from transforms.definitions.workflow import version_of
from transforms.timing.durations import microseconds

MOST_TOLD = 20


def advance(session: Session, definitions: Definitions, now: datetime) -> TickSummary:
    """Take in the inbox's new files and decide until `now`.

    A file that can't be loaded is set aside, and everything else goes on (`TickSummary.refused`).

    Raises:
        InputError: `now` is before the last tick's; nothing has changed.
    """
    con, settings, started = session.con, session.settings, session.clock()
    tick = _next_tick(session, now)
    rules = rules_of(settings, definitions)
    session.say("Loading new files")
    taken = take_in(session, now)
    with transaction(con):
        batches = admit_all(session, taken.batches)
        taken.note(con)
        manifest = _manifest(rules, batches, tick)
        summary = _with_files(decide_tick(session, rules, manifest), taken)
        if batches or _basis(manifest) != _last_basis(con):
            write_manifest(settings, manifest)
        record_tick(session, summary, manifest, started)
        if summary.changed:
            mark_unpublished(settings)
    write_clock(settings, tick.tick_id, now)
    forget_batches(settings)
    if batches:
        from flows.inbox.seen_ids import read_seen_ids

        session.say("Noting event ids")
        read_seen_ids(session)
    return summary


def _with_files(summary: TickSummary, taken: TakenIn) -> TickSummary:
    """The summary, with what became of files that weren't loaded, and how others were read."""
    counts = {"refused_files": len(taken.refused)} if taken.refused else {}
    told = _some(taken.notes, MOST_TOLD)
    if taken.arrivals.passed_over:
        told.append("the inbox: passed over " + ", ".join(_some(taken.arrivals.passed_over, MOST_TOLD)))
    return replace(
        summary,
        counts={**summary.counts, **counts},
        refused=taken.refused,
        warnings=[*summary.warnings, *told],
    )


def _some(told: list[str], most: int) -> list[str]:
    """The first ones, and how many more there are."""
    more = len(told) - most
    return told if more <= 0 else [*told[:most], f"and {more:,} more"]


def decide_tick(session: Session, rules: Rules, manifest: Manifest) -> TickSummary:
    """Decide what the manifest's batches and what is due bring, inside the caller's transaction.

    Args:
        session: with those batches taken in.
        rules: those the manifest was written from, or that were read back from it.
        manifest: of the tick to decide.

    Returns:
        What was decided; the tick itself is not yet in `ticks` (`record_tick`).
    """
    con, tick = session.con, TickSummary(manifest.tick_id, manifest.previous, manifest.now)
    note_versions(session, rules.workflows, tick.now)
    paused, resumed = pause_and_resume(con, rules.workflows, rules.unreadable, tick.tick_id)
    _lay_out_events(session, manifest)
    loaded = replace(_loaded(con, tick, manifest.batches), paused=paused, resumed=resumed)
    if not loaded.events and not can_happen(con, rules.workflows, tick.now):
        return loaded
    from flows.decide.pending import decide_pending

    came = any(one.kind == "customers" for one in manifest.batches)
    return decide_pending(session, rules, loaded, new_customers=came)


def record_tick(session: Session, summary: TickSummary, manifest: Manifest, started: datetime) -> None:
    """Write the tick into `ticks` and `tick_counts`, inside the caller's transaction."""
    con, finished = session.con, session.clock()
    fields = {**vars(summary), "basis": _basis(manifest), "started_at": started, "finished_at": finished}
    insert(con, "ticks", {name: fields[name] for name in con.table("ticks").columns})
    for reason, n in summary.counts.items():
        insert(con, "tick_counts", {"tick_id": summary.tick_id, "reason": reason, "n": n})


def _next_tick(session: Session, now: datetime) -> TickSummary:
    last, previous = last_tick(session.con)
    if previous is not None and now < previous:
        way = (
            "if that was a mistake, `onward rebuild --until T` goes back to T"
            if previous > session.clock()
            else "give a later instant, or look at the past with `onward backtest`"
        )
        raise InputError(
            f"--now {now.isoformat()}: the last tick already decided everything until {previous.isoformat()}; {way}"
        )
    return TickSummary(last + 1, previous, now)


def _lay_out_events(session: Session, manifest: Manifest) -> None:
    con, previous = session.con, manifest.previous
    new = list(dict.fromkeys(one.archive for one in manifest.batches if one.kind == "events"))
    run_sql(con, "tick/new_batches.sql", archives=new)
    ahead = run_sql(con, "tick/batches_ahead.sql", previous=previous).fetchall() if previous else []
    folder = archive_folder(session.settings) / "events"
    nothing = folder / "_columns.parquet"
    # New ones were looked at when they were admitted.
    fresh = [folder / name for name in new]
    stored = [archived_file(session.settings, "events", name) for (name,) in ahead]
    make_view(con, "new_events", f"from {parquet(*fresh or [nothing])}")
    make_view(con, "stored_events", f"from {parquet(*stored or [nothing])}")
    assign(con, "timestamptz", tick_now=manifest.now, tick_previous=previous)
    assign(con, "bigint", tick_max_lateness=microseconds(manifest.max_lateness))
    run_sql(con, "tick/events.sql")


def _loaded(con: DuckDBPyConnection, tick: TickSummary, batches: list[Batch]) -> TickSummary:
    """The summary so far: what came in, and what of it isn't processed, by reason."""
    make_macros(con)
    events = count(con, "tick_events")
    counts = run_sql(con, "tick/counts.sql", now=tick.now).fetchall() if batches or events else []
    anonymous = sum(one.anonymous for one in batches)
    return replace(
        tick,
        batches=len(batches),
        events=events,
        duplicates=sum(one.duplicates for one in batches),
        quarantined=sum(one.quarantined for one in batches),
        counts={**dict(counts), **({"anonymous": anonymous} if anonymous else {})},
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
        semantics=SEMANTICS,
    )


def _basis(manifest: Manifest) -> str:
    """What decisions rest on besides the facts, as JSON."""
    caps = [(messages, str(window), *rest) for messages, window, *rest in manifest.frequency_caps]
    clocks = [manifest.send_times, manifest.timezone]
    kept = [manifest.workflows, caps, str(manifest.max_lateness), manifest.unreadable, manifest.patterns]
    return json.dumps([*kept, *clocks])


def _last_basis(con: DuckDBPyConnection) -> str | None:
    ((found,),) = run_sql(con, "tick/last_basis.sql").fetchall()
    return None if found is None else str(found)
