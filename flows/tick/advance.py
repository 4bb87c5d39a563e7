"""Load, then admit and decide in one transaction: a tick happened whole or not at all (design: State)."""

import json
from dataclasses import replace
from datetime import datetime

import polars as pl

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
from flows.store.archive import (
    SEMANTICS,
    Batch,
    Manifest,
    archive_folder,
    archived_file,
    manifests_stamp,
    write_clock,
    write_manifest,
)
from flows.store.state_file import StateFile
from flows.store.store import Store
from flows.store.tables import TICKS
from flows.store.ticks import last_tick
from flows.summary import TickSummary
from flows.warehouse import assign, count, make_view, parquet, read_sql, run_sql
from transforms.definitions.workflow import version_of
from transforms.timing.durations import microseconds

MOST_TOLD = 20
MANIFESTS = "manifests"
"""How the archive's manifests stood when the state knew all of them (`manifests_stamp`), as the state file notes it."""


def advance(store: Store, definitions: Definitions, now: datetime) -> TickSummary:
    """Take in the inbox's new files and decide until `now`.

    A file that can't be loaded is set aside, and everything else goes on (`TickSummary.refused`).

    Raises:
        InputError: `now` is before the last tick's; nothing has changed.
    """
    settings, started = store.settings, store.clock()
    tick = _next_tick(store, now)
    rules = rules_of(settings, definitions)
    store.say("Loading new files")
    taken = take_in(store, now)
    with store.transaction() as commit:
        batches = admit_all(store, taken.batches)
        taken.note(store.state)
        manifest = _manifest(rules, batches, tick)
        summary = _with_files(decide_tick(store, rules, manifest), taken)
        is_kept = bool(batches) or _basis(manifest) != _last_basis(store.state)
        if is_kept:
            write_manifest(settings, manifest)
        record_tick(store, summary, manifest, started)
        # Here alone, after all manifests there are: while earlier ticks are decided again, later ones have theirs.
        store.state.note(MANIFESTS, manifests_stamp(settings))
        commit.shows = summary.changed or is_kept or bool(summary.counts)
    write_clock(settings, tick.tick_id, now)
    forget_batches(settings)
    if batches:
        from flows.inbox.seen_ids import read_seen_ids

        store.say("Noting event ids")
        read_seen_ids(store)
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


def decide_tick(store: Store, rules: Rules, manifest: Manifest) -> TickSummary:
    """Decide what the manifest's batches and what is due bring, inside the caller's transaction.

    Args:
        store: with those batches taken in.
        rules: those the manifest was written from, or that were read back from it.
        manifest: of the tick to decide.

    Returns:
        What was decided; the tick itself is not yet in `ticks` (`record_tick`).
    """
    tick = TickSummary(manifest.tick_id, manifest.previous, manifest.now)
    note_versions(store, rules.workflows, tick.now)
    paused, resumed = pause_and_resume(store, rules.workflows, rules.unreadable)
    _lay_out_events(store, manifest)
    loaded = replace(_loaded(store, tick, manifest.batches), paused=paused, resumed=resumed)
    # Whether a goal that isn't of the versions may be hit, they don't say.
    if not (loaded.events or rules.counted) and not can_happen(
        store.state, rules.workflows, tick.previous, tick.now
    ):
        return loaded
    from flows.decide.pending import decide_pending

    came = any(one.kind == "customers" for one in manifest.batches)
    return decide_pending(store, rules, loaded, new_customers=came)


def record_tick(store: Store, summary: TickSummary, manifest: Manifest, started: datetime) -> None:
    """Write the tick into `ticks` and `tick_counts`, inside the caller's transaction."""
    fields = {**vars(summary), "basis": _basis(manifest), "started_at": started, "finished_at": store.clock()}
    store.state.append("ticks", pl.DataFrame({name: [fields[name]] for name in TICKS}, schema=TICKS))
    counts = [(summary.tick_id, reason, n) for reason, n in summary.counts.items()]
    store.state.write("insert into tick_counts values (?, ?, ?)", counts)


def _next_tick(store: Store, now: datetime) -> TickSummary:
    last, previous = last_tick(store.state)
    if previous is not None and now < previous:
        way = (
            "if that was a mistake, `onward rebuild --until T` goes back to T"
            if previous > store.clock()
            else "give a later instant, or look at the past with `onward backtest`"
        )
        raise InputError(
            f"--now {now.isoformat()}: the last tick already decided everything until {previous.isoformat()}; {way}"
        )
    return TickSummary(last + 1, previous, now)


def _lay_out_events(store: Store, manifest: Manifest) -> None:
    con, previous = store.con, manifest.previous
    new = list(dict.fromkeys(one.archive for one in manifest.batches if one.kind == "events"))
    run_sql(con, "tick/new_batches.sql", archives=new)
    ahead = store.state.rows("tick/batches_ahead.sql", previous=previous, new=new) if previous else []
    folder = archive_folder(store.settings) / "events"
    nothing = folder / "_columns.parquet"
    # New ones were looked at when they were admitted.
    fresh = [folder / name for name in new]
    stored = [archived_file(store.settings, "events", *one) for one in ahead]
    make_view(con, "new_events", f"from {parquet(*fresh or [nothing])}")
    make_view(con, "stored_events", f"from {parquet(*stored or [nothing])}")
    assign(con, "timestamptz", tick_now=manifest.now, tick_previous=previous)
    assign(con, "bigint", tick_max_lateness=microseconds(manifest.max_lateness))
    run_sql(con, "tick/events.sql")


def _loaded(store: Store, tick: TickSummary, batches: list[Batch]) -> TickSummary:
    """The summary so far: what came in, and what of it isn't processed, by reason."""
    con = store.con
    make_macros(con)
    events = count(con, "tick_events")
    if events:
        store.bring_in(read_sql(con, "tick/coming.sql").to_series())
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


def _last_basis(state: StateFile) -> str | None:
    found = state.rows("tick/last_basis.sql")
    return str(found[0][0]) if found else None
